//! What becomes of each archive under the keep-rules. Only what reached its final stage may go.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use chrono::{DateTime, Utc};

use crate::{
    files::{archive_name::ArchiveName, space::Space},
    retention::{self, Item, Keep, Lot, Reason, Removable, Verdict},
    settings::units::Room,
    tools::logs::{
        ledger::{Content, Entry, EntryId, Stage},
        rotate::{
            Rotate,
            facts::{Away, World},
            plan::{Arrival, Bound, Collection, Next, Recovery, Rotation, shipment},
        },
        settings::LogSet,
    },
};

/// Why an archive stays that is not where it was.
const UNSEEN: &str = "it cannot be looked at: its folder is not there, or not on the volume that it was on";

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
    Remove {
        /// Why.
        why: String,
        /// What should be free where it is, when it goes for nothing else.
        room: Option<Room>,
    },
}

/// What is known of the archives that earlier runs made.
pub(super) struct Past<'a> {
    /// What becomes of rotations that were begun.
    pub recoveries: &'a [Recovery],
    /// What is not there.
    pub vanished: &'a [EntryId],
    /// What this run collects.
    pub collections: &'a [Collection],
    /// What the store has, and the ledger does not say yet.
    pub arrivals: &'a [Arrival],
}

/// Decides for every archive of the chosen sets. The archives that this run will make count as made.
pub(super) fn decide(rotate: &Rotate, content: &Content, world: &World, rotations: &[Rotation], past: &Past) -> Vec<Removal> {
    let next: HashMap<EntryId, &Next> = past.recoveries.iter().map(|recovery| (recovery.id, &recovery.next)).collect();
    let vanished: HashSet<EntryId> = past.vanished.iter().copied().collect();
    let arrived: HashSet<EntryId> = past.arrivals.iter().flat_map(Arrival::entries).collect();
    let gone = |entry: &Entry| {
        let away = world.away.get(&entry.id) == Some(&Away::Removed);
        away || vanished.contains(&entry.id)
            || matches!(next.get(&entry.id), Some(Next::Abandon { .. } | Next::Forget | Next::Lost))
    };
    let mut by_set: HashMap<&str, Vec<(&Entry, String)>> = HashMap::new();
    let mut unseen = Vec::new();
    for entry in content.entries.values().filter(|entry| !gone(entry)) {
        if is_unseen(entry, world, next.get(&entry.id).copied()) {
            unseen.push(entry);
            continue;
        }
        by_set.entry(entry.set.as_str()).or_default().push((entry, entry.log_path()));
    }
    let entries_of = |set: &LogSet| by_set.get(set.name.as_str()).map_or(&[][..], Vec::as_slice);
    let collected = past.collections.iter().map(|one| (one.bound.set, Made::of(&one.bound)));
    let rotated = rotations.iter().map(|rotation| (rotation.bound.set, Made::of(&rotation.bound)));
    let made: Vec<(usize, Made)> = rotated.chain(collected).collect();
    let mut disks = Disks::default();
    let mut lots = Vec::new();
    // While the clock is in doubt, so is every age.
    let believed = |keep: Keep| Keep { max_age: keep.max_age.filter(|_| world.leap.is_none()), ..keep };
    let room = |keep: Keep| Keep { min_free: keep.min_free, ..Keep::default() };
    let keeps: Vec<Keep> =
        rotate.sets.iter().map(|set| if rotate.keeps_all { room(set.keep) } else { believed(set.keep) }).collect();
    for (index, set) in rotate.sets.iter().enumerate() {
        let old = entries_of(set).iter().map(|(entry, log)| {
            let awaited = shipment::is_to_ship(rotate, entry) && !arrived.contains(&entry.id);
            let removable =
                if awaited { Removable::No(shipment::UNSHIPPED) } else { removable(entry, next.contains_key(&entry.id)) };
            let (disk, piece) = (disks.of(world, entry), entry.piece);
            Item { group: log, name: &entry.name, at: entry.at, bytes: entry.stored(), disk, removable, piece }
        });
        let mut items: Vec<Item> = old.collect();
        items.extend(made.iter().filter(|(set, _)| *set == index).map(|(_, made)| made.item()));
        lots.push(Lot { items, keep: &keeps[index], zone: set.zone });
    }
    let verdicts = retention::decide(&lots, &disks.spaces, world.now);
    let decided = rotate.sets.iter().zip(verdicts);
    // The archives that are still to be made come last in each set, and have no fate yet.
    let seen = decided
        .flat_map(|(set, verdicts)| entries_of(set).iter().zip(verdicts))
        .map(|((entry, _), verdict)| Removal { id: entry.id, fate: fate(verdict) });
    let chosen = rotate.chosen();
    let unseen = unseen.into_iter().filter(|entry| chosen.contains(entry.set.as_str()));
    seen.chain(unseen.map(|entry| Removal { id: entry.id, fate: Fate::Keep(UNSEEN.to_owned()) })).collect()
}

/// An archive that this run is about to make.
struct Made {
    log: String,
    name: String,
    at: DateTime<Utc>,
}

impl Made {
    fn of(bound: &Bound) -> Made {
        Made { log: bound.log_path(), name: bound.name.to_string(), at: bound.name.at() }
    }

    fn item(&self) -> Item<'_> {
        Item {
            group: &self.log,
            name: &self.name,
            at: self.at,
            bytes: 0,
            disk: None,
            removable: Removable::No("this run makes it"),
            piece: false,
        }
    }
}

/// Whether nobody can look at it now. It stays, and is none of those that the rules count: else archives that may be lost
/// would push out those that are there.
fn is_unseen(entry: &Entry, world: &World, next: Option<&Next>) -> bool {
    let listed = || world.kept.get(Path::new(entry.archive_folder())).is_some_and(|kept| kept.archives.contains(&entry.id));
    (entry.is_settled() && !listed()) || matches!(next, Some(Next::Blind(_) | Next::Inherited))
}

fn removable(entry: &Entry, reconsidered: bool) -> Removable<'static> {
    match entry.stage {
        _ if entry.inherited.is_some() => Removable::No("another machine made it"),
        // Somebody may write to it again: only who reads it once more may remove it.
        _ if entry.shipped.as_ref().is_some_and(|shipped| shipped.direct) => {
            Removable::No("the store has it, and `ops-logs direct` removes it once nobody writes to it")
        }
        Stage::Stored | Stage::Removing if !agrees_with_name(entry) => Removable::No("ledger and name disagree about its time"),
        Stage::Stored => Removable::Yes,
        Stage::Removing if reconsidered => Removable::Yes,
        _ => Removable::No("not archived yet"),
    }
}

/// A name may be a little ahead of its time, so that it sorts after an earlier one, and is never behind it.
fn agrees_with_name(entry: &Entry) -> bool {
    const AHEAD: i64 = 24 * 3600;
    let ahead = |name: ArchiveName| name.at().timestamp() - entry.at.timestamp();
    ArchiveName::parse(&entry.name).is_some_and(|name| (0..=AHEAD).contains(&ahead(name)))
}

/// The file systems that archives are on, each once: all sets on it share its free space.
#[derive(Default)]
struct Disks {
    positions: HashMap<u64, usize>,
    spaces: Vec<Space>,
}

impl Disks {
    /// Where an archive is; None when it could not be asked, and then nothing goes for want of space.
    fn of(&mut self, world: &World, entry: &Entry) -> Option<usize> {
        let folder = world.folder(Path::new(entry.archive_folder()))?;
        let (stat, space) = folder.state.as_ref().ok()?;
        let position = *self.positions.entry(stat.id.dev).or_insert_with(|| {
            self.spaces.push(*space);
            self.spaces.len() - 1
        });
        Some(position)
    }
}

fn fate(verdict: Verdict) -> Fate {
    match verdict {
        Verdict::Keep(reasons) => Fate::Keep(reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        Verdict::Remove(reason) => {
            let room = if let Reason::TooLittleFree { wanted, .. } = reason { Some(wanted) } else { None };
            Fate::Remove { why: reason.to_string(), room }
        }
    }
}
