//! Files to routes: App Router, Pages Router, middleware or proxy, instrumentation.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::fence;
use super::project::Project;

/// What a file serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `app/**/page`.
    AppPage,
    /// `app/**/route`, and metadata files that are code.
    AppHandler,
    /// `pages/**`.
    Page,
    /// `pages/api/**`.
    PagesApi,
    /// `middleware`.
    Middleware,
    /// `proxy`, the Node.js successor of middleware.
    Proxy,
    /// `instrumentation`.
    Instrumentation,
}

impl Kind {
    /// As reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::AppPage => "app page",
            Kind::AppHandler => "app handler",
            Kind::Page => "page",
            Kind::PagesApi => "api",
            Kind::Middleware => "middleware",
            Kind::Proxy => "proxy",
            Kind::Instrumentation => "instrumentation",
        }
    }
}

/// A route and the files that it begins with. Paths are relative to the project, with `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// `/api/orders/[id]`; for files that serve all requests, their name.
    pub pattern: String,
    /// What it is.
    pub kind: Kind,
    /// Its file.
    pub file: String,
    /// Layouts from the nearest to the root; they may declare a runtime.
    pub layouts: Vec<String>,
    /// Other files that are bundled with it: layouts, templates, error pages, `_app`.
    pub with: Vec<String>,
}

/// Metadata files that are handlers when they are code.
const METADATA: &[&str] =
    &["opengraph-image", "twitter-image", "icon", "apple-icon", "sitemap", "robots", "manifest"];
/// Files that are bundled with the pages below them.
const SURROUNDING: &[&str] = &["layout", "template", "error", "loading", "not-found"];

/// Most folders that are walked.
const MAX_FOLDERS: usize = 20_000;
/// Deepest folder below `app` or `pages`.
const MAX_DEPTH: usize = 64;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// All routes, in the order of pattern, kind and file.
    pub routes: Vec<Route>,
    /// Folders that were passed over, and why.
    pub passed_over: Vec<String>,
    /// There may be routes that were not found: why.
    pub incomplete: Option<String>,
}

/// Finds all routes. A link to a folder is followed as Next.js does, but not out of the workspace nor into a folder
/// that holds it.
pub fn routes(project: &Project) -> Found {
    let mut walked = Walked { project, found: Found::default(), folders: 0, inside: Vec::new() };
    let homes: &[&str] = &["", "src/"];
    for home in homes {
        let app = format!("{home}app");
        let pages = format!("{home}pages");
        if project.root.join(&app).is_dir() && (home.is_empty() || !project.root.join("app").is_dir()) {
            walked.app(&app, &mut Vec::new(), &mut Vec::new());
        }
        if project.root.join(&pages).is_dir() && (home.is_empty() || !project.root.join("pages").is_dir()) {
            walked.pages(&pages, "");
        }
        for (name, kind) in [
            ("middleware", Kind::Middleware),
            ("proxy", Kind::Proxy),
            ("instrumentation", Kind::Instrumentation),
        ] {
            let found = project.page_extensions.iter().map(|extension| format!("{home}{name}.{extension}"));
            let plain = ["ts", "js"].iter().map(|extension| format!("{home}{name}.{extension}"));
            if let Some(file) = found.chain(plain).find(|file| fence::is_there(&project.root.join(file)))
                && !(kind == Kind::Proxy && project.version.0 < 16)
            {
                walked.found.routes.push(Route {
                    pattern: name.to_owned(),
                    kind,
                    file,
                    layouts: Vec::new(),
                    with: Vec::new(),
                });
            }
        }
    }
    let mut found = walked.found;
    found.routes.sort();
    found
}

/// Names in a folder: files by stem (without page extension), and folders.
fn listing(project: &Project, dir: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let (mut files, mut folders) = (BTreeMap::new(), Vec::new());
    let Ok(entries) = fs::read_dir(project.root.join(dir)) else { return (files, folders) };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = entry.path();
        if path.is_dir() {
            if !name.starts_with('.') && name != "node_modules" {
                folders.push(name);
            }
        } else if let Some(stem) = stem(project, &name) {
            let file = format!("{dir}/{name}");
            // Two extensions of one name: the first of the list wins, whatever order the folder is read in.
            let better = |old: &String| rank(project, &file) < rank(project, old);
            if files.get(&stem).is_none_or(better) {
                files.insert(stem, file);
            }
        }
    }
    folders.sort();
    (files, folders)
}

fn stem(project: &Project, name: &str) -> Option<String> {
    if name.ends_with(".d.ts") {
        return None;
    }
    let ending =
        |extension: &String| name.strip_suffix(extension.as_str())?.strip_suffix('.').map(str::to_owned);
    project.page_extensions.iter().find_map(ending).filter(|stem| !stem.is_empty())
}

fn rank(project: &Project, name: &str) -> usize {
    project.page_extensions.iter().position(|one| name.ends_with(one.as_str())).unwrap_or(usize::MAX)
}

struct Walked<'p> {
    project: &'p Project,
    found: Found,
    folders: usize,
    /// The folders that the walk is in, without links.
    inside: Vec<PathBuf>,
}

impl Walked<'_> {
    /// Whether a folder may be walked; if so, it has to be left again.
    fn enter(&mut self, dir: &str) -> bool {
        let why = match fs::canonicalize(self.project.root.join(dir)) {
            Err(error) => error.to_string(),
            Ok(real) if !real.starts_with(&self.project.workspace) => {
                "a link leads out of the workspace".to_owned()
            }
            Ok(real) if self.inside.contains(&real) => "a link leads into a folder that holds it".to_owned(),
            Ok(_) if self.folders >= MAX_FOLDERS || self.inside.len() >= MAX_DEPTH => {
                let why = format!("more than {MAX_FOLDERS} folders, or deeper than {MAX_DEPTH}");
                self.found.incomplete = Some(why);
                return false;
            }
            Ok(real) => {
                self.folders += 1;
                self.inside.push(real);
                return true;
            }
        };
        self.found.passed_over.push(format!("{dir}: {why}"));
        false
    }

    fn app(&mut self, dir: &str, layouts: &mut Vec<String>, around: &mut Vec<String>) {
        if !self.enter(dir) {
            return;
        }
        let (files, folders) = listing(self.project, dir);
        let (outer_layouts, outer_around) = (layouts.len(), around.len());
        layouts.extend(files.get("layout").cloned());
        around.extend(SURROUNDING.iter().filter_map(|name| files.get(*name).cloned()));
        let pattern = pattern(dir);
        let nearest_first: Vec<String> = layouts.iter().rev().cloned().collect();
        let mut add = |kind, file: &String, pattern: String, with: Vec<String>| {
            let layouts = nearest_first.clone();
            self.found.routes.push(Route { pattern, kind, file: file.clone(), layouts, with });
        };
        if let Some(file) = files.get("page") {
            add(Kind::AppPage, file, pattern.clone(), around.clone());
        }
        if let Some(file) = files.get("route") {
            add(Kind::AppHandler, file, pattern.clone(), Vec::new());
        }
        for (stem, file) in &files {
            if METADATA.iter().any(|name| stem.trim_end_matches(|c: char| c.is_ascii_digit()) == *name) {
                let path = format!("{}/{stem}", pattern.trim_end_matches('/'));
                add(Kind::AppHandler, file, path, Vec::new());
            }
        }
        for folder in folders.iter().filter(|folder| !folder.starts_with('_')) {
            self.app(&format!("{dir}/{folder}"), layouts, around);
        }
        layouts.truncate(outer_layouts);
        around.truncate(outer_around);
        self.inside.pop();
    }

    fn pages(&mut self, dir: &str, path: &str) {
        if !self.enter(dir) {
            return;
        }
        let folders = pages_of(self.project, dir, path, &mut self.found.routes);
        for folder in folders {
            self.pages(&format!("{dir}/{folder}"), &format!("{path}/{folder}"));
        }
        self.inside.pop();
    }
}

/// `app/(shop)/@modal/items/[id]` to `/items/[id]`.
fn pattern(dir: &str) -> String {
    let inner = dir.trim_start_matches("src/").trim_start_matches("app");
    let mut out = String::new();
    for segment in inner.split('/').filter(|segment| !segment.is_empty()) {
        let group = segment.starts_with('(') && segment.ends_with(')');
        if !group && !segment.starts_with('@') {
            out.push('/');
            out.push_str(&segment.replacen("%5F", "_", 1));
        }
    }
    if out.is_empty() { "/".to_owned() } else { out }
}

/// Adds the pages of one folder; the folders in it.
fn pages_of(project: &Project, dir: &str, path: &str, routes: &mut Vec<Route>) -> Vec<String> {
    let (files, folders) = listing(project, dir);
    let app = project.page_extensions.iter().map(|extension| {
        let home = if dir.starts_with("src/") { "src/pages" } else { "pages" };
        format!("{home}/_app.{extension}")
    });
    let app: Vec<String> = app.filter(|file| fence::is_there(&project.root.join(file))).take(1).collect();
    for (stem, file) in &files {
        let top = path.is_empty();
        if top && matches!(stem.as_str(), "_app" | "_document" | "_error" | "404" | "500" | "_middleware") {
            continue;
        }
        let pattern = match (stem.as_str(), top) {
            ("index", true) => "/".to_owned(),
            ("index", false) => path.to_owned(),
            _ => format!("{path}/{stem}"),
        };
        let api = pattern == "/api" || pattern.starts_with("/api/");
        let (kind, with) = if api { (Kind::PagesApi, Vec::new()) } else { (Kind::Page, app.clone()) };
        routes.push(Route { pattern, kind, file: file.clone(), layouts: Vec::new(), with });
    }
    folders
}

/// A path as reports write it: relative to the project where it lies inside, with `/`.
pub fn shown(root: &Path, path: &Path) -> String {
    let short = path.strip_prefix(root).map_or_else(
        |_| {
            let up = root.ancestors().enumerate().skip(1).find_map(|(steps, outer)| {
                path.strip_prefix(outer).ok().map(|rest| format!("{}{}", "../".repeat(steps), rest.display()))
            });
            up.unwrap_or_else(|| path.display().to_string())
        },
        |inner| inner.display().to_string(),
    );
    short.replace('\\', "/")
}
