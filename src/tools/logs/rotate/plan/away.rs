//! What to do about archives whose folder is not there, or is on another volume than it was: forgotten only
//! when the folder was certainly removed, and never taken for removed by us.

use std::collections::BTreeMap;

use crate::tools::logs::{
    ledger::{Content, EntryId},
    rotate::facts::{Away, World},
};

/// A folder with archives that are not where they were.
#[derive(Debug, PartialEq, Eq)]
pub struct Astray {
    /// The folder.
    pub folder: String,
    /// What became of it.
    pub away: Away,
    /// The archives.
    pub entries: Vec<EntryId>,
}

/// One decision for each folder: entries of a folder that was removed are forgotten, all others stay.
pub(super) fn decide(content: &Content, world: &World) -> Vec<Astray> {
    let mut folders: BTreeMap<&str, Vec<Astray>> = BTreeMap::new();
    for entry in content.entries.values() {
        let Some(away) = world.away.get(&entry.id) else { continue };
        let here = folders.entry(entry.archive_folder()).or_default();
        if let Some(astray) = here.iter_mut().find(|astray| astray.away == *away) {
            astray.entries.push(entry.id);
        } else {
            let (folder, away) = (entry.archive_folder().to_owned(), away.clone());
            here.push(Astray { folder, away, entries: vec![entry.id] });
        }
    }
    folders.into_values().flatten().collect()
}
