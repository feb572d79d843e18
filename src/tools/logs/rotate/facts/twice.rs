//! Finds logs that were met twice because two ways lead to one folder: a link, or a folder that is mounted
//! at a second place. Rotated both ways they would be rotated twice.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{What, World};
use crate::files::dir::FileId;

/// Leaves one fact of each log that one path leads to, and marks those that several paths lead to.
pub(super) fn mark(world: &mut World) {
    let mut folders: HashMap<FileId, Vec<usize>> = HashMap::new();
    for (index, folder) in world.folders.iter().enumerate() {
        if let Ok((stat, _)) = &folder.state {
            folders.entry(stat.id).or_default().push(index);
        }
    }
    folders.retain(|_, ways| ways.len() > 1);
    let mut surplus = HashSet::new();
    for ways in folders.values() {
        let mut met: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, log) in world.logs.iter().enumerate().filter(|(_, log)| ways.contains(&log.folder)) {
            met.entry(&log.name).or_default().push(index);
        }
        let several: Vec<Vec<usize>> = met.into_values().filter(|logs| logs.len() > 1).collect();
        for logs in several {
            surplus.extend(settle(world, &logs));
        }
    }
    let mut index = 0;
    world.logs.retain(|_| {
        index += 1;
        !surplus.contains(&(index - 1))
    });
}

/// Decides about one log that was met several times; returns the facts that say nothing new.
fn settle(world: &mut World, logs: &[usize]) -> Vec<usize> {
    let mut paths: BTreeMap<String, usize> = BTreeMap::new();
    let mut sets: Vec<usize> = Vec::new();
    for index in logs {
        let log = &world.logs[*index];
        let path = world.path(log).display().to_string();
        paths.entry(path).or_insert(*index);
        match &log.what {
            What::Shared(several) => sets.extend(several),
            _ => sets.push(log.set),
        }
    }
    sets.sort_unstable();
    sets.dedup();
    let what = match (paths.len(), sets.len()) {
        (1, 1) => None,
        (1, _) => Some(What::Shared(sets)),
        _ => Some(What::Twice(paths.keys().cloned().collect())),
    };
    for index in paths.values() {
        if let Some(what) = &what {
            world.logs[*index].what = what.clone();
        }
    }
    logs.iter().copied().filter(|index| !paths.values().any(|kept| kept == index)).collect()
}
