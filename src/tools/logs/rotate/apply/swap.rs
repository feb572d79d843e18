//! Swaps the due logs away, set by set: all intents durable first, then the swaps, then their writer is told.

use std::collections::{BTreeSet, HashSet};

use super::Carry;
use crate::{
    failure::Result,
    report::{Outcome, Step},
    tools::logs::{
        ledger::{Entry, EntryId, Line, Stage},
        rotate::{
            plan::{Plan, Rotation},
            tell,
        },
        settings::Method,
    },
};

/// Rotates what the plan says, then tells the writers, also those of rotations that earlier runs began.
pub(super) fn rotate(carry: &mut Carry, plan: &Plan) -> Result<()> {
    let sets: Vec<_> = (0..carry.rotate.sets.len()).collect();
    let begun = carry.waiting.clone();
    for set in sets {
        let name = carry.rotate.sets[set].name.clone();
        let meant = |rotation: &&Rotation| rotation.bound.set == set && rotation.method == Method::Rename;
        // What an earlier run archived in place and could not take away yet would be archived again with the whole file.
        let uncut = uncut(carry);
        let due: Vec<&Rotation> =
            plan.rotations.iter().filter(meant).filter(|rotation| !uncut.contains(&rotation.bound.log_path())).collect();
        let mut swapped: Vec<EntryId> = begun.iter().copied().filter(|id| is_untold(carry, *id, &name)).collect();
        if !carry.run.shutdown.asked() {
            swapped.extend(swap_all(carry, &due)?);
        }
        tell_writer(carry, set, &swapped)?;
    }
    Ok(())
}

/// Logs that still begin with what a rotation in place archived; why, was told.
fn uncut(carry: &Carry) -> HashSet<String> {
    let entries = carry.ledger.content().entries.values();
    entries.filter(|entry| entry.cut.is_some() && entry.stage == Stage::Archived).map(Entry::log_path).collect()
}

fn is_untold(carry: &Carry, id: EntryId, set: &str) -> bool {
    carry.ledger.content().entries.get(&id).is_some_and(|entry| entry.set == set && entry.stage == Stage::Swapped)
}

fn swap_all(carry: &mut Carry, due: &[&Rotation]) -> Result<Vec<EntryId>> {
    let entries: Vec<Entry> = due.iter().map(|rotation| carry.intent(&rotation.bound)).collect();
    carry.ledger.commit(entries.iter().cloned().map(Line::Entry).collect())?;
    let bar = carry.run.progress.items("rotating", due.len() as u64);
    let mut swapped = Vec::new();
    let mut lines = Vec::new();
    for (rotation, entry) in due.iter().zip(&entries) {
        bar.advance(1);
        let path = entry.log_path();
        if carry.run.shutdown.asked() {
            carry.unfinished.insert(path);
            lines.push(Line::gone(entry, "stopped before it was rotated"));
            continue;
        }
        match swap_one(carry, rotation, entry) {
            Ok(()) => {
                carry.tally.rotated += 1;
                let step = Step::new("rotate", path, Outcome::Done, rotation.why.to_string()).with("to", entry.name.clone());
                carry.step(step.with("bytes", rotation.size));
                carry.waiting.push(entry.id);
                swapped.push(entry.id);
                lines.push(Line::reached(entry, Stage::Swapped));
            }
            Err(failure) => {
                carry.unfinished.insert(path.clone());
                carry.failed("rotate", path, &failure);
            }
        }
    }
    carry.note(lines)?;
    Ok(swapped)
}

/// What a failed swap left stands in the ledger as an intent: the next run looks and decides.
fn swap_one(carry: &mut Carry, rotation: &Rotation, entry: &Entry) -> Result<()> {
    let bound = &rotation.bound;
    carry.hands.for_bound(bound, &bound.log)?.swap(&bound.log, &entry.name, bound.file)
}

fn tell_writer(carry: &mut Carry, set: usize, swapped: &[EntryId]) -> Result<()> {
    if swapped.is_empty() {
        return Ok(());
    }
    let set = &carry.rotate.sets[set];
    let told = match &set.reopen {
        Some(reopen) => tell::tell(reopen).map(|()| Some(reopen.to_string())),
        None => Ok(None),
    };
    match told {
        Ok(how) => {
            if let Some(how) = how {
                let step = Step::new("tell", set.name.clone(), Outcome::Done, how);
                carry.step(step);
            }
            let entries = &carry.ledger.content().entries;
            let lines = swapped.iter().filter_map(|id| entries.get(id)).map(|entry| Line::reached(entry, Stage::Told)).collect();
            carry.note(lines)
        }
        Err(failure) => {
            let name = set.name.clone();
            let logs: BTreeSet<String> =
                swapped.iter().filter_map(|id| carry.ledger.content().entries.get(id)).map(Entry::log_path).collect();
            carry.unfinished.extend(logs);
            // They go on waiting to be archived: the kernel knows whether anybody writes to them, told or not.
            carry.failed("tell", name, &failure);
            Ok(())
        }
    }
}
