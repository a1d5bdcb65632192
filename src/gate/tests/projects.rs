//! What public projects have: bases that are not installed, packages that are not built, keys that may be missing.

use super::*;

const EDGE_FS: &str = "import { x } from '@/helper';
export const runtime = 'edge';
export const GET = () => new Response(x());";
const HELPER: &str = "import fs from 'fs';\nexport const x = () => fs.readFileSync('x', 'utf8');";

#[test]
fn a_tsconfig_without_its_base_still_says_what_it_says() {
    let with =
        |config: &str| gate(&[("tsconfig.json", config), ("app/a/route.ts", EDGE_FS), ("helper.ts", HELPER)]);
    let paths = r#""compilerOptions": { "paths": { "@/*": ["./*"] } }"#;
    for config in [
        format!(r#"{{ "extends": "@acme/tsconfig/next.json", {paths} }}"#),
        format!(r#"{{ "extends": ["./gone.json", "@acme/tsconfig"], {paths} /* a remark */ }}"#),
        format!(r#"{{ "references": [{{ "path": "./gone" }}], {paths} }}"#),
    ] {
        assert_eq!(findings(&with(&config)), ["gate-edge-node-module /a critical"], "{config}");
    }
    let report = with(&format!(r#"{{ "extends": "@acme/tsconfig/next.json", {paths} }}"#));
    let remark = "tsconfig.json: its base @acme/tsconfig/next.json was not found; the rest of it holds";
    assert!(report.ledger.remarks.iter().any(|one| one == remark), "{:?}", report.ledger.remarks);
    // The base itself says where the alias leads, and is in the workspace.
    let report = gate(&[
        ("package.json", r#"{"workspaces":["tools/*"],"dependencies":{"next":"16.4.0"}}"#),
        ("tools/ts/package.json", r#"{"name":"@acme/tsconfig"}"#),
        ("tools/ts/next.json", r#"{"compilerOptions":{"baseUrl":"../..","paths":{"@/*":["./*"]}}}"#),
        ("tsconfig.json", r#"{"extends":"@acme/tsconfig/next.json"}"#),
        ("app/a/route.ts", EDGE_FS),
        ("helper.ts", HELPER),
    ]);
    assert_eq!(findings(&report), ["gate-edge-node-module /a critical"]);
}

#[test]
fn a_tsconfig_that_is_no_json_or_runs_in_a_circle_stops_no_relative_import() {
    let route = EDGE_FS.replace("@/helper", "../../helper");
    for config in ["{ not json", r#"{ "extends": "./tsconfig.json" }"#] {
        let report = gate(&[("tsconfig.json", config), ("app/a/route.ts", &route), ("helper.ts", HELPER)]);
        assert_eq!(findings(&report), ["gate-edge-node-module /a critical"], "{config}");
    }
}

#[test]
fn an_edge_route_with_an_import_that_leads_nowhere_is_not_passed_in_silence() {
    let report = gate(&[("app/a/route.ts", EDGE_FS)]);
    let check = only(&report);
    assert_eq!((check.state, check.severity), (State::NotRun, Severity::Warning));
    assert!(check.message.contains("@/helper in app/a/route.ts leads nowhere"), "{}", check.message);
    let many =
        "import a from './a';\nimport b from '@/b';\nimport c from '#c';\nimport i from '@/public/i.png';
export const runtime = 'edge';\nexport const GET = () => new Response(a + b + c + i);";
    let report = gate(&[("app/a/route.ts", many)]);
    let check = only(&report);
    assert_eq!((check.state, check.severity), (State::NotRun, Severity::Critical));
    assert!(
        !report.ledger.unresolved.iter().any(|one| one.contains("png")),
        "{:?}",
        report.ledger.unresolved
    );
}

const UTILS_ROUTE: &str = "import { hash, words } from '@acme/utils';
export const runtime = 'edge';
export const GET = () => new Response(hash(words()));";
const UTILS: &str = "import { createHash } from 'crypto';
export const hash = (text: string) => createHash('md5').update(text).digest('hex');
export const words = () => process.env.WORDS!;";

#[test]
fn packages_of_the_workspace_are_read_where_they_are_not_linked_or_built() {
    let workspace = ("pnpm-workspace.yaml", "packages:\n  # all\n  - 'packages/*' # here\n");
    let with = |package: &str, source: (&'static str, &'static str)| {
        gate(&[workspace, ("packages/utils/package.json", package), source, ("app/a/route.ts", UTILS_ROUTE)])
    };
    // Its entry is there: it only lacks the link.
    let linked =
        with(r#"{"name":"@acme/utils","main":"./src/all.ts"}"#, ("packages/utils/src/all.ts", UTILS));
    assert_eq!(findings(&linked), ["gate-edge-node-module /a critical"]);
    // Its entry is not built: the sources are a guess.
    for package in [
        r#"{"name":"@acme/utils","main":"./dist/i.mjs"}"#,
        r#"{"name":"@acme/utils","exports":"./dist/i.mjs"}"#,
    ] {
        let guessed = with(package, ("packages/utils/src/index.ts", UTILS));
        assert_eq!(findings(&guessed), ["gate-edge-node-module /a warning"], "{package}");
        assert!(guessed.ledger.remarks.iter().any(|one| one.starts_with("@acme/utils is not built")));
        assert!(guessed.ledger.packages_absent.is_empty());
        assert_eq!(guessed.routes[0].env, ["WORDS"]);
    }
    // Not used, and a guess: two doubts.
    let unused = UTILS.replace("createHash('md5').update(text).digest('hex')", "text")
        + "const other = () => createHash('md5');";
    let unused: &'static str = Box::leak(unused.into_boxed_str());
    let twice =
        with(r#"{"name":"@acme/utils","main":"./dist/i.mjs"}"#, ("packages/utils/src/index.ts", unused));
    assert_eq!(findings(&twice), ["gate-edge-node-module /a note"]);
    let unbuilt = with(r#"{"name":"@acme/utils","main":"./dist/i.mjs"}"#, ("packages/utils/gen.rs", ""));
    assert_eq!(findings(&unbuilt), Vec::<String>::new());
    assert_eq!(unbuilt.ledger.packages_unbuilt, ["@acme/utils"]);
    assert!(unbuilt.ledger.packages_absent.is_empty());
}

#[test]
fn an_own_env_file_that_is_a_template_or_leads_nowhere_only_hints() {
    let route = "export const GET = () => new Response(process.env.TOKEN!);";
    let template = gate(&[("app/a/route.ts", route), (".env", "TOKEN=\n")]);
    assert_eq!(findings(&template), ["gate-env-empty TOKEN note"]);
    let dir = project(&[("app/a/route.ts", route)]);
    #[cfg(unix)]
    std::os::unix::fs::symlink("../../.env", dir.path().join(".env")).expect("a link");
    assert_eq!(findings(&judged(dir.path(), None)), Vec::<String>::new());
}

/// What is said of a key that production lacks, by how the code takes it.
#[test]
fn a_key_whose_absence_is_provided_for_is_not_missed() {
    let said = |code: &str| {
        let route = format!("import {{ z }} from 'zod';\n{code}");
        let keys = (".vercel/.env.production.local", "OTHER=1\n");
        let report = gate(&[("app/a/route.ts", &route), keys]);
        let found = report.checks.iter().find(|check| check.state != State::Pass);
        found.map_or("nothing", |check| check.severity.as_str())
    };
    let get = |body: &str| format!("export async function GET() {{ {body} return new Response('ok'); }}");
    for (body, expected) in [
        ("const url = process.env.K; if (!url) return; go(url.length);", "nothing"),
        ("const url = process.env.K; if (url == null) return; go(url.length);", "nothing"),
        ("const { K } = process.env; K && go(K.length);", "nothing"),
        ("const { K: k } = process.env; go(k?.length);", "nothing"),
        ("const url = process.env.K; if (!url) throw new Error('no K'); go(url);", "warning"),
        ("const url = process.env.K; go(url + '/a');", "warning"),
        ("const map = { cron: process.env.K }; const h = map[t]; if (!h) return;", "note"),
        ("go([process.env.A_LIST, process.env.K].filter(Boolean));", "note"),
        ("go(process.env.K);", "note"),
        ("await fetch(process.env.K);", "warning"),
        ("await fetch(process.env.K!);", "critical"),
        ("go({ k: process.env.K! });", "critical"),
        ("go(process.env.K as string);", "critical"),
        ("Buffer.from(process.env.K, 'hex');", "warning"),
        ("new URL(process.env.K);", "warning"),
    ] {
        assert_eq!(said(&get(body)), expected, "{body}");
    }
    for (schema, expected) in [
        ("z.string().optional()", "nothing"),
        ("z.string().min(1).default('a')", "nothing"),
        ("z.string().min(1)", "warning"),
        ("z.preprocess(f, z.string())", "note"),
        ("own()", "note"),
    ] {
        let code = format!(
            "const env = createEnv({{ server: {{ K: {schema} }}, runtimeEnv: {{ K: process.env.K }} }});\n{}",
            get("go(env.K);")
        );
        assert_eq!(said(&code), expected, "{schema}");
    }
}

#[test]
fn a_project_is_what_next_would_build_something_of() {
    let page = "export default function Page() { return null; }";
    let next = r#"{"dependencies":{"next":"15.1.0"}}"#;
    // The root and a library name next too.
    let report = gate(&[
        ("apps/web/package.json", next),
        ("apps/web/app/page.tsx", page),
        ("packages/ui/package.json", r#"{"devDependencies":{"next":"15.1.0"}}"#),
        ("packages/ui/index.ts", "export {};"),
    ]);
    assert_eq!((report.routes.len(), report.project.version.as_str()), (1, "15.1.0"));
    // A folder without a package.json of its own.
    let root = ("pnpm-workspace.yaml", "");
    let dir = project(&[root, ("apps/web/next.config.js", ""), ("apps/web/pages/index.tsx", page)]);
    for from in [dir.path().to_owned(), dir.path().join("apps/web")] {
        let report = judged(&from, None);
        assert_eq!((report.routes.len(), report.project.version.as_str()), (1, "16.4.0"));
        assert_eq!(report.project.version_source, "../../package.json");
    }
}

#[test]
fn a_version_of_a_catalog_or_a_lock_file_is_told() {
    let page = ("app/page.tsx", "export default function Page() { return null; }");
    let version = |wanted: &str, file: (&str, &str)| {
        let package = format!(r#"{{"dependencies":{{"next":"{wanted}"}}}}"#);
        gate(&[("package.json", &package), page, file]).project.version
    };
    let pnpm = "packages:\n  - \"a\"\ncatalog:\n  react: 18.0.0\n  'next': ^15.3.0 # newest\ncatalogs:\n  old:\n    next: \"14.2.1\"\n";
    assert_eq!(version("catalog:", ("pnpm-workspace.yaml", pnpm)), "^15.3.0");
    assert_eq!(version("catalog:old", ("pnpm-workspace.yaml", pnpm)), "14.2.1");
    assert_eq!(version("catalog:gone15", ("pnpm-workspace.yaml", pnpm)), "catalog:gone15");
    let lock = "packages:\n\n  next@15.2.4(react@19.0.0):\n    resolution: {}\n  next-auth@4.0.0:\n";
    assert_eq!(version("latest", ("pnpm-lock.yaml", lock)), "15.2.4");
    let two = format!("{lock}\n  next@14.0.0:\n");
    assert_eq!(version("latest", ("pnpm-lock.yaml", &two)), "latest");
    assert_eq!(version("latest", ("yarn.lock", "next@latest:\n  version \"14.1.3\"\n")), "14.1.3");
    assert_eq!(version("latest", ("bun.lock", "    \"next\": [\"next@15.0.2\", \"\", {}],\n")), "15.0.2");
    let own = [
        ("apps/a/pnpm-lock.yaml", lock),
        ("pnpm-lock.yaml", "packages:\n  next@14.0.0:\n"),
        ("pnpm-workspace.yaml", ""),
    ];
    let nested =
        [("apps/a/package.json", r#"{"dependencies":{"next":"latest"}}"#), ("apps/a/app/page.tsx", page.1)];
    assert_eq!(gate(&[&own[..], &nested[..]].concat()).project.version, "15.2.4");
    let npm = r#"{"packages":{"node_modules/next":{"version":"13.5.1"}}}"#;
    assert_eq!(version("canary", ("package-lock.json", npm)), "13.5.1");
}

const FACES: &str = r#"{"name":"rs","exports":{".":{"react-server":"./rsc.js","default":"./node.js"}}}"#;
const NODE_FACE: &str = "const fs = require('fs'); module.exports.v = () => fs.readFileSync('x');";
const SERVER_FACE: &str = "export const v = () => 'server';";

#[test]
fn the_server_layer_resolves_with_its_own_condition() {
    let with = |files: &[(&str, &str)]| {
        let package = [
            ("node_modules/rs/package.json", FACES),
            ("node_modules/rs/node.js", NODE_FACE),
            ("node_modules/rs/rsc.js", SERVER_FACE),
        ];
        findings(&gate(&[&package[..], files].concat()))
    };
    let helper = ("lib/x.ts", "import { v } from 'rs';\nexport const x = () => v();");
    let route =
        format!("import {{ x }} from '../../lib/x';\n{EDGE}export const GET = () => new Response(x());");
    assert_eq!(with(&[("app/a/route.ts", &route), helper]), Vec::<String>::new());
    // The same file, rendered as a client's, does not; nor does the Pages Router.
    let page = format!("import C from '../../lib/c';\n{EDGE}export default () => <C />;");
    let client = ("lib/c.tsx", "'use client';\nimport { x } from './x';\nexport default () => <p>{x()}</p>;");
    let found = with(&[("app/a/route.ts", &route), ("app/b/page.tsx", &page), client, helper]);
    assert_eq!(found, ["gate-edge-node-package /b critical"]);
    // Behind a client file, an action is on the server again.
    let action =
        ("lib/x.ts", "'use server';\nimport { v } from 'rs';\nexport async function x() { return v(); }");
    assert_eq!(with(&[("app/b/page.tsx", &page), client, action]), Vec::<String>::new());
    let api =
        "import { v } from 'rs';\nexport const config = { runtime: 'edge' };\nexport default () => v();";
    assert_eq!(with(&[("pages/api/a.ts", api)]), ["gate-edge-node-package /api/a critical"]);
}

#[test]
fn turbopack_leaves_out_what_is_not_used_of_files_without_effects() {
    let with = |build: &str, effects: &str| {
        let package = format!(r#"{{"dependencies":{{"next":"16.4.0"}},"scripts":{{"build":"{build}"}}}}"#);
        gate(&[
            ("package.json", &package),
            ("node_modules/se/package.json", &format!(r#"{{"name":"se","main":"./index.js"{effects}}}"#)),
            ("node_modules/se/index.js", "export * from './bad.js';\nexport * from './good.js';"),
            ("node_modules/se/bad.js", "import fs from 'fs';\nexport const home = fs.readdirSync('/');"),
            ("node_modules/se/good.js", "export const good = () => 'good';"),
            (
                "app/a/route.ts",
                &format!(
                    "import {{ good }} from 'se';\n{EDGE}export const GET = () => new Response(good());"
                ),
            ),
        ])
    };
    let pure = r#","sideEffects":false"#;
    assert_eq!(findings(&with("next build", pure)), ["gate-edge-node-package /a note"]);
    assert_eq!(
        findings(&with("next build", r#","sideEffects":["**/*.css"]"#)),
        ["gate-edge-node-package /a note"]
    );
    assert_eq!(findings(&with("next build", "")), ["gate-edge-node-package /a critical"]);
    assert_eq!(findings(&with("next build --webpack", pure)), ["gate-edge-node-package /a critical"]);
}

#[test]
fn a_fix_names_only_what_the_file_has() {
    let report = gate(&[
        ("lib/index.ts", "export * from './random';\nexport * from './format';"),
        (
            "lib/random.ts",
            "import { randomBytes } from 'crypto';\nexport const random = () => randomBytes(8);",
        ),
        ("lib/format.ts", "export const format = (n: number) => String(n);"),
        (
            "app/a/route.ts",
            &format!(
                "import {{ format }} from '../../lib';\n{EDGE}export const GET = () => new Response(format(1));"
            ),
        ),
    ]);
    let fix = &only(&report).fix;
    assert!(
        !fix.contains("uses only") && fix.contains("past the `export *` that brings lib/random.ts"),
        "{fix}"
    );
}

#[test]
fn a_module_that_the_project_maps_to_nothing_stops_no_build() {
    let package = r#"{"name":"web","dependencies":{"next":"14.2.1"},"browser":{"crypto":false}}"#;
    let route = format!(
        "import crypto from 'crypto';\n{EDGE}export const GET = () => new Response(crypto.randomUUID());"
    );
    let report = gate(&[("package.json", package), ("app/a/route.ts", &route)]);
    let check = only(&report);
    assert_eq!((check.severity, check.build), (Severity::Warning, Some(Build::Silent)));
    assert!(check.message.contains("maps to nothing"), "{}", check.message);
}

#[test]
fn a_module_that_only_a_method_touches_is_not_certain_where_the_build_goes_on() {
    let db = "import { randomUUID } from 'crypto';
class Db { user() { return null; } add() { return randomUUID(); } }
const db = new Db();
export default db;";
    let middleware = "import db from './lib/db';\nexport default () => db.user();";
    let page = ("app/page.tsx", "export default function Page() { return null; }");
    let report = gate(&[("middleware.ts", middleware), ("lib/db.ts", db), page]);
    assert_eq!(findings(&report), ["gate-edge-node-module middleware warning"]);
}
