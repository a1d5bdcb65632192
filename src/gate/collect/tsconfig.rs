//! `tsconfig.json` of which a base is not there: what it says itself still holds. The resolver refuses such a file as a
//! whole, and with it every import of the project; here it is handed the file without what leads nowhere.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use oxc_resolver::{FileMetadata, FileSystem, FileSystemOs, ResolveError};
use serde_json::Value;

use super::fence::Fenced;
use super::workspace::Packages;

/// What was left out: the file, and the base (empty: the file is no JSON).
pub type Lost = BTreeSet<(PathBuf, String)>;

/// The disk, with `tsconfig.json` files mended.
#[derive(Debug, Clone, Default)]
pub struct Mended {
    packages: Arc<Packages>,
    lost: Arc<Mutex<Lost>>,
}

impl Mended {
    /// Bases that are packages of the workspace are found by name.
    pub fn of(packages: Arc<Packages>) -> Mended {
        Mended { packages, lost: Arc::default() }
    }

    /// What was left out until now.
    pub fn lost(&self) -> Lost {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lose(&self, path: &Path, base: &str) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.insert((path.to_owned(), base.to_owned()));
    }

    fn mended(&self, path: &Path, bytes: Vec<u8>) -> Vec<u8> {
        let mut text = bytes.clone();
        let _ = json_strip_comments::strip_slice(&mut text);
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
        let Ok(mut config) = serde_json::from_slice::<Value>(text) else {
            self.lose(path, "");
            return b"{}".to_vec();
        };
        let dir = path.parent().unwrap_or(path);
        let Some(object) = config.as_object_mut() else { return bytes };
        if let Some(extends) = object.remove("extends") {
            let bases = match &extends {
                Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
                one => Vec::from_iter(one.as_str()),
            };
            let mut kept = Vec::new();
            for base in bases {
                match self.base(dir, base) {
                    Some(file) => kept.push(Value::String(file.display().to_string())),
                    None => self.lose(path, base),
                }
            }
            object.insert("extends".to_owned(), Value::Array(kept));
        }
        if let Some(references) = object.get_mut("references").and_then(Value::as_array_mut) {
            references.retain(|one| {
                one.get("path").and_then(Value::as_str).is_some_and(|name| file(&dir.join(name)).is_some())
            });
        }
        serde_json::to_vec(&config).unwrap_or(bytes)
    }

    /// The file of a base.
    fn base(&self, dir: &Path, base: &str) -> Option<PathBuf> {
        if base.starts_with(['.', '/']) {
            return file(&dir.join(base));
        }
        let installed = dir.ancestors().find_map(|dir| file(&dir.join("node_modules").join(base)));
        installed.or_else(|| {
            let (folder, inside) = self.packages.folder(base)?;
            file(&folder.join(inside))
        })
    }
}

/// A configuration by its name with or without `.json`, or by its folder.
fn file(path: &Path) -> Option<PathBuf> {
    let mut with = path.as_os_str().to_owned();
    with.push(".json");
    [path.to_owned(), PathBuf::from(with), path.join("tsconfig.json")].into_iter().find(|path| path.is_file())
}

impl FileSystem for Mended {
    fn new() -> Self {
        Mended::default()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let bytes = Fenced.read(path)?;
        let config = path.extension().is_some_and(|extension| extension == "json")
            && path.file_name().is_some_and(|name| name != "package.json");
        Ok(if config { self.mended(path, bytes) } else { bytes })
    }

    fn read_to_string(&self, path: &Path) -> io::Result<String> {
        FileSystemOs::validate_string(self.read(path)?)
    }

    fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        Fenced.metadata(path)
    }

    fn symlink_metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        Fenced.symlink_metadata(path)
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, ResolveError> {
        Fenced.read_link(path)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        Fenced.canonicalize(path)
    }
}
