//! Decides what to do, purely: facts and settings in, every item with its action and its reason out.

mod away;
mod recovery;
mod removal;
mod rotation;

pub use self::{
    away::Astray,
    recovery::{Leftover, Next, Recovery, target},
    removal::{Fate, Removal},
    rotation::{Left, Rotation, Trouble, Why},
};
use super::{
    Rotate,
    facts::{Away, FoundArchive, World},
};
use crate::tools::logs::ledger::Content;

/// What a run will do, and why; what it will leave, and why.
#[derive(Debug, Default)]
pub struct Plan {
    /// Rotations that earlier runs began.
    pub recoveries: Vec<Recovery>,
    /// Archives that are ours and that the ledger does not know.
    pub adoptions: Vec<FoundArchive>,
    /// Logs to swap away and archive.
    pub rotations: Vec<Rotation>,
    /// Logs that are fine as they are.
    pub left: Vec<Left>,
    /// Logs and paths that cannot be rotated as things stand.
    pub troubles: Vec<Trouble>,
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
    let (rotations, left, troubles) = rotation::decide(rotate, &world);
    let mut fates = removal::decide(rotate, content, &world, &rotations, &recoveries);
    away::spare(&world, &mut fates);
    let astray = away::decide(content, &world);
    Plan { recoveries, adoptions, rotations, left, troubles, fates, astray, world }
}

impl Plan {
    /// Whether carrying it out would change nothing.
    pub fn is_idle(&self) -> bool {
        let removes = self.fates.iter().any(|fate| matches!(fate.fate, Fate::Remove(_)));
        self.recoveries.iter().all(|recovery| recovery.next.is_idle())
            && self.adoptions.is_empty()
            && self.rotations.is_empty()
            && !self.astray.iter().any(|astray| astray.away == Away::Removed)
            && !removes
    }
}
