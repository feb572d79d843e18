//! The acts a hand can perform and what they give, as data: they also cross a socket to a child.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::files::{
    compress::{Compression, Facts, Label, Stretch},
    cut::{Cut, Head},
    dir::{FileId, Stat},
    identity::Identity,
    writers::Writers,
};
use crate::tools::logs::ledger::Entry;

/// Who else has the file that is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hold {
    /// Nobody: the rotated name is its only one.
    Alone,
    /// Its writer, who may rename or remove its own name at any time.
    Pinned,
    /// Its writer, who also compressed it: it is kept as it is.
    Packed,
}

/// How the rotated file of `entry` is held.
pub fn hold(entry: &Entry) -> Hold {
    match &entry.taken {
        Some(taken) if taken.packed.is_some() => Hold::Packed,
        Some(_) => Hold::Pinned,
        None => Hold::Alone,
    }
}

/// One thing to do in one folder. Names only: an act cannot leave its folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Act {
    /// See [`super::Hand::swap`].
    Swap {
        /// The live log.
        live: String,
        /// The name it gets.
        archive: String,
        /// Which file it must be.
        file: FileId,
    },
    /// See [`super::Hand::pin`].
    Pin {
        /// Its writer's name for it.
        name: String,
        /// The name that it gets as well.
        pin: String,
        /// Which file it must be.
        file: Identity,
    },
    /// See [`super::Hand::writers`].
    Await {
        /// The rotated file.
        name: String,
        /// Which file it must be.
        file: FileId,
        /// Who else has it.
        hold: Hold,
        /// How long to wait.
        patience: Duration,
    },
    /// See [`super::Hand::prepare`].
    Prepare {
        /// The live log.
        name: String,
        /// Which file it must be.
        file: FileId,
        /// So much of it is archived, if that is what it begins with.
        head: Option<Head>,
        /// Whether a hole will do.
        hole: bool,
        /// Not much more than so many bytes.
        most: Option<u64>,
    },
    /// See [`super::Hand::cut`].
    Cut {
        /// The live log.
        name: String,
        /// Which file it must be.
        file: FileId,
        /// What goes.
        cut: Cut,
    },
    /// See [`super::Hand::compress`].
    Compress(Compress),
    /// See [`super::Hand::settle`].
    Settle {
        /// The hidden names.
        parts: Vec<String>,
    },
    /// See [`super::Hand::publish`].
    Publish {
        /// The hidden name.
        part: String,
        /// The final one.
        archive: String,
        /// Which file it must be.
        file: FileId,
    },
    /// See [`super::Hand::release`].
    Release {
        /// The rotated file.
        name: String,
        /// Which file it must be.
        file: FileId,
        /// Who else has it.
        hold: Hold,
        /// What was archived of it.
        version: Version,
    },
    /// See [`super::Hand::discard_empty`].
    DiscardEmpty {
        /// The rotated name.
        name: String,
    },
    /// See [`super::Hand::remove_archive`].
    RemoveArchive {
        /// The archive.
        name: String,
    },
}

impl Act {
    /// A child that needs longer is given up, even if it says all the time that it is at work.
    pub fn longest(&self) -> Duration {
        const ANY: Duration = Duration::from_hours(1);
        /// Less than the slowest disk and the highest level do.
        const BYTES_A_SECOND: u64 = 256 << 10;
        match self {
            Act::Await { patience, .. } => ANY.saturating_add(*patience),
            Act::Compress(job) => ANY.saturating_add(Duration::from_secs(job.size / BYTES_A_SECOND)),
            _ => ANY,
        }
    }
}

impl Compress {
    /// How many bytes of the rotated file these facts are about.
    pub fn read(&self, facts: &Facts) -> u64 {
        if self.hold == Hold::Packed { facts.stored } else { facts.size }
    }
}

/// One compression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compress {
    /// The rotated, uncompressed file.
    pub source: String,
    /// Which file that must be.
    pub file: FileId,
    /// Who else has it.
    pub hold: Hold,
    /// Its size when it was looked at.
    pub size: u64,
    /// The part of it that is meant, when others go on appending to it.
    pub stretch: Option<Stretch>,
    /// The hidden name to write to.
    pub part: String,
    /// How.
    pub how: Compression,
    /// What the archive says it is.
    pub label: Label,
    /// Whether the source itself becomes the archive; then there is no part.
    pub stays: bool,
}

#[cfg(test)]
impl Compress {
    /// A job on a rotated file, for the tests of all hands.
    pub(super) fn sample(source: &str, file: FileId, size: u64) -> Compress {
        let label = Label {
            set: "app".into(),
            log: "/app.log".into(),
            host: "h".into(),
            rotated_at: DateTime::UNIX_EPOCH,
            begun_at: None,
            labels: std::collections::BTreeMap::new(),
        };
        let (source, part, how) = (source.to_owned(), ".part".to_owned(), Compression::default());
        Compress { source, file, hold: Hold::Alone, size, stretch: None, part, how, label, stays: false }
    }
}

/// What came of an act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Acted {
    /// It is done.
    Done,
    /// Who can still write.
    Writers(Writers),
    /// What of a live log can be archived and taken away; nothing.
    Prepared(Option<Cut>),
    /// What is left of a live log; or why nothing was taken away.
    Cut(std::result::Result<Head, String>),
    /// What was archived.
    Proven(Proven),
    /// Whether the uncompressed file could go.
    Released(Released),
    /// Whether there was something to remove.
    Removed(bool),
}

/// What was read of a log, and found again in its archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proven {
    /// What is true of both.
    pub facts: Facts,
    /// Which file is the archive: this one, and no other, gets the final name.
    pub archive: FileId,
    /// The log as it was read.
    pub version: Version,
}

/// What became of the uncompressed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Released {
    /// It is gone.
    Gone,
    /// It stays, because its archive is not, or may soon not be, all there is of it.
    Changed(String),
}

/// What a file held when it was looked at, as far as size and times tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    size: u64,
    modified: DateTime<Utc>,
    /// Not of a pinned file: its writer renames and removes its own name, and that changes this.
    changed: Option<DateTime<Utc>>,
}

impl Version {
    /// What `stat` says.
    pub fn of(stat: &Stat, hold: Hold) -> Version {
        Version { size: stat.size, modified: stat.modified, changed: (hold == Hold::Alone).then_some(stat.changed) }
    }

    /// Whether the file is still that.
    pub fn is(&self, stat: &Stat) -> bool {
        (self.size, self.modified) == (stat.size, stat.modified) && self.changed.is_none_or(|changed| changed == stat.changed)
    }

    /// How many bytes that is.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The last write that is in it.
    pub fn modified(&self) -> DateTime<Utc> {
        self.modified
    }
}
