//! Asks the world once: which logs there are, what the kernel says of them, what earlier runs left behind.
//! Plain values; changes nothing.

mod found;
mod listing;
mod pending;
mod twice;
mod volumes;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use chrono::{DateTime, TimeDelta, Utc};

pub use self::{
    found::{Foreign, FoundArchive},
    listing::{Listing, Wanted},
    pending::{Beside, PendingFact, Seen, Whose},
    volumes::{Away, Volumes, absent},
};
use super::Rotate;
use crate::{
    failure::Failure,
    files::{
        archive_name::Stamp,
        dir::{FileId, Stat},
        find::Missed,
    },
    tools::logs::{
        ledger::{Ledger, OnVolumes},
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
    /// Archives that are ours, and of which the ledger knows nothing.
    pub found: Vec<FoundArchive>,
    /// Archives that say they are ours and are not taken for it.
    pub foreign: Vec<Foreign>,
    /// Archives of which that cannot be told.
    pub unreadable: Vec<crate::report::Incomplete>,
    /// The newest name in use, by folder and name of the log.
    pub newest: Newest,
    /// What could not be read of logrotate's configuration.
    pub logrotate: Vec<crate::report::Incomplete>,
}

/// A folder with logs or archives.
#[derive(Debug)]
pub struct FolderFact {
    /// Where it really is.
    pub path: PathBuf,
    /// What it is, and the total and free bytes of its file system; or why it could not be looked into.
    pub state: Result<(Stat, (u64, u64)), Failure>,
    /// Where its file system is mounted.
    pub volume: Option<PathBuf>,
    /// What the settings want of it.
    pub wanted: Wanted,
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
    /// A log that several paths lead to.
    Twice(Vec<String>),
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

/// Looks at the machine for the chosen sets.
pub fn gather(rotate: &Rotate, ledger: &Ledger, now: DateTime<Utc>) -> World {
    let mut world = World { now, us: rustix::process::geteuid().as_raw(), ..World::default() };
    let theirs = rotate.logrotate.as_deref().map(logrotate::read);
    let mut volumes = Volumes::default();
    Listing::new(rotate, ledger.content()).look(&mut world, &mut volumes);
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
    let pending = |entry| PendingFact::of(entry, &rotate.host, &mut volumes);
    world.pending = ledger.content().entries.values().filter_map(pending).collect();
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
    /// Whether a time lies so far ahead that the clock must have been wrong: then, or now.
    pub fn is_future(&self, time: DateTime<Utc>) -> bool {
        /// Clocks are set by seconds every day; a real-time clock in another zone is off by hours.
        const SKEW: TimeDelta = TimeDelta::days(1);
        time.signed_duration_since(self.now) > SKEW
    }

    /// What is known of a folder, by where it really is.
    pub fn folder(&self, path: &Path) -> Option<&FolderFact> {
        self.positions.get(path).map(|position| &self.folders[*position])
    }
}

impl FolderFact {
    /// The volumes of an entry whose log is in here, and whose archive goes elsewhere or stays.
    pub fn volumes(&self, archives: Option<&FolderFact>) -> Option<OnVolumes> {
        let shown = |fact: &FolderFact| fact.volume.as_ref().map(|path| path.display().to_string());
        let volumes = OnVolumes { log: shown(self), archives: archives.and_then(shown) };
        (volumes != OnVolumes::default()).then_some(volumes)
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
