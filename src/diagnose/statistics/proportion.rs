//! Intervals of a proportion and of the difference of two. Both stay between their bounds for small counts and for
//! shares of 0 and 1, where the textbook interval does not.

use serde::Serialize;

use super::Count;

/// Normal quantile of a two-sided interval of 95 %.
const Z_95: f64 = 1.959_963_984_540_054;

/// A confidence interval of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// Wilson's score interval of a proportion, 95 %, without continuity correction; None of nothing.
///
/// Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927) 209–212.
pub fn wilson(count: Count) -> Option<Interval> {
    let share = count.share()?;
    let (of, z2) = (count.of as f64, Z_95 * Z_95);
    let centre = (share + z2 / (2.0 * of)) / (1.0 + z2 / of);
    let half = Z_95 / (1.0 + z2 / of) * (share * (1.0 - share) / of + z2 / (4.0 * of * of)).sqrt();
    // At the ends the formula gives 0 and 1, but for what rounding adds.
    let low = if count.hits == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if count.hits == count.of { 1.0 } else { (centre + half).min(1.0) };
    Some(Interval { low, high })
}

/// Newcombe's hybrid score interval of `one` − `two`, 95 %; None if either is of nothing.
///
/// Source: R. G. Newcombe, Interval Estimation for the Difference between Independent Proportions, Statistics in
/// Medicine 17 (1998) 873–890, method 10.
pub fn newcombe(one: Count, two: Count) -> Option<Interval> {
    let (p1, p2) = (one.share()?, two.share()?);
    let (w1, w2) = (wilson(one)?, wilson(two)?);
    Some(Interval {
        low: p1 - p2 - (p1 - w1.low).hypot(w2.high - p2),
        high: p1 - p2 + (w1.high - p1).hypot(p2 - w2.low),
    })
}
