//! What is remembered of the files that a log's writer finished by itself.
//!
//! That a file was collected is no line of its own: its entry says so, from the intent on, which is durable before the
//! file gets a name of ours. Until it is archived the entry only means to keep it. When the entry of an archived file is
//! gone by a rule, what it knew of the file goes on here, because the writer may still have it: [`Content::take`] does that
//! when it reads the line `gone`, so no crash can come between. Forgotten is what a run does not find any more.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Content, Entry, Stage, same_place};
use crate::files::{archive_name::Extension, compress::Compression, identity::Identity};

/// A finished file as it was when it was collected, or archived if that was later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Its writer's name for it.
    pub name: String,
    /// Which file it is.
    pub file: Identity,
    /// What it held.
    pub size: u64,
    /// Its last write.
    pub modified: DateTime<Utc>,
    /// How its writer compressed it: then it is kept as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed: Option<Packed>,
}

/// How a writer compressed a finished file, by its name until its content says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packed {
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstd,
}

impl Packed {
    /// What the name says.
    pub fn of(name: &str) -> Option<Packed> {
        let ends = |extension: Extension| name.ends_with(extension.suffix());
        if ends(Extension::Gzip) { Some(Packed::Gzip) } else { ends(Extension::Zstd).then_some(Packed::Zstd) }
    }

    /// How to read it.
    pub fn how(self) -> Compression {
        Compression::of(match self {
            Packed::Gzip => Extension::Gzip,
            Packed::Zstd => Extension::Zstd,
        })
    }
}

/// A collected file whose archive is gone by a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// The file.
    #[serde(flatten)]
    pub taken: Taken,
    /// Which file system it was on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
}

/// The file that was live when a run looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// Which file it was.
    pub file: Identity,
    /// What it held.
    pub size: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// Which file system it was on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
}

impl Content {
    /// An entry is gone, and the file that it was made from may still be there.
    pub(super) fn outlive(&mut self, entry: &Entry) {
        let archived = matches!(entry.stage, Stage::Archived | Stage::Stored | Stage::Removing);
        if let Some(taken) = entry.taken.clone().filter(|_| archived) {
            let root = entry.log_root().map(str::to_owned);
            self.collected.entry(entry.log_path()).or_default().push(Collected { taken, root });
        }
    }

    /// Collected files of that log are not there any more. Another file system may have files of the same inodes.
    pub(super) fn pass(&mut self, log: &str, root: Option<&str>, inodes: &[u64]) {
        let Some(known) = self.collected.get_mut(log) else { return };
        let (before, inodes): (usize, HashSet<&u64>) = (known.len(), inodes.iter().collect());
        known.retain(|one| !(inodes.contains(&one.taken.file.ino) && same_place(one.root.as_deref(), root)));
        self.dead += before - known.len();
        if known.is_empty() {
            self.collected.remove(log);
        }
    }

    /// Which file is live, as far as anybody looked.
    pub(super) fn look(&mut self, log: String, file: Option<Live>) {
        let replaced = match file {
            Some(file) => self.live.insert(log, file),
            None => self.live.remove(&log),
        };
        self.dead += usize::from(replaced.is_some());
    }
}
