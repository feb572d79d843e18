//! Which objects of a store are wanted: of which sets, machines and times. What a missing segment named nobody knows, and that is told.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::{
    failure::Result,
    report::Report,
    settings::units::Span,
    store::Store,
    tools::logs::manifest::{
        self, Object,
        archived::{Archived, joined},
        links::Links,
        stored,
        tombs::Tombs,
    },
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

/// What the manifests name of it, in the order of the first lines.
pub(super) fn select(store: &dyn Store, wanted: &Wanted, now: DateTime<Utc>, troubles: &mut Report) -> Result<Vec<Archived>> {
    let (mut all, mut tombs) = (Vec::new(), Tombs::default());
    for (folder, segments) in stored::all(store)? {
        let mut found = Report::default();
        let links = Links::read(store, segments.into_iter(), &mut found);
        let meant = wanted.hosts.is_empty() || wanted.hosts.iter().any(|host| manifest::is_of(&folder, host));
        if meant {
            troubles.findings.extend(found.findings);
            troubles.incomplete.extend(found.incomplete);
        }
        let Some(host) = links.host.clone() else { continue };
        // Also what another machine took out of the store is not there.
        tombs.add(&host, &links.removed);
        if meant {
            all.push((host, links));
        }
    }
    let mut chosen = Vec::new();
    // Whoever wants some of an archive gets all of it: it is one file.
    let meant = |archived: &Archived| archived.objects.iter().any(|object| wanted.means(object, now));
    for (host, links) in all {
        let there = links.parted(&tombs).0.into_iter().map(|(_, object)| object).collect();
        chosen.extend(joined(&host, there).into_iter().filter(meant));
    }
    chosen.sort_by(|one, other| order(one).cmp(&order(other)));
    Ok(chosen)
}

fn order(archived: &Archived) -> (DateTime<Utc>, &str, &str) {
    let object = archived.first();
    (object.times.map_or(object.rotated_at, |times| times.from), &archived.host, &object.key)
}

impl Wanted {
    fn means(&self, object: &Object, now: DateTime<Utc>) -> bool {
        let set = self.sets.is_empty() || self.sets.contains(&object.set) || self.sets.contains(&object.service);
        let (from, until) = object.times.map_or((None, object.rotated_at), |times| (Some(times.from), times.until));
        let late_enough = self.since.is_none_or(|since| until >= since.at(now));
        // Where nobody knows when it began, it may have been any time before.
        let early_enough = self.until.is_none_or(|end| from.is_none_or(|from| from <= end.at(now)));
        set && late_enough && early_enough
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
