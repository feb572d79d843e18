//! Disks for logs, state, archives and a store, whose power goes at one moment.
//!
//! Whatever was not synced is gone then, on each of them for itself: one may be ahead of another.

use std::{
    fs::File,
    path::PathBuf,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use super::{
    filesystem::{FileSystem, Kind, Recipe},
    power,
};

/// What is on a disk of its own, besides the logs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Disks {
    One,
    State,
    ArchivesToo,
    /// The same, and one more for a store.
    StoreToo,
}

/// Three disks, not all of them used, and a fourth where there is a store.
pub struct ThreeDisks {
    pub kind: Kind,
    pub used: Disks,
    logs: FileSystem,
    state: FileSystem,
    archives: FileSystem,
    store: Option<FileSystem>,
}

/// While the power of a disk fails nobody can tell what we have open there, and a run in place would refuse.
static CUTTING: RwLock<()> = RwLock::new(());

/// No power fails while this is held.
pub fn calm() -> RwLockReadGuard<'static, ()> {
    CUTTING.read().unwrap_or_else(PoisonError::into_inner)
}

impl ThreeDisks {
    /// Mounts them.
    pub fn new(kind: Kind, used: Disks) -> ThreeDisks {
        let [logs, state, archives] = [(); 3].map(|()| Recipe::new(kind).mount());
        let store = (used == Disks::StoreToo).then(|| Recipe::new(kind).mount());
        ThreeDisks { kind, used, logs, state, archives, store }
    }

    /// Where logs go.
    pub fn logs(&self) -> PathBuf {
        self.logs.path()
    }

    /// Where state goes.
    pub fn state(&self) -> PathBuf {
        if self.used == Disks::One { self.logs.path() } else { self.state.path() }
    }

    /// Where archives go; none for beside the logs.
    pub fn archives(&self) -> Option<PathBuf> {
        matches!(self.used, Disks::ArchivesToo | Disks::StoreToo).then(|| self.archives.path())
    }

    /// Where a store goes, when it has a disk of its own.
    pub fn store(&self) -> Option<PathBuf> {
        self.store.as_ref().map(FileSystem::path)
    }

    /// What was done so far is the past, and on the disks.
    pub fn settle(&self) {
        self.all().into_iter().for_each(settle);
    }

    /// The same for the disk of the logs alone.
    pub fn settle_logs(&self) {
        settle(&self.logs);
    }

    /// The power of all of them goes and comes back, and the disks are numbered anew, as after any restart.
    pub fn fail(&self) {
        let alone = CUTTING.write().unwrap_or_else(PoisonError::into_inner);
        self.all().into_iter().for_each(power::cut);
        drop(alone);
        self.all().into_iter().for_each(FileSystem::unmount);
        for disk in self.all().into_iter().rev() {
            disk.mount_again();
        }
    }

    fn all(&self) -> Vec<&FileSystem> {
        [&self.logs, &self.state, &self.archives].into_iter().chain(&self.store).collect()
    }
}

fn settle(disk: &FileSystem) {
    rustix::fs::syncfs(File::open(disk.path()).expect("mounted")).expect("a healthy disk");
}
