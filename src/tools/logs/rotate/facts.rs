//! Asks the world once: which logs there are, what the kernel says of them, what earlier runs left behind.
//! Plain values; changes nothing.

mod listing;
mod pending;

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};

pub use self::{
    listing::{Found, Listing},
    pending::{PendingFact, Seen},
};
use super::Rotate;
use crate::{
    failure::Failure,
    files::{
        archive_name::{ArchiveName, Stamp},
        compress::{Facts, Label},
        dir::{FileId, Stat},
        find::Missed,
    },
    tools::logs::{
        ledger::{EntryId, Ledger},
        logrotate,
    },
};

/// Everything that a plan needs to know.
#[derive(Debug, Default)]
pub struct World {
    /// When it was asked.
    pub now: DateTime<Utc>,
    /// Our effective user id.
    pub us: u32,
    /// Folders that were looked into, logs' and archives'.
    pub folders: Vec<FolderFact>,
    /// Where each folder stands in `folders`.
    pub positions: HashMap<PathBuf, usize>,
    /// What the patterns met.
    pub logs: Vec<LogFact>,
    /// Literal paths and folders that are not there or cannot be read.
    pub missing: Vec<Missing>,
    /// Entries of the ledger that are not in their final state.
    pub pending: Vec<PendingFact>,
    /// Archives that say they are ours, of which the ledger knows nothing.
    pub found: Vec<FoundArchive>,
    /// What stands in each folder where the ledger has archives, by the path that the ledger gives it. A folder that
    /// could not be read is not in here.
    pub kept: HashMap<PathBuf, Kept>,
    /// The newest name in use, by folder and name of the log.
    pub newest: Newest,
    /// What could not be read of logrotate's configuration.
    pub logrotate: Vec<crate::report::Incomplete>,
}

/// What a folder with archives of the ledger really holds.
#[derive(Debug, Default)]
pub struct Kept {
    /// How many names there are, of any kind, that are UTF-8.
    pub names: u64,
    /// The entries whose archive is there.
    pub archives: HashSet<EntryId>,
}

/// A folder with logs or archives.
#[derive(Debug)]
pub struct FolderFact {
    /// Where it really is.
    pub path: PathBuf,
    /// What it is, and the total and free bytes of its file system; or why it could not be looked into.
    pub state: Result<(Stat, (u64, u64)), Failure>,
}

/// A name that a set's pattern met.
#[derive(Debug)]
pub struct LogFact {
    /// The set, by position.
    pub set: usize,
    /// The folder, by position in [`World::folders`].
    pub folder: usize,
    /// The name.
    pub name: String,
    /// What it is.
    pub what: What,
    /// Since when it is the live log.
    pub since: DateTime<Utc>,
    /// Where logrotate's configuration names it.
    pub logrotate: Option<String>,
}

/// What a name turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// An ordinary file.
    File(Stat),
    /// Something else, in words: "a symbolic link".
    Odd(&'static str),
    /// A name of several sets.
    Shared(Vec<usize>),
    /// A name that is not UTF-8.
    Unnamable,
    /// The kernel would not say.
    Unreadable(Failure),
}

/// A path of a set that is not there.
#[derive(Debug)]
pub struct Missing {
    /// The set, by position.
    pub set: usize,
    /// The path.
    pub path: String,
    /// Why.
    pub why: Failure,
    /// Whether it simply does not exist.
    pub absent: bool,
}

/// An archive whose trailer says that it is ours.
#[derive(Debug)]
pub struct FoundArchive {
    /// The folder it lies in.
    pub folder: PathBuf,
    /// Its name.
    pub name: ArchiveName,
    /// What it says of itself.
    pub label: Label,
    /// And of its content.
    pub facts: Facts,
}

/// Looks at the machine for the chosen sets.
pub fn gather(rotate: &Rotate, ledger: &Ledger, now: DateTime<Utc>) -> World {
    let mut world = World { now, us: rustix::process::geteuid().as_raw(), ..World::default() };
    let theirs = rotate.logrotate.as_deref().map(logrotate::read);
    let mut listing = Listing::new(rotate, ledger.content());
    listing.look(&mut world);
    for log in &mut world.logs {
        let folder = &world.folders[log.folder].path;
        let path = folder.join(&log.name);
        if let What::File(stat) = &log.what {
            let last = path.to_str().and_then(|path| ledger.content().last.get(path)).copied();
            let named = || world.newest.of(folder, &log.name).map(Stamp::at);
            log.since = last.or_else(named).unwrap_or_else(|| stat.oldest());
        }
        log.logrotate = theirs
            .as_ref()
            .and_then(|theirs| theirs.owner_of(&path))
            .map(|stanza| format!("{}:{}", stanza.file.display(), stanza.line));
    }
    world.logrotate = theirs.map(|theirs| theirs.problems).unwrap_or_default();
    world.pending = ledger.content().entries.values().filter_map(PendingFact::of).collect();
    world
}

/// The newest name in use, by folder and name of the log.
#[derive(Clone, Debug, Default)]
pub struct Newest(HashMap<PathBuf, HashMap<String, Stamp>>);

impl Newest {
    /// The newest name of `log` in `folder`.
    pub fn of(&self, folder: &Path, log: &str) -> Option<Stamp> {
        self.0.get(folder)?.get(log).copied()
    }

    /// Takes note of one more name.
    pub fn note(&mut self, folder: &Path, log: &str, stamp: Stamp) {
        if self.of(folder, log).is_none_or(|newest| newest < stamp) {
            self.0.entry(folder.to_owned()).or_default().insert(log.to_owned(), stamp);
        }
    }
}

impl World {
    /// What is known of a folder, by where it really is.
    pub fn folder(&self, path: &Path) -> Option<&FolderFact> {
        self.positions.get(path).map(|position| &self.folders[*position])
    }
}

impl Missing {
    fn of(set: usize, missed: Missed) -> Missing {
        Missing { set, path: missed.failure.what.clone(), why: missed.failure, absent: missed.absent }
    }
}

/// Whether a found file is the one that was meant. The file system's number does not count: it may be
/// another one after a restart of the machine, and rotated names are never used twice.
pub fn same(stat: Option<&Stat>, file: Option<FileId>) -> bool {
    stat.is_some_and(|stat| file.is_some_and(|file| file.ino == stat.id.ino))
}
