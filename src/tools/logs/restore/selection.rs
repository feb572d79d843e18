//! Which objects of a store are wanted: of which sets, machines and times. What a missing segment named nobody knows, and that is told;
//! what has a tombstone and is there all the same is told, too, and meant.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    str::FromStr,
};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::place::{Placed, placed};
use crate::{
    failure::{Exit, Failure, Result},
    report::{Finding, Incomplete, Report, Severity, count},
    settings::{suggest, units::Span},
    store::{Key, Store},
    tools::logs::manifest::{
        self, Object,
        archived::joined,
        links::Links,
        stored::{self, Asking, Reading},
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

/// Whose manifests are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Those of the machines that are wanted. What another one took out of the store is not known then.
    Wanted,
    /// Of all, which may be many times as much.
    All,
}

/// What the manifests name of it, in the order of the first lines.
pub(super) fn select(asking: Asking, wanted: &Wanted, whose: Whose, troubles: &mut Report) -> Result<Vec<Placed>> {
    let (store, now) = (asking.store, asking.run.clock.now());
    let (mut all, mut tombs) = (Vec::new(), Tombs::default());
    let mut folders = stored::all(store)?;
    troubles.incomplete.extend(wanted.hosts_that_are_not_in(&folders));
    folders.retain(|folder, _| whose == Whose::All || wanted.means_folder(folder));
    let reading = Reading::of(asking, &folders);
    for (folder, segments) in folders {
        let mut found = Report::default();
        let links = Links::read(&reading, segments, &mut found).ok_or_else(|| reading.broken_off())?;
        let meant = wanted.means_folder(&folder);
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
    let named = all.iter().flat_map(|(_, links)| links.objects.iter().map(|(_, object)| object));
    troubles.incomplete.extend(wanted.sets_that_are_not_among(named));
    let mut chosen = Vec::new();
    // Whoever wants some of an archive gets all of it: it is one file.
    let meant = |placed: &Placed| placed.archived.objects.iter().any(|object| wanted.means(object, now));
    for (host, links) in all {
        let (mut there, mut buried) = (Vec::new(), HashMap::new());
        for (segment, object) in Links::named(links.objects) {
            if tombs.of(&host, &object.key, segment).is_none() {
                there.push(object);
            } else if wanted.means_set(&object) {
                buried.insert(object.key.clone(), object);
            }
        }
        let still = still_there(store, buried)?;
        let keys: HashSet<String> = still.iter().map(|object| object.key.clone()).collect();
        there.extend(still);
        // Of all that there is, so that what somebody wants of it changes no place.
        let of_it: Vec<Placed> = placed(joined(&host, there)).into_iter().filter(meant).collect();
        troubles.findings.extend(not_gone(&host, &of_it, &keys));
        troubles.findings.extend(in_one_place(&host, &of_it));
        chosen.extend(of_it);
    }
    chosen.sort_by(|one, other| order(one).cmp(&order(other)));
    Ok(chosen)
}

fn order(placed: &Placed) -> (DateTime<Utc>, &str, &str) {
    let object = placed.archived.first();
    (object.times.map_or(object.rotated_at, |times| times.from), &placed.archived.host, &object.key)
}

/// Those that are there as they were named, although somebody was about to take them out of the store. Asked for by the service: what was
/// pruned in years may be much more than what is left.
fn still_there(store: &dyn Store, mut buried: HashMap<String, Object>) -> Result<Vec<Object>> {
    let service = |key: &String| {
        let (top, below) = key.split_once('/')?;
        Key::new(format!("{top}/{}", below.split_once('/')?.0))
    };
    let services: BTreeSet<Key> = buried.keys().filter_map(service).collect();
    let mut still = Vec::new();
    for folder in &services {
        store.list(folder, &mut |key, size| {
            still.extend(buried.remove(key.as_str()).filter(|object| object.stored == size));
            Ok(())
        })?;
    }
    Ok(still)
}

/// That some of them have a tombstone.
fn not_gone(host: &str, chosen: &[Placed], buried: &HashSet<String>) -> Option<Finding> {
    let is_buried = |placed: &&Placed| placed.archived.objects.iter().any(|object| buried.contains(&object.key));
    let logs = chosen.iter().filter(is_buried).count() as u64;
    let message = format!("{} to be pruned, and still in the store: restored as well", count(logs, "log"));
    let finding = Finding::new("logs.prune-unfinished", Severity::Note, format!("machine {host}"), message);
    (logs > 0).then(|| {
        finding.hint("`ops-logs prune --apply` on the machine that prunes ends it, or takes it back where the rules changed")
    })
}

/// That some of them would have hidden each other.
fn in_one_place(host: &str, chosen: &[Placed]) -> Option<Finding> {
    let logs = chosen.iter().filter(|placed| placed.shared).count() as u64;
    let message = format!(
        "{} with the name of another one, and another text: the digits of its SHA-256 tell each apart",
        count(logs, "log")
    );
    let finding = Finding::new("logs.one-name", Severity::Note, format!("machine {host}"), message);
    (logs > 0).then(|| finding.hint("was its name used again? `host` in the settings gives each machine one of its own"))
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
    fn hosts_that_are_not_in<T>(&self, folders: &BTreeMap<String, T>) -> Vec<Incomplete> {
        let unknown = |host: &&String| !folders.keys().any(|folder| manifest::is_of(folder, host));
        if self.hosts.is_empty() && folders.is_empty() {
            let nobody = Incomplete::new("the manifests", "no machine has put anything there");
            return vec![Incomplete { hint: Some("is that the store, and is its disk mounted?".to_owned()), ..nobody }];
        }
        let why = "no machine of that name has put anything there";
        self.hosts.iter().filter(unknown).map(|host| Incomplete::new(format!("machine {host}"), why)).collect()
    }

    /// The same of sets: none of what is, or was, named there is of one.
    fn sets_that_are_not_among<'a>(&self, named: impl Iterator<Item = &'a Object>) -> Vec<Incomplete> {
        let known: BTreeSet<&str> = named.flat_map(|object| [object.set.as_str(), object.service.as_str()]).collect();
        let unknown = self.sets.iter().filter(|set| !known.contains(set.as_str()));
        let why = "no log of a set or a service of that name was put there";
        let meant = |set: &str| suggest::nearest(set, known.iter().copied()).map(|meant| format!("did you mean `{meant}`?"));
        unknown.map(|set| Incomplete { hint: meant(set), ..Incomplete::new(format!("set {set}"), why) }).collect()
    }

    fn means(&self, object: &Object, now: DateTime<Utc>) -> bool {
        let (from, until) = object.times.map_or((None, object.rotated_at), |times| (Some(times.from), times.until));
        let late_enough = self.since.is_none_or(|since| until >= since.at(now));
        // Where nobody knows when it began, it may have been any time before.
        let early_enough = self.until.is_none_or(|end| from.is_none_or(|from| from <= end.at(now)));
        self.means_set(object) && late_enough && early_enough
    }

    /// Whether it is the folder of a machine that is wanted.
    fn means_folder(&self, folder: &str) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|host| manifest::is_of(folder, host))
    }

    fn means_set(&self, object: &Object) -> bool {
        self.sets.is_empty() || self.sets.contains(&object.set) || self.sets.contains(&object.service)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::tools::logs::patience::Patience;
    use crate::{
        run::{Clock, Out, Progress, Run, Shutdown, State},
        store::{self, Body, Terms},
        tools::logs::manifest::tests::{hour, object},
    };

    #[test]
    fn who_asks_it_to_stop_does_not_wait_for_all_manifests() {
        let home = tempfile::tempdir().unwrap();
        let store = store::open(&format!("file://{}", home.path().display()).parse().unwrap(), &Terms::default()).unwrap();
        store.put(&manifest::key("web", 1).unwrap(), &Body::of(b"torn"), &|_| ()).unwrap();
        let (clock, progress, shutdown) = (Clock::At(hour(0)), Progress::silent(), Shutdown::default());
        let run = Run { clock, progress, shutdown, out: Out::to(Vec::new()), state: State::at(home.path()), every_item: false };
        let mut troubles = Report::default();
        let patience = Patience::default();
        let mut select = || select(Asking::of(&*store, &run, 1, &patience), &Wanted::default(), Whose::All, &mut troubles);
        assert_eq!(select().unwrap().len(), 0);
        run.shutdown.flag().store(15, Ordering::Relaxed);
        assert!(select().unwrap_err().to_string().contains("asked to stop"));
        assert_eq!(troubles.findings.len(), 1, "it was read once");
    }

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
