//! What waits in the spool, and what whoever ships says of it.

use super::World;
use crate::{
    failure::Result,
    tools::logs::{parcel::Receipt, rotate::Shipping, spool::Waiting},
};

/// A parcel, and the receipt for it, when there is one.
#[derive(Debug)]
pub struct Spooled {
    /// The parcel.
    pub waiting: Waiting,
    /// Its receipt, or why it is not believed.
    pub receipt: Result<Option<Receipt>>,
    /// Why what waits is not what was handed over, as far as anybody had a reason to look.
    pub damage: Option<String>,
}

/// Looks into the spool. What cannot be read stays.
pub(super) fn look(shipping: &Shipping, world: &mut World) {
    let listed = match shipping.spool.list() {
        Ok(listed) => listed,
        Err(failure) => {
            world.unreadable.push((&failure).into());
            // Unknown is not empty: nothing is handed over to who may have it.
            world.spool = None;
            return;
        }
    };
    world.unreadable.extend(listed.unreadable);
    world.broken = listed.broken;
    let spool = &shipping.spool;
    let damage =
        |waiting: &Waiting| if spool.is_doubted(&waiting.id) { spool.damage(waiting) } else { spool.damage_in_size(waiting) };
    let spooled = |waiting: Waiting| Spooled { receipt: spool.receipt(&waiting.id), damage: damage(&waiting), waiting };
    world.spool = Some(listed.waiting.into_iter().map(spooled).collect());
}
