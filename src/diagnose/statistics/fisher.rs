//! Fisher's exact test of a 2 × 2 table, stable and quick for counts of any size: probabilities by saddle-point
//! expansion, tails by the ratio of neighbours from where they begin to where they end to count.

use super::Count;

/// Probabilities, under equal shares and these margins, of tables like the one seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fisher {
    /// Of a first share as small as that seen, or smaller.
    pub less: f64,
    /// Of a first share as large as that seen, or larger.
    pub greater: f64,
    /// Of a table as improbable as that seen, or more.
    pub two_sided: f64,
}

/// Tables that are this much more probable than the one seen count as equally probable: so much rounding may do. SciPy
/// and R have the same allowance.
const EQUAL: f64 = 1e-7;
/// Terms of a tail below this share of its sum do not change it.
const NEGLIGIBLE: f64 = 1e-18;

/// Tests whether two shares are equal.
///
/// Source: R. A. Fisher, The Logic of Inductive Inference, JRSS 98 (1935) 39–82; two-sided by the sum of the tables
/// that are no more probable than the one seen, as in R's `fisher.test` and SciPy's `fisher_exact`.
pub fn fisher(one: Count, two: Count) -> Fisher {
    let table = Margins::of(one, two);
    let seen = one.hits;
    let (less, greater) = (table.up_to(seen), table.from(seen));
    if table.least == table.most {
        return Fisher { less: 1.0, greater: 1.0, two_sided: 1.0 };
    }
    let mode = table.mode();
    let bound = table.ln_probability(seen) + EQUAL;
    let two_sided = if seen > mode {
        greater + table.last_below(bound).map_or(0.0, |last| table.up_to(last))
    } else if seen < mode {
        less + table.first_below(bound).map_or(0.0, |first| table.from(first))
    } else {
        1.0
    };
    Fisher { less: less.min(1.0), greater: greater.min(1.0), two_sided: two_sided.min(1.0) }
}

/// The margins of a table; its first cell decides the others.
struct Margins {
    first: u64,
    second: u64,
    hits: u64,
    /// Least value of the first cell.
    least: u64,
    /// Its greatest.
    most: u64,
}

impl Margins {
    fn of(one: Count, two: Count) -> Margins {
        let hits = one.hits.saturating_add(two.hits);
        Margins {
            first: one.of,
            second: two.of,
            hits,
            least: hits.saturating_sub(two.of),
            most: hits.min(one.of),
        }
    }

    /// The most probable value of the first cell; of two the greater.
    fn mode(&self) -> u64 {
        let all = self.first as f64 + self.second as f64;
        let guess = ((self.first as f64 + 1.0) * (self.hits as f64 + 1.0) / (all + 2.0)).floor() as u64;
        guess.clamp(self.least, self.most)
    }

    fn ln_probability(&self, cell: u64) -> f64 {
        let (first, second, hits) = (self.first as f64, self.second as f64, self.hits as f64);
        let share = hits / (first + second);
        let other = (first + second - hits) / (first + second);
        ln_binomial(cell as f64, first, share, other)
            + ln_binomial((self.hits - cell) as f64, second, share, other)
            - ln_binomial(hits, first + second, share, other)
    }

    /// Probability of `cell` + 1 for each of `cell`.
    fn step(&self, cell: u64) -> f64 {
        let cell = cell as f64;
        let gain = (self.first as f64 - cell) * (self.hits as f64 - cell);
        gain / ((cell + 1.0) * (self.second as f64 - self.hits as f64 + cell + 1.0))
    }

    /// Probability of a first cell of at least this.
    fn from(&self, cell: u64) -> f64 {
        if cell <= self.least {
            return 1.0;
        }
        if cell > self.most {
            return 0.0;
        }
        if cell <= self.mode() { 1.0 - self.sum_down(cell - 1) } else { self.sum_up(cell) }
    }

    /// Probability of a first cell of at most this.
    fn up_to(&self, cell: u64) -> f64 {
        if cell >= self.most {
            return 1.0;
        }
        if cell < self.least {
            return 0.0;
        }
        if cell >= self.mode() { 1.0 - self.sum_up(cell + 1) } else { self.sum_down(cell) }
    }

    /// The sum from a cell beyond the mode upwards.
    fn sum_up(&self, from: u64) -> f64 {
        let (mut cell, mut term, mut sum) = (from, 1.0, 1.0);
        while cell < self.most {
            term *= self.step(cell);
            sum += term;
            cell += 1;
            if term < sum * NEGLIGIBLE {
                break;
            }
        }
        (self.ln_probability(from) + f64::ln(sum)).exp()
    }

    /// The sum from a cell below the mode downwards.
    fn sum_down(&self, from: u64) -> f64 {
        let (mut cell, mut term, mut sum) = (from, 1.0, 1.0);
        while cell > self.least {
            cell -= 1;
            term /= self.step(cell);
            sum += term;
            if term < sum * NEGLIGIBLE {
                break;
            }
        }
        (self.ln_probability(from) + f64::ln(sum)).exp()
    }

    /// The greatest cell below the mode that is no more probable than that.
    fn last_below(&self, bound: f64) -> Option<u64> {
        let (mut low, mut high) = (self.least, self.mode());
        // Below the mode probabilities grow: all cells before `low` are at most `bound`, those from `high` on are not.
        while low < high {
            let middle = low + (high - low) / 2;
            if self.ln_probability(middle) <= bound { low = middle + 1 } else { high = middle }
        }
        low.checked_sub(1).filter(|last| *last >= self.least)
    }

    /// The least cell above the mode that is no more probable than that.
    fn first_below(&self, bound: f64) -> Option<u64> {
        let (mut low, mut high) = (self.mode(), self.most + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.ln_probability(middle) <= bound { high = middle } else { low = middle + 1 }
        }
        (low <= self.most).then_some(low)
    }
}

/// Logarithm of the probability of `hits` of `of` at this share; `other` is 1 − share.
///
/// Source: C. Loader, Fast and Accurate Computation of Binomial Probabilities (2000).
pub(super) fn ln_binomial(hits: f64, of: f64, share: f64, other: f64) -> f64 {
    if share <= 0.0 {
        return if hits == 0.0 { 0.0 } else { f64::NEG_INFINITY };
    }
    if other <= 0.0 {
        return if hits == of { 0.0 } else { f64::NEG_INFINITY };
    }
    if hits == 0.0 {
        return if share < 0.1 { -deviance(of, of * other) - of * share } else { of * other.ln() };
    }
    if hits == of {
        return if other < 0.1 { -deviance(of, of * share) - of * other } else { of * share.ln() };
    }
    let misses = of - hits;
    let main = stirling_error(of)
        - stirling_error(hits)
        - stirling_error(misses)
        - deviance(hits, of * share)
        - deviance(misses, of * other);
    let scale = std::f64::consts::TAU.ln() + hits.ln() + (-hits / of).ln_1p();
    main - 0.5 * scale
}

/// `x` ln(`x` / `mean`) + `mean` − `x`, without the loss where both are near.
fn deviance(x: f64, mean: f64) -> f64 {
    if (x - mean).abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() + mean - x;
    }
    let v = (x - mean) / (x + mean);
    let mut sum = (x - mean) * v;
    let mut term = 2.0 * x * v;
    let mut odd = 1.0;
    loop {
        odd += 2.0;
        term *= v * v;
        let next = sum + term / odd;
        // The terms shrink by a hundredth at least.
        if next == sum || !next.is_finite() {
            return next;
        }
        sum = next;
    }
}

/// What Stirling's formula lacks of ln n!.
fn stirling_error(n: f64) -> f64 {
    if n <= 15.0 {
        let factorial: f64 = (1..=n as u32).map(f64::from).product();
        let formula = if n == 0.0 { 0.0 } else { (n + 0.5) * n.ln() - n };
        let scale = if n == 0.0 { 0.0 } else { 0.5 * std::f64::consts::TAU.ln() };
        return factorial.ln() - formula - scale;
    }
    let n2 = n * n;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / n2) / n2) / n2) / n2) / n
}
