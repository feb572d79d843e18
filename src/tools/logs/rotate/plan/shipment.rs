//! Which parcels the store has, and which archives it is to get. Receipts are somebody else's words: each must agree with the
//! parcel that was handed over and with what the ledger knows of its archive, or nothing follows from it.

use std::collections::HashSet;

use crate::tools::logs::{
    ledger::{Content, Entry, EntryId},
    parcel::{Parcel, ParcelId, Receipt},
    rotate::{
        Rotate, Shipping,
        facts::{Spooled, World},
    },
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
    /// Archives that are to be handed over, the oldest first.
    pub due: Vec<EntryId>,
    /// Archives that wait in the spool already.
    pub handed: HashSet<EntryId>,
    /// How many bytes wait there, less what has arrived.
    pub waiting: u64,
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

/// Decides; nothing where there is no store.
pub(super) fn decide(rotate: &Rotate, content: &Content, world: &World) -> Shipment {
    let (Some(shipping), Some(spool)) = (&rotate.shipping, &world.spool) else { return Shipment::default() };
    let mut shipment = Shipment::default();
    for Spooled { waiting, receipt } in spool {
        let entry = content.entries.get(&waiting.parcel.entry).filter(|entry| is_of(entry, &waiting.parcel));
        let refused = |why: String| Refused { parcel: waiting.parcel.clone(), why };
        let agreed = match receipt {
            Ok(None) => None,
            Ok(Some(receipt)) => Some(agreed(shipping, &waiting.parcel, receipt).map(|()| receipt.clone()).map_err(refused)),
            Err(failure) => Some(Err(refused(failure.to_string()))),
        };
        match agreed {
            Some(Ok(receipt)) => {
                let (id, parcel) = (waiting.id.clone(), waiting.parcel.clone());
                shipment.arrivals.push(Arrival { id, parcel, receipt, entry: entry.map(|entry| entry.id) });
                continue;
            }
            Some(Err(refused)) => shipment.refused.push(refused),
            None => {}
        }
        // What a clone finds of another machine never goes, and must not take the place of what does.
        if waiting.parcel.host == rotate.host {
            shipment.waiting += waiting.bytes.unwrap_or(0);
        }
        // Without its archive nobody can ship it: it is handed over anew.
        shipment.handed.extend(entry.filter(|_| waiting.bytes.is_some()).map(|entry| entry.id));
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
            && entry.archive.is_some()
            && !arrived.contains(&entry.id)
            && !shipment.handed.contains(&entry.id)
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

/// Whether the parcel was made of that entry's archive, as it is recorded now.
fn is_of(entry: &Entry, parcel: &Parcel) -> bool {
    let made = entry.archive.as_ref().is_some_and(|archive| archive.facts == parcel.facts);
    made && entry.name == parcel.name && entry.log_path() == parcel.log
}

/// Why a receipt is not believed. The parcel is our own word, and nobody else could write it.
fn agreed(shipping: &Shipping, parcel: &Parcel, receipt: &Receipt) -> Result<(), String> {
    let compared = [
        ("store", &receipt.store, &shipping.store),
        ("object", &receipt.key, &parcel.key),
        ("text", &receipt.sha256, &parcel.facts.sha256),
    ];
    match compared.into_iter().find(|(_, told, known)| told != known) {
        Some((what, told, known)) => Err(format!("it names another {what}: {told}, and this is {known}")),
        None => Ok(()),
    }
}
