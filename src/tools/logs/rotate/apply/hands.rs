//! The hands of one run, by folder and actor: opened when first needed, a bounded number at a time. Who acts
//! is decided from the open folders that are then worked in, never from an earlier look at a path.

use std::{collections::HashMap, path::Path, sync::Arc};

use crate::{
    failure::Result,
    files::{
        dir::{Dir, FileId},
        standing::{self, Actor, Refusal},
    },
    tools::logs::{
        ledger::Entry,
        rotate::{hand::Hand, plan::Bound},
    },
};

/// Each hand costs descriptors, some a process: with so many a run gets along with 256 descriptors.
const OPEN: usize = 32;

/// Two ways may lead to one folder, and one path may lead to another folder the next time.
type Key = (FileId, Option<FileId>, Actor);

/// Hands that were opened.
#[derive(Default)]
pub(in crate::tools::logs) struct Hands {
    open: HashMap<Key, Arc<Hand>>,
}

impl Hands {
    /// The hand for a file that is about to be taken, which has `name`.
    pub(super) fn for_bound(&mut self, bound: &Bound, name: &str) -> Result<Arc<Hand>> {
        let path = || bound.folder.join(name).display().to_string();
        self.of(&bound.folder, bound.archives.as_deref(), &[name], &path)
    }

    /// The hand for a rotation that is under way.
    pub(in crate::tools::logs) fn for_entry(&mut self, entry: &Entry) -> Result<Arc<Hand>> {
        let names = [&entry.name, entry.file_name(), &entry.log];
        self.of(Path::new(&entry.folder), entry.archives.as_deref().map(Path::new), &names, &|| entry.log_path())
    }

    /// Whether one more folder means to let go of the others.
    pub(super) fn are_many(&self) -> bool {
        self.open.len() >= OPEN
    }

    /// Lets go of all hands that nobody else holds, and of their folders.
    pub(super) fn let_go(&mut self) -> Result<()> {
        self.settle()?;
        self.open.clear();
        Ok(())
    }

    /// Makes every name that a hand made or removed survive a power cut.
    pub(in crate::tools::logs) fn settle(&self) -> Result<()> {
        self.open.values().try_for_each(|hand| hand.sync_names())
    }

    /// The hand in `folder` for the first of `names` that is there.
    fn of(&mut self, folder: &Path, archives: Option<&Path>, names: &[&str], shown: &dyn Fn() -> String) -> Result<Arc<Hand>> {
        let refused = |refusal: Refusal| refusal.into_failure("work on", shown());
        let us = rustix::process::geteuid().as_raw();
        let logs = Dir::open(folder)?;
        let home = logs.stat_self()?;
        let mut file = None;
        for name in names {
            file = file.or(logs.stat(name)?);
        }
        let actor = standing::actor(&home, &file.unwrap_or(home), us).map_err(refused)?;
        let archives = archives.map(Dir::open).transpose()?;
        let elsewhere = archives.as_ref().map(Dir::stat_self).transpose()?;
        if let Some(elsewhere) = &elsewhere {
            standing::may_archive(elsewhere, actor, us).map_err(refused)?;
        }
        let key = (home.id, elsewhere.map(|folder| folder.id), actor);
        if let Some(hand) = self.open.get(&key) {
            return Ok(Arc::clone(hand));
        }
        if self.are_many() {
            self.let_go()?;
        }
        let hand = Arc::new(Hand::new(logs, archives, actor));
        self.open.insert(key, Arc::clone(&hand));
        Ok(hand)
    }
}
