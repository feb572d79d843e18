//! What rotation remembers: every archive it made, from the intent to make it until it is gone.
//!
//! The ledger is a journal of lines; each line is durable before the act that relies on it. A line cut
//! short by a crash was never relied on and is dropped. Only names that stand in here are ever removed.
//!
//! What the names of one entry stand for, with `NAME` for `app.log.20261121T042122Z-0001`; the archive is
//! in the archives' folder, which may be the log's own:
//!
//! ```text
//! stage     app.log          NAME                       NAME.zst
//! intended  the old log      nothing, or an empty file  nothing
//!       or  a fresh file     the old log                nothing
//! swapped   the fresh file   the old log                nothing
//! told      the fresh file   the old log                .NAME.zst.part under way, or finished and not recorded yet
//! archived  the fresh file   the old log, or nothing    the archive
//! stored    the fresh file   nothing                    the archive
//! removing  the fresh file   nothing                    the archive, or nothing
//! ```
//!
//! Without compression and with the archive beside the log, NAME itself is the archive.
//!
//! A log that is rotated in place stays the same file, and NAME is none; what is archived of it goes from its beginning:
//!
//! ```text
//! stage     app.log                         NAME.zst
//! intended  whole                           .NAME.zst.part under way, or finished and not recorded yet
//! archived  whole, or without its head      the archive
//! stored    without its head                the archive
//! ```
//!
//! Of a log that is collected NAME is one more name of a file that its writer finished; `app.log` and the writer's own
//! name for that file are nothing to us, and *swapped* is skipped.

mod clock;
mod collected;
mod entry;
mod forget;
mod heads;
mod journal;
mod line;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::files::cut::Head;

pub use self::{
    collected::{Collected, Live, Packed, Taken},
    entry::{Archive, Entry, EntryId, More, OnVolumes, Shipped, Stage, same_place},
    forget::Gone,
    heads::Heads,
    journal::Ledger,
};

/// Name and version of the ledger's lines.
pub const FORMAT: &str = "opsbelt.logs.ledger";
/// The version we write. Older ones are read, and written anew before they are first added to; newer ones are refused
/// untouched. 2: logs that are rotated in place or collected, which a program that knows only 1 would forget.
pub const VERSION: u32 = 2;

/// One line of the ledger.
#[expect(clippy::large_enum_variant, reason = "most lines that are held at once are entries")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "line")]
pub enum Line {
    /// The first one: what this file is, and whose.
    Header {
        /// [`FORMAT`].
        format: String,
        /// [`VERSION`] of the writer.
        version: u32,
        /// The machine.
        host: String,
        /// The next entry's number.
        next: u64,
    },
    /// A whole entry.
    Entry(Entry),
    /// An entry has come further.
    Reached {
        /// Which.
        id: EntryId,
        /// How far.
        stage: Stage,
    },
    /// An entry is archived and proven.
    Archived {
        /// Which.
        id: EntryId,
        /// The archive.
        archive: Archive,
    },
    /// A store has the archive of an entry.
    Shipped {
        /// Which.
        id: EntryId,
        /// What the receipt said.
        shipped: Shipped,
    },
    /// An entry is gone: removed by a rule, or never came to be.
    Gone {
        /// Which.
        id: EntryId,
        /// Why.
        why: String,
    },
    /// When a log without entries was last rotated; at the epoch: nobody remembers, for it is gone.
    Last {
        /// The log's path.
        log: String,
        /// Which file system it was on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        root: Option<String>,
        /// When.
        at: DateTime<Utc>,
    },
    /// A file of its writer's that was collected, and whose archive is gone.
    Collected {
        /// The log's path.
        log: String,
        /// The file.
        #[serde(flatten)]
        collected: Collected,
    },
    /// Such files are not there any more.
    Passed {
        /// The log's path.
        log: String,
        /// Which file system they were on; any, where that is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        root: Option<String>,
        /// Which they were.
        inodes: Vec<u64>,
    },
    /// Which file of a log that is collected was live.
    Live {
        /// The log's path.
        log: String,
        /// The file; none when it is lost, and that was told.
        file: Option<Live>,
    },
    /// Since when a log is there that was never rotated and does not say so itself.
    Seen {
        /// The log's path.
        log: String,
        /// Which file: another one under that path is seen anew.
        inode: u64,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// How much of the beginning of a live log is in an archive already; of no length: nothing, for it is gone.
    Head {
        /// The log's path.
        log: String,
        /// Which file system it is on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        root: Option<String>,
        /// So much.
        #[serde(flatten)]
        head: Head,
    },
    /// The clock was believed.
    Clock {
        /// What it said.
        at: DateTime<Utc>,
    },
    /// The clock had leapt ahead, or the machine was off for long: nobody can tell yet.
    Doubt {
        /// What the clock said.
        at: DateTime<Utc>,
    },
}

impl Line {
    /// The entry has come as far as `stage`.
    pub fn reached(entry: &Entry, stage: Stage) -> Line {
        Line::Reached { id: entry.id, stage }
    }

    /// The entry is gone.
    pub fn gone(entry: &Entry, why: impl Into<String>) -> Line {
        Line::Gone { id: entry.id, why: why.into() }
    }

    /// Collected files are not there any more, however many they are: no line gets too long.
    pub fn passed(log: &str, root: Option<&str>, inodes: &[u64]) -> Vec<Line> {
        const IN_ONE: usize = 10_000;
        let line = |inodes: &[u64]| Line::Passed { log: log.to_owned(), root: root.map(str::to_owned), inodes: inodes.to_vec() };
        inodes.chunks(IN_ONE).map(line).collect()
    }
}

/// What the lines add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// The machine that the ledger belongs to.
    pub host: Option<String>,
    /// The version that its file says.
    pub version: u32,
    /// Live entries by number.
    pub entries: BTreeMap<EntryId, Entry>,
    /// When each log was last rotated.
    pub last: HashMap<String, DateTime<Utc>>,
    /// On which file system that was, as far as it is known.
    pub last_roots: HashMap<String, String>,
    /// Since when logs are there that do not say so themselves.
    pub seen: HashMap<String, Sight>,
    /// How much of the beginning of live logs is in an archive already.
    pub heads: Heads,
    /// Files that were collected and have no entry any more, by log.
    pub collected: HashMap<String, Vec<Collected>>,
    /// Which file was live, by log that is collected.
    pub live: HashMap<String, Live>,
    /// The next entry's number.
    pub next: u64,
    /// Lines that say nothing any more.
    pub dead: usize,
    /// When the clock was last believed.
    pub clock: Option<DateTime<Utc>>,
    /// Since when it is in doubt.
    pub doubted: Option<DateTime<Utc>>,
}

/// That a log was rotated.
struct Rotation {
    log: String,
    root: Option<String>,
    at: DateTime<Utc>,
}

/// The first sight of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Which file it was.
    pub inode: u64,
    /// Since when it is there, as far as could be told.
    pub since: DateTime<Utc>,
}

impl Content {
    /// Takes one more line into account.
    pub fn take(&mut self, line: Line) {
        match line {
            Line::Header { host, next, version, .. } => {
                self.host = Some(host);
                self.version = version;
                self.next = self.next.max(next);
            }
            Line::Entry(entry) => {
                self.next = self.next.max(entry.id.0 + 1);
                self.note(entry.rotation());
                let replaced = self.entries.insert(entry.id, entry);
                self.dead += usize::from(replaced.is_some());
            }
            Line::Reached { id, stage } => {
                self.dead += 1;
                if let Some(entry) = self.entries.get_mut(&id) {
                    entry.stage = stage;
                    let rotation = entry.rotation();
                    self.note(rotation);
                }
            }
            Line::Archived { id, archive } => {
                self.dead += 1;
                if let Some(entry) = self.entries.get_mut(&id) {
                    entry.stage = Stage::Archived;
                    entry.archive = Some(archive);
                }
            }
            Line::Shipped { id, shipped } => {
                self.dead += 1;
                if let Some(entry) = self.entries.get_mut(&id) {
                    entry.shipped = Some(shipped);
                }
            }
            Line::Gone { id, .. } => {
                self.dead += 2;
                if let Some(entry) = self.entries.remove(&id) {
                    self.outlive(&entry);
                }
            }
            Line::Collected { log, collected } => self.collected.entry(log).or_default().push(collected),
            Line::Passed { log, root, inodes } => {
                self.dead += 1;
                self.pass(&log, root.as_deref(), &inodes);
            }
            Line::Live { log, file } => self.look(log, file),
            Line::Last { log, root, at } => self.rotated(log, root, at),
            Line::Seen { log, inode, since } => {
                let replaced = self.seen.insert(log, Sight { inode, since });
                self.dead += usize::from(replaced.is_some());
            }
            Line::Head { log, root, head } => self.dead += self.heads.put(log, root, head),
            Line::Clock { at } => {
                let replaced = [self.clock.replace(at), self.doubted.take()];
                self.dead += replaced.into_iter().flatten().count();
            }
            Line::Doubt { at } => self.dead += usize::from(self.doubted.replace(at).is_some()),
        }
    }

    fn note(&mut self, rotation: Option<Rotation>) {
        if let Some(Rotation { log, root, at }) = rotation {
            self.dead += usize::from(self.seen.remove(&log).is_some());
            if self.last.get(&log).is_none_or(|last| *last <= at) {
                match root {
                    Some(root) => self.last_roots.insert(log.clone(), root),
                    None => self.last_roots.remove(&log),
                };
                self.last.insert(log, at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000 + number)
    }

    #[test]
    fn what_is_rotated_needs_no_first_sight_any_more() {
        let mut content = Content::default();
        content.take(Line::Seen { log: "/app.log".to_owned(), inode: 7, since: day(0) });
        assert_eq!(content.seen["/app.log"], Sight { inode: 7, since: day(0) });
        content.take(Line::Last { log: "/app.log".to_owned(), root: None, at: day(1) });
        assert_eq!((content.seen.len(), content.dead), (0, 1));
    }
}
