//! Which objects of a store are wanted: of which sets, machines and times. What a missing segment named nobody knows, and that is told;
//! what has a tombstone and is there all the same is told, too, and meant.
//!
//! Manifests name all that ever was there, and mostly nobody wants it: of no more than one machine all of that is in memory.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::PathBuf,
};

use chrono::{DateTime, Utc};

use super::{
    place::{Placed, near, placed},
    wanted::Wanted,
};
use crate::{
    failure::{Exit, Failure, Result},
    report::{Finding, Report, Severity, count},
    store::{Key, Store},
    tools::logs::manifest::{
        self, Object,
        archived::joined,
        links::Links,
        stored::{self, Asking, Folders, Reading},
        tombs::Tombs,
    },
};

/// Whose manifests are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Those of the machines that are wanted. What another one took out of the store is not known then.
    Wanted,
    /// Of all, which may be many times as much.
    All,
}

/// What machines named, by the machine, each with the segment that does.
type Named = Vec<(String, Vec<(u64, Object)>)>;

/// What the manifests name of it, in the order of the first lines.
pub(super) fn select(asking: Asking, wanted: &Wanted, whose: Whose, troubles: &mut Report) -> Result<Vec<Placed>> {
    let now = asking.run.clock.now();
    let means = |object: &Object| wanted.means(object, now);
    let (named, tombs) = read(asking, wanted, whose, troubles)?;
    let part = |(host, named): (String, Vec<(u64, Object)>)| {
        let is_buried = |(segment, object): &(u64, Object)| tombs.of(&host, &object.key, *segment).is_some();
        let (buried, there): (Vec<_>, Vec<_>) = named.into_iter().partition(is_buried);
        (host, there, buried)
    };
    let parted: Vec<_> = named.into_iter().map(part).collect();
    let keys = parted.iter().flat_map(|(_, _, buried)| buried).map(|(_, object)| object.key.as_str());
    let still = still_there(asking, &keys.collect())?;
    let mut chosen = Vec::new();
    for (host, there, buried) in parted {
        let buried = buried.into_iter().filter(|(_, object)| still.get(&object.key) == Some(&object.stored));
        let objects = there.into_iter().chain(buried).map(|(_, object)| object).collect();
        // Whoever wants some of an archive gets all of it: it is one file.
        let has_some = |placed: &Placed| placed.archived.objects.iter().any(means);
        let of_it: Vec<Placed> = placed(joined(&host, objects)).into_iter().filter(has_some).collect();
        troubles.findings.extend(not_gone(&host, &of_it, &still));
        troubles.findings.extend(in_one_place(&host, &of_it));
        chosen.extend(of_it);
    }
    chosen.sort_by(|one, other| order(one).cmp(&order(other)));
    Ok(chosen)
}

/// What may be wanted of what the machines named, and the tombstones.
fn read(asking: Asking, wanted: &Wanted, whose: Whose, troubles: &mut Report) -> Result<(Named, Tombs)> {
    let now = asking.run.clock.now();
    let folders = folders(asking.store, wanted, whose)?;
    troubles.incomplete.extend(wanted.hosts_that_are_not_in(&folders));
    let reading = Reading::of(asking, &folders);
    let (mut all, mut tombs, mut sets) = (Named::new(), Tombs::default(), BTreeSet::new());
    for (folder, segments) in folders {
        let mut found = Report::default();
        let mut links = Links::read(&reading, segments, &mut found).ok_or_else(stored::stopped)?;
        let mut named = Vec::new();
        if wanted.means_folder(&folder) {
            troubles.findings.extend(found.findings);
            troubles.incomplete.extend(found.incomplete);
            for name in links.objects.iter().flat_map(|(_, object)| [&object.set, &object.service]) {
                if !sets.contains(name) {
                    sets.insert(name.clone());
                }
            }
            named = some(Links::named(links.objects), |object| wanted.means(object, now));
        }
        let Some(host) = links.host else { continue };
        // Also what another machine took out of the store is not there. Of its own, what is about none of these is over.
        let keys: HashSet<&str> = named.iter().map(|(_, object)| object.key.as_str()).collect();
        links.removed.retain(|one| one.host != host || keys.contains(one.key.as_str()));
        tombs.add(&host, &links.removed);
        all.push((host, named));
    }
    troubles.incomplete.extend(wanted.sets_that_are_not_among(&sets));
    Ok((all, tombs))
}

/// The segments of those machines. Of a fleet they are many: where some machines are named, nobody looks for others.
fn folders(store: &dyn Store, wanted: &Wanted, whose: Whose) -> Result<Folders> {
    if whose == Whose::All || wanted.hosts.is_empty() {
        return stored::all(store);
    }
    let mut folders = Folders::new();
    for folder in wanted.hosts.iter().filter_map(|host| manifest::folder(host)) {
        let segments = stored::segments(store, &folder)?;
        if !segments.is_empty() {
            folders.insert(folder.parts().1.to_owned(), segments);
        }
    }
    Ok(folders)
}

/// Of what a machine named, each archive by itself, those that are meant; with all that may get one place with one of these, so that
/// what somebody wants changes no place, and with its other parts.
fn some(named: Vec<(u64, Object)>, means: impl Fn(&Object) -> bool) -> Vec<(u64, Object)> {
    let archives = named.iter().flat_map(|(_, object)| object.clone().each());
    let places: HashSet<PathBuf> = archives.filter(means).map(|object| near(&object)).collect();
    let each = |(segment, object): (u64, Object)| object.each().into_iter().map(move |one| (segment, one));
    named.into_iter().flat_map(each).filter(|(_, object)| places.contains(&near(object))).collect()
}

fn order(placed: &Placed) -> (DateTime<Utc>, &str, &str) {
    let object = placed.archived.first();
    (object.times.map_or(object.rotated_at, |times| times.from), &placed.archived.host, &object.key)
}

/// Which of these are there, and their bytes, although somebody was about to take them out of the store. Asked for by the service, each
/// once: what was pruned in years may be much more than what is left.
fn still_there(asking: Asking, buried: &HashSet<&str>) -> Result<HashMap<String, u64>> {
    let service = |key: &&str| {
        let (top, below) = key.split_once('/')?;
        Key::new(format!("{top}/{}", below.split_once('/')?.0))
    };
    let services: BTreeSet<Key> = buried.iter().filter_map(service).collect();
    let bar = asking.run.progress.items("looking for what was pruned", services.len() as u64);
    let mut still = HashMap::new();
    for folder in &services {
        asking.store.list(folder, &mut |key, size| {
            if buried.contains(key.as_str()) {
                still.insert(key.to_string(), size);
            }
            if asking.run.shutdown.asked() {
                let stopped = Failure::new("list", asking.store.shown(folder));
                return Err(stopped.because("asked to stop").exit(Exit::Partial));
            }
            Ok(())
        })?;
        bar.advance(1);
    }
    Ok(still)
}

/// That some of them have a tombstone.
fn not_gone(host: &str, chosen: &[Placed], buried: &HashMap<String, u64>) -> Option<Finding> {
    let is_buried = |placed: &&Placed| placed.archived.objects.iter().any(|object| buried.contains_key(&object.key));
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

#[cfg(test)]
pub(super) mod tests {
    use std::{path::Path, sync::atomic::Ordering};

    use super::*;
    use crate::{
        run::{Clock, Out, Progress, Run, Shutdown, State},
        store::{self, Body, Terms},
        tools::logs::manifest::tests::{hour, object},
    };

    /// A store in that folder, and a run that nobody hears of.
    pub(in super::super) fn home(folder: &Path) -> (Box<dyn Store>, Run) {
        let store = store::open(&format!("file://{}", folder.display()).parse().unwrap(), &Terms::default()).unwrap();
        let (clock, progress, shutdown) = (Clock::At(hour(0)), Progress::silent(), Shutdown::default());
        (store, Run { clock, progress, shutdown, out: Out::to(Vec::new()), state: State::at(folder), every_item: false })
    }

    /// Somebody asks it to stop.
    pub(in super::super) fn stop(run: &Run) {
        run.shutdown.flag().store(15, Ordering::Relaxed);
    }

    #[test]
    fn who_asks_it_to_stop_does_not_wait_for_all_manifests() {
        let folder = tempfile::tempdir().unwrap();
        let (store, run) = home(folder.path());
        store.put(&manifest::key("web", 1).unwrap(), &Body::of(b"torn"), &|_| ()).unwrap();
        let mut troubles = Report::default();
        let mut select = || select(Asking::of(&*store, &run, 1), &Wanted::default(), Whose::All, &mut troubles);
        assert_eq!(select().unwrap().len(), 0);
        stop(&run);
        assert!(select().unwrap_err().to_string().contains("asked to stop"));
        assert_eq!(troubles.findings.len(), 1, "it was read once");
    }

    #[test]
    fn of_what_nobody_wants_only_what_may_alter_a_place_is_kept() {
        let named = |key: &str, name: &str, from: i64| {
            let (key, name) = (key.to_owned(), name.to_owned());
            (1, Object { key, name, ..object("app", from) })
        };
        let all = vec![named("a", "log.1", 1), named("b", "log.1", 9), named("c", "log.2", 1), named("d", "log.3", 9)];
        let kept = some(all, |object| object.times.is_some_and(|times| times.from >= hour(9)));
        assert_eq!(kept.iter().map(|(_, object)| object.key.as_str()).collect::<Vec<_>>(), ["a", "b", "d"]);
    }
}
