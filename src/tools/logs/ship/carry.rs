//! Carries it out: objects, then a segment that names them, then receipts; a batch at a time.

use std::collections::{HashMap, HashSet};

use super::{
    Plan, Ship,
    ending::{broken_off, conclude, failed},
    load::Load,
    under_way::UnderWay,
    upload::{Came, Uploaded, upload},
};
use crate::{
    failure::Result,
    report::{Incomplete, Outcome, Report, Step},
    run::{Run, side_by_side},
    store::{self, Store, Terms},
    tools::logs::{
        manifest::{memory::Memory, register::Register, stored::Asking},
        parcel::Receipt,
        patience::Patience,
        spool::{Waiting, damage},
    },
};

/// So many objects share one segment.
pub(super) const BATCH: usize = 200;

/// One run under way.
struct Carry<'a> {
    ship: &'a Ship,
    run: &'a Run,
    store: &'a dyn Store,
    register: Register<'a>,
    under_way: UnderWay<'a>,
    /// What this run may have to look up there.
    keys: HashSet<&'a str>,
    /// Which segment names which of them; read when first needed.
    named: Option<HashMap<String, u64>>,
    report: &'a mut Report,
    shipped: Load,
    patience: Patience,
}

/// Ships what the plan says.
pub(super) fn carry_out(ship: &Ship, run: &Run, plan: &Plan) -> Result<Report> {
    let mut report = Ship::troubles(run, plan);
    let state = run.state.make()?;
    let memory = Memory::of(Some(&ship.spool), state);
    let chain = memory.recall(&ship.host, &ship.store.to_string())?;
    let under_way = UnderWay { state, store: ship.store.to_string(), host: &ship.host, shutdown: &run.shutdown };
    let silent = chain.is_silent(ship.sign_key.is_some(), run.clock.now().date_naive());
    if plan.parcels.is_empty() && silent && (ship.beside_direct || under_way.is_empty()) {
        sweep(ship, plan, &mut report);
        "nothing waits for the store".clone_into(&mut report.summary);
        return Ok(report);
    }
    let terms = Terms { lock: ship.lock.map(|lock| lock.from(run.clock.now())), ..ship.terms.clone() };
    let store = match store::open(&ship.store, &terms) {
        Ok(store) => store,
        Err(failure) => {
            report.incomplete.push((&failure).into());
            report.summary = format!("nothing was shipped: {}", waits(plan));
            return Ok(report);
        }
    };
    let shipped = all(ship, run, plan, &*store, (&memory, under_way), &mut report);
    sweep(ship, plan, &mut report);
    if let Some(signal) = run.shutdown.asked_by() {
        report.incomplete.push(Incomplete::new("this run", format!("signal {signal} asked to stop; the next run goes on")));
    }
    let left = plan.parcels.iter().filter(|waiting| !ship.spool.is_signed(waiting, &ship.store.to_string())).count();
    let rest = if left > 0 { format!(", {left} left") } else { String::new() };
    report.summary = format!("{}{rest}", shipped.told("shipped"));
    Ok(report)
}

fn waits(plan: &Plan) -> String {
    if plan.parcels.is_empty() { "nothing waits".to_owned() } else { plan.load().told("waiting") }
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

/// What is in the store, and named there.
fn all(
    ship: &Ship,
    run: &Run,
    plan: &Plan,
    store: &dyn Store,
    (memory, under_way): (&Memory, UnderWay),
    report: &mut Report,
) -> Load {
    let sign = |receipts: &[Receipt]| ship.spool.sign(receipts);
    // Who cannot sign puts nothing anywhere. Only with the pen it is known that nobody else goes on with what is remembered.
    let opened = ship.spool.may_sign().and_then(|pen| {
        let chain = memory.recall(&ship.host, &ship.store.to_string())?;
        let remembers = chain.head.is_some();
        Ok((pen, remembers, Register::open(store, memory, chain, &sign)?))
    });
    let (shipped, ended) = match opened {
        Ok((_pen, remembers, (register, told))) => {
            report.findings.extend(told);
            if !ship.beside_direct
                && let Err(failure) = under_way.sweep(store, plan, remembers)
            {
                report.incomplete.push((&failure).into());
            }
            let keys = plan.parcels.iter().map(|waiting| waiting.parcel.key.as_str()).collect();
            let (named, shipped, patience) = (None, Load::default(), Patience::default());
            let mut carry = Carry { ship, run, store, register, under_way, keys, named, report, shipped, patience };
            let ended = carry.all(plan);
            (carry.shipped, ended)
        }
        Err(failure) => (Load::default(), Err(failure)),
    };
    if let Err(failure) = ended {
        broken_off(&failure, report);
    }
    shipped
}

impl Carry<'_> {
    fn all(&mut self, plan: &Plan) -> Result<()> {
        let bar = self.run.progress.bytes("shipping", plan.bytes());
        let moved = |bytes: u64| bar.advance(bytes);
        let address = self.ship.store.to_string();
        // What an earlier run shipped and had not come to sign for is signed for by now.
        let parcels: Vec<&Waiting> =
            plan.parcels.iter().filter(|waiting| !self.ship.spool.is_signed(waiting, &address)).collect();
        for batch in parcels.chunks(BATCH) {
            if self.run.shutdown.asked() || self.patience.is_over() {
                break;
            }
            self.batch(batch, &moved)?;
        }
        conclude(self.ship, self.run, &mut self.register, &self.patience, self.report)
    }

    fn batch(&mut self, batch: &[&Waiting], moved: store::Moved) -> Result<()> {
        let Carry { store, ship, under_way, patience, .. } = self;
        let one = |waiting: &&Waiting| {
            // The store was left alone meanwhile.
            if patience.is_over() {
                return None;
            }
            let came = upload(*store, &ship.spool, under_way, waiting, moved);
            // Of what is wrong here, the store heard nothing that counts.
            if !matches!(came, Ok(Came::Damaged(_) | Came::Unread(_))) {
                patience.hears(&came);
            }
            Some(came)
        };
        let at_once = store.at_once().unwrap_or(ship.parallel);
        let results = side_by_side(batch, at_once, &self.run.shutdown, || (), one);
        let mut arrived = Vec::new();
        for (waiting, result) in batch.iter().zip(results) {
            match result.flatten() {
                Some(Ok(Came::Stored(uploaded))) => arrived.push((*waiting, *uploaded)),
                Some(Ok(Came::Damaged(why))) => self.damaged(waiting, &why),
                Some(Ok(Came::TakenBack)) | None => {}
                Some(Ok(Came::Unread(failure)) | Err(failure)) => failed("ship", &waiting.parcel.key, &failure, self.report),
            }
        }
        self.name(arrived)
    }

    /// Says so to the other side, which has the archive and makes another parcel of it.
    fn damaged(&mut self, waiting: &Waiting, why: &str) {
        self.report.findings.push(damage::finding(waiting, why));
        let step = Step::new("ship", waiting.parcel.key.clone(), Outcome::Skipped, "what waits is not what was handed over");
        self.report.steps.push(step);
        if let Err(failure) = self.ship.spool.doubt(&waiting.id) {
            self.report.incomplete.push((&failure).into());
        }
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
            let number = self.register.next();
            let receipts: Vec<Receipt> =
                fresh.iter().map(|(waiting, uploaded)| self.receipt(waiting, uploaded, number)).collect();
            let objects = fresh.iter().map(|(_, uploaded)| uploaded.object.clone()).collect();
            self.register.say(self.run.clock.now(), objects, &receipts)?;
        }
        let known = known.iter().map(|(waiting, uploaded, _)| (waiting, uploaded));
        for (waiting, uploaded) in known.chain(fresh.iter().map(|(waiting, uploaded)| (waiting, uploaded))) {
            let parcel = &waiting.parcel;
            let why = if uploaded.was_there {
                "the store had it already, with the same text"
            } else {
                "stored, proven to be there, named in the manifest"
            };
            let archives: Vec<String> = parcel.archives().into_iter().map(|(name, _)| parcel.path(name)).collect();
            let step = Step::new("ship", parcel.key.clone(), Outcome::Done, why).with("archives", archives);
            self.report.steps.push(step.with("bytes", uploaded.object.stored).with("sha256", uploaded.object.sha256.clone()));
            self.shipped.add(parcel, uploaded.object.stored);
        }
        Ok(())
    }

    fn receipt(&self, waiting: &Waiting, uploaded: &Uploaded, segment: u64) -> Receipt {
        let object = &uploaded.object;
        Receipt {
            parcel: waiting.id.clone(),
            store: self.ship.store.to_string(),
            key: object.key.clone(),
            sha256: object.sha256.clone(),
            stored_sha256: object.stored_sha256.clone(),
            stored: object.stored,
            segment,
            shipped_at: self.run.clock.now(),
        }
    }

    /// Which segment names the object.
    fn named(&mut self, key: &str) -> Result<Option<u64>> {
        let named = if let Some(named) = self.named.take() {
            named
        } else {
            let asking = Asking::of(self.store, self.run, self.ship.parallel, &self.patience);
            self.register.naming(asking, &|key| self.keys.contains(key))?.into_iter().collect()
        };
        Ok(self.named.insert(named).get(key).copied())
    }
}
