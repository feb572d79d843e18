//! Hands archives over to whoever ships, and takes back what the store has.
//!
//! A receipt that agrees is not enough: the archive here must still be the one that was handed over. Only then it is recorded
//! that the store has it, and only then a keep-rule may remove it.

use std::{collections::HashSet, path::Path};

use super::Carry;
use crate::{
    failure::{Exit, Failure, Result},
    files::{
        archive_name::ArchiveName,
        compress::{self, Compression},
        dir::{Dir, Kind, stat_open},
        fingerprint,
    },
    report::{Finding, Incomplete, Outcome, Severity, Size, Step, count},
    tools::logs::{
        ledger::{Archive, Entry, EntryId, Line, Shipped},
        parcel::{Parcel, key},
        rotate::{
            Shipping,
            plan::{Arrival, Damaged, Plan, due},
        },
        spool::Counter,
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
        match carry.still_as_handed_over(arrival) {
            Ok(()) => settled.push(arrival),
            Err(failure) => carry.failed("settle", arrival.parcel.key.clone(), &failure),
        }
    }
    let line = |arrival: &&Arrival| Some(Line::Shipped { id: arrival.entry?, shipped: shipped(arrival) });
    carry.ledger.commit(settled.iter().filter_map(line).collect())?;
    for arrival in settled {
        match counter.take_back(&arrival.id) {
            Ok(()) => {
                carry.tally.settled += 1;
                let why = "the store has it, and the archive here is what was handed over";
                carry.step(Step::new("settle", arrival.parcel.key.clone(), Outcome::Done, why));
            }
            Err(failure) => carry.failed("settle", arrival.parcel.key.clone(), &failure),
        }
    }
    Ok(())
}

fn shipped(arrival: &Arrival) -> Shipped {
    let receipt = &arrival.receipt;
    Shipped { store: receipt.store.clone(), key: receipt.key.clone(), segment: receipt.segment, at: receipt.shipped_at }
}

/// Hands over what is to go to the store, the oldest first, as long as there is room for it in the spool.
pub(super) fn hand_over(carry: &mut Carry, plan: &Plan) {
    let Some(shipping) = carry.rotate.shipping.as_ref().filter(|_| plan.world.spool.is_some()) else { return };
    let due = due(carry.rotate, carry.ledger.content(), &plan.shipment);
    if due.is_empty() && plan.shipment.damaged.is_empty() {
        return;
    }
    let Some(counter) = counter(carry, shipping) else { return };
    let mut waiting = plan.shipment.waiting;
    let mut left = (0, 0);
    let mut short = None;
    let mut handed = HashSet::new();
    for id in due {
        let Some(entry) = carry.ledger.content().entries.get(&id).cloned() else { continue };
        // The first one always goes, however large: else it never would.
        let fits = waiting == 0 || waiting.saturating_add(entry.stored()) <= shipping.most;
        if carry.run.shutdown.asked() {
            return;
        }
        if !fits {
            left = (left.0 + 1, left.1 + entry.stored());
            continue;
        }
        if let Err(failure) = counter.room_for(entry.stored()) {
            short.get_or_insert((entry.path(), failure));
            continue;
        }
        match one(carry, &counter, &entry) {
            Ok(key) => {
                waiting += entry.stored();
                handed.insert(id);
                carry.tally.handed += 1;
                let step = Step::new("hand-over", entry.path(), Outcome::Done, "it waits for the store");
                carry.step(step.with("key", key).with("bytes", entry.stored()));
            }
            Err(failure) => {
                let _ = counter.discard();
                carry.failed("hand-over", entry.path(), &failure);
            }
        }
    }
    if let Some((path, failure)) = short {
        carry.failed("hand-over", path, &failure);
    }
    if left.0 > 0 {
        let why = format!(
            "{} ({}) wait where they are: {} wait in it, and spool-max is {}",
            count(left.0, "archive"),
            Size(left.1),
            Size(waiting),
            Size(shipping.most)
        );
        let step = Step::new("hand-over", shipping.spool.path().display().to_string(), Outcome::Waiting, why);
        carry.step(step);
    }
    discard(carry, &counter, plan, &handed);
}

/// Removes what nobody can ship, where its archive is on its way in another parcel or in the store.
fn discard(carry: &mut Carry, counter: &Counter, plan: &Plan, handed: &HashSet<EntryId>) {
    for Damaged { waiting, entry, replaced, .. } in &plan.shipment.damaged {
        let shipped = |id: &EntryId| carry.ledger.content().entries.get(id).is_some_and(|entry| entry.shipped.is_some());
        if !replaced && !entry.is_some_and(|id| handed.contains(&id) || shipped(&id)) {
            continue;
        }
        match counter.take_back(&waiting.id) {
            Ok(()) => {
                let why = "it is not what was handed over, and another parcel has the archive";
                carry.step(Step::new("discard", waiting.parcel.key.clone(), Outcome::Done, why));
            }
            Err(failure) => carry.failed("discard", waiting.parcel.key.clone(), &failure),
        }
    }
}

/// Copies one archive, proves that the copy holds what was recorded, and makes a parcel of it.
fn one(carry: &Carry, counter: &Counter, entry: &Entry) -> Result<String> {
    let refuse = |why: &str| Failure::new("hand over", entry.path()).because(why);
    let archive = entry.archive.as_ref().ok_or_else(|| refuse("there is no archive of it"))?;
    let dir = Dir::open(Path::new(entry.archive_folder()))?;
    let file = dir.read(&archive.file)?;
    let stat = stat_open(&file)?;
    if stat.kind != Kind::File || stat.size != archive.facts.stored {
        return Err(refuse("another file stands there than the archive that was recorded"));
    }
    let copied = counter.copy(&file, archive.facts.stored)?;
    let how = ArchiveName::parse(&archive.file).map_or(Compression::None, |name| Compression::of(name.extension()));
    let found = compress::examine(&copied.file, how, &|_| ())?;
    if (&found.sha256, found.size) != (&archive.facts.sha256, archive.facts.size) {
        return Err(refuse("it does not hold what was recorded of it").exit(Exit::PersonNeeded));
    }
    let host = &carry.rotate.host;
    let set = carry.rotate.sets.iter().find(|set| set.name == entry.set);
    let service = set.and_then(|set| set.service.as_deref()).ok_or_else(|| refuse("its set does not ship"))?;
    let key = key::key(entry, archive, host, service).ok_or_else(|| refuse("no key can be made of its names"))?;
    let parcel = Parcel {
        key: key.to_string(),
        host: host.clone(),
        set: entry.set.clone(),
        service: service.to_owned(),
        log: entry.log_path(),
        name: entry.name.clone(),
        entry: entry.id,
        rotated_at: entry.at,
        begun_at: entry.begun,
        labels: entry.labels.clone(),
        facts: archive.facts.clone(),
        stored_sha256: copied.sha256.clone(),
        handed_at: carry.run.clock.now(),
    };
    counter.hand_over(&copied, &parcel)?;
    Ok(parcel.key)
}

/// The spool, ready to be written to. Without it nothing is handed over, and all stays as it is.
fn counter(carry: &mut Carry, shipping: &Shipping) -> Option<Counter> {
    match shipping.spool.counter() {
        Ok(counter) => Some(counter),
        Err(failure) => {
            let told: Incomplete = (&failure).into();
            if !carry.report.incomplete.contains(&told) {
                carry.report.incomplete.push(told);
            }
            None
        }
    }
}

impl Carry<'_> {
    /// What the store has is what is here: else nobody may rely on it.
    fn still_as_handed_over(&mut self, arrival: &Arrival) -> Result<()> {
        let Some(entry) = arrival.entry.and_then(|id| self.ledger.content().entries.get(&id)).cloned() else { return Ok(()) };
        let Some(Archive { file, .. }) = &entry.archive else { return Ok(()) };
        let dir = Dir::open(Path::new(entry.archive_folder()))?;
        // It was removed, and that is told elsewhere; the store has it all the same.
        if dir.stat(file)?.is_none() {
            return Ok(());
        }
        let found = fingerprint::of_file(&dir.read(file)?, arrival.parcel.facts.stored)?;
        if found == arrival.parcel.stored_sha256 {
            return Ok(());
        }
        let message = "it is not what was handed over any more, and what was is in the store";
        let finding = Finding::new("logs.archive-wrong", Severity::Danger, entry.path(), message);
        self.report.findings.push(finding.hint("compare it with the object of the store; ops-logs keeps both as they are"));
        Err(Failure::new("settle", entry.path()).because("the archive here is not what was handed over any more"))
    }
}
