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
            let path = shown(&entry);
            carry.step(Step::new("remove", path, Outcome::Kept, "this run could not finish the log's rotation, so its older archives stay"));
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
    let removing = batch.iter().filter_map(|(entry, why)| {
        let (file, facts) = entry.archive()?;
        Some(Line::reached(entry, Stage::Removing { file: file.to_owned(), facts: facts.clone(), why: (*why).clone() }))
    });
    carry.ledger.commit(removing.collect())?;
    let mut lines = Vec::new();
    for (entry, why) in batch {
        let Some((file, facts)) = entry.archive() else { continue };
        let removed = carry.hands.for_entry(entry).and_then(|hand| hand.remove_archive(file));
        match removed {
            Ok(there) => {
                let why = if there { (*why).clone() } else { format!("{why}; it was gone already") };
                carry.tally.removed += 1;
                carry.tally.removed_bytes += facts.stored;
                carry.step(Step::new("remove", shown(entry), Outcome::Done, why.clone()).with("bytes", facts.stored));
                lines.push(Line::gone(entry, why));
            }
            Err(failure) => carry.failed("remove", shown(entry), &failure),
        }
    }
    carry.note(lines)
}

fn shown(entry: &Entry) -> String {
    format!("{}/{}", entry.archive_folder(), entry.archive().map_or(entry.name.as_str(), |(file, _)| file))
}
