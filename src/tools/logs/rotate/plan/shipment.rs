//! Which parcels the store has, and which archives it is to get. Receipts are somebody else's words: each must agree with the
//! parcel that was handed over and with what the ledger knows of its archive, or nothing follows from it.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::{
    failure::Result,
    tools::logs::{
        ledger::{Content, Entry, EntryId, Stage},
        parcel::{
            Parcel, ParcelId, Receipt,
            part::{Part, Whole, are_whole},
        },
        rotate::{
            Rotate,
            facts::{Spooled, World},
        },
        spool::Waiting,
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
    /// What waits and is not what was handed over.
    pub damaged: Vec<Damaged>,
    /// Archives that are to be handed over, the oldest first.
    pub due: Vec<EntryId>,
    /// Rotated logs that are to go to the store without an archive here, the oldest first.
    pub direct: Vec<EntryId>,
    /// Those that went there like that, and are here yet.
    pub over: Vec<EntryId>,
    /// Archives of which all is on its way already.
    handed: HashSet<Mark>,
    /// Archives of which some is on its way, and some is not.
    pub begun: HashSet<EntryId>,
    /// The objects that parcels become which can be relied on.
    keys: HashSet<String>,
    /// How many bytes wait there, less what has arrived.
    pub waiting: u64,
    /// How many archives that is.
    pub parcels: u64,
    /// Since when the oldest of them waits.
    pub since: Option<DateTime<Utc>>,
}

/// An archive that the store has, all of it.
#[derive(Debug)]
pub struct Arrival {
    /// What it came in.
    pub parcels: Vec<Signed>,
    /// What was handed over.
    pub archive: Whole,
    /// Which archive, when the ledger still knows it.
    pub entry: Option<EntryId>,
}

/// A parcel, and the receipt for it.
#[derive(Debug)]
pub struct Signed {
    /// Which.
    pub id: ParcelId,
    /// What it is.
    pub parcel: Parcel,
    /// Its receipt.
    pub receipt: Receipt,
    /// What it takes in the spool.
    bytes: u64,
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
    let mut signed: BTreeMap<Mark, Vec<Signed>> = BTreeMap::new();
    let mut sound: HashMap<Mark, Vec<Part>> = HashMap::new();
    for Spooled { waiting, receipt, damage } in spool {
        let (parcel, ours) = (&waiting.parcel, waiting.parcel.host == rotate.host);
        let part = parcel.part();
        let origin = origin(parcel, &part);
        match agreed(waiting, receipt, &shipping.store) {
            Some(Ok(receipt)) => {
                let (id, parcel, bytes) = (waiting.id.clone(), parcel.clone(), waiting.takes());
                sound.entry(origin.clone()).or_default().extend(ours.then_some(part));
                shipment.keys.insert(parcel.key.clone());
                signed.entry(origin).or_default().push(Signed { id, parcel, receipt, bytes });
                continue;
            }
            Some(Err(why)) => shipment.refused.push(Refused { parcel: parcel.clone(), why }),
            None => {}
        }
        // What a clone finds of another machine never goes, and must not take the place of what does.
        if !ours {
            continue;
        }
        if let Some(why) = damage.clone() {
            let entry = known.get(&origin).copied();
            shipment.damaged.push(Damaged { waiting: waiting.clone(), why, entry, replaced: false });
            continue;
        }
        shipment.waits(parcel, waiting.takes());
        // Without its archive nobody can ship it: it is handed over anew.
        if waiting.bytes.is_some() {
            shipment.keys.insert(parcel.key.clone());
            sound.entry(origin).or_default().push(part);
        }
    }
    for (origin, parcels) in signed {
        let entry = known.get(&origin).and_then(|id| content.entries.get(id));
        shipment.arrive(entry, parcels);
    }
    let (whole, begun): (Vec<_>, Vec<_>) = sound.into_iter().partition(|(_, parts)| are_whole(parts));
    shipment.handed = whole.into_iter().map(|(mark, _)| mark).collect();
    shipment.begun = begun.iter().filter_map(|(mark, _)| known.get(mark).copied()).collect();
    for damaged in &mut shipment.damaged {
        let parcel = &damaged.waiting.parcel;
        damaged.replaced = shipment.handed.contains(&origin(parcel, &parcel.part()));
    }
    shipment.due = due(rotate, content, &shipment);
    shipment.direct = wanted(rotate, content, &shipment, true);
    shipment.over = over(content, world);
    shipment
}

/// The receipt for a parcel, if it is believed; if not, why.
fn agreed(waiting: &Waiting, receipt: &Result<Option<Receipt>>, store: &str) -> Option<std::result::Result<Receipt, String>> {
    match receipt {
        Ok(receipt) => receipt.as_ref().map(|receipt| receipt.answers(&waiting.parcel, store).map(|()| receipt.clone())),
        Err(failure) => Some(Err(failure.to_string())),
    }
}

impl Shipment {
    /// Whether that object is on its way already.
    pub fn is_on_its_way(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// The store has these parcels of one archive. They stay until it has all of it: else nobody would know of the rest. When that is
    /// known, they are what a run that was killed left.
    fn arrive(&mut self, entry: Option<&Entry>, parcels: Vec<Signed>) {
        let parts: Vec<Part> = parcels.iter().map(|signed| signed.parcel.part()).collect();
        let known = entry.is_none_or(|entry| entry.shipped.is_some());
        if let (Some(part), true) = (parts.first(), known || are_whole(&parts)) {
            self.arrivals.push(Arrival { parcels, archive: part.whole.clone(), entry: entry.map(|entry| entry.id) });
        } else {
            for signed in parcels {
                self.waits(&signed.parcel, signed.bytes);
            }
        }
    }

    fn waits(&mut self, parcel: &Parcel, bytes: u64) {
        self.waiting += bytes;
        self.parcels += 1;
        self.since = self.since.into_iter().chain([parcel.handed_at]).min();
    }
}

/// Archives of the chosen sets that the store is to get and that are not on their way, the oldest first.
pub fn due(rotate: &Rotate, content: &Content, shipment: &Shipment) -> Vec<EntryId> {
    wanted(rotate, content, shipment, false)
}

fn wanted(rotate: &Rotate, content: &Content, shipment: &Shipment, directly: bool) -> Vec<EntryId> {
    let arrived: HashSet<EntryId> = shipment.arrivals.iter().filter_map(|arrival| arrival.entry).collect();
    let wanted = |entry: &&Entry| {
        entry.is_settled()
            && is_to_ship(rotate, entry)
            && is_direct(rotate, entry) == directly
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

/// Whether it goes there without an archive here. What was compressed before its set said so goes by the spool.
pub fn is_direct(rotate: &Rotate, entry: &Entry) -> bool {
    entry.is_plain() && rotate.sets.iter().any(|set| set.name == entry.set && set.direct.is_some())
}

/// What went there without an archive here, whatever its set says by now, and was not removed yet.
fn over(content: &Content, world: &World) -> Vec<EntryId> {
    let here = |entry: &&Entry| {
        entry.inherited.is_none()
            && entry.is_plain()
            && matches!(entry.stage, Stage::Stored | Stage::Removing)
            && !world.away.contains_key(&entry.id)
    };
    let entries = content.entries.values().filter(|entry| entry.shipped.as_ref().is_some_and(|shipped| shipped.direct));
    entries.filter(here).map(|entry| entry.id).collect()
}

/// Which archive: of which log, under which name, of which text, how long. A ledger that was lost begins its numbers anew.
type Mark = (String, String, String, u64);

fn mark(entry: &Entry) -> Option<Mark> {
    let facts = &entry.archive.as_ref()?.facts;
    Some((entry.log_path(), entry.name.clone(), facts.sha256.clone(), facts.stored))
}

/// That of the archive that a part is of.
fn origin(parcel: &Parcel, part: &Part) -> Mark {
    (parcel.log.clone(), parcel.name.clone(), part.whole.sha256.clone(), part.whole.stored)
}
