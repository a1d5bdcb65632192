use std::path::Path as File;

use crate::gate::manifest::{Manifest, SCHEMA};

fn parse(text: &str) -> Result<Manifest, String> {
    let text = format!("schema = \"{SCHEMA}\"\n{text}");
    Manifest::parse(File::new("why500.toml"), &text).map_err(|fault| fault.to_string())
}

fn family(table: &str, lines: &str) -> String {
    format!(
        "[[family]]\nname = \"billing\"\nroutes = [\"/api/**\"]\n\n[[family.{table}]]\nname = \"one\"\n{lines}\n"
    )
}

fn fault(table: &str, lines: &str) -> String {
    parse(&family(table, lines)).expect_err("a fault")
}

#[test]
fn reads_probes_and_negative_paths() {
    let manifest = parse(&format!(
        "[live]\nwarm_up = [\"/api/health\"]\nprotection_bypass_env = \"BYPASS\"\ntimeout_ms = 5000\n{}{}",
        family(
            "probe",
            "request = { path = \"/api/prices?page=1\" }\nexpect = { status = 200, headers = { \"Content-Type\" = \"application/json*\" }, max_ms = 1500 }"
        ),
        "[[family.negative]]\nname = \"malformed\"\nrequest = { method = \"POST\", path = \"/api/pay\", body = '{\"' }\nexpect = { status = [400, 422] }\n"
    ))
    .expect("a manifest");
    let family = &manifest.families[0];
    assert_eq!(family.probes[0].request.path.without_query(), "/api/prices");
    assert_eq!(family.probes[0].expect.headers["content-type"], "application/json*");
    assert_eq!(family.negatives[0].expect.status, [400, 422]);
    assert_ne!(family.probes[0].digest(), family.negatives[0].digest());
    assert_eq!(family.probes[0].digest().len(), 16);
}

#[test]
fn what_must_not_be_sent_is_refused_with_its_line() {
    let text = fault("probe", "request = { method = \"POST\", path = \"/api/pay\" }");
    assert!(text.starts_with("why500.toml:8: request: a probe with POST may change"), "{text}");
    assert!(text.contains("unsafe = true"), "{text}");
    for path in ["//evil.example.com/x", "http://evil.example.com", "api", "/a b", "/a#b", "/\\u00e4"] {
        let text = fault("probe", &format!("request = {{ path = \"{path}\" }}"));
        assert!(text.starts_with("why500.toml:8: request: a path"), "{path}: {text}");
    }
    for (header, said) in [
        ("Host = \"evil.example.com\"", "`host` cannot"),
        ("\"a b\" = \"x\"", "no name of a header"),
        ("a = \"x\\r\\nb: y\"", "printable ASCII"),
        ("a = \"x\", A = \"y\"", "stands twice"),
    ] {
        let text = fault("probe", &format!("request = {{ path = \"/\", headers = {{ {header} }} }}"));
        assert!(text.contains(said), "{header}: {text}");
    }
    let text = fault("negative", "request = { path = \"/\" }\nexpect = { status = [400, 500] }");
    assert!(text.starts_with("why500.toml:9: expect: 500 is no refusal"), "{text}");
    let text = fault("probe", "request = { path = \"/\" }\nexpect = { runtime = \"edge\" }");
    assert!(text.contains("runtime_header"), "{text}");
    assert!(
        fault("probe", "request = { path = \"/\" }\nexpect = { status = \"ok\" }").contains("200 to 599")
    );
    assert!(fault("probe", "request = { path = \"/\", body = \"x\" }").contains("GET has no body"));
    let twice = family(
        "probe",
        "request = { path = \"/\" }\n[[family.probe]]\nname = \"one\"\nrequest = { path = \"/b\" }",
    );
    let text = parse(&twice).expect_err("a fault");
    assert!(text.starts_with("why500.toml:10: name: `one` is also"), "{text}");
}
