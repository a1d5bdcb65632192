//! Where a request for a module leads, as the bundler resolves it for edge (or for Node.js).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oxc_resolver::{
    FileSystem, Resolution, ResolveError, ResolveOptions, ResolverGeneric, TsconfigDiscovery,
};

use super::fence::{self, Fenced};
use super::graph::{Layer, Profile, Target, package_of};
use super::module::{Asked, Edge};
use super::project::Project;
use super::routes::shown;
use super::tsconfig::Mended;
use super::workspace::Packages;

/// Packages that the framework provides itself.
const FRAMEWORK: &[&str] =
    &["next", "react", "react-dom", "scheduler", "server-only", "client-only", "styled-jsx", "@swc/helpers"];
/// Endings of what holds code.
const CODE: &[&str] = &["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs"];
/// Endings of what is asked for and holds no code of the project.
const ASSETS: &[&str] = &[
    "avif", "bmp", "css", "csv", "eot", "gif", "gql", "graphql", "html", "ico", "jpeg", "jpg", "json",
    "less", "md", "mdx", "mp3", "mp4", "otf", "pdf", "png", "sass", "scss", "svg", "ttf", "txt", "wasm",
    "webm", "webp", "woff", "woff2", "yaml", "yml",
];

/// Where a request leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Led {
    /// To what.
    pub target: Target,
    /// The file to read next.
    pub next: Option<PathBuf>,
    /// The sources of a package were taken for what is built of them.
    pub guessed: bool,
}

impl Led {
    fn to(target: Target) -> Led {
        Led { target, next: None, guessed: false }
    }
}

/// Resolves the requests of one profile.
pub struct Loader<'p> {
    /// With every `tsconfig.json` as it is.
    strict: Resolvers<Fenced>,
    /// Where that is refused.
    mended: Resolvers<Mended>,
    disk: Mended,
    packages: Arc<Packages>,
    /// `browser` maps hold.
    edge: bool,
    /// Nothing outside is followed.
    workspace: &'p Path,
}

/// Resolvers that share what they read, by layer and by how a module is asked for.
struct Resolvers<F> {
    plain: [ResolverGeneric<F>; 2],
    server: [ResolverGeneric<F>; 2],
}

impl<F: FileSystem + 'static> Resolvers<F> {
    fn new(disk: F, project: &Project, profile: Profile) -> Resolvers<F> {
        let options = |layer, asked| options(project, profile, layer, asked);
        let first = ResolverGeneric::new_with_file_system(disk, options(Layer::Plain, "import"));
        let other = |layer, asked| first.clone_with_options(options(layer, asked));
        let server = [other(Layer::Server, "import"), other(Layer::Server, "require")];
        let require = other(Layer::Plain, "require");
        Resolvers { plain: [first, require], server }
    }

    fn of(&self, layer: Layer, asked: Asked) -> &ResolverGeneric<F> {
        let [import, require] = if layer == Layer::Server { &self.server } else { &self.plain };
        if asked == Asked::Require { require } else { import }
    }
}

impl Loader<'_> {
    /// Resolvers for a project.
    pub fn new(project: &Project, profile: Profile) -> Loader<'_> {
        let packages = Arc::new(Packages::of(&project.workspace));
        let disk = Mended::of(Arc::clone(&packages));
        Loader {
            strict: Resolvers::new(Fenced, project, profile),
            mended: Resolvers::new(disk.clone(), project, profile),
            disk,
            packages,
            edge: profile == Profile::Edge,
            workspace: &project.workspace,
        }
    }

    /// What `tsconfig.json` files ask for and is not there.
    pub fn remarks(&self, root: &Path) -> BTreeSet<String> {
        let remark = |(file, base): (PathBuf, String)| match base.as_str() {
            "" => format!("{} is not understood and left out", shown(root, &file)),
            base => format!("{}: its base {base} was not found; the rest of it holds", shown(root, &file)),
        };
        self.disk.lost().into_iter().map(remark).collect()
    }

    /// Where a request leads.
    pub fn target(&self, root: &Path, from: &Path, layer: Layer, edge: &Edge) -> Led {
        let (specifier, asked) = (edge.specifier.as_str(), edge.asked);
        let bare = !specifier.starts_with(['.', '/', '#']);
        if bare && FRAMEWORK.contains(&package_of(specifier)) {
            return Led::to(Target::Nothing);
        }
        match self.resolved(from, specifier, (layer, asked)) {
            Ok(found) => self.file(root, found.path()),
            Err(ResolveError::Builtin { resolved, .. }) => {
                let name = resolved.trim_start_matches("node:").to_owned();
                // The resolver answers before it looks at the package's own `browser` map.
                Led::to(match self.replaced(from, specifier) {
                    Replaced::ByNothing if !is_installed(from) => Target::Emptied(name),
                    Replaced::ByNothing | Replaced::BySomething => Target::Nothing,
                    Replaced::Not => Target::Builtin(name),
                })
            }
            Err(ResolveError::Ignored(_)) => Led::to(Target::Nothing),
            Err(_) if is_asset(specifier) => Led::to(Target::Nothing),
            Err(_) if bare && self.packages.folder(specifier).is_some() => {
                match self.in_workspace(specifier, (layer, asked)) {
                    Some((path, guessed)) => Led { guessed, ..self.file(root, &path) },
                    None => Led::to(Target::Unbuilt(package_of(specifier).to_owned())),
                }
            }
            Err(_) if bare && !self.is_alias(from, specifier) => {
                Led::to(Target::Absent(specifier.to_owned()))
            }
            Err(_) => Led::to(Target::Unresolved),
        }
    }

    /// The file of a package of the workspace that is not linked or not built, and whether it is a guess: its sources,
    /// where what it says to be its entry is not there.
    fn in_workspace(&self, specifier: &str, (layer, asked): (Layer, Asked)) -> Option<(PathBuf, bool)> {
        let (folder, inside) = self.packages.folder(specifier)?;
        let resolver = self.strict.of(layer, asked);
        let found = |dir: &Path, specifier: &str| {
            let found = resolver.resolve(dir, specifier).ok()?;
            Some(found.path().to_owned())
        };
        let package = fence::json(&folder.join("package.json"))?;
        let said = if package.get("exports").is_some() {
            found(folder, specifier)
        } else {
            // The entry of a folder is found from outside of it.
            let name = folder.file_name()?.to_str()?;
            let slash = if inside.is_empty() { "" } else { "/" };
            found(folder.parent()?, &format!("./{name}{slash}{inside}"))
        };
        if let Some(said) = said {
            return Some((said, false));
        }
        let source = package.get("source").and_then(|source| source.as_str());
        let source = source.filter(|_| inside.is_empty()).map(|source| format!("./{source}"));
        let inside = if inside.is_empty() { "index" } else { inside };
        let guesses = source.into_iter().chain([format!("./src/{inside}"), format!("./{inside}")]);
        let mut found = guesses.filter_map(|guess| found(folder, &guess));
        found.find(|path| path.starts_with(folder)).map(|path| (path, true))
    }

    /// What a file that was found is to the graph.
    fn file(&self, root: &Path, path: &Path) -> Led {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let code = extension.is_some_and(|extension| CODE.contains(&extension));
        if !code || path.to_string_lossy().ends_with(".d.ts") {
            return Led::to(Target::Nothing);
        }
        if !path.starts_with(self.workspace) {
            return Led::to(Target::Unresolved);
        }
        Led { target: Target::File(shown(root, path)), next: Some(path.to_owned()), guessed: false }
    }

    fn resolved(
        &self,
        from: &Path,
        specifier: &str,
        (layer, asked): (Layer, Asked),
    ) -> Result<Resolution, ResolveError> {
        let strict = self.strict.of(layer, asked);
        let found = strict.resolve_file(from, specifier);
        if !found.as_ref().is_err_and(is_of_tsconfig) {
            return found;
        }
        let found = self.mended.of(layer, asked).resolve_file(from, specifier);
        if !found.as_ref().is_err_and(is_of_tsconfig) {
            return found;
        }
        // For a folder no `tsconfig.json` is asked.
        strict.resolve(from.parent().unwrap_or(from), specifier)
    }

    /// What the `browser` map of the package that holds `from`, or of the project, makes of a module of Node.js.
    fn replaced(&self, from: &Path, specifier: &str) -> Replaced {
        if !self.edge {
            return Replaced::Not;
        }
        let within = from.ancestors().skip(1).take_while(|dir| dir.starts_with(self.workspace));
        let package = within.filter_map(|dir| fence::json(&dir.join("package.json")));
        let package = package.into_iter().find(|package| package.get("name").is_some());
        let map = package.as_ref().and_then(|package| package.get("browser")?.as_object());
        let bare = specifier.trim_start_matches("node:");
        match map.and_then(|map| map.get(specifier).or_else(|| map.get(bare))) {
            None => Replaced::Not,
            Some(by) if by.as_bool() == Some(false) => Replaced::ByNothing,
            Some(_) => Replaced::BySomething,
        }
    }

    /// Whether a bare specifier is an alias for files of the project.
    fn is_alias(&self, from: &Path, specifier: &str) -> bool {
        if specifier.starts_with("@/") || specifier.starts_with('~') {
            return true;
        }
        let config = self.strict.of(Layer::Plain, Asked::Import).find_tsconfig(from);
        let config = config.or_else(|_| self.mended.of(Layer::Plain, Asked::Import).find_tsconfig(from));
        let Some(config) = config.ok().flatten() else { return false };
        let mut patterns = config.compiler_options.paths.iter().flat_map(|paths| paths.keys());
        patterns.any(|pattern| match pattern.split_once('*') {
            Some((before, after)) => {
                !before.is_empty() && specifier.starts_with(before) && specifier.ends_with(after)
            }
            None => pattern == specifier,
        })
    }
}

/// Whether a `tsconfig.json` is at fault, and not the request.
fn is_of_tsconfig(error: &ResolveError) -> bool {
    matches!(
        error,
        ResolveError::TsconfigNotFound(_)
            | ResolveError::TsconfigSelfReference(_)
            | ResolveError::TsconfigCircularExtend(_)
            | ResolveError::TsconfigLoadFailed { .. }
    )
}

/// Whether a specifier asks for an image, a style or the like, or for many files at once.
fn is_asset(specifier: &str) -> bool {
    let path = specifier.split(['?', '!']).next().unwrap_or(specifier);
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    path.contains('*') || ending.is_some_and(|ending| ASSETS.contains(&ending.as_str()))
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn options(project: &Project, profile: Profile, layer: Layer, asked: &str) -> ResolveOptions {
    let mut conditions = match profile {
        Profile::Edge => strings(&["edge-light", "browser", "production", "module", "default"]),
        Profile::Node => strings(&["node", "production", "default"]),
    };
    if profile == Profile::Edge && project.version.0 < 15 {
        conditions.push("worker".to_owned());
    }
    conditions.push(asked.to_owned());
    if layer == Layer::Server {
        conditions.push("react-server".to_owned());
    }
    let edge = profile == Profile::Edge;
    ResolveOptions {
        tsconfig: Some(TsconfigDiscovery::Auto),
        condition_names: conditions,
        main_fields: if edge {
            strings(&["edge-light", "browser", "module", "main"])
        } else {
            strings(&["main", "module"])
        },
        alias_fields: if edge { vec![strings(&["browser"])] } else { Vec::new() },
        extensions: strings(&[".tsx", ".ts", ".mts", ".jsx", ".js", ".mjs", ".cjs", ".json"]),
        extension_alias: vec![
            (".js".to_owned(), strings(&[".js", ".ts", ".tsx", ".jsx"])),
            (".mjs".to_owned(), strings(&[".mjs", ".mts"])),
        ],
        builtin_modules: true,
        // NODE_PATH would make the verdict depend on the shell.
        node_path: false,
        ..ResolveOptions::default()
    }
}

fn is_installed(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "node_modules")
}

/// What a `browser` map makes of a module of Node.js.
enum Replaced {
    Not,
    ByNothing,
    /// By what is meant for browsers, which is not followed.
    BySomething,
}
