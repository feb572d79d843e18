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
            Begins, Rotate,
            facts::{Spooled, World},
            plan::company::{self, Batch, Gathering},
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
    pub due: Vec<Batch>,
    /// Archives that wait for company before they are.
    pub gathering: Vec<Gathering>,
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
    /// The archives, some of which may be in one parcel, and some in several.
    archives: HashSet<Mark>,
    /// Since when the oldest of them waits.
    pub since: Option<DateTime<Utc>>,
}

/// An archive that the store has, all of it; or several that came together.
#[derive(Debug)]
pub struct Arrival {
    /// What it came in.
    pub parcels: Vec<Signed>,
    /// What was handed over, and which archive that is, when the ledger still knows it.
    pub archives: Vec<(Whole, Option<EntryId>)>,
}

impl Arrival {
    /// The archives that the ledger still knows.
    pub fn entries(&self) -> impl Iterator<Item = EntryId> {
        self.archives.iter().filter_map(|(_, entry)| *entry)
    }
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
    /// Its archives: which, when the ledger still knows them, and whether they are on their way already.
    pub archives: Vec<(Option<EntryId>, bool)>,
}

impl Damaged {
    /// Whether each of its archives is on its way in another parcel, or is `done`: then nobody needs it any more.
    pub fn is_replaced(&self, done: impl Fn(&EntryId) -> bool) -> bool {
        self.archives.iter().all(|(entry, handed)| *handed || entry.as_ref().is_some_and(&done))
    }
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
    // Of several archives each parcel has them all; of one object one is enough.
    let mut joined: BTreeMap<String, Vec<Signed>> = BTreeMap::new();
    let mut sound: HashMap<Mark, Vec<Part>> = HashMap::new();
    for Spooled { waiting, receipt, damage } in spool {
        let (parcel, ours) = (&waiting.parcel, waiting.parcel.host == rotate.host);
        let archives = origins(parcel);
        match agreed(waiting, receipt, &shipping.store) {
            Some(Ok(receipt)) => {
                let (id, parcel, bytes) = (waiting.id.clone(), parcel.clone(), waiting.takes());
                for (origin, part) in archives.iter().filter(|_| ours) {
                    sound.entry(origin.clone()).or_default().push(part.clone());
                }
                shipment.keys.insert(parcel.key.clone());
                let signed = match &archives[..] {
                    [(origin, _)] => signed.entry(origin.clone()).or_default(),
                    _ => joined.entry(parcel.key.clone()).or_default(),
                };
                signed.push(Signed { id, parcel, receipt, bytes });
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
            let archives = archives.iter().map(|(origin, _)| (known.get(origin).copied(), false)).collect();
            shipment.damaged.push(Damaged { waiting: waiting.clone(), why, archives });
            continue;
        }
        shipment.waits(parcel, waiting.takes());
        // Without its archive nobody can ship it: it is handed over anew.
        if waiting.bytes.is_some() {
            shipment.keys.insert(parcel.key.clone());
            for (origin, part) in archives {
                sound.entry(origin).or_default().push(part);
            }
        }
    }
    for (origin, parcels) in signed {
        let entry = known.get(&origin).and_then(|id| content.entries.get(id));
        shipment.arrive(entry, parcels);
    }
    for parcels in joined.into_values() {
        let archives = parcels.first().map(|signed| origins(&signed.parcel)).unwrap_or_default();
        let archives = archives.into_iter().map(|(origin, part)| (part.whole, known.get(&origin).copied())).collect();
        shipment.arrivals.push(Arrival { parcels, archives });
    }
    let (whole, begun): (Vec<_>, Vec<_>) = sound.into_iter().partition(|(_, parts)| are_whole(parts));
    shipment.handed = whole.into_iter().map(|(mark, _)| mark).collect();
    shipment.begun = begun.iter().filter_map(|(mark, _)| known.get(mark).copied()).collect();
    for Damaged { waiting, archives, .. } in &mut shipment.damaged {
        for ((_, handed), (origin, _)) in archives.iter_mut().zip(origins(&waiting.parcel)) {
            *handed = shipment.handed.contains(&origin);
        }
    }
    (shipment.due, shipment.gathering) = due(rotate, content, &shipment, world.now);
    shipment.direct = wanted(rotate, content, &shipment, true).into_iter().map(|entry| entry.id).collect();
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
    /// How many archives wait there.
    pub fn archives(&self) -> u64 {
        self.archives.len() as u64
    }

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
            let archives = vec![(part.whole.clone(), entry.map(|entry| entry.id))];
            self.arrivals.push(Arrival { parcels, archives });
        } else {
            for signed in parcels {
                self.waits(&signed.parcel, signed.bytes);
            }
        }
    }

    fn waits(&mut self, parcel: &Parcel, bytes: u64) {
        self.waiting += bytes;
        self.archives.extend(origins(parcel).into_iter().map(|(mark, _)| mark));
        self.since = self.since.into_iter().chain([parcel.handed_at]).min();
    }
}

/// Archives of the chosen sets that the store is to get and that are not on their way, the oldest first: what goes now, and what waits for
/// company.
pub fn due(rotate: &Rotate, content: &Content, shipment: &Shipment, now: DateTime<Utc>) -> (Vec<Batch>, Vec<Gathering>) {
    let company = rotate.shipping.as_ref().and_then(|shipping| shipping.company);
    // Also what goes by the spool, because it was compressed before its set shipped directly, has nobody to wait for.
    let waits = |entry: &Entry| !is_of_direct(rotate, entry);
    company::decide(&wanted(rotate, content, shipment, false), company, &waits, rotate.begins != Begins::Due, now)
}

fn wanted<'a>(rotate: &Rotate, content: &'a Content, shipment: &Shipment, directly: bool) -> Vec<&'a Entry> {
    let arrived: HashSet<EntryId> = shipment.arrivals.iter().flat_map(Arrival::entries).collect();
    let wanted = |entry: &&Entry| {
        entry.is_settled()
            && is_to_ship(rotate, entry)
            && is_direct(rotate, entry) == directly
            && !arrived.contains(&entry.id)
            && mark(entry).is_some_and(|mark| !shipment.handed.contains(&mark))
    };
    let mut found: Vec<&Entry> = content.entries.values().filter(wanted).collect();
    found.sort_by(|one, other| (one.at, &one.name, one.id).cmp(&(other.at, &other.name, other.id)));
    found
}

/// Whether the store is to have it, and has it not as far as is known.
pub fn is_to_ship(rotate: &Rotate, entry: &Entry) -> bool {
    let ships = || rotate.sets.iter().any(|set| set.name == entry.set && set.service.is_some());
    rotate.shipping.is_some() && entry.shipped.is_none() && ships()
}

/// Whether it goes there without an archive here. What was compressed before its set said so goes by the spool, and so does what an
/// earlier run gave company: alone it would be another object.
pub fn is_direct(rotate: &Rotate, entry: &Entry) -> bool {
    entry.is_plain() && entry.company.is_none() && is_of_direct(rotate, entry)
}

fn is_of_direct(rotate: &Rotate, entry: &Entry) -> bool {
    rotate.sets.iter().any(|set| set.name == entry.set && set.direct.is_some())
}

/// What went there without an archive here, whatever its set or its machine is called by now, and was not removed yet.
fn over(content: &Content, world: &World) -> Vec<EntryId> {
    let here = |entry: &&Entry| {
        entry.is_plain() && matches!(entry.stage, Stage::Stored | Stage::Removing) && !world.away.contains_key(&entry.id)
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

/// Those of the archives that a parcel has something of, and what.
fn origins(parcel: &Parcel) -> Vec<(Mark, Part)> {
    let mark = |name: &str, part: &Part| (parcel.log.clone(), name.to_owned(), part.whole.sha256.clone(), part.whole.stored);
    parcel.archives().into_iter().map(|(name, part)| (mark(name, &part), part)).collect()
}
