//! Made-up requests for the tests of what is said of all requests together.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::judge::Judged;
use crate::correlate::traffic::{Cell, Sampled, Traffic};

const MINUTE_MS: i64 = 60_000;

/// Failed and other requests, added minute by minute.
#[derive(Default)]
pub struct Story {
    pub judged: Vec<Judged>,
    cells: BTreeMap<(i64, String, Option<String>), (u64, u64)>,
    sample: Vec<Sampled>,
}

fn owned(values: &[(&str, &str)]) -> BTreeMap<String, String> {
    values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Story {
    /// So many requests of a minute that did not fail; an empty deployment is none.
    pub fn good(&mut self, minute: i64, route: &str, deployment: &str, requests: u64) {
        self.cell(minute, route, deployment).0 += requests;
    }

    /// So many failures of an incident in a minute.
    pub fn bad(&mut self, minute: i64, route: &str, deployment: &str, incident: &str, requests: u64) {
        for _ in 0..requests {
            self.failed(minute, route, deployment, incident, &[]);
        }
    }

    /// A failure with dimensions.
    pub fn failed(
        &mut self,
        minute: i64,
        route: &str,
        deployment: &str,
        incident: &str,
        values: &[(&str, &str)],
    ) {
        let cell = self.cell(minute, route, deployment);
        (cell.0, cell.1) = (cell.0 + 1, cell.1 + 1);
        let mut dimensions = owned(values);
        let deployment = Some(deployment.to_owned()).filter(|deployment| !deployment.is_empty());
        dimensions.extend(deployment.clone().map(|deployment| ("deployment".to_owned(), deployment)));
        self.judged.push(Judged {
            id: Some(format!("request-{}", self.judged.len())),
            first_ms: Some(minute * MINUTE_MS + 30_000),
            status: Some(500),
            route: Some(route.to_owned()),
            deployment,
            dimensions,
            fingerprint: incident.to_owned(),
            ..Judged::default()
        });
    }

    /// So many healthy requests in the sample; they are counted elsewhere.
    pub fn sampled(&mut self, route: &str, values: &[(&str, &str)], requests: u64) {
        for _ in 0..requests {
            self.sample.push(Sampled {
                key: self.sample.len() as u64,
                route: Some(Arc::from(route)),
                deployment: None,
                region: None,
                dimensions: owned(values),
                status: Some(200),
                end_ms: None,
                duration_ms: None,
            });
        }
    }

    fn cell(&mut self, minute: i64, route: &str, deployment: &str) -> &mut (u64, u64) {
        let deployment = Some(deployment.to_owned()).filter(|deployment| !deployment.is_empty());
        self.cells.entry((minute, route.to_owned(), deployment)).or_default()
    }

    /// What was counted.
    pub fn traffic(&self) -> Traffic {
        let cell = |((minute, route, deployment), (requests, failed)): (
            &(i64, String, Option<String>),
            &(u64, u64),
        )| Cell {
            minute_ms: Some(minute * MINUTE_MS),
            route: Some(Arc::from(route.as_str())),
            deployment: deployment.as_deref().map(Arc::from),
            requests: *requests,
            failed: *failed,
        };
        Traffic { cells: self.cells.iter().map(cell).collect(), sample: self.sample.clone() }
    }
}
