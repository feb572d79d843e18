//! The room that archives need: where it is short the smallest goes first, so that each finished one frees some for the
//! next, and what fails for want of it says how much would do. Nothing is left out because it looks too large.

use std::{collections::HashMap, path::Path};

use rustix::io::Errno;

use super::Carry;
use crate::{
    failure::{Failure, Result},
    files::{
        compress::Compression,
        dir::{Dir, FileId},
        space::Space,
    },
    report::Size,
    tools::logs::ledger::{Entry, EntryId},
};

/// What waits to be archived.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Queue {
    /// There is room for all of it, even if nothing got smaller. In the order of the plan.
    pub(super) roomy: Vec<EntryId>,
    /// There is not: one at a time, because two at once would fail where each alone fits. Smallest first.
    pub(super) short: Vec<EntryId>,
}

/// One file that waits.
struct Waiting {
    id: EntryId,
    /// Where its archive goes, when that is known.
    device: Option<u64>,
    /// Plain bytes that need a place there.
    bytes: u64,
}

/// Puts `ids` in the order in which they have the best prospects. `sizes` is what the plan knew of them.
pub(super) fn queue(carry: &Carry, ids: &[EntryId], sizes: &HashMap<EntryId, u64>) -> Queue {
    let mut free = HashMap::new();
    let mut devices: HashMap<&str, Option<u64>> = HashMap::new();
    let mut waiting = Vec::new();
    for entry in ids.iter().filter_map(|id| carry.ledger.content().entries.get(id)) {
        let device = *devices.entry(entry.archive_folder()).or_insert_with(|| {
            let (device, space) = around(entry).ok()?;
            free.insert(device, space.free);
            Some(device)
        });
        let bytes = if carry.rotate.stays(entry) { 0 } else { sizes.get(&entry.id).copied().unwrap_or(0) };
        waiting.push(Waiting { id: entry.id, device, bytes });
    }
    arrange(waiting, &free)
}

/// A file system is short when less is free than waits for it. One that cannot be asked is taken as it always was.
fn arrange(waiting: Vec<Waiting>, free: &HashMap<u64, u64>) -> Queue {
    let mut wanted: HashMap<u64, u64> = HashMap::new();
    for (device, bytes) in waiting.iter().filter_map(|one| Some((one.device?, one.bytes))) {
        let sum = wanted.entry(device).or_default();
        *sum = sum.saturating_add(bytes);
    }
    let is_short = |one: &Waiting| one.device.is_some_and(|device| free.get(&device) < wanted.get(&device));
    let (mut short, roomy): (Vec<Waiting>, Vec<Waiting>) = waiting.into_iter().partition(is_short);
    short.sort_by_key(|one| one.bytes);
    let ids = |waiting: Vec<Waiting>| waiting.into_iter().map(|one| one.id).collect();
    Queue { roomy: ids(roomy), short: ids(short) }
}

/// The device that the archives of `entry` are on, and its space.
pub(super) fn around(entry: &Entry) -> Result<(u64, Space)> {
    let dir = Dir::open(Path::new(entry.archive_folder()))?;
    let FileId { dev, .. } = dir.stat_self()?.id;
    Ok((dev, dir.space()?))
}

/// Says how much room would have done, when it was room that lacked for the archive of so many plain bytes.
pub(super) fn explained(failure: &Failure, entry: &Entry, how: Compression, plain: u64) -> Failure {
    let failure = failure.clone();
    if !failure.is_shortage() {
        return failure;
    }
    match around(entry) {
        Ok((_, space)) => told(failure, how.at_most(plain), space.free),
        Err(_) => failure,
    }
}

fn told(failure: Failure, needs: u64, free: u64) -> Failure {
    if failure.errno == Some(Errno::NOSPC) && free >= needs {
        return failure.hint("there is room for it now; if it fails again, the file system may be out of inodes (`df -i`)");
    }
    let cause = failure.cause.clone().unwrap_or_default();
    failure.because(format!("{cause}; it needs up to {}, with {} free on that file system", Size(needs), Size(free))).hint(
        "free that much there; for the next time archive-dir on another disk or method = \"in-place\", which goes piece by piece, would do"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(files: &[(u64, u64)]) -> Vec<Waiting> {
        let one = |(number, (device, bytes)): (usize, &(u64, u64))| Waiting {
            id: EntryId(number as u64),
            device: Some(*device).filter(|device| *device > 0),
            bytes: *bytes,
        };
        files.iter().enumerate().map(one).collect()
    }

    fn ids(numbers: &[u64]) -> Vec<EntryId> {
        numbers.iter().copied().map(EntryId).collect()
    }

    #[test]
    fn the_smallest_goes_first_on_a_file_system_that_is_short_and_nowhere_else() {
        let free = HashMap::from([(1, 99), (2, 100)]);
        let queue = arrange(waiting(&[(1, 50), (2, 60), (1, 20), (0, 1 << 40), (2, 40), (1, 30)]), &free);
        assert_eq!(queue, Queue { roomy: ids(&[1, 3, 4]), short: ids(&[2, 5, 0]) });
        let roomy = arrange(waiting(&[(1, 50), (1, 20), (1, 29)]), &free);
        assert_eq!(roomy, Queue { roomy: ids(&[0, 1, 2]), short: Vec::new() });
        let overflowing = arrange(waiting(&[(1, u64::MAX), (1, u64::MAX)]), &free);
        assert_eq!(overflowing.short, ids(&[0, 1]));
    }

    #[test]
    fn only_want_of_room_is_explained() {
        let failed = |errno: Errno| Failure::of_system("write", "the archive", &errno.into());
        let short = told(failed(Errno::NOSPC), 3 << 20, 1 << 20);
        let why =
            "cannot write the archive: no space left on device; it needs up to 3.0 MiB, with 1.0 MiB free on that file system";
        assert_eq!(short.to_string(), why);
        assert!(told(failed(Errno::DQUOT), 1, 2).to_string().ends_with("up to 1 B, with 2 B free on that file system"));
        let inodes = told(failed(Errno::NOSPC), 1 << 20, 1 << 20);
        assert_eq!((inodes.cause, inodes.hint.is_some_and(|hint| hint.contains("df -i"))), (failed(Errno::NOSPC).cause, true));
        assert!(![Errno::IO, Errno::ACCESS, Errno::ROFS].into_iter().any(|errno| failed(errno).is_shortage()));
    }
}
