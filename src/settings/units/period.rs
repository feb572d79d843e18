//! Calendar words: `hourly`, `daily`, `weekly`, `monthly`, `yearly`.
//!
//! Owns the words and what a zone's clocks show. When a period begins, and which one an instant belongs to, is said
//! where it is asked: by the rules of rotation and of keeping.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

/// A calendar word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// From minute zero. An hour that the clock shows twice is two hours.
    Hourly,
    /// From midnight.
    Daily,
    /// An ISO week, from Monday.
    Weekly,
    /// From the first.
    Monthly,
    /// From the first of January.
    Yearly,
}

impl Period {
    /// All of them, from short to long.
    pub const ALL: [Period; 5] = [Period::Hourly, Period::Daily, Period::Weekly, Period::Monthly, Period::Yearly];

    /// The word in settings.
    pub const fn word(self) -> &'static str {
        match self {
            Period::Hourly => "hourly",
            Period::Daily => "daily",
            Period::Weekly => "weekly",
            Period::Monthly => "monthly",
            Period::Yearly => "yearly",
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What the clocks of `zone` show at `at`.
pub fn shown(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    let utc = at.naive_utc();
    // Only the first and last day of chrono's calendar have no local time.
    utc.checked_add_offset(zone.offset_from_utc_datetime(&utc).fix()).unwrap_or(utc)
}
