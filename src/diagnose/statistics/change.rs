//! The change point of a series of shares: where it is most likely that a share began to be higher.

use super::{Count, fisher};

/// Where the share rose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// Index of the first count after the change.
    pub at: usize,
    /// All counts before it.
    pub before: Count,
    /// All others.
    pub after: Count,
    /// Logarithm of the likelihood of two shares over that of one.
    pub ln_ratio: f64,
    /// Probability of such a rise somewhere in a series without any, at most: Fisher's one-sided test of the two sides,
    /// times the splits that were tried (Bonferroni). It holds for any counts, and nothing is drawn at random.
    pub p_value: f64,
}

/// The most likely point at which the share rose, of a series in the order of time; None if it nowhere did. Of equally
/// likely ones the first.
///
/// Source: D. V. Hinkley, E. A. Hinkley, Inference about the Change-Point in a Sequence of Binomial Variables,
/// Biometrika 57 (1970) 477–488.
pub fn change_point(series: &[Count]) -> Option<ChangePoint> {
    let all = series.iter().fold(Count::default(), |sum, count| sum.plus(*count));
    let whole = ln_likelihood(all);
    let mut before = Count::default();
    let mut splits = 0_u64;
    let mut best: Option<ChangePoint> = None;
    for (at, count) in series.iter().enumerate() {
        let after = all.minus(before);
        // A count of nothing is no place of its own to split at.
        if before.of > 0 && after.of > 0 && count.of > 0 {
            splits += 1;
            let ln_ratio = ln_likelihood(before) + ln_likelihood(after) - whole;
            let rose = after.share() > before.share();
            if rose && best.as_ref().is_none_or(|best| ln_ratio > best.ln_ratio) {
                best = Some(ChangePoint { at, before, after, ln_ratio, p_value: 1.0 });
            }
        }
        before = before.plus(*count);
    }
    let mut best = best?;
    best.p_value = (fisher(best.after, best.before).greater * splits as f64).min(1.0);
    Some(best)
}

/// The largest logarithm of a likelihood that any share gives these counts, but for the part that no split changes.
fn ln_likelihood(count: Count) -> f64 {
    let part = |some: u64| {
        if some == 0 { 0.0 } else { some as f64 * (some as f64 / count.of as f64).ln() }
    };
    part(count.hits) + part(count.misses())
}
