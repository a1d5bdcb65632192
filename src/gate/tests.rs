//! Small projects, written for each test, and what the gate says of them.

use std::fs;
use std::path::Path;

use chrono::NaiveDate;

use super::Demands;
use super::judge::reach::Certainty;
use super::manifest::Manifest;
use super::report::model::{Build, Check, GateReport, Severity, State};

/// A project of these files, Next.js 16.4 unless a `package.json` is among them.
pub fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let package = ("package.json", r#"{"dependencies":{"next":"16.4.0"},"scripts":{"build":"next build"}}"#);
    for (name, text) in std::iter::once(&package).chain(files) {
        write(dir.path(), name, text);
    }
    dir
}

fn write(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    fs::write(path, text).expect("a file");
}

fn judged(dir: &Path, manifest: Option<&Manifest>) -> GateReport {
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).expect("a day");
    let project = super::collect::project::find(dir).expect("a project");
    super::run(
        project,
        Demands { manifest, today, transcript: None, logs: None, incidents: None, required: &[] },
    )
}

fn gate(files: &[(&str, &str)]) -> GateReport {
    judged(project(files).path(), None)
}

/// Findings as `id subject severity`.
fn findings(report: &GateReport) -> Vec<String> {
    let found = report.checks.iter().filter(|check| check.state != State::Pass);
    found.map(|check| format!("{} {} {}", check.id, check.subject, check.severity.as_str())).collect()
}

fn only(report: &GateReport) -> &Check {
    let found: Vec<_> = report.checks.iter().filter(|check| check.state != State::Pass).collect();
    assert_eq!(found.len(), 1, "{:#?}", findings(report));
    found[0]
}

fn runtime_of<'r>(report: &'r GateReport, pattern: &str) -> &'r str {
    report.routes.iter().find(|route| route.pattern == pattern).map_or("no such route", |route| route.runtime)
}

const EDGE: &str = "export const runtime = 'edge';\n";

const PAY: &str = "import { sign } from '@/lib/mixed';
export const runtime = 'edge';
export async function POST(request: Request) { return Response.json({ token: sign(await request.text()) }); }
";
const MIXED: &str = "import { createHash } from 'node:crypto';
export function slug(text: string) { return text.toLowerCase(); }
export function sign(text: string) { return createHash('sha256').update(text).digest('hex'); }
";
const PATHS: &str = r#"{ "compilerOptions": { "paths": { "@/*": ["./*"] } } }"#;

#[test]
fn a_node_module_behind_an_alias_fails_with_its_chain() {
    let report = gate(&[("tsconfig.json", PATHS), ("app/api/pay/route.ts", PAY), ("lib/mixed.ts", MIXED)]);
    let check = only(&report);
    assert_eq!(
        (check.id, check.severity, check.certainty),
        ("gate-edge-node-module", Severity::Critical, Some(Certainty::Certain))
    );
    assert_eq!(check.subject, "/api/pay");
    assert!(
        check.message.starts_with("POST /api/pay runs on edge (app/api/pay/route.ts:2)"),
        "{}",
        check.message
    );
    assert_eq!(
        super::report::table::place(&check.evidence[0]),
        "app/api/pay/route.ts:1 → lib/mixed.ts:1 → node:crypto"
    );
    assert_eq!(check.build, Some(Build::Warns));
    assert_eq!(check.cut.len(), 1);
    assert!(check.prevents.contains(&"edge-node-module"));
    assert!(report.failed());
}

#[test]
fn a_route_that_uses_only_the_pure_half_of_a_helper_is_warned_and_not_stopped() {
    let pure = PAY.replace("sign", "slug");
    let report = gate(&[("tsconfig.json", PATHS), ("app/api/pay/route.ts", &pure), ("lib/mixed.ts", MIXED)]);
    let check = only(&report);
    assert_eq!((check.severity, check.certainty), (Severity::Warning, Some(Certainty::Likely)));
    assert!(check.fix.contains("the route uses only slug"), "{}", check.fix);
    assert!(!report.failed());
}

#[test]
fn imports_of_types_alone_change_nothing() {
    for import in [
        "import type { Hash } from 'node:crypto';\nexport type H = Hash;",
        "import { type Hash } from 'node:crypto';\nexport type H = Hash;",
        "import { Hash } from 'node:crypto';\nexport function f(h: Hash): Hash { return h; }",
        "export type { Hash } from 'node:crypto';",
        "import { Hash } from 'node:crypto';\nexport class F implements Hash {}",
    ] {
        let route = format!("{import}\n{EDGE}export function GET() {{ return new Response('ok'); }}");
        assert_eq!(findings(&gate(&[("app/api/x/route.ts", &route)])), Vec::<String>::new(), "{import}");
    }
}

#[test]
fn removing_the_cut_removes_the_finding() {
    let files = [("tsconfig.json", PATHS), ("app/api/pay/route.ts", PAY), ("lib/mixed.ts", MIXED)];
    let dir = project(&files);
    let cut = only(&judged(dir.path(), None)).cut.clone();
    for step in cut {
        let text = fs::read_to_string(dir.path().join(&step.file)).expect("the file");
        let kept = text.lines().enumerate().filter(|(number, _)| number + 1 != step.line as usize);
        write(dir.path(), &step.file, &kept.map(|(_, line)| format!("{line}\n")).collect::<String>());
    }
    assert_eq!(findings(&judged(dir.path(), None)), Vec::<String>::new());
}

#[test]
fn two_ways_to_one_module_are_both_in_the_cut() {
    let report = gate(&[
        (
            "app/api/x/route.ts",
            "import { a } from '../../../lib/a';\nimport { b } from '../../../lib/b';\nexport const runtime = 'edge';\nexport const GET = () => new Response(a() + b());",
        ),
        ("lib/a.ts", "import fs from 'fs';\nexport const a = () => fs.readFileSync('a', 'utf8');"),
        ("lib/b.ts", "import fs from 'fs';\nexport const b = () => fs.readFileSync('b', 'utf8');"),
    ]);
    let cut: Vec<_> = only(&report).cut.iter().map(|step| step.file.as_str()).collect();
    assert_eq!(cut, ["lib/a.ts", "lib/b.ts"]);
}

#[test]
fn a_guard_lowers_certainty_and_a_test_for_the_runtime_clears() {
    let route =
        |body: &str| format!("{EDGE}export async function GET() {{ {body}\n return new Response('ok'); }}");
    let certainty = |body: &str| {
        let report = gate(&[("app/api/x/route.ts", &route(body))]);
        report.checks.iter().find(|check| check.state != State::Pass).and_then(|check| check.certainty)
    };
    assert_eq!(certainty("require('fs').readFileSync('x');"), Some(Certainty::Certain));
    assert_eq!(certainty("try { require('fs').readFileSync('x'); } catch {}"), Some(Certainty::Suspect));
    assert_eq!(certainty("if (flag) { await import('fs'); }"), Some(Certainty::Suspect));
    assert_eq!(certainty("await import('fs').catch(() => null);"), Some(Certainty::Suspect));
    assert_eq!(certainty("if (process.env.NEXT_RUNTIME === 'nodejs') { require('fs'); }"), None);
    assert_eq!(
        certainty("if (process.env.NEXT_RUNTIME === 'edge') return new Response('');\n require('fs');"),
        None
    );
    assert_eq!(
        certainty("if (process.env.NEXT_RUNTIME !== 'nodejs') { return new Response(''); }\n require('fs');"),
        None
    );
    assert_eq!(certainty("process.env.NEXT_RUNTIME === 'nodejs' && require('fs');"), None);
    assert_eq!(certainty("typeof EdgeRuntime === 'string' ? 0 : require('fs');"), None);
}

#[test]
fn code_from_text_and_functions_of_process_fail() {
    let report = gate(&[(
        "app/api/x/route.ts",
        &format!(
            "{EDGE}export function GET() {{ new Function('return 1')(); return new Response(process.cwd() + process.version); }}"
        ),
    )]);
    assert_eq!(
        findings(&report),
        [
            "gate-edge-node-api /api/x critical",
            "gate-edge-dynamic-code /api/x critical",
            "gate-edge-node-api /api/x warning"
        ]
    );
    let quiet = "export const runtime = 'edge';
import process from './process';
function setImmediate(f: () => void) { f(); }
export function GET() { setImmediate(() => {}); return new Response(process.cwd() + typeof globalThis + process.env.X); }";
    let report =
        gate(&[("app/api/x/route.ts", quiet), ("app/api/x/process.ts", "export default { cwd: () => '' };")]);
    assert_eq!(findings(&report), Vec::<String>::new());
}

#[test]
fn packages_are_followed_by_the_conditions_of_edge() {
    let route =
        format!("import {{ go }} from 'two-faced';\n{EDGE}export const GET = () => new Response(go());");
    let package =
        |exports: &str| format!(r#"{{"name":"two-faced","version":"1.0.0","exports":{{".":{exports}}}}}"#);
    let node = "const fs = require('fs'); module.exports.go = () => fs.readFileSync('x');";
    let report = |exports: &str| {
        gate(&[
            ("app/api/x/route.ts", &route),
            ("node_modules/two-faced/package.json", &package(exports)),
            ("node_modules/two-faced/node.js", node),
            ("node_modules/two-faced/edge.js", "export const go = () => 'edge';"),
        ])
    };
    assert_eq!(
        findings(&report(r#"{"edge-light":"./edge.js","default":"./node.js"}"#)),
        Vec::<String>::new()
    );
    assert_eq!(findings(&report(r#"{"browser":"./edge.js","default":"./node.js"}"#)), Vec::<String>::new());
    let bad = report(r#"{"workerd":"./edge.js","default":"./node.js"}"#);
    let check = only(&bad);
    assert_eq!((check.id, check.severity), ("gate-edge-node-package", Severity::Critical));
    assert!(check.message.contains("two-faced, which loads node:fs"), "{}", check.message);
    assert_eq!((check.cut[0].file.as_str(), check.cut[0].line), ("app/api/x/route.ts", 1));
}

#[test]
fn a_package_that_is_not_installed_is_never_critical() {
    let route = format!(
        "import {{ Pool }} from 'pg';\nimport x from 'unknown-thing';\n{EDGE}export const GET = () => new Response(String(new Pool()) + x);"
    );
    let report = gate(&[("app/api/x/route.ts", &route)]);
    let check = only(&report);
    assert_eq!((check.id, check.severity), ("gate-edge-node-package", Severity::Warning));
    assert_eq!(report.ledger.packages_absent, ["pg", "unknown-thing"]);
}

#[test]
fn middleware_runs_on_edge_and_its_reexport_is_followed() {
    let files = [
        ("src/app/page.tsx", "export default function Page() { return <p>ok</p>; }"),
        ("src/middleware.ts", "export { auth as middleware } from './auth';"),
        (
            "src/auth.ts",
            "import { PrismaAdapter } from '@auth/prisma-adapter';\nexport const auth = make({ adapter: PrismaAdapter() });",
        ),
    ];
    let report = gate(&files);
    assert_eq!(findings(&report), ["gate-edge-node-package middleware warning"]);
    let mut node = files;
    node[1].1 = "export { auth as middleware } from './auth';\nexport const config = { runtime: 'nodejs' };";
    assert_eq!(findings(&gate(&node)), Vec::<String>::new());
    let mut proxy = files;
    proxy[1].0 = "src/proxy.ts";
    assert_eq!(findings(&gate(&proxy)), Vec::<String>::new());
}

#[test]
fn routes_are_found_in_all_their_shapes() {
    let page = "export default function Page() { return null; }";
    let report = gate(&[
        ("app/page.tsx", page),
        ("app/(shop)/items/[id]/page.tsx", page),
        ("app/@modal/(.)items/page.tsx", page),
        ("app/docs/[[...slug]]/page.jsx", page),
        ("app/_private/page.tsx", page),
        ("app/api/orders/route.ts", "export async function GET() {}\nexport const POST = GET;"),
        ("app/blog/opengraph-image.tsx", EDGE),
        ("pages/api/[...all].ts", "export const config = { runtime: 'edge' };\nexport default () => null;"),
        ("pages/about/index.tsx", page),
        ("pages/_app.tsx", page),
    ]);
    let routes: Vec<_> = report
        .routes
        .iter()
        .map(|route| format!("{} {} {}", route.pattern, route.kind, route.runtime))
        .collect();
    assert_eq!(
        routes,
        [
            "/ app page nodejs",
            "/(.)items app page nodejs",
            "/about page nodejs",
            "/api/[...all] api edge",
            "/api/orders app handler nodejs",
            "/blog/opengraph-image app handler edge",
            "/docs/[[...slug]] app page nodejs",
            "/items/[id] app page nodejs",
        ]
    );
    assert_eq!(report.routes[4].methods, ["GET", "POST"]);
}

#[test]
fn page_extensions_are_obeyed() {
    let report = gate(&[
        ("next.config.mjs", "export default { pageExtensions: ['page.tsx', 'api.ts'] };"),
        ("pages/index.page.tsx", "export default () => null;"),
        ("pages/helper.ts", "export const x = 1;"),
        ("pages/api/pay.api.ts", "export default () => null;"),
    ]);
    let patterns: Vec<_> = report.routes.iter().map(|route| route.pattern.as_str()).collect();
    assert_eq!(patterns, ["/", "/api/pay"]);
}

/// What a layout on edge passes on, by version and bundler.
#[test]
fn layouts_pass_their_runtime_on_as_the_version_does() {
    let handler = "export const GET = () => new Response('ok');";
    let expected = [
        ("14.2.35", "next build", "edge", 0),
        ("15.5.9", "next build", "nodejs", 1),
        ("16.4.6", "next build", "edge", 1),
        ("^16.4.6", "next build --webpack", "nodejs", 1),
    ];
    for (version, build, runtime, warnings) in expected {
        let package = format!(r#"{{"dependencies":{{"next":"{version}"}},"scripts":{{"build":"{build}"}}}}"#);
        let report = gate(&[
            ("package.json", &package),
            (
                "app/edge/layout.tsx",
                &format!("{EDGE}export default function L({{ children }}) {{ return children; }}"),
            ),
            ("app/edge/page.tsx", "export default function Page() { return null; }"),
            ("app/edge/api/route.ts", handler),
        ]);
        assert_eq!(runtime_of(&report, "/edge"), "edge", "{version}");
        assert_eq!(runtime_of(&report, "/edge/api"), runtime, "{version} {build}");
        assert_eq!(findings(&report).len(), warnings, "{version} {build}");
    }
}

#[test]
fn a_runtime_that_cannot_be_read_is_said() {
    let of = |text: &str| findings(&gate(&[("app/api/x/route.ts", text), ("app/api/x/y.ts", EDGE)]));
    assert_eq!(
        of("const R = 'edge';\nexport const runtime = R;"),
        ["gate-runtime-unreadable /api/x critical"]
    );
    assert_eq!(of("export { runtime } from './y';"), ["gate-runtime-unreadable /api/x critical"]);
    assert_eq!(of("export const runtime = 'edge' as const;"), Vec::<String>::new());
}

#[test]
fn instrumentation_fails_only_where_something_runs_on_edge() {
    let open = "import fs from 'fs';\nexport function register() { fs.readdirSync('.'); }";
    let guarded = "export async function register() { if (process.env.NEXT_RUNTIME === 'nodejs') { await import('./node'); } }";
    let node = ("node.ts", "import fs from 'fs';\nfs.readdirSync('.');");
    let page = ("app/page.tsx", "export default function Page() { return null; }");
    let edge = ("app/api/x/route.ts", EDGE);
    let alone = gate(&[("instrumentation.ts", open), page]);
    assert_eq!(findings(&alone), ["gate-instrumentation-unguarded instrumentation note"]);
    let beside = gate(&[("instrumentation.ts", open), page, edge]);
    assert_eq!(findings(&beside), ["gate-instrumentation-unguarded instrumentation critical"]);
    let quiet = gate(&[("instrumentation.ts", guarded), page, edge, node]);
    assert_eq!(findings(&quiet), Vec::<String>::new());
}

#[test]
fn an_edge_route_that_cannot_be_read_is_not_passed() {
    // The layout says edge; the page itself is broken, so that what it loads is unknown.
    let report =
        gate(&[("app/layout.tsx", EDGE), ("app/page.tsx", "export default function Page( { return <p>; }")]);
    let check = only(&report);
    assert_eq!((check.state, check.severity), (State::NotRun, Severity::Critical));
    assert!(report.failed());
}

#[test]
fn the_order_of_files_does_not_matter() {
    let files = [
        ("tsconfig.json", PATHS),
        ("app/api/pay/route.ts", PAY),
        ("app/api/two/route.ts", PAY),
        ("lib/mixed.ts", MIXED),
    ];
    let mut backwards = files;
    backwards.reverse();
    assert_eq!(gate(&files), gate(&backwards));
}

const KEYS: &str = "import { db } from '../../../lib/env';
const { MAIL_KEY, MODE = 'x' } = process.env;
export function GET() {
    if (process.env.NODE_ENV === 'test') return new Response(process.env.FEATURE ?? 'off');
    return new Response(db + process.env.STRIPE_KEY! + MAIL_KEY + MODE);
}";
const ENV_MODULE: &str =
    "export const db = process.env.DATABASE_URL!;\nexport type T = typeof process.env.NOT_READ;";

#[test]
fn keys_of_a_route_are_held_against_what_the_platform_has() {
    let code = [("app/api/x/route.ts", KEYS), ("lib/env.ts", ENV_MODULE)];
    let with = |file: (&'static str, &'static str)| gate(&[code[0], code[1], file]);
    let pulled = with((
        ".vercel/.env.production.local",
        "# Created by Vercel CLI\nDATABASE_URL=\"\"\nexport MAIL_KEY='a'\n",
    ));
    assert_eq!(
        findings(&pulled),
        ["gate-env-missing STRIPE_KEY critical", "gate-env-empty DATABASE_URL warning"]
    );
    assert_eq!(pulled.routes[0].env, ["DATABASE_URL", "FEATURE", "MAIL_KEY", "MODE", "STRIPE_KEY"]);
    let own = with((".env", "DATABASE_URL=postgres://u:pa$word@h/d\nMAIL_KEY=secret-value\n"));
    assert_eq!(findings(&own), ["gate-env-dollar DATABASE_URL warning", "gate-env-missing STRIPE_KEY note"]);
    let text = serde_json::to_string(&own).expect("JSON");
    assert!(!text.contains("secret-value") && !text.contains("pa$"), "a value is printed");
    let none = gate(&code);
    assert_eq!(findings(&none), Vec::<String>::new());
}

#[test]
fn env_files_are_read_as_next_reads_them() {
    use super::collect::dotenv::{Held, parse};
    let held = |line: &str| parse(line).get("A").map(|entry| entry.held);
    for (line, expected) in [
        ("A=plain value # tail", Some(Held::Set)),
        ("  export A = x", Some(Held::Set)),
        ("A: colon", Some(Held::Set)),
        ("A=", Some(Held::Empty)),
        ("A=''", Some(Held::Empty)),
        ("A= # nothing", Some(Held::Empty)),
        ("A=`tick`", Some(Held::Set)),
        ("A=pa$word", Some(Held::Eaten)),
        ("A='pa$word'", Some(Held::Eaten)),
        ("A=\"pa\\$word\"", Some(Held::Set)),
        ("A=$2b$10$abc", Some(Held::Eaten)),
        ("A=${B:-x}", Some(Held::Set)),
        ("b=1\nA=$b", Some(Held::Set)),
        ("A=1\nA=", Some(Held::Empty)),
        ("A=\"one\ntwo\nB=3\"", Some(Held::Set)),
        ("A='never closed", Some(Held::Set)),
        ("A", None),
        ("# A=1", None),
    ] {
        assert_eq!(held(line), expected, "{line}");
    }
    assert_eq!(parse("X=\"1\n2\"\n\nA=4")["A"].line, 4);
}

#[test]
fn any_text_is_read_as_an_env_file_without_harm() {
    use proptest::prelude::*;
    proptest!(|(text in "[A-Za-z=:'\"`$\\\\{}# \né]{0,40}")| {
        let lines = text.matches('\n').count() + 1;
        for entry in super::collect::dotenv::parse(&text).values() {
            prop_assert!(entry.line as usize <= lines);
        }
    });
}

/// Findings about a manifest's demands.
fn held_to(files: &[(&str, &str)], manifest: &str) -> GateReport {
    let text = format!("schema = \"why500/manifest/v1\"\n{manifest}");
    let manifest = Manifest::parse(Path::new("why500.toml"), &text).expect("a manifest");
    judged(project(files).path(), Some(&manifest))
}

const OK: &str = "export const GET = () => new Response('ok');";

#[test]
fn families_have_owners_routes_and_their_runtime() {
    let report = held_to(
        &[("app/api/pay/route.ts", OK), ("app/api/ping/route.ts", OK)],
        "[[family]]\nname = \"pay\"\nroutes = [\"/api/pay\", \"/api/gone\"]\ncritical = true\nruntime = \"edge\"\n",
    );
    assert_eq!(
        findings(&report),
        [
            "gate-runtime-mismatch /api/pay critical",
            "gate-route-unowned pay critical",
            "gate-route-undeclared /api/ping warning",
            "gate-route-dead /api/gone warning",
        ]
    );
    assert!(report.failed());
}

#[test]
fn a_critical_endpoint_has_a_negative_path() {
    let files = [
        (
            "app/api/orders/[id]/route.ts",
            "export const PATCH = () => new Response('ok');\nexport const GET = PATCH;",
        ),
        ("app/api/orders/route.ts", OK),
    ];
    let family =
        "[[family]]\nname = \"orders\"\nroutes = [\"/api/orders/**\"]\nowner = \"shop\"\ncritical = true\n";
    assert_eq!(findings(&held_to(&files, family)), ["gate-negative-missing /api/orders/[id] critical"]);
    let negative = "[[family.negative]]\nname = \"malformed\"\nrequest = { method = \"PATCH\", path = \"/api/orders/0?x\", body = '{' }\n";
    assert!(findings(&held_to(&files, &format!("{family}{negative}"))).is_empty());
    assert!(findings(&held_to(&files, &family.replace("true", "false"))).is_empty());
}

#[test]
fn keys_are_required_typed_and_kept_apart_without_showing_values() {
    let report = held_to(
        &[
            ("app/api/pay/route.ts", OK),
            (
                ".vercel/.env.production.local",
                "DATABASE_URL=\"postgres://localhost/s3cret\"\nTOKEN=same-s3cret\n",
            ),
            (".vercel/.env.preview.local", "TOKEN=same-s3cret\n"),
        ],
        "[env.keys.DATABASE_URL]\ntype = \"url\"\nrequired_in = [\"production\", \"preview\", \"development\"]\n\
         [env.keys.TOKEN]\npattern = \"^live_\"\ndistinct_across = [\"production\", \"preview\"]\n",
    );
    let found = findings(&report);
    for one in [
        "gate-env-missing DATABASE_URL critical",
        "gate-env-malformed DATABASE_URL critical",
        "gate-env-malformed TOKEN critical",
        "gate-env-shared-value TOKEN warning",
    ] {
        assert!(found.iter().any(|other| other == one), "{one}: {found:#?}");
    }
    let not_run = report.checks.iter().find(|check| check.state == State::NotRun).expect("one not run");
    assert!(not_run.message.contains("development"), "{}", not_run.message);
    assert!(!serde_json::to_string(&report).expect("JSON").contains("s3cret"));
}

#[test]
fn waivers_accept_until_they_end() {
    let files = [("app/api/pay/route.ts", OK)];
    let manifest = |until: &str| {
        format!(
            "[[family]]\nname = \"pay\"\nroutes = [\"/api/pay\"]\ncritical = true\n[[gate.allow]]\n\
             check = \"gate-route-unowned\"\nsubject = \"pay\"\nreason = \"team forms\"\nuntil = \"{until}\"\n"
        )
    };
    let held = held_to(&files, &manifest("2026-11-23"));
    assert!(!held.failed());
    assert_eq!(only(&held).waived.as_deref(), Some("team forms (until 2026-11-23)"));
    let ended = held_to(&files, &manifest("2026-11-22"));
    assert!(ended.failed());
    assert_eq!(
        findings(&ended),
        ["gate-route-unowned pay critical", "gate-waiver-expired gate-route-unowned warning"]
    );
}

#[test]
fn warnings_fail_where_the_manifest_says_so() {
    let files = [("app/api/pay/route.ts", OK)];
    let family = "[[family]]\nname = \"pay\"\nroutes = [\"/api/pay\"]\n";
    assert!(!held_to(&files, family).failed());
    assert!(held_to(&files, &format!("[gate]\nfail_on = \"warning\"\n{family}")).failed());
}

#[test]
fn a_draft_is_a_manifest_that_the_project_meets() {
    let files = [
        ("app/api/pay/route.ts", "export const POST = () => Response.json(process.env.DATABASE_URL.length);"),
        ("app/api/[shop]/orders/route.ts", OK),
        (".vercel/.env.production.local", "DATABASE_URL=postgres://db.example.com/shop\n"),
        (".vercel/.env.preview.local", "DATABASE_URL=postgres://db.example.com/preview\n"),
    ];
    let dir = project(&files);
    let draft = super::manifest::draft::write(&judged(dir.path(), None));
    let manifest = Manifest::parse(Path::new("why500.toml"), &draft).expect("a manifest");
    assert_eq!(manifest.families.len(), 2, "{draft}");
    assert_eq!(manifest.families[1].negatives[0].request.path.as_str(), "/api/pay", "{draft}");
    let report = judged(dir.path(), Some(&manifest));
    let owners: Vec<_> = findings(&report);
    assert_eq!(owners, ["gate-route-unowned pay critical", "gate-route-unowned orders warning"], "{draft}");
}

mod datastores;
mod guards;
mod live;
mod projects;
mod reached;
