//! What a failed request is. One table, used everywhere; pure functions of what was seen.

use crate::record::Marks;

/// A status with the time at which it was seen, or nothing. The later one wins, of two at one time the higher; so the
/// time stands in the upper bits and the status in the lower ones, and the greater number is the one that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen(i64);

/// Bits of a status.
const STATUS_BITS: u32 = 16;
/// Times further off than this are no times of log lines.
const FURTHEST_MS: i64 = (1 << (63 - STATUS_BITS)) - 1;

impl Seen {
    /// Nothing was seen.
    pub const NOTHING: Seen = Seen(i64::MIN);

    /// A status that was seen at this time.
    pub fn at(time_ms: i64, status: u16) -> Seen {
        Seen((time_ms.clamp(-FURTHEST_MS, FURTHEST_MS) << STATUS_BITS) | i64::from(status))
    }

    /// The status.
    pub fn status(self) -> Option<u16> {
        self.is_something().then_some(self.0 as u16)
    }

    /// The time; `i64::MIN` where there is none.
    pub fn time_ms(self) -> i64 {
        match self.0 >> STATUS_BITS {
            time_ms if time_ms <= -FURTHEST_MS => i64::MIN,
            time_ms => time_ms,
        }
    }

    /// As a number, for files.
    pub fn to_bits(self) -> i64 {
        self.0
    }

    /// From such a number.
    pub fn from_bits(bits: i64) -> Seen {
        Seen(bits)
    }

    /// Whether any status was seen.
    pub fn is_something(self) -> bool {
        self != Seen::NOTHING
    }
}

impl Default for Seen {
    fn default() -> Seen {
        Seen::NOTHING
    }
}

/// The latest time of something, or never; it may have happened at no known time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Latest(i64);

impl Latest {
    /// It did not happen.
    pub const NEVER: Latest = Latest(i64::MIN);

    /// It happened at this time; `i64::MIN` where the time is not known.
    pub fn at(time_ms: i64) -> Latest {
        Latest(time_ms.max(i64::MIN + 1))
    }

    /// The time, about `i64::MIN` where it is not known; `None` if it did not happen.
    pub fn time_ms(self) -> Option<i64> {
        (self != Latest::NEVER).then_some(self.0)
    }
}

impl Default for Latest {
    fn default() -> Latest {
        Latest::NEVER
    }
}

/// First and last time, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    first_ms: i64,
    last_ms: i64,
}

impl Span {
    /// One point in time; none if that is `i64::MIN`.
    pub fn at(time_ms: i64) -> Span {
        if time_ms == i64::MIN { Span::default() } else { Span { first_ms: time_ms, last_ms: time_ms } }
    }

    /// First and last time.
    pub fn ends_ms(self) -> Option<(i64, i64)> {
        (self.first_ms <= self.last_ms).then_some((self.first_ms, self.last_ms))
    }

    fn merge(&mut self, other: Span) {
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
    }
}

impl Default for Span {
    fn default() -> Span {
        Span { first_ms: i64::MAX, last_ms: i64::MIN }
    }
}

/// What the records of a request say of its end. A semilattice: [`Facts::merge`] is associative, commutative and
/// idempotent, so records may arrive in any order, repeatedly, and in parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Status that a proxy or router in front of the application sent.
    pub edge: Seen,
    /// Status that a client saw, on a row of anything but middleware.
    pub client: Seen,
    /// Status that a client saw on a middleware row.
    pub middleware: Seen,
    /// The function's own status.
    pub function: Seen,
    /// A status of which nothing is said, such as a response that the application logged.
    pub other: Seen,
    /// All marks of all records.
    pub marks: Marks,
    /// First and last time.
    pub span: Span,
    /// The last terminal record.
    pub end: Latest,
    /// The last start; a second one is a retry under the same ID.
    pub start: Latest,
    /// The last crash, timeout or error block.
    pub broke: Latest,
}

/// Marks that say by themselves that something broke.
const BROKE: Marks = Marks::CRASH.and(Marks::TIMEOUT).and(Marks::OUT_OF_MEMORY).and(Marks::ERROR_BLOCK);

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// With a 5xx, or without any status by a crash. The status is None when none was logged.
    Failed(Option<u16>),
    /// With an answer below 500, or by an end without a sign of failure.
    Succeeded(Option<u16>),
    /// The client went away.
    Aborted,
    /// The log has neither a status nor an end.
    Incomplete,
}

impl Facts {
    /// The facts of one record.
    pub fn of(time_ms: i64, status: Option<u16>, function_status: Option<u16>, marks: Marks) -> Facts {
        let mut facts = Facts { marks, span: Span::at(time_ms), ..Facts::default() };
        let latest = |happened: bool| if happened { Latest::at(time_ms) } else { Latest::NEVER };
        facts.end = latest(marks.has(Marks::END));
        // A start without a time of its own may be a repetition: it proves no retry.
        facts.start = latest(marks.has(Marks::START) && !marks.has(Marks::NO_TIME));
        facts.broke = latest(marks.has(BROKE));
        facts.function = function_status.map_or(Seen::NOTHING, |code| Seen::at(time_ms, code));
        if let Some(code) = status {
            let seen = Seen::at(time_ms, code);
            if marks.has(Marks::MIDDLEWARE) {
                facts.middleware = seen;
            } else if marks.has(Marks::EDGE) {
                facts.edge = seen;
            } else if marks.has(Marks::CLIENT) {
                facts.client = seen;
            } else {
                facts.other = seen;
            }
        }
        facts
    }

    /// Joins what two parts of a request know.
    pub fn merge(&mut self, other: &Facts) {
        self.edge = self.edge.max(other.edge);
        self.client = self.client.max(other.client);
        self.middleware = self.middleware.max(other.middleware);
        self.function = self.function.max(other.function);
        self.other = self.other.max(other.other);
        self.marks.insert(other.marks);
        self.end = self.end.max(other.end);
        self.start = self.start.max(other.start);
        self.broke = self.broke.max(other.broke);
        self.span.merge(other.span);
    }

    /// The outcome, by the table of the design.
    pub fn outcome(&self) -> Outcome {
        // An attempt that began after the last break and ended decides over the one that broke.
        let retried = self.broke < self.start && self.start <= self.end;
        let broke = self.broke != Latest::NEVER && !retried;
        if let Some(status) = self.edge.status().or(self.client.status()) {
            // What the client saw decides: a crash or timeout behind an answer below 500 did not reach anybody.
            return match status {
                500.. => Outcome::Failed(Some(status)),
                499 => Outcome::Aborted,
                _ => Outcome::Succeeded(Some(status)),
            };
        }
        if self.marks.has(Marks::BACKGROUND) {
            return Outcome::Succeeded(None);
        }
        if let Some(status @ 500..) = self.middleware.status() {
            return Outcome::Failed(Some(status));
        }
        if let Some(status @ 500..) = self.function.status() {
            return Outcome::Failed(Some(status));
        }
        if let Some(status) = self.other.status() {
            return match status {
                500.. => Outcome::Failed(Some(status)),
                499 => Outcome::Aborted,
                // An application's own note of its answer is no proof that it was sent.
                _ if broke => Outcome::Failed(None),
                _ => Outcome::Succeeded(Some(status)),
            };
        }
        if broke {
            return Outcome::Failed(None);
        }
        if self.marks.has(Marks::ABORTED) {
            return Outcome::Aborted;
        }
        match self.function.status().or(self.middleware.status()) {
            Some(status) => Outcome::Succeeded(Some(status)),
            None if self.marks.has(Marks::END) => Outcome::Succeeded(None),
            None => Outcome::Incomplete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(records: &[(i64, Option<u16>, Option<u16>, Marks)]) -> Outcome {
        let mut all = Facts::default();
        for (time, status, function, marks) in records {
            all.merge(&Facts::of(*time, *status, *function, *marks));
        }
        let mut reversed = Facts::default();
        for (time, status, function, marks) in records.iter().rev() {
            let one = Facts::of(*time, *status, *function, *marks);
            reversed.merge(&one);
            reversed.merge(&one);
        }
        assert_eq!(all, reversed, "order and repetition change nothing");
        all.outcome()
    }

    const NONE: Marks = Marks::SUMMARY;

    #[test]
    fn client_visible_5xx_on_any_row_fails() {
        let client = Marks::CLIENT | Marks::END;
        assert_eq!(
            outcome(&[(1, Some(200), None, client | Marks::MIDDLEWARE), (2, Some(500), None, client)]),
            Outcome::Failed(Some(500))
        );
        assert_eq!(outcome(&[(1, Some(500), None, client | Marks::MIDDLEWARE)]), Outcome::Failed(Some(500)));
        assert_eq!(outcome(&[(1, Some(503), None, NONE)]), Outcome::Failed(Some(503)));
    }

    #[test]
    fn the_last_client_visible_attempt_decides() {
        let client = Marks::CLIENT | Marks::END;
        assert_eq!(
            outcome(&[(1, Some(503), None, client), (9, Some(200), None, client)]),
            Outcome::Succeeded(Some(200))
        );
        assert_eq!(
            outcome(&[(1, Some(200), None, client), (9, Some(503), None, client)]),
            Outcome::Failed(Some(503))
        );
    }

    #[test]
    fn what_the_router_sent_decides_over_what_the_application_says_later() {
        let client = Marks::CLIENT | Marks::END;
        let router = client | Marks::EDGE;
        assert_eq!(
            outcome(&[(30, Some(503), None, router), (35, Some(200), None, client)]),
            Outcome::Failed(Some(503))
        );
        assert_eq!(
            outcome(&[
                (1, Some(500), None, client),
                (2, Some(502), None, router),
                (3, Some(200), None, router)
            ]),
            Outcome::Succeeded(Some(200)),
            "a router may try again"
        );
        assert_eq!(outcome(&[(1, Some(200), None, client), (2, Some(499), None, router)]), Outcome::Aborted);
    }

    #[test]
    fn drain_crash_background_and_stale_answers() {
        let client = Marks::CLIENT | Marks::END;
        assert_eq!(outcome(&[(1, Some(500), None, client | Marks::CRASH)]), Outcome::Failed(Some(500)));
        assert_eq!(outcome(&[(1, None, None, Marks::CRASH)]), Outcome::Failed(None));
        assert_eq!(
            outcome(&[(1, None, Some(500), Marks::BACKGROUND | Marks::END)]),
            Outcome::Succeeded(None)
        );
        assert_eq!(outcome(&[(1, None, None, Marks::BACKGROUND | Marks::CRASH)]), Outcome::Succeeded(None));
        assert_eq!(outcome(&[(1, Some(200), Some(500), client)]), Outcome::Succeeded(Some(200)));
        assert_eq!(outcome(&[(1, Some(200), None, client | Marks::CRASH)]), Outcome::Succeeded(Some(200)));
        assert_eq!(outcome(&[(1, None, Some(502), NONE)]), Outcome::Failed(Some(502)));
    }

    #[test]
    fn a_real_status_decides_over_rows_without_one() {
        let client = Marks::CLIENT | Marks::END;
        assert_eq!(
            outcome(&[(1, None, None, NONE), (2, Some(500), None, client), (3, None, None, NONE)]),
            Outcome::Failed(Some(500))
        );
        assert_eq!(
            outcome(&[(1, None, None, NONE), (2, Some(404), None, client)]),
            Outcome::Succeeded(Some(404))
        );
    }

    #[test]
    fn without_a_status_the_end_decides() {
        for mark in [Marks::CRASH, Marks::TIMEOUT, Marks::OUT_OF_MEMORY, Marks::ERROR_BLOCK] {
            assert_eq!(outcome(&[(1, None, None, mark)]), Outcome::Failed(None), "{mark:?}");
        }
        assert_eq!(
            outcome(&[(1, None, None, Marks::START), (2, None, None, Marks::END)]),
            Outcome::Succeeded(None)
        );
        assert_eq!(outcome(&[(1, None, None, Marks::START)]), Outcome::Incomplete);
        assert_eq!(outcome(&[(1, None, None, NONE)]), Outcome::Incomplete);
    }

    #[test]
    fn a_timeout_after_the_answer_is_no_failure() {
        assert_eq!(
            outcome(&[(1, Some(202), None, Marks::CLIENT), (60_000, None, None, Marks::TIMEOUT)]),
            Outcome::Succeeded(Some(202))
        );
        assert_eq!(
            outcome(&[(1, Some(200), None, NONE), (3000, None, None, Marks::TIMEOUT)]),
            Outcome::Failed(None)
        );
    }

    #[test]
    fn a_retry_that_ends_well_decides() {
        let broken = [
            (1, None, None, Marks::START),
            (3000, None, None, Marks::TIMEOUT),
            (3000, None, None, Marks::END),
        ];
        assert_eq!(outcome(&broken), Outcome::Failed(None));
        let retried = [
            broken[0],
            broken[1],
            broken[2],
            (9000, None, None, Marks::START),
            (9100, None, None, Marks::END),
        ];
        assert_eq!(outcome(&retried), Outcome::Succeeded(None));
    }

    #[test]
    fn clients_that_left_are_aborted() {
        assert_eq!(outcome(&[(1, Some(499), None, Marks::CLIENT | Marks::END)]), Outcome::Aborted);
        assert_eq!(outcome(&[(1, None, None, Marks::ABORTED | Marks::END)]), Outcome::Aborted);
    }

    #[test]
    fn an_upstreams_5xx_does_not_count() {
        // A record never carries an upstream's status; the request's own decides.
        assert_eq!(
            outcome(&[(1, None, None, NONE), (2, Some(200), None, Marks::CLIENT | Marks::END)]),
            Outcome::Succeeded(Some(200))
        );
    }
}
