//! Which project a folder holds: Next.js version, bundler, page extensions. Only literals of a configuration are read; it
//! is never run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

use super::fence;
use super::workspace;

/// What builds the routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bundler {
    /// The default up to Next.js 15.
    Webpack,
    /// The default from Next.js 16.
    Turbopack,
}

impl Bundler {
    /// As reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Bundler::Webpack => "webpack",
            Bundler::Turbopack => "turbopack",
        }
    }
}

/// A Next.js project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its folder, as named.
    pub root: PathBuf,
    /// The folder that its files may lie in, without links, see [`fence::workspace`].
    pub workspace: PathBuf,
    /// Version of Next.js: major and minor.
    pub version: (u32, u32),
    /// As written where it was read.
    pub version_text: String,
    /// Where the version was read.
    pub version_source: String,
    /// What builds it.
    pub bundler: Bundler,
    /// Extensions of pages and routes, without the first dot.
    pub page_extensions: Vec<String>,
    /// The compiler keeps imports that are not used as values.
    pub keeps_unused_imports: bool,
    /// `node_modules` is there.
    pub installed: bool,
    /// What could not be told, in words.
    pub remarks: Vec<String>,
    /// Its configuration is there and cannot be read: the file and why.
    pub unread_config: Option<(String, String)>,
}

/// Why there is nothing to judge.
#[derive(Debug, Error)]
pub enum ProjectError {
    /// No project here.
    #[error("{0}: no Next.js project (no package.json that depends on `next`)")]
    None(String),
    /// More than one.
    #[error("{0} holds several Next.js projects ({1}); name one")]
    Several(String, String),
}

/// Names of the configuration of Next.js.
const CONFIGURATIONS: &[&str] =
    &["next.config.js", "next.config.mjs", "next.config.ts", "next.config.mts", "next.config.cjs"];
/// The version that is taken where none can be read.
const NEWEST: (u32, u32) = (16, 4);

/// Finds the project in `dir`, or the only one in folders below it (a monorepo). A folder is a project if Next.js would
/// build something of it; a library that only names `next` is none.
///
/// # Errors
/// There is none, or more than one.
pub fn find(dir: &Path) -> Result<Project, ProjectError> {
    let names_next = package_json(dir).is_some_and(|package| wanted_version(&package).is_some());
    if is_project(dir) {
        return Ok(read(dir));
    }
    let mut found = Vec::new();
    below(dir, 3, &mut found);
    found.sort();
    match found.as_slice() {
        [] if names_next => Ok(read(dir)),
        [] => Err(ProjectError::None(dir.display().to_string())),
        [one] => Ok(read(one)),
        several => {
            let names: Vec<_> = several.iter().map(|path| path.display().to_string()).collect();
            Err(ProjectError::Several(dir.display().to_string(), names.join(", ")))
        }
    }
}

fn below(dir: &Path, depth: u32, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !entry.file_type().is_ok_and(|kind| kind.is_dir())
            || name.starts_with('.')
            || name == "node_modules"
        {
            continue;
        }
        let path = entry.path();
        if is_project(&path) {
            found.push(path);
        } else if depth > 1 {
            below(&path, depth - 1, found);
        }
    }
}

/// Whether Next.js would build something of a folder: its own `package.json` names `next` and it has routes or a
/// configuration; or it has a configuration and a `package.json` above it names `next` (Nx).
fn is_project(dir: &Path) -> bool {
    let is_configured = CONFIGURATIONS.iter().any(|name| fence::is_there(&dir.join(name)));
    let has_folder = || ["app", "pages", "src/app", "src/pages"].iter().any(|name| dir.join(name).is_dir());
    let has_file = || {
        let extensions = ["ts", "js", "tsx", "jsx"];
        let stems = ["middleware", "proxy", "src/middleware", "src/proxy"];
        let mut names =
            stems.iter().flat_map(|stem| extensions.map(|extension| format!("{stem}.{extension}")));
        names.any(|name| fence::is_there(&dir.join(name)))
    };
    match package_json(dir).map(|package| wanted_version(&package).is_some()) {
        Some(true) => is_configured || has_folder() || has_file(),
        _ => is_configured && wanted(dir, &fence::workspace(dir)).is_some(),
    }
}

/// The version that is asked for, by the nearest `package.json` from `dir` up to the workspace's folder that names one, and
/// where that stands.
fn wanted(dir: &Path, workspace: &Path) -> Option<(String, String)> {
    let real = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let within = real.ancestors().take_while(|dir| dir.starts_with(workspace));
    within.enumerate().find_map(|(up, dir)| {
        let version = wanted_version(&package_json(dir)?)?.to_owned();
        Some((version, format!("{}package.json", "../".repeat(up))))
    })
}

fn package_json(dir: &Path) -> Option<Value> {
    fence::json(&dir.join("package.json"))
}

fn wanted_version(package: &Value) -> Option<&str> {
    ["dependencies", "devDependencies"].iter().find_map(|group| package.get(group)?.get("next")?.as_str())
}

/// What a version that is asked for stands for: of a catalogue, or of the lock file where it has no number.
fn settled(root: &Path, wanted: &str, source: &str, workspace: &Path) -> (String, String) {
    let (mut text, mut place) = (wanted.to_owned(), source.to_owned());
    if let Some(version) = workspace::catalog(workspace, wanted, "next") {
        (text, place) = (version, "the workspace's catalog".to_owned());
    }
    let has_number = !text.starts_with("catalog:") && numbers(&text).is_some();
    if !has_number && let Some(version) = locked(root, workspace) {
        (text, place) = (version, "the lock file".to_owned());
    }
    (text, place)
}

/// The version of `next` in the nearest lock file from `dir` up, if it has one only.
fn locked(dir: &Path, workspace: &Path) -> Option<String> {
    let real = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let names = ["package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock"];
    let mut within = real.ancestors().take_while(|dir| dir.starts_with(workspace));
    let dir = within.find(|dir| names.iter().any(|name| fence::is_there(&dir.join(name))))?;
    if let Some(lock) = fence::json(&dir.join("package-lock.json")) {
        let version = lock.get("packages")?.get("node_modules/next")?.get("version")?.as_str()?;
        return Some(version.to_owned());
    }
    let text = ["pnpm-lock.yaml", "yarn.lock", "bun.lock"]
        .iter()
        .find_map(|name| fence::text(&dir.join(name)).ok())?;
    let mut versions = BTreeSet::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim_start_matches([' ', '"', '\'', '/']);
        // `next@16.0.1(react…):`, `/next@14.2.3`, `"next": ["next@15.1.0", …`
        let bun = line.strip_prefix("next\": [\"");
        let Some(rest) = bun.unwrap_or(line).strip_prefix("next@") else { continue };
        let is_number = rest.starts_with(|c: char| c.is_ascii_digit());
        if is_number && !rest.contains("next@") {
            let stop = rest.find(['(', ':', '"', '\'', ',', '/']).unwrap_or(rest.len());
            versions.insert(rest.get(..stop).unwrap_or(rest).to_owned());
        } else if let Some(version) = lines.next().and_then(|line| line.trim().strip_prefix("version")) {
            versions.insert(version.trim_matches([' ', ':', '"']).to_owned());
        }
    }
    let first = versions.pop_first()?;
    versions.is_empty().then_some(first)
}

/// Major and minor of the first number in a version or range: `^15.0.3`, `15.x`.
fn numbers(text: &str) -> Option<(u32, u32)> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let mut parts = text[start..].split(|c: char| !c.is_ascii_digit());
    let major = parts.next()?.parse().ok()?;
    Some((major, parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0)))
}

fn read(root: &Path) -> Project {
    let mut remarks = Vec::new();
    let workspace = fence::workspace(root);
    let package = package_json(root).unwrap_or(Value::Null);
    let installed = root.ancestors().find_map(|dir| package_json(&dir.join("node_modules/next")));
    let installed = installed.as_ref().and_then(|next| next.get("version")?.as_str());
    let (version_text, version_source) = match installed {
        Some(version) => (version.to_owned(), "node_modules/next/package.json".to_owned()),
        None => {
            let (wanted, source) =
                wanted(root, &workspace).unwrap_or_else(|| (String::new(), "package.json".to_owned()));
            settled(root, &wanted, &source, &workspace)
        }
    };
    let told = Some(&version_text).filter(|text| !text.starts_with("catalog:"));
    let version = told.and_then(|text| numbers(text)).unwrap_or_else(|| {
        remarks.push(format!(
            "the version of Next.js cannot be told from `{version_text}`; {}.{} is assumed",
            NEWEST.0, NEWEST.1
        ));
        NEWEST
    });
    let build = package.get("scripts").and_then(|scripts| scripts.get("build")?.as_str()).unwrap_or("");
    let bundler = match version.0 {
        16.. if build.contains("--webpack") => Bundler::Webpack,
        16.. => Bundler::Turbopack,
        15 if build.contains("--turbo") => Bundler::Turbopack,
        _ => Bundler::Webpack,
    };
    let (page_extensions, unread_config) = page_extensions(root, &mut remarks);
    let tsconfig = fence::text(&root.join("tsconfig.json")).unwrap_or_default();
    let squeezed: String = tsconfig.chars().filter(|c| !c.is_whitespace()).collect();
    Project {
        root: root.to_owned(),
        workspace,
        version,
        version_text,
        version_source,
        bundler,
        page_extensions,
        keeps_unused_imports: squeezed.contains("\"verbatimModuleSyntax\":true"),
        installed: root.ancestors().any(|dir| dir.join("node_modules").is_dir()),
        remarks,
        unread_config,
    }
}

/// `pageExtensions: ['page.tsx', …]` of the configuration, where it is a list of strings.
fn page_extensions(root: &Path, remarks: &mut Vec<String>) -> (Vec<String>, Option<(String, String)>) {
    let default = || ["tsx", "ts", "jsx", "js"].map(str::to_owned).to_vec();
    let config =
        CONFIGURATIONS.iter().find_map(|name| Some((*name, fence::text_if_there(&root.join(name))?)));
    match config {
        None => (default(), None),
        Some((_, Ok(config))) => (listed_extensions(&config, remarks).unwrap_or_else(default), None),
        Some((name, Err(reason))) => (default(), Some((name.to_owned(), reason))),
    }
}

/// The extensions that the text of a configuration lists, if it does.
fn listed_extensions(config: &str, remarks: &mut Vec<String>) -> Option<Vec<String>> {
    let at = config.find("pageExtensions")?;
    let rest = config[at + "pageExtensions".len()..].trim_start().trim_start_matches(':').trim_start();
    let list = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(list, _)| list);
    let literal = list.and_then(|list| {
        let parts = list.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts
            .map(|part| {
                part.strip_prefix(['\'', '"', '`'])?.strip_suffix(['\'', '"', '`']).map(str::to_owned)
            })
            .collect::<Option<Vec<_>>>()
    });
    let literal = literal.filter(|list| !list.is_empty());
    if literal.is_none() {
        remarks.push(
            "pageExtensions of the configuration is computed; tsx, ts, jsx and js are assumed".to_owned(),
        );
    }
    literal
}
