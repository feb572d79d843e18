//! What is left of a rotation that an earlier run began: which of its names exist.

use std::path::Path;

use crate::{
    failure::{Failure, Result},
    files::{
        archive_name::{ArchiveName, Extension},
        dir::{Dir, Stat},
    },
    tools::logs::ledger::{Entry, EntryId, Stage},
};

/// One entry that is not in its final state, and what stands on the disk.
#[derive(Debug)]
pub struct PendingFact {
    /// The entry.
    pub id: EntryId,
    /// What could be seen, or why nothing could.
    pub seen: Result<Seen>,
}

/// The names of one rotation, as they stand.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The folder of the log.
    pub folder: Option<Stat>,
    /// The rotated, uncompressed file.
    pub plain: Option<Stat>,
    /// Archives under its name, finished or not: the names, hidden ones too.
    pub archives: Vec<String>,
}

impl PendingFact {
    /// Looks at the names of `entry`; None when it is in its final state.
    pub fn of(entry: &Entry) -> Option<PendingFact> {
        if entry.stage == Stage::Stored {
            return None;
        }
        Some(PendingFact { id: entry.id, seen: look(entry) })
    }
}

fn look(entry: &Entry) -> Result<Seen> {
    let name = ArchiveName::parse(&entry.name)
        .ok_or_else(|| Failure::new("read the ledger's entry for", entry.log_path()).because("its name is none of ours"))?;
    let folder = Dir::open(Path::new(&entry.folder))?;
    let elsewhere = entry.archives.as_deref().map(|path| Dir::open(Path::new(path))).transpose()?;
    let home = elsewhere.as_ref().unwrap_or(&folder);
    let plain = folder.stat(&entry.name)?;
    let mut archives = Vec::new();
    for extension in [Extension::Zstd, Extension::Gzip, Extension::Plain] {
        let finished = name.clone().with(extension);
        let own = [finished.part_name(), finished.to_string()];
        for candidate in own {
            // Both folders may be one, whatever their paths say: the rotated file is never taken for an archive of itself.
            let source = |stat: &Stat| {
                candidate == entry.name && (entry.archives.is_none() || plain.is_some_and(|plain| plain.id == stat.id))
            };
            if home.stat(&candidate)?.is_some_and(|stat| !source(&stat)) {
                archives.push(candidate);
            }
        }
    }
    Ok(Seen { folder: Some(folder.stat_self()?), plain, archives })
}
