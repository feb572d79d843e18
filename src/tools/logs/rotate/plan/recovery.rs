//! What to do about rotations that an earlier run began and did not end: killed, cut off, or waiting for
//! a writer. Decides from the ledger and from what stands on the disk; in doubt everything stays.

use std::collections::HashSet;

use crate::{
    failure::Failure,
    files::{
        archive_name::ArchiveName,
        cut::Found,
        dir::{FileId, Stat},
    },
    tools::logs::{
        ledger::{Content, Entry, EntryId, Stage},
        rotate::{
            Rotate,
            facts::{Away, Beside, PendingFact, Seen, Whose, World},
        },
    },
};

/// One entry of the ledger and what comes next for it.
#[derive(Debug)]
pub struct Recovery {
    /// The entry.
    pub id: EntryId,
    /// What comes next.
    pub next: Next,
    /// What cut-off compressions left beside the archives: worth nothing.
    pub leftovers: Vec<Leftover>,
    /// The file that has the name of the archive to be made, and why it is not ours to remove.
    pub in_the_way: Option<Beside>,
}

/// What a compression left that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Its name.
    pub name: String,
    /// Whether it may go only when it gives back what the rotated file has: nothing else says that it is ours.
    pub by_content: bool,
}

/// How a begun rotation goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It never happened: forget it, and remove the empty file that was made for it.
    Abandon {
        /// The empty file is there.
        made: bool,
    },
    /// The old log waits to be archived.
    Archive {
        /// The file.
        file: FileId,
        /// The writer must (again) be told first.
        tell: bool,
    },
    /// The archive is proven; the uncompressed file may go.
    Release {
        /// The file.
        file: FileId,
    },
    /// The archive is proven; what it holds may go from the beginning of the log, unless it is gone already.
    Cut,
    /// The archive is proven, and whether the log still begins with what it holds cannot be told: both stay.
    Doubt(String),
    /// The archive is proven and the uncompressed file is gone: only the record is missing.
    Settle,
    /// Its removal was decided and did not happen: the rules decide anew.
    Reconsider,
    /// It was removed: only the record is missing.
    Forget,
    /// The rotated file is gone, and it was not us.
    Lost,
    /// Another file stands under the rotated name: nothing is touched.
    Foreign,
    /// A copied machine's entry whose files are not here: kept in the ledger, nothing to do.
    Inherited,
    /// We cannot look.
    Blind(Failure),
}

impl Next {
    /// Whether nothing is to be done.
    pub fn is_idle(&self) -> bool {
        matches!(self, Next::Foreign | Next::Inherited | Next::Blind(_))
    }
}

/// One decision for each entry that is not in its final state.
pub(super) fn decide(rotate: &Rotate, content: &Content, world: &World) -> Vec<Recovery> {
    let finished = |beside: &Beside| !matches!(beside.whose, Whose::Part | Whose::Recorded);
    let mut met = world.pending.iter().filter_map(|fact| fact.seen.as_ref().ok()).flat_map(|seen| &seen.archives);
    // Mostly there is none, and then nobody needs to know.
    let recorded = if met.any(finished) { recorded(content) } else { HashSet::new() };
    let one = |fact: &PendingFact| {
        let entry = content.entries.get(&fact.id).filter(|entry| !rotate.others.contains(&entry.set))?;
        let (next, leftovers, in_the_way) = match &fact.seen {
            Ok(seen) => {
                let next = next(entry, fact, seen);
                let leftovers = leftovers(entry, seen, &recorded);
                let in_the_way = in_the_way(rotate, entry, &next, seen, &leftovers);
                (next, leftovers, in_the_way)
            }
            Err(failure) => (Next::Blind(failure.clone()), Vec::new(), None),
        };
        Some(Recovery { id: fact.id, next, leftovers, in_the_way })
    };
    world.pending.iter().filter_map(one).collect()
}

/// The archives that the ledger has, by folder and name.
fn recorded(content: &Content) -> HashSet<(&str, &str)> {
    let archives = content.entries.values().filter(|entry| entry.archive.is_some());
    archives.map(|entry| (entry.archive_folder(), entry.file_name())).collect()
}

/// A finished archive that was not recorded is a leftover only while the file it was made from is whole, and only
/// when it is proven to be made from it. A recorded one is when that file must be archived anew.
fn leftovers(entry: &Entry, seen: &Seen, recorded: &HashSet<(&str, &str)>) -> Vec<Leftover> {
    let whole = match &seen.live {
        Some(live) => *live == Found::There,
        None => same(seen.plain.as_ref(), entry.file),
    };
    let anew = whole && entry.stage == Stage::Told;
    let left = |beside: &Beside| {
        let free = || whole && entry.archive.is_none() && !recorded.contains(&(entry.archive_folder(), &*beside.name));
        let by_content = match &beside.whose {
            Whose::Part => false,
            Whose::Recorded if anew => false,
            Whose::Ours if free() => false,
            Whose::Silent if free() => true,
            _ => return None,
        };
        Some(Leftover { name: beside.name.clone(), by_content })
    };
    seen.archives.iter().filter_map(left).collect()
}

/// The archive that is to be made cannot get its name while a file of somebody else has it.
fn in_the_way(rotate: &Rotate, entry: &Entry, next: &Next, seen: &Seen, leftovers: &[Leftover]) -> Option<Beside> {
    if !matches!(next, Next::Archive { .. }) {
        return None;
    }
    let target = target(rotate, entry)?;
    let stays = |beside: &&Beside| beside.name == target && leftovers.iter().all(|leftover| leftover.name != target);
    seen.archives.iter().find(stays).cloned()
}

/// The name of the archive that is to be made; None when the ledger's name is none of ours.
pub fn target(rotate: &Rotate, entry: &Entry) -> Option<String> {
    Some(ArchiveName::parse(&entry.name)?.with(rotate.form(entry).extension()).to_string())
}

/// Whether a found file is the one that was meant. The file system's number does not count: it may be
/// another one after a restart of the machine, and rotated names are never used twice.
fn same(stat: Option<&Stat>, file: Option<FileId>) -> bool {
    stat.is_some_and(|stat| file.is_some_and(|file| file.ino == stat.id.ino))
}

fn next(entry: &Entry, fact: &PendingFact, seen: &Seen) -> Next {
    let known = seen.live.as_ref().is_some_and(|live| !matches!(live, Found::Unknown(_)));
    let ours = known || same(seen.plain.as_ref(), entry.file);
    if entry.inherited.is_some() && !ours && entry.stage != Stage::Stored {
        return Next::Inherited;
    }
    if let Some(failure) = hidden(entry, fact, seen) {
        return Next::Blind(failure);
    }
    if let Some(live) = &seen.live {
        return in_place(entry, live, there(entry, seen));
    }
    let pinned = entry.taken.is_some();
    match (&entry.stage, &seen.plain) {
        (Stage::Intended, None) => Next::Abandon { made: false },
        (Stage::Intended, Some(plain)) if ours && pinned => Next::Archive { file: plain.id, tell: false },
        // Only the very file that was meant gets that name from us.
        (Stage::Intended, Some(_)) if pinned => Next::Foreign,
        (Stage::Intended, Some(plain)) if ours => Next::Archive { file: plain.id, tell: true },
        (Stage::Intended, Some(plain)) if plain.size == 0 => Next::Abandon { made: true },
        // We made that name and it has content: the swap happened, was undone by a power cut, and a
        // writer already wrote. It is a log like any other.
        (Stage::Intended, Some(plain)) => Next::Archive { file: plain.id, tell: true },
        (Stage::Swapped, Some(plain)) if ours => Next::Archive { file: plain.id, tell: true },
        (Stage::Told, Some(plain)) if ours => Next::Archive { file: plain.id, tell: false },
        (Stage::Swapped | Stage::Told, None) => Next::Lost,
        (Stage::Archived, _) if entry.file_name() == entry.name && entry.archives.is_none() => Next::Settle,
        (Stage::Archived, Some(plain)) if ours && there(entry, seen) => Next::Release { file: plain.id },
        // Somebody took the archive away before the file that it was made from was removed.
        (Stage::Archived, Some(plain)) if ours => Next::Archive { file: plain.id, tell: false },
        (Stage::Swapped | Stage::Told | Stage::Archived, Some(_)) => Next::Foreign,
        (Stage::Removing, plain) => {
            if there(entry, seen) || (entry.file_name() == entry.name && plain.is_some()) {
                Next::Reconsider
            } else {
                Next::Forget
            }
        }
        (Stage::Archived, None) | (Stage::Stored, _) => Next::Settle,
    }
}

/// A log that is rotated in place: `archive` says whether its archive is there.
fn in_place(entry: &Entry, live: &Found, archive: bool) -> Next {
    match (entry.stage, live) {
        (Stage::Intended, _) => Next::Abandon { made: false },
        (Stage::Removing, _) if archive => Next::Reconsider,
        (Stage::Removing, _) => Next::Forget,
        (Stage::Stored, _) => Next::Settle,
        // Somebody took the archive away; its lines are still in the log.
        (_, Found::There) if !archive => Next::Abandon { made: false },
        (_, _) if !archive => Next::Lost,
        (_, Found::Unknown(why)) => Next::Doubt(why.clone()),
        (_, Found::There | Found::Gone | Found::Halfway(_)) => Next::Cut,
    }
}

fn there(entry: &Entry, seen: &Seen) -> bool {
    seen.archives.iter().any(|beside| beside.whose == Whose::Recorded && beside.name == entry.file_name())
}

/// Why what is not there may still exist: the folder is on another volume than when it was recorded.
fn hidden(entry: &Entry, fact: &PendingFact, seen: &Seen) -> Option<Failure> {
    let elsewhere = entry.archives.is_some();
    let removing = entry.stage == Stage::Removing;
    let plain = (!(removing && elsewhere))
        .then(|| (&fact.away, seen.plain.is_some() || (removing && there(entry, seen)), entry.rotated_path()));
    let archive = (elsewhere && matches!(entry.stage, Stage::Archived | Stage::Removing))
        .then(|| (&fact.archive_away, there(entry, seen), entry.path()));
    let missing = plain.into_iter().chain(archive).find_map(|(away, there, path)| match away {
        Some(Away::OtherVolume { was, now }) if !there => Some((was, now, path)),
        _ => None,
    });
    let (was, now, path) = missing?;
    let why = Away::moved(was, now);
    Some(Failure::new("find", path).because(why).hint(format!("mount {was} as it was; nothing is forgotten meanwhile")))
}
