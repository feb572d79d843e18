//! Which of many dated things to keep, and why: logs' archives, copies in a store, images.
//!
//! This owns the rules and their reasons. It never looks at the world: the caller brings items, the disks they are on and `now`.
//!
//! *Keepers* say what is wanted, per group (all archives of one log, say). `count` wants the newest so many; `hourly`,
//! `daily`, `weekly` (ISO weeks), `monthly` and `yearly` want the newest item of each of the so many most recent periods
//! that have one, in the given zone. What any keeper wants is wanted. With no keeper at all, everything is.
//!
//! *Limits* take away even what a keeper wants, the oldest first. `max-age`: what is older. `max-total`: until all items
//! of the lot together fit. `min-free`: until the disk would have that much free space, with what any rule of any lot
//! gives back on that disk counted; the oldest on the disk go first, of all lots that say `min-free`, and of no other.
//! Unknown free space removes nothing.
//!
//! *Always kept*, whatever the rules say: the newest item of each group, what the caller says must stay, and what is
//! dated in the future (a clock was wrong; unknown means keep). They count in totals. An item of the future takes no
//! keeper's place, so that one wrong date cannot push out the real ones.
//!
//! Pieces of one thing, which have one time, count as one: keepers want all of them or none.
//!
//! A verdict depends on the items, never on their order: of two with the same time the later name is the newer one.

mod calendar;
mod decide;
mod reason;
#[cfg(test)]
mod tests;

use std::num::NonZeroU32;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{decide::decide, reason::Reason};
use crate::settings::units::{Bytes, Period, Room, Span};

/// What to keep. Left out entirely, everything is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Keep {
    /// Keep the newest so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<NonZeroU32>,
    /// Keep the newest of each of the last so many hours that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hourly: Option<NonZeroU32>,
    /// Keep the newest of each of the last so many days that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily: Option<NonZeroU32>,
    /// Keep the newest of each of the last so many weeks (from Monday) that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weekly: Option<NonZeroU32>,
    /// Keep the newest of each of the last so many months that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly: Option<NonZeroU32>,
    /// Keep the newest of each of the last so many years that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yearly: Option<NonZeroU32>,
    /// Remove what is older, even if another rule wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Span>,
    /// Remove the oldest until all together have at most this size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_total: Option<Bytes>,
    /// Remove the oldest until their disk has this much free space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_free: Option<Room>,
}

/// Items under one set of rules.
#[derive(Clone, Debug)]
pub struct Lot<'a> {
    /// The items, in any order.
    pub items: Vec<Item<'a>>,
    /// The rules.
    pub keep: &'a Keep,
    /// Whose hours and days the calendar rules mean.
    pub zone: Tz,
}

/// One thing that may be kept or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// What it is a copy of: the log's path. Keepers work per group.
    pub group: &'a str,
    /// Its own name, unique in the group. Of two items with the same time the later name is the newer one.
    pub name: &'a str,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// What its removal would free.
    pub bytes: u64,
    /// The disk it is on, by position in the disks of the call; None when it is not known.
    pub disk: Option<usize>,
    /// Whether it may go at all.
    pub removable: Removable<'a>,
    /// Whether it is one of several pieces: those of one group and one time count as one item.
    pub piece: bool,
}

impl Item<'_> {
    /// Whether both are pieces of one thing.
    fn belongs_to(&self, other: &Item) -> bool {
        self.piece && other.piece && self.at == other.at && self.group == other.group
    }
}

/// Whether an item may be removed when the rules say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Removable<'a> {
    /// It may.
    Yes,
    /// It must stay whatever the rules say, for this reason: `not archived yet`.
    No(&'a str),
}

/// What is to happen to an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It stays, for each of these reasons (at least one).
    Keep(Vec<Reason<'a>>),
    /// It goes, for this reason.
    Remove(Reason<'a>),
}

impl Keep {
    /// The calendar keepers that are set.
    fn calendars(&self) -> impl Iterator<Item = (Period, NonZeroU32)> {
        [
            (Period::Hourly, self.hourly),
            (Period::Daily, self.daily),
            (Period::Weekly, self.weekly),
            (Period::Monthly, self.monthly),
            (Period::Yearly, self.yearly),
        ]
        .into_iter()
        .filter_map(|(period, count)| Some((period, count?)))
    }

    /// Whether only the newest of each hour, day, week, month or year is wanted.
    pub fn is_by_calendar_alone(&self) -> bool {
        self.count.is_none() && self.calendars().next().is_some()
    }

    fn has_keepers(&self) -> bool {
        self.count.is_some() || self.calendars().next().is_some()
    }
}
