//! Hands archives over to whoever ships, and removes from the spool what nobody can ship. Removes nothing else.

mod discard;
mod parcels;
mod several;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

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
            plan::{
                Plan,
                company::{Batch, is_of_one_day},
                due,
            },
            show::shipment::gathers,
        },
        spool::{Counter, TICKET_BYTES},
    },
};

/// Hands over what is to go to the store, the oldest first, as long as there is room for it in the spool.
pub(super) fn hand_over(carry: &mut Carry, plan: &Plan) {
    let Some(shipping) = carry.rotate.shipping.as_ref().filter(|_| plan.world.spool.is_some()) else { return };
    let (due, gathering) = due(carry.rotate, carry.ledger.content(), &plan.shipment, carry.run.clock.now());
    for gathering in &gathering {
        carry.step(gathers(gathering));
    }
    if due.is_empty() && plan.shipment.damaged.is_empty() && plan.world.broken.is_empty() {
        return;
    }
    let Some(counter) = counter(carry, shipping) else { return };
    let mut waiting = plan.shipment.waiting;
    let mut left = Left::default();
    let mut handed = HashSet::new();
    for Batch { entries, .. } in due {
        let entries: Vec<Entry> = entries.iter().filter_map(|id| carry.ledger.content().entries.get(id)).cloned().collect();
        let Some(oldest) = entries.first() else { continue };
        if carry.run.shutdown.asked() {
            return;
        }
        // The first one always goes, however large, and what was begun is brought to its end: else they never would.
        let first = waiting == 0 || plan.shipment.begun.contains(&oldest.id);
        let takes: u64 = entries.iter().map(|entry| entry.stored() + TICKET_BYTES).sum();
        if !first && waiting.saturating_add(takes) > shipping.most {
            for entry in &entries {
                left.wait(entry);
            }
            continue;
        }
        let free = if first { Ok(None) } else { min_free(carry, &counter, oldest) };
        if let Err(failure) = free.and_then(|free| counter.room_for(takes, free)) {
            left.lack_room(&entries, failure);
            continue;
        }
        for (entry, keys) in together(carry, &counter, plan, entries) {
            waiting += entry.stored() + TICKET_BYTES * keys.len() as u64;
            handed.insert(entry.id);
            carry.tally.handed += 1;
            let step = Step::new("hand-over", entry.path(), Outcome::Done, "it waits for the store");
            carry.step(step.with("key", keys.join(" ")).with("bytes", entry.stored()));
        }
    }
    left.told(carry, shipping, waiting);
    discard::damaged(carry, &counter, plan, &handed);
    discard::broken(carry, &shipping.spool, &counter, plan);
}

/// Hands over what goes together; each archive that is on its way then, with the keys of its objects. Where company is waited for, also
/// one that goes alone is recorded: it must not be joined with others when it is handed over again.
fn together(carry: &mut Carry, counter: &Counter, plan: &Plan, entries: Vec<Entry>) -> Vec<(Entry, Vec<String>)> {
    let company = carry.rotate.shipping.as_ref().is_some_and(|shipping| shipping.company.is_some());
    let has_kin = |entry: &Entry| entry.archive.as_ref().is_some_and(|archive| is_of_one_day(&archive.facts));
    let mut keys = match &entries[..] {
        [entry] if !company || entry.company.is_some() || !has_kin(entry) => {
            match parcels::make(carry, counter, &plan.shipment, entry) {
                Ok(keys) => HashMap::from([(entry.id, keys)]),
                Err(failure) => {
                    let _ = counter.discard();
                    carry.failed("hand-over", entry.path(), &failure);
                    HashMap::new()
                }
            }
        }
        _ => several::make(carry, counter, &plan.shipment, entries.clone()),
    };
    let on_its_way = |entry: Entry| keys.remove(&entry.id).map(|keys| (entry, keys));
    entries.into_iter().filter_map(on_its_way).collect()
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
    /// How many those are.
    lacking: u64,
}

impl Left {
    fn wait(&mut self, entry: &Entry) {
        self.archives += 1;
        self.bytes += entry.stored();
    }

    fn lack_room(&mut self, entries: &[Entry], failure: Failure) {
        self.lacking += entries.len() as u64;
        self.short = self.short.take().or_else(|| Some((entries.first()?.path(), failure)));
    }

    fn told(self, carry: &mut Carry, shipping: &Shipping, waiting: u64) {
        if let Some((path, failure)) = self.short {
            let more = match self.lacking {
                0 | 1 => String::new(),
                2 => "; 1 more archive waits with it".to_owned(),
                all => format!("; {} more archives wait with it", all - 1),
            };
            let cause = failure.cause.map(|cause| format!("{cause}{more}"));
            carry.failed("hand-over", path, &Failure { cause, ..failure });
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
