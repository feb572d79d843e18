//! Takes back what the store has.
//!
//! A receipt that agrees is not enough: the archive here must still be the one that was handed over. Only then it is recorded
//! that the store has it, and only then a keep-rule may remove it.

use std::path::Path;

use super::Carry;
use crate::{
    failure::{Failure, Result},
    files::{dir::Dir, fingerprint},
    report::{Finding, Incomplete, Outcome, Report, Severity, Step},
    tools::logs::{
        ledger::{Archive, EntryId, Line, More, Shipped},
        parcel::part::Whole,
        rotate::{
            Shipping,
            plan::{Arrival, Plan},
        },
        spool::{self, Counter},
    },
};

/// Records what the store has, and takes it out of the spool.
pub(super) fn settle(carry: &mut Carry, plan: &Plan) -> Result<()> {
    let Some(shipping) = carry.rotate.shipping.as_ref().filter(|_| !plan.shipment.arrivals.is_empty()) else { return Ok(()) };
    let Some(counter) = counter(carry, shipping) else { return Ok(()) };
    let mut settled = Vec::new();
    for arrival in &plan.shipment.arrivals {
        if carry.run.shutdown.asked() {
            break;
        }
        // Of several archives each is looked at for itself; what they came in stays until all of them are as they were.
        let mut sound = Vec::new();
        for (archive, entry) in &arrival.archives {
            match carry.still_as_handed_over(archive, *entry) {
                Ok(()) => sound.push(*entry),
                Err(failure) => carry.failed("settle", subject(arrival), &failure),
            }
        }
        settled.push((arrival, sound));
    }
    let entries = &carry.ledger.content().entries;
    // Of what is recorded, only some parts may be left here.
    let unknown = |id: &EntryId| entries.get(id).is_some_and(|entry| entry.shipped.is_none());
    let line = |arrival: &Arrival, id: EntryId| Some(Line::Shipped { id, shipped: shipped(arrival)? });
    let of = |(arrival, sound): &(&Arrival, Vec<Option<EntryId>>)| {
        sound.iter().copied().flatten().filter(unknown).filter_map(|id| line(arrival, id)).collect::<Vec<_>>()
    };
    let lines = settled.iter().flat_map(of).collect();
    carry.ledger.commit(lines)?;
    for (arrival, sound) in settled {
        if sound.len() < arrival.archives.len() {
            continue;
        }
        match arrival.parcels.iter().try_for_each(|signed| counter.take_back(&signed.id)) {
            Ok(()) => {
                carry.tally.settled += sound.len() as u64;
                let why = "the store has it, and what is here of it is what was handed over";
                carry.step(Step::new("settle", subject(arrival), Outcome::Done, why));
            }
            Err(failure) => carry.failed("settle", subject(arrival), &failure),
        }
    }
    Ok(())
}

/// The object that it is in, or the first of them.
fn subject(arrival: &Arrival) -> String {
    arrival.parcels.first().map(|signed| signed.parcel.key.clone()).unwrap_or_default()
}

fn shipped(arrival: &Arrival) -> Option<Shipped> {
    let mut receipts = arrival.parcels.iter().map(|signed| &signed.receipt);
    let first = receipts.next()?;
    let at = arrival.parcels.iter().map(|signed| signed.receipt.shipped_at).max()?;
    let more = receipts.map(|receipt| More { key: receipt.key.clone(), segment: receipt.segment }).collect();
    Some(Shipped { store: first.store.clone(), key: first.key.clone(), segment: first.segment, at, more, direct: false })
}

/// The spool, ready to be written to. Without it nothing is handed over, and all stays as it is.
pub(super) fn counter(carry: &mut Carry, shipping: &Shipping) -> Option<Counter> {
    match carry.run.state.folder().and_then(|state| shipping.spool.counter(state).map(|counter| (state, counter))) {
        Ok((state, counter)) => {
            if let Some(theirs) = &counter.other {
                two_ledgers(&mut carry.report, shipping, theirs, state);
            }
            Some(counter)
        }
        Err(failure) => {
            let told: Incomplete = (&failure).into();
            if !carry.report.incomplete.contains(&told) {
                carry.report.incomplete.push(told);
            }
            None
        }
    }
}

/// Told once for a run that comes here twice.
fn two_ledgers(report: &mut Report, shipping: &Shipping, theirs: &Path, ours: &Path) {
    let why = format!("{}: neither knows what the other one made", spool::two_ledgers(&shipping.spool, theirs, ours));
    let finding = Finding::new("logs.two-ledgers", Severity::Warning, shipping.spool.path().display().to_string(), why);
    if !report.findings.iter().any(|known| known.id == finding.id) {
        let hint = format!("run it with STATE_DIRECTORY={}, or give each of them a spool of its own", theirs.display());
        report.findings.push(finding.hint(hint));
    }
}

impl Carry<'_> {
    /// What the store has is what is here: else nobody may rely on it.
    fn still_as_handed_over(&mut self, archive: &Whole, entry: Option<EntryId>) -> Result<()> {
        let Some(entry) = entry.and_then(|id| self.ledger.content().entries.get(&id)).cloned() else { return Ok(()) };
        let Some(Archive { file, .. }) = &entry.archive else { return Ok(()) };
        let dir = Dir::open(Path::new(entry.archive_folder()))?;
        // It was removed, and that is told elsewhere; the store has it all the same.
        if dir.stat(file)?.is_none() {
            return Ok(());
        }
        let found = fingerprint::of_file(&dir.read(file)?, archive.stored)?;
        if found == archive.stored_sha256 {
            return Ok(());
        }
        let message = "it is not what was handed over any more, and what was is in the store";
        let finding = Finding::new("logs.archive-wrong", Severity::Danger, entry.path(), message);
        self.report.findings.push(finding.hint("compare it with the object of the store; ops-logs keeps both as they are"));
        Err(Failure::new("settle", entry.path()).because("the archive here is not what was handed over any more"))
    }
}
