//! The ledger's file: read whole, appended to durably, and rewritten when most of it is history.
//! A newer version is never touched. Room for what the next run has to record is kept behind its end.

mod room;
mod takeover;

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{
    Content, Entry, EntryId, FORMAT, Line, VERSION,
    line::{self, Parsed},
};
use crate::{
    failure::{Doing, Failure, Result},
    files::own_file,
    report::{Incomplete, count},
};

const FILE: &str = "ledger.jsonl";
/// A line longer than this is no line of ours.
const LINE_LIMIT: u64 = 1 << 20;

/// The ledger of one state folder.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    host: String,
    content: Content,
    /// Where the last whole line ends.
    end: u64,
    /// What we believe to stand under the path.
    there: Option<Extent>,
    /// Lines that could not be read.
    damaged: usize,
    /// Open once something was written.
    file: Option<File>,
}

/// Which file a path leads to, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    inode: u64,
    length: u64,
}

impl Ledger {
    /// Reads the ledger in `state`; an absent one is empty. Changes nothing.
    pub fn read(state: &Path, host: &str) -> Result<Ledger> {
        let path = state.join(FILE);
        let mut ledger =
            Ledger { path, host: host.to_owned(), content: Content::default(), end: 0, there: None, damaged: 0, file: None };
        match own_file::open(&ledger.path, OpenOptions::new().read(true)) {
            Ok(file) => ledger.load(file)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).doing("read the ledger", ledger.path.display()),
        }
        if let Some(other) = ledger.cloned_from().map(str::to_owned) {
            // Before anything is decided: what another machine made must not look like ours for a single run.
            ledger.inherit(&other);
        }
        ledger.come_home();
        Ok(ledger)
    }

    /// Whether there is a ledger in `state`, or nobody can tell.
    pub fn may_be_in(state: &Path) -> bool {
        look(&state.join(FILE)).map_or(true, |there| there.is_some())
    }

    /// What it says.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The machine that wrote it, when it was another one.
    pub fn cloned_from(&self) -> Option<&str> {
        self.content.host.as_deref().filter(|host| *host != self.host)
    }

    /// Lines that could not be read, or are not what was written; the rest counts.
    pub fn damage(&self) -> Option<Incomplete> {
        let lines = count(self.damaged as u64, "line");
        let why = format!("{lines} cannot be read as written; the rest counts, and a copy of the file is kept beside it");
        let told = Incomplete::new(self.path.display().to_string(), why);
        let hint = "archives that say they are ours are found again; `ops-logs verify` checks the rest";
        (self.damaged > 0).then(|| told.hint(hint))
    }

    /// Gives entries another set. It is written when they are next written for another reason; until then each run does it.
    pub fn rehome(&mut self, heir: impl Fn(&Entry) -> Option<String>) {
        for entry in self.content.entries.values_mut() {
            if let Some(set) = heir(entry) {
                entry.set = set;
            }
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file still is what was read.
    pub fn is_current(&self) -> bool {
        look(&self.path).is_ok_and(|there| there == self.there)
    }

    /// A number for a new entry.
    pub fn next_id(&mut self) -> EntryId {
        let id = EntryId(self.content.next);
        self.content.next += 1;
        id
    }

    /// Appends `lines` and returns when they would survive a power cut.
    pub fn commit(&mut self, lines: Vec<Line>) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.append(lines)?;
        self.file.as_ref().expect("append opened it").sync_data().doing("sync the ledger", self.path.display())
    }

    /// Appends `lines` that nothing relies on: losing them only repeats work.
    pub fn append(&mut self, lines: Vec<Line>) -> Result<()> {
        let mut text = Vec::new();
        for line in &lines {
            let begin = text.len();
            line::write(&mut text, line);
            if (text.len() - begin) as u64 > LINE_LIMIT {
                return Err(Failure::new("write the ledger", self.path.display()).because("a line is too long to be read again"));
            }
        }
        self.undisturbed()?;
        self.open()?;
        if let Err(error) = self.file.as_mut().expect("it was just opened").write_all(&text) {
            // What was half written must not stand before the next line: open anew, cut off the torn end.
            self.file = None;
            self.there = look(&self.path).ok().flatten();
            return Err(Failure::new("write the ledger", self.path.display())
                .because(crate::failure::plain(&error))
                .hint("nothing is changed without its record; free some space and run again"));
        }
        self.ends_at(self.end + text.len() as u64);
        own_file::keep_room(self.file.as_ref().expect("it was just written to"));
        for line in lines {
            self.content.take(line);
        }
        Ok(())
    }

    /// Removes what a rewriting left that was cut off. Only the run that holds the lock may.
    pub fn sweep(&self) {
        // It is worth nothing and in nobody's way; the next rewriting would replace it.
        let _ = fs::remove_file(self.path.with_extension("jsonl.new"));
    }

    /// Rewrites the file when most of its lines say nothing any more.
    pub fn tidy(&mut self) -> Result<()> {
        const DEAD: usize = 2000;
        let worth_it = self.file.is_some() && self.content.dead > DEAD.max(self.content.entries.len());
        if worth_it { self.undisturbed().and_then(|()| self.rewrite()) } else { Ok(()) }
    }

    /// Makes the file ready to be appended to: made when absent, taken over when cloned, rewritten when
    /// damaged (with a copy kept), a torn end cut off.
    fn open(&mut self) -> Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let aside = self.cloned_from().map(|other| format!("of-{other}"));
        let aside = aside.or_else(|| (self.damaged > 0).then(|| "damaged".to_owned()));
        if let Some(why) = &aside {
            return self.set_aside(why).and_then(|()| self.rewrite()).map_err(|failure| self.short(failure, self.end));
        }
        if self.end == 0 || self.content.version < VERSION {
            return self.rewrite().map_err(|failure| self.short(failure, 0));
        }
        self.reopen()
    }

    fn reopen(&mut self) -> Result<()> {
        let file = own_file::open(&self.path, OpenOptions::new().append(true)).doing("open the ledger", self.path.display())?;
        // Only when there is one: a cut also takes away the room that is kept behind the end.
        if file.metadata().doing("look at the ledger", self.path.display())?.len() != self.end {
            file.set_len(self.end).doing("cut off the torn end of", self.path.display())?;
        }
        self.ends_at(self.end);
        own_file::keep_room(&file);
        self.file = Some(file);
        Ok(())
    }

    fn ends_at(&mut self, end: u64) {
        self.end = end;
        self.there = self.there.map(|there| Extent { length: end, ..there });
    }

    /// Nobody but us may write to it or replace it meanwhile, whatever became of the lock: what we know of it would be wrong.
    fn undisturbed(&self) -> Result<()> {
        if look(&self.path).doing("look at the ledger", self.path.display())? == self.there {
            return Ok(());
        }
        Err(Failure::new("write the ledger", self.path.display())
            .because("somebody else changed it during this run")
            .hint("nothing is changed without its record; run again when no other run is under way"))
    }

    /// Writes all that is alive into a new file, and puts it in the old one's place.
    fn rewrite(&mut self) -> Result<()> {
        let fresh = self.path.with_extension("jsonl.new");
        let file = own_file::open(&fresh, OpenOptions::new().write(true).create(true).truncate(true))
            .doing("write the ledger", fresh.display())?;
        let written = self.write_alive(&file).doing("write the ledger", fresh.display());
        if let Err(failure) = written.and_then(|()| file.sync_data().doing("sync the ledger", fresh.display())) {
            // What there is of it may be the last block.
            self.sweep();
            return Err(failure);
        }
        fs::rename(&fresh, &self.path).doing("replace the ledger", self.path.display())?;
        let folder = self.path.parent().expect("the ledger lies in a folder");
        File::open(folder).and_then(|folder| folder.sync_all()).doing("sync the folder", folder.display())?;
        self.there = look(&self.path).doing("look at the ledger", self.path.display())?;
        self.end = self.there.map_or(0, |there| there.length);
        self.content.host = Some(self.host.clone());
        self.content.version = VERSION;
        self.content.dead = 0;
        self.damaged = 0;
        self.reopen()
    }

    fn write_alive(&self, file: impl Write) -> std::io::Result<()> {
        let content = &self.content;
        let header = Line::Header { format: FORMAT.to_owned(), version: VERSION, host: self.host.clone(), next: content.next };
        let root = |log| content.last_roots.get(log).cloned();
        let last = content.last.iter().map(|(log, at)| Line::Last { log: log.clone(), root: root(log), at: *at });
        let seen =
            content.seen.iter().map(|(log, sight)| Line::Seen { log: log.clone(), inode: sight.inode, since: sight.since });
        let collected = content.collected.iter().flat_map(|(log, all)| all.iter().map(move |one| (log, one)));
        let collected = collected.map(|(log, one)| Line::Collected { log: log.clone(), collected: one.clone() });
        let live = content.live.iter().map(|(log, file)| Line::Live { log: log.clone(), file: Some(file.clone()) });
        let clock = content.clock.map(|at| Line::Clock { at });
        let doubt = content.doubted.map(|at| Line::Doubt { at });
        let entries = content.entries.values().cloned().map(Line::Entry);
        let mut writer = BufWriter::with_capacity(1 << 16, file);
        let mut text = Vec::new();
        let lines = std::iter::once(header).chain(last).chain(seen).chain(content.heads.lines()).chain(collected).chain(live);
        for line in lines.chain(clock).chain(doubt).chain(entries) {
            text.clear();
            line::write(&mut text, &line);
            writer.write_all(&text)?;
        }
        writer.flush()
    }

    fn load(&mut self, file: File) -> Result<()> {
        let inode = file.metadata().doing("look at the ledger", self.path.display())?.ino();
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let mut one = Read::by_ref(&mut reader).take(LINE_LIMIT);
            let read = one.read_until(b'\n', &mut line).doing("read the ledger", self.path.display())?;
            if read == 0 || (line.last() != Some(&b'\n') && (read as u64) < LINE_LIMIT) {
                // The end, or a line that a crash cut short before anything relied on it.
                self.there = Some(Extent { inode, length: self.end + read as u64 });
                if line::lost_its_end(&line) {
                    self.damaged += 1;
                    if let Parsed::Line(line) = line::parse(&line[..line.len() - 1], number == 1) {
                        self.content.take(*line);
                    }
                }
                return Ok(());
            }
            self.end += read as u64;
            match line::parse(&line, number == 1) {
                Parsed::Line(line) => self.content.take(*line),
                Parsed::Newer(version) => return Err(self.newer(version)),
                Parsed::Foreign if number == 1 => return Err(self.foreign()),
                Parsed::Foreign => self.damaged += 1,
            }
        }
        Ok(())
    }

    fn foreign(&self) -> Failure {
        Failure::new("read the ledger", self.path.display())
            .because("its first line is not a ledger's")
            .hint("move the file away; archives are found again by what they say of themselves")
    }

    fn newer(&self, version: u32) -> Failure {
        Failure::new("use the ledger", self.path.display())
            .because(format!("it is of version {version}, and this ops-logs knows versions up to {VERSION}"))
            .hint("run the newer ops-logs that wrote it; the file was left untouched")
    }
}

/// What stands under `path`.
fn look(path: &Path) -> std::io::Result<Option<Extent>> {
    match fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(Extent { inode: meta.ino(), length: meta.len() })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_that_writes_leaves_room_for_the_next_one() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("ledger.jsonl");
        let line = |log: usize| Line::Last { log: format!("/{log}.log"), root: None, at: chrono::DateTime::UNIX_EPOCH };
        let room = || fs::metadata(&path).map(|there| (there.blocks() * 512).saturating_sub(there.len())).unwrap();
        for lines in [1, 500, 900] {
            let mut ledger = Ledger::read(state.path(), "host").unwrap();
            for _ in 0..3 {
                ledger.commit((0..lines).map(line).collect()).unwrap();
                assert!(room() >= 64 << 10, "{} bytes", room());
            }
        }
        let blocks = || fs::metadata(&path).unwrap().blocks();
        let before = blocks();
        Ledger::read(state.path(), "host").unwrap().append(vec![line(0)]).unwrap();
        assert_eq!(blocks(), before, "what is there is not cut off when it is opened, and is enough");
        File::options().append(true).open(&path).unwrap().write_all(b"{\"line\":\"la").unwrap();
        let mut torn = Ledger::read(state.path(), "host").unwrap();
        torn.append(vec![line(0)]).unwrap();
        assert!(room() >= 64 << 10 && Ledger::read(state.path(), "host").unwrap().damage().is_none());
    }
}
