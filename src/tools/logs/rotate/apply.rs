//! Carries a plan out. Every act is recorded before what relies on it: intents before the first swap,
//! archives before the uncompressed files go, removals before archives go. One log's trouble is that log's
//! step; a wish to stop is heeded between items.

mod archive;
mod hand_over;
mod hands;
mod in_place;
mod pin;
mod recover;
mod remove;
mod replaced;
mod room;
mod shipment;
mod swap;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
};

pub(in crate::tools::logs) use self::hands::Hands;
pub(super) use self::remove::VANISHED;
use super::{
    Rotate,
    facts::{LogFact, What, absent},
    hand::Hand,
    plan::{Bound, Plan},
    show, waiting,
};
use crate::{
    failure::{Failure, Result},
    files::dir::Dir,
    report::{Finding, Incomplete, Outcome, Report, Size, Step, count},
    run::Run,
    tools::logs::ledger::{Entry, EntryId, Ledger, Line, Stage},
};

/// One run under way: what the phases share.
struct Carry<'a> {
    run: &'a Run,
    rotate: &'a Rotate,
    ledger: Ledger,
    hands: Hands,
    report: Report,
    /// Entries that wait to be archived.
    waiting: Vec<EntryId>,
    /// Entries whose archive cannot get its name: their writer is told, and they stay as they are.
    blocked: HashSet<EntryId>,
    /// Logs whose rotation did not come to its end in this run: nothing of theirs is removed.
    unfinished: HashSet<String>,
    /// What archives hold.
    texts: pin::Texts,
    /// How others write to the logs that are rotated in place.
    look: in_place::Look,
    /// Whether the clock may have leapt.
    clock_in_doubt: bool,
    tally: Tally,
}

/// What the summary counts.
#[derive(Default)]
struct Tally {
    /// Rotations that earlier runs began, and of which there was nothing left to archive.
    finished: u64,
    rotated: u64,
    collected: u64,
    archived: u64,
    plain_bytes: u64,
    stored_bytes: u64,
    removed: u64,
    removed_bytes: u64,
    vanished: u64,
    /// Parcels that the store has.
    settled: u64,
    /// Archives that wait for it from now on.
    handed: u64,
}

/// Does what `plan` says.
pub(super) fn carry_out(run: &Run, rotate: &Rotate, mut ledger: Ledger, plan: &Plan) -> Result<Report> {
    let mut report = show::troubles(run, rotate, &ledger, plan);
    ledger.sweep();
    if let Err(failure) = remember(run, &mut ledger, plan) {
        report.incomplete.push((&failure).into());
    }
    if plan.is_idle() {
        let noted = pin::note(run, &mut ledger, plan).and_then(|()| pin::note_told(run, &mut ledger, plan));
        if let Err(failure) = noted.and_then(|()| forget_gone(&mut ledger, plan)) {
            report.incomplete.push((&failure).into());
        }
        report.steps.extend(plan.shipment.gathering.iter().map(show::shipment::gathers));
        report.summary = show::with_troubles(show::idle(rotate), &report.steps);
        return Ok(report);
    }
    run.state.make()?;
    let mut carry = Carry {
        run,
        rotate,
        ledger,
        hands: Hands::default(),
        report,
        waiting: Vec::new(),
        blocked: HashSet::new(),
        unfinished: HashSet::new(),
        texts: pin::Texts::default(),
        look: in_place::Look::default(),
        clock_in_doubt: plan.world.leap.is_some(),
        tally: Tally::default(),
    };
    if let Err(failure) = carry.phases(plan) {
        let told: Incomplete = (&failure).into();
        if !carry.report.incomplete.contains(&told) {
            carry.report.incomplete.push(told);
        }
    }
    if let Some(signal) = run.shutdown.asked_by() {
        let why = format!("signal {signal} asked to stop; the next run goes on");
        carry.report.incomplete.push(Incomplete::new("this run", why));
    }
    carry.report.summary = show::with_troubles(carry.tally.summary(run), &carry.report.steps);
    Ok(carry.report)
}

/// What the next run must know although this one may change nothing: since when logs are there that cannot tell and, where
/// there is or will be an archive, what to think of the clock. Lost, it is only told anew.
fn remember(run: &Run, ledger: &mut Ledger, plan: &Plan) -> Result<()> {
    let world = &plan.world;
    let sight = |log: &LogFact| {
        let What::File(stat) = &log.what else { return None };
        let path = world.path(log).to_str()?.to_owned();
        Some(Line::Seen { log: path, inode: stat.id.ino, since: log.since.min(world.now) })
    };
    let seen = world.logs.iter().filter(|log| log.unremembered).filter_map(sight);
    let clock = ledger.content().clock_line(world.now).filter(|_| !(ledger.content().entries.is_empty() && plan.is_idle()));
    let lines: Vec<Line> = clock.into_iter().chain(seen).collect();
    if lines.is_empty() {
        return Ok(());
    }
    run.state.make()?;
    ledger.append(lines)
}

/// Once their last archives are gone, too, nothing is remembered of logs that are. Lost, a later run says it anew.
fn forget_gone(ledger: &mut Ledger, plan: &Plan) -> Result<()> {
    let lines = ledger.content().forgetting(&plan.world.gone);
    if lines.is_empty() { Ok(()) } else { ledger.append(lines) }
}

impl Carry<'_> {
    /// Ends early only when the ledger cannot be written: then nothing may be changed any more.
    fn phases(&mut self, plan: &Plan) -> Result<()> {
        in_place::expect(self, plan);
        recover::adopt(self, plan)?;
        recover::finish(self, plan)?;
        recover::forget(self, &plan.astray)?;
        remove::forget(self, plan)?;
        shipment::settle(self, plan)?;
        swap::rotate(self, plan)?;
        pin::collect(self, plan)?;
        pin::note(self.run, &mut self.ledger, plan)?;
        self.waiting.retain(|id| !self.blocked.contains(id));
        // Before the others: it needs next to no room, and makes some.
        in_place::rotate(self, plan)?;
        archive::archive(self, plan)?;
        self.tell_long_waits();
        hand_over::hand_over(self, plan);
        remove::remove(self, plan)?;
        pin::note_told(self.run, &mut self.ledger, plan)?;
        forget_gone(&mut self.ledger, plan)?;
        self.ledger.tidy()
    }

    /// Nothing is lost while a log waits to be archived, but the disk fills.
    fn tell_long_waits(&mut self) {
        let waiting = self.report.steps.iter().filter(|step| step.outcome == Outcome::Waiting && step.action == "archive");
        let waiting: HashMap<&str, &Step> = waiting.map(|step| (step.subject.as_str(), step)).collect();
        let told = |entry: &Entry| self.long_wait(entry, &waiting.get(entry.rotated_path().as_str())?.reason);
        let unfinished = self.ledger.content().entries.values().filter(|entry| entry.stage != Stage::Stored);
        let findings: Vec<Finding> = unfinished.filter_map(told).collect();
        self.report.findings.extend(findings);
    }

    fn long_wait(&self, entry: &Entry, why: &str) -> Option<Finding> {
        let file = Dir::open(Path::new(&entry.folder)).and_then(|dir| dir.stat(&entry.name)).ok().flatten()?;
        waiting::long_wait(self.rotate, entry, &file, self.run.clock.now(), why)
    }

    /// The entry of what is about to begin.
    fn intent(&mut self, bound: &Bound) -> Entry {
        bound.intent(self.ledger.next_id(), &self.rotate.sets[bound.set])
    }

    /// Something stands where the archive of `entry` must go.
    fn block(&mut self, entry: &Entry) {
        self.blocked.insert(entry.id);
        self.unfinished.insert(entry.log_path());
    }

    /// The hand that works on the archive of `entry`: it needs the folder of the log only while there is one.
    fn hand_for_archive(&mut self, entry: &Entry) -> Result<Arc<Hand>> {
        match &entry.archives {
            Some(archives) if absent(Path::new(&entry.folder)) => {
                self.hands.for_entry(&Entry { folder: archives.clone(), archives: None, ..entry.clone() })
            }
            _ => self.hands.for_entry(entry),
        }
    }

    fn step(&mut self, step: Step) {
        self.report.steps.push(step);
    }

    fn failed(&mut self, action: &'static str, subject: impl Into<String>, failure: &Failure) {
        self.step(Step::new(action, subject, Outcome::Failed, failure.told()));
    }

    /// Appends lines that tell what was done. They may reach the disk at any time from now on, so what they
    /// tell must be there before: otherwise a power cut brings back what the ledger says is gone. Without
    /// them the next run looks again.
    fn note(&mut self, lines: Vec<Line>) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        if let Err(failure) = self.hands.settle() {
            self.report.incomplete.push((&failure).into());
            return Ok(());
        }
        self.ledger.append(lines)
    }
}

impl Tally {
    fn summary(&self, run: &Run) -> String {
        let mut parts = Vec::new();
        if self.finished > 0 {
            parts.push(format!("{} of earlier runs finished", count(self.finished, "rotation")));
        }
        if self.rotated > 0 {
            parts.push(format!("{} rotated", count(self.rotated, "log")));
        }
        if self.collected > 0 {
            parts.push(format!("{} collected", count(self.collected, "file")));
        }
        if self.archived > 0 {
            parts.push(format!("{} archived ({} -> {})", self.archived, Size(self.plain_bytes), Size(self.stored_bytes)));
        }
        if self.settled > 0 {
            parts.push(format!("{} in the store", count(self.settled, "archive")));
        }
        if self.handed > 0 {
            parts.push(format!("{} handed over", self.handed));
        }
        if self.removed > 0 {
            parts.push(format!("{} removed ({})", count(self.removed, "archive"), Size(self.removed_bytes)));
        }
        if self.vanished > 0 {
            parts.push(format!("{} vanished", count(self.vanished, "archive")));
        }
        match (parts.is_empty(), run.shutdown.asked()) {
            (true, true) => "stopped before anything was done".to_owned(),
            (true, false) => "nothing was changed".to_owned(),
            (false, _) => parts.join(", "),
        }
    }
}
