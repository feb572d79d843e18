//! Performs acts in this process. Each act checks again what may have changed since the plan.

mod pin;

use std::{fs::File, os::fd::AsFd, time::Duration};

use super::{Act, Acted, Compress, Hold, Proven, Released, Version};
use crate::{
    failure::{Doing, Failure, Result},
    files::{
        attributes,
        compress::{self, Facts, Progress, Text},
        cut::{self, Cut, Head, Place},
        dir::{Dir, FileId, Kind, Stat, stat_open},
        kernel::Lease,
        standing,
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
    pub fn new(logs: Dir, archives: Option<Dir>) -> Here {
        Here { logs, archives }
    }

    /// Performs one act.
    pub fn act(&self, act: Act, progress: Progress) -> Result<Acted> {
        match act {
            Act::Swap { live, archive, file } => self.swap(&live, &archive, file),
            Act::Pin { name, pin, file } => self.pin(&name, &pin, &file),
            Act::Await { name, file, hold, patience } => self.writers(&name, file, hold, patience),
            Act::Prepare { name, file, head, hole, most } => {
                self.prepare(&name, file, head.as_ref(), hole, most).map(Acted::Prepared)
            }
            Act::Cut { name, file, cut } => self.cut(&name, file, &cut).map(Acted::Cut),
            Act::Compress(job) => self.compress(&job, progress).map(Acted::Proven),
            Act::Settle { parts } => self.settle(&parts),
            Act::Publish { part, archive, file } => self.publish(&part, &archive, file),
            Act::Release { name, file, hold, version } => self.release(&name, file, hold, version).map(Acted::Released),
            Act::DiscardEmpty { name } => self.discard_empty(&name),
            Act::RemoveArchive { name } => self.archives().remove(&name).map(Acted::Removed),
        }
    }

    /// The folders, for a child that works in them.
    pub(super) fn folders(&self) -> (&Dir, Option<&Dir>) {
        (&self.logs, self.archives.as_ref())
    }

    /// The logs' folder too: an archive is only proof once the swap that made its source is on the disk.
    pub(super) fn sync_names(&self) -> Result<()> {
        self.logs.sync()?;
        self.archives.as_ref().map_or(Ok(()), Dir::sync)
    }

    /// The size of a file in the logs' folder.
    pub(super) fn size(&self, name: &str) -> Result<u64> {
        self.logs.stat(name)?.map(|stat| stat.size).ok_or_else(|| gone(&self.logs, name))
    }

    /// Whether what was proven of a compression is what stands there now.
    pub(super) fn confirm(&self, job: &Compress, proven: &Proven) -> Result<()> {
        let Proven { facts, archive, version } = proven;
        let source = Self::look(&self.logs, &job.source, job.file)?;
        let whole = match job.stretch {
            Some(stretch) => facts.size == stretch.length() && source.size >= stretch.to,
            None => version.is(&source) && job.read(facts) == source.size,
        };
        if !whole {
            return Err(self.still_written(job));
        }
        let (home, name) = if job.stays { (&self.logs, &job.source) } else { (self.archives(), &job.part) };
        if Self::look(home, name, *archive)?.size != facts.stored {
            return Err(Failure::new("archive", home.shown(name)).because("it has another size than was written"));
        }
        Ok(())
    }

    /// Whether `name` stands for this archive.
    pub(super) fn holds(&self, name: &str, file: FileId) -> Result<()> {
        Self::look(self.archives(), name, file).map(drop)
    }

    fn archives(&self) -> &Dir {
        self.archives.as_ref().unwrap_or(&self.logs)
    }

    /// What `name` is, if it is the file that was meant.
    fn look(home: &Dir, name: &str, file: FileId) -> Result<Stat> {
        let stat = home.stat(name)?.ok_or_else(|| gone(home, name))?;
        if stat.id != file || stat.kind != Kind::File {
            return Err(another(home, name));
        }
        Ok(stat)
    }

    /// The old file under that name, open for reading, if it is the one that was meant.
    fn open(&self, name: &str, file: FileId, hold: Hold) -> Result<(File, Stat)> {
        let open = self.logs.read(name)?;
        let stat = stat_open(&open)?;
        if stat.id != file || stat.kind != Kind::File {
            return Err(another(&self.logs, name));
        }
        if stat.links > 1 && hold == Hold::Alone {
            return Err(Failure::new("go on with", self.logs.shown(name)).because(format!("it has {} hard links", stat.links)));
        }
        Ok((open, stat))
    }

    fn swap(&self, live: &str, archive: &str, file: FileId) -> Result<Acted> {
        // A log that could not be archived there is better off where it is.
        self.archives().check_writable()?;
        self.check_unlocked(live)?;
        let (old, _) = self.open(live, file, Hold::Alone)?;
        let shown = self.logs.shown(live);
        let fresh = self.logs.create(archive)?;
        let fresh_id = stat_open(&fresh)?.id;
        let swapped = attributes::copy(&old, &fresh, &shown)
            .and_then(|()| attributes::copy_flags(&old, &fresh, &shown))
            .and_then(|()| self.logs.exchange(live, archive));
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
            return Err(another(&self.logs, live));
        }
        Ok(Acted::Done)
    }

    /// In an append-only folder a name can be made and then neither changed nor removed: each try would leave one.
    fn check_unlocked(&self, name: &str) -> Result<()> {
        let home = self.logs.stat_self()?;
        standing::may_rename(&home).map_err(|refusal| refusal.into_failure("work on", self.logs.shown(name)))
    }

    /// Removes the fresh file of a swap that did not happen, unless it came to be used; anything else that
    /// stands there stays.
    fn undo(&self, archive: &str, fresh: FileId) -> Result<()> {
        match self.logs.stat(archive)? {
            Some(stat) if stat.id == fresh => self.discard_empty(archive).map(drop),
            _ => Ok(()),
        }
    }

    fn writers(&self, name: &str, file: FileId, hold: Hold, patience: Duration) -> Result<Acted> {
        let (open, stat) = self.open(name, file, hold)?;
        Ok(Acted::Writers(writers::wait(&open, stat.id, patience)))
    }

    fn prepare(&self, name: &str, file: FileId, head: Option<&Head>, hole: bool, most: Option<u64>) -> Result<Option<Cut>> {
        let shown = self.logs.shown(name);
        let live = self.open_live(name, file)?;
        Place::refuse_mount(&live, self.logs.handle()?, &shown)?;
        let place = Place::of(self.logs.handle()?, hole, &shown)?;
        place.accepts(&live, &shown)?;
        cut::prepare(&live, head, place, most)
    }

    fn cut(&self, name: &str, file: FileId, cut: &Cut) -> Result<std::result::Result<Head, String>> {
        cut::take_away(&self.open_live(name, file)?, cut)
    }

    /// The live log, open to have its head taken away, if it is the one that was meant.
    fn open_live(&self, name: &str, file: FileId) -> Result<File> {
        Self::look(&self.logs, name, file)?;
        let open = self.logs.open_to_cut(name)?;
        let stat = stat_open(&open)?;
        if stat.id != file || stat.kind != Kind::File { Err(another(&self.logs, name)) } else { Ok(open) }
    }

    fn compress(&self, job: &Compress, progress: Progress) -> Result<Proven> {
        let (source, before) = self.open(&job.source, job.file, job.hold)?;
        let (facts, archive) = if job.hold == Hold::Packed {
            self.check_unlocked(&job.source)?;
            self.keep_packed(&source, job, progress).inspect_err(|_| self.discard_part(job))?
        } else if job.stays {
            (compress::measure(&source, &job.label, progress)?, before.id)
        } else {
            self.check_unlocked(&job.source)?;
            let part = self.archives().create(&job.part)?;
            let written = self.write_part(&source, &part, job, progress).inspect_err(|_| self.discard_part(job))?;
            (written, stat_open(&part)?.id)
        };
        let after = stat_open(&source)?;
        let changed = (after.size, after.modified) != (before.size, before.modified) || job.read(&facts) != after.size;
        if job.stretch.is_none() && changed {
            self.discard_part(job);
            return Err(self.still_written(job));
        }
        Ok(Proven { facts, archive, version: Version::of(&after, job.hold) })
    }

    fn write_part(&self, source: &File, part: &File, job: &Compress, progress: Progress) -> Result<Facts> {
        // Readable by whoever could read the log, where we may say so; never by more.
        attributes::copy(source, part, &self.archives().shown(&job.part))
            .or_else(|failure| if self.archives.is_some() { Ok(()) } else { Err(failure) })?;
        let text = Text::of(source, job.stretch);
        let facts = compress::compress(text, part, job.how, &job.label, progress)?;
        compress::prove(part, text, job.how, &facts)?;
        Ok(facts)
    }

    /// What is left of it only takes room that we may need; the next run would remove it too.
    fn discard_part(&self, job: &Compress) {
        if !job.stays {
            let _ = self.archives().remove(&job.part);
        }
    }

    fn publish(&self, part: &str, archive: &str, file: FileId) -> Result<Acted> {
        self.archives().rename(part, archive)?;
        // What was proven, and nothing that took its place meanwhile.
        self.holds(archive, file)?;
        Ok(Acted::Done)
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

    fn release(&self, name: &str, file: FileId, hold: Hold, version: Version) -> Result<Released> {
        let (open, stat) = self.open(name, file, hold)?;
        // Taken before the look: while it is held nobody can begin to write to it.
        let lease = Lease::take(open.as_fd());
        if lease.is_err() && matches!(writers::of(&open, stat.id), Writers::Somebody(_)) {
            return Ok(Released::Changed("somebody has it open for writing again".to_owned()));
        }
        if !version.is(&stat_open(&open)?) {
            return Ok(Released::Changed("it was written to after it was archived".to_owned()));
        }
        self.logs.remove(name)?;
        drop(lease);
        Ok(Released::Gone)
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

    fn still_written(&self, job: &Compress) -> Failure {
        Failure::new("archive", self.logs.shown(&job.source)).because("it was still written to")
    }
}

fn gone(home: &Dir, name: &str) -> Failure {
    Failure::new("go on with", home.shown(name)).because("it is gone")
}

fn another(home: &Dir, name: &str) -> Failure {
    Failure::new("go on with", home.shown(name)).because("another file stands there now")
}

#[cfg(test)]
mod tests;
