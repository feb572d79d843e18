//! What is left of a rotation that an earlier run began: which of its names exist, and whose they are.

use std::path::Path;

use super::volumes::{Away, Volumes};
use crate::{
    failure::{Failure, Result},
    files::{
        archive_name::{ArchiveName, Extension},
        compress,
        cut::{self, Cut, Found},
        dir::{Dir, Kind, Stat},
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
    /// Why the rotated file may be elsewhere.
    pub away: Option<Away>,
    /// Why the archive may be elsewhere.
    pub archive_away: Option<Away>,
}

/// The names of one rotation, as they stand.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The rotated, uncompressed file.
    pub plain: Option<Stat>,
    /// Archives under its name, finished or not, hidden ones too.
    pub archives: Vec<Beside>,
    /// What became of the head of a log that is rotated in place.
    pub live: Option<Found>,
}

/// An archive under the name of a rotation that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub whose: Whose,
}

/// Whose an archive is, as far as a look at its end tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A hidden part: what a compression leaves that was cut off.
    Part,
    /// The one that the ledger has for this rotation.
    Recorded,
    /// Ours, of this very rotation: it says so itself.
    Ours,
    /// It says nothing of itself; its content will tell.
    Silent,
    /// Somebody else's, and why.
    Foreign(String),
}

impl PendingFact {
    /// Looks at the names of `entry`, made on this `host` unless it says otherwise; None when it is in its final state.
    pub fn of(entry: &Entry, host: &str, volumes: &mut Volumes) -> Option<PendingFact> {
        if entry.stage == Stage::Stored {
            return None;
        }
        let (away, archive_away) = (volumes.of_log(entry), volumes.of_archive(entry));
        let seen = look(entry, host, away.as_ref(), archive_away.as_ref());
        Some(PendingFact { id: entry.id, seen, away, archive_away })
    }
}

fn look(entry: &Entry, host: &str, away: Option<&Away>, archive_away: Option<&Away>) -> Result<Seen> {
    let name = ArchiveName::parse(&entry.name)
        .ok_or_else(|| Failure::new("read the ledger's entry for", entry.log_path()).because("its name is none of ours"))?;
    // What was in a folder that was removed is gone; that is no reason not to know.
    let open = |path: &str, away: Option<&Away>| match away {
        Some(Away::Removed) => Ok(None),
        _ => Dir::open(Path::new(path)).map(Some),
    };
    let folder = open(&entry.folder, away)?;
    let elsewhere = entry.archives.as_deref().map(|path| open(path, archive_away)).transpose()?;
    let plain = folder.as_ref().map(|folder| folder.stat(&entry.name)).transpose()?.flatten();
    let mut archives = Vec::new();
    let live = entry.cut.as_ref().map(|cut| live(entry, cut, folder.as_ref())).transpose()?;
    let Some(home) = elsewhere.as_ref().unwrap_or(&folder) else { return Ok(Seen { plain, archives, live }) };
    for extension in [Extension::Zstd, Extension::Gzip, Extension::Plain] {
        let finished = name.clone().with(extension);
        if home.stat(&finished.part_name())?.is_some() {
            archives.push(Beside { name: finished.part_name(), whose: Whose::Part });
        }
        // Both folders may be one, whatever their paths say: the rotated file is never taken for an archive of itself.
        let source = |stat: &Stat| {
            extension == Extension::Plain
                && entry.cut.is_none()
                && (entry.archives.is_none() || plain.is_some_and(|plain| plain.id == stat.id))
        };
        if let Some(stat) = home.stat(&finished.to_string())?.filter(|stat| !source(stat)) {
            archives
                .push(Beside { name: finished.to_string(), whose: whose(entry, host, home, &finished, (&stat, plain.as_ref())) });
        }
    }
    Ok(Seen { plain, archives, live })
}

fn live(entry: &Entry, cut: &Cut, folder: Option<&Dir>) -> Result<Found> {
    let unknown = |why: &str| Ok(Found::Unknown(why.to_owned()));
    let stat = folder.map(|folder| folder.stat(&entry.log)).transpose()?.flatten();
    let (Some(folder), Some(stat)) = (folder, stat) else { return unknown("the log is gone") };
    if stat.kind != Kind::File || entry.file.is_none_or(|file| file.ino != stat.id.ino) {
        return unknown("another file is the log now");
    }
    cut::found(&folder.read(&entry.log)?, cut)
}

fn whose(entry: &Entry, host: &str, home: &Dir, finished: &ArchiveName, (stat, plain): (&Stat, Option<&Stat>)) -> Whose {
    let name = finished.to_string();
    if stat.kind != Kind::File {
        return Whose::Foreign("it is no ordinary file".to_owned());
    }
    if let Some(archive) = entry.archive.as_ref().filter(|archive| archive.file == name) {
        let whole = stat.size == archive.facts.stored;
        return if whole { Whose::Recorded } else { Whose::Foreign("it has another size than was recorded".to_owned()) };
    }
    // One more name of the very file.
    if entry.packed().is_some() && plain.is_some_and(|plain| plain.id == stat.id) {
        return Whose::Ours;
    }
    if finished.extension() != Extension::Zstd || entry.packed().is_some() {
        return Whose::Silent;
    }
    let host = entry.inherited.as_deref().unwrap_or(host);
    match home.read(&name).and_then(|file| compress::read_trailer(&file)) {
        Ok(Some((label, _))) if (&*label.log, label.rotated_at, &*label.host) == (&*entry.log_path(), entry.at, host) => {
            Whose::Ours
        }
        Ok(Some((label, _))) => Whose::Foreign(format!("it says that it is of {}", label.log)),
        Ok(None) => Whose::Foreign("it does not say what it is".to_owned()),
        Err(failure) => Whose::Foreign(failure.cause.unwrap_or_else(|| "it cannot be read".to_owned())),
    }
}
