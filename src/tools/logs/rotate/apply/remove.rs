//! Removes archives that no keep-rule wants: recorded first, a batch at a time, and never for a log whose
//! rotation did not come to its end in this run.

use super::Carry;
use crate::{
    failure::Result,
    report::{Outcome, Step},
    tools::logs::{
        ledger::{Entry, Line, Stage},
        rotate::plan::{Fate, Plan},
    },
};

/// So many removals share one record.
const BATCH: usize = 256;

/// Removes what the plan says.
pub(super) fn remove(carry: &mut Carry, plan: &Plan) -> Result<()> {
    let mut doomed = Vec::new();
    for removal in &plan.fates {
        let Fate::Remove(why) = &removal.fate else { continue };
        let Some(entry) = carry.ledger.content().entries.get(&removal.id).cloned() else { continue };
        if carry.unfinished.contains(&entry.log_path()) {
            let path = entry.path();
            carry.step(Step::new(
                "remove",
                path,
                Outcome::Kept,
                "this run could not finish the log's rotation, so its older archives stay",
            ));
        } else {
            doomed.push((entry, why));
        }
    }
    for batch in doomed.chunks(BATCH) {
        if carry.run.shutdown.asked() {
            return Ok(());
        }
        one_batch(carry, batch)?;
    }
    Ok(())
}

fn one_batch(carry: &mut Carry, batch: &[(Entry, &String)]) -> Result<()> {
    let removing = batch.iter().map(|(entry, _)| Line::reached(entry, Stage::Removing));
    carry.ledger.commit(removing.collect())?;
    let mut lines = Vec::new();
    for (entry, why) in batch {
        let removed = carry.hand_for_archive(entry).and_then(|hand| hand.remove_archive(entry.file_name()));
        match removed {
            Ok(there) => {
                let why = if there { (*why).clone() } else { format!("{why}; it was gone already") };
                carry.tally.removed += 1;
                carry.tally.removed_bytes += entry.stored();
                carry.step(Step::new("remove", entry.path(), Outcome::Done, why.clone()).with("bytes", entry.stored()));
                lines.push(Line::gone(entry, why));
            }
            Err(failure) => carry.failed("remove", entry.path(), &failure),
        }
    }
    carry.note(lines)
}
