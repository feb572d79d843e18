//! On which volume a folder is: where its file system is mounted, and which one that is. Devices get other numbers when a
//! machine starts anew; mount points, and the number and birth of what is mounted there, do not. Never opens a folder.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use rustix::fs::{statfs, statvfs};

use crate::{failure::Doing, tools::logs::ledger::Entry};

/// ext2 to ext4, and btrfs: these make their number from what was written when they were made. Others count devices.
const STABLE: [i128; 2] = [0xEF53, 0x9123_683E];

/// Volumes of folders, each folder asked once.
#[derive(Debug, Default)]
pub struct Volumes {
    devices: HashMap<PathBuf, Option<u64>>,
    roots: HashMap<PathBuf, Option<String>>,
}

/// Why what an entry recorded may not be where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Away {
    /// The folder is on another volume than when it was recorded.
    OtherVolume {
        /// Where the volume was mounted.
        was: String,
        /// Where the one that the folder is on now is mounted.
        now: String,
    },
    /// The folder is gone, and with it what was in it: what is above is on the volume that it was on.
    Removed,
    /// The folder is not there, and nobody can tell whether it was removed or its volume is missing.
    Missing,
    /// The folder is there and holds nothing that was put there; it may be what a missing volume covers.
    Bare,
}

impl Volumes {
    /// Where the file system of `folder` is mounted.
    pub fn of(&mut self, folder: &Path) -> Option<PathBuf> {
        let device = self.device(folder)?;
        let within = folder.ancestors().skip(1).take_while(|above| self.device(above) == Some(device));
        Some(within.last().unwrap_or(folder).to_owned())
    }

    /// Which file system is mounted at `volume`, in words that stay the same when the machine starts anew.
    pub fn root(&mut self, volume: &Path) -> Option<String> {
        if let Some(known) = self.roots.get(volume) {
            return known.clone();
        }
        let root = identity(volume);
        self.roots.insert(volume.to_owned(), root.clone());
        root
    }

    /// What is to be feared of the folder of the log that `entry` is about.
    pub fn of_log(&mut self, entry: &Entry) -> Option<Away> {
        self.away(Path::new(&entry.folder), entry.log_volume(), entry.log_root())
    }

    /// The same for the folder of its archive.
    pub fn of_archive(&mut self, entry: &Entry) -> Option<Away> {
        self.away(Path::new(entry.archive_folder()), entry.archive_volume(), entry.archive_root())
    }

    fn away(&mut self, folder: &Path, recorded: Option<&str>, root: Option<&str>) -> Option<Away> {
        if let Some(now) = self.of(folder) {
            let was = recorded.filter(|was| !self.is(&now, was, root))?;
            return Some(Away::OtherVolume { was: was.to_owned(), now: now.display().to_string() });
        }
        if !absent(folder) {
            return None;
        }
        let above = folder.parent().and_then(|parent| self.of(parent));
        let removed = recorded.is_some_and(|was| above.is_some_and(|above| self.is(&above, was, root)));
        Some(if removed { Away::Removed } else { Away::Missing })
    }

    /// Whether what is mounted at `now` is what was recorded. What nobody knows, agrees.
    fn is(&mut self, now: &Path, was: &str, root: Option<&str>) -> bool {
        Path::new(was) == now && root.is_none_or(|root| self.root(now).is_none_or(|now| now == root))
    }

    fn device(&mut self, folder: &Path) -> Option<u64> {
        if let Some(known) = self.devices.get(folder) {
            return *known;
        }
        let device = fs::metadata(folder).ok().filter(fs::Metadata::is_dir).map(|found| found.dev());
        self.devices.insert(folder.to_owned(), device);
        device
    }
}

impl Away {
    /// What [`Away::OtherVolume`] says.
    pub fn moved(was: &str, now: &str) -> String {
        if was == now {
            format!("it was on another file system than the one that is mounted at {now} now")
        } else {
            format!("it was on the volume at {was}, and its folder is on the one at {now} now")
        }
    }
}

/// The number and birth of a file system's root, and where it stays the same, the file system's own number.
fn identity(volume: &Path) -> Option<String> {
    let root = fs::metadata(volume).ok()?;
    let born = root.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok()).map_or(0, |born| born.as_nanos());
    let kind = statfs(volume).ok()?.f_type;
    let own = if STABLE.contains(&i128::from(kind)) { statvfs(volume).ok()?.f_fsid } else { 0 };
    Some(format!("{}-{born}-{own:x}", root.ino()))
}

/// Whether there is certainly nothing under that path. What may not be looked at is not absent.
pub fn absent(path: &Path) -> bool {
    fs::metadata(path).doing("look at", path.display()).is_err_and(|failure| failure.is_absence())
}
