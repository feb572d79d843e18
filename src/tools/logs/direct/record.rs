//! What the ledger is to know, and what goes then. It is `rotate`'s: it is taken for as long as a few lines need, and read anew each time.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

use super::{Direct, SHIPPED, source::State};
use crate::{
    failure::{Doing, Exit, Failure, Result},
    files::{
        dir::FileId,
        lock::Lock,
        wait,
        writers::{self, Writers},
    },
    report::{Finding, Outcome, Report, Severity, Size, Step},
    run::Run,
    tools::logs::{
        ledger::{Entry, Ledger, Line, Shipped, Stage},
        rotate::{
            Hands,
            hand::{Hold, Released, Version},
        },
    },
};

/// What `launch` calls the lock of `rotate`.
const LOCK: &str = "logs-rotate.lock";
/// A rotation may be at work for long; what was sent and is not recorded must be read again from the store.
const PATIENCE: Duration = Duration::from_mins(15);
const BEAT: Duration = Duration::from_millis(200);

/// What the store has of one log.
pub(super) struct Arrived<'a> {
    pub(super) entry: &'a Entry,
    /// None where that is recorded already.
    pub(super) shipped: Option<Shipped>,
    pub(super) file: FileId,
    pub(super) version: Version,
}

/// The ledger while nobody else has it.
pub(super) struct Record<'a> {
    ledger: Ledger,
    hands: Hands,
    report: &'a mut Report,
    direct: &'a Direct,
    now: DateTime<Utc>,
    _held: Lock,
}

/// What went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gone {
    pub(super) logs: u64,
    pub(super) bytes: u64,
}

impl<'a> Record<'a> {
    /// Takes it, once no rotation is at work.
    pub(super) fn take(direct: &'a Direct, run: &Run, state: &Path, report: &'a mut Report) -> Result<Record<'a>> {
        let path = state.join(LOCK);
        let until = Instant::now() + PATIENCE;
        let claim = format!("ops-logs direct (pid {})", std::process::id());
        loop {
            match Lock::take(&path, &claim)? {
                Ok(held) => {
                    let mut ledger = Ledger::read(state, &direct.ship.host)?;
                    direct.rotate.heirs.settle(&mut ledger);
                    let (hands, now) = (Hands::default(), run.clock.now());
                    return Ok(Record { ledger, hands, report, direct, now, _held: held });
                }
                Err(_) if Instant::now() < until && !run.shutdown.asked() => {
                    wait::pause(BEAT).doing("wait for", path.display())?;
                }
                Err(holder) => {
                    let failure = Failure::new("record", "what the store has").because(format!("{} is at work", holder.0));
                    return Err(failure.hint("the next run finds it there, records it and removes it here").exit(Exit::Busy));
                }
            }
        }
    }

    /// Records what the store has, and removes what still is what was read.
    pub(super) fn settle(&mut self, arrived: &[Arrived]) -> Result<Gone> {
        let known: Vec<&Arrived> = arrived.iter().filter(|one| self.knows(one)).collect();
        let lines = known.iter().flat_map(|one| {
            let shipped = one.shipped.clone().map(|shipped| Line::Shipped { id: one.entry.id, shipped });
            shipped.into_iter().chain([Line::reached(one.entry, Stage::Removing)])
        });
        self.ledger.commit(lines.collect())?;
        let (mut gone, mut lines) = (Gone::default(), Vec::new());
        for one in known {
            let entry = one.entry;
            match self.release(one) {
                Ok(Released::Gone) => {
                    gone = Gone { logs: gone.logs + 1, bytes: gone.bytes + entry.stored() };
                    let step = Step::new("remove", entry.path(), Outcome::Done, SHIPPED);
                    self.report.steps.push(step.with("bytes", entry.stored()));
                    lines.push(Line::gone(entry, SHIPPED));
                }
                // It stays as shipped: the next run reads it again, and sees what was written to it.
                Ok(Released::Changed(why)) => {
                    let why = format!("{why}; the next run looks what that was");
                    self.report.steps.push(Step::new("remove", entry.path(), Outcome::Waiting, why));
                    lines.push(Line::reached(entry, Stage::Stored));
                }
                Err(failure) => {
                    self.report.steps.push(Step::new("remove", entry.path(), Outcome::Failed, failure.told()));
                    lines.push(Line::reached(entry, Stage::Stored));
                }
            }
        }
        self.note(lines)?;
        self.ledger.tidy()?;
        Ok(gone)
    }

    /// Removes it, if nobody writes to it: it may be long that the rotation saw that.
    fn release(&mut self, one: &Arrived) -> Result<Released> {
        let Arrived { entry, file, version, .. } = *one;
        let hand = self.hands.for_entry(entry)?;
        let open = match hand.writers(&entry.name, file, Hold::Alone, Duration::ZERO)? {
            Writers::Nobody => None,
            Writers::Somebody(who) => {
                let who = who.or_else(|| writers::name_them(file)).unwrap_or_else(|| "a process".to_owned());
                Some(format!("{who} has it open for writing"))
            }
            // As for who rotates, which it waited for no less.
            Writers::Unknown(_) if self.assumes_closed(entry) => None,
            Writers::Unknown(why) => Some(format!("nobody can tell whether it is still written to: {why}")),
        };
        open.map_or_else(|| hand.release(&entry.name, file, Hold::Alone, version), |why| Ok(Released::Changed(why)))
    }

    fn assumes_closed(&self, entry: &Entry) -> bool {
        let set = self.direct.rotate.sets.iter().find(|set| set.name == entry.set);
        let after = set.and_then(|set| set.assume_closed_after);
        after.is_some_and(|after| self.ledger.content().leap(self.now).is_none() && self.now - entry.at >= after.chrono())
    }

    /// Somebody wrote to it after it was rotated. It is a log like any that waits to be archived: the next rotation measures it anew. What is
    /// something else altogether stays as it is.
    pub(super) fn differs(&mut self, entry: &Entry, state: State) -> Result<()> {
        let recorded = entry.archive.as_ref().map_or(0, |archive| archive.facts.size);
        let had = if entry.shipped.is_some() { ", with the part that the store has already" } else { "" };
        if state == State::Grown {
            let why = format!(
                "somebody wrote to it after its {} were recorded; the next rotation measures it anew, and it is shipped then{had}",
                Size(recorded)
            );
            self.report.steps.push(Step::new("ship", entry.path(), Outcome::Waiting, why));
            let fits = self.ledger.content().entries.get(&entry.id).is_some_and(|known| known.archive == entry.archive);
            let anew = Entry { stage: Stage::Told, archive: None, shipped: None, ..entry.clone() };
            return self.ledger.commit(if fits { vec![Line::Entry(anew)] } else { Vec::new() });
        }
        let message = if entry.shipped.is_some() {
            "it is not what was recorded and shipped, which the store has; it stays"
        } else {
            "it is not what was recorded of it when it was rotated; nothing of it is shipped, and it stays"
        };
        let finding = Finding::new("logs.archive-wrong", Severity::Danger, entry.path(), message);
        self.report.findings.push(finding.hint("look at it; move it away to have it forgotten"));
        let why = "it is not what was recorded of it";
        self.report.steps.push(Step::new("ship", entry.path(), Outcome::Skipped, why));
        Ok(())
    }

    /// Whether the ledger still says of it what it said when it was read.
    fn knows(&self, one: &Arrived) -> bool {
        let as_read = |known: &Entry| {
            let unshipped = known.shipped.is_none() && known.stage == Stage::Stored;
            known.archive == one.entry.archive && known.name == one.entry.name && unshipped == one.shipped.is_some()
        };
        self.ledger.content().entries.get(&one.entry.id).is_some_and(as_read)
    }

    /// What is said to be gone must be, after a power cut too.
    fn note(&mut self, lines: Vec<Line>) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.hands.settle()?;
        self.ledger.append(lines)
    }
}
