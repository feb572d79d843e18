//! Why a log is due or not, as data and as a phrase for people.

use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::{
    report::Size,
    settings::units::{Bytes, Period, Span},
};

/// Why a log is due or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Due: a new period has begun.
    NewPeriod {
        /// The trigger.
        period: Period,
        /// The last rotation.
        since: Moment,
    },
    /// Due: large enough.
    Large {
        /// What it has, in bytes.
        size: u64,
        /// The trigger.
        limit: Bytes,
    },
    /// Due: the last rotation is long ago.
    Old {
        /// The trigger.
        limit: Span,
        /// The last rotation.
        since: Moment,
    },
    /// Due: each of these holds.
    All(Vec<Reason>),
    /// Not yet: nothing in it.
    Empty,
    /// Not yet: the guard on size.
    Small {
        /// What it has, in bytes.
        size: u64,
        /// The guard.
        min: Bytes,
    },
    /// Not yet: the guard on age.
    Young {
        /// The last rotation.
        since: Moment,
        /// The guard.
        min: Span,
    },
    /// Not yet: the last rotation lies in the future, so calendar and age tell nothing.
    InFuture {
        /// The last rotation.
        since: Moment,
        /// The size at which it is due all the same.
        size: Option<Bytes>,
    },
    /// Not yet: no trigger holds, or not all.
    Waiting {
        /// When time is up.
        at: Option<Moment>,
        /// Its size in bytes, and the size to reach.
        size: Option<(u64, Bytes)>,
        /// Whether one of the two is enough.
        any: bool,
    },
}

/// An instant, shown in a zone to the minute: `2026-11-21 04:15 CET`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The instant.
    pub at: DateTime<Utc>,
    /// Whose clocks show it.
    pub zone: Tz,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // At first sight there was no rotation yet, so this does not say that there was one.
            Reason::NewPeriod { period, since } => write!(f, "{period}: not rotated since {since}"),
            Reason::Large { size, limit } => write!(f, "{}, limit {}", Size(*size), Size(limit.0)),
            Reason::Old { limit, since } => write!(f, "{limit}: not rotated since {since}"),
            Reason::All(reasons) => all(f, reasons),
            Reason::Empty => f.write_str("empty"),
            Reason::Small { size, min } => write!(f, "{}, below min-size {}", Size(*size), Size(min.0)),
            Reason::Young { since, min } => write!(f, "fresh since {since}, min-age {min}"),
            Reason::InFuture { since, size } => {
                write!(f, "its last rotation, {since}, lies in the future")?;
                size.map_or(Ok(()), |limit| write!(f, "; next at {}", Size(limit.0)))
            }
            Reason::Waiting { at, size, any } => waiting(f, *at, *size, *any),
        }
    }
}

fn all(f: &mut fmt::Formatter<'_>, reasons: &[Reason]) -> fmt::Result {
    for (place, reason) in reasons.iter().enumerate() {
        let and = if place == 0 { "" } else { "; " };
        write!(f, "{and}{reason}")?;
    }
    Ok(())
}

fn waiting(f: &mut fmt::Formatter<'_>, at: Option<Moment>, size: Option<(u64, Bytes)>, any: bool) -> fmt::Result {
    match (at, size) {
        (Some(at), Some((_, limit))) if any => write!(f, "next at {at}, or at {}", Size(limit.0)),
        (Some(at), Some((_, limit))) => write!(f, "next after {at}, and at {}", Size(limit.0)),
        (Some(at), None) => write!(f, "next at {at}"),
        (None, Some((size, limit))) => write!(f, "{}, next at {}", Size(size), Size(limit.0)),
        (None, None) => f.write_str("no trigger can hold"),
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.at.with_timezone(&self.zone).format("%Y-%m-%d %H:%M %Z"))
    }
}
