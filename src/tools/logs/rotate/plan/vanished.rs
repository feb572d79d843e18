//! Which archives somebody else removed, and which only seem gone because their folder is not there: a disk
//! that is not mounted. In doubt they are there; nothing is decided from a folder that could not be read.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use crate::tools::logs::{
    ledger::{Content, Entry, EntryId},
    rotate::facts::{Kept, World},
};

/// Archives that should be there and were not seen.
#[derive(Debug, Default)]
pub struct Vanished {
    /// Somebody removed them: they no longer count.
    pub gone: Vec<EntryId>,
    /// Folders that do not look like the ones that the archives were put into.
    pub away: Vec<Away>,
    /// What was put there: it counts, and stays.
    pub held: HashSet<EntryId>,
}

/// A folder whose archives are out of sight.
#[derive(Debug, PartialEq, Eq)]
pub struct Away {
    /// The folder.
    pub folder: String,
    /// How many archives should be there.
    pub archives: u64,
    /// What speaks against looking there.
    pub why: String,
}

/// Decides for every archive of the chosen sets that should be there.
pub(super) fn decide(chosen: &HashSet<&str>, content: &Content, world: &World) -> Vanished {
    let mut folders: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in content.entries.values().filter(|entry| entry.is_settled() && chosen.contains(entry.set.as_str())) {
        folders.entry(entry.archive_folder()).or_default().push(entry);
    }
    let mut vanished = Vanished::default();
    for (folder, entries) in folders {
        match look(world, folder) {
            Look::Seen(kept, dev) => sort(&mut vanished, folder, &entries, kept, dev),
            Look::Refused(why) => vanished.hold(folder, &entries, why),
            Look::Unknown => {}
        }
    }
    vanished
}

enum Look<'a> {
    Seen(&'a Kept, u64),
    Refused(String),
    Unknown,
}

fn look<'a>(world: &'a World, folder: &str) -> Look<'a> {
    let path = Path::new(folder);
    match (world.folder(path).map(|fact| &fact.state), world.kept.get(path)) {
        (Some(Ok((stat, _))), Some(kept)) => Look::Seen(kept, stat.id.dev),
        (Some(Err(failure)), _) => Look::Refused(failure.cause.clone().unwrap_or_else(|| failure.to_string())),
        _ => Look::Unknown,
    }
}

/// One archive that is there vouches for the folder. Where all are missing that were made on one file system, the
/// folder must be on that file system and hold something, or it is taken for another one.
fn sort(vanished: &mut Vanished, folder: &str, entries: &[&Entry], kept: &Kept, dev: u64) {
    let mut by_home: BTreeMap<Option<u64>, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        by_home.entry(home(entry)).or_default().push(entry);
    }
    for (home, entries) in by_home {
        let missing: Vec<&Entry> = entries.iter().copied().filter(|entry| !kept.archives.contains(&entry.id)).collect();
        let vouched = missing.len() < entries.len() || (home == Some(dev) && kept.names > 0);
        if vouched {
            vanished.gone.extend(missing.iter().map(|entry| entry.id));
        } else if kept.names == 0 {
            vanished.hold(folder, &missing, "it is empty".to_owned());
        } else {
            vanished.hold(folder, &missing, "it holds none of them and may be on another file system".to_owned());
        }
    }
}

/// The file system that an archive was put on. Older ledgers tell it only where that is the log's own folder.
fn home(entry: &Entry) -> Option<u64> {
    entry.home.or_else(|| entry.file.filter(|_| entry.archives.is_none()).map(|file| file.dev))
}

impl Vanished {
    fn hold(&mut self, folder: &str, entries: &[&Entry], why: String) {
        self.held.extend(entries.iter().map(|entry| entry.id));
        self.away.push(Away { folder: folder.to_owned(), archives: entries.len() as u64, why });
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use chrono::{DateTime, Utc};

    use super::*;
    use crate::{
        failure::{Failure, Result},
        files::dir::{FileId, Kind, Stat},
        tools::logs::{ledger::Stage, rotate::facts::FolderFact},
    };

    const FOLDER: &str = "/srv/archive";

    /// An archive that was put on this file system, and whether it is there.
    type Archive = (Option<u64>, bool);

    fn entry(number: u64, home: Option<u64>) -> Entry {
        Entry {
            id: EntryId(number),
            set: "app".to_owned(),
            folder: "/var/log".to_owned(),
            log: "app.log".to_owned(),
            archives: Some(FOLDER.to_owned()),
            name: format!("app.log.{number}"),
            at: DateTime::UNIX_EPOCH,
            begun: None,
            file: Some(FileId { dev: 99, ino: number }),
            home,
            inherited: None,
            stage: Stage::Stored,
            archive: None,
        }
    }

    fn stat(dev: u64) -> Stat {
        let then = DateTime::<Utc>::UNIX_EPOCH;
        Stat {
            id: FileId { dev, ino: 2 },
            kind: Kind::Folder,
            size: 0,
            allocated: 0,
            mode: 0o755,
            uid: 0,
            gid: 0,
            links: 2,
            modified: then,
            born: None,
            locked: false,
        }
    }

    /// How many count as gone, and how many are held.
    fn decided(archives: &[Archive], others: u64, state: Result<u64>) -> (usize, usize) {
        let entries: Vec<Entry> = (0..).zip(archives).map(|(number, (home, _))| entry(number, *home)).collect();
        let there: HashSet<EntryId> =
            entries.iter().zip(archives).filter(|(_, (_, there))| *there).map(|(entry, _)| entry.id).collect();
        let content = Content { entries: entries.into_iter().map(|entry| (entry.id, entry)).collect(), ..Content::default() };
        let mut world = World::default();
        if state.is_ok() {
            let kept = Kept { names: there.len() as u64 + others, archives: there };
            world.kept.insert(PathBuf::from(FOLDER), kept);
        }
        world.folders.push(FolderFact { path: FOLDER.into(), state: state.map(|dev| (stat(dev), (100, 50))) });
        world.positions.insert(FOLDER.into(), 0);
        let vanished = decide(&HashSet::from(["app"]), &content, &world);
        assert_eq!(decide(&HashSet::from(["other"]), &content, &world).gone, []);
        assert_eq!(vanished.away.iter().map(|away| away.archives).sum::<u64>(), vanished.held.len() as u64);
        (vanished.gone.len(), vanished.held.len())
    }

    const HERE: Option<u64> = Some(1);
    const ELSEWHERE: Option<u64> = Some(2);

    #[test]
    fn what_is_missing_beside_others_was_removed() {
        assert_eq!(decided(&[(HERE, true), (HERE, false)], 0, Ok(1)), (1, 0));
        // After a restart the file system may have another number.
        assert_eq!(decided(&[(ELSEWHERE, true), (ELSEWHERE, false)], 0, Ok(1)), (1, 0));
        assert_eq!(decided(&[(None, true), (None, false)], 0, Ok(1)), (1, 0));
    }

    #[test]
    fn the_last_ones_were_removed_when_the_folder_is_the_same_one_and_not_empty() {
        assert_eq!(decided(&[(HERE, false), (HERE, false)], 1, Ok(1)), (2, 0));
        assert_eq!(decided(&[(HERE, false)], 0, Ok(1)), (0, 1));
    }

    #[test]
    fn a_folder_on_another_file_system_says_nothing() {
        assert_eq!(decided(&[(ELSEWHERE, false), (ELSEWHERE, false)], 5, Ok(1)), (0, 2));
        assert_eq!(decided(&[(None, false)], 5, Ok(1)), (0, 1));
        // Not even when a run has put new archives there meanwhile, and some of those were removed.
        assert_eq!(decided(&[(ELSEWHERE, false), (HERE, true), (HERE, false)], 0, Ok(1)), (1, 1));
    }

    #[test]
    fn a_folder_that_cannot_be_read_says_nothing() {
        let refused = Failure::new("open the folder", FOLDER).because("no such file or directory");
        assert_eq!(decided(&[(HERE, false), (HERE, false)], 0, Err(refused)), (0, 2));
    }
}
