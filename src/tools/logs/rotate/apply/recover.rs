//! Ends what earlier runs began, before anything new begins.

use std::{fs::File, path::Path};

use super::{
    Carry, archive,
    in_place::{self, End, Ended},
    replaced,
};
use crate::{
    failure::{Exit, Result},
    files::{
        archive_name::{ArchiveName, Extension},
        compress::{self, Compression, Stretch, Text},
        cut::{self, Found},
        dir::{Dir, FileId, stat_open},
    },
    report::{Finding, Outcome, Severity, Step},
    tools::logs::{
        containers::labels,
        ledger::{Archive, Entry, Line, Stage},
        rotate::{
            facts::{Away, absent},
            hand::{Released, Version, hold},
            plan::{Astray, Next, Plan, Recovery, target},
            show,
        },
    },
};

/// Takes archives into the ledger that are ours: the state was lost, or it is a copied disk.
pub(super) fn adopt(carry: &mut Carry, plan: &Plan) -> Result<()> {
    let mut lines = Vec::new();
    for found in &plan.adoptions {
        let (folder, home) = (&plan.world.folders[found.log_folder], &plan.world.folders[found.folder]);
        let elsewhere = (folder.path != home.path).then_some(home);
        let entry = Entry {
            id: carry.ledger.next_id(),
            // Never what the archive says: set and paths are ours. Nothing is decided by labels.
            set: carry.rotate.sets[found.set].name.clone(),
            folder: folder.path.display().to_string(),
            log: found.name.log().to_owned(),
            archives: elsewhere.map(|home| home.path.display().to_string()),
            name: found.name.clone().with(Extension::Plain).to_string(),
            at: found.label.rotated_at,
            begun: found.label.begun_at,
            file: None,
            cut: None,
            piece: false,
            taken: None,
            volumes: folder.volumes(elsewhere),
            inherited: (found.label.host != carry.rotate.host).then(|| found.label.host.clone()),
            labels: labels::limited(&found.label.labels),
            stage: Stage::Stored,
            archive: Some(Archive { file: found.name.to_string(), facts: found.facts.clone() }),
            company: None,
            shipped: None,
        };
        let why = "it says it is ours, and the ledger did not know it";
        carry.step(Step::new("adopt", found.path.display().to_string(), Outcome::Done, why));
        lines.push(Line::Entry(entry));
    }
    carry.ledger.commit(lines)
}

/// Goes through the begun rotations. What is about to be told as lost is forgotten later (`pin::note_told`).
pub(super) fn finish(carry: &mut Carry, plan: &Plan) -> Result<()> {
    let mut lines = Vec::new();
    for recovery in &plan.recoveries {
        let Some(entry) = carry.ledger.content().entries.get(&recovery.id).cloned() else { continue };
        let cleared = clear(carry, &entry, recovery).map_err(End::Log);
        let ended = cleared.and_then(|only_copy| match only_copy {
            Some(archive) => replaced::keep_both(carry, &entry, archive),
            None => one(carry, &entry, &recovery.next),
        });
        match ended {
            Ok(more) => lines.extend(more.filter(|_| !plan.watch.untold.contains(&recovery.id))),
            Err(End::Ledger(failure)) => return Err(failure),
            Err(End::Log(failure)) => {
                carry.unfinished.insert(entry.log_path());
                carry.failed("recover", entry.log_path(), &failure);
            }
        }
    }
    carry.note(lines)
}

/// Forgets the archives of folders that somebody removed. The report says so already; one that is back stays.
pub(super) fn forget(carry: &mut Carry, astray: &[Astray]) -> Result<()> {
    let removed = |astray: &&Astray| astray.away == Away::Removed && absent(Path::new(&astray.folder));
    let removed = astray.iter().filter(removed).flat_map(|astray| &astray.entries);
    let entries = &carry.ledger.content().entries;
    let lines = removed.filter_map(|id| entries.get(id)).map(|entry| Line::gone(entry, "somebody removed its folder")).collect();
    carry.note(lines)
}

/// Removes what a cut-off compression left. What is not proven to be that stays, and if it has the name of the
/// archive to be made, the rotation waits for a person; its writer is told all the same. Gives back the one that must stay
/// because it holds what nothing else does.
fn clear(carry: &mut Carry, entry: &Entry, recovery: &Recovery) -> Result<Option<Archive>> {
    if recovery.in_the_way.is_some() {
        carry.block(entry);
    }
    if entry.inherited.is_some() {
        return Ok(None);
    }
    for leftover in &recovery.leftovers {
        if !leftover.by_content || gives_back(entry, &leftover.name)? {
            let only_copy = if leftover.by_content { None } else { replaced::only_copy(entry, &leftover.name)? };
            if only_copy.is_some() {
                return Ok(only_copy);
            }
            carry.hand_for_archive(entry)?.remove_archive(&leftover.name)?;
        } else if target(carry.rotate, entry).as_ref() == Some(&leftover.name) {
            carry.step(show::blocked(entry, &leftover.name, "it is not what the rotated file holds"));
            carry.block(entry);
        }
    }
    Ok(None)
}

/// Does what comes next for one entry; the line that tells it, if there is something to tell.
fn one(carry: &mut Carry, entry: &Entry, next: &Next) -> Ended<Option<Line>> {
    Ok(match next {
        Next::Abandon { made: true } if !discarded(carry, entry)? => None,
        Next::Abandon { .. } => Some(Line::gone(entry, "the rotation never happened")),
        Next::Archive { file, tell } => {
            let stage = if *tell { Stage::Swapped } else { Stage::Told };
            carry.waiting.push(entry.id);
            // The file may be another one than was intended; from here on it is this one. An archive of it that is
            // not what it holds now was cleared away.
            Some(Line::Entry(Entry { file: Some(*file), stage, archive: None, ..entry.clone() }))
        }
        Next::Release { file } => release(carry, entry, *file)?,
        Next::Cut => {
            cut(carry, entry)?;
            None
        }
        Next::Doubt(why) => {
            in_place::doubt(carry, entry, why).map_err(End::Ledger)?;
            None
        }
        Next::Settle | Next::Reconsider => Some(Line::reached(entry, Stage::Stored)),
        Next::Forget => Some(Line::gone(entry, "it was removed")),
        Next::Lost => {
            let (what, message) = match &entry.cut {
                Some(_) => (
                    entry.path(),
                    "the archive is gone or damaged before its record was complete, and what it held may have left its log; ops-logs did not do that",
                ),
                None => (
                    entry.rotated_path(),
                    "it was rotated and waited to be archived, and now it is gone; ops-logs did not remove it",
                ),
            };
            let lost = Finding::new("logs.lost", Severity::Danger, what, message);
            carry.report.findings.push(lost.hint("find out who removes files in that folder"));
            Some(Line::gone(entry, message))
        }
        // The report says so already, in the words of the plan.
        Next::Foreign | Next::Blind(_) => {
            carry.unfinished.insert(entry.log_path());
            None
        }
        Next::Inherited => None,
    })
}

/// Takes away what an earlier run archived and recorded. It is proven once more while it is there.
fn cut(carry: &mut Carry, entry: &Entry) -> Ended<()> {
    let Some(file) = in_place::live(entry)? else {
        return in_place::doubt(carry, entry, "another file is the log now").map_err(End::Ledger);
    };
    let path = entry.log_path();
    let only_this = carry.unfinished.insert(path.clone());
    if !in_place::is_appended(carry, entry, file) {
        return Ok(());
    }
    let source = Dir::open(Path::new(&entry.folder))?.read(&entry.log)?;
    let there = entry.cut.as_ref().map(|cut| cut::found(&source, cut)).transpose()? == Some(Found::There);
    if there && !holds(entry, &source)? {
        return in_place::doubt(carry, entry, "it and its archive do not agree any more").map_err(End::Ledger);
    }
    let gone = in_place::take_away(carry, entry, file)?;
    // Another rotation of that log may not have come to its end.
    if only_this {
        carry.unfinished.remove(&path);
    }
    if let Some(gone) = gone {
        carry.tally.finished += 1;
        carry.step(gone.step(path, "an earlier run archived and proved it"));
    }
    Ok(())
}

/// Whether the recorded archive gives back what stands at the beginning of the log.
pub(super) fn holds(entry: &Entry, live: &File) -> Result<bool> {
    let (Some(recorded), Some(name)) = (&entry.archive, ArchiveName::parse(entry.file_name())) else { return Ok(false) };
    let archive = Dir::open(Path::new(entry.archive_folder()))?.read(&recorded.file)?;
    let text = Text::of(live, entry.stretch());
    match compress::prove(&archive, text, Compression::of(name.extension()), &recorded.facts) {
        Ok(()) => Ok(true),
        Err(failure) if failure.exit == Exit::PersonNeeded => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Whether the empty file of a rotation that never happened is gone.
fn discarded(carry: &mut Carry, entry: &Entry) -> Result<bool> {
    carry.hands.for_entry(entry)?.discard_empty(&entry.name)?;
    let gone = Dir::open(Path::new(&entry.folder))?.stat(&entry.name)?.is_none();
    // A writer that opened it while it was the live log keeps it; then it may yet become one.
    if !gone {
        let why = "it was made for a rotation that did not happen, and somebody has it open; a later run removes it";
        carry.unfinished.insert(entry.log_path());
        carry.step(Step::new("discard", entry.rotated_path(), Outcome::Waiting, why));
    }
    Ok(gone)
}

/// Removes the rotated file of an archive that an earlier run proved and recorded.
fn release(carry: &mut Carry, entry: &Entry, file: FileId) -> Ended<Option<Line>> {
    let released = match as_archived(entry)? {
        Some(version) => carry.hands.for_entry(entry)?.release(&entry.name, file, hold(entry), version)?,
        None => Released::Changed("it and its archive do not agree any more".to_owned()),
    };
    match released {
        Released::Gone => {
            let why = "an earlier run archived and proved it";
            carry.tally.finished += 1;
            carry.step(Step::new("release", entry.rotated_path(), Outcome::Done, why));
            Ok(Some(Line::reached(entry, Stage::Stored)))
        }
        Released::Changed(why) => archive::anew(carry, entry, &why).map(|()| None).map_err(End::Ledger),
    }
}

/// Whether the archive `name` holds exactly what the rotated file holds, which is there and whole.
fn gives_back(entry: &Entry, name: &str) -> Result<bool> {
    let stretch = entry.stretch();
    let source = if stretch.is_some() { &entry.log } else { &entry.name };
    let source = Dir::open(Path::new(&entry.folder))?.read(source)?;
    let archive = Dir::open(Path::new(entry.archive_folder()))?.read(name)?;
    let (size, stored) = (stretch.map_or(stat_open(&source)?.size, Stretch::length), stat_open(&archive)?.size);
    if (name == entry.name && stretch.is_none()) || entry.packed().is_some() {
        return Ok(size == stored && content(&source)? == content(&archive)?);
    }
    // It stops at the first byte that differs: a stranger's file may unpack without end.
    let (sha256, encoder) = (String::new(), String::new());
    let facts = compress::Facts { sha256, size, lines: 0, stored, encoder, times: None };
    let how = if name == entry.name { Compression::None } else { Compression::Gzip { level: 0 } };
    Ok(compress::prove(&archive, Text::of(&source, stretch), how, &facts).is_ok())
}

/// The rotated file as it is, when its archive still gives back exactly that: an earlier run proved it, and since then
/// anybody may have changed either.
fn as_archived(entry: &Entry) -> Result<Option<Version>> {
    let source = Dir::open(Path::new(&entry.folder))?.read(&entry.name)?;
    let stat = stat_open(&source)?;
    if let (Some(_), Some(recorded)) = (entry.packed(), &entry.archive) {
        let archive = Dir::open(Path::new(entry.archive_folder()))?.read(&recorded.file)?;
        let same = content(&archive)? == content(&source)?;
        return Ok((same && recorded.facts.stored == stat.size).then(|| Version::of(&stat, hold(entry))));
    }
    let recorded = entry.archive.as_ref().filter(|archive| archive.facts.size == stat.size);
    let (Some(recorded), Some(name)) = (recorded, ArchiveName::parse(entry.file_name())) else { return Ok(None) };
    let archive = Dir::open(Path::new(entry.archive_folder()))?.read(&recorded.file)?;
    match compress::prove(&archive, &source, Compression::of(name.extension()), &recorded.facts) {
        Ok(()) => Ok(Some(Version::of(&stat, hold(entry)))),
        Err(failure) if failure.exit == Exit::PersonNeeded => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The checksum of a file as it is.
fn content(file: &File) -> Result<String> {
    Ok(compress::examine(file, Compression::None, &|_| ())?.sha256)
}
