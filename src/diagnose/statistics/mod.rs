//! The statistics that onsets, segments and comparisons rest on: pure functions of counts. Not here: which counts are
//! taken, and what is said of the result.
//!
//! `docs/statistics.md` has each formula with its source; `tests/statistics` holds all of them against SciPy and
//! statsmodels.

pub mod change;
pub mod fisher;
pub mod multiple;
pub mod proportion;

pub use change::{ChangePoint, change_point};
pub use fisher::{Fisher, fisher};
pub use multiple::benjamini_hochberg;
pub use proportion::{Interval, newcombe, wilson};

/// Some of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// How many are so; never more than `of`.
    pub hits: u64,
    /// Of how many.
    pub of: u64,
}

impl Count {
    /// `hits` of `of`; more hits than that are as many as that, for counts from two sources may differ.
    pub fn new(hits: u64, of: u64) -> Count {
        Count { hits: hits.min(of), of }
    }

    /// The others.
    pub fn misses(self) -> u64 {
        self.of - self.hits.min(self.of)
    }

    /// The share, 0–1; None of nothing.
    pub fn share(self) -> Option<f64> {
        (self.of > 0).then(|| self.hits as f64 / self.of as f64)
    }

    /// Both together.
    pub fn plus(self, other: Count) -> Count {
        Count { hits: self.hits.saturating_add(other.hits), of: self.of.saturating_add(other.of) }
    }

    /// What is left without `other`.
    pub fn minus(self, other: Count) -> Count {
        Count::new(self.hits.saturating_sub(other.hits), self.of.saturating_sub(other.of))
    }
}
