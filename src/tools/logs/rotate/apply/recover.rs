//! Ends what earlier runs began, before anything new begins.

use std::{fs::File, path::Path};

use super::{Carry, archive};
use crate::{
    failure::Result,
    files::{
        archive_name::Extension,
        compress::{self, Compression},
        dir::{Dir, stat_open},
    },
    report::{Finding, Outcome, Severity, Step},
    tools::logs::{
        ledger::{Archive, Entry, Line, Stage},
        rotate::{
            facts::Away,
            hand::{Released, Version},
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
            // Never what the archive says: set and paths are ours.
            set: carry.rotate.sets[found.set].name.clone(),
            folder: folder.path.display().to_string(),
            log: found.name.log().to_owned(),
            archives: elsewhere.map(|home| home.path.display().to_string()),
            name: found.name.clone().with(Extension::Plain).to_string(),
            at: found.label.rotated_at,
            begun: found.label.begun_at,
            file: None,
            volumes: folder.volumes(elsewhere),
            inherited: (found.label.host != carry.rotate.host).then(|| found.label.host.clone()),
            stage: Stage::Stored,
            archive: Some(Archive { file: found.name.to_string(), facts: found.facts.clone() }),
        };
        let why = "it says it is ours, and the ledger did not know it";
        carry.step(Step::new("adopt", found.path.display().to_string(), Outcome::Done, why));
        lines.push(Line::Entry(entry));
    }
    carry.ledger.commit(lines)
}

/// Goes through the begun rotations.
pub(super) fn finish(carry: &mut Carry, recoveries: &[Recovery]) -> Result<()> {
    let mut lines = Vec::new();
    for recovery in recoveries {
        let Some(entry) = carry.ledger.content().entries.get(&recovery.id).cloned() else { continue };
        let cleared = clear(carry, &entry, recovery);
        match cleared.and_then(|()| one(carry, &entry, &recovery.next)) {
            Ok(more) => lines.extend(more),
            Err(failure) => {
                carry.unfinished.insert(entry.log_path());
                carry.failed("recover", entry.log_path(), &failure);
            }
        }
    }
    carry.note(lines)
}

/// Forgets the archives of folders that somebody removed. The report says so already.
pub(super) fn forget(carry: &mut Carry, astray: &[Astray]) -> Result<()> {
    let removed = astray.iter().filter(|astray| astray.away == Away::Removed).flat_map(|astray| &astray.entries);
    let entries = &carry.ledger.content().entries;
    let lines = removed.filter_map(|id| entries.get(id)).map(|entry| Line::gone(entry, "somebody removed its folder")).collect();
    carry.note(lines)
}

/// Removes what a cut-off compression left. What is not proven to be that stays, and if it has the name of the
/// archive to be made, the rotation waits for a person; its writer is told all the same.
fn clear(carry: &mut Carry, entry: &Entry, recovery: &Recovery) -> Result<()> {
    if recovery.in_the_way.is_some() {
        carry.block(entry);
    }
    if entry.inherited.is_some() {
        return Ok(());
    }
    for leftover in &recovery.leftovers {
        if !leftover.by_content || gives_back(entry, &leftover.name)? {
            carry.hand_for_archive(entry)?.remove_archive(&leftover.name)?;
        } else if target(carry.rotate, entry).as_ref() == Some(&leftover.name) {
            carry.step(show::blocked(entry, &leftover.name, "it is not what the rotated file holds"));
            carry.block(entry);
        }
    }
    Ok(())
}

/// Whether the archive `name` holds exactly what the rotated file holds, which is there and whole.
fn gives_back(entry: &Entry, name: &str) -> Result<bool> {
    let source = Dir::open(Path::new(&entry.folder))?.read(&entry.name)?;
    let archive = Dir::open(Path::new(entry.archive_folder()))?.read(name)?;
    let (size, stored) = (stat_open(&source)?.size, stat_open(&archive)?.size);
    if name == entry.name {
        let content = |file: &File| compress::examine(file, Compression::None, &|_| ()).map(|examined| examined.sha256);
        return Ok(size == stored && content(&source)? == content(&archive)?);
    }
    // It stops at the first byte that differs: a stranger's file may unpack without end.
    let (sha256, encoder) = (String::new(), String::new());
    let facts = compress::Facts { sha256, size, lines: 0, stored, encoder, times: None };
    Ok(compress::prove(&archive, &source, Compression::Gzip { level: 0 }, &facts).is_ok())
}

/// The rotated file as it is, when it still holds what an earlier run archived. The ledger knows no times of it, so
/// only its content can tell.
fn as_archived(entry: &Entry) -> Result<Option<Version>> {
    let file = Dir::open(Path::new(&entry.folder))?.read(&entry.name)?;
    let stat = stat_open(&file)?;
    let Some(facts) = entry.archive.as_ref().map(|archive| &archive.facts).filter(|facts| facts.size == stat.size) else {
        return Ok(None);
    };
    let same = compress::examine(&file, Compression::None, &|_| ())?.sha256 == facts.sha256;
    Ok(same.then(|| Version::of(&stat)))
}

fn one(carry: &mut Carry, entry: &Entry, next: &Next) -> Result<Vec<Line>> {
    let path = entry.log_path();
    let rotated = entry.rotated_path();
    match next {
        Next::Abandon { made } => {
            if *made {
                carry.hands.for_entry(entry)?.discard_empty(&entry.name)?;
                // A writer that opened it while it was the live log keeps it; then it may yet become one.
                if Dir::open(Path::new(&entry.folder))?.stat(&entry.name)?.is_some() {
                    let why = "it was made for a rotation that did not happen, and somebody has it open; a later run removes it";
                    carry.unfinished.insert(path);
                    carry.step(Step::new("discard", rotated, Outcome::Waiting, why));
                    return Ok(Vec::new());
                }
            }
            Ok(vec![Line::gone(entry, "the rotation never happened")])
        }
        Next::Archive { file, tell } => {
            let stage = if *tell { Stage::Swapped } else { Stage::Told };
            carry.waiting.push(entry.id);
            // The file may be another one than was intended; from here on it is this one. An archive of it that is
            // not what it holds now was cleared away.
            Ok(vec![Line::Entry(Entry { file: Some(*file), stage, archive: None, ..entry.clone() })])
        }
        Next::Release { file } => {
            let released = match as_archived(entry)? {
                Some(version) => carry.hands.for_entry(entry)?.release(&entry.name, *file, version)?,
                None => Released::Changed("it is not what was archived".to_owned()),
            };
            match released {
                Released::Gone => {
                    carry.step(Step::new("release", rotated, Outcome::Done, "an earlier run archived and proved it"));
                    Ok(vec![Line::reached(entry, Stage::Stored)])
                }
                Released::Changed(why) => archive::anew(carry, entry, &why).map(|()| Vec::new()),
            }
        }
        Next::Settle | Next::Reconsider => Ok(vec![Line::reached(entry, Stage::Stored)]),
        Next::Forget => Ok(vec![Line::gone(entry, "it was removed")]),
        Next::Lost => {
            let message = "it was rotated and waited to be archived, and now it is gone; ops-logs did not remove it";
            carry.report.findings.push(
                Finding::new("logs.lost", Severity::Danger, rotated, message).hint("find out who removes files in that folder"),
            );
            Ok(vec![Line::gone(entry, message)])
        }
        // The report says so already, in the words of the plan.
        Next::Foreign | Next::Blind(_) => {
            carry.unfinished.insert(path);
            Ok(Vec::new())
        }
        Next::Inherited => Ok(Vec::new()),
    }
}
