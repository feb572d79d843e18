//! Which hour, day, week, month or year an instant belongs to, in a zone.
//!
//! Owns the numbering of periods and their names. Never decides.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDateTime, Timelike, Utc};
use chrono_tz::Tz;

use crate::settings::units::Period;

impl Period {
    /// The number of the period that `at` belongs to; `local` is `at` in the zone. Later periods have higher numbers.
    pub(super) fn number(self, at: DateTime<Utc>, local: NaiveDateTime) -> i64 {
        let day = i64::from(local.num_days_from_ce());
        match self {
            Period::Hourly => at.timestamp() - i64::from(local.minute() * 60 + local.second()),
            Period::Daily => day,
            Period::Weekly => day - i64::from(local.weekday().num_days_from_monday()),
            Period::Monthly => i64::from(local.year()) * 12 + i64::from(local.month0()),
            Period::Yearly => local.year().into(),
        }
    }

    /// Writes the period's name: `2026-11-20`, `week 2026-W47`.
    pub(super) fn write_name(self, f: &mut fmt::Formatter<'_>, at: DateTime<Utc>, zone: Tz) -> fmt::Result {
        let format = match self {
            // The zone tells the two hours of a clock set back apart.
            Period::Hourly => "%Y-%m-%d %H:00 %Z",
            Period::Daily => "%Y-%m-%d",
            Period::Weekly => "week %G-W%V",
            Period::Monthly => "%Y-%m",
            Period::Yearly => "%Y",
        };
        write!(f, "{}", at.with_timezone(&zone).format(format))
    }
}
