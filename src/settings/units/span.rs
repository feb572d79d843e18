//! Durations: `90d`, `1h30m`, `500ms`.

use std::{fmt, str::FromStr, time::Duration};

use chrono::TimeDelta;

use super::{Misread, Quantity, digits, quantity};

/// A length of time in whole milliseconds, from nothing to a thousand years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(Duration);

/// From long to short, in milliseconds. Weeks are read but never shown: people say `90d`.
const UNITS: [(&str, u64); 6] =
    [("w", 7 * 86_400_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

quantity!(Span, {
    "description": "A duration: numbers with units from long to short (w, d, h, m, s, ms).",
    "type": "string",
    "pattern": r"^\s*([0-9]+(w|d|h|ms|m|s)\s*)+$",
    "examples": ["90d", "1h30m", "2w", "10s", "500ms"]
});

impl Quantity for Span {
    const EXPECTED: &'static str = "a duration such as \"90d\" or \"1h30m\"";
}

impl Span {
    /// Longer makes no sense for logs, and keeps every sum of an instant and a span inside the calendar.
    pub const LONGEST: Duration = Duration::from_hours(365_250 * 24);

    /// So many seconds.
    pub const fn seconds(seconds: u32) -> Span {
        Span(Duration::from_secs(seconds as u64))
    }

    /// So many days of 24 hours.
    pub const fn days(days: u16) -> Span {
        Span(Duration::from_secs(days as u64 * 86_400))
    }

    /// For waiting.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// For adding to instants.
    pub fn chrono(self) -> TimeDelta {
        TimeDelta::from_std(self.0).expect("a thousand years fit")
    }

    fn millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).expect("a thousand years fit")
    }
}

impl TryFrom<Duration> for Span {
    type Error = Misread;

    /// Cuts off what is below a millisecond.
    fn try_from(duration: Duration) -> Result<Span, Misread> {
        match u64::try_from(duration.as_millis()) {
            Ok(millis) if duration <= Span::LONGEST => Ok(Span(Duration::from_millis(millis))),
            _ => Err(Misread::new(&format!("{}s", duration.as_secs()), TOO_LONG)),
        }
    }
}

const TOO_LONG: &str = "more than a thousand years is too long";

impl FromStr for Span {
    type Err = Misread;

    fn from_str(text: &str) -> Result<Span, Misread> {
        written(text).map_err(|why| match meant(text) {
            Some(meant) => Misread::new(text, format_args!("write `{meant}`")),
            None => Misread::new(text, why),
        })
    }
}

fn written(text: &str) -> Result<Span, String> {
    let mut rest = text.trim();
    let mut longer_than = UNITS.len() + 1;
    let mut total = 0u64;
    while !rest.is_empty() || longer_than > UNITS.len() {
        let (number, after) = digits(rest);
        let (unit, after) = after.split_at(after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len()));
        let (place, factor) = factor(number, unit, after)?;
        if UNITS.len() - place >= longer_than {
            return Err("write each unit once, from long to short, such as `1h30m`".to_owned());
        }
        longer_than = UNITS.len() - place;
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
        total = part.and_then(|part| part.checked_add(total)).ok_or(TOO_LONG)?;
        rest = after.trim_start();
    }
    Span::try_from(Duration::from_millis(total)).map_err(|_| TOO_LONG.to_owned())
}

/// A duration in whole words or with spaces, as it is written here.
pub(super) fn meant(text: &str) -> Option<String> {
    let mut rest = text.trim();
    // A pasted novel is no duration, and what comes of this is read once more.
    if rest.is_empty() || rest.len() > 60 {
        return None;
    }
    let mut meant = String::new();
    while !rest.is_empty() {
        let (number, after) = digits(rest);
        let after = after.trim_start();
        let (word, after) = after.split_at(after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len()));
        let unit = match word.to_ascii_lowercase().trim_end_matches('s') {
            "w" | "week" => "w",
            "d" | "day" => "d",
            "h" | "hr" | "hour" => "h",
            "m" | "min" | "minute" => "m",
            "sec" | "second" => "s",
            "" if word == "s" => "s",
            _ => return None,
        };
        meant = meant + number + unit;
        rest = after.trim_start();
    }
    let reads = meant != text.trim() && written(&meant).is_ok();
    reads.then_some(meant)
}

/// The place of `unit` among [`UNITS`] and its length, or why there is none.
fn factor(number: &str, unit: &str, after: &str) -> Result<(usize, u64), String> {
    let found = UNITS.iter().position(|(name, _)| *name == unit);
    match found {
        Some(place) if !number.is_empty() => Ok((place, UNITS[place].1)),
        _ if number.is_empty() => Err("write numbers with units, such as `90d` or `1h30m`".to_owned()),
        _ if unit.is_empty() && after.starts_with('.') => {
            Err("write whole numbers, such as `1h30m` for one and a half hours".to_owned())
        }
        _ if unit.is_empty() => Err(match after.trim_start().chars().next() {
            Some('-') => "a date is no length of time, write one such as `90d`".to_owned(),
            Some(':') => "a time of day is no length of time, write one such as `1h30m`".to_owned(),
            Some(letter) if letter.is_alphabetic() => {
                let word = after.trim_start();
                unknown(&word[..word.find(|c: char| !c.is_alphabetic()).unwrap_or(word.len())])
            }
            _ => format!("needs a unit, such as `{number}s` or `{number}d`"),
        }),
        _ => Err(unknown(unit)),
    }
}

fn unknown(unit: &str) -> String {
    format!("unknown unit `{unit}`, use {}", UNITS.map(|(name, _)| name).join(", "))
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.millis();
        if left == 0 {
            return f.write_str("0s");
        }
        for (name, factor) in &UNITS[1..] {
            if left >= *factor {
                write!(f, "{}{name}", left / factor)?;
                left %= factor;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_shown() {
        let cases = [
            ("90d", 90 * 86_400_000, "90d"),
            ("36h", 129_600_000, "1d12h"),
            ("1h30m", 5_400_000, "1h30m"),
            ("1h 30m", 5_400_000, "1h30m"),
            ("2w", 14 * 86_400_000, "14d"),
            ("10s", 10_000, "10s"),
            ("500ms", 500, "500ms"),
            ("1m5ms", 60_005, "1m5ms"),
            ("0d", 0, "0s"),
        ];
        for (text, millis, shown) in cases {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.duration(), Duration::from_millis(millis), "{text}");
            assert_eq!(span.chrono().num_milliseconds(), i64::try_from(millis).unwrap());
            assert_eq!(span.to_string(), shown);
        }
    }

    #[test]
    fn nonsense_says_what_to_write() {
        let cases = [
            ("90", "`90`: needs a unit, such as `90s` or `90d`"),
            ("90 days", "`90 days`: write `90d`"),
            ("90days", "`90days`: write `90d`"),
            ("1 hour 30 mins", "write `1h30m`"),
            ("90 d", "write `90d`"),
            ("10 fortnights", "`10 fortnights`: unknown unit `fortnights`, use w, d, h, m, s, ms"),
            ("90 3", "needs a unit"),
            ("2026-01-31", "a date is no length of time"),
            ("1h 12:30", "a time of day is no length of time"),
            ("10fortnights", "unknown unit `fortnights`, use w, d, h, m, s, ms"),
            ("1 min 1 hour", "unknown unit `min`"),
            ("1.5h", "write whole numbers"),
            ("-1d", "write numbers with units"),
            ("", "write numbers with units"),
            ("d", "write numbers with units"),
            ("1m1h", "from long to short"),
            ("1h1h", "each unit once"),
            ("365251d", "thousand years"),
            ("99999999999999999999999s", "thousand years"),
            ("18446744073709551615w", "thousand years"),
        ];
        for (text, expected) in cases {
            let message = text.parse::<Span>().unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn the_longest_span_is_accepted_and_a_longer_duration_is_not() {
        assert_eq!("365250d".parse::<Span>().unwrap().duration(), Span::LONGEST);
        assert!(Span::try_from(Span::LONGEST + Duration::from_millis(1)).is_err());
        assert!(Span::try_from(Duration::MAX).is_err());
    }
}
