//! What the manifest accepts for a while, and from where on a finding fails. A waiver that has ended accepts nothing.

use chrono::NaiveDate;

use super::checks::About;
use super::simple;
use crate::gate::manifest::{FailOn, Policy, Waiver};
use crate::gate::report::model::{Check, Severity, State};

/// A waiver that has ended.
pub const EXPIRED: About = About {
    id: "gate-waiver-expired",
    class: "route",
    subclass: "manifest",
    prevents: &[],
    prevention: "Give a waiver the day on which its reason will be gone.",
};

/// Applies a policy to findings as of a day. Returns what to remark; of waivers of checks that did not run, nothing.
pub fn apply(policy: &Policy, today: NaiveDate, found: &mut Vec<Check>, ran: &[About]) -> Vec<String> {
    let mut remarks = Vec::new();
    let mut expired = Vec::new();
    for waiver in policy.allow.iter().filter(|waiver| ran.iter().any(|about| about.id == waiver.check)) {
        let meant = || waiver.subject.as_deref().unwrap_or("every subject");
        let mut met = found.iter_mut().filter(|check| accepts(waiver, check)).peekable();
        if met.peek().is_none() {
            remarks.push(format!("the waiver of {} for {} meets nothing", waiver.check, meant()));
        } else if waiver.until < today {
            let message = format!("the waiver of {} for {} ended on {}", waiver.check, meant(), waiver.until);
            let fix = "mend what it accepts, or give it another day and reason";
            expired.push(simple(EXPIRED, Severity::Warning, &waiver.check, message, fix));
        } else {
            for check in met {
                check.state = State::Waived;
                check.waived = Some(format!("{} (until {})", waiver.reason, waiver.until));
            }
        }
    }
    found.extend(expired);
    if policy.fail_on == FailOn::Warning {
        for check in found.iter_mut().filter(|check| check.state == State::Warn) {
            if check.severity != Severity::Note {
                check.state = State::Fail;
            }
        }
    }
    remarks
}

fn accepts(waiver: &Waiver, check: &Check) -> bool {
    check.id == waiver.check && waiver.subject.as_ref().is_none_or(|subject| *subject == check.subject)
}
