//! How much memory the table of requests may take, and what it takes. Not here: what is done about it
//! (`table/relief.rs`), and what a run needs besides (reading ahead, rules, the report itself).
//!
//! What counts follows from the entries alone, not from how they arrived in batches, so the same input is relieved at the
//! same entries on any number of threads.

/// Bytes that a tombstone takes: itself with its key (24), its place in the map (5 to 10), and what vectors that grow
/// have in reserve.
pub const TOMBSTONE_BYTES: usize = 48;
/// Bytes that an open request takes besides its entries, roughly: its facts, ID, and place.
pub const OPEN_BYTES: usize = 448;
/// Least memory for batches: less than a run reads ahead would only copy.
const LEAST_BATCHES_BYTES: usize = 4 << 20;

/// What the table takes, and how much that may be.
#[derive(Debug, Clone)]
pub struct Budget {
    /// Bytes that requests and tombstones may take together.
    most_bytes: usize,
    /// Bytes that batches may take, of which entries of open requests are parts.
    pub batches_bytes: usize,
    /// Beyond this something has to go: the budget, or more if nothing more could go the last time.
    alarm_bytes: usize,
    /// Bytes that open requests, tombstones and what stands for those on disk take.
    taken_bytes: usize,
}

impl Budget {
    /// Three quarters of `memory_bytes` for requests, one for batches; no bounds without it.
    pub fn new(memory_bytes: Option<usize>) -> Budget {
        let most_bytes = memory_bytes.map_or(usize::MAX, |all| all - all / 4);
        let batches_bytes = memory_bytes.map_or(usize::MAX, |all| (all / 4).max(LEAST_BATCHES_BYTES));
        Budget { most_bytes, batches_bytes, alarm_bytes: most_bytes, taken_bytes: 0 }
    }

    /// Something that took `before` bytes takes `after` now.
    #[inline]
    pub fn change(&mut self, before: usize, after: usize) {
        self.taken_bytes = (self.taken_bytes + after).saturating_sub(before);
    }

    /// Whether something has to go.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.taken_bytes > self.alarm_bytes
    }

    /// Bytes that have to go, so that there is some peace then.
    pub fn excess_bytes(&self) -> usize {
        self.taken_bytes.saturating_sub(self.most_bytes - self.most_bytes / 8)
    }

    /// Bytes that filters of what is on disk may take.
    pub fn filters_bytes(&self) -> usize {
        self.most_bytes / 2
    }

    /// Bytes that the other IDs of requests may take.
    pub fn aliases_bytes(&self) -> usize {
        self.most_bytes / 4
    }

    /// What can go is gone. If that was not enough, the next alarm is later, by a share of all there is: every one looks
    /// at all requests.
    pub fn relieved(&mut self) {
        self.alarm_bytes = self.most_bytes;
        if self.excess_bytes() > 0 {
            self.alarm_bytes = self.most_bytes.max(self.taken_bytes.saturating_add(self.taken_bytes / 8));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_raised_once_for_what_cannot_go() {
        let mut budget = Budget::new(Some(4_000));
        budget.change(0, 3_000);
        assert!(!budget.is_over());
        budget.change(0, 100);
        assert!(budget.is_over());
        assert_eq!(budget.excess_bytes(), 475);
        budget.relieved();
        assert!(!budget.is_over());
        budget.change(0, 388);
        assert!(budget.is_over());
        budget.change(1_000, 0);
        budget.relieved();
        assert_eq!((budget.is_over(), budget.excess_bytes()), (false, 0));
        let mut none = Budget::new(None);
        none.change(0, usize::MAX / 2);
        assert!(!none.is_over());
    }
}
