//! How large the pieces are in which a log is rotated in place where room is short: one if there is room for its whole archive,
//! and else as few as there is room for, each larger than the last. Where archives go to another file system, it is one: what
//! goes from the log makes no room there. Never touches the log.

use std::sync::Arc;

use rustix::io::Errno;

use super::{
    Gone,
    trial::{Choice, Stopped, Trial},
};
use crate::{
    failure::Failure,
    files::compress::{Compression, Facts},
    report::{Finding, Severity, Size, count},
    tools::logs::rotate::{
        apply::Carry,
        hand::{Hand, Room},
        plan::Rotation,
    },
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
    /// Who can tell what room there is; none where nobody can.
    hand: Option<Arc<Hand>>,
    /// What there was before the first one.
    room: Option<Room>,
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
const ELSEWHERE: &str = "free some space on its file system, or let archive-dir name a folder on another disk";

impl Pieces {
    /// None yet.
    pub(super) fn of(carry: &mut Carry, rotation: &Rotation) -> Pieces {
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
            // The work itself will tell why there is none.
            hand: carry.hands.for_bound(&rotation.bound, &rotation.bound.log).ok(),
            room: None,
            idle: 0,
            trial: Trial::of(carry, rotation),
            from,
            hopeless: None,
        };
        pieces.room = pieces.fit();
        pieces
    }

    /// One is gone; whether there are more.
    pub(super) fn more(&mut self, facts: &Facts, gone: Gone) -> bool {
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
        self.fit();
        true
    }

    /// Makes the next one as large as there is room for, and says how much that is.
    fn fit(&mut self) -> Option<Room> {
        let room = self.hand.as_ref()?.room().ok()?;
        let Room { free, shared: true } = room else { return Some(room) };
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
                Ok(Choice::Piece(size)) => most = size.max(safe),
                Ok(Choice::Needs(needs)) => self.hopeless = Some(Needs(needs)),
                // It ends with the next step, which says so.
                Err(Stopped) => {}
            }
        }
        self.most = (most < self.left).then_some(most);
        Some(room)
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
        self.helps() && half >= LEAST && self.trial.as_ref().is_none_or(|trial| trial.gains(self.from, half))
    }

    /// Whether a piece that goes makes room for the next one.
    fn helps(&self) -> bool {
        self.room.is_none_or(|room| room.shared)
    }

    /// Whether none is gone yet.
    pub(super) fn is_first(&self) -> bool {
        self.gone.is_none()
    }

    /// Why not even the smallest one could be made.
    pub(super) fn too_large(&self, failure: Failure) -> Failure {
        if !self.helps() {
            return self.told(failure, Needs(Some(self.how.at_most(self.left))));
        }
        let room = |free: u64| match self.trial.as_ref()?.choose(self.from, self.left, free) {
            Ok(Choice::Needs(needs)) => Some(Needs(needs)),
            Ok(Choice::Piece(_)) | Err(Stopped) => None,
        };
        self.told(failure, room(0).unwrap_or(Needs(Some(self.how.at_most(LEAST)))))
    }

    fn told(&self, failure: Failure, Needs(needs): Needs) -> Failure {
        let cause = failure.cause.clone().unwrap_or_default();
        let (what, hint) = match needs {
            Some(needs) if !self.helps() => (format!("it needs up to {}", Size(needs)), "free that much where its archives go"),
            Some(needs) => {
                (format!("the least piece of it that frees more than its archive takes needs {}", Size(needs)), ELSEWHERE)
            }
            None => ("no piece of it frees more than its archive takes".to_owned(), ELSEWHERE),
        };
        let enough = self.room.zip(needs).is_some_and(|(room, needs)| room.free >= needs);
        let hint = if enough && failure.errno == Some(Errno::NOSPC) {
            "free some space there; or its file system is out of inodes (`df -i`)"
        } else {
            hint
        };
        let free = self.room.map(|room| format!(", with {} free at first", Size(room.free))).unwrap_or_default();
        failure.because(format!("{cause}; {what}{free}")).hint(hint)
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
                Size(self.room.map_or(0, |room| room.free)),
                count(self.done, "piece")
            );
            let finding = Finding::new("logs.in-pieces", Severity::Note, path, message);
            carry.report.findings.push(finding.hint("rotate it earlier, or set keep = { min-free = \"10%\" }"));
        }
    }
}
