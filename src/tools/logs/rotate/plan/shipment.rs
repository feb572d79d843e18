//! Which parcels the store has, and which archives it is to get. Receipts are somebody else's words: each must agree with the
//! parcel that was handed over and with what the ledger knows of its archive, or nothing follows from it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::tools::logs::{
    ledger::{Content, Entry, EntryId},
    parcel::{Parcel, ParcelId, Receipt},
    rotate::{
        Rotate,
        facts::{Spooled, World},
    },
    spool::Waiting,
};

/// Why an archive stays, whatever the rules say.
pub const UNSHIPPED: &str = "the store does not have it yet";

/// What passes between this machine and the store, decided.
#[derive(Debug, Default)]
pub struct Shipment {
    /// What the store has.
    pub arrivals: Vec<Arrival>,
    /// Receipts that are not believed.
    pub refused: Vec<Refused>,
    /// What waits and is not what was handed over.
    pub damaged: Vec<Damaged>,
    /// Archives that are to be handed over, the oldest first.
    pub due: Vec<EntryId>,
    /// Archives that wait in the spool already.
    handed: HashSet<Mark>,
    /// How many bytes wait there, less what has arrived.
    pub waiting: u64,
    /// How many archives that is.
    pub parcels: u64,
    /// Since when the oldest of them waits.
    pub since: Option<DateTime<Utc>>,
}

/// A parcel that the store has.
#[derive(Debug)]
pub struct Arrival {
    /// Which.
    pub id: ParcelId,
    /// What it is.
    pub parcel: Parcel,
    /// Its receipt.
    pub receipt: Receipt,
    /// Its archive, when the ledger still knows it.
    pub entry: Option<EntryId>,
}

/// A receipt that is not believed.
#[derive(Debug)]
pub struct Refused {
    /// For which archive.
    pub parcel: Parcel,
    /// Why not.
    pub why: String,
}

/// A parcel that nobody can ship. It goes once its archive is on its way in another one.
#[derive(Debug)]
pub struct Damaged {
    /// The parcel.
    pub waiting: Waiting,
    /// What is wrong with it.
    pub why: String,
    /// Its archive, when the ledger still knows it.
    pub entry: Option<EntryId>,
    /// Whether that is on its way already.
    pub replaced: bool,
}

/// Decides; nothing where there is no store.
pub(super) fn decide(rotate: &Rotate, content: &Content, world: &World) -> Shipment {
    let (Some(shipping), Some(spool)) = (&rotate.shipping, &world.spool) else { return Shipment::default() };
    let mut shipment = Shipment::default();
    let known: HashMap<Mark, EntryId> = if spool.is_empty() {
        HashMap::new()
    } else {
        content.entries.values().filter_map(|entry| Some((mark(entry)?, entry.id))).collect()
    };
    for Spooled { waiting, receipt, damage } in spool {
        let origin = origin(&waiting.parcel);
        let refused = |why: String| Refused { parcel: waiting.parcel.clone(), why };
        let agreed = match receipt {
            Ok(None) => None,
            Ok(Some(receipt)) => {
                Some(receipt.answers(&waiting.parcel, &shipping.store).map(|()| receipt.clone()).map_err(refused))
            }
            Err(failure) => Some(Err(refused(failure.to_string()))),
        };
        match agreed {
            Some(Ok(receipt)) => {
                let (id, parcel) = (waiting.id.clone(), waiting.parcel.clone());
                shipment.arrivals.push(Arrival { id, parcel, receipt, entry: known.get(&origin).copied() });
                continue;
            }
            Some(Err(refused)) => shipment.refused.push(refused),
            None => {}
        }
        // What a clone finds of another machine never goes, and must not take the place of what does.
        if waiting.parcel.host != rotate.host {
            continue;
        }
        if let Some(why) = damage.clone() {
            let entry = known.get(&origin).copied();
            shipment.damaged.push(Damaged { waiting: waiting.clone(), why, entry, replaced: false });
        } else {
            shipment.waiting += waiting.bytes.unwrap_or(0);
            shipment.parcels += 1;
            shipment.since = shipment.since.into_iter().chain([waiting.parcel.handed_at]).min();
            // Without its archive nobody can ship it: it is handed over anew.
            shipment.handed.extend(waiting.bytes.map(|_| origin));
        }
    }
    let Shipment { damaged, handed, .. } = &mut shipment;
    for damaged in damaged {
        damaged.replaced = handed.contains(&origin(&damaged.waiting.parcel));
    }
    shipment.due = due(rotate, content, &shipment);
    shipment
}

/// Archives of the chosen sets that the store is to get and that are not on their way, the oldest first.
pub fn due(rotate: &Rotate, content: &Content, shipment: &Shipment) -> Vec<EntryId> {
    let arrived: HashSet<EntryId> = shipment.arrivals.iter().filter_map(|arrival| arrival.entry).collect();
    let wanted = |entry: &&Entry| {
        entry.is_settled()
            && is_to_ship(rotate, entry)
            && !arrived.contains(&entry.id)
            && mark(entry).is_some_and(|mark| !shipment.handed.contains(&mark))
    };
    let mut due: Vec<&Entry> = content.entries.values().filter(wanted).collect();
    due.sort_by(|one, other| (one.at, &one.name, one.id).cmp(&(other.at, &other.name, other.id)));
    due.into_iter().map(|entry| entry.id).collect()
}

/// Whether the store is to have it, and has it not as far as is known.
pub fn is_to_ship(rotate: &Rotate, entry: &Entry) -> bool {
    let ships = || rotate.sets.iter().any(|set| set.name == entry.set && set.service.is_some());
    rotate.shipping.is_some() && entry.shipped.is_none() && ships()
}

/// Which archive: of which log, under which name, of which text, how long. A ledger that was lost begins its numbers anew.
type Mark = (String, String, String, u64);

fn mark(entry: &Entry) -> Option<Mark> {
    let facts = &entry.archive.as_ref()?.facts;
    Some((entry.log_path(), entry.name.clone(), facts.sha256.clone(), facts.stored))
}

/// That of the archive that a parcel was made of.
fn origin(parcel: &Parcel) -> Mark {
    (parcel.log.clone(), parcel.name.clone(), parcel.facts.sha256.clone(), parcel.facts.stored)
}
