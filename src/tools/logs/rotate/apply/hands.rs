//! The hands of one run, by folder and actor: opened when first needed, a bounded number at a time.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    failure::{Failure, Result},
    files::{
        dir::{Dir, FileId, Stat},
        standing::{Actor, actor},
    },
    tools::logs::{ledger::Entry, rotate::hand::Hand},
};

type Key = (PathBuf, Option<PathBuf>, Actor);

/// Hands that were opened.
#[derive(Default)]
pub(super) struct Hands {
    open: HashMap<Key, Arc<Hand>>,
}

impl Hands {
    /// The hand of `actor` in `folder`.
    pub(super) fn of(&mut self, folder: &Path, archives: Option<&Path>, actor: Actor) -> Result<Arc<Hand>> {
        /// Each costs descriptors, some a process.
        const OPEN: usize = 64;
        let key = (folder.to_owned(), archives.map(Path::to_owned), actor);
        if let Some(hand) = self.open.get(&key) {
            return Ok(Arc::clone(hand));
        }
        if self.open.len() >= OPEN {
            self.settle()?;
            self.open.clear();
        }
        let hand = Arc::new(Hand::in_folder(folder, archives, actor)?);
        self.open.insert(key, Arc::clone(&hand));
        Ok(hand)
    }

    /// Makes every name that a hand made or removed survive a power cut.
    pub(super) fn settle(&self) -> Result<()> {
        self.open.values().try_for_each(|hand| hand.sync_names())
    }

    /// The hand for a rotation that is under way: who acts is decided from what stands there now.
    pub(super) fn for_entry(&mut self, entry: &Entry) -> Result<Arc<Hand>> {
        let folder = Path::new(&entry.folder);
        let dir = Dir::open(folder)?;
        let stat = dir.stat(&entry.name)?.or(dir.stat(entry.file_name())?).or(dir.stat(&entry.log)?);
        let actor = decide(&dir.stat_self()?, stat.as_ref(), &entry.log_path())?;
        self.of(folder, entry.archives.as_deref().map(Path::new), actor)
    }
}

fn decide(folder: &Stat, file: Option<&Stat>, shown: &str) -> Result<Actor> {
    let us = rustix::process::geteuid().as_raw();
    let file = file.copied().unwrap_or(Stat { id: FileId { dev: 0, ino: 0 }, ..*folder });
    actor(folder, &file, us).map_err(|why| Failure::new("work on", shown).because(why))
}
