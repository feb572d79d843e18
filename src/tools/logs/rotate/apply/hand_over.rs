//! Hands archives over to whoever ships, and removes from the spool what nobody can ship. Removes nothing else.

mod discard;
mod parcels;

use std::{collections::HashSet, path::Path};

use super::{Carry, shipment::counter};
use crate::{
    failure::{Failure, Result},
    files::dir::Dir,
    report::{Outcome, Size, Step, count},
    settings::units::Room,
    tools::logs::{
        ledger::Entry,
        rotate::{
            Shipping,
            plan::{Plan, due},
        },
        spool::{Counter, TICKET_BYTES},
    },
};

/// Hands over what is to go to the store, the oldest first, as long as there is room for it in the spool.
pub(super) fn hand_over(carry: &mut Carry, plan: &Plan) {
    let Some(shipping) = carry.rotate.shipping.as_ref().filter(|_| plan.world.spool.is_some()) else { return };
    let due = due(carry.rotate, carry.ledger.content(), &plan.shipment);
    if due.is_empty() && plan.shipment.damaged.is_empty() && plan.world.broken.is_empty() {
        return;
    }
    let Some(counter) = counter(carry, shipping) else { return };
    let mut waiting = plan.shipment.waiting;
    let mut left = Left::default();
    let mut handed = HashSet::new();
    for id in due {
        let Some(entry) = carry.ledger.content().entries.get(&id).cloned() else { continue };
        if carry.run.shutdown.asked() {
            return;
        }
        // The first one always goes, however large, and what was begun is brought to its end: else they never would.
        let first = waiting == 0 || plan.shipment.begun.contains(&id);
        let takes = entry.stored() + TICKET_BYTES;
        if !first && waiting.saturating_add(takes) > shipping.most {
            left.wait(&entry);
            continue;
        }
        let free = if first { Ok(None) } else { min_free(carry, &counter, &entry) };
        if let Err(failure) = free.and_then(|free| counter.room_for(takes, free)) {
            left.short.get_or_insert((entry.path(), failure));
            continue;
        }
        match parcels::make(carry, &counter, &plan.shipment, &entry) {
            Ok(keys) => {
                waiting += entry.stored() + TICKET_BYTES * keys.len() as u64;
                handed.insert(id);
                carry.tally.handed += 1;
                let step = Step::new("hand-over", entry.path(), Outcome::Done, "it waits for the store");
                carry.step(step.with("key", keys.join(" ")).with("bytes", entry.stored()));
            }
            Err(failure) => {
                let _ = counter.discard();
                carry.failed("hand-over", entry.path(), &failure);
            }
        }
    }
    left.told(carry, shipping, waiting);
    discard::damaged(carry, &counter, plan, &handed);
    discard::broken(carry, &shipping.spool, &counter, plan);
}

/// What must stay free where the archive is, when that is where its copy goes. One at a time goes nevertheless: with none on its way
/// to the store nothing could ever be removed.
fn min_free(carry: &Carry, counter: &Counter, entry: &Entry) -> Result<Option<Room>> {
    let set = carry.rotate.sets.iter().find(|set| set.name == entry.set);
    let Some(wanted) = set.and_then(|set| set.keep.min_free) else { return Ok(None) };
    let here = counter.shares_a_disk(&Dir::open(Path::new(entry.archive_folder()))?)?;
    Ok(here.then_some(wanted))
}

/// What finds no room in the spool.
#[derive(Default)]
struct Left {
    archives: u64,
    bytes: u64,
    /// The first one for which the disk has none.
    short: Option<(String, Failure)>,
}

impl Left {
    fn wait(&mut self, entry: &Entry) {
        self.archives += 1;
        self.bytes += entry.stored();
    }

    fn told(self, carry: &mut Carry, shipping: &Shipping, waiting: u64) {
        if let Some((path, failure)) = self.short {
            carry.failed("hand-over", path, &failure);
        }
        if self.archives > 0 {
            let (all, most) = (count(self.archives, "archive"), Size(shipping.most));
            let why = format!(
                "{all} ({}) wait where they are: {} wait in it, and spool-max is {most}",
                Size(self.bytes),
                Size(waiting)
            );
            carry.step(Step::new("hand-over", shipping.spool.path().display().to_string(), Outcome::Waiting, why));
        }
    }
}
