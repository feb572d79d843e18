//! What to do about rotations that an earlier run began and did not end: killed, cut off, or waiting for
//! a writer. Decides from the ledger and from what stands on the disk; in doubt everything stays.

use crate::{
    failure::Failure,
    files::{archive_name::ArchiveName, dir::FileId},
    tools::logs::{
        ledger::{Content, Entry, EntryId, Stage},
        rotate::{
            Rotate,
            facts::{Seen, World, same},
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
    pub leftovers: Vec<String>,
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
    let next = |fact: &crate::tools::logs::rotate::facts::PendingFact| {
        let entry = content.entries.get(&fact.id).filter(|entry| !rotate.others.contains(&entry.set))?;
        Some(match &fact.seen {
            Ok(seen) => Recovery { id: fact.id, next: next(entry, seen), leftovers: leftovers(entry, seen) },
            Err(failure) => Recovery { id: fact.id, next: Next::Blind(failure.clone()), leftovers: Vec::new() },
        })
    };
    world.pending.iter().filter_map(next).collect()
}

/// A finished archive that was not recorded is a leftover only while the file it was made from is whole.
fn leftovers(entry: &Entry, seen: &Seen) -> Vec<String> {
    let recorded = entry.archive.as_ref().map(|archive| archive.file.as_str());
    let whole = recorded.is_none() && same(seen.plain.as_ref(), entry.file);
    let left = |name: &&String| Some(name.as_str()) != recorded && (whole || ArchiveName::is_part(name));
    seen.archives.iter().filter(left).cloned().collect()
}

fn next(entry: &Entry, seen: &Seen) -> Next {
    let ours = same(seen.plain.as_ref(), entry.file);
    if entry.inherited.is_some() && !ours && entry.stage != Stage::Stored {
        return Next::Inherited;
    }
    match (&entry.stage, &seen.plain) {
        (Stage::Intended, None) => Next::Abandon { made: false },
        (Stage::Intended, Some(plain)) if ours => Next::Archive { file: plain.id, tell: true },
        (Stage::Intended, Some(plain)) if plain.size == 0 => Next::Abandon { made: true },
        // We made that name and it has content: the swap happened, was undone by a power cut, and a
        // writer already wrote. It is a log like any other.
        (Stage::Intended, Some(plain)) => Next::Archive { file: plain.id, tell: true },
        (Stage::Swapped, Some(plain)) if ours => Next::Archive { file: plain.id, tell: true },
        (Stage::Told, Some(plain)) if ours => Next::Archive { file: plain.id, tell: false },
        (Stage::Swapped | Stage::Told, None) => Next::Lost,
        (Stage::Archived, _) if entry.file_name() == entry.name && entry.archives.is_none() => Next::Settle,
        (Stage::Archived, Some(plain)) if ours => Next::Release { file: plain.id },
        (Stage::Swapped | Stage::Told | Stage::Archived, Some(_)) => Next::Foreign,
        (Stage::Removing, plain) => {
            let there = seen.archives.iter().any(|name| name == entry.file_name())
                || (entry.file_name() == entry.name && plain.is_some());
            if there { Next::Reconsider } else { Next::Forget }
        }
        (Stage::Archived, None) | (Stage::Stored, _) => Next::Settle,
    }
}
