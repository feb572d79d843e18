//! Which hour, day, week, month or year an instant belongs to, in a zone.
//!
//! Owns the numbering of periods and their names. Never decides.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDateTime, Offset, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

/// A kind of period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Calendar {
    /// From minute zero. An hour that the clock shows twice is two hours.
    Hour,
    /// From midnight.
    Day,
    /// An ISO week, from Monday.
    Week,
    /// From the first.
    Month,
    /// From the first of January.
    Year,
}

impl Calendar {
    /// The number of the period that `at` belongs to; `local` is `at` in the zone. Later periods have higher numbers.
    pub(super) fn period(self, at: DateTime<Utc>, local: NaiveDateTime) -> i64 {
        let day = i64::from(local.num_days_from_ce());
        match self {
            Calendar::Hour => at.timestamp() - i64::from(local.minute() * 60 + local.second()),
            Calendar::Day => day,
            Calendar::Week => day - i64::from(local.weekday().num_days_from_monday()),
            Calendar::Month => i64::from(local.year()) * 12 + i64::from(local.month0()),
            Calendar::Year => local.year().into(),
        }
    }

    /// Writes the period's name: `2026-11-20`, `week 2026-W47`.
    pub(super) fn name(self, f: &mut fmt::Formatter<'_>, at: DateTime<Utc>, zone: Tz) -> fmt::Result {
        let format = match self {
            // The zone tells the two hours of a clock set back apart.
            Calendar::Hour => "%Y-%m-%d %H:00 %Z",
            Calendar::Day => "%Y-%m-%d",
            Calendar::Week => "week %G-W%V",
            Calendar::Month => "%Y-%m",
            Calendar::Year => "%Y",
        };
        write!(f, "{}", at.with_timezone(&zone).format(format))
    }
}

/// What the clocks of `zone` show at `at`.
pub(super) fn local(at: DateTime<Utc>, zone: Tz) -> NaiveDateTime {
    let utc = at.naive_utc();
    // Only the first and last day of chrono's calendar have no local time.
    utc.checked_add_offset(zone.offset_from_utc_datetime(&utc).fix()).unwrap_or(utc)
}
