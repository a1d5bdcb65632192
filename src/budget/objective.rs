//! What was promised: a share of requests that may fail, over a period. Kept as whole numbers, so that a burn rate of
//! exactly 14.4 counts as 14.4.

/// Parts that a whole is divided into: six decimals of a per cent.
const WHOLE: u64 = 100_000_000;
/// Longest period, in minutes: ten years.
const MOST_MINUTES: i64 = 10 * 366 * 1440;

/// An objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Objective {
    /// Share of requests that may fail, in hundred-millionths.
    pub(super) allowed: u64,
    /// Length of the period in minutes.
    pub period_minutes: i64,
    /// End of the period in milliseconds since the Unix epoch; None: the last record's time.
    pub as_of_ms: Option<i64>,
}

impl Objective {
    /// `allowed`: as [`parse_target`] gives it.
    pub fn new(allowed: u64, period_minutes: i64, as_of_ms: Option<i64>) -> Objective {
        Objective { allowed: allowed.clamp(1, WHOLE - 1), period_minutes, as_of_ms }
    }

    /// Share of requests that may fail.
    pub fn allowed_share(&self) -> f64 {
        self.allowed as f64 / WHOLE as f64
    }

    /// The objective in per cent.
    pub fn target_percent(&self) -> f64 {
        (WHOLE - self.allowed) as f64 / (WHOLE / 100) as f64
    }

    /// Whether so many failures of so many requests burn at `threshold` tenths of the allowed rate or faster, if only the
    /// share `covered` of the time was seen and the rest brought as many requests and no failure.
    pub(super) fn burns(&self, failed: u64, requests: u64, threshold: u64, covered: (i64, i64)) -> bool {
        let (seen, of) = (covered.0.max(0) as u128, covered.1.max(1) as u128);
        let failed_parts = u128::from(failed) * u128::from(WHOLE) * 10;
        let allowed_parts = u128::from(requests) * u128::from(self.allowed) * u128::from(threshold);
        failed > 0 && failed_parts.saturating_mul(seen) >= allowed_parts.saturating_mul(of)
    }
}

/// Reads an objective such as `99.9` or `99.95%`: the share that may fail, in hundred-millionths.
///
/// # Errors
/// It is no number between 0 and 100, or has more decimals than six.
pub fn parse_target(text: &str) -> Result<u64, String> {
    let wrong = || "per cent of requests that must not fail, above 0 and below 100, such as 99.9".to_owned();
    let text = text.trim();
    let text = text.strip_suffix('%').unwrap_or(text);
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 2 || decimals.len() > 6 || !digits(whole) || !digits(decimals) {
        return Err(wrong());
    }
    let parts: u64 = format!("{whole}{decimals:0<6}").parse().map_err(|_| wrong())?;
    if parts == 0 { Err(wrong()) } else { Ok(WHOLE - parts) }
}

/// Reads a span of time such as `30d`, `12h`, `90m` or `4w`: its minutes.
///
/// # Errors
/// It is none, is nothing, or is longer than ten years.
pub fn parse_span(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: i64 =
        digits.parse().map_err(|_| "a number with a unit, such as 30d, 12h or 90m".to_owned())?;
    let unit = match &text[digits.len()..] {
        "m" => 1,
        "h" => 60,
        "d" => 1440,
        "w" => 7 * 1440,
        _ => return Err("the unit is m, h, d or w".to_owned()),
    };
    match number.checked_mul(unit) {
        Some(minutes) if (1..=MOST_MINUTES).contains(&minutes) => Ok(minutes),
        _ => Err("more than nothing, and at most ten years".to_owned()),
    }
}
