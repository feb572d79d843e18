//! Asks the world once: which logs there are, what the kernel says of them, what earlier runs left behind.
//! Plain values; changes nothing.

mod contained;
mod forsaken;
mod found;
mod listing;
mod live;
mod pending;
mod spooled;
mod twice;
mod volumes;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use chrono::{DateTime, TimeDelta, Utc};

pub(in crate::tools::logs) use self::live::archived_head;
pub(super) use self::live::only_appended;
pub use self::{
    found::{Foreign, FoundArchive},
    listing::{CollectFile, Collecting, Listing, Wanted},
    live::Live,
    pending::{Beside, PendingFact, Seen, Whose},
    spooled::Spooled,
    volumes::{Away, Volumes, absent},
};
use super::Rotate;
use crate::{
    failure::{Failure, Result},
    files::{
        archive_name::Stamp,
        dir::{FileId, Stat},
        find::Missed,
        space::Space,
        standing::Us,
    },
    report::Incomplete,
    tools::logs::{
        containers::{Container, Pods},
        ledger::{Content, Entry, EntryId, Gone, Ledger, OnVolumes},
        logrotate,
        parcel::ParcelId,
    },
};

/// Everything that a plan needs to know.
#[derive(Debug, Default)]
pub struct World {
    /// When it was asked.
    pub now: DateTime<Utc>,
    /// As whom we act.
    pub us: Us,
    /// Folders that were looked into, logs' and archives'.
    pub folders: Vec<FolderFact>,
    /// Where each folder stands in `folders`.
    pub positions: HashMap<PathBuf, usize>,
    /// What the patterns met.
    pub logs: Vec<LogFact>,
    /// Logs that are collected, and what their writers finished.
    pub collecting: Vec<Collecting>,
    /// Literal paths and folders that are not there or cannot be read.
    pub missing: Vec<Missing>,
    /// Logs whose last rotation is recorded in the future, and when.
    pub ahead: Vec<(PathBuf, DateTime<Utc>)>,
    /// Archives in their final state that may not be where they were.
    pub away: HashMap<EntryId, Away>,
    /// Entries of the ledger that are not in their final state.
    pub pending: Vec<PendingFact>,
    /// Archives that are ours, and of which the ledger knows nothing.
    pub found: Vec<FoundArchive>,
    /// What stands in each folder where the ledger has archives, by the path that the ledger gives it. A folder that
    /// could not be read is not in here.
    pub kept: HashMap<PathBuf, Kept>,
    /// Archives that say they are ours and are not taken for it.
    pub foreign: Vec<Foreign>,
    /// Archives of which that cannot be told.
    pub unreadable: Vec<Incomplete>,
    /// The newest name in use, by folder and name of the log.
    pub newest: Newest,
    /// What could not be read of logrotate's configuration.
    pub logrotate: Vec<Incomplete>,
    /// Logs that were live at the last look, in folders that somebody removed since.
    pub forsaken: Vec<String>,
    /// Logs of which the ledger remembers something, and that are gone.
    pub gone: BTreeMap<String, Gone>,
    /// Files that are not rotated in place any more, and how much of their beginning is archived from when they were.
    pub again: HashMap<FileId, u64>,
    /// What waits for the store; None where there is none, or nobody could look.
    pub spool: Option<Vec<Spooled>>,
    /// Parcels there whose tickets are damaged, so that nobody knows what they are.
    pub broken: Vec<ParcelId>,
    /// How far the clock is ahead of all that is recorded, when that is in doubt.
    pub leap: Option<TimeDelta>,
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
    /// What it is, and the space of its file system; or why it could not be looked into.
    pub state: Result<(Stat, Space)>,
    /// Whether we may make names in it, and if not, why.
    pub writable: Result<()>,
    /// Where its file system is mounted.
    pub volume: Option<PathBuf>,
    /// Which one that is.
    pub root: Option<String>,
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
    /// Since when it is the live log; the epoch when nobody can tell.
    pub since: DateTime<Utc>,
    /// Whether the next run can only know that from us.
    pub unremembered: bool,
    /// Where logrotate's configuration names it.
    pub logrotate: Option<String>,
    /// What is true of it when it is rotated in place.
    pub live: Option<Live>,
    /// The container that it is of, when it lies in a container's folder.
    pub container: Option<Container>,
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
    let mut world = World { now, us: us(), ..World::default() };
    let theirs = rotate.logrotate.as_deref().map(logrotate::read);
    let mut volumes = Volumes::default();
    Listing::new(rotate, ledger.content()).look(&mut world, &mut volumes);
    contained::find(&mut world, Path::new(Pods::FOLDER));
    for log in &mut world.logs {
        let folder = &world.folders[log.folder].path;
        let path = folder.join(&log.name);
        if let What::File(stat) = &log.what {
            let last = path.to_str().and_then(|path| ledger.content().last.get(path)).copied();
            if let Some(last) = last.filter(|last| is_future(now, *last)) {
                world.ahead.push((path.clone(), last));
            }
            let named = world.newest.of(folder, &log.name).map(Stamp::at);
            let seen = path.to_str().and_then(|path| ledger.content().seen.get(path)).filter(|seen| seen.inode == stat.id.ino);
            // One of the future tells nothing; the log is seen anew.
            let seen = seen.map(|seen| seen.since).filter(|since| !is_future(now, *since));
            log.since = since(now, [last, named, seen], stat);
            log.unremembered = [last, named, seen, stat.born].iter().all(Option::is_none);
        }
        log.logrotate = theirs
            .as_ref()
            .and_then(|theirs| theirs.owner_of(&path))
            .map(|stanza| format!("{}:{}", stanza.file.display(), stanza.line));
    }
    live::look(rotate, ledger.content(), &mut world);
    world.again = live::again(rotate, ledger.content(), &world);
    world.logrotate = theirs.map(|theirs| theirs.problems).unwrap_or_default();
    world.forsaken = forsaken::look(rotate, ledger.content(), &mut volumes);
    world.gone = forsaken::gone(rotate, ledger.content(), &mut volumes);
    world.away = away(rotate, ledger.content(), &mut volumes);
    let pending = |entry| PendingFact::of(entry, &rotate.host, &mut volumes);
    world.pending = ledger.content().entries.values().filter_map(pending).collect();
    world.leap = ledger.content().leap(now);
    if let Some(shipping) = &rotate.shipping {
        spooled::look(shipping, &mut world);
    }
    world
}

/// Where we cannot ask, we do not count as able.
fn us() -> Us {
    use rustix::{process, thread};
    let gives_away = thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(thread::CapabilitySet::CHOWN));
    Us { uid: process::geteuid().as_raw(), gives_away }
}

/// Since when it is the live log: the last rotation, the newest name, the first sight, or what the file itself knows. What
/// lies in the future tells nothing: the clock was wrong then, or is now.
fn since(now: DateTime<Utc>, [last, named, seen]: [Option<DateTime<Utc>>; 3], stat: &Stat) -> DateTime<Utc> {
    let known = [last, named, seen].into_iter().flatten().find(|time| !is_future(now, *time));
    let made = stat.born.or(last).is_none_or(|made| !is_future(now, made));
    match known {
        Some(known) => known,
        // Made under another clock and written under this one: any age may be its own, so it is due.
        None if !made && !is_future(now, stat.modified) => DateTime::UNIX_EPOCH,
        None => stat.oldest(),
    }
}

/// Whether a time lies so far ahead that the clock must have been wrong: then, or now.
fn is_future(now: DateTime<Utc>, time: DateTime<Utc>) -> bool {
    /// Clocks are set by seconds every day; one that was taken for local time is off by hours.
    const SKEW: TimeDelta = TimeDelta::days(1);
    time.signed_duration_since(now) > SKEW
}

/// Which stored archives may not be where they were. Each folder is asked once.
fn away(rotate: &Rotate, content: &Content, volumes: &mut Volumes) -> HashMap<EntryId, Away> {
    let mut folders: HashMap<[Option<&str>; 3], Option<Away>> = HashMap::new();
    let ours = |entry: &&Entry| entry.is_settled() && !rotate.others.contains(&entry.set);
    let mut away = HashMap::new();
    for entry in content.entries.values().filter(ours) {
        let place = [Some(entry.archive_folder()), entry.archive_volume(), entry.archive_root()];
        let found = folders.entry(place).or_insert_with(|| volumes.of_archive(entry));
        // A volume may be mounted elsewhere and lead to the same files.
        if let Some(found) = found.as_ref().filter(|_| absent(Path::new(&entry.path()))) {
            away.insert(entry.id, found.clone());
        }
    }
    away
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
    /// Whether a time lies so far ahead that the clock must have been wrong.
    pub fn is_future(&self, time: DateTime<Utc>) -> bool {
        is_future(self.now, time)
    }

    /// Whether it was more than a day ago. While the clock is in doubt, so is every age.
    pub fn is_long_ago(&self, time: DateTime<Utc>) -> bool {
        self.leap.is_none() && self.now - time > TimeDelta::days(1)
    }

    /// The path of a log.
    pub fn path(&self, log: &LogFact) -> PathBuf {
        self.folders[log.folder].path.join(&log.name)
    }

    /// What is known of a folder, by where it really is.
    pub fn folder(&self, path: &Path) -> Option<&FolderFact> {
        self.positions.get(path).map(|position| &self.folders[*position])
    }
}

impl LogFact {
    /// How much of it is in no archive.
    pub fn unarchived(&self, stat: &Stat) -> u64 {
        self.live.as_ref().map_or(stat.size, |live| stat.size.saturating_sub(live.archived))
    }
}

impl FolderFact {
    /// The volumes of an entry whose log is in here, and whose archive goes elsewhere or stays.
    pub fn volumes(&self, archives: Option<&FolderFact>) -> Option<OnVolumes> {
        let shown = |fact: &FolderFact| fact.volume.as_ref().map(|path| path.display().to_string());
        let volumes = OnVolumes {
            log: shown(self),
            archives: archives.and_then(shown),
            log_root: self.root.clone(),
            archives_root: archives.and_then(|archives| archives.root.clone()),
        };
        (volumes != OnVolumes::default()).then_some(volumes)
    }
}

impl Missing {
    fn of(set: usize, missed: Missed) -> Missing {
        Missing { set, path: missed.failure.what.clone(), why: missed.failure, absent: missed.absent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::dir::Kind;

    #[test]
    fn a_rotation_in_the_future_does_not_stop_the_ones_to_come() {
        let day = |day: i64| DateTime::from_timestamp(1_700_000_000 + day * 86_400, 0).unwrap();
        let file = |born: Option<i64>, modified: i64| Stat {
            modified: day(modified),
            born: born.map(day),
            ..crate::files::dir::stat_open(&tempfile::tempfile().unwrap()).unwrap()
        };
        let since =
            |last: Option<i64>, named: Option<i64>, stat: &Stat| since(day(0), [last.map(day), named.map(day), None], stat);
        assert_eq!(file(None, 0).kind, Kind::File);
        assert_eq!(since(Some(-3), Some(-2), &file(Some(-9), 0)), day(-3), "the ledger's word counts first");
        assert_eq!(since(Some(1), None, &file(Some(-9), 0)), day(1), "a clock that is off by hours is believed");
        assert_eq!(since(Some(900), Some(-2), &file(Some(900), 0)), day(-2));
        assert_eq!(since(Some(900), None, &file(Some(-5), 0)), day(-5));
        assert_eq!(since(Some(900), None, &file(Some(900), 0)), DateTime::UNIX_EPOCH, "unknown, so it is due");
        assert_eq!(since(Some(900), None, &file(None, 0)), DateTime::UNIX_EPOCH);
        assert_eq!(since(Some(900), None, &file(Some(900), 900)), day(900), "nothing was written under this clock yet");
        assert_eq!(since(None, None, &file(None, -1)), day(-1));
    }
}
