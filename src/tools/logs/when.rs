//! When a log is due for rotation, and why.
//!
//! ```toml
//! when = "daily"                                   # one trigger
//! when = { any = ["daily", "100 MiB"] }            # whichever comes first
//! when = { all = ["daily", "1 MiB"], min-size = "1 KiB", min-age = "1h", skip-empty = true }
//! ```
//!
//! A trigger is a calendar word (due when the last rotation lies before the present hour, day, ISO week, month or year in
//! the zone of the set), a size (due from that size on), or an age (due so long after the last rotation). Guards hold
//! back a log that is due. A last rotation in the future (the clock went back) tells nothing: calendar and age wait for
//! that time to come again, `min-age` holds nothing back, and size works as ever.
//!
//! Pure: no file, no clock, and no text is formatted before somebody reads it. [`Periods`] is made once for all logs.

mod periods;
mod reason;
#[cfg(test)]
mod tests;
mod written;

use chrono::{DateTime, Utc};

pub use self::{
    periods::Periods,
    reason::{Moment, Reason},
};
use crate::settings::units::{Bytes, Period, Span};

/// When to rotate: triggers, and guards that hold back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// What makes a log due.
    pub triggers: Triggers,
    /// Not before the log has this size.
    pub min_size: Option<Bytes>,
    /// Not before so long after the last rotation.
    pub min_age: Option<Span>,
    /// Not while the log is empty.
    pub skip_empty: bool,
}

impl When {
    /// Whether a log's size alone makes it due, as often as it grows so large.
    pub fn is_by_size(&self) -> bool {
        matches!(&self.triggers, Triggers::Any(any) if any.iter().any(|trigger| matches!(trigger, Trigger::Size(_))))
    }
}

/// How triggers combine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Triggers {
    /// Due as soon as one holds.
    Any(Vec<Trigger>),
    /// Due when all hold.
    All(Vec<Trigger>),
}

/// One thing that makes a log due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A new period has begun since the last rotation.
    Every(Period),
    /// The log has at least this size.
    Size(Bytes),
    /// The last rotation is at least so long ago.
    Age(Span),
}

/// What the decision needs to know of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its size in bytes.
    pub size: u64,
    /// Its last rotation; at first sight, the file's own oldest time.
    pub since: DateTime<Utc>,
}

/// The decision on one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Rotate it, for this reason.
    Now(Reason),
    /// Leave it, for this reason.
    NotYet(Reason),
}

impl Default for When {
    /// Daily, or at 100 MiB; never while empty.
    fn default() -> When {
        When::from(Triggers::Any(vec![Trigger::Every(Period::Daily), Trigger::Size(Bytes(100 << 20))]))
    }
}

impl From<Triggers> for When {
    /// With no guard but the one against empty logs.
    fn from(triggers: Triggers) -> When {
        When { triggers, min_size: None, min_age: None, skip_empty: true }
    }
}

/// Whether the log is due at the instant that `periods` was made for.
pub fn due(when: &When, log: &Log, periods: &Periods) -> Due {
    if let Some(reason) = held_back(when, log, periods) {
        return Due::NotYet(reason);
    }
    let holds = |trigger: &Trigger| trigger.holds(log, periods);
    match &when.triggers {
        Triggers::Any(triggers) => match triggers.iter().find_map(holds) {
            Some(reason) => Due::Now(reason),
            None => Due::NotYet(waiting(&when.triggers, log, periods)),
        },
        Triggers::All(triggers) => match triggers.iter().map(holds).collect::<Option<Vec<Reason>>>() {
            Some(reasons) => Due::Now(Reason::All(reasons)),
            None => Due::NotYet(waiting(&when.triggers, log, periods)),
        },
    }
}

/// The earliest instant, from now on, at which the log will be due if it does not change; none if time alone is not enough.
pub fn next(when: &When, log: &Log, periods: &Periods) -> Option<DateTime<Utc>> {
    let too_small = when.skip_empty && log.size == 0 || when.min_size.is_some_and(|min| log.size < min.0);
    if too_small {
        return None;
    }
    let ripe = ripe(&when.triggers, log, periods)?;
    let old_enough = match when.min_age {
        Some(min) if log.since <= ripe => log.since.checked_add_signed(min.chrono())?,
        _ => ripe,
    };
    Some(ripe.max(old_enough).max(periods.now()))
}

/// The guard that holds the log back.
fn held_back(when: &When, log: &Log, periods: &Periods) -> Option<Reason> {
    if when.skip_empty && log.size == 0 {
        return Some(Reason::Empty);
    }
    if let Some(min) = when.min_size.filter(|min| log.size < min.0) {
        return Some(Reason::Small { size: log.size, min });
    }
    let age = periods.now().signed_duration_since(log.since);
    // After a clock went back the age is unknown; a guard must not hold a growing log back until that time comes again.
    let known = log.since <= periods.now();
    let min = when.min_age.filter(|min| known && age < min.chrono())?;
    Some(Reason::Young { since: periods.moment(log.since), min })
}

/// What a log that is not due waits for.
fn waiting(triggers: &Triggers, log: &Log, periods: &Periods) -> Reason {
    let (each, any) = match triggers {
        Triggers::Any(each) => (each, true),
        Triggers::All(each) => (each, false),
    };
    let sizes = each.iter().filter_map(|trigger| match trigger {
        Trigger::Size(limit) if limit.0 > log.size => Some(*limit),
        _ => None,
    });
    let size = if any { sizes.min() } else { sizes.max() };
    if log.since > periods.now() {
        return Reason::InFuture { since: periods.moment(log.since), size };
    }
    let times = each.iter().filter(|trigger| !matches!(trigger, Trigger::Size(_)));
    let times = times.filter_map(|trigger| trigger.ripe(log, periods)).filter(|at| *at > periods.now());
    let at = if any { times.min() } else { times.max() }.map(|at| periods.moment(at));
    Reason::Waiting { at, size: size.map(|limit| (log.size, limit)), any }
}

/// The earliest instant at which the triggers hold for a log that does not change.
fn ripe(triggers: &Triggers, log: &Log, periods: &Periods) -> Option<DateTime<Utc>> {
    match triggers {
        Triggers::Any(triggers) => triggers.iter().filter_map(|trigger| trigger.ripe(log, periods)).min(),
        Triggers::All(triggers) => {
            triggers.iter().map(|trigger| trigger.ripe(log, periods)).collect::<Option<Vec<_>>>()?.into_iter().max()
        }
    }
}

impl Trigger {
    /// Why this makes the log due, if it does.
    fn holds(&self, log: &Log, periods: &Periods) -> Option<Reason> {
        match *self {
            Trigger::Every(period) => {
                (log.since < periods.start(period)).then(|| Reason::NewPeriod { period, since: periods.moment(log.since) })
            }
            Trigger::Size(limit) => (log.size >= limit.0).then_some(Reason::Large { size: log.size, limit }),
            Trigger::Age(limit) => {
                let age = periods.now().signed_duration_since(log.since);
                (age >= limit.chrono()).then(|| Reason::Old { limit, since: periods.moment(log.since) })
            }
        }
    }

    /// The instant from which on this holds for a log that does not change; any past one if it holds already.
    fn ripe(&self, log: &Log, periods: &Periods) -> Option<DateTime<Utc>> {
        match *self {
            Trigger::Every(period) if log.since < periods.start(period) => Some(periods.start(period)),
            Trigger::Every(period) if log.since <= periods.now() => Some(periods.end(period)),
            Trigger::Every(period) => Some(periods.moved_to(log.since).end(period)),
            Trigger::Size(limit) => (log.size >= limit.0).then_some(periods.now()),
            Trigger::Age(limit) => log.since.checked_add_signed(limit.chrono()),
        }
    }
}
