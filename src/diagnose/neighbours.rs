//! The incident that a failed request without any text may belong to, by the failures beside it. It names neighbours; it
//! never classifies.

use std::collections::BTreeMap;

use super::judge::Judged;

/// Time after a crash for which failures of the same instance are put down to it, in milliseconds.
const CRASH_REACH_MS: i64 = 60_000;

/// Time within which failures of a route and deployment may be of one incident, in milliseconds.
const BESIDE_MS: i64 = 600_000;

/// Gives every failure without text and cause the incident of its neighbours: that of a crash on the same instance before
/// it, else the most frequent one of its route and deployment about that time.
pub fn infer(judged: &mut [Judged]) {
    let mut by_place: BTreeMap<(String, String), BTreeMap<String, Vec<i64>>> = BTreeMap::new();
    let mut crashes: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    for one in judged.iter().filter(|one| one.diagnosis.rule.is_some()) {
        if let (Some(place), Some(at)) = (place(one), one.first_ms) {
            by_place.entry(place).or_default().entry(one.fingerprint.clone()).or_default().push(at);
        }
        if let (true, Some(at)) = (one.crashed, one.first_ms) {
            for stream in &one.streams {
                crashes.entry(stream.clone()).or_default().push((at, one.fingerprint.clone()));
            }
        }
    }
    for times in by_place.values_mut().flat_map(BTreeMap::values_mut) {
        times.sort_unstable();
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
            let (incidents, at) = (by_place.get(&place(one)?)?, one.first_ms?);
            let count = |times: &[i64]| {
                let from = times.partition_point(|time| *time < at.saturating_sub(BESIDE_MS));
                let to = times.partition_point(|time| *time <= at.saturating_add(BESIDE_MS));
                to - from
            };
            // The most frequent one, of equally frequent ones the least.
            let beside = incidents.iter().map(|(incident, times)| (count(times), incident));
            let (_, incident) =
                beside.filter(|(count, _)| *count > 0).max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(a.1)))?;
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

    fn judged(number: i64, rule: Option<u16>, fingerprint: &str) -> Judged {
        Judged {
            id: Some(format!("request-{number}")),
            first_ms: Some(number * 1000),
            status: Some(500),
            route: Some("/api/orders".to_owned()),
            deployment: Some("dpl_1".to_owned()),
            diagnosis: Diagnosis { rule, ..Diagnosis::default() },
            fingerprint: fingerprint.to_owned(),
            streams: [format!("stream-{}", number % 2)].into(),
            cold: rule.is_some(),
            silent: rule.is_none(),
            ..Judged::default()
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
        let mut late = judged(4, None, "eee");
        late.first_ms = Some(86_400_000);
        let mut with_late = [judged(0, Some(1), "aaa"), late];
        infer(&mut with_late);
        assert_eq!(with_late[1].inferred_from, None, "a day later");
        all[3].crashed = true;
        all[5].streams = ["stream-1".to_owned()].into();
        infer(&mut all);
        assert_eq!(all[5].inferred_from.as_deref(), Some("bbb"), "the instance crashed two seconds before");
    }
}
