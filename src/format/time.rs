//! Timestamps of all shapes to milliseconds since the Unix epoch. No clock, no locale, no time zone database:
//! a text without a zone counts as UTC, and the caller can ask whether it had one.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// A point in time as read, with what was said of its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Milliseconds since the Unix epoch, UTC.
    pub ms: i64,
    /// Whether the text named its zone; if not, UTC was assumed.
    pub zoned: bool,
}

/// Years 1990 to 2100, in milliseconds: what a log line can plausibly carry.
const PLAUSIBLE_MS: std::ops::Range<i64> = 631_152_000_000..4_102_444_800_000;

/// Reads a timestamp in any of the spellings that loggers and exports use: RFC 3339 with 0–9 fraction digits and
/// any offset form, `YYYY-MM-DD HH:MM:SS[.,]fff[+0000|Z]`, common log format `10/Oct/2026:13:55:36 +0000`,
/// `2026/01/01 10:10:15`, web dates, and numbers in seconds, milliseconds, microseconds or nanoseconds.
pub fn parse(text: &str) -> Option<Stamp> {
    let text = text.trim().trim_matches(|c| matches!(c, '[' | ']' | '"'));
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes.len() > 48 {
        return None;
    }
    if bytes.iter().all(|b| b.is_ascii_digit() || *b == b'.') || text.contains("E+") {
        return from_number_text(text).map(|ms| Stamp { ms, zoned: true });
    }
    if bytes[..4].iter().all(u8::is_ascii_digit) && matches!(bytes[4], b'-' | b'/') {
        return iso(text);
    }
    if bytes.len() >= 20 && bytes[2] == b'/' {
        return common_log(text);
    }
    // A web date has a clock; what else comes here, addresses above all, often has none.
    memchr::memchr(b':', bytes)?;
    DateTime::parse_from_rfc2822(text).ok().map(|at| Stamp { ms: at.timestamp_millis(), zoned: true })
}

/// The number that stands in these bytes, which are all digits.
fn digits(bytes: &[u8], from: usize, to: usize) -> Option<u32> {
    let part = bytes.get(from..to)?;
    part.iter().all(u8::is_ascii_digit).then(|| part.iter().fold(0, |n, b| n * 10 + u32::from(b - b'0')))
}

/// `YYYY-MM-DD[T ]HH:MM:SS[(.|,)fraction][ ][zone]`, also with slashes in the date.
fn iso(text: &str) -> Option<Stamp> {
    let bytes = text.as_bytes();
    let digits = |from, to| digits(bytes, from, to);
    if bytes.len() < 19
        || !matches!(bytes[10], b'T' | b't' | b' ' | b'_')
        || bytes[13] != b':'
        || bytes[16] != b':'
    {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(digits(0, 4)? as i32, digits(5, 7)?, digits(8, 10)?)?;
    let mut second = digits(17, 19)?;
    if second == 60 {
        second = 59;
    }
    let base = date.and_hms_opt(digits(11, 13)?, digits(14, 16)?, second)?.and_utc().timestamp_millis();
    let mut at = 19;
    let mut fraction_ms = 0i64;
    if matches!(bytes.get(at), Some(b'.' | b',')) {
        at += 1;
        let mut scale = 100;
        while let Some(digit) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
            fraction_ms += i64::from(digit - b'0') * scale;
            scale /= 10;
            at += 1;
        }
    }
    let zone = text.get(at..)?.trim();
    let (offset_ms, zoned) = match zone {
        "" => (0, false),
        "Z" | "z" | "UTC" | "GMT" => (0, true),
        _ => (offset_ms(zone)?, true),
    };
    Some(Stamp { ms: base + fraction_ms - offset_ms, zoned })
}

/// `YYYY-MM-DDTHH:MM:SS`, which `text` begins with, in UTC: what [`parse`] makes of it, in one step. `None` for anything
/// odd, also for what `parse` would make something of.
#[inline]
pub fn second_ms(text: &[u8]) -> Option<i64> {
    let text = text.first_chunk::<19>()?;
    let (mut digits, mut marks) = (true, true);
    for (at, byte) in text.iter().enumerate() {
        match at {
            4 | 7 => marks &= *byte == b'-',
            10 => marks &= *byte == b'T',
            13 | 16 => marks &= *byte == b':',
            _ => digits &= byte.is_ascii_digit(),
        }
    }
    if !(digits & marks) {
        return None;
    }
    let pair = |at: usize| i64::from(text[at] & 0xf) * 10 + i64::from(text[at + 1] & 0xf);
    let (year, month, day) = (pair(0) * 100 + pair(2), pair(5), pair(8));
    let (hour, minute, second) = (pair(11), pair(14), pair(17));
    // No month is shorter than 28 days; the others are rare enough to be asked for.
    let valid = (1..=12).contains(&month)
        && day >= 1
        && (day <= 28 || NaiveDate::from_ymd_opt(year as i32, month as u32, day as u32).is_some());
    if !valid || hour > 23 || minute > 59 || second > 59 || year < 1 {
        return None;
    }
    // Days since 1970-01-01, by years that begin in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000)
}

/// As [`second_ms`], for times of which most are in the same second as the one before.
#[derive(Debug, Default)]
pub struct Seconds {
    last: Option<([u8; 19], i64)>,
}

impl Seconds {
    /// As [`second_ms`].
    #[inline]
    pub fn ms(&mut self, text: &[u8]) -> Option<i64> {
        let second = text.first_chunk::<19>()?;
        match self.last {
            Some((last, ms)) if last == *second => Some(ms),
            _ => {
                let ms = second_ms(text)?;
                self.last = Some((*second, ms));
                Some(ms)
            }
        }
    }
}

/// `+01:00`, `+0100`, `-08`, in milliseconds.
fn offset_ms(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (mut count, mut number) = (0, 0);
    for byte in zone.bytes().skip(1).filter(|byte| *byte != b':') {
        if !byte.is_ascii_digit() || count == 4 {
            return None;
        }
        count += 1;
        number = number * 10 + i64::from(byte - b'0');
    }
    let minutes = match count {
        2 => number * 60,
        4 => number / 100 * 60 + number % 100,
        _ => return None,
    };
    Some(sign * minutes * 60_000)
}

/// `10/Oct/2026:13:55:36 +0000`.
fn common_log(text: &str) -> Option<Stamp> {
    if let Some(stamp) = usual_common_log(text.as_bytes()) {
        return Some(stamp);
    }
    if let Ok(at) = DateTime::parse_from_str(text, "%d/%b/%Y:%H:%M:%S %z") {
        return Some(Stamp { ms: at.timestamp_millis(), zoned: true });
    }
    // Django's development server has a space before the clock.
    NaiveDateTime::parse_from_str(text, "%d/%b/%Y:%H:%M:%S")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%d/%b/%Y %H:%M:%S"))
        .ok()
        .map(|at| Stamp { ms: at.and_utc().timestamp_millis(), zoned: false })
}

/// [`common_log`] as nearly every server writes it; any other width or spelling is the library's.
fn usual_common_log(bytes: &[u8]) -> Option<Stamp> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let [
        _,
        _,
        b'/',
        month @ ..,
        b'/',
        _,
        _,
        _,
        _,
        b':',
        _,
        _,
        b':',
        _,
        _,
        b':',
        _,
        _,
        b' ',
        sign,
        _,
        _,
        _,
        _,
    ] = bytes
    else {
        return None;
    };
    let month = MONTHS.iter().position(|name| name.as_slice() == month)? as u32 + 1;
    let number = |from, to| digits(bytes, from, to);
    let date = NaiveDate::from_ymd_opt(number(7, 11)? as i32, month, number(0, 2)?)?;
    let at = date.and_hms_opt(number(12, 14)?, number(15, 17)?, number(18, 20)?)?;
    let (hours, minutes) = (i64::from(number(22, 24)?), i64::from(number(24, 26)?));
    let offset_ms = match sign {
        _ if hours > 23 || minutes > 59 => return None,
        b'+' => (hours * 60 + minutes) * 60_000,
        b'-' => -(hours * 60 + minutes) * 60_000,
        _ => return None,
    };
    Some(Stamp { ms: at.and_utc().timestamp_millis() - offset_ms, zoned: true })
}

/// A number in text form, possibly with a fraction or in a spreadsheet's notation (`1.76563E+12`, which
/// has lost its low digits: the result is then a round number of seconds).
pub fn from_number_text(text: &str) -> Option<i64> {
    let text = text.trim();
    match text.parse::<i128>() {
        Ok(number) => from_integer(number),
        Err(_) => from_float(text.parse().ok()?),
    }
}

/// Seconds, milliseconds, microseconds or nanoseconds, told apart by magnitude (10, 13, 16, 19 digits).
pub fn from_integer(number: i128) -> Option<i64> {
    let ms = match number {
        100_000_000..100_000_000_000 => number * 1000,
        100_000_000_000..100_000_000_000_000 => number,
        100_000_000_000_000..100_000_000_000_000_000 => number / 1000,
        100_000_000_000_000_000..10_000_000_000_000_000_000 => number / 1_000_000,
        _ => return None,
    };
    i64::try_from(ms).ok().filter(|ms| PLAUSIBLE_MS.contains(ms))
}

/// As [`from_integer`], the fraction kept.
pub fn from_float(number: f64) -> Option<i64> {
    if !number.is_finite() || number < 1e8 {
        return None;
    }
    let ms = match number {
        ..1e11 => number * 1e3,
        ..1e14 => number,
        ..1e17 => number / 1e3,
        _ => number / 1e6,
    };
    (ms < 1e15).then_some(ms.round() as i64).filter(|ms| PLAUSIBLE_MS.contains(ms))
}

/// RFC 3339 in UTC with milliseconds, the form of every time in a report.
pub fn rfc3339(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .map_or_else(String::new, |at| at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_loggers_write() {
        let cases = [
            ("2026-01-01T00:00:00.188Z", 1_767_225_600_188, true),
            ("2026-01-01T00:00:00.188000+00:00", 1_767_225_600_188, true),
            ("2026-01-01T01:00:00+01:00", 1_767_225_600_000, true),
            ("2026-01-01 00:00:00,186+0000", 1_767_225_600_186, true),
            ("2026-01-01 00:00:00.188", 1_767_225_600_188, false),
            ("2026-01-01T00:00:00", 1_767_225_600_000, false),
            ("2026/01/01 00:00:00", 1_767_225_600_000, false),
            ("01/Jan/2026:00:00:00 +0000", 1_767_225_600_000, true),
            ("1767225600188", 1_767_225_600_188, true),
            ("1767225600", 1_767_225_600_000, true),
            ("1767225600.188", 1_767_225_600_188, true),
            ("1767225600188000000", 1_767_225_600_188, true),
            ("1.76723E+12", 1_767_230_000_000, true),
            ("Thu, 01 Jan 2026 00:00:00 GMT", 1_767_225_600_000, true),
        ];
        for (text, ms, zoned) in cases {
            assert_eq!(parse(text), Some(Stamp { ms, zoned }), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "-",
            "503",
            "not a time",
            "2026-13-01T00:00:00Z",
            "2026-01-01",
            "99999999999999999999999",
            "é026-01-01T00:00:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_second_is_what_parsing_makes_of_it() {
        for year in [1600, 1899, 1970, 2000, 2023, 2024, 2026, 2100] {
            for month in 0..=13 {
                for day in [0, 1, 15, 28, 29, 30, 31, 32] {
                    let text = format!("{year}-{month:02}-{day:02}T23:59:58");
                    assert_eq!(second_ms(text.as_bytes()), parse(&text).map(|stamp| stamp.ms), "{text}");
                }
            }
        }
        for text in
            ["2026-01-01T24:00:00", "2026-01-01T00:60:00", "2026-01-01 00:00:00", "2026-01-0xT00:00:00", ""]
        {
            assert_eq!(second_ms(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn prints_milliseconds_in_utc() {
        assert_eq!(rfc3339(1_767_225_600_188), "2026-01-01T00:00:00.188Z");
    }
}
