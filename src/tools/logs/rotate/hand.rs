//! The hand that touches one folder: performs single acts there, relative to the open directory.
//!
//! Where nobody else may write, the hand is this process. Elsewhere it is a child of the same binary
//! with the folder owner's rights and no more, so that whatever is swapped under it, it can touch only what
//! that owner could touch anyway. Acts carry names, never paths.

mod act;
mod child;
mod here;

use std::{path::Path, sync::Mutex, time::Duration};

pub use self::{
    act::{Act, Acted},
    child::{Child, SUBCOMMAND, serve},
    here::Here,
};
use crate::{
    failure::{Failure, Result},
    files::{
        compress::{Compression, Facts, Label},
        dir::{Dir, FileId},
        standing::Actor,
        writers::Writers,
    },
};

/// Who performs the acts in one folder.
pub enum Hand {
    /// This process.
    Here(Here),
    /// A child with fewer rights; one act at a time.
    Child(Mutex<Child>),
}

impl Hand {
    /// A hand for `folder`, whose finished archives go to `archives` or stay there.
    pub fn in_folder(folder: &Path, archives: Option<&Path>, actor: Actor) -> Result<Hand> {
        let logs = Dir::open(folder)?;
        match actor {
            Actor::Ourselves => Here::new(logs, archives).map(Hand::Here),
            Actor::As { uid, gid } => Child::start(logs, archives, uid, gid).map(Mutex::new).map(Hand::Child),
        }
    }

    /// Swaps the live log away: `archive` becomes the old file, `live` a fresh one just like it.
    pub fn swap(&self, live: &str, archive: &str, file: FileId) -> Result<()> {
        self.act(Act::Swap { live: live.to_owned(), archive: archive.to_owned(), file }, &|_| ()).map(drop)
    }

    /// Who can still write to `name`, waiting `patience` at most for them to close it.
    pub fn writers(&self, name: &str, file: FileId, patience: Duration) -> Result<Writers> {
        match self.act(Act::Await { name: name.to_owned(), file, patience }, &|_| ())? {
            Acted::Writers(writers) => Ok(writers),
            _ => Err(confused()),
        }
    }

    /// Compresses `source` into the hidden `part` beside the archives, and proves it against the source.
    pub fn compress(&self, job: &Compress, progress: &(dyn Fn(u64) + Sync)) -> Result<Facts> {
        match self.act(Act::Compress(job.clone()), progress)? {
            Acted::Facts(facts) => Ok(facts),
            _ => Err(confused()),
        }
    }

    /// Makes the content of these finished parts survive a power cut.
    pub fn settle(&self, parts: Vec<String>) -> Result<()> {
        self.act(Act::Settle { parts }, &|_| ()).map(drop)
    }

    /// Gives a finished part its final name, which must be free.
    pub fn publish(&self, part: &str, archive: &str) -> Result<()> {
        self.act(Act::Publish { part: part.to_owned(), archive: archive.to_owned() }, &|_| ()).map(drop)
    }

    /// Makes the archives' names survive a power cut.
    pub fn sync_names(&self) -> Result<()> {
        self.act(Act::SyncNames, &|_| ()).map(drop)
    }

    /// Removes the uncompressed file, if it is still the one that was archived and nobody writes to it.
    pub fn release(&self, name: &str, file: FileId, size: u64) -> Result<()> {
        self.act(Act::Release { name: name.to_owned(), file, size }, &|_| ()).map(drop)
    }

    /// Removes the empty file of a rotation that never happened.
    pub fn discard_empty(&self, name: &str) -> Result<()> {
        self.act(Act::DiscardEmpty { name: name.to_owned() }, &|_| ()).map(drop)
    }

    /// Removes an archive, or what a cut-off compression left; says whether it was there.
    pub fn remove_archive(&self, name: &str) -> Result<bool> {
        match self.act(Act::RemoveArchive { name: name.to_owned() }, &|_| ())? {
            Acted::Removed(there) => Ok(there),
            _ => Err(confused()),
        }
    }

    fn act(&self, act: Act, progress: &(dyn Fn(u64) + Sync)) -> Result<Acted> {
        match self {
            Hand::Here(here) => here.act(act, progress),
            Hand::Child(child) => child.lock().unwrap_or_else(std::sync::PoisonError::into_inner).act(&act),
        }
    }
}

/// One compression.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Compress {
    /// The rotated, uncompressed file.
    pub source: String,
    /// Which file that must be.
    pub file: FileId,
    /// The hidden name to write to.
    pub part: String,
    /// How.
    pub how: Compression,
    /// What the archive says it is.
    pub label: Label,
}

fn confused() -> Failure {
    Failure::new("talk to", "the child in that folder").because("it answered another question")
}
