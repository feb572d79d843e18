//! Carries it out: what the store has already goes; then a batch at a time objects, the segment that names them, the ledger, the removal.

use std::collections::{HashMap, HashSet};

use super::{
    Direct, Plan,
    record::{Arrived, Gone, Record},
    send::{Came, Sender, Stored},
    source::{Source, State},
    still_waiting,
};
use crate::{
    failure::{Failure, Result},
    files::dir::FileId,
    report::{Incomplete, Outcome, Report, Size, Step, count},
    run::{Run, side_by_side},
    store::{self, Store, Terms},
    tools::logs::{
        ledger::{Entry, EntryId, More, Shipped},
        manifest::{memory::Memory, register::Register, stored::Asking},
        parcel::key,
        patience::Patience,
        rotate::hand::{Version, step_aside},
        ship::{
            ending::{broken_off, conclude, failed},
            under_way::UnderWay,
            upload::Uploaded,
        },
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
    /// What the store has by now.
    sent: HashSet<EntryId>,
    /// Bytes of its objects.
    stored: u64,
    gone: Gone,
    patience: Patience,
}

/// Does what the plan says.
pub(super) fn carry_out(direct: &Direct, run: &Run, plan: &Plan) -> Result<Report> {
    let mut report = Direct::troubles(plan);
    let state = run.state.make()?;
    let patience = Patience::default();
    let (sent, gone) = (HashSet::new(), Gone::default());
    let mut carry = Carry { direct, run, state, report: &mut report, sent, stored: 0, gone, patience };
    let ended = carry.remove_what_is_over(plan).and_then(|()| carry.ship(plan));
    let Carry { sent, stored, gone, .. } = carry;
    let told = ended.is_err();
    if let Err(failure) = ended {
        broken_off(&failure, &mut report);
    }
    if let Some(signal) = run.shutdown.asked_by() {
        report.incomplete.push(Incomplete::new("this run", format!("signal {signal} asked to stop; the next run goes on")));
    }
    let left: Vec<&Entry> = plan.send.iter().filter(|entry| !sent.contains(&entry.id)).collect();
    report.findings.extend(still_waiting(&left, &direct.ship.store.to_string()));
    let rest = if left.is_empty() { String::new() } else { format!(", {} left", left.len()) };
    report.summary = match (sent.len() as u64, gone.logs) {
        (0, 0) if left.is_empty() && !told => NOTHING.to_owned(),
        (shipped, _) => format!(
            "{} shipped ({}), {} removed here ({}){rest}",
            count(shipped, "log"),
            Size(stored),
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
                Ok(found) => proven.push((entry, found)),
                // Somebody removed it, and the next rotation tells.
                Err(failure) if failure.is_absence() => {}
                Err(failure) => failed("remove", entry.path(), &failure, self.report),
            }
        }
        if proven.is_empty() {
            return Ok(());
        }
        let mut record = Record::take(self.direct, self.run, self.state, self.report)?;
        let (same, other): (Vec<_>, Vec<_>) = proven.into_iter().partition(|(_, found)| found.state == State::Same);
        let arrived =
            same.into_iter().map(|(entry, Proven { file, version, .. })| Arrived { entry, shipped: None, file, version });
        let gone = record.settle(&arrived.collect::<Vec<_>>())?;
        for (entry, found) in other {
            record.differs(entry, found.state)?;
        }
        self.gone = gone;
        Ok(())
    }

    fn ship(&mut self, plan: &Plan) -> Result<()> {
        let ship = &self.direct.ship;
        let memory = Memory::of(Some(&ship.spool), self.state);
        let recalled = || memory.recall(&ship.host, &ship.store.to_string());
        let chain = recalled()?;
        let notes = UnderWay { state: self.state, store: ship.store.to_string(), host: &ship.host, shutdown: &self.run.shutdown };
        let silent = chain.is_silent(ship.sign_key.is_some(), self.run.clock.now().date_naive());
        if plan.send.is_empty() && silent {
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
        conclude(ship, self.run, &mut register, &self.patience, self.report)?;
        self.end_uploads(plan, &*store, &notes, remembers)
    }

    /// What was begun is nobody's, but for what waits in the spool, and for logs that were not sent: of these nobody knows the keys.
    fn end_uploads(&self, plan: &Plan, store: &dyn Store, notes: &UnderWay, remembers: bool) -> Result<()> {
        let listed = self.direct.ship.spool.list()?;
        if !listed.unreadable.is_empty() || !self.patience.is_whole() {
            return Ok(());
        }
        let waits: HashSet<&str> = listed.waiting.iter().map(|waiting| waiting.parcel.key.as_str()).collect();
        let left: Vec<&Entry> = plan.send.iter().filter(|entry| !self.sent.contains(&entry.id)).collect();
        let waits = |key: &str| waits.contains(key) || left.iter().any(|entry| key::may_be_of(key, entry));
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
            // What is wrong here, the store heard nothing of.
            if !matches!(came, Ok(Came::Not(_) | Came::Unread(_))) {
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
                Some(Ok(Came::Unread(failure)) | Err(failure)) => failed("ship", entry.path(), &failure, self.report),
                None => {}
            }
        }
        // A rotation may be at work for long, and nothing needs its ledger.
        if stored.is_empty() && odd.is_empty() {
            return Ok(());
        }
        let shipped = self.name(&stored, store, register)?;
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
    fn name(&mut self, stored: &[(&Entry, Stored)], store: &dyn Store, register: &mut Register) -> Result<Vec<Shipped>> {
        let objects = || stored.iter().flat_map(|(_, one)| &one.objects);
        let there: HashSet<&str> = objects().filter(|one| one.was_there).map(|one| one.object.key.as_str()).collect();
        let mut named: HashMap<String, u64> = HashMap::new();
        if !there.is_empty() {
            let asking = Asking::of(store, self.run, self.direct.ship.parallel, &self.patience);
            named.extend(register.naming(asking, &|key| there.contains(key))?);
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
            self.sent.insert(entry.id);
            self.stored += bytes;
            let more = places.collect();
            all.push(Shipped { store: store.clone(), key: first.key, segment: first.segment, at: now, more, direct: true });
        }
        Ok(all)
    }
}

/// What was shipped, read again. Not its open file: there may be more of them than a process may have open.
struct Proven {
    file: FileId,
    version: Version,
    state: State,
}

fn proved(entry: &Entry, host: &str) -> Result<Proven> {
    let source = Source::open(entry)?;
    let archive =
        entry.archive.as_ref().ok_or_else(|| Failure::new("read", entry.path()).because("nothing is recorded of it"))?;
    let state = source.state(&entry.label(host), &archive.facts)?;
    Ok(Proven { file: source.id, version: source.version, state })
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
