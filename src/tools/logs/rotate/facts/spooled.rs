//! What waits in the spool, and what whoever ships says of it.

use super::World;
use crate::{
    failure::{Failure, Result},
    tools::logs::{parcel::Receipt, rotate::Shipping, spool::Waiting},
};

/// A parcel, and the receipt for it, when there is one.
#[derive(Debug)]
pub struct Spooled {
    /// The parcel.
    pub waiting: Waiting,
    /// Its receipt, or why it is not believed.
    pub receipt: Result<Option<Receipt>>,
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
    let receipt = |waiting: &Waiting| -> std::result::Result<Option<Receipt>, Failure> { shipping.spool.receipt(&waiting.id) };
    let spooled = listed.waiting.into_iter().map(|waiting| Spooled { receipt: receipt(&waiting), waiting });
    world.spool = Some(spooled.collect());
}
