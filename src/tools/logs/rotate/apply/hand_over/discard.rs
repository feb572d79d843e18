//! Removes from the spool what nobody can ship, where something that can be shipped has taken its place; everything else stays.

use std::collections::HashSet;

use crate::{
    failure::Result,
    files::fingerprint,
    report::{Outcome, Step},
    tools::logs::{
        ledger::EntryId,
        parcel::ParcelId,
        rotate::{
            apply::Carry,
            plan::{Damaged, Plan},
        },
        spool::{Counter, Spool},
    },
};

/// Parcels that are not what was handed over: their archive is on its way in another one, or in the store.
pub(super) fn damaged(carry: &mut Carry, counter: &Counter, plan: &Plan, handed: &HashSet<EntryId>) {
    for damaged in &plan.shipment.damaged {
        let Damaged { waiting, .. } = damaged;
        let shipped = |id: &EntryId| carry.ledger.content().entries.get(id).is_some_and(|entry| entry.shipped.is_some());
        if damaged.is_replaced(|id| handed.contains(id) || shipped(id)) {
            let why = "it is not what was handed over, and another parcel has the archive";
            remove(carry, counter, &waiting.id, waiting.parcel.key.clone(), why);
        }
    }
}

/// Parcels of which nobody knows what they are, because their tickets are damaged: another one has the very same bytes.
pub(super) fn broken(carry: &mut Carry, spool: &Spool, counter: &Counter, plan: &Plan) {
    if plan.world.broken.is_empty() {
        return;
    }
    let known = match sound(spool, plan) {
        Ok(known) => known,
        Err(failure) => return carry.report.incomplete.push((&failure).into()),
    };
    for id in &plan.world.broken {
        let hash = spool.data(id).and_then(|data| data.map(|data| fingerprint::of_file(&data, u64::MAX)).transpose());
        if hash.is_ok_and(|hash| hash.is_some_and(|hash| known.contains(&hash))) {
            remove(carry, counter, id, id.as_str().to_owned(), "its ticket is damaged, and another parcel has what it was for");
        }
    }
}

/// What waits as it was handed over, by SHA-256.
fn sound(spool: &Spool, plan: &Plan) -> Result<HashSet<String>> {
    let damaged: HashSet<&ParcelId> = plan.shipment.damaged.iter().map(|damaged| &damaged.waiting.id).collect();
    let waiting = spool.list()?.waiting.into_iter();
    let sound = waiting.filter(|waiting| waiting.bytes.is_some() && !damaged.contains(&waiting.id));
    Ok(sound.map(|waiting| waiting.parcel.stored_sha256).collect())
}

fn remove(carry: &mut Carry, counter: &Counter, id: &ParcelId, subject: String, why: &str) {
    match counter.take_back(id) {
        Ok(()) => carry.step(Step::new("discard", subject, Outcome::Done, why)),
        Err(failure) => carry.failed("discard", subject, &failure),
    }
}
