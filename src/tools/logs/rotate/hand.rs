//! The hand that touches one folder: performs single acts there, relative to the open directory.
//!
//! Where nobody else may write, the hand is this process. Elsewhere it is a child of the same binary
//! with the folder owner's rights and no more, so that whatever is swapped under it, it can touch only what
//! that owner could touch anyway. Acts carry names, never paths, and what a child answers is checked.

mod act;
mod answers;
mod child;
mod here;
mod rights;
mod trust;

use std::time::Duration;

use self::child::Remote;
pub use self::{
    act::{Act, Acted, Compress, Hold, Proven, Released, Version, hold},
    child::{HandInFolder, SUBCOMMAND},
    here::Here,
};
use crate::{
    failure::{Failure, Result},
    files::{
        compress::Progress,
        cut::{Cut, Head},
        dir::{Dir, FileId},
        identity::Identity,
        kernel,
        standing::Actor,
        writers::{self, Writers},
    },
};

/// Who performs the acts in one folder.
pub struct Hand {
    /// Our own view of the folders: it performs the acts, or checks what a child says of them.
    here: Here,
    child: Option<Remote>,
}

/// What archives can still take.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// So many bytes.
    pub free: u64,
    /// What goes from a log makes more of it: they are on its own file system.
    pub shared: bool,
}

impl Hand {
    /// A hand of `actor` in these open folders; finished archives stay with the logs when there is no second one.
    pub fn new(logs: Dir, archives: Option<Dir>, actor: Actor) -> Hand {
        let child = match actor {
            Actor::Ourselves => None,
            Actor::As(owner) => Some(Remote::of(owner)),
        };
        Hand { here: Here::new(logs, archives), child }
    }

    /// Swaps the live log away: `archive` becomes the old file, `live` a fresh one just like it.
    pub fn swap(&self, live: &str, archive: &str, file: FileId) -> Result<()> {
        self.act(Act::Swap { live: live.to_owned(), archive: archive.to_owned(), file }, &|_| ()).map(drop)
    }

    /// Gives a file that its writer has finished the name `pin` as well, so that it stays when its writer removes it.
    pub fn pin(&self, name: &str, pin: &str, file: Identity) -> Result<()> {
        self.act(Act::Pin { name: name.to_owned(), pin: pin.to_owned(), file }, &|_| ()).map(drop)
    }

    /// Who can still write to `name`, waiting `patience` at most for them to close it.
    pub fn writers(&self, name: &str, file: FileId, hold: Hold, patience: Duration) -> Result<Writers> {
        match self.act(Act::Await { name: name.to_owned(), file, hold, patience }, &|_| ())? {
            Acted::Writers(Writers::Nobody) => {
                Ok(self.mapped(name, file)?.map_or(Writers::Nobody, |who| Writers::Somebody(Some(who))))
            }
            Acted::Writers(writers) => Ok(writers),
            _ => Err(confused()),
        }
    }

    /// What of the live log can be archived and taken away now; None when no whole block of whole lines can.
    pub fn prepare(&self, name: &str, file: FileId, head: Option<&Head>, hole: bool, most: Option<u64>) -> Result<Option<Cut>> {
        match self.act(Act::Prepare { name: name.to_owned(), file, head: head.cloned(), hole, most }, &|_| ())? {
            Acted::Prepared(prepared) => Ok(prepared),
            _ => Err(confused()),
        }
    }

    /// Takes away what was archived of the live log, unless it is gone already. In doubt, which is told, nothing.
    pub fn cut(&self, name: &str, file: FileId, cut: &Cut) -> Result<std::result::Result<Head, String>> {
        match self.act(Act::Cut { name: name.to_owned(), file, cut: cut.clone() }, &|_| ())? {
            Acted::Cut(cut) => Ok(cut),
            _ => Err(confused()),
        }
    }

    /// The size of the rotated file, as we see it ourselves.
    pub fn size(&self, name: &str) -> Result<u64> {
        self.here.size(name)
    }

    /// What archives can still take, of whoever acts here.
    pub fn room(&self) -> Result<Room> {
        let (logs, archives) = self.here.folders();
        let home = archives.unwrap_or(logs);
        let root = self.child.is_none() && rustix::process::geteuid().is_root();
        let free = if root { home.free_for_root()? } else { home.space()?.free };
        Ok(Room { free, shared: home.stat_self()?.id.dev == logs.stat_self()?.id.dev })
    }

    /// Compresses `source` into the hidden `part` beside the archives, and proves it against the source.
    pub fn compress(&self, job: &Compress, progress: Progress) -> Result<Proven> {
        match self.act(Act::Compress(job.clone()), progress)? {
            Acted::Proven(proven) => Ok(proven),
            _ => Err(confused()),
        }
    }

    /// Makes the content of these finished parts survive a power cut.
    pub fn settle(&self, parts: Vec<String>) -> Result<()> {
        self.act(Act::Settle { parts }, &|_| ()).map(drop)
    }

    /// Gives a finished part, which must be this file, its final name, which must be free.
    pub fn publish(&self, part: &str, archive: &str, file: FileId) -> Result<()> {
        self.act(Act::Publish { part: part.to_owned(), archive: archive.to_owned(), file }, &|_| ()).map(drop)
    }

    /// Makes all names in both folders survive a power cut. We do that ourselves: it touches no name.
    pub fn sync_names(&self) -> Result<()> {
        self.here.sync_names()
    }

    /// Removes the uncompressed file, if it still holds what was archived and nobody writes to it.
    pub fn release(&self, name: &str, file: FileId, hold: Hold, version: Version) -> Result<Released> {
        if self.mapped(name, file)?.is_some() {
            return Ok(Released::Changed("a process has it mapped again".to_owned()));
        }
        match self.act(Act::Release { name: name.to_owned(), file, hold, version }, &|_| ())? {
            Acted::Released(released) => Ok(released),
            _ => Err(confused()),
        }
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

    /// Who has it mapped where a lease does not tell. Not asked of a child: only we may look into every process.
    fn mapped(&self, name: &str, file: FileId) -> Result<Option<String>> {
        Ok(writers::mapped(self.here.folders().0.handle()?, name, file))
    }

    fn act(&self, act: Act, progress: Progress) -> Result<Acted> {
        match &self.child {
            None => self.here.act(act, progress),
            Some(child) => child.act(&self.here, &act, progress),
        }
    }
}

fn confused() -> Failure {
    Failure::new("talk to", "the child in that folder").because("it answered another question")
}

/// Compression must never slow down what the machine is for. Both hold for this thread alone, so that
/// swaps and syncs, which are short, do not wait behind it. Where the kernel refuses, it runs as it is.
pub fn step_aside() {
    let _ = rustix::process::nice(5);
    let _ = kernel::idle_io();
}
