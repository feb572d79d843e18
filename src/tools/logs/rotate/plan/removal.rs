//! What becomes of each archive under the keep-rules. Only what reached its final stage may go.

use std::collections::HashMap;

use crate::{
    files::dir::Stat,
    retention::{self, FreeSpace, Item, Removable, Verdict},
    tools::logs::{
        ledger::{Content, Entry, EntryId, Stage},
        rotate::{
            Rotate,
            facts::World,
            plan::{Next, Recovery, Rotation},
        },
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
pub fn decide(
    rotate: &Rotate,
    content: &Content,
    world: &World,
    rotations: &[Rotation],
    recoveries: &[Recovery],
) -> Vec<Removal> {
    let reconsidered: Vec<EntryId> =
        recoveries.iter().filter(|recovery| recovery.next == Next::Reconsider).map(|recovery| recovery.id).collect();
    let gone: Vec<EntryId> = recoveries
        .iter()
        .filter(|recovery| matches!(recovery.next, Next::Abandon { .. } | Next::Forget | Next::Lost))
        .map(|recovery| recovery.id)
        .collect();
    let mut by_set: HashMap<&str, Vec<&Entry>> = HashMap::new();
    for entry in content.entries.values().filter(|entry| !gone.contains(&entry.id)) {
        by_set.entry(entry.set.as_str()).or_default().push(entry);
    }
    let mut fates = Vec::new();
    for (index, set) in rotate.sets.iter().enumerate() {
        let Some(entries) = by_set.get(set.name.as_str()) else { continue };
        let made: Vec<&Rotation> = rotations.iter().filter(|rotation| rotation.set == index).collect();
        let logs: Vec<String> = made.iter().map(|rotation| rotation.folder.join(&rotation.log).display().to_string()).collect();
        let names: Vec<String> = made.iter().map(|rotation| rotation.name.to_string()).collect();
        let groups: Vec<String> = entries.iter().map(|entry| entry.log_path()).collect();
        let items: Vec<Item> = entries
            .iter()
            .zip(&groups)
            .map(|(entry, group)| item(entry, group, reconsidered.contains(&entry.id)))
            .chain(made.iter().zip(&logs).zip(&names).map(|((rotation, group), name)| Item {
                group,
                name,
                at: rotation.name.at(),
                bytes: 0,
                removable: Removable::No("this run makes it"),
            }))
            .collect();
        let room = free_space(world, entries);
        let verdicts = retention::decide(&items, &set.keep, set.zone, world.now, room.as_ref());
        fates.extend(entries.iter().zip(verdicts).map(|(entry, verdict)| Removal { id: entry.id, fate: fate(verdict) }));
    }
    fates
}

fn item<'a>(entry: &'a Entry, group: &'a str, reconsidered: bool) -> Item<'a> {
    let removable = match &entry.stage {
        _ if entry.inherited.is_some() => Removable::No("another machine made it"),
        Stage::Stored => Removable::Yes,
        Stage::Removing if reconsidered => Removable::Yes,
        _ => Removable::No("not archived yet"),
    };
    Item { group, name: &entry.name, at: entry.at, bytes: entry.stored(), removable }
}

fn fate(verdict: Verdict) -> Fate {
    match verdict {
        Verdict::Keep(reasons) => Fate::Keep(reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        Verdict::Remove(reason) => Fate::Remove(reason.to_string()),
    }
}

/// The file system that most of the set's archives are on; None when it could not be asked, and then
/// nothing goes for want of space.
fn free_space(world: &World, entries: &[&Entry]) -> Option<FreeSpace> {
    let folder = entries.first()?.archive_folder();
    let fact = world.folders.iter().find(|fact| fact.path.as_os_str() == folder)?;
    let (_, (total, free)): &(Stat, (u64, u64)) = fact.state.as_ref().ok()?;
    Some(FreeSpace { total: *total, free: *free })
}
