//! Removes archives that no keep-rule wants: recorded first, a batch at a time, and never for a log whose
//! rotation did not come to its end in this run. Forgets those that somebody else removed.

use std::{collections::HashMap, path::Path};

use super::{Carry, room};
use crate::{
    failure::{Failure, Result},
    files::dir::{Dir, Kind},
    report::{Outcome, Step},
    settings::units::Room,
    tools::logs::{
        ledger::{Entry, Line, Stage},
        rotate::plan::{Fate, Plan, UNSHIPPED, is_to_ship},
    },
};

/// Why an archive is forgotten.
pub(in crate::tools::logs::rotate) const VANISHED: &str = "it is not there any more, and ops-logs did not remove it";
/// So many removals share one record.
const BATCH: usize = 256;

/// Forgets the archives that are not there, each looked for once more. What came back meanwhile stays.
pub(super) fn forget(carry: &mut Carry, plan: &Plan) -> Result<()> {
    let mut lines = Vec::new();
    for id in &plan.vanished {
        let Some(entry) = carry.ledger.content().entries.get(id).cloned() else { continue };
        let looked = Dir::open(Path::new(entry.archive_folder())).and_then(|dir| dir.stat(entry.file_name()));
        if matches!(looked, Ok(None)) {
            carry.tally.vanished += 1;
            carry.step(Step::new("forget", entry.path(), Outcome::Done, VANISHED));
            lines.push(Line::gone(&entry, VANISHED));
        }
    }
    carry.note(lines)
}

/// Removes what the plan says.
pub(super) fn remove(carry: &mut Carry, plan: &Plan) -> Result<()> {
    let (mut doomed, mut for_room) = (Vec::new(), Vec::new());
    for removal in &plan.fates {
        let Fate::Remove { why, room } = &removal.fate else { continue };
        let Some(entry) = carry.ledger.content().entries.get(&removal.id).cloned() else { continue };
        if carry.unfinished.contains(&entry.log_path()) {
            let path = entry.path();
            carry.step(Step::new(
                "remove",
                path,
                Outcome::Kept,
                "this run could not finish the log's rotation, so its older archives stay",
            ));
        } else if is_to_ship(carry.rotate, &entry) {
            // The plan went by a receipt, and what it is for could not be looked at again.
            carry.step(Step::new("remove", entry.path(), Outcome::Kept, UNSHIPPED));
        } else {
            match as_recorded(&entry) {
                Ok(()) => match room {
                    Some(room) => for_room.push((entry, why, *room)),
                    None => doomed.push((entry, why)),
                },
                Err(failure) => carry.failed("remove", entry.path(), &failure),
            }
        }
    }
    for batch in doomed.chunks(BATCH) {
        if carry.run.shutdown.asked() {
            return Ok(());
        }
        one_batch(carry, batch)?;
    }
    for_room.sort_by(|(one, ..), (other, ..)| (one.at, &one.name).cmp(&(other.at, &other.name)));
    let mut free = Free::default();
    for batch in for_room.chunks(BATCH) {
        if carry.run.shutdown.asked() {
            return Ok(());
        }
        let needed = needed(carry, &mut free, batch);
        if !needed.is_empty() {
            one_batch(carry, &needed)?;
        }
    }
    Ok(())
}

/// What is free on each file system, by its device. What was just removed may come back late, so it counts at once.
type Free = HashMap<u64, u64>;

/// Those that must go for want of room as it is now: the plan could not know what this run gives back.
fn needed<'a>(carry: &mut Carry, free: &mut Free, batch: &[(Entry, &'a String, Room)]) -> Vec<(Entry, &'a String)> {
    let mut asked = HashMap::new();
    let mut needed = Vec::new();
    for (entry, why, room) in batch {
        let known = asked.entry(entry.archive_folder()).or_insert_with(|| {
            let (device, now) = room::around(entry)?;
            let free = free.entry(device).or_insert(now.free);
            *free = now.free.max(*free);
            Ok::<_, Failure>((device, now.total))
        });
        let stays = match known {
            Ok((device, total)) => {
                let free = free.entry(*device).or_default();
                let enough = *free >= room.of(*total);
                *free += if enough { 0 } else { entry.stored() };
                enough.then(|| "there is room now".to_owned())
            }
            Err(failure) => Some(format!("how much is free is not known: {failure}")),
        };
        match stays {
            Some(why) => carry.step(Step::new("remove", entry.path(), Outcome::Kept, why)),
            None => needed.push((entry.clone(), *why)),
        }
    }
    needed
}

/// A file that somebody put in the archive's place is not ours to remove.
fn as_recorded(entry: &Entry) -> Result<()> {
    let there = Dir::open(Path::new(entry.archive_folder()))?.stat(entry.file_name())?;
    match there {
        Some(stat) if stat.kind != Kind::File || stat.size != entry.stored() => Err(Failure::new("remove", entry.path())
            .because("another file stands there than the archive that was recorded")
            .hint("look at it, and move it away or back")),
        _ => Ok(()),
    }
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
                let bytes = if there { entry.stored() } else { 0 };
                carry.tally.removed += u64::from(there);
                carry.tally.removed_bytes += bytes;
                carry.step(Step::new("remove", entry.path(), Outcome::Done, why.clone()).with("bytes", bytes));
                lines.push(Line::gone(entry, why));
            }
            Err(failure) => carry.failed("remove", entry.path(), &failure),
        }
    }
    carry.note(lines)
}
