//! Decides what to do, purely: facts and settings in, every item with its action and its reason out.

mod bound;
mod collection;
pub mod company;
mod gaps;
mod recovery;
mod removal;
mod rotation;
mod shipment;
mod vanished;

pub(super) use self::collection::first_ways;
pub use self::{
    bound::Bound,
    collection::{Cause, Collection},
    gaps::{Gap, Look, Lost, Watch},
    recovery::{Leftover, Next, Recovery, target},
    removal::{Fate, Removal},
    rotation::{Left, Rest, Rotation, Trouble, Why},
    shipment::{Arrival, Damaged, Refused, Shipment, UNSHIPPED, due, is_direct, is_to_ship},
    vanished::Astray,
};
use super::{
    Rotate,
    facts::{Away, FoundArchive, World},
};
use crate::tools::logs::ledger::{Content, EntryId};

/// What a run will do, and why; what it will leave, and why.
#[derive(Debug, Default)]
pub struct Plan {
    /// Rotations that earlier runs began.
    pub recoveries: Vec<Recovery>,
    /// Archives that are ours and that the ledger does not know.
    pub adoptions: Vec<FoundArchive>,
    /// Logs to swap away and archive.
    pub rotations: Vec<Rotation>,
    /// Files that writers finished, to be archived before they are deleted.
    pub collections: Vec<Collection>,
    /// What writers deleted before it could be kept, and what the next run must know.
    pub watch: Watch,
    /// Logs that are fine as they are.
    pub left: Vec<Left>,
    /// Logs and paths that cannot be rotated as things stand.
    pub troubles: Vec<Trouble>,
    /// Archives that somebody else removed: they are forgotten, and count no more.
    pub vanished: Vec<EntryId>,
    /// What passes between this machine and the store.
    pub shipment: Shipment,
    /// What becomes of each archive.
    pub fates: Vec<Removal>,
    /// Folders that are not there, or are not what they were, with archives that the ledger knows.
    pub astray: Vec<Astray>,
    /// What it was decided from.
    pub world: World,
}

/// Decides. The same facts always give the same plan.
pub fn decide(rotate: &Rotate, content: &Content, mut world: World) -> Plan {
    let adoptions = std::mem::take(&mut world.found);
    let recoveries = recovery::decide(rotate, content, &world);
    let mut newest = world.newest.clone();
    let (rotations, left, mut troubles) = rotation::decide(rotate, &world, &mut newest);
    let memory = collection::Memory::of(content, &recoveries);
    let (collections, more) = collection::decide(rotate, &world, &memory, &mut newest);
    troubles.extend(more);
    let watch = gaps::decide(content, &world, &memory, &recoveries);
    drop(memory);
    world.away.extend(vanished::bare(&rotate.chosen(), content, &world));
    let vanished = vanished::decide(&rotate.chosen(), content, &world);
    let shipment = shipment::decide(rotate, content, &world);
    let past =
        removal::Past { recoveries: &recoveries, vanished: &vanished, collections: &collections, arrivals: &shipment.arrivals };
    let fates = removal::decide(rotate, content, &world, &rotations, &past);
    let astray = vanished::astray(content, &world);
    Plan { recoveries, adoptions, rotations, collections, watch, left, troubles, vanished, shipment, fates, astray, world }
}

impl Plan {
    /// Whether carrying it out would change nothing.
    pub fn is_idle(&self) -> bool {
        let removes = self.fates.iter().any(|fate| matches!(fate.fate, Fate::Remove { .. }));
        self.recoveries.iter().all(|recovery| recovery.next.is_idle())
            && self.adoptions.is_empty()
            && self.rotations.is_empty()
            && self.collections.is_empty()
            && self.vanished.is_empty()
            && self.shipment.arrivals.is_empty()
            && self.shipment.due.is_empty()
            && self.shipment.damaged.is_empty()
            && self.world.broken.is_empty()
            && !self.astray.iter().any(|astray| astray.away == Away::Removed)
            && !removes
    }
}
