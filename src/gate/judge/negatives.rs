//! Critical endpoints of which no negative path is declared: nobody would see a release that answers them with 500.

use super::checks::About;
use super::simple;
use crate::gate::collect::routes::Route;
use crate::gate::manifest::Manifest;
use crate::gate::manifest::pattern::Pattern;
use crate::gate::report::model::{Check, Severity};
use crate::gate::runtime::Assigned;

/// A critical endpoint without a negative path.
pub const MISSING: About = About {
    id: "gate-negative-missing",
    class: "route",
    subclass: "validation",
    prevents: &["request-body-parse", "unhandled-validation"],
    prevention: "Declare with an endpoint what it must refuse.",
};

/// Handlers of critical families that change something, without a negative path. `methods`: what each route exports.
pub fn judge(manifest: &Manifest, routes: &[(Route, Assigned)], methods: &[Vec<String>]) -> Vec<Check> {
    let changes = |method: &&String| matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE");
    let critical = routes.iter().zip(methods).filter_map(|((route, _), methods)| {
        let family = manifest.family(&route.pattern).filter(|family| family.critical)?;
        Some((route, methods.iter().find(changes)?, family))
    });
    critical
        .filter(|(route, _, _)| {
            let pattern = Pattern::of_route(&route.pattern);
            let declared = manifest.families.iter().flat_map(|family| &family.negatives);
            let mut paths = declared.map(|negative| negative.request.path.without_query());
            !paths.any(|path| pattern.matches(path))
        })
        .map(|(route, method, family)| {
            let message = format!(
                "{method} {} of family {} is critical, and no negative path of it is declared",
                route.pattern, family.name
            );
            let fix = "add a [[family.negative]] with a malformed body or without credentials, and probe it with --live";
            simple(MISSING, Severity::Critical, &route.pattern, message, fix)
        })
        .collect()
}
