use super::*;
use crate::diagnose::weigh::Diagnosis;
use crate::record::{IdKind, Position};

fn rules() -> RuleSet {
    RuleSet::embedded().unwrap_or_else(|errors| panic!("{errors}"))
}

/// A failed request; seconds, rule, instance.
struct Case<'a> {
    rules: &'a RuleSet,
    all: Vec<Judged>,
}

impl Case<'_> {
    fn add(&mut self, seconds: i64, rule: &str, instance: &str) -> &mut Judged {
        let index = (0..=u16::MAX)
            .take_while(|index| self.rules.by_index(*index).is_some())
            .find(|index| self.rules.by_index(*index).is_some_and(|one| one.id == rule));
        assert!(index.is_some() || rule.is_empty(), "no rule {rule}");
        self.all.push(Judged {
            id: Some(format!("request-{}", self.all.len())),
            kind: IdKind::Request,
            first_ms: Some(seconds * 1000),
            status: Some(500),
            method: None,
            route: Some("/api/orders".to_owned()),
            deployment: None,
            diagnosis: Diagnosis { rule: index, ..Diagnosis::default() },
            fingerprint: rule.to_owned(),
            subject: BTreeMap::new(),
            captures: BTreeMap::new(),
            evidence: Vec::new(),
            steps: Vec::new(),
            next_step: None,
            identities: 0,
            streams: [instance.to_owned()].into(),
            cold: false,
            crashed: false,
            silent: false,
            inferred_from: None,
            logged: Default::default(),
        });
        let last = self.all.len() - 1;
        &mut self.all[last]
    }

    fn reach(&mut self, seconds: i64, rule: &str, instance: &str, host: &str, port: &str) {
        let captures = [("host".to_owned(), host.to_owned()), ("port".to_owned(), port.to_owned())].into();
        self.add(seconds, rule, instance).captures = captures;
    }

    fn deployed(&mut self, seconds: i64, rule: &str, deployment: &str) {
        self.add(seconds, rule, "a").deployment = Some(deployment.to_owned());
    }

    /// What is said of an incident when the log ends after so many seconds; the order of the requests makes no difference.
    fn said(&self, incident: &str, ends_s: i64) -> String {
        let window = Some((0, ends_s * 1000));
        let said = of(&self.all, self.rules, window, &[]);
        let mut reversed = self.all.clone();
        reversed.reverse();
        assert_eq!(said, of(&reversed, self.rules, window, &[]), "the order shows");
        said.get(incident).map(|sentences| sentences.join("\n")).unwrap_or_default()
    }
}

#[test]
fn a_burst_takes_several_cold_starts_within_seconds() {
    let rules = rules();
    let mut case = Case { rules: &rules, all: Vec::new() };
    for number in 0..6 {
        let one = case.add(number, "pg-pool-wait-timeout", &format!("instance-{number}"));
        (one.cold, one.deployment) = (true, Some("dpl_1".to_owned()));
    }
    let said = case.said("pg-pool-wait-timeout", 60);
    assert!(
        said.contains("6 of these 6 requests") && said.contains("deployment dpl_1 within 5.0 s"),
        "{said}"
    );
    let members: Vec<&Judged> = case.all.iter().take(4).collect();
    assert_eq!(instances::cold_burst(&members), None, "a few are ordinary");
    for (number, one) in case.all.iter_mut().enumerate() {
        one.first_ms = Some(number as i64 * 90_000);
    }
    assert_eq!(case.said("pg-pool-wait-timeout", 999), "", "not within a minute");
}

#[test]
fn many_instances_crowd_a_server() {
    let rules = rules();
    let id = "postgres-too-many-connections";
    let mut case = Case { rules: &rules, all: Vec::new() };
    for number in 0..12 {
        let one = case.add(number, id, &format!("instance-{}", number % 6));
        one.captures.insert("pool_max".to_owned(), "10".to_owned());
    }
    let said = case.said(id, 60);
    assert!(said.contains("too many instances x pool size: 6 instances"), "{said}");
    assert!(said.contains("a pool of up to 10: 60 connections"), "{said}");
    for one in &mut case.all {
        one.streams = [one.id.clone().unwrap_or_default()].into();
    }
    assert_eq!(case.said(id, 60), "", "a stream for every request is no instance");
    for one in &mut case.all {
        one.streams = ["one".to_owned()].into();
    }
    assert_eq!(case.said(id, 60), "", "one instance is no crowd");
}

#[test]
fn one_instance_alone_is_stale_only_if_others_were_alive() {
    let rules = rules();
    let id = "postgres-connection-terminated";
    let mut case = Case { rules: &rules, all: Vec::new() };
    for number in 0..3 {
        case.add(number * 30, id, "a");
    }
    assert_eq!(case.said(id, 600), "", "no other instance is known");
    case.add(7200, "null-dereference", "b");
    assert_eq!(case.said(id, 9000), "", "another one, hours later");
    case.add(50, "null-dereference", "b");
    assert!(case.said(id, 9000).contains("all 3 requests ran on a"));
    case.add(55, id, "b");
    assert_eq!(case.said(id, 9000), "", "it is not alone");
}

#[test]
fn different_targets_of_one_instance_are_one_fault() {
    let rules = rules();
    let (dns, tcp) = ("dns-temporary-failure", "tcp-connect-timeout");
    let mut case = Case { rules: &rules, all: Vec::new() };
    case.reach(0, dns, "a", "db.example.com", "");
    case.reach(5, dns, "a", "db.example.com", "");
    case.reach(20, tcp, "a", "api.example.com", "443");
    let said = case.said(dns, 9000);
    assert!(said.contains("db.example.com, api.example.com failed on instance a within 20.0 s"), "{said}");
    assert!(!said.contains("outage") && case.said(tcp, 9000) == said);

    let mut addresses = Case { rules: &rules, all: Vec::new() };
    for (number, address) in ["203.0.113.1", "203.0.113.2", "203.0.113.3"].into_iter().enumerate() {
        addresses.reach(number as i64, tcp, "a", address, "443");
    }
    assert_eq!(addresses.said(tcp, 9000), "", "addresses of one name, perhaps");

    let mut apart = Case { rules: &rules, all: Vec::new() };
    for number in 0..9 {
        apart.reach(number * 30, tcp, "a", "db.example.com", "5432");
    }
    apart.reach(200, tcp, "a", "api.example.com", "443");
    assert_eq!(apart.said(tcp, 250), "", "one of them had failed long before");
}

#[test]
fn an_outage_is_seen_by_many_and_heals_by_itself() {
    let rules = rules();
    let id = "tcp-connection-refused";
    let outage = || {
        let mut case = Case { rules: &rules, all: Vec::new() };
        for (seconds, instance) in [(0, "a"), (2, "b"), (4, "c"), (30, "a")] {
            case.reach(seconds, id, instance, "rates.example.com", "443");
        }
        case
    };
    let said = outage().said(id, 630);
    assert!(said.contains("rates.example.com failed on 3 instances within 4.0 s"), "{said}");
    assert!(said.contains("no more for the 10 min"), "{said}");
    assert_eq!(outage().said(id, 60), "", "the log ends with it");
    let mut redeployed = outage();
    redeployed.deployed(-5, "", "dpl_1");
    redeployed.deployed(60, "", "dpl_2");
    assert_eq!(redeployed.said(id, 630), "", "a deployment may have healed it");
    let mut few = outage();
    few.all.retain(|one| !one.streams.contains("c"));
    assert_eq!(few.said(id, 630), "", "two instances");
}

#[test]
fn what_one_side_of_a_deployment_fails_with() {
    let rules = rules();
    let (login, table) = ("postgres-password-rejected", "relation-missing");
    let mut case = Case { rules: &rules, all: Vec::new() };
    case.deployed(0, "null-dereference", "dpl_1");
    for number in 0..2 {
        case.deployed(300 + number, login, "dpl_2");
        case.deployed(1500 + number, table, "dpl_2");
    }
    assert!(
        case.said(login, 2000)
            .contains("all 2 requests are of deployment dpl_2, first seen 5 min after dpl_1")
    );
    assert!(case.said(table, 2000).contains("schema drift: all 2 requests are of deployment dpl_2"));
    case.deployed(1600, table, "dpl_1");
    assert_eq!(case.said(table, 2000), "", "the older one fails so too");

    let mut old = Case { rules: &rules, all: Vec::new() };
    old.deployed(0, "null-dereference", "dpl_1");
    old.deployed(60, "null-dereference", "dpl_2");
    for number in 0..2 {
        old.deployed(120 + number, login, "dpl_1");
    }
    assert!(old.said(login, 2000).contains("the older probably still holds the secret from before"));

    let mut late = Case { rules: &rules, all: Vec::new() };
    late.deployed(0, "null-dereference", "dpl_1");
    for number in 0..2 {
        late.deployed(901 + number, login, "dpl_2");
        late.deployed(1801 + number, table, "dpl_2");
    }
    assert_eq!(late.said(login, 2000) + &late.said(table, 2000), "", "too long after");
}

#[test]
fn a_deployment_that_never_failed_is_known_by_its_traffic() {
    let rules = rules();
    let mut case = Case { rules: &rules, all: Vec::new() };
    for number in 0..2 {
        case.deployed(660 + number, "relation-missing", "dpl_2");
    }
    let cell = |minute: i64, deployment: &str| Cell {
        minute_ms: Some(minute * 60_000),
        route: None,
        deployment: Some(deployment.into()),
        requests: 9,
        failed: 0,
    };
    let said = |traffic: &[Cell]| {
        let said = of(&case.all, &rules, Some((0, 900_000)), traffic);
        said.get("relation-missing").map(|sentences| sentences.join("\n")).unwrap_or_default()
    };
    let before: Vec<Cell> = (0..10).map(|minute| cell(minute, "dpl_1")).collect();
    let text = said(&before);
    assert!(text.contains("are of deployment dpl_2, first seen") && text.contains("after dpl_1"), "{text}");
    assert_eq!(said(&[]), "", "nothing else was deployed");
    let both = [cell(11, "dpl_1"), cell(11, "dpl_2")];
    assert_eq!(said(&both), "", "the log begins with both");
    let longer: Vec<Cell> = (0..40).map(|minute| cell(minute - 60, "dpl_1")).collect();
    assert_eq!(said(&longer), "", "the older one was gone for half an hour");
}

#[test]
fn sessions_that_end_around_refused_writes_are_a_failover() {
    let rules = rules();
    let (write, session) = ("database-read-only-node", "database-session-killed");
    let evidence = |text: &str| vec![(Position::default(), None, text.to_owned())];
    let mut case = Case { rules: &rules, all: Vec::new() };
    case.add(0, session, "a");
    case.add(1, session, "b");
    case.add(500, session, "b");
    case.add(30, write, "a").evidence = evidence("error: cannot execute INSERT in a read-only transaction");
    let said = case.said(write, 600);
    assert!(said.contains("failover in progress: 2 requests lost their connection"), "{said}");
    assert_eq!(case.said(session, 600), said);
    for one in case.all.iter_mut().filter(|one| one.fingerprint == write) {
        one.evidence = evidence("ReplyError: READONLY You can't write against a read only replica.");
    }
    assert_eq!(case.said(write, 600), "", "another kind of database");
}

#[test]
fn the_causes_that_are_named_exist() {
    let rules = rules();
    let named = instances::SERVER_FULL
        .iter()
        .chain(&instances::OWN_LIMITS)
        .chain([&dependencies::READ_ONLY])
        .chain(dependencies::LOST.iter().flat_map(|(_, ids)| ids.iter()));
    for id in named {
        assert!(rules.get(id).is_some(), "no rule {id}");
    }
}
