//! Which finished files of a log's writer are collected now, under which name, and why. Each file once: neither its name nor
//! its inode says whether it is a new one, so both its identity and what it held are compared with all that is remembered.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use chrono::{DateTime, Utc};

use super::{
    Next, Recovery, Trouble,
    bound::{Bound, Source},
    rotation::{may_touch, trouble},
};
use crate::{
    failure::{Failure, Result},
    files::identity::{Agreement, Identity},
    report::{Finding, Severity, Size},
    tools::logs::{
        ledger::{Content, Entry, EntryId, Packed, Stage, Taken},
        rotate::{
            Rotate,
            facts::{CollectFile, Collecting, Newest, World},
        },
    },
};

/// A file that is to get a name of ours and to be archived.
#[derive(Debug)]
pub struct Collection {
    /// Whose it is, and where it goes.
    pub bound: Bound,
    /// The file as it is.
    pub taken: Taken,
    /// Why now.
    pub cause: Cause,
}

/// Why a file is collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its writer has finished it.
    Finished,
    /// It has the live name, and nothing but its writer's closing it will say that it is finished.
    Closed,
    /// It was collected before, and is not what it was.
    Changed {
        /// What it held then.
        was: u64,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Finished => f.write_str("its writer is done with it"),
            Cause::Closed => f.write_str("as soon as nobody has it open for writing"),
            Cause::Changed { .. } => f.write_str("it changed after it was collected"),
        }
    }
}

impl Collection {
    /// The path of the file.
    pub fn path(&self) -> String {
        self.bound.folder.join(&self.taken.name).display().to_string()
    }

    /// What a person should know of it.
    pub fn finding(&self) -> Option<Finding> {
        let Cause::Changed { was } = self.cause else { return None };
        let message = format!(
            "it changed after it was collected: it held {}, and holds {} now; it is collected anew, and both stay",
            Size(was),
            Size(self.taken.size)
        );
        let finding = Finding::new("logs.changed", Severity::Note, self.path(), message);
        Some(finding.hint("find out who writes to a finished file; `finished` may name files that are still live"))
    }
}

/// Decides for every finished file that was met.
pub(super) fn decide(rotate: &Rotate, world: &World, memory: &Memory, newest: &mut Newest) -> (Vec<Collection>, Vec<Trouble>) {
    let (mut collections, mut troubles) = (Vec::new(), Vec::<Trouble>::new());
    for log in first_ways(world) {
        let mut met = HashSet::new();
        // Another name of the live file is finished when the live name leads elsewhere; of several names one is enough.
        let is_live =
            |file: &CollectFile| file.name != log.log && log.live.as_ref().is_some_and(|live| live.stat.id == file.stat.id);
        let finished = log.finished.iter().filter(|file| !is_live(file) && met.insert(file.stat.id));
        let mut files: Vec<(&CollectFile, Cause)> =
            finished.filter_map(|file| Some((file, memory.cause(world, log, file)?))).collect();
        // As they were finished. Of those that were in one moment, the one with the larger number came first.
        files.sort_by(|(one, _), (other, _)| {
            let age = |file: &CollectFile| (file.stat.modified, file.file.born);
            age(one).cmp(&age(other)).then_with(|| (other.name.len(), &other.name).cmp(&(one.name.len(), &one.name)))
        });
        for (file, cause) in files {
            match collection(rotate, world, log, file, cause, newest) {
                Ok(collection) => collections.push(collection),
                Err(failure) => {
                    let path = world.folders[log.folder].path.join(&file.name).display().to_string();
                    let told = Trouble { action: "collect", ..trouble(path, &failure) };
                    // What is wrong with the folder is told once, not for each of its files.
                    if troubles.last().is_none_or(|last| last.why != told.why) {
                        troubles.push(told);
                    }
                }
            }
        }
    }
    (collections, troubles)
}

/// Each log once, also where two ways lead to its folder.
pub(in crate::tools::logs::rotate) fn first_ways(world: &World) -> impl Iterator<Item = &Collecting> {
    let mut met = HashSet::new();
    world.collecting.iter().filter(move |log| {
        let folder = world.folders[log.folder].state.as_ref().ok().map(|(stat, _)| stat.id);
        folder.is_some_and(|folder| met.insert((folder, &log.log)))
    })
}

fn collection(
    rotate: &Rotate,
    world: &World,
    log: &Collecting,
    file: &CollectFile,
    cause: Cause,
    newest: &mut Newest,
) -> Result<Collection> {
    let set = &rotate.sets[log.set];
    let fact = &world.folders[log.folder];
    if file.stat.locked {
        let refused = Failure::new("collect", &file.name).because("it is immutable or append-only (chattr +i, +a)");
        return Err(refused.hint("chattr -i -a, or exclude it"));
    }
    may_touch(set, fact, &file.name, &file.stat, world)?;
    // When it was finished, which is long ago where many were never collected.
    let at = file.stat.modified.min(world.now);
    let source = Source {
        set: log.set,
        folder: log.folder,
        log: &log.log,
        file: file.stat.id,
        begun: file.stat.oldest(),
        labels: log.container.as_ref().map(|container| container.labels.clone()).unwrap_or_default(),
    };
    let bound = Bound::new(source, set, world, newest, at)?;
    Ok(Collection {
        // Its place among the others of its log is all that its time says.
        bound: Bound { at: bound.name.at(), ..bound },
        taken: Taken {
            name: file.name.clone(),
            file: file.file,
            size: file.stat.size,
            modified: file.stat.modified,
            packed: Packed::of(&file.name),
        },
        cause,
    })
}

/// What is remembered of files, by log and inode.
pub(super) struct Memory<'a> {
    files: HashMap<String, HashMap<u64, Vec<Known<'a>>>>,
    /// The newest entry of each log that was not collected: another method was at work.
    otherwise: HashMap<String, DateTime<Utc>>,
}

#[derive(Clone, Copy)]
struct Known<'a> {
    taken: &'a Taken,
    /// Whether its archive is still to be made, and will hold all that there is by then.
    under_way: bool,
}

impl<'a> Memory<'a> {
    /// Recalls what the ledger says, as far as it counts: what never came to be, or was lost, was not kept.
    pub(super) fn of(content: &'a Content, recoveries: &[Recovery]) -> Memory<'a> {
        let void = |recovery: &&Recovery| matches!(recovery.next, Next::Abandon { .. } | Next::Lost);
        let void: HashSet<EntryId> = recoveries.iter().filter(void).map(|recovery| recovery.id).collect();
        let mut memory = Memory { files: HashMap::new(), otherwise: HashMap::new() };
        for entry in content.entries.values().filter(|entry| !void.contains(&entry.id)) {
            memory.recall(entry);
        }
        for (log, collected) in &content.collected {
            let known = memory.files.entry(log.clone()).or_default();
            for collected in collected {
                known.entry(collected.taken.file.ino).or_default().push(Known { taken: &collected.taken, under_way: false });
            }
        }
        memory
    }

    fn recall(&mut self, entry: &'a Entry) {
        let Some(taken) = &entry.taken else {
            let latest = self.otherwise.entry(entry.log_path()).or_insert(entry.at);
            *latest = (*latest).max(entry.at);
            return;
        };
        let under_way = !matches!(entry.stage, Stage::Stored | Stage::Removing);
        let files = self.files.entry(entry.log_path()).or_default();
        files.entry(taken.file.ino).or_default().push(Known { taken, under_way });
    }

    /// Why that file is collected; not at all when it is kept already, or on its way.
    fn cause(&self, world: &World, log: &Collecting, file: &CollectFile) -> Option<Cause> {
        let path = world.folders[log.folder].path.join(&log.log).display().to_string();
        let mut was = None;
        for known in self.known(&path, &file.file) {
            let whole = (known.taken.size, known.taken.modified) == (file.stat.size, file.stat.modified);
            if known.under_way || whole {
                return None;
            }
            if known.taken.file.agrees(&file.file) == Agreement::Same {
                was = Some(known.taken.size);
            }
        }
        let cause = if file.name == log.log { Cause::Closed } else { Cause::Finished };
        Some(was.map_or(cause, |was| Cause::Changed { was }))
    }

    /// Whether that file of the log was kept, or is about to be.
    pub(super) fn keeps(&self, log: &str, file: &Identity) -> bool {
        self.known(log, file).next().is_some()
    }

    /// Every file of the log that was kept, or is about to be.
    pub(super) fn files_of(&self, log: &str) -> impl Iterator<Item = &'a Taken> {
        self.files.get(log).into_iter().flat_map(HashMap::values).flatten().map(|known| known.taken)
    }

    /// When the log was last rotated by another method.
    pub(super) fn otherwise(&self, log: &str) -> Option<DateTime<Utc>> {
        self.otherwise.get(log).copied()
    }

    fn known(&self, log: &str, file: &Identity) -> impl Iterator<Item = &Known<'a>> {
        let known = self.files.get(log).and_then(|files| files.get(&file.ino)).into_iter().flatten();
        known.filter(|known| known.taken.file.agrees(file) != Agreement::Other)
    }
}
