//! Rotates logs in place, one after the other, the smallest first. For each: what will go is written down, it is archived
//! and proven as ever, its archive is recorded, and only then its lines leave the log, in one step, while its writer goes
//! on appending.
//!
//! Once for each log, because a reader that follows it may read all that is left anew each time. Only where there is no
//! room for the whole archive it is done piece by piece, each with an archive of its own, and each frees room for the next.

use std::path::Path;

use super::{Carry, archive, swap::intent};
use crate::{
    failure::{Failure, Result},
    files::{
        appenders,
        archive_name::{ArchiveName, Extension},
        compress::{Compression, Facts, Progress},
        cut::{Cut, Head},
        dir::{Dir, FileId},
    },
    report::{Finding, Outcome, Severity, Size, Step, count},
    tools::logs::{
        ledger::{Archive, Entry, Line, Stage},
        rotate::{
            facts::only_appended,
            plan::{Plan, Rotation},
            show,
        },
        settings::Method,
    },
};

/// What came of one piece.
enum Piece {
    /// It is archived and gone from the log.
    Gone(Facts),
    /// There is nothing more of it.
    Nothing,
    /// Its archive found no room.
    NoRoom(Failure),
    /// It stays where it is; that was told.
    Stays,
}

/// Rotates what the plan says.
pub(super) fn rotate(carry: &mut Carry, plan: &Plan) -> Result<()> {
    let mut due: Vec<&Rotation> = plan.rotations.iter().filter(|rotation| rotation.method == Method::InPlace).collect();
    due.sort_by_key(|rotation| rotation.size);
    let bar = carry.run.progress.bytes("rotating in place", due.iter().map(|rotation| rotation.size).sum());
    for rotation in due {
        let path = rotation.log_path();
        // What an earlier run began and this one could not end must come to its end first.
        let begun = carry.unfinished.contains(&path);
        if begun || carry.run.shutdown.asked() {
            carry.unfinished.insert(path);
            continue;
        }
        carry.unfinished.insert(path.clone());
        if log(carry, rotation, &|bytes| bar.advance(bytes))? {
            carry.unfinished.remove(&path);
            carry.tally.rotated += 1;
        }
    }
    Ok(())
}

/// One log, in as few pieces as there is room for; whether all of it came through that was planned.
fn log(carry: &mut Carry, rotation: &Rotation, progress: Progress) -> Result<bool> {
    let mut pieces = Pieces::of(carry, rotation);
    let mut name = rotation.name.clone();
    loop {
        let piece = match piece(carry, rotation, &name, pieces.most, progress) {
            Ok(piece) => piece?,
            Err(failure) => {
                carry.failed("rotate", rotation.log_path(), &failure);
                return Ok(false);
            }
        };
        match piece {
            Piece::Gone(facts) => {
                let more = pieces.gone(rotation, &facts);
                if !more || carry.run.shutdown.asked() {
                    pieces.tell(carry, rotation);
                    return Ok(!more);
                }
            }
            Piece::Nothing => {
                pieces.tell(carry, rotation);
                // Keep-rules took it for one more archive.
                return Ok(pieces.done > 0);
            }
            Piece::NoRoom(failure) if !pieces.smaller() => {
                pieces.tell(carry, rotation);
                let failure = Failure { cause: failure.cause.map(|cause| format!("{cause}; {}", pieces.needs())), ..failure };
                carry.failed("archive", rotation.log_path(), &failure.hint("free that much on its file system"));
                return Ok(false);
            }
            Piece::NoRoom(_) => continue,
            Piece::Stays => return Ok(false),
        }
        name = match ArchiveName::after(&rotation.log, rotation.at, Some(name.stamp())) {
            Ok(name) => name,
            Err(failure) => {
                carry.failed("rotate", rotation.log_path(), &failure);
                return Ok(false);
            }
        };
    }
}

/// One piece. The outer failure is this log's, the inner one the ledger's: then nothing may be changed any more.
fn piece(
    carry: &mut Carry,
    rotation: &Rotation,
    name: &ArchiveName,
    most: Option<u64>,
    progress: Progress,
) -> Result<Result<Piece>> {
    if !appended(carry, rotation.file, &rotation.log, &rotation.log_path()) {
        return Ok(Ok(Piece::Stays));
    }
    let hole = carry.rotate.sets[rotation.set].punch_hole;
    let hand = carry.hands.for_rotation(rotation)?;
    let head = carry.ledger.content().heads.get(&rotation.log_path()).cloned();
    let Some(cut) = hand.prepare(&rotation.log, rotation.file, head.as_ref(), hole, most)? else { return Ok(Ok(Piece::Nothing)) };
    let name = name.clone().with(Extension::Plain).to_string();
    let entry = Entry { name, cut: Some(cut), piece: most.is_some(), ..intent(carry, rotation) };
    if let Err(failure) = carry.ledger.commit(vec![Line::Entry(entry.clone())]) {
        return Ok(Err(failure));
    }
    let job = archive::job(carry, &entry, hand, rotation.file)?;
    let compressed = archive::compress_all(std::slice::from_ref(&job), carry.rotate.parallel, progress, carry.run);
    let proven = match compressed.into_iter().next().flatten() {
        Some(Ok(proven)) => proven,
        Some(Err(failure)) if failure.is_shortage() => {
            let never = Line::gone(&entry, "there was no room for its archive");
            return Ok(carry.note(vec![never]).map(|()| Piece::NoRoom(failure)));
        }
        Some(Err(failure)) => return Err(failure),
        None => return Ok(Ok(Piece::Stays)),
    };
    let Some((job, proven)) = archive::publish(carry, vec![(job, proven)]).pop() else { return Ok(Ok(Piece::Stays)) };
    let archive = Archive { file: job.target.clone(), facts: proven.facts.clone() };
    if let Err(failure) = carry.ledger.commit(vec![Line::Archived { id: entry.id, archive: archive.clone() }]) {
        return Ok(Err(failure));
    }
    carry.tally.archived += 1;
    carry.tally.plain_bytes += proven.facts.size;
    carry.tally.stored_bytes += proven.facts.stored;
    let step = archive::archived(&job, &proven.facts);
    carry.step(step);
    let entry = Entry { stage: Stage::Archived, archive: Some(archive), ..entry };
    // Compressing may have taken hours.
    if !appended(carry, rotation.file, &rotation.log, &rotation.log_path()) {
        return Ok(Ok(Piece::Stays));
    }
    let gone = take_away(carry, &entry, rotation.file)?;
    Ok(gone.map(|gone| if gone { Piece::Gone(proven.facts) } else { Piece::Stays }))
}

/// Whether everybody who writes to the log appends; told when not, or when nobody can tell.
pub(super) fn appended(carry: &mut Carry, file: FileId, name: &str, path: &str) -> bool {
    let judged = appenders::of(&[(file, name)]);
    match judged.get(&file).map_or(Ok(()), |judged| only_appended(judged, name)) {
        Ok(()) => true,
        Err(failure) => {
            let why = failure.cause.unwrap_or_default();
            carry.step(Step::new("rotate", path, Outcome::Skipped, show::advised(&why, failure.hint.as_deref())));
            false
        }
    }
}

/// Takes away what the entry's archive holds, and records it; whether it is gone. In doubt it stays, and that ends the entry.
pub(super) fn take_away(carry: &mut Carry, entry: &Entry, file: FileId) -> Result<Result<bool>> {
    let Some(cut) = &entry.cut else { return Ok(Ok(false)) };
    match carry.hands.for_entry(entry)?.cut(&entry.log, file, cut)? {
        Ok(head) => {
            carry.step(told(entry, cut, &head));
            let head = Line::Head { log: entry.log_path(), head };
            Ok(carry.note(vec![Line::reached(entry, Stage::Stored), head]).map(|()| true))
        }
        Err(why) => Ok(doubt(carry, entry, &why).map(|()| false)),
    }
}

fn told(entry: &Entry, cut: &Cut, head: &Head) -> Step {
    let left = head.archived - head.hole;
    let why = format!("archived and proven; {} of archived lines stay at its beginning", Size(left));
    Step::new("cut", entry.log_path(), Outcome::Done, why).with("bytes", cut.remove).with("archived", head.archived)
}

/// Both stay, the archive and the log as it is; lines may be in both. Told once.
pub(super) fn doubt(carry: &mut Carry, entry: &Entry, why: &str) -> Result<()> {
    let message = format!(
        "whether it still begins with what {} holds cannot be told ({why}): nothing is taken away, both stay, and lines may be in both",
        entry.path()
    );
    let finding = Finding::new("logs.in-doubt", Severity::Warning, entry.log_path(), message);
    carry
        .report
        .findings
        .push(finding.hint("compare the two when each line counts; and find out who else rotates or empties that log"));
    carry.note(vec![Line::reached(entry, Stage::Stored)])
}

/// How large the pieces of one log are.
struct Pieces {
    how: Compression,
    /// So much is left of what was planned.
    left: u64,
    /// So much at a time; all at once when none.
    most: Option<u64>,
    done: u64,
    plain: u64,
    stored: u64,
    /// What was free before the first one.
    free: u64,
}

/// Less is not worth an archive.
const LEAST: u64 = 8 << 10;

impl Pieces {
    fn of(carry: &Carry, rotation: &Rotation) -> Pieces {
        let how = carry.rotate.sets[rotation.set].compress;
        let mut pieces = Pieces { how, left: rotation.size, most: None, done: 0, plain: 0, stored: 0, free: u64::MAX };
        pieces.free = pieces.fit(rotation).unwrap_or(u64::MAX);
        pieces
    }

    /// One is gone; whether there are more.
    fn gone(&mut self, rotation: &Rotation, facts: &Facts) -> bool {
        self.done += 1;
        self.left = self.left.saturating_sub(facts.size);
        self.plain += facts.size;
        self.stored += facts.stored;
        if self.most.is_none() || self.left == 0 {
            return false;
        }
        self.fit(rotation);
        true
    }

    /// Makes the next one as large as there is room for, and says how much that is. Only where its archive lies on the
    /// log's own file system do pieces help.
    fn fit(&mut self, rotation: &Rotation) -> Option<u64> {
        let logs = Dir::open(&rotation.folder).ok()?;
        let archives = rotation.archives.as_deref().map(Dir::open).transpose().ok()?;
        let device = |dir: &Dir| dir.stat_self().ok().map(|stat| stat.id.dev);
        if archives.as_ref().is_some_and(|archives| device(archives) != device(&logs)) {
            return None;
        }
        let free = logs.space().ok()?.free;
        let extra = self.how.at_most(self.left) - self.left;
        let safe = free.saturating_sub(extra);
        // As well as the last pieces did, with half of the room to spare.
        let likely = match self.stored {
            0 => 0,
            stored => u128::from(free / 2) * u128::from(self.plain) / u128::from(stored),
        };
        let most = safe.max(u64::try_from(likely).unwrap_or(u64::MAX)).max(2 * LEAST);
        self.most = (most < self.left).then_some(most);
        Some(free)
    }

    /// Makes them smaller, if that is worth it.
    fn smaller(&mut self) -> bool {
        let half = self.most.unwrap_or(self.left) / 2;
        self.most = Some(half.max(LEAST));
        half >= LEAST
    }

    /// What would do for the next one.
    fn needs(&self) -> String {
        format!("a piece of {} needs up to as much, and {} were free at first", Size(LEAST), Size(self.free))
    }

    fn tell(&self, carry: &mut Carry, rotation: &Rotation) {
        if self.done < 2 {
            return;
        }
        let message = format!(
            "only {} were free, so it was rotated in {}, each with its own archive; a reader that follows it may have read what was left anew after each",
            Size(self.free),
            count(self.done, "piece")
        );
        let finding = Finding::new("logs.in-pieces", Severity::Note, rotation.log_path(), message);
        carry.report.findings.push(finding.hint("rotate it earlier, or set keep = { min-free = \"10%\" }"));
    }
}

/// Whether the file that an entry is about is still the log, and which one that is now: devices may have got other numbers.
pub(super) fn live(entry: &Entry) -> Result<Option<FileId>> {
    let there = Dir::open(Path::new(&entry.folder))?.stat(&entry.log)?;
    Ok(there.map(|stat| stat.id).filter(|id| entry.file.is_some_and(|file| file.ino == id.ino)))
}
