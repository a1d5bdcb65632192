//! What URLs ask of drivers, and connections against limits, in small projects.

use std::path::Path;

use super::{findings, judged, project};
use crate::gate::manifest::Manifest;
use crate::gate::report::model::GateReport;

const ROUTE: &str = "import { Pool } from 'pg';
const pool = new Pool({ connectionString: process.env.DATABASE_URL });
export const GET = async () => Response.json(await pool.query('select 1'));
";

struct Case<'c> {
    package: &'c str,
    env: &'c str,
    route: &'c str,
    manifest: &'c str,
}

fn told(case: &Case<'_>) -> GateReport {
    let package = format!(r#"{{"dependencies":{{"next":"16.4.0",{}}}}}"#, case.package);
    let dir = project(&[
        ("package.json", &package),
        ("app/api/x/route.ts", case.route),
        (".vercel/.env.production.local", case.env),
    ]);
    let text = format!("schema = \"why500/manifest/v1\"\n{}", case.manifest);
    let manifest = Manifest::parse(Path::new("why500.toml"), &text).expect("a manifest");
    judged(dir.path(), Some(&manifest))
}

fn of_datastores(report: &GateReport) -> Vec<String> {
    findings(report)
        .into_iter()
        .filter(|one| one.starts_with("gate-db") || one.contains("malformed"))
        .collect()
}

fn message(report: &GateReport) -> &str {
    report.checks.iter().find(|check| check.id.starts_with("gate-db")).map_or("", |check| &check.message)
}

const PG: &str = r#""pg":"^8.13.0""#;
const MAIN: &str = "[datastore.main]\nkind = \"postgres\"\nurl_env = \"DATABASE_URL\"\n";

#[test]
fn a_url_without_tls_where_production_needs_it() {
    let manifest = format!("{MAIN}tls = \"require\"\n");
    let env = "DATABASE_URL=postgres://app:hunter2@db.example.com/shop\n";
    let mut case = Case { package: PG, env, route: ROUTE, manifest: &manifest };
    let report = told(&case);
    assert_eq!(of_datastores(&report), ["gate-db-tls main critical"]);
    let text = message(&report);
    assert!(
        text.starts_with("main needs TLS (require), and pg 8.13 with DATABASE_URL connects without it"),
        "{text}"
    );
    let all = serde_json::to_string(&report).expect("JSON");
    assert!(!all.contains("hunter2") && !all.contains("db.example.com"), "{all}");
    // Options in the code may do it, so that nothing is certain.
    let with = ROUTE.replace("DATABASE_URL }", "DATABASE_URL, ssl: { rejectUnauthorized: false } }");
    case.route = &with;
    assert_eq!(of_datastores(&told(&case)), ["gate-db-tls main warning"]);
    // Not where the URL replaces them.
    case.env = "DATABASE_URL=postgres://app:hunter2@db.example.com/shop?sslmode=disable\n";
    assert_eq!(of_datastores(&told(&case)), ["gate-db-tls main critical"]);
    case.env = "DATABASE_URL=postgres://app:hunter2@db.example.com/shop?sslmode=verify-full\n";
    assert_eq!(of_datastores(&told(&case)), Vec::<String>::new());
}

#[test]
fn a_private_authority_that_the_driver_is_not_told_of() {
    let manifest = format!("{MAIN}tls = \"require\"\nca_file = \"ca.pem\"\n");
    let env = "DATABASE_URL=postgres://app:x@db.example.com/shop?sslmode=require\n";
    let case = Case { package: PG, env, route: ROUTE, manifest: &manifest };
    let report = told(&case);
    assert_eq!(of_datastores(&report), ["gate-db-tls main critical", "gate-db-tls main note"]);
    assert!(message(&report).contains("its authority is a private one"), "{}", message(&report));
    let told_by_node = format!("{env}NODE_EXTRA_CA_CERTS=ca.pem\n");
    let case = Case { env: &told_by_node, ..case };
    assert_eq!(of_datastores(&told(&case)), ["gate-db-tls main note"]);
}

#[test]
fn datastores_that_no_manifest_declares() {
    let rds = "DATABASE_URL=postgres://app:x@shop.abc.eu-west-1.rds.amazonaws.com/shop?sslmode=require\n";
    let case = Case { package: PG, env: rds, route: ROUTE, manifest: "" };
    assert_eq!(
        of_datastores(&told(&case)),
        ["gate-db-tls DATABASE_URL warning", "gate-db-tls DATABASE_URL note"]
    );
    let route = ROUTE.replace("'pg'", "'mysql2/promise'");
    let env = "DATABASE_URL=mysql://app:x@db.example.com/shop?sslmode=require\n";
    let case = Case { package: r#""mysql2":"3.11.0""#, env, route: &route, manifest: "" };
    let report = told(&case);
    assert_eq!(of_datastores(&report), ["gate-db-tls DATABASE_URL warning"]);
    assert!(message(&report).contains("sslmode in the URL is passed over by mysql2"), "{}", message(&report));
    // Nothing is said of what is not known: two drivers, or one of a provider.
    let case = Case { package: r#""pg":"8.13.0","postgres":"3.4.0""#, env: rds, route: ROUTE, manifest: "" };
    assert_eq!(of_datastores(&told(&case)), Vec::<String>::new());
    let case = Case {
        package: r#""pg":"8.13.0","@neondatabase/serverless":"1.0.0""#,
        env: rds,
        route: ROUTE,
        manifest: "",
    };
    assert_eq!(of_datastores(&told(&case)), Vec::<String>::new());
}

#[test]
fn a_password_that_cuts_its_url() {
    let env = "DATABASE_URL='postgres://app:p#ss@db.example.com/shop'\n";
    let case = Case { package: PG, env, route: ROUTE, manifest: MAIN };
    let report = told(&case);
    assert_eq!(of_datastores(&report), ["gate-env-malformed DATABASE_URL critical"]);
}

fn counted(limits: &str, services: &str) -> (Vec<String>, String) {
    let env = "DATABASE_URL=postgres://app:x@db.example.com/shop\n";
    let manifest = format!("{MAIN}{limits}\n{services}");
    let report = told(&Case { package: PG, env, route: ROUTE, manifest: &manifest });
    (of_datastores(&report), message(&report).to_owned())
}

#[test]
fn pools_multiply() {
    let service = |name: &str, instances: u32, pool: &str| {
        format!("[[service]]\nname = \"{name}\"\ndatastore = \"main\"\ninstances_max = {instances}\n{pool}\n")
    };
    let two = format!("{}{}", service("web", 40, ""), service("worker", 4, "pool_max = 5"));
    let (found, text) = counted("max_connections = 100", &two);
    assert_eq!(found, ["gate-db-capacity main critical"]);
    assert_eq!(text, "web 40 × 10 + worker 4 × 5 = 420 > 97 usable connections of main (by the manifest)");
    let fits = |instances, pool| counted("max_connections = 100", &service("web", instances, pool)).0;
    assert_eq!(fits(7, "pool_max = 11"), Vec::<String>::new());
    assert_eq!(fits(8, "pool_max = 10"), ["gate-db-capacity main warning"]);
    assert_eq!(fits(97, "pool_max = 1"), ["gate-db-capacity main warning"]);
    assert_eq!(fits(98, "pool_max = 1"), ["gate-db-capacity main critical"]);
    let part = counted("max_connections = 100\nusable_fraction = 0.5\nhead_room = 9", &service("web", 4, ""));
    assert_eq!(
        part.1,
        "web 4 × 10 + head room 9 = 49 > 50 % of 97 usable connections of main (by the manifest)"
    );
    let processes = counted("max_connections = 503", &service("web", 4, "pool_max = 10\nprocesses = 4"));
    assert_eq!(processes.0, Vec::<String>::new());
    let huge = counted(
        "max_connections = 100",
        &service("web", u32::MAX, "pool_max = 4294967295\nprocesses = 4294967295"),
    );
    assert_eq!(huge.0, ["gate-db-capacity main critical"]);
    // A limit that nobody knows is said, and fails nothing offline.
    let (found, text) = counted("", &service("web", 4, ""));
    assert_eq!(found, ["gate-db-capacity main warning"]);
    assert!(text.starts_with("the limit of main is not known"), "{text}");
}

#[test]
fn statements_that_a_pooler_gives_away() {
    let route = ROUTE.replace("'pg'", "'postgres'");
    let manifest = format!("{}pool_mode = \"transaction\"\n", MAIN.replace("\"postgres\"", "\"pgbouncer\""));
    let env = "DATABASE_URL=postgres://app:x@pool.example.com:6432/shop\n";
    let case = Case { package: r#""postgres":"3.4.5""#, env, route: &route, manifest: &manifest };
    assert_eq!(of_datastores(&told(&case)), ["gate-db-pooler-mode main warning"]);
    let case =
        Case { env: "DATABASE_URL=postgres://app:x@pool.example.com:6432/shop?prepare=false\n", ..case };
    assert_eq!(of_datastores(&told(&case)), Vec::<String>::new());
}
