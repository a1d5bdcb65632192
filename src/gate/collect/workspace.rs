//! The packages that a workspace holds itself, by name, as its `pnpm-workspace.yaml`, `package.json` or `lerna.json` lists
//! their folders, and the versions that it sets for all of them. Of YAML only what these lists need is read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::fence;
use super::graph::package_of;

/// Most folders that are looked into for packages.
const MAX_FOLDERS: usize = 20_000;
/// Deepest folder below a `**`.
const MAX_DEPTH: usize = 8;

/// Packages of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packages {
    folders: BTreeMap<String, PathBuf>,
}

impl Packages {
    /// The packages below the root of a workspace.
    pub fn of(workspace: &Path) -> Packages {
        let mut found = Vec::new();
        let mut left = MAX_FOLDERS;
        for pattern in patterns(workspace).iter().filter(|pattern| !pattern.starts_with('!')) {
            let parts: Vec<&str> =
                pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
            expand(workspace, &parts, 0, &mut left, &mut found);
        }
        found.sort();
        let mut folders = BTreeMap::new();
        for folder in found {
            let package = fence::json(&folder.join("package.json"));
            let name = package.as_ref().and_then(|package| package.get("name")?.as_str());
            if let Some(name) = name {
                folders.entry(name.to_owned()).or_insert(folder);
            }
        }
        Packages { folders }
    }

    /// The folder of the package that a bare specifier asks for, and what of it is asked for (empty: its entry).
    pub fn folder<'s>(&self, specifier: &'s str) -> Option<(&Path, &'s str)> {
        let name = package_of(specifier);
        let folder = self.folders.get(name)?;
        Some((folder, specifier.get(name.len()..)?.trim_start_matches('/')))
    }
}

/// Patterns of the folders of packages, as the workspace lists them.
fn patterns(workspace: &Path) -> Vec<String> {
    let listed = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|one| Some(one.as_str()?.to_owned())).collect()
    };
    let mut patterns: Vec<String> = fence::text(&workspace.join("pnpm-workspace.yaml"))
        .map(|text| Yaml::of(&text).list("packages"))
        .unwrap_or_default();
    if let Some(package) = fence::json(&workspace.join("package.json"))
        && let Some(workspaces) = package.get("workspaces")
    {
        patterns.extend(listed(workspaces.get("packages").unwrap_or(workspaces)));
    }
    if let Some(lerna) = fence::json(&workspace.join("lerna.json"))
        && let Some(packages) = lerna.get("packages")
    {
        patterns.extend(listed(packages));
    }
    patterns
}

/// Folders that the parts of a pattern name.
fn expand(dir: &Path, parts: &[&str], depth: usize, left: &mut usize, found: &mut Vec<PathBuf>) {
    let Some(rest) = left.checked_sub(1) else { return };
    *left = rest;
    let Some((first, after)) = parts.split_first() else {
        found.push(dir.to_owned());
        return;
    };
    // A list that leads out of the workspace is not followed.
    if *first == ".." {
        return;
    }
    if !first.contains('*') {
        return expand(&dir.join(first), after, depth, left, found);
    }
    if *first == "**" {
        expand(dir, after, depth, left, found);
        if depth >= MAX_DEPTH {
            return;
        }
    }
    let (before, behind) = first.split_once('*').unwrap_or((first, ""));
    let Ok(entries) = fs::read_dir(dir) else { return };
    let mut names: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && name != "node_modules")
        .collect();
    names.sort();
    for name in names {
        if *first == "**" {
            expand(&dir.join(&name), parts, depth + 1, left, found);
        } else if name.len() >= before.len() + behind.len()
            && name.starts_with(before)
            && name.ends_with(behind)
        {
            expand(&dir.join(&name), after, depth, left, found);
        }
    }
}

/// The version that `catalog:` or `catalog:NAME` stands for, where the workspace says so.
pub fn catalog(workspace: &Path, wanted: &str, package: &str) -> Option<String> {
    let name = wanted.strip_prefix("catalog:")?.trim();
    let is_default = name.is_empty() || name == "default";
    if let Ok(text) = fence::text(&workspace.join("pnpm-workspace.yaml")) {
        let yaml = Yaml::of(&text);
        let default = is_default.then(|| yaml.value(&["catalog", package])).flatten();
        let named = || yaml.value(&["catalogs", if is_default { "default" } else { name }, package]);
        if let Some(version) = default.or_else(named) {
            return Some(version);
        }
    }
    let root = fence::json(&workspace.join("package.json"))?;
    [root.get("workspaces"), Some(&root)].into_iter().flatten().find_map(|holder| {
        let default = || holder.get("catalog")?.get(package)?.as_str();
        let named = || holder.get("catalogs")?.get(name)?.get(package)?.as_str();
        let found = if is_default { default().or_else(named) } else { named() };
        found.map(str::to_owned)
    })
}

/// Plain keys, values and lists of a YAML file, by indentation.
struct Yaml<'t> {
    /// Indentation and text of each line that is no comment.
    lines: Vec<(usize, &'t str)>,
}

impl<'t> Yaml<'t> {
    fn of(text: &'t str) -> Yaml<'t> {
        let lines = text.lines().map(|line| (line.len() - line.trim_start().len(), line.trim()));
        Yaml { lines: lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).collect() }
    }

    /// The plain value at a path of keys.
    fn value(&self, path: &[&str]) -> Option<String> {
        let mut lines = self.lines.as_slice();
        let mut level = 0;
        let (last, outer) = path.split_last()?;
        for key in outer {
            let at = position(lines, level, key)?;
            let inner = lines.get(at + 1..)?;
            let end = inner.iter().position(|(indent, _)| *indent <= level).unwrap_or(inner.len());
            lines = inner.get(..end)?;
            level = lines.first()?.0;
        }
        let (_, line) = lines.get(position(lines, level, last)?)?;
        let value = plain(line.split_once(':')?.1);
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The items of a list at the top.
    fn list(&self, key: &str) -> Vec<String> {
        let Some(at) = position(&self.lines, 0, key) else { return Vec::new() };
        let after = self.lines.get(at + 1..).unwrap_or_default();
        let here = self.lines.get(at).and_then(|(_, line)| line.split_once(':')).map_or("", |(_, rest)| rest);
        if let Some(inline) = here.trim().strip_prefix('[') {
            let inline = inline.split(']').next().unwrap_or_default();
            return inline.split(',').map(|one| plain(one).to_owned()).collect();
        }
        let items = after.iter().map_while(|(_, line)| line.strip_prefix('-'));
        items.map(|item| plain(item).to_owned()).collect()
    }
}

/// The line that sets a key at this indentation.
fn position(lines: &[(usize, &str)], level: usize, key: &str) -> Option<usize> {
    lines.iter().position(|(indent, line)| {
        let bare = line.trim_start_matches(['"', '\'']);
        *indent == level
            && bare
                .strip_prefix(key)
                .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).starts_with(':'))
    })
}

/// A plain value without quotes and comment.
fn plain(text: &str) -> &str {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split(quote).next().unwrap_or_default();
        }
    }
    text.split(" #").next().unwrap_or_default().trim()
}
