//! Rotates logs in place, one after the other, the smallest first. For each: what will go is written down, it is archived
//! and proven as ever, its archive is recorded, and only then its lines leave the log, in one step, while its writer goes
//! on appending.
//!
//! Once for each log, because a reader that follows it may read all that is left anew each time. Only where there is no
//! room for the whole archive it is done piece by piece, each with an archive of its own, and each frees room for the next.

mod look;
mod pieces;
mod trial;

use std::path::Path;

pub(super) use self::look::Look;
use self::{look::Log, pieces::Pieces};
use super::{Carry, archive, recover};
use crate::{
    failure::{Failure, Result},
    files::{
        archive_name::{ArchiveName, Extension},
        compress::{Facts, Progress},
        cut::{Head, Place},
        dir::{Dir, FileId},
    },
    report::{Finding, Outcome, Severity, Step},
    tools::logs::{
        ledger::{Archive, Entry, Line, Stage},
        rotate::{
            facts::only_appended,
            plan::{Next, Plan, Rest, Rotation},
            show,
        },
        settings::Method,
    },
};

/// What ends the work on one log.
pub(super) enum End {
    /// Its own trouble.
    Log(Failure),
    /// The ledger cannot be written: nothing may be changed any more.
    Ledger(Failure),
}

/// What may end with more than its own log.
pub(super) type Ended<T> = std::result::Result<T, End>;

impl From<Failure> for End {
    fn from(failure: Failure) -> End {
        End::Log(failure)
    }
}

/// What came of one piece.
enum Piece {
    /// It is archived and gone from the log.
    Gone(Facts, Gone),
    /// There is nothing more of it.
    Nothing,
    /// Its archive found no room.
    NoRoom(Failure),
    /// It stays where it is; that was told.
    Stays,
}

/// What is left of a log whose head is gone.
pub(super) struct Gone {
    /// So many bytes went.
    removed: u64,
    head: Head,
}

/// Tells the look at all processes which logs it will be asked for: what earlier runs left, and what the plan says.
pub(super) fn expect(carry: &mut Carry, plan: &Plan) {
    let entries = &carry.ledger.content().entries;
    let begun = plan.recoveries.iter().filter(|recovery| matches!(recovery.next, Next::Cut));
    // One that cannot be looked at is asked for again, and tells why.
    let begun = begun.filter_map(|recovery| {
        let entry = entries.get(&recovery.id)?;
        Some(Log { file: live(entry).ok()??, folder: Path::new(&entry.folder).to_owned(), name: entry.log.clone() })
    });
    let due = plan.rotations.iter().filter(|rotation| rotation.method == Method::InPlace);
    let logs = begun.chain(due.map(|rotation| Log::of(&rotation.bound))).collect();
    carry.look.expect(logs);
}

/// Rotates what the plan says.
pub(super) fn rotate(carry: &mut Carry, plan: &Plan) -> Result<()> {
    let mut due: Vec<&Rotation> = plan.rotations.iter().filter(|rotation| rotation.method == Method::InPlace).collect();
    due.sort_by_key(|rotation| rotation.size);
    let bar = carry.run.progress.bytes("rotating in place", due.iter().map(|rotation| rotation.size).sum());
    for rotation in due {
        // What an earlier run began and this one could not end must come to its end first.
        let begun = !carry.unfinished.insert(rotation.bound.log_path());
        if begun || carry.run.shutdown.asked() {
            continue;
        }
        match log(carry, rotation, &|bytes| bar.advance(bytes)) {
            Ok(true) => drop(carry.unfinished.remove(&rotation.bound.log_path())),
            Ok(false) => {}
            Err(End::Log(failure)) => carry.failed("rotate", rotation.bound.log_path(), &failure),
            Err(End::Ledger(failure)) => return Err(failure),
        }
    }
    Ok(())
}

/// One log, in as few pieces as there is room for; whether all of it came through that was planned.
fn log(carry: &mut Carry, rotation: &Rotation, progress: Progress) -> Ended<bool> {
    let mut pieces = Pieces::of(carry, rotation);
    let whole = one_by_one(carry, rotation, &mut pieces, progress);
    // Also when a later piece failed: what is gone is gone.
    pieces.tell(carry, rotation);
    whole
}

fn one_by_one(carry: &mut Carry, rotation: &Rotation, pieces: &mut Pieces, progress: Progress) -> Ended<bool> {
    let mut name = rotation.bound.name.clone();
    loop {
        if let Some(failure) = pieces.hopeless() {
            carry.failed("archive", rotation.bound.log_path(), &failure);
            return Ok(false);
        }
        match piece(carry, rotation, &name, pieces, progress)? {
            Piece::Gone(facts, gone) => {
                if !pieces.more(&facts, gone) {
                    return Ok(true);
                }
                if carry.run.shutdown.asked() {
                    return Ok(false);
                }
                name = ArchiveName::after(&rotation.bound.log, rotation.bound.at, Some(name.stamp()))?;
            }
            Piece::NoRoom(_) if pieces.smaller() => {}
            Piece::NoRoom(failure) => {
                carry.failed("archive", rotation.bound.log_path(), &pieces.too_large(failure));
                return Ok(false);
            }
            Piece::Nothing => {
                if pieces.is_first() {
                    carry.step(Step::new("rotate", rotation.bound.log_path(), Outcome::Kept, Rest::TooLittle.to_string()));
                }
                // Keep-rules took it for one more archive.
                return Ok(!pieces.is_first());
            }
            Piece::Stays => return Ok(false),
        }
    }
}

fn piece(carry: &mut Carry, rotation: &Rotation, name: &ArchiveName, pieces: &Pieces, progress: Progress) -> Ended<Piece> {
    let hole = carry.rotate.sets[rotation.bound.set].punch_hole;
    let hand = carry.hands.for_bound(&rotation.bound, &rotation.bound.log)?;
    let head = rotation.bound.head(carry.ledger.content()).cloned();
    let cut = match hand.prepare(&rotation.bound.log, rotation.bound.file, head.as_ref(), hole, pieces.most) {
        Ok(Some(cut)) => cut,
        Ok(None) => return Ok(Piece::Nothing),
        // The plan tries nothing out.
        Err(failure) if Place::refuses(&failure) => {
            refuse(carry, rotation.bound.log_path(), failure);
            return Ok(Piece::Stays);
        }
        Err(failure) => return Err(End::Log(failure)),
    };
    let name = name.clone().with(Extension::Plain).to_string();
    let entry = Entry { name, cut: Some(cut), piece: pieces.are_several(), ..carry.intent(&rotation.bound) };
    carry.ledger.commit(vec![Line::Entry(entry.clone())]).map_err(End::Ledger)?;
    let job = archive::job(carry, &entry, hand, rotation.bound.file)?;
    let compressed = archive::compress_all(std::slice::from_ref(&job), carry.rotate.parallel, progress, carry.run);
    let proven = match compressed.into_iter().next().flatten() {
        Some(Ok(proven)) => proven,
        Some(Err(failure)) if failure.is_shortage() => {
            carry.note(vec![Line::gone(&entry, "there was no room for its archive")]).map_err(End::Ledger)?;
            return Ok(Piece::NoRoom(failure));
        }
        Some(Err(failure)) => return Err(End::Log(failure)),
        None => return Ok(Piece::Stays),
    };
    let Some((job, proven)) = archive::publish(carry, vec![(job, proven)]).pop() else { return Ok(Piece::Stays) };
    let archive = Archive { file: job.target.clone(), facts: proven.facts.clone() };
    carry.ledger.commit(vec![Line::Archived { id: entry.id, archive: archive.clone() }]).map_err(End::Ledger)?;
    carry.archived(&job, &proven.facts);
    let entry = Entry { stage: Stage::Archived, archive: Some(archive), ..entry };
    // The plan looked for all logs at once; since then it may have taken hours.
    if !appended(carry, &Log::of(&rotation.bound)) {
        return Ok(Piece::Stays);
    }
    if is_another_text(&entry)? {
        doubt(carry, &entry, "somebody else emptied it, and it was filled again where it lay").map_err(End::Ledger)?;
        return Ok(Piece::Stays);
    }
    Ok(take_away(carry, &entry, rotation.bound.file)?.map_or(Piece::Stays, |gone| Piece::Gone(proven.facts, gone)))
}

/// Whether the log holds something else by now than its archive. Where there was no room for an anchor its blocks do not tell:
/// on a disk that is nearly full, what was emptied and filled again lies where it lay.
fn is_another_text(entry: &Entry) -> Result<bool> {
    if entry.cut.as_ref().is_none_or(|cut| cut.anchor.is_some()) {
        return Ok(false);
    }
    let log = Dir::open(Path::new(&entry.folder))?.read(&entry.log)?;
    Ok(!recover::holds(entry, &log)?)
}

/// Whether everybody who writes to the log of an entry appends; told when not, or when nobody can tell.
pub(super) fn is_appended(carry: &mut Carry, entry: &Entry, file: FileId) -> bool {
    appended(carry, &Log { file, folder: Path::new(&entry.folder).to_owned(), name: entry.log.clone() })
}

fn appended(carry: &mut Carry, log: &Log) -> bool {
    match only_appended(&carry.look.judge(log), &log.name) {
        Ok(()) => true,
        Err(failure) => {
            refuse(carry, log.folder.join(&log.name).display().to_string(), failure);
            false
        }
    }
}

/// Tells what a plan tells in the same words, where it can.
fn refuse(carry: &mut Carry, path: String, failure: Failure) {
    let why = failure.cause.unwrap_or_default();
    carry.step(Step::new("rotate", path, Outcome::Skipped, show::advised(&why, failure.hint.as_deref())));
}

/// Takes away what the entry's archive holds, and records it. In doubt, which is told, it stays, and that ends the entry.
pub(super) fn take_away(carry: &mut Carry, entry: &Entry, file: FileId) -> Ended<Option<Gone>> {
    let Some(cut) = &entry.cut else { return Ok(None) };
    match carry.hands.for_entry(entry)?.cut(&entry.log, file, cut)? {
        Ok(head) => {
            let stored = Line::reached(entry, Stage::Stored);
            let left = Line::Head { log: entry.log_path(), root: entry.log_root().map(str::to_owned), head: head.clone() };
            // In this order: cut short between the two, the head is known and the next run looks again. The archive has had its
            // name for good since it was recorded, and the next piece begins with what this says.
            carry.ledger.append(vec![left, stored]).map_err(End::Ledger)?;
            Ok(Some(Gone { removed: cut.remove, head }))
        }
        Err(why) => doubt(carry, entry, &why).map(|()| None).map_err(End::Ledger),
    }
}

/// Both stay, the archive and the log as it is; lines may be in both. Told once.
pub(super) fn doubt(carry: &mut Carry, entry: &Entry, why: &str) -> Result<()> {
    let message = format!(
        "whether it still begins with what {} holds cannot be told ({why}): nothing more is taken away, both stay, and lines may be in both",
        entry.path()
    );
    let finding = Finding::new("logs.in-doubt", Severity::Warning, entry.log_path(), message);
    carry
        .report
        .findings
        .push(finding.hint("compare the two when each line counts; and find out who else rotates or empties that log"));
    carry.note(vec![Line::reached(entry, Stage::Stored)])
}

impl Gone {
    /// The step that tells it.
    pub(super) fn step(&self, path: String, why: &str) -> Step {
        let left = self.head.archived - self.head.hole;
        let why = match left {
            0 => why.to_owned(),
            left => format!("{why}; its first {left} bytes are archived already"),
        };
        let step = Step::new("rotate", path, Outcome::Done, why).with("bytes", self.removed);
        step.with("method", "in-place").with("archived-head", self.head.archived)
    }
}

/// Whether the file that an entry is about is still the log, and which one that is now: devices may have got other numbers.
pub(super) fn live(entry: &Entry) -> Result<Option<FileId>> {
    let there = Dir::open(Path::new(&entry.folder))?.stat(&entry.log)?;
    Ok(there.map(|stat| stat.id).filter(|id| entry.file.is_some_and(|file| file.ino == id.ino)))
}
