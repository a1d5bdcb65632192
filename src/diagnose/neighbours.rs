//! The incident that a failed request without any text may belong to, by the failures beside it. It names neighbours; it
//! never classifies.

use std::collections::BTreeMap;

use super::judge::Judged;

/// Time after a crash for which failures of the same instance are put down to it, in milliseconds.
const CRASH_REACH_MS: i64 = 60_000;

/// Gives every failure without text and cause the incident of its neighbours: that of a crash on the same instance before
/// it, else the most frequent one of its route and deployment.
pub fn infer(judged: &mut [Judged]) {
    let mut by_place: BTreeMap<(String, String), BTreeMap<String, u64>> = BTreeMap::new();
    let mut crashes: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    for one in judged.iter().filter(|one| one.diagnosis.rule.is_some()) {
        if let Some(place) = place(one) {
            *by_place.entry(place).or_default().entry(one.fingerprint.clone()).or_default() += 1;
        }
        if let (true, Some(at)) = (one.crashed, one.first_ms) {
            for stream in &one.streams {
                crashes.entry(stream.clone()).or_default().push((at, one.fingerprint.clone()));
            }
        }
    }
    for one in judged.iter_mut().filter(|one| one.silent && one.diagnosis.rule.is_none()) {
        let crash = one.first_ms.and_then(|at| {
            one.streams
                .iter()
                .filter_map(|stream| crashes.get(stream))
                .flatten()
                .filter(|(crashed, _)| (0..=CRASH_REACH_MS).contains(&at.saturating_sub(*crashed)))
                .max()
                .map(|(_, incident)| incident.clone())
        });
        let beside = || {
            let incidents = by_place.get(&place(one)?)?;
            // The most frequent one, of equally frequent ones the least.
            let (incident, _) = incidents.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)))?;
            Some(incident.clone())
        };
        one.inferred_from = crash.or_else(beside);
    }
}

/// Route and deployment; without a route nothing is beside a request.
fn place(one: &Judged) -> Option<(String, String)> {
    Some((one.route.clone()?, one.deployment.clone().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::weigh::Diagnosis;
    use crate::record::IdKind;

    fn judged(number: i64, rule: Option<u16>, fingerprint: &str) -> Judged {
        Judged {
            id: Some(format!("request-{number}")),
            kind: IdKind::Request,
            first_ms: Some(number * 1000),
            status: Some(500),
            method: None,
            route: Some("/api/orders".to_owned()),
            deployment: Some("dpl_1".to_owned()),
            diagnosis: Diagnosis { rule, ..Diagnosis::default() },
            fingerprint: fingerprint.to_owned(),
            subject: BTreeMap::new(),
            captures: BTreeMap::new(),
            evidence: Vec::new(),
            steps: Vec::new(),
            next_step: None,
            identities: 0,
            streams: [format!("stream-{}", number % 2)].into(),
            cold: rule.is_some(),
            crashed: false,
            silent: rule.is_none(),
            inferred_from: None,
            logged: Default::default(),
        }
    }

    #[test]
    fn a_silent_failure_names_its_neighbours_incident() {
        let mut all: Vec<Judged> = (0..3).map(|number| judged(number, Some(1), "aaa")).collect();
        all.push(judged(3, Some(2), "bbb"));
        all.push(judged(4, None, "ccc"));
        let mut elsewhere = judged(5, None, "ddd");
        elsewhere.route = Some("/other".to_owned());
        all.push(elsewhere);
        infer(&mut all);
        let named: Vec<Option<&str>> = all.iter().map(|one| one.inferred_from.as_deref()).collect();
        assert_eq!(named, [None, None, None, None, Some("aaa"), None]);
        all[3].crashed = true;
        all[5].streams = ["stream-1".to_owned()].into();
        infer(&mut all);
        assert_eq!(all[5].inferred_from.as_deref(), Some("bbb"), "the instance crashed two seconds before");
    }
}
