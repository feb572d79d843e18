//! Why an item is kept or removed, as data and as a phrase for people.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::Keep;
use crate::{
    files::space::Space,
    report::Size,
    settings::units::{Bytes, Period, Room, Span},
};

/// Why an item is kept or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason<'a> {
    /// Kept: no keeper is set, and no limit is reached.
    NothingRemovesIt,
    /// Kept: `count` wants it.
    OneOfNewest(u32),
    /// Kept: a calendar keeper wants it.
    NewestOf {
        /// The keeper.
        period: Period,
        /// The item's time.
        at: DateTime<Utc>,
        /// Whose calendar.
        zone: Tz,
    },
    /// Kept although the rules would remove it: the newest of its group.
    NewestStays,
    /// Kept whatever the rules say, for the caller's reason.
    MustStay(&'a str),
    /// Kept: a date in the future says nothing.
    InFuture,
    /// Removed: there are keepers, and none wants it.
    NotWanted(&'a Keep),
    /// Removed: too old.
    TooOld {
        /// How old it is.
        age: TimeDelta,
        /// How old it may be.
        limit: Span,
    },
    /// Removed: all items together are too large.
    TotalTooLarge {
        /// What they would be without the limit.
        total: u64,
        /// What they may be.
        limit: Bytes,
    },
    /// Removed: the disk is too full.
    TooLittleFree {
        /// The disk.
        space: Space,
        /// What should be free.
        wanted: Room,
    },
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Reason::NothingRemovesIt => f.write_str("no rule removes it"),
            Reason::OneOfNewest(1) => f.write_str("the newest"),
            Reason::OneOfNewest(count) => write!(f, "one of the newest {count}"),
            Reason::NewestOf { period, at, zone } => {
                f.write_str("newest of ")?;
                period.write_name(f, at, zone)
            }
            Reason::NewestStays => f.write_str("the newest is always kept"),
            Reason::MustStay(why) => f.write_str(why),
            Reason::InFuture => f.write_str("its time lies in the future"),
            Reason::NotWanted(keep) => not_wanted(f, keep),
            Reason::TooOld { age, limit } => write!(f, "older than {limit} ({})", Age(age)),
            Reason::TotalTooLarge { total, limit } => write!(f, "set is {}, limit {}", Size(total), Size(limit.0)),
            Reason::TooLittleFree { space, wanted } => too_little_free(f, space, wanted),
        }
    }
}

fn not_wanted(f: &mut fmt::Formatter<'_>, keep: &Keep) -> fmt::Result {
    f.write_str("not among the newest")?;
    let mut comma = "";
    if let Some(count) = keep.count {
        write!(f, " {count}")?;
        comma = ",";
    }
    for (period, count) in keep.calendars() {
        write!(f, "{comma} {count} {period}")?;
        comma = ",";
    }
    Ok(())
}

fn too_little_free(f: &mut fmt::Formatter<'_>, space: Space, wanted: Room) -> fmt::Result {
    match wanted {
        Room::Bytes(bytes) => write!(f, "free space {}, wanted {}", Size(space.free), Size(bytes.0)),
        Room::Share(share) => {
            let permille = u128::from(space.free) * 1000 / u128::from(space.total.max(1));
            let tenth = if permille.is_multiple_of(10) { String::new() } else { format!(".{}", permille % 10) };
            write!(f, "free space {}{tenth}%, wanted {share}", permille / 10)
        }
    }
}

/// An age, cut to what a reader wants: `91d`, `90d4h`, `1h12m`.
struct Age(TimeDelta);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.num_seconds().max(0).unsigned_abs();
        let step = match seconds {
            0..3_600 => 1,
            3_600..86_400 => 60,
            _ => 3_600,
        };
        match Span::try_from(std::time::Duration::from_secs(seconds / step * step)) {
            Ok(span) => span.fmt(f),
            Err(_) => f.write_str("over a thousand years"),
        }
    }
}
