//! One rotated log as the ledger has it: its names, how far it has come, and where it lay. Persisted: fields may be
//! added, never renamed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Packed, Rotation, Taken};
use crate::{
    files::{
        compress::{Facts, Label, Stretch},
        cut::Cut,
        dir::FileId,
    },
    tools::logs::containers::Labels,
};

/// The number of an entry; never used twice in one ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(pub u64);

/// One rotated log, from intent to removal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number.
    pub id: EntryId,
    /// The set that rotated it.
    pub set: String,
    /// The folder of the live log.
    pub folder: String,
    /// The live log's name in it.
    pub log: String,
    /// The folder where the finished archive goes; the log's own when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archives: Option<String>,
    /// The rotated name, without a compressor's extension.
    pub name: String,
    /// When it was rotated.
    pub at: DateTime<Utc>,
    /// When its first line may have been written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<DateTime<Utc>>,
    /// Device and inode of the file that was rotated. None for an archive that was found, not made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileId>,
    /// What is taken away of the live log, when it is that which was archived, and no file beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// Whether it is one of several pieces, all with one time, that a log was archived in because room was short.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub piece: bool,
    /// The file that its writer had finished and we gave one more name. None when the live log itself got that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    /// The volumes that its folders were on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<OnVolumes>,
    /// The machine that made it, when it was not this one: a clone keeps what it finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited: Option<String>,
    /// What people call its writer, by the label's name.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// How far it has come.
    pub stage: Stage,
    /// The archive, from the stage `Archived` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Archive>,
    /// The oldest of the archives that it goes to the store with, from when that was decided on: whoever hands them over again makes the
    /// same object of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<EntryId>,
    /// That a store has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipped: Option<Shipped>,
}

/// That a store has an archive: the receipt for it agreed with all that is known here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipped {
    /// Which store.
    pub store: String,
    /// The object.
    pub key: String,
    /// The segment of this machine's manifest that names it.
    pub segment: u64,
    /// When the store had it.
    pub at: DateTime<Utc>,
    /// Where the rest of it is, when it is in several objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<More>,
    /// Whether it went there without an archive here: then what is here goes as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub direct: bool,
}

/// One more object that holds a part of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct More {
    /// The object.
    pub key: String,
    /// The segment that names it.
    pub segment: u64,
}

/// Where the file systems of an entry's folders were mounted. Without it a volume that is missing could not
/// be told from files that are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnVolumes {
    /// That of the log's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// That of the archive's folder, when it is another folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archives: Option<String>,
    /// Which file system was mounted where the log's folder is.
    #[serde(default, rename = "log-root", skip_serializing_if = "Option::is_none")]
    pub log_root: Option<String>,
    /// The same of the archive's folder.
    #[serde(default, rename = "archives-root", skip_serializing_if = "Option::is_none")]
    pub archives_root: Option<String>,
}

/// Whether two file systems are one, as far as anybody knows: what nobody knows, agrees.
pub fn same_place(one: Option<&str>, other: Option<&str>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
}

/// How far a rotated log has come. Each stage is recorded when it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// About to swap the live log away.
    Intended,
    /// Swapped away; its writer has not been told.
    Swapped,
    /// Its writer has been told; not archived yet.
    Told,
    /// Archived and proven; the uncompressed file may still be there.
    Archived,
    /// Only the archive is left: the normal state.
    Stored,
    /// About to be removed by a keep-rule.
    Removing,
}

/// A finished archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Archive {
    /// Its name.
    pub file: String,
    /// What is true of it.
    pub facts: Facts,
}

impl Entry {
    /// The live log's path.
    pub fn log_path(&self) -> String {
        within(&self.folder, &self.log)
    }

    /// The folder of the finished archive.
    pub fn archive_folder(&self) -> &str {
        self.archives.as_deref().unwrap_or(&self.folder)
    }

    /// Where the file system of the log's folder was mounted.
    pub fn log_volume(&self) -> Option<&str> {
        self.volumes.as_ref()?.log.as_deref()
    }

    /// Where the file system of the archive's folder was mounted.
    pub fn archive_volume(&self) -> Option<&str> {
        if self.archives.is_some() { self.volumes.as_ref()?.archives.as_deref() } else { self.log_volume() }
    }

    /// Which file system that was.
    pub fn log_root(&self) -> Option<&str> {
        self.volumes.as_ref()?.log_root.as_deref()
    }

    /// Which file system the archive's folder was on.
    pub fn archive_root(&self) -> Option<&str> {
        if self.archives.is_some() { self.volumes.as_ref()?.archives_root.as_deref() } else { self.log_root() }
    }

    /// The name of the file that holds the log now.
    pub fn file_name(&self) -> &str {
        self.archive.as_ref().map_or(&self.name, |archive| &archive.file)
    }

    /// The path of the file that holds the log now.
    pub fn path(&self) -> String {
        if self.archive.is_some() { self.archive_path(self.file_name()) } else { self.rotated_path() }
    }

    /// The path of the rotated, uncompressed file; of the live log when it stays that.
    pub fn rotated_path(&self) -> String {
        if self.cut.is_some() { self.log_path() } else { within(&self.folder, &self.name) }
    }

    /// The part of the live log that it is about, when the log stays the file that it is.
    pub fn stretch(&self) -> Option<Stretch> {
        self.cut.as_ref().map(|cut| Stretch { from: cut.from, to: cut.to })
    }

    /// The path of a name in the folder of the finished archive.
    pub fn archive_path(&self, name: &str) -> String {
        within(self.archive_folder(), name)
    }

    /// Whether the file that was rotated is itself the archive, and nobody else has it.
    pub fn is_plain(&self) -> bool {
        let archived = self.archive.as_ref().is_none_or(|archive| archive.file == self.name);
        archived && self.archives.is_none() && self.cut.is_none() && self.taken.is_none()
    }

    /// What its archive says it is.
    pub fn label(&self, host: &str) -> Label {
        Label {
            set: self.set.clone(),
            log: self.log_path(),
            host: host.to_owned(),
            rotated_at: self.at,
            begun_at: self.begun,
            labels: self.labels.clone(),
        }
    }

    /// Whether nothing is under way: its archive should stand on this machine's disk.
    pub fn is_settled(&self) -> bool {
        self.stage == Stage::Stored && self.inherited.is_none()
    }

    /// How its writer compressed it, when it did.
    pub fn packed(&self) -> Option<Packed> {
        self.taken.as_ref()?.packed
    }

    /// The log and the time, when this entry means that the log was rotated on this machine.
    pub(super) fn rotation(&self) -> Option<Rotation> {
        let root = || self.log_root().map(str::to_owned);
        (self.stage != Stage::Intended && self.inherited.is_none()).then(|| Rotation {
            log: self.log_path(),
            root: root(),
            at: self.at,
        })
    }

    /// What the archive takes on the disk.
    pub fn stored(&self) -> u64 {
        self.archive.as_ref().map_or(0, |archive| archive.facts.stored)
    }
}

fn within(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}
