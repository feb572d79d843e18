//! On which volume a folder is: where its file system is mounted. Devices get other numbers when a machine
//! starts anew, mount points do not. Never opens a folder.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{failure::Doing, tools::logs::ledger::Entry};

/// Volumes of folders, each folder asked once.
#[derive(Debug, Default)]
pub struct Volumes {
    devices: HashMap<PathBuf, Option<u64>>,
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

    /// What is to be feared of the folder of the log that `entry` is about.
    pub fn of_log(&mut self, entry: &Entry) -> Option<Away> {
        self.away(Path::new(&entry.folder), entry.log_volume())
    }

    /// The same for the folder of its archive.
    pub fn of_archive(&mut self, entry: &Entry) -> Option<Away> {
        self.away(Path::new(entry.archive_folder()), entry.archive_volume())
    }

    fn away(&mut self, folder: &Path, recorded: Option<&str>) -> Option<Away> {
        if let Some(now) = self.of(folder) {
            let was = recorded.filter(|was| Path::new(was) != now)?;
            return Some(Away::OtherVolume { was: was.to_owned(), now: now.display().to_string() });
        }
        if !absent(folder) {
            return None;
        }
        let above = folder.parent().and_then(|parent| self.of(parent));
        let removed = recorded.is_some_and(|was| above.is_some_and(|above| Path::new(was) == above));
        Some(if removed { Away::Removed } else { Away::Missing })
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

/// Whether there is certainly nothing under that path. What may not be looked at is not absent.
pub fn absent(path: &Path) -> bool {
    fs::metadata(path).doing("look at", path.display()).is_err_and(|failure| failure.is_absence())
}
