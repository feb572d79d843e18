//! Archives that were made of a file which is to be archived anew. One may be replaced only while the file still begins with
//! all that it holds, or when it is damaged itself; else it is the only place where that text is, and both stay.

use std::path::Path;

use super::{Carry, in_place, in_place::End};
use crate::{
    failure::{Exit, Result},
    files::{
        archive_name::ArchiveName,
        compress::{self, Compression, Stretch, Text},
        dir::{Dir, stat_open},
    },
    report::{Finding, Outcome, Severity, Step},
    tools::logs::{
        ledger::{Archive, Entry, Line, Stage},
        rotate::hand::{Released, Version, hold},
    },
};

const WHY: &str = "somebody emptied it after it was archived, and it was written anew";

/// The archive `name`, when it holds what its file does not hold any more. None when it may be replaced.
pub(super) fn only_copy(entry: &Entry, name: &str) -> Result<Option<Archive>> {
    let Some(extension) = ArchiveName::parse(name).map(|name| name.extension()) else { return Ok(None) };
    let (how, home) = (Compression::of(extension), Dir::open(Path::new(entry.archive_folder()))?);
    let open = home.read(name)?;
    let facts = match entry.archive.as_ref().filter(|archive| archive.file == name) {
        Some(recorded) => Some(recorded.facts.clone()),
        None => compress::read_trailer(&open)?.map(|(_, facts)| facts),
    };
    let Some(facts) = facts else { return Ok(None) };
    let source = if entry.cut.is_some() { &entry.log } else { &entry.name };
    let source = Dir::open(Path::new(&entry.folder))?.read(source)?;
    let stretch = entry.stretch().unwrap_or(Stretch { from: 0, to: facts.size });
    // What its writer compressed has no beginning that says anything.
    if entry.packed().is_none() && stat_open(&source)?.size >= stretch.to {
        let held = agrees(compress::prove(&open, Text::of(&source, Some(stretch)), how, &facts))?;
        if held.is_some() {
            return Ok(None);
        }
    }
    let whole = agrees(compress::examine(&open, how, &|_| ()))?.is_some_and(|found| found.sha256 == facts.sha256);
    Ok(whole.then(|| Archive { file: name.to_owned(), facts }))
}

/// None when what was compared is not alike, or is damaged.
fn agrees<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.exit == Exit::PersonNeeded => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Both stay: the archive is recorded, and what the file holds now is another one's. The line that ends the entry, if it ends.
pub(super) fn keep_both(carry: &mut Carry, entry: &Entry, archive: Archive) -> std::result::Result<Option<Line>, End> {
    let entry = Entry { archive: Some(archive.clone()), stage: Stage::Archived, ..entry.clone() };
    carry.ledger.commit(vec![Line::Archived { id: entry.id, archive }]).map_err(End::Ledger)?;
    if entry.cut.is_some() {
        return in_place::doubt(carry, &entry, WHY).map(|()| None).map_err(End::Ledger);
    }
    let stat = Dir::open(Path::new(&entry.folder))?.stat(&entry.name)?;
    let Some(stat) = stat else { return Ok(Some(Line::reached(&entry, Stage::Stored))) };
    // Its writer has it under a name of his own: there it is met as one that changed, and collected anew.
    if entry.taken.is_some() && stat.links > 1 {
        let hand = carry.hands.for_entry(&entry)?;
        return Ok(match hand.release(&entry.name, stat.id, hold(&entry), Version::of(&stat, hold(&entry)))? {
            Released::Gone => {
                carry.step(Step::new("release", entry.rotated_path(), Outcome::Done, WHY));
                Some(Line::reached(&entry, Stage::Stored))
            }
            Released::Changed(why) => {
                carry.unfinished.insert(entry.log_path());
                carry.step(Step::new("release", entry.rotated_path(), Outcome::Waiting, format!("{WHY}; {why}")));
                None
            }
        });
    }
    let message = format!("{WHY}: {} stays, and what it holds now stays beside it, in no archive", entry.path());
    let finding = Finding::new("logs.both-stay", Severity::Warning, entry.rotated_path(), message);
    let hint = "compress it by hand or remove it; and find out who empties files that are rotated";
    carry.report.findings.push(finding.hint(hint));
    Ok(Some(Line::reached(&entry, Stage::Stored)))
}
