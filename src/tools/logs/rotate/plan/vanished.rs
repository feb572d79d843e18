//! Which archives somebody else removed, alone or with their folder: they are forgotten, and never taken for removed by
//! us. In doubt none: nothing is decided from a folder that could not be read, is not there, or is on another volume than
//! it was, and one that holds none of them may be what a missing volume covers.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use crate::tools::logs::{
    ledger::{Content, Entry, EntryId},
    rotate::facts::{Away, Kept, World},
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

/// Archives of folders that hold none of theirs: those of an empty one, and those whose volume nobody knows.
pub(super) fn bare(chosen: &HashSet<&str>, content: &Content, world: &World) -> HashMap<EntryId, Away> {
    let bare = |kept: &Kept, entry: &Entry| kept.archives.is_empty() && (kept.names == 0 || entry.archive_volume().is_none());
    missing(chosen, content, world).filter(|(entry, kept)| bare(kept, entry)).map(|(entry, _)| (entry.id, Away::Bare)).collect()
}

/// Archives that are missing beside others, or from a folder that is on the volume where it was.
pub(super) fn decide(chosen: &HashSet<&str>, content: &Content, world: &World) -> Vec<EntryId> {
    missing(chosen, content, world).map(|(entry, _)| entry.id).collect()
}

/// What should be in a folder that could be read, and is not there; with what is.
fn missing<'a>(chosen: &HashSet<&str>, content: &'a Content, world: &'a World) -> impl Iterator<Item = (&'a Entry, &'a Kept)> {
    let ours = |entry: &&Entry| entry.is_settled() && chosen.contains(entry.set.as_str()) && !world.away.contains_key(&entry.id);
    let look = |entry: &'a Entry| {
        let kept = world.kept.get(Path::new(entry.archive_folder()))?;
        (!kept.archives.contains(&entry.id)).then_some((entry, kept))
    };
    content.entries.values().filter(ours).filter_map(look)
}

/// What may not be where it was, folder by folder: archives of a folder that was removed are forgotten, all others stay.
pub(super) fn astray(content: &Content, world: &World) -> Vec<Astray> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        files::dir::FileId,
        tools::logs::{
            containers::Labels,
            ledger::{OnVolumes, Stage},
        },
    };

    const FOLDER: &str = "/srv/archive";

    fn entry(number: u64, volume: Option<&str>) -> Entry {
        Entry {
            id: EntryId(number),
            set: "app".to_owned(),
            folder: FOLDER.to_owned(),
            log: "app.log".to_owned(),
            archives: None,
            name: format!("app.log.{number}"),
            at: chrono::DateTime::UNIX_EPOCH,
            begun: None,
            file: Some(FileId { dev: 99, ino: number }),
            cut: None,
            piece: false,
            taken: None,
            volumes: volume.map(|volume| OnVolumes { log: Some(volume.to_owned()), ..OnVolumes::default() }),
            inherited: None,
            labels: Labels::new(),
            stage: Stage::Stored,
            archive: None,
            company: None,
            shipped: None,
        }
    }

    /// How many of the archives (there or not) count as gone, and how many as away. The folder holds so many other
    /// names; None: it could not be read.
    fn decided(there: &[bool], volume: Option<&str>, others: Option<u64>) -> (usize, usize) {
        let entries = (0..there.len() as u64).map(|number| entry(number, volume));
        let content = Content { entries: entries.map(|entry| (entry.id, entry)).collect(), ..Content::default() };
        let mut world = World::default();
        if let Some(others) = others {
            let archives: HashSet<EntryId> = (0..).zip(there).filter(|(_, there)| **there).map(|(id, _)| EntryId(id)).collect();
            world.kept.insert(FOLDER.into(), Kept { names: archives.len() as u64 + others, archives });
        }
        let app = HashSet::from(["app"]);
        world.away = bare(&app, &content, &world);
        assert_eq!(decide(&HashSet::from(["other"]), &content, &world), []);
        (decide(&app, &content, &world).len(), world.away.len())
    }

    const KNOWN: Option<&str> = Some("/srv");

    #[test]
    fn what_is_missing_beside_others_was_removed() {
        assert_eq!(decided(&[true, false, false], KNOWN, Some(0)), (2, 0));
        assert_eq!(decided(&[true, false], None, Some(0)), (1, 0));
    }

    #[test]
    fn the_last_ones_were_removed_when_the_folder_is_the_same_one_and_not_empty() {
        assert_eq!(decided(&[false, false], KNOWN, Some(1)), (2, 0));
        assert_eq!(decided(&[false, false], KNOWN, Some(0)), (0, 2));
        assert_eq!(decided(&[false, false], None, Some(5)), (0, 2));
    }

    #[test]
    fn a_folder_that_cannot_be_read_says_nothing() {
        assert_eq!(decided(&[false, false], KNOWN, None), (0, 0));
    }
}
