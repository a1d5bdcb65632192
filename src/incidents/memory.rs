//! The folder of saved incidents. Reading it never fails as a whole: a broken file is named and passed over, so that one
//! slip of an editor does not take the memory away during an incident.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::saved::Saved;
use crate::fault::Fault;

/// Files that are read of one folder.
const MAX_FILES: usize = 10_000;
/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Saved incidents by fingerprint, with the files that they stand in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// By fingerprint.
    pub saved: BTreeMap<String, (PathBuf, Saved)>,
    /// What could not be read.
    pub faults: Vec<Fault>,
}

impl Memory {
    /// Reads the `.toml` files of a folder, not those of folders in it, and no links.
    pub fn load(dir: &Path) -> Memory {
        let mut memory = Memory::default();
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => {
                memory.faults.push(unreadable(dir, &error));
                return memory;
            }
        };
        let mut files: Vec<PathBuf> = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
            .collect();
        files.sort();
        if files.len() > MAX_FILES {
            let problem = format!("{} files, of which the first {MAX_FILES} are read", files.len());
            memory.faults.push(Fault::whole(dir, problem, "put old incidents into a folder of their own"));
            files.truncate(MAX_FILES);
        }
        for file in files {
            match read_text(&file).and_then(|text| Saved::read(&file, &text)) {
                Ok(saved) => {
                    memory.saved.insert(saved.id.clone(), (file, saved));
                }
                Err(fault) => memory.faults.push(fault),
            }
        }
        memory
    }

    /// The incident whose fingerprint is this or begins with it.
    ///
    /// # Errors
    /// There is none, or more than one; the text says which.
    pub fn find(&self, id: &str) -> Result<&(PathBuf, Saved), String> {
        let mut found = self.saved.range(id.to_owned()..).take_while(|(key, _)| key.starts_with(id));
        match (found.next(), found.next()) {
            (Some((_, one)), None) => Ok(one),
            (Some((one, _)), Some((other, _))) => {
                Err(format!("`{id}` could be {one} or {other}: name more of it"))
            }
            _ => Err(format!("no saved incident `{id}`; `why500 incidents list` names them all")),
        }
    }
}

/// The text of a file of the user.
///
/// # Errors
/// It cannot be read, is too large or no UTF-8.
pub fn read_text(file: &Path) -> Result<String, Fault> {
    let mut text = String::new();
    let opened = fs::File::open(file).map_err(|error| unreadable(file, &error))?;
    opened.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|error| unreadable(file, &error))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Fault::whole(file, "larger than 1 MiB", "keep long texts elsewhere, and link to them"));
    }
    Ok(text)
}

fn unreadable(path: &Path, error: &io::Error) -> Fault {
    Fault::whole(
        path,
        format!("cannot be read: {error}"),
        "check that it exists, is UTF-8 text and may be read",
    )
}

/// Writes a file of the memory; makes the folder if need be. An existing file is replaced only if `replace` is set, and
/// at once, so that no reader sees half of it.
///
/// # Errors
/// `AlreadyExists` if the file is there and must stay, else what the system says.
pub fn write(dir: &Path, saved: &Saved, replace: bool) -> io::Result<PathBuf> {
    let text = saved.to_toml().map_err(io::Error::other)?;
    fs::create_dir_all(dir)?;
    let path = dir.join(format!("{}.toml", saved.id));
    let mut draft = tempfile::Builder::new().prefix(".draft-").tempfile_in(dir)?;
    draft.write_all(text.as_bytes())?;
    draft.flush()?;
    let kept = if replace { draft.persist(&path) } else { draft.persist_noclobber(&path) };
    kept.map_err(|error| error.error)?;
    readable_by_all(&path)?;
    Ok(path)
}

/// Drafts are for their user alone; files for a repository are as any other.
#[cfg(unix)]
fn readable_by_all(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_path: &Path) -> io::Result<()> {
    Ok(())
}
