//! Carries it out: what the store has already goes; then a batch at a time objects, the segment that names them, the ledger, the removal.

use std::collections::{HashMap, HashSet};

use super::{
    Direct, Plan,
    record::{Arrived, Gone, Record},
    send::{Came, Sender, Stored},
    source::{Source, State},
};
use crate::{
    failure::{Exit, Failure, Result},
    report::{Finding, Incomplete, Outcome, Report, Size, Step, count},
    run::{Run, side_by_side},
    store::{self, Store, Terms},
    tools::logs::{
        ledger::{Entry, More, Shipped},
        manifest::{memory::Memory, register::Register},
        rotate::hand::step_aside,
        ship::{patience::Patience, under_way::UnderWay, upload::Uploaded},
    },
};

/// What is said where there is nothing.
pub(super) const NOTHING: &str = "nothing waits here for the store";
/// So many logs share one segment, and go together.
const BATCH: usize = 32;
/// So many bytes of text do: the disk is short of room.
const BATCH_BYTES: u64 = 256 << 20;

/// One run under way.
struct Carry<'a> {
    direct: &'a Direct,
    run: &'a Run,
    state: &'a std::path::Path,
    report: &'a mut Report,
    sent: (u64, u64),
    gone: Gone,
    patience: Patience,
}

/// Does what the plan says.
pub(super) fn carry_out(direct: &Direct, run: &Run, plan: &Plan) -> Result<Report> {
    let mut report = Direct::troubles(plan);
    let state = run.state.make()?;
    let patience = Patience::default();
    let mut carry = Carry { direct, run, state, report: &mut report, sent: (0, 0), gone: Gone::default(), patience };
    let ended = carry.remove_what_is_over(plan).and_then(|()| carry.ship(plan));
    let (sent, gone, told) = (carry.sent, carry.gone, ended.is_err());
    if let Err(failure) = ended {
        if failure.exit == Exit::PersonNeeded {
            report.findings.push(Finding::of("logs.manifest-differs", failure.what.clone(), &failure));
        }
        report.incomplete.push((&failure).into());
    }
    if let Some(signal) = run.shutdown.asked_by() {
        report.incomplete.push(Incomplete::new("this run", format!("signal {signal} asked to stop; the next run goes on")));
    }
    let left = (plan.send.len() as u64).saturating_sub(sent.0);
    if left > 0 {
        report.findings.extend(plan.waiting(&direct.ship.store.to_string()));
    }
    let rest = if left > 0 { format!(", {left} left") } else { String::new() };
    report.summary = match (sent.0, gone.logs) {
        (0, 0) if left == 0 && !told => NOTHING.to_owned(),
        _ => format!(
            "{} shipped ({}), {} removed here ({}){rest}",
            count(sent.0, "log"),
            Size(sent.1),
            gone.logs,
            Size(gone.bytes)
        ),
    };
    Ok(report)
}

impl Carry<'_> {
    /// An earlier run did not come to remove it, or may not.
    fn remove_what_is_over(&mut self, plan: &Plan) -> Result<()> {
        let mut proven = Vec::new();
        for entry in &plan.over {
            if self.run.shutdown.asked() {
                return Ok(());
            }
            match proved(entry, &self.direct.ship.host) {
                Ok((source, state)) => proven.push((entry, source, state)),
                // Somebody removed it, and the next rotation tells.
                Err(failure) if failure.is_absence() => {}
                Err(failure) => self.failed("remove", entry, &failure),
            }
        }
        if proven.is_empty() {
            return Ok(());
        }
        let mut record = Record::take(self.direct, self.run, self.state, self.report)?;
        let same = proven.iter().filter(|(.., state)| *state == State::Same);
        let arrived = same.map(|(entry, source, _)| Arrived { entry, shipped: None, file: source.id, version: source.version });
        let arrived: Vec<Arrived> = arrived.collect();
        let gone = record.settle(&arrived)?;
        for (entry, _, state) in proven.iter().filter(|(.., state)| *state != State::Same) {
            record.differs(entry, *state)?;
        }
        self.gone = gone;
        Ok(())
    }

    fn ship(&mut self, plan: &Plan) -> Result<()> {
        let ship = &self.direct.ship;
        let memory = Memory::of(Some(&ship.spool), self.state);
        let recalled = || memory.recall(&ship.host, &ship.store.to_string());
        let chain = recalled()?;
        let notes = UnderWay { state: self.state, store: ship.store.to_string(), host: &ship.host };
        let today = self.run.clock.now().date_naive();
        let silent = chain.head.as_ref().is_none_or(|head| head.made_at.date_naive() == today) && chain.pending.is_none();
        let signed = ship.sign_key.is_none() || chain.unsigned().is_none();
        if plan.send.is_empty() && silent && signed {
            return Ok(());
        }
        let terms = Terms { lock: ship.lock.map(|lock| lock.from(self.run.clock.now())), ..ship.terms.clone() };
        let store = store::open(&ship.store, &terms)?;
        ship.spool.make_desk()?;
        // Who cannot go on with the manifest puts nothing anywhere.
        let _pen = ship.spool.may_sign()?;
        // Only with it nobody else goes on with what is remembered.
        let chain = recalled()?;
        let remembers = chain.head.is_some();
        let sign = |receipts: &[_]| ship.spool.sign(receipts);
        let (mut register, told) = Register::open(&*store, &memory, chain, &sign)?;
        self.report.findings.extend(told);
        for batch in batches(&plan.send) {
            if self.run.shutdown.asked() || self.patience.is_over() {
                break;
            }
            self.batch(batch, &*store, &notes, &mut register)?;
        }
        let now = self.run.clock.now();
        // A day without a segment would look like a tail that is missing.
        if register.last_day().is_some_and(|day| day < now.date_naive()) && self.patience.is_whole() {
            register.say(now, Vec::new(), &[])?;
        }
        // Last, because nothing that waits may wait for it.
        if let Some(with) = &ship.sign_key
            && self.patience.is_whole()
            && !self.run.shutdown.asked()
        {
            register.sign_end(with, now, self.report);
        }
        if self.patience.is_over() {
            let why = format!("{} failures in a row: the rest is left to the next run", Patience::FAILURES);
            self.report.incomplete.push(Incomplete::new(ship.store.to_string(), why));
        }
        if self.sent.0 == plan.send.len() as u64 { self.end_uploads(&*store, &notes, remembers) } else { Ok(()) }
    }

    /// All that was to go is there: what was begun besides is nobody's, but for what waits in the spool.
    fn end_uploads(&self, store: &dyn Store, notes: &UnderWay, remembers: bool) -> Result<()> {
        let listed = self.direct.ship.spool.list()?;
        if !listed.unreadable.is_empty() {
            return Ok(());
        }
        let waits: HashSet<&str> = listed.waiting.iter().map(|waiting| waiting.parcel.key.as_str()).collect();
        notes.sweep_but(store, &waits, remembers)
    }

    fn batch(&mut self, batch: &[Entry], store: &dyn Store, notes: &UnderWay, register: &mut Register) -> Result<()> {
        let Direct { rotate, ship } = self.direct;
        let now = self.run.clock.now();
        let bytes: u64 = batch.iter().map(Entry::stored).sum();
        // Each is read twice, to be tried and to be sent.
        let bar = self.run.progress.bytes("shipping (each byte is read twice)", 2 * bytes);
        let progress = |bytes: u64| bar.advance(bytes);
        let sender = Sender { store, notes, host: &ship.host, now, progress: &progress };
        let patience = &self.patience;
        let one = |entry: &Entry| {
            let set = rotate.sets.iter().find(|set| set.name == entry.set)?;
            let (service, how) = (set.service.as_deref()?, set.direct?);
            if patience.is_over() {
                return None;
            }
            let came = sender.send(entry, service, how);
            if !matches!(came, Ok(Came::Not(_))) {
                patience.hears(&came);
            }
            Some(came)
        };
        // To compress takes a processor each, whatever the store can take.
        let at_once = store.at_once().unwrap_or(ship.parallel).min(ship.parallel);
        let results = side_by_side(batch, at_once, &self.run.shutdown, step_aside, one);
        let (mut stored, mut odd) = (Vec::new(), Vec::new());
        for (entry, result) in batch.iter().zip(results) {
            match result.flatten() {
                Some(Ok(Came::Stored(one))) => stored.push((entry, *one)),
                Some(Ok(Came::Not(state))) => odd.push((entry, state)),
                Some(Err(failure)) => self.failed("ship", entry, &failure),
                None => {}
            }
        }
        let shipped = self.name(&stored, register)?;
        let mut record = Record::take(self.direct, self.run, self.state, self.report)?;
        let arrived = stored.iter().zip(shipped).map(|((entry, one), shipped)| Arrived {
            entry,
            shipped: Some(shipped),
            file: one.file,
            version: one.version,
        });
        let gone = record.settle(&arrived.collect::<Vec<_>>())?;
        for (entry, state) in odd {
            record.differs(entry, state)?;
        }
        self.gone = Gone { logs: self.gone.logs + gone.logs, bytes: self.gone.bytes + gone.bytes };
        Ok(())
    }

    /// Names what arrived in a segment, unless one does already; what the ledger is to know of each.
    fn name(&mut self, stored: &[(&Entry, Stored)], register: &mut Register) -> Result<Vec<Shipped>> {
        let objects = || stored.iter().flat_map(|(_, one)| &one.objects);
        let there: HashSet<&str> = objects().filter(|one| one.was_there).map(|one| one.object.key.as_str()).collect();
        let mut named: HashMap<String, u64> = HashMap::new();
        if !there.is_empty() {
            named.extend(register.naming(&|key| there.contains(key))?);
        }
        let fresh: Vec<_> = objects().map(|one| &one.object).filter(|object| !named.contains_key(&object.key)).cloned().collect();
        let now = self.run.clock.now();
        if !fresh.is_empty() {
            let number = register.next();
            named.extend(fresh.iter().map(|object| (object.key.clone(), number)));
            register.say(now, fresh, &[])?;
        }
        let store = self.direct.ship.store.to_string();
        let mut all = Vec::new();
        for (entry, one) in stored {
            let place = |one: &Uploaded| More { segment: named[&one.object.key], key: one.object.key.clone() };
            let mut places = one.objects.iter().map(place);
            let first = places.next().ok_or_else(|| Failure::new("ship", entry.path()).because("it became no object"))?;
            let bytes: u64 = one.objects.iter().map(|one| one.object.stored).sum();
            let keys: Vec<&str> = one.objects.iter().map(|one| one.object.key.as_str()).collect();
            let why = if one.objects.iter().all(|one| one.was_there) {
                "the store had it already, with the same text"
            } else {
                "compressed on its way, stored, proven to be there, named in the manifest"
            };
            let step = Step::new("ship", entry.path(), Outcome::Done, why).with("key", keys.join(" "));
            self.report.steps.push(step.with("bytes", bytes).with("text", entry.stored()));
            self.sent = (self.sent.0 + 1, self.sent.1 + bytes);
            let more = places.collect();
            all.push(Shipped { store: store.clone(), key: first.key, segment: first.segment, at: now, more, direct: true });
        }
        Ok(all)
    }

    fn failed(&mut self, action: &'static str, entry: &Entry, failure: &Failure) {
        if failure.exit == Exit::PersonNeeded {
            self.report.findings.push(Finding::of("logs.object-differs", failure.what.clone(), failure));
        }
        self.report.steps.push(Step::new(action, entry.path(), Outcome::Failed, failure.told()));
    }
}

/// What was shipped, read again.
fn proved(entry: &Entry, host: &str) -> Result<(Source, State)> {
    let source = Source::open(entry)?;
    let archive =
        entry.archive.as_ref().ok_or_else(|| Failure::new("read", entry.path()).because("nothing is recorded of it"))?;
    let state = source.state(&entry.label(host), &archive.facts)?;
    Ok((source, state))
}

/// Not too many logs, and not too much text; one log at least.
fn batches(entries: &[Entry]) -> Vec<&[Entry]> {
    let mut batches = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (at, entry) in entries.iter().enumerate() {
        if at > from && (at - from == BATCH || bytes + entry.stored() > BATCH_BYTES) {
            batches.push(&entries[from..at]);
            (from, bytes) = (at, 0);
        }
        bytes += entry.stored();
    }
    batches.extend((from < entries.len()).then(|| &entries[from..]));
    batches
}
