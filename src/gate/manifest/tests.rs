use std::path::Path;

use super::*;

fn parse(text: &str) -> Result<Manifest, Fault> {
    Manifest::parse(Path::new("why500.toml"), text)
}

const HEAD: &str = "schema = \"why500/manifest/v1\"\n";

fn fault(text: &str) -> String {
    parse(&format!("{HEAD}{text}")).expect_err("a fault").to_string()
}

#[test]
fn reads_families_keys_and_waivers() {
    let manifest = parse(&format!(
        "{HEAD}[env.keys.DATABASE_URL]\ntype = \"url\"\nschemes = [\"postgres\"]\nrequired_in = [\"production\"]\n\
         [[family]]\nname = \"billing\"\nroutes = [\"/api/billing/**\"]\nowner = \"payments\"\nruntime = \"nodejs\"\n\
         [[gate.allow]]\ncheck = \"gate-env-parity\"\nreason = \"build only\"\nuntil = \"2027-03-31\"\n"
    ))
    .expect("a manifest");
    assert_eq!(manifest.env.keys["DATABASE_URL"].kind, Kind::Url);
    assert_eq!(manifest.family("/api/billing/prices").map(|family| family.name.as_str()), Some("billing"));
    assert!(manifest.family("/api/orders").is_none());
    assert_eq!(manifest.gate.allow[0].until.to_string(), "2027-03-31");
}

#[test]
fn names_line_key_and_cure() {
    let text = fault("[[family]]\nname = \"a\"\nroutes = []\nownr = \"x\"\n");
    assert!(text.starts_with("why500.toml:5: ownr: unknown field `ownr`"), "{text}");
    assert!(text.ends_with("cure: did you mean `owner`?"), "{text}");
    let text = fault("[[gate.allow]]\ncheck = \"gate-env-party\"\nreason = \"x\"\nuntil = \"2027-03-31\"\n");
    assert!(text.starts_with("why500.toml:3: check: there is no check `gate-env-party`"), "{text}");
    assert!(text.ends_with("did you mean `gate-env-parity`?"), "{text}");
    assert!(
        fault("[[gate.allow]]\ncheck = \"gate-env-parity\"\nreason = \" \"\nuntil = \"2027-03-31\"\n")
            .contains("reason is empty")
    );
    assert!(
        fault("[[gate.allow]]\ncheck = \"gate-env-parity\"\nreason = \"x\"\nuntil = \"soon\"\n")
            .contains("2027-03-31")
    );
    assert!(fault("[[family]]\nname = \"a\"\nroutes = [\"api\"]\n").contains("does not begin with /"));
    assert!(fault("[env.keys.A]\npattern = \"(\"\n").contains("no regular expression"));
    let twice = "[[family]]\nname = \"a\"\nroutes = []\n[[family]]\nname = \"a\"\nroutes = []\n";
    assert!(fault(twice).starts_with("why500.toml:6: name:"), "{}", fault(twice));
    let store = "[datastore.main]\nkind = \"postgres\"\nurl_env = \"DATABASE_URL\"\n";
    let service = "[[service]]\nname = \"web\"\ninstances_max = 1\ndatastore = \"mian\"\n";
    let text = fault(&format!("{store}{service}"));
    assert!(text.starts_with("why500.toml:8: datastore: there is no datastore `mian`"), "{text}");
    assert!(text.ends_with("did you mean `main`?"), "{text}");
    assert!(
        fault("[[family]]\nname = \"a\"\nroutes = []\ndatastores = [\"main\"]\n")
            .contains("[datastore.main]")
    );
    assert!(fault(&format!("{store}usable_fraction = 1.5\n")).contains("at most 1"));
    assert!(fault(&store.replace("postgres", "postgress")).contains("did you mean `postgres`?"));
    let other = parse("schema = \"why500/manifest/v9\"\n").expect_err("a fault").to_string();
    assert!(other.contains("why500/manifest/v1"), "{other}");
}

const WHOLE: &str = "schema = \"why500/manifest/v1\"\n[env.keys.A]\npattern = \"^a\"\n[[family]]\nname = \"a\"\nroutes = [\"/a/**\"]\n[[family.probe]]\nname = \"p\"\nrequest = { path = \"/a?b\", headers_env = { a = \"B\" } }\nexpect = { status = [200], max_ms = 5 }\n[[family.negative]]\nname = \"n\"\nrequest = { method = \"POST\", path = \"/a\", body = \"{\" }\n[live]\nwarm_up = [\"/a\"]\n[slo]\navailability = 0.999\n[rollback]\ncommand = \"x {previous}\"\n[[gate.allow]]\ncheck = \"gate-env-parity\"\nreason = \"x\"\nuntil = \"2027-03-31\"\n";

proptest::proptest! {
    /// Any damage to a manifest is read or refused with a cure, and never a panic.
    #[test]
    fn a_damaged_manifest_is_read_or_refused(at in 0usize..1000, with in ".{0,3}", gone in 0usize..40) {
        proptest::prop_assert!(parse(WHOLE).is_ok());
        let from = at % WHOLE.len();
        let text = format!("{}{with}{}", &WHOLE[..from], &WHOLE[(from + gone).min(WHOLE.len())..]);
        if let Err(fault) = parse(&text) {
            proptest::prop_assert!(!fault.cure.is_empty() && fault.to_string().starts_with("why500.toml"));
        }
    }
}
