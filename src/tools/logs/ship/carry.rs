//! Carries it out: objects, then a segment that names them, then receipts; a batch at a time.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use super::{
    Plan, Ship,
    chain::{Chain, Head, Pending},
    upload::{Uploaded, upload},
};
use crate::{
    failure::{Exit, Failure, Result},
    report::{Finding, Incomplete, Outcome, Report, Severity, Size, Step, count},
    run::{Run, side_by_side},
    store::{self, Body, Key, Put, Store},
    tools::logs::{
        manifest::{self, Segment, Written, stored},
        parcel::Receipt,
        spool::Waiting,
    },
};

/// So many objects share one segment.
const BATCH: usize = 200;
/// After so many failures in a row the store is left alone until the next run.
const PATIENCE: usize = 5;

/// One run under way.
struct Carry<'a> {
    ship: &'a Ship,
    run: &'a Run,
    store: Box<dyn Store>,
    state: &'a Path,
    chain: Chain,
    /// What this run may have to look up there.
    keys: HashSet<&'a str>,
    /// Which segment names which of them; read when first needed.
    named: Option<HashMap<String, u64>>,
    report: Report,
    shipped: (u64, u64),
    failures: usize,
}

/// Ships what the plan says.
pub(super) fn carry_out(ship: &Ship, run: &Run, plan: &Plan) -> Result<Report> {
    let mut report = Ship::troubles(run, plan);
    let state = run.state.make()?;
    let chain = Chain::read(state, &ship.host, &ship.store.to_string())?;
    let today = run.clock.now().date_naive();
    let silent = chain.head.as_ref().is_none_or(|head| head.made_at.date_naive() == today) && chain.pending.is_none();
    if plan.parcels.is_empty() && silent {
        sweep(ship, plan, &mut report);
        "nothing waits for the store".clone_into(&mut report.summary);
        return Ok(report);
    }
    let store = match store::open(&ship.store, &ship.terms) {
        Ok(store) => store,
        Err(failure) => {
            report.incomplete.push((&failure).into());
            report.summary = format!("nothing was shipped: {}", waits(plan));
            return Ok(report);
        }
    };
    let keys = plan.parcels.iter().map(|waiting| waiting.parcel.key.as_str()).collect();
    let mut carry = Carry { ship, run, store, state, chain, keys, named: None, report, shipped: (0, 0), failures: 0 };
    if let Err(failure) = carry.all(plan) {
        if failure.exit == Exit::PersonNeeded {
            let finding = Finding::new("logs.manifest-differs", Severity::Danger, failure.what.clone(), failure.to_string());
            carry.report.findings.push(Finding { hint: failure.hint.clone(), ..finding });
        }
        carry.report.incomplete.push((&failure).into());
    }
    sweep(ship, plan, &mut carry.report);
    if let Some(signal) = run.shutdown.asked_by() {
        carry.report.incomplete.push(Incomplete::new("this run", format!("signal {signal} asked to stop; the next run goes on")));
    }
    let (objects, bytes) = carry.shipped;
    let left = plan.parcels.iter().filter(|waiting| !ship.spool.is_signed(waiting, &carry.chain.store)).count();
    let rest = if left > 0 { format!(", {left} left") } else { String::new() };
    carry.report.summary = format!("{} shipped ({}){rest}", count(objects, "archive"), Size(bytes));
    Ok(carry.report)
}

fn waits(plan: &Plan) -> String {
    let parcels = plan.parcels.len() as u64;
    if parcels == 0 { "nothing waits".to_owned() } else { format!("{} wait ({})", count(parcels, "archive"), Size(plan.bytes())) }
}

/// Receipts for parcels that were taken back have done what they are for.
fn sweep(ship: &Ship, plan: &Plan, report: &mut Report) {
    let waiting = plan.parcels.iter().chain(plan.left.iter().map(|(waiting, _)| waiting)).map(|waiting| &waiting.id).collect();
    // Where a ticket cannot be read, nobody knows for which parcel a receipt is still needed.
    if plan.listed.unreadable.is_empty()
        && let Err(failure) = ship.spool.sweep_receipts(&waiting)
    {
        report.incomplete.push((&failure).into());
    }
}

impl Carry<'_> {
    fn all(&mut self, plan: &Plan) -> Result<()> {
        // Who cannot sign puts nothing anywhere.
        self.ship.spool.may_sign()?;
        self.same_store()?;
        self.conclude()?;
        if self.chain.head.is_none() {
            self.resume()?;
        }
        let bar = self.run.progress.bytes("shipping", plan.bytes());
        let moved = |bytes: u64| bar.advance(bytes);
        // What an earlier run shipped and had not come to sign for is signed for by now.
        let parcels: Vec<&Waiting> =
            plan.parcels.iter().filter(|waiting| !self.ship.spool.is_signed(waiting, &self.chain.store)).collect();
        for batch in parcels.chunks(BATCH) {
            if self.run.shutdown.asked() || self.failures >= PATIENCE {
                break;
            }
            self.batch(batch, &moved)?;
        }
        let today = self.run.clock.now().date_naive();
        // A day without a segment would look like a tail that is missing.
        if self.chain.head.as_ref().is_some_and(|head| head.made_at.date_naive() < today) && self.failures == 0 {
            self.say(Vec::new())?;
        }
        if self.failures >= PATIENCE {
            let why = format!("{PATIENCE} failures in a row: the rest is left to the next run");
            self.report.incomplete.push(Incomplete::new(self.chain.store.clone(), why));
        }
        Ok(())
    }

    /// Ends what an earlier run was about to say.
    fn conclude(&mut self) -> Result<()> {
        let Some(Pending { text, receipts }) = self.chain.pending.clone() else { return Ok(()) };
        let written = Written::read(text.into_bytes())
            .map_err(|why| Failure::new("go on with", "the segment that an earlier run began").because(why))?;
        self.still_there(&written.segment)?;
        self.publish(&written)?;
        self.signed(&written, &receipts)
    }

    /// Nobody signs for what an earlier run saw, and for what may be in another store than this.
    fn still_there(&self, segment: &Segment) -> Result<()> {
        for object in &segment.objects {
            let size = Key::new(object.key.clone()).map(|key| self.store.size(&key)).transpose()?.flatten();
            if size != Some(object.stored) {
                return Err(Failure::new("go on with", format!("segment {}, which an earlier run began", segment.number))
                    .because(format!("{} is not there as it was", object.key))
                    .hint("is the store mounted, and the one that it was? nothing here is removed"));
            }
        }
        Ok(())
    }

    /// Where the last segment is not what it was, this is not the store that it was.
    fn same_store(&mut self) -> Result<()> {
        let Some(head) = self.chain.head.clone() else { return Ok(()) };
        let found = self.segment(head.number)?;
        if found.as_ref().is_some_and(|found| found.sha256 == head.sha256) {
            return Ok(());
        }
        let why = if found.is_some() { "is another one now" } else { "is not there" };
        Err(Failure::new("ship to", &self.chain.store)
            .because(format!("segment {} of this machine's manifest {why}", head.number))
            .hint("is it mounted, and the one that it was? `ops-logs verify` tells more; nothing here is removed"))
    }

    /// Without a memory of its own this machine goes on where the store says it was, and says that nothing proves it.
    fn resume(&mut self) -> Result<()> {
        let Some(last) = self.numbers()?.into_iter().max() else { return Ok(()) };
        let found =
            self.segment(last)?.ok_or_else(|| Failure::new("read", format!("segment {last}")).because("it is not there"))?;
        self.chain.head = Some(Head { number: last, sha256: found.sha256, made_at: found.segment.made_at });
        self.chain.write(self.state)?;
        let message = format!("the store has {last} segments of this machine, and nothing here says that {last} was the last");
        let finding = Finding::new("logs.chain-resumed", Severity::Note, self.chain.store.clone(), message);
        self.report.findings.push(finding.hint("if this machine's state was not lost, another machine has its name: set `host`"));
        Ok(())
    }

    fn batch(&mut self, batch: &[&Waiting], moved: store::Moved) -> Result<()> {
        let (store, ship) = (&*self.store, self.ship);
        let one = |waiting: &&Waiting| upload(store, &ship.spool, waiting, moved);
        let results = side_by_side(batch, self.ship.parallel, &self.run.shutdown, || (), one);
        let mut arrived = Vec::new();
        for (waiting, result) in batch.iter().zip(results) {
            match result {
                Some(Ok(Some(uploaded))) => {
                    self.failures = 0;
                    arrived.push((*waiting, uploaded));
                }
                Some(Ok(None)) | None => {}
                Some(Err(failure)) => self.failed(waiting, &failure),
            }
        }
        self.name(arrived)
    }

    fn failed(&mut self, waiting: &Waiting, failure: &Failure) {
        self.failures += 1;
        let key = &waiting.parcel.key;
        if failure.exit == Exit::PersonNeeded {
            let finding = Finding::new("logs.object-differs", Severity::Danger, key.clone(), failure.to_string());
            self.report.findings.push(finding);
        }
        let why = failure.hint.as_ref().map_or_else(|| failure.to_string(), |hint| format!("{failure} (hint: {hint})"));
        self.report.steps.push(Step::new("ship", key.clone(), Outcome::Failed, why));
    }

    /// Names what arrived in a segment, unless one does already, and signs.
    fn name(&mut self, arrived: Vec<(&Waiting, Uploaded)>) -> Result<()> {
        let mut fresh = Vec::new();
        let mut known = Vec::new();
        for (waiting, uploaded) in arrived {
            match if uploaded.was_there { self.named(&uploaded.object.key)? } else { None } {
                Some(number) => known.push((waiting, uploaded, number)),
                None => fresh.push((waiting, uploaded)),
            }
        }
        let receipts: Vec<Receipt> =
            known.iter().map(|(waiting, uploaded, number)| self.receipt(waiting, uploaded, *number)).collect();
        self.ship.spool.sign(&receipts)?;
        if !fresh.is_empty() {
            self.say(fresh.iter().map(|(waiting, uploaded)| (*waiting, uploaded)).collect())?;
        }
        for (waiting, uploaded) in known
            .iter()
            .map(|(waiting, uploaded, _)| (waiting, uploaded))
            .chain(fresh.iter().map(|(waiting, uploaded)| (waiting, uploaded)))
        {
            let why = if uploaded.was_there {
                "the store had it already, with the same text"
            } else {
                "stored, proven to be there, named in the manifest"
            };
            let step = Step::new("ship", waiting.parcel.key.clone(), Outcome::Done, why);
            self.report.steps.push(step.with("bytes", uploaded.object.stored).with("sha256", uploaded.object.sha256.clone()));
            self.shipped = (self.shipped.0 + 1, self.shipped.1 + uploaded.object.stored);
        }
        Ok(())
    }

    fn receipt(&self, waiting: &Waiting, uploaded: &Uploaded, segment: u64) -> Receipt {
        let object = &uploaded.object;
        Receipt {
            parcel: waiting.id.clone(),
            store: self.chain.store.clone(),
            key: object.key.clone(),
            sha256: object.sha256.clone(),
            stored_sha256: object.stored_sha256.clone(),
            stored: object.stored,
            segment,
            shipped_at: self.run.clock.now(),
        }
    }

    /// The next segment: remembered, made, signed for.
    fn say(&mut self, objects: Vec<(&Waiting, &Uploaded)>) -> Result<()> {
        let head = self.chain.head.as_ref();
        let number = head.map_or(0, |head| head.number) + 1;
        let receipts: Vec<Receipt> = objects.iter().map(|(waiting, uploaded)| self.receipt(waiting, uploaded, number)).collect();
        let written = Written::of(Segment {
            host: self.ship.host.clone(),
            number,
            previous: head.map(|head| head.sha256.clone()),
            made_at: self.run.clock.now(),
            objects: objects.into_iter().map(|(_, uploaded)| uploaded.object.clone()).collect(),
        });
        let text = String::from_utf8(written.text.clone()).expect("JSON is text");
        self.chain.pending = Some(Pending { text, receipts: receipts.clone() });
        self.chain.write(self.state)?;
        self.publish(&written)?;
        self.signed(&written, &receipts)
    }

    /// Makes the segment. One of that number that says something else was made by another machine of this name.
    fn publish(&self, written: &Written) -> Result<()> {
        let number = written.segment.number;
        let key = manifest::key(&self.ship.host, number).ok_or_else(|| Failure::new("name", format!("segment {number}")))?;
        match self.store.put(&key, &Body::of(&written.text), &|_| ())? {
            Put::Made => Ok(()),
            Put::Taken if self.segment(number)?.is_some_and(|found| found.sha256 == written.sha256) => Ok(()),
            Put::Taken => Err(Failure::new("write", self.store.shown(&key))
                .because("another machine of this name wrote it: the manifest is forked")
                .hint("give each machine its own name (`host` in the settings); nothing here is removed")
                .exit(Exit::PersonNeeded)),
        }
    }

    fn signed(&mut self, written: &Written, receipts: &[Receipt]) -> Result<()> {
        self.ship.spool.sign(receipts)?;
        let Segment { number, made_at, .. } = written.segment;
        self.chain.head = Some(Head { number, sha256: written.sha256.clone(), made_at });
        self.chain.pending = None;
        self.chain.write(self.state)
    }

    /// A segment of this machine as the store has it.
    fn segment(&self, number: u64) -> Result<Option<Written>> {
        let key = manifest::key(&self.ship.host, number).ok_or_else(|| Failure::new("name", format!("segment {number}")))?;
        stored::segment(&*self.store, &key)
    }

    /// The numbers of this machine's segments.
    fn numbers(&self) -> Result<Vec<u64>> {
        let folder = manifest::folder(&self.ship.host).ok_or_else(|| Failure::new("name", "the manifest"))?;
        stored::numbers(&*self.store, &folder)
    }

    /// Which segment names the object.
    fn named(&mut self, key: &str) -> Result<Option<u64>> {
        if self.named.is_none() {
            let mut named = HashMap::new();
            for number in self.numbers()? {
                let objects = self.segment(number)?.map(|written| written.segment.objects).unwrap_or_default();
                let ours = objects.into_iter().filter(|object| self.keys.contains(object.key.as_str()));
                named.extend(ours.map(|object| (object.key, number)));
            }
            self.named = Some(named);
        }
        Ok(self.named.as_ref().and_then(|named| named.get(key)).copied())
    }
}
