//! How large the pieces are in which a log is rotated in place where room is short: one if there is room for its whole archive,
//! and else as few as there is room for, each larger than the last. Never touches the log.

use super::{
    Gone,
    trial::{Choice, Trial},
};
use crate::{
    failure::Failure,
    files::{
        compress::{Compression, Facts},
        dir::Dir,
    },
    report::{Finding, Severity, Size, count},
    tools::logs::rotate::{apply::Carry, plan::Rotation},
};

/// The pieces of one log.
pub(super) struct Pieces {
    how: Compression,
    /// So much is left of what was planned.
    left: u64,
    /// So much at a time; all at once when none.
    pub(super) most: Option<u64>,
    /// So many are gone, and this is what is left.
    done: u64,
    gone: Option<Gone>,
    plain: u64,
    stored: u64,
    /// What was free before the first one.
    free: u64,
    /// So many in a row freed nothing.
    idle: u32,
    /// To try on, and from where on.
    trial: Option<Trial>,
    from: u64,
    /// What came of the last trial when no piece that fits frees anything.
    hopeless: Option<Needs>,
}

/// So much room would do; nobody can tell when none.
#[derive(Clone, Copy)]
struct Needs(Option<u64>);

/// Less is not worth an archive.
const LEAST: u64 = 8 << 10;
/// With so much free the sizes of the last pieces tell enough.
const SMALL: u64 = 1 << 20;

impl Pieces {
    /// None yet.
    pub(super) fn of(carry: &Carry, rotation: &Rotation) -> Pieces {
        let how = carry.rotate.sets[rotation.bound.set].compress;
        let from = rotation.bound.head(carry.ledger.content()).map_or(0, |head| head.archived);
        let mut pieces = Pieces {
            how,
            left: rotation.size,
            most: None,
            done: 0,
            gone: None,
            plain: 0,
            stored: 0,
            free: u64::MAX,
            idle: 0,
            trial: Trial::of(carry, rotation),
            from,
            hopeless: None,
        };
        pieces.free = pieces.fit(rotation).unwrap_or(u64::MAX);
        pieces
    }

    /// One is gone; whether there are more.
    pub(super) fn more(&mut self, rotation: &Rotation, facts: &Facts, gone: Gone) -> bool {
        self.done += 1;
        let before = self.gone.as_ref().map_or(0, |gone| gone.removed);
        self.idle = if gone.removed > facts.stored.next_multiple_of(gone.head.place.unit.max(1)) { 0 } else { self.idle + 1 };
        self.from = gone.head.archived;
        self.gone = Some(Gone { removed: before + gone.removed, ..gone });
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
        let logs = Dir::open(&rotation.bound.folder).ok()?;
        let archives = rotation.bound.archives.as_deref().map(Dir::open).transpose().ok()?;
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
        let mut most = safe.max(u64::try_from(likely).unwrap_or(u64::MAX)).max(2 * LEAST);
        let unsure = free < SMALL || (self.stored == 0 && safe < free / 2);
        self.hopeless = None;
        if let Some(trial) = self.trial.as_ref().filter(|_| unsure && safe < self.left) {
            match trial.choose(self.from, self.left, free) {
                Choice::Piece(size) => most = size.max(safe),
                Choice::Needs(needs) => self.hopeless = Some(Needs(needs)),
            }
        }
        self.most = (most < self.left).then_some(most);
        Some(free)
    }

    /// Why it is not worth while to begin with the next one, if it is not.
    pub(super) fn hopeless(&self) -> Option<Failure> {
        /// Whole blocks, and the end of a line, may cost one of them its gain.
        const IDLE: u32 = 3;
        let short = || Failure::new("write", "the archive").because("there is no room for it");
        let needs = self.hopeless.or((self.idle >= IDLE).then_some(Needs(None)))?;
        Some(self.told(short(), needs))
    }

    /// Whether there is more than one: the last one may be all that is left.
    pub(super) fn are_several(&self) -> bool {
        self.most.is_some() || self.done > 0
    }

    /// Makes them smaller, if that is worth it.
    pub(super) fn smaller(&mut self) -> bool {
        let half = self.most.unwrap_or(self.left) / 2;
        self.most = Some(half.max(LEAST));
        half >= LEAST && self.trial.as_ref().is_none_or(|trial| trial.gains(self.from, half))
    }

    /// Whether none is gone yet.
    pub(super) fn is_first(&self) -> bool {
        self.gone.is_none()
    }

    /// Why not even the smallest one could be made.
    pub(super) fn too_large(&self, failure: Failure) -> Failure {
        let room = |free: u64| match self.trial.as_ref()?.choose(self.from, self.left, free) {
            Choice::Needs(needs) => Some(Needs(needs)),
            Choice::Piece(_) => None,
        };
        self.told(failure, room(0).unwrap_or(Needs(Some(self.how.at_most(LEAST)))))
    }

    fn told(&self, failure: Failure, Needs(needs): Needs) -> Failure {
        let cause = failure.cause.clone().unwrap_or_default();
        let free = Size(self.free);
        let what = match needs {
            Some(needs) => format!("the least piece of it that frees more than its archive takes needs {}", Size(needs)),
            None => "no piece of it frees more than its archive takes".to_owned(),
        };
        let hint = "free some space on its file system, or let archive-dir name a folder on another disk";
        failure.because(format!("{cause}; {what}, with {free} free at first")).hint(hint)
    }

    /// What came of it.
    pub(super) fn tell(self, carry: &mut Carry, rotation: &Rotation) {
        let path = rotation.bound.log_path();
        let Some(gone) = self.gone else { return };
        carry.tally.rotated += 1;
        carry.step(gone.step(path.clone(), &rotation.why.to_string()));
        if self.done > 1 {
            let message = format!(
                "with {} free it was rotated in {}, each with its own archive; a reader that follows it may have read what was left anew after each",
                Size(self.free),
                count(self.done, "piece")
            );
            let finding = Finding::new("logs.in-pieces", Severity::Note, path, message);
            carry.report.findings.push(finding.hint("rotate it earlier, or set keep = { min-free = \"10%\" }"));
        }
    }
}
