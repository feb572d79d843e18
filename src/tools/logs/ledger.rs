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

mod entry;
mod journal;
mod line;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::{
    entry::{Archive, Entry, EntryId, OnVolumes, Stage},
    journal::Ledger,
};

/// Name and version of the ledger's lines.
pub const FORMAT: &str = "opsbelt.logs.ledger";
/// The version we write. Older ones are read, newer ones refused untouched.
pub const VERSION: u32 = 1;

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
    /// An entry is gone: removed by a rule, or never came to be.
    Gone {
        /// Which.
        id: EntryId,
        /// Why.
        why: String,
    },
    /// When a log without entries was last rotated.
    Last {
        /// The log's path.
        log: String,
        /// When.
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
}

/// What the lines add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// The machine that the ledger belongs to.
    pub host: Option<String>,
    /// Live entries by number.
    pub entries: BTreeMap<EntryId, Entry>,
    /// When each log was last rotated.
    pub last: HashMap<String, DateTime<Utc>>,
    /// The next entry's number.
    pub next: u64,
    /// Lines that say nothing any more.
    pub dead: usize,
}

impl Content {
    /// Takes one more line into account.
    pub fn take(&mut self, line: Line) {
        match line {
            Line::Header { host, next, .. } => {
                self.host = Some(host);
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
            Line::Gone { id, .. } => {
                self.dead += 2;
                self.entries.remove(&id);
            }
            Line::Last { log, at } => self.note(Some((log, at))),
        }
    }

    fn note(&mut self, rotation: Option<(String, DateTime<Utc>)>) {
        if let Some((log, at)) = rotation {
            let last = self.last.entry(log).or_insert(at);
            *last = (*last).max(at);
        }
    }
}
