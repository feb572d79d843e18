//! What a log's writer deleted before a run could keep it. Told truthfully: what nobody can know is no gap, and what is one
//! is told with all that is known of it. Also says what the next run must know to tell the next one.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Next, Recovery,
    collection::{Memory, first_ways},
};
use crate::{
    files::identity::{Agreement, Identity},
    report::{Finding, Severity, Size},
    tools::logs::{
        ledger::{Content, Entry, EntryId, Line, Live, same_place},
        rotate::facts::{CollectFile, Collecting, World},
    },
};

/// Lines that nobody has any more, or that nobody will keep.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// The live log's path.
    pub log: String,
    /// What became of them.
    pub what: Lost,
    /// What the file held when it was last looked at.
    pub size: u64,
    /// When that was.
    pub seen: DateTime<Utc>,
    /// When the file was made.
    pub from: Option<DateTime<Utc>>,
    /// When the oldest file was made that is there.
    pub until: Option<DateTime<Utc>>,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It is nowhere: it was live at the last look.
    Removed,
    /// It is nowhere: a run was about to keep it.
    Uncollected,
    /// It is there, and holds less.
    Truncated,
    /// It is there, under a name that nobody collects.
    Strayed(String),
    /// Its lines may be in what its writer packed since: nothing is there to show that.
    Unknown,
    /// Somebody removed its folder.
    Forsaken,
}

/// What a run notes of the file that is live.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// The live log's path.
    pub log: String,
    /// The file that is live now; none when what was live is lost.
    pub now: Option<Live>,
    /// The file that must be kept by then.
    pub once_kept: Option<Identity>,
}

/// All gaps, what is to be noted, and files that are to be forgotten.
#[derive(Debug, Default)]
pub struct Watch {
    /// What is lost.
    pub gaps: Vec<Gap>,
    /// What to note of live files.
    pub looks: Vec<Look>,
    /// The same, once a gap was told: until then the ledger goes on saying what was lost.
    pub told: Vec<Look>,
    /// Intents that are forgotten then, too.
    pub untold: Vec<EntryId>,
    /// Collected files that are not there any more.
    pub passed: Vec<Line>,
}

/// Compares what is there with what was there.
pub(super) fn decide(content: &Content, world: &World, memory: &Memory, recoveries: &[Recovery]) -> Watch {
    let mut watch = Watch::default();
    // What was shifted while it was looked at may be there although it was not seen.
    for log in first_ways(world).filter(|log| log.settled) {
        let path = world.folders[log.folder].path.join(&log.log).display().to_string();
        let root = world.folders[log.folder].root.as_deref();
        let before = content.live.get(&path);
        if before.is_none_or(|before| same_place(before.root.as_deref(), root)) {
            let now = log.live.as_ref().map(|live| Live {
                file: live.file,
                size: live.stat.size,
                at: world.now,
                root: root.map(str::to_owned),
            });
            let seen = Seen { log, path: &path, now, memory };
            seen.compare(before, &mut watch);
        }
        watch.passed.extend(passed(content, log, &path, root));
    }
    for path in &world.forsaken {
        let Some(before) = content.live.get(path) else { continue };
        watch.gaps.extend((!is_kept(before, memory, path)).then(|| forsaken(before, path)));
        watch.told.push(Look { log: path.clone(), now: None, once_kept: None });
    }
    for recovery in recoveries {
        if let Some(gap) = uncollected(content, world, recovery) {
            watch.gaps.push(gap);
            watch.untold.push(recovery.id);
        }
    }
    watch
}

/// Whether all that the file held at the look is kept, or is about to be.
fn is_kept(before: &Live, memory: &Memory, path: &str) -> bool {
    let mut kept = memory.files_of(path).filter(|kept| kept.file.agrees(&before.file) != Agreement::Other);
    kept.any(|kept| kept.size >= before.size)
}

fn forsaken(before: &Live, path: &str) -> Gap {
    let (log, size, seen) = (path.to_owned(), before.size, before.at);
    Gap { log, what: Lost::Forsaken, size, seen, from: before.file.born, until: None }
}

/// One log as it is now.
struct Seen<'a> {
    log: &'a Collecting,
    path: &'a str,
    now: Option<Live>,
    memory: &'a Memory<'a>,
}

impl Seen<'_> {
    fn compare(self, before: Option<&Live>, watch: &mut Watch) {
        let note = |once_kept| Look { log: self.path.to_owned(), now: self.now.clone(), once_kept };
        let Some(before) = before else {
            watch.looks.extend(self.now.is_some().then(|| note(None)));
            return;
        };
        let still = self.now.as_ref().filter(|now| now.file.agrees(&before.file) != Agreement::Other);
        match still {
            Some(now) if now.size < before.size => {
                watch.gaps.extend(self.cut(before).map(|what| self.gap(before, what)));
                watch.told.push(note(None));
            }
            Some(now) => watch.looks.extend(is_worth_it(before, now).then(|| note(None))),
            None if self.is_finished(before) => {
                // What is kept and gone needs no watching any more.
                let known = self.now.is_some() || (!self.is_there(before) && is_kept(before, self.memory, self.path));
                watch.looks.extend(known.then(|| note(Some(before.file))));
            }
            None => {
                let what = match self.log.strayed.clone() {
                    Some(name) => Some(Lost::Strayed(name)),
                    None if self.is_otherwise(before) => None,
                    None if self.is_packed(before) => (!self.has_older(before)).then_some(Lost::Unknown),
                    None => Some(Lost::Removed),
                };
                watch.gaps.extend(what.map(|what| self.gap(before, what)));
                watch.told.push(note(None));
            }
        }
    }

    /// Whether the file is among those that are there, or was kept.
    fn is_finished(&self, before: &Live) -> bool {
        self.is_there(before) || self.memory.keeps(self.path, &before.file)
    }

    fn is_there(&self, before: &Live) -> bool {
        self.log.finished.iter().any(|found| found.file.agrees(&before.file) != Agreement::Other)
    }

    /// Whether its lines may be in a file that its writer packed since then, and that is there, or was kept by a run that
    /// was cut short before it noted what is live.
    fn is_packed(&self, before: &Live) -> bool {
        let there = self.log.finished.iter().map(|found| (&found.name, found.file.born));
        let kept = self.memory.files_of(self.path).map(|kept| (&kept.name, kept.file.born));
        there.chain(kept).any(|(name, born)| is_compressed(name) && is_after(born, before))
    }

    /// Whether another method was at work since then.
    fn is_otherwise(&self, before: &Live) -> bool {
        self.memory.otherwise(self.path).is_some_and(|at| at >= before.at)
    }

    /// Whether a file is there that was packed before the look: a writer deletes the oldest first, so it deleted none since.
    /// What it does not name as it names those that it packed since, it may never delete.
    fn has_older(&self, before: &Live) -> bool {
        let packed = self.log.finished.iter().filter(|found| found.file.born.is_some() && is_compressed(&found.name));
        let (since, older): (Vec<_>, Vec<_>) = packed.partition(|found| is_after(found.file.born, before));
        let alike = |one: &CollectFile, other: &CollectFile| without_numbers(&one.name).eq(without_numbers(&other.name));
        older.iter().any(|older| since.iter().any(|since| alike(older, since)))
    }

    /// What became of the lines of a file that was cut, unless they are in a copy that was made before.
    fn cut(&self, before: &Live) -> Option<Lost> {
        // A copy may go into a file that was there before.
        let after = |found: &CollectFile| is_after(found.file.born, before) || found.stat.modified > before.at;
        let whole = |found: &CollectFile| !is_compressed(&found.name) && found.stat.size >= before.size && after(found);
        match () {
            () if self.is_otherwise(before) || self.log.finished.iter().any(whole) => None,
            () if self.is_packed(before) => self.has_packed_another().then_some(Lost::Unknown),
            () => Some(Lost::Truncated),
        }
    }

    /// Whether a file was kept before its writer packed it, or deleted it: what is packed may be that one.
    fn has_packed_another(&self) -> bool {
        let there = |file: &Identity| self.log.finished.iter().any(|found| found.file.agrees(file) != Agreement::Other);
        self.memory.files_of(self.path).any(|kept| !is_compressed(&kept.name) && !there(&kept.file))
    }

    fn gap(&self, before: &Live, what: Lost) -> Gap {
        let after = |found: &&CollectFile| before.file.born.is_some_and(|from| found.file.born.is_some_and(|born| born > from));
        let there = self.log.finished.iter().chain(&self.log.live).filter(after);
        Gap {
            log: self.path.to_owned(),
            what,
            size: before.size,
            seen: before.at,
            from: before.file.born,
            until: there.filter_map(|found| found.file.born).min(),
        }
    }
}

/// Whether the file was made after the look. Nobody knows where that is not told.
fn is_after(born: Option<DateTime<Utc>>, before: &Live) -> bool {
    /// The kernel stamps files with the time of its last tick.
    const TICK: TimeDelta = TimeDelta::milliseconds(20);
    born.is_none_or(|born| born + TICK > before.at)
}

fn is_compressed(name: &str) -> bool {
    [".gz", ".zst", ".bz2", ".xz", ".zip", ".lz4", ".Z"].iter().any(|end| name.ends_with(end))
}

fn without_numbers(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|one| !one.is_ascii_digit())
}

/// Not every line that a writer writes is worth one of ours.
fn is_worth_it(before: &Live, now: &Live) -> bool {
    const LONG: TimeDelta = TimeDelta::hours(1);
    let grown = now.size.saturating_sub(before.size);
    grown > before.size / 4 || (grown > 0 && (now.at - before.at).abs() >= LONG)
}

/// Collected files whose entries are gone, and that are gone themselves.
fn passed(content: &Content, log: &Collecting, path: &str, root: Option<&str>) -> Vec<Line> {
    let Some(collected) = content.collected.get(path) else { return Vec::new() };
    let there: HashSet<u64> = log.live.iter().chain(&log.finished).map(|found| found.file.ino).collect();
    let known = collected.iter().filter(|one| same_place(one.root.as_deref(), root)).map(|one| one.taken.file.ino);
    let gone: Vec<u64> = known.filter(|inode| !there.contains(inode)).collect();
    Line::passed(path, root, &gone)
}

/// A file that a run was about to keep, and that is nowhere now.
fn uncollected(content: &Content, world: &World, recovery: &Recovery) -> Option<Gap> {
    let entry = content.entries.get(&recovery.id).filter(|_| matches!(recovery.next, Next::Abandon { .. }))?;
    let taken = entry.taken.as_ref()?;
    let log = first_ways(world).find(|log| is_of(world, log, entry)).filter(|log| log.settled)?;
    // What was live at the last look as well is judged, and told, as that: one file is one gap.
    let looked_at = content.live.get(&entry.log_path()).is_some_and(|live| live.file.agrees(&taken.file) != Agreement::Other);
    let root = world.folders[log.folder].root.as_deref();
    let there = |found: &CollectFile| found.file.agrees(&taken.file) != Agreement::Other;
    let is_there = log.finished.iter().chain(&log.live).any(there);
    (!is_there && !looked_at && same_place(entry.log_root(), root)).then(|| Gap {
        log: entry.log_path(),
        what: Lost::Uncollected,
        size: taken.size,
        seen: taken.modified,
        from: taken.file.born,
        until: Some(taken.modified),
    })
}

fn is_of(world: &World, log: &Collecting, entry: &Entry) -> bool {
    log.log == entry.log && world.folders[log.folder].path.to_str() == Some(&*entry.folder)
}

impl Gap {
    /// Told once: the run that tells it notes what is live now, as the last that it does.
    pub fn finding(&self) -> Finding {
        let shown = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string();
        let size = Size(self.size);
        let span = match (self.from, self.until) {
            (Some(from), Some(until)) => format!("nothing is kept from {} until {}", shown(from), shown(until)),
            (Some(from), None) => format!("nothing is kept from {} until now", shown(from)),
            (None, _) => "how much there was before and after is unknown".to_owned(),
        };
        let seen = shown(self.seen);
        let message = match &self.what {
            Lost::Removed => {
                format!(
                    "what was live at {seen}, at least {size}, is not in its folder any more (deleted, or moved elsewhere), and no run could keep it: {span}"
                )
            }
            Lost::Uncollected => {
                format!(
                    "a finished file with {size}, last written at {seen}, is not in its folder any more (deleted, or moved elsewhere), and no run could keep it: {span}"
                )
            }
            Lost::Truncated => {
                format!(
                    "its writer cut it to less than it held at {seen}, {size}, before a run could keep that: these lines are lost"
                )
            }
            Lost::Unknown => {
                let message = format!(
                    "what it held at {seen}, at least {size}, may be in a file that its writer compressed since, or be lost: nothing that is there tells which"
                );
                let finding = Finding::new("logs.gap-unknown", Severity::Note, self.log.clone(), message);
                return finding.hint("look into that file; have its writer keep more files than it finishes between two runs");
            }
            Lost::Forsaken => {
                let message = format!("somebody removed its folder with what was live at {seen}, at least {size}: {span}");
                let finding = Finding::new("logs.gap", Severity::Note, self.log.clone(), message);
                return finding.hint("archive-dir keeps archives elsewhere; the last lines of a removed container are in none");
            }
            Lost::Strayed(name) => {
                let message = format!("what was live at {seen} has the name {name} now, and nobody collects that");
                let finding = Finding::new("logs.unnamed", Severity::Warning, self.log.clone(), message);
                return finding.hint("say in `finished` how finished files are named");
            }
        };
        let hint = match self.what {
            Lost::Truncated => "run more often (OnCalendar=*:0/5), or have its writer keep more files",
            _ => {
                "run more often (OnCalendar=*:0/5), or have its writer keep more files, and all of them in the folder of its log"
            }
        };
        Finding::new("logs.gap", Severity::Danger, self.log.clone(), message).hint(hint)
    }
}
