//! Which logs somebody wants, as it is typed: sets, machines, times. Says what is none, and what nothing in the store is of. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::{
    failure::{Exit, Failure, Result},
    report::Incomplete,
    settings::{suggest, units::Span},
    tools::logs::manifest::{self, Object},
};

/// Which logs somebody wants.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of these sets or services; of all when empty.
    pub sets: Vec<String>,
    /// Of these machines; of all when empty.
    pub hosts: Vec<String>,
    /// With lines from then on.
    pub since: Option<Moment>,
    /// With lines until then.
    pub until: Option<Moment>,
}

/// A time as people type it: `2026-11-21T03:00:00Z`, `2026-11-21` (its beginning, UTC), `2h` (so long ago).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// That one.
    At(DateTime<Utc>),
    /// So long before now.
    Ago(Span),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Moment, String> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Moment::At(at.to_utc()));
        }
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(Moment::At(day.and_time(NaiveTime::MIN).and_utc()));
        }
        let hint = "write 2026-11-21, 2026-11-21T03:00:00Z, or how long ago: 2h";
        text.parse::<Span>().map(Moment::Ago).map_err(|_| format!("`{text}` is no time: {hint}"))
    }
}

impl Moment {
    fn at(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Moment::At(at) => at,
            Moment::Ago(span) => now.checked_sub_signed(span.chrono()).unwrap_or(DateTime::UNIX_EPOCH),
        }
    }
}

impl Wanted {
    /// Refuses what nothing can be.
    pub(super) fn check(&self, now: DateTime<Utc>) -> Result<()> {
        let (Some(since), Some(until)) = (self.since.map(|since| since.at(now)), self.until.map(|until| until.at(now))) else {
            return Ok(());
        };
        if since <= until {
            return Ok(());
        }
        let told = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S UTC");
        let why = format!("--since ({}) is later than --until ({})", told(since), told(until));
        Err(Failure::new("restore", "anything").because(why).exit(Exit::BadInput))
    }

    /// Machines of these names put nothing there. Whoever asks for one by name must not take its silence for an answer.
    pub(super) fn hosts_that_are_not_in<T>(&self, folders: &BTreeMap<String, T>) -> Vec<Incomplete> {
        let unknown = |host: &&String| !folders.keys().any(|folder| manifest::is_of(folder, host));
        if self.hosts.is_empty() && folders.is_empty() {
            let nobody = Incomplete::new("the manifests", "no machine has put anything there");
            return vec![Incomplete { hint: Some("is that the store, and is its disk mounted?".to_owned()), ..nobody }];
        }
        let why = "no machine of that name has put anything there";
        self.hosts.iter().filter(unknown).map(|host| Incomplete::new(format!("machine {host}"), why)).collect()
    }

    /// The same of sets and services: none of what is, or was, named there is of one.
    pub(super) fn sets_that_are_not_among(&self, known: &BTreeSet<String>) -> Vec<Incomplete> {
        let unknown = self.sets.iter().filter(|set| !known.contains(*set));
        let why = "no log of a set or a service of that name was put there";
        let meant =
            |set: &str| suggest::nearest(set, known.iter().map(String::as_str)).map(|meant| format!("did you mean `{meant}`?"));
        unknown.map(|set| Incomplete { hint: meant(set), ..Incomplete::new(format!("set {set}"), why) }).collect()
    }

    /// Whether it is of such a set, and has lines of that time.
    pub(super) fn means(&self, object: &Object, now: DateTime<Utc>) -> bool {
        let (from, until) = object.times.map_or((None, object.rotated_at), |times| (Some(times.from), times.until));
        let late_enough = self.since.is_none_or(|since| until >= since.at(now));
        // Where nobody knows when it began, it may have been any time before.
        let early_enough = self.until.is_none_or(|end| from.is_none_or(|from| from <= end.at(now)));
        let sets = &self.sets;
        let of_it = sets.is_empty() || sets.contains(&object.set) || sets.contains(&object.service);
        of_it && late_enough && early_enough
    }

    /// Whether it is the folder of a machine that is wanted.
    pub(super) fn means_folder(&self, folder: &str) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|host| manifest::is_of(folder, host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::logs::manifest::tests::{hour, object};

    #[test]
    fn what_overlaps_the_time_is_meant() {
        let means = |since: Option<i64>, until: Option<i64>, object: &Object| {
            let moment = |at: Option<i64>| at.map(|at| Moment::At(hour(at)));
            Wanted { since: moment(since), until: moment(until), ..Wanted::default() }.means(object, hour(0))
        };
        let told = object("app", 10);
        for (since, until, meant) in [
            (None, None, true),
            (Some(11), None, true),
            (Some(12), None, false),
            (None, Some(10), true),
            (None, Some(9), false),
            (Some(9), Some(12), true),
        ] {
            assert_eq!(means(since, until, &told), meant, "{since:?} {until:?}");
        }
        let untold = Object { times: None, ..told };
        assert!(means(Some(12), None, &untold) && !means(Some(13), None, &untold) && means(None, Some(1), &untold));
    }

    #[test]
    fn a_set_is_meant_by_its_name_or_its_service() {
        let means = |name: &str| Wanted { sets: vec![name.to_owned()], ..Wanted::default() }.means(&object("app", 1), hour(0));
        assert!(means("app") && means("app-service") && !means("other"));
    }

    #[test]
    fn times_are_typed_in_three_ways() {
        assert_eq!("2026-11-21".parse(), Ok(Moment::At("2026-11-21T00:00:00Z".parse().unwrap())));
        assert_eq!("2026-11-21T03:00:00+01:00".parse(), Ok(Moment::At("2026-11-21T02:00:00Z".parse().unwrap())));
        assert_eq!("2h".parse::<Moment>().unwrap().at(hour(5)), hour(3));
        assert!("yesterday".parse::<Moment>().unwrap_err().contains("how long ago"));
    }
}
