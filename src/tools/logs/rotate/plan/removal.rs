//! What becomes of each archive under the keep-rules. Only what reached its final stage may go.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use chrono::{DateTime, Utc};

use crate::{
    retention::{self, FreeSpace, Item, Removable, Verdict},
    tools::logs::{
        ledger::{Content, Entry, EntryId, Stage},
        rotate::{
            Rotate,
            facts::World,
            plan::{Next, Recovery, Rotation},
        },
        settings::LogSet,
    },
};

/// One archive and what becomes of it.
#[derive(Debug)]
pub struct Removal {
    /// The archive.
    pub id: EntryId,
    /// What becomes of it.
    pub fate: Fate,
}

/// Whether an archive stays; the reasons in words.
#[derive(Debug)]
pub enum Fate {
    /// It stays.
    Keep(String),
    /// It goes, once this run's rotation of the same log is archived.
    Remove(String),
}

/// Decides for every archive of the chosen sets. The archives that this run will make count as made.
pub(super) fn decide(
    rotate: &Rotate,
    content: &Content,
    world: &World,
    rotations: &[Rotation],
    recoveries: &[Recovery],
) -> Vec<Removal> {
    let next: HashMap<EntryId, &Next> = recoveries.iter().map(|recovery| (recovery.id, &recovery.next)).collect();
    let mut by_set: HashMap<&str, Vec<&Entry>> = HashMap::new();
    for entry in content.entries.values() {
        let gone = matches!(next.get(&entry.id), Some(Next::Abandon { .. } | Next::Forget | Next::Lost));
        if !gone {
            by_set.entry(entry.set.as_str()).or_default().push(entry);
        }
    }
    let mut fates = Vec::new();
    for (index, set) in rotate.sets.iter().enumerate() {
        let Some(entries) = by_set.get(set.name.as_str()) else { continue };
        let made: Vec<Made> = rotations.iter().filter(|rotation| rotation.set == index).map(Made::of).collect();
        let groups: Vec<String> = entries.iter().map(|entry| entry.log_path()).collect();
        let old = entries.iter().zip(&groups).map(|(entry, group)| item(entry, group, next.contains_key(&entry.id)));
        let items: Vec<Item> = old.chain(made.iter().map(Made::item)).collect();
        let verdicts = verdicts(set, &items, entries, world);
        fates.extend(entries.iter().zip(verdicts).map(|(entry, verdict)| Removal { id: entry.id, fate: fate(verdict) }));
    }
    fates
}

/// An archive that this run is about to make.
struct Made {
    log: String,
    name: String,
    at: DateTime<Utc>,
}

impl Made {
    fn of(rotation: &Rotation) -> Made {
        let log = rotation.folder.join(&rotation.log).display().to_string();
        Made { log, name: rotation.name.to_string(), at: rotation.name.at() }
    }

    fn item(&self) -> Item<'_> {
        Item { group: &self.log, name: &self.name, at: self.at, bytes: 0, removable: Removable::No("this run makes it") }
    }
}

fn item<'a>(entry: &'a Entry, group: &'a str, reconsidered: bool) -> Item<'a> {
    let removable = match entry.stage {
        _ if entry.inherited.is_some() => Removable::No("another machine made it"),
        Stage::Stored => Removable::Yes,
        Stage::Removing if reconsidered => Removable::Yes,
        _ => Removable::No("not archived yet"),
    };
    Item { group, name: &entry.name, at: entry.at, bytes: entry.stored(), removable }
}

/// All rules but `min-free` look at the set as a whole; free space is a matter of each file system.
fn verdicts<'a>(set: &'a LogSet, items: &[Item<'a>], entries: &[&Entry], world: &World) -> Vec<Verdict<'a>> {
    let mut verdicts = retention::decide(items, &set.keep, set.zone, world.now, None);
    if set.keep.min_free.is_none() {
        return verdicts;
    }
    let disks: Vec<Option<(u64, FreeSpace)>> = entries.iter().map(|entry| disk(world, entry)).collect();
    let distinct: BTreeMap<u64, FreeSpace> = disks.iter().flatten().copied().collect();
    for (dev, space) in distinct {
        let here: Vec<usize> = (0..items.len())
            .filter(|index| disks.get(*index).is_none_or(|disk| disk.is_some_and(|(other, _)| other == dev)))
            .collect();
        let on_disk: Vec<Item> = here.iter().map(|index| items[*index]).collect();
        let judged = retention::decide(&on_disk, &set.keep, set.zone, world.now, Some(&space));
        for (index, verdict) in here.into_iter().zip(judged) {
            if !verdicts[index].removes() {
                verdicts[index] = verdict;
            }
        }
    }
    verdicts
}

/// The file system that an archive is on, and its space; None when it could not be asked, and then nothing
/// goes for want of space.
fn disk(world: &World, entry: &Entry) -> Option<(u64, FreeSpace)> {
    let folder = Path::new(entry.archive_folder());
    let (stat, (total, free)) = world.folder(folder)?.state.as_ref().ok()?;
    Some((stat.id.dev, FreeSpace { total: *total, free: *free }))
}

fn fate(verdict: Verdict) -> Fate {
    match verdict {
        Verdict::Keep(reasons) => Fate::Keep(reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        Verdict::Remove(reason) => Fate::Remove(reason.to_string()),
    }
}
