//! Performs acts in this process. Each act checks again what may have changed since the plan.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom},
    os::fd::AsFd,
    path::Path,
    time::Duration,
};

use super::{Act, Acted, Compress};
use crate::{
    failure::{Doing, Failure, Result},
    files::{
        attributes,
        compress::{self, Compression},
        dir::{Dir, FileId, Kind, Stat, stat_open},
        kernel::Lease,
        writers::{self, Writers},
    },
};

/// A folder of logs and the folder of their archives, open.
pub struct Here {
    logs: Dir,
    archives: Option<Dir>,
}

impl Here {
    /// Works in `logs`; archives go to `archives`, or stay.
    pub fn new(logs: Dir, archives: Option<&Path>) -> Result<Here> {
        let archives = archives.map(Dir::open).transpose()?;
        Ok(Here { logs, archives })
    }

    /// Performs one act.
    pub fn act(&self, act: Act, progress: &(dyn Fn(u64) + Sync)) -> Result<Acted> {
        match act {
            Act::Swap { live, archive, file } => self.swap(&live, &archive, file),
            Act::Await { name, file, patience } => self.writers(&name, file, patience),
            Act::Compress(job) => self.compress(&job, progress),
            Act::Settle { parts } => self.settle(&parts),
            Act::Publish { part, archive } => self.archives().rename(&part, &archive).map(|()| Acted::Done),
            Act::SyncNames => self.sync_names(),
            Act::Release { name, file, size } => self.release(&name, file, size),
            Act::DiscardEmpty { name } => self.discard_empty(&name),
            Act::RemoveArchive { name } => self.archives().remove(&name).map(Acted::Removed),
        }
    }

    fn archives(&self) -> &Dir {
        self.archives.as_ref().unwrap_or(&self.logs)
    }

    /// The old file under that name, open for reading, if it is the one that was meant.
    fn open(&self, name: &str, file: FileId) -> Result<(File, Stat)> {
        let open = self.logs.read(name)?;
        let stat = stat_open(&open)?;
        if stat.id != file || stat.kind != Kind::File {
            return Err(Failure::new("go on with", self.logs.shown(name)).because("another file stands there now"));
        }
        if stat.links > 1 {
            return Err(Failure::new("go on with", self.logs.shown(name)).because(format!("it has {} hard links", stat.links)));
        }
        Ok((open, stat))
    }

    fn swap(&self, live: &str, archive: &str, file: FileId) -> Result<Acted> {
        let (old, _) = self.open(live, file)?;
        let shown = self.logs.shown(live);
        let fresh = self.logs.create(archive)?;
        let fresh_id = stat_open(&fresh)?.id;
        let swapped = attributes::copy(&old, &fresh, &shown).and_then(|()| self.logs.exchange(live, archive));
        // Held open it would count as somebody who writes to it, and stay.
        drop(fresh);
        if let Err(failure) = swapped {
            self.undo(archive, fresh_id)?;
            return Err(failure);
        }
        // Between the look and the swap somebody may have put another file there: it goes back.
        if self.logs.stat(archive)?.is_none_or(|stat| stat.id != file) {
            self.logs.exchange(live, archive)?;
            self.undo(archive, fresh_id)?;
            return Err(Failure::new("rotate", shown).because("another file took its place meanwhile"));
        }
        Ok(Acted::Done)
    }

    /// Removes the fresh file of a swap that did not happen, unless it came to be used; anything else that
    /// stands there stays.
    fn undo(&self, archive: &str, fresh: FileId) -> Result<()> {
        match self.logs.stat(archive)? {
            Some(stat) if stat.id == fresh => self.discard_empty(archive).map(drop),
            _ => Ok(()),
        }
    }

    fn writers(&self, name: &str, file: FileId, patience: Duration) -> Result<Acted> {
        let (open, stat) = self.open(name, file)?;
        Ok(Acted::Writers(writers::wait(&open, stat.id, patience)))
    }

    fn compress(&self, job: &Compress, progress: &(dyn Fn(u64) + Sync)) -> Result<Acted> {
        let (source, before) = self.open(&job.source, job.file)?;
        let facts = if job.how == Compression::None && self.archives.is_none() {
            compress::measure(&source, &job.label)?
        } else {
            let part = self.archives().create(&job.part)?;
            self.write_part(&source, &part, job, progress).inspect_err(|_| {
                // What is left of it only takes room that we may need; the next run would remove it too.
                let _ = self.archives().remove(&job.part);
            })?
        };
        let after = stat_open(&source)?;
        if (after.size, after.modified) != (before.size, before.modified) || facts.size != after.size {
            self.archives().remove(&job.part)?;
            return Err(Failure::new("archive", self.logs.shown(&job.source)).because("it was still written to"));
        }
        Ok(Acted::Facts(facts))
    }

    fn write_part(&self, source: &File, part: &File, job: &Compress, progress: &(dyn Fn(u64) + Sync)) -> Result<compress::Facts> {
        // Readable by whoever could read the log, where we may say so; never by more.
        attributes::copy(source, part, &self.archives().shown(&job.part))
            .or_else(|failure| if self.archives.is_some() { Ok(()) } else { Err(failure) })?;
        if job.how == Compression::None {
            return copy(source, part, job);
        }
        let facts = compress::compress(source, part, job.how, &job.label, progress)?;
        compress::prove(part, source, job.how, &facts)?;
        Ok(facts)
    }

    fn settle(&self, parts: &[String]) -> Result<Acted> {
        /// From so many files on, one sync of the whole file system costs less than one of each.
        const MANY: usize = 8;
        if parts.len() >= MANY {
            return self.archives().sync_file_system().map(|()| Acted::Done);
        }
        for part in parts {
            let open = self.archives().read(part)?;
            open.sync_all().doing("sync", self.archives().shown(part))?;
        }
        Ok(Acted::Done)
    }

    /// The logs' folder too: an archive is only proof once the swap that made its source is on the disk.
    fn sync_names(&self) -> Result<Acted> {
        self.logs.sync()?;
        self.archives.as_ref().map_or(Ok(()), Dir::sync).map(|()| Acted::Done)
    }

    fn release(&self, name: &str, file: FileId, size: u64) -> Result<Acted> {
        let (open, stat) = self.open(name, file)?;
        let refuse = |why: &str| Err(Failure::new("remove", self.logs.shown(name)).because(why));
        if stat.size != size {
            return refuse("it has grown since it was archived");
        }
        // While the lease is held nobody can begin to write to it.
        let lease = Lease::take(open.as_fd());
        if lease.is_err() && matches!(writers::of(&open, stat.id), Writers::Somebody(_)) {
            return refuse("somebody has it open for writing again");
        }
        self.logs.remove(name)?;
        drop(lease);
        Ok(Acted::Done)
    }

    fn discard_empty(&self, name: &str) -> Result<Acted> {
        if self.logs.stat(name)?.is_none_or(|stat| stat.kind != Kind::File || stat.size != 0) {
            return Ok(Acted::Removed(false));
        }
        let open = self.logs.read(name)?;
        // Held over the removal: whoever opened it for writing while it was the live log keeps it.
        let lease = Lease::take(open.as_fd());
        let empty = stat_open(&open)?.size == 0;
        let removed = lease.is_ok() && empty && self.logs.remove(name)?;
        Ok(Acted::Removed(removed))
    }
}

/// An archive elsewhere that is not compressed: byte for byte the log, read back before anything relies on it.
fn copy(mut source: &File, mut part: &File, job: &Compress) -> Result<compress::Facts> {
    let facts = compress::measure(source, &job.label)?;
    source.seek(SeekFrom::Start(0)).and_then(|_| io::copy(&mut source, &mut part)).doing("copy to", &job.part)?;
    part.seek(SeekFrom::Start(0)).doing("read back", &job.part)?;
    let copied = compress::measure(part, &job.label)?;
    if (&copied.sha256, copied.size) != (&facts.sha256, facts.size) {
        return Err(Failure::new("copy to", &job.part).because("it reads back different"));
    }
    Ok(facts)
}
