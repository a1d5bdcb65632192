//! What of the disk belongs to a project, and how its files are opened. A project may hold links that lead anywhere, pipes
//! and files without end; only regular files of a size that people write are read, and only inside the workspace.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use oxc_resolver::{FileMetadata, FileSystem, FileSystemOs, ResolveError};
use serde_json::Value;

use super::nesting::is_json_too_deep;
use crate::input::regular;

/// Files larger than this are not source code, configuration or keys that anyone wrote.
pub const MAX_BYTES: u64 = 4 << 20;
/// [`MAX_BYTES`] in words.
const TOO_LARGE: &str = "larger than 4 MiB";

/// The text of a file of a project.
///
/// # Errors
/// Why it is not read, in words.
pub fn text(path: &Path) -> Result<String, String> {
    let bytes = regular::read(path, MAX_BYTES).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => TOO_LARGE.to_owned(),
        _ => error.to_string(),
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// As [`text`], where the file is there. A link that leads to nothing is no file, as it is to Next.js.
pub fn text_if_there(path: &Path) -> Option<Result<String, String>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        _ => Some(text(path)),
    }
}

/// As [`text`], where something has this name, be it a link that leads to nothing.
pub fn text_if_named(path: &Path) -> Option<Result<String, String>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        _ => Some(text(path)),
    }
}

/// A file of JSON, if it can be read.
pub fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&regular::read(path, MAX_BYTES).ok()?).ok()
}

/// Whether something that is no folder has this name.
pub fn is_there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_dir())
}

/// The folder that the project's files may lie in: the nearest one above it that says that it is the root of a
/// repository or of a workspace, else the outermost one in an unbroken row that has a `package.json` or `node_modules`.
pub fn workspace(root: &Path) -> PathBuf {
    let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let is_root = |dir: &&Path| {
        [".git", "pnpm-workspace.yaml", "lerna.json"].iter().any(|name| dir.join(name).exists())
            || json(&dir.join("package.json")).is_some_and(|package| package.get("workspaces").is_some())
    };
    let has_packages = |dir: &&Path| dir.join("package.json").exists() || dir.join("node_modules").exists();
    let said = root.ancestors().find(is_root);
    let row = || root.ancestors().take_while(has_packages).last();
    said.or_else(row).unwrap_or(&root).to_owned()
}

/// What the resolver may read.
#[derive(Debug, Clone, Copy)]
pub struct Fenced;

impl FileSystem for Fenced {
    fn new() -> Self {
        Fenced
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let bytes = regular::read(path, MAX_BYTES)?;
        if is_json_too_deep(&bytes) {
            return Err(io::Error::other("nested too deeply"));
        }
        Ok(bytes)
    }

    fn read_to_string(&self, path: &Path) -> io::Result<String> {
        FileSystemOs::validate_string(self.read(path)?)
    }

    fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        FileSystemOs::metadata(path)
    }

    fn symlink_metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        FileSystemOs::symlink_metadata(path)
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, ResolveError> {
        FileSystemOs::read_link(path)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        FileSystemOs::canonicalize(path)
    }
}
