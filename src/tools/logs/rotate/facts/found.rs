//! Archives that say they are ours and that the ledger does not know: read, and believed only as far as
//! everything else agrees. What such a file says of itself is a stranger's word.

use std::{collections::HashSet, path::PathBuf};

use chrono::{DateTime, Utc};

use super::{What, World};
use crate::{
    files::{
        archive_name::{ArchiveName, Extension},
        compress::{self, Facts, Label},
        dir::{Dir, Kind, Stat, stat_open},
    },
    report::Incomplete,
    tools::logs::ledger::{Content, Entry},
};

/// An archive that says that it is ours.
#[derive(Debug)]
pub(super) struct Claim {
    /// The folder that it lies in, by position.
    folder: usize,
    name: ArchiveName,
    stat: Stat,
    label: Label,
    facts: Facts,
}

/// An archive that is ours, and of which the ledger knows nothing.
#[derive(Debug)]
pub struct FoundArchive {
    /// The set that names its log, by position.
    pub set: usize,
    /// The folder of its log, by position.
    pub log_folder: usize,
    /// The folder it lies in, by position.
    pub folder: usize,
    /// Its path.
    pub path: PathBuf,
    /// Its name.
    pub name: ArchiveName,
    /// What it says of itself: only times and host count, and labels within limits.
    pub label: Label,
    /// And of its content.
    pub facts: Facts,
}

/// An archive that claims to be ours and is not taken for it.
#[derive(Debug)]
pub struct Foreign {
    /// Its path.
    pub path: PathBuf,
    /// Why not.
    pub why: String,
}

/// Reads what `name` says of itself, if anything. What is ours by all signs and cannot be read is told.
pub(super) fn claim(dir: &Dir, folder: usize, name: ArchiveName, us: u32) -> Result<Option<Claim>, Incomplete> {
    let text = name.to_string();
    let read = dir.read(&text).and_then(|file| {
        let stat = stat_open(&file)?;
        Ok((stat, if stat.kind == Kind::File { compress::read_trailer(&file)? } else { None }))
    });
    match read {
        Ok((stat, Some((label, facts)))) => Ok(Some(Claim { folder, name, stat, label, facts })),
        Ok((_, None)) => Ok(None),
        Err(failure) => match dir.stat(&text) {
            // Another user's file that we may not read is no archive of ours.
            Ok(Some(stat)) if stat.kind == Kind::File && (us == 0 || us == stat.uid) => {
                let why = failure.cause.unwrap_or_else(|| "it cannot be read".to_owned());
                let unreadable = Incomplete::new(dir.shown(&text), format!("whether it is an archive of ours is unknown: {why}"));
                Err(unreadable.hint(failure.hint.as_deref().unwrap_or("it is left alone; move it away when it is worth nothing")))
            }
            _ => Ok(None),
        },
    }
}

/// Which sets mean a log of this name in the folder at this position.
pub(super) type Means<'a> = &'a dyn Fn(&World, usize, &str) -> Vec<usize>;

/// Decides which claims are true: each log's archive once, under its own name, where it belongs.
pub(super) fn judge<'a>(
    world: &World,
    content: &Content,
    mut claims: Vec<Claim>,
    means: Means,
    set_name: &dyn Fn(usize) -> &'a str,
) -> (Vec<FoundArchive>, Vec<Foreign>) {
    let mut known = Known::default();
    if !claims.is_empty() {
        content.entries.values().for_each(|entry| known.recall(entry));
    }
    // Of several copies the first is taken, in every run.
    claims.sort_by(|one, other| (one.folder, &one.name).cmp(&(other.folder, &other.name)));
    let (mut ours, mut foreign) = (Vec::new(), Vec::new());
    for claim in claims {
        let path = world.folders[claim.folder].path.join(claim.name.to_string());
        let agreed = belongs(world, &claim, means, set_name).and_then(|(set, log_folder)| {
            let log = world.folders[log_folder].path.join(claim.name.log()).display().to_string();
            if known.take(log, &claim) { Ok((set, log_folder)) } else { Err("it is a copy of one that is recorded".to_owned()) }
        });
        match agreed {
            Ok((set, log_folder)) => {
                let Claim { folder, name, label, facts, .. } = claim;
                ours.push(FoundArchive { set, log_folder, folder, path, name, label, facts });
            }
            Err(why) => foreign.push(Foreign { path, why }),
        }
    }
    (ours, foreign)
}

/// Archives that the ledger knows or will know, by name and by content: one folder may be seen at two paths.
#[derive(Default)]
struct Known {
    names: HashSet<(String, String)>,
    contents: HashSet<Copied>,
}

/// What two copies of one archive have in common: log, times, and checksum.
type Copied = (String, DateTime<Utc>, Option<DateTime<Utc>>, String);

impl Known {
    fn recall(&mut self, entry: &Entry) {
        self.names.insert((entry.log_path(), entry.name.clone()));
        if let Some(archive) = &entry.archive {
            self.contents.insert((entry.log_path(), entry.at, entry.begun, archive.facts.sha256.clone()));
        }
    }

    /// Takes note of one more; says whether it is new.
    fn take(&mut self, log: String, claim: &Claim) -> bool {
        let plain = claim.name.clone().with(Extension::Plain).to_string();
        let content = (log.clone(), claim.label.rotated_at, claim.label.begun_at, claim.facts.sha256.clone());
        self.names.insert((log, plain)) && self.contents.insert(content)
    }
}

/// The set and the folder of the log that the archive is of, by our own settings.
fn belongs<'a>(
    world: &World,
    claim: &Claim,
    means: Means,
    set_name: &dyn Fn(usize) -> &'a str,
) -> Result<(usize, usize), String> {
    let label = &claim.label;
    if label.rotated_at.timestamp() != claim.name.at().timestamp() {
        return Err(format!("it says that it was rotated at {}, and its name does not", label.rotated_at));
    }
    if world.is_future(claim.name.at()) {
        return Err("its time lies in the future".to_owned());
    }
    let (log_folder, mut sets) = home(world, claim, means)
        .ok_or_else(|| format!("it says that it is of {}, and no chosen set has that log's archives here", label.log))?;
    if sets.len() > 1 {
        sets.retain(|set| set_name(*set) == label.set);
    }
    let &[set] = sets.as_slice() else { return Err(format!("several sets name {}", label.log)) };
    vouched_for(world, claim, log_folder)?;
    Ok((set, log_folder))
}

/// The folder of the log: the archive's own, or one whose archives go to it.
fn home(world: &World, claim: &Claim, means: Means) -> Option<(usize, Vec<usize>)> {
    let log = claim.name.log();
    let says = |index: &usize| world.folders[*index].path.join(log).to_str() == Some(&*claim.label.log);
    let own = || Some(claim.folder).filter(says).map(|index| (index, means(world, index, log)));
    let own = own().filter(|(_, sets)| !sets.is_empty());
    own.or_else(|| {
        let here = &world.folders[claim.folder].wanted.archives;
        (0..world.folders.len()).filter(says).find_map(|index| {
            let sets: Vec<usize> = means(world, index, log).into_iter().filter(|set| here.contains(set)).collect();
            (!sets.is_empty()).then_some((index, sets))
        })
    })
}

/// Whether nobody else could have put it there: the folder lets nobody else write, or the file belongs to
/// somebody who may.
fn vouched_for(world: &World, claim: &Claim, log_folder: usize) -> Result<(), String> {
    let stat = |index: usize| world.folders[index].state.as_ref().ok().map(|(stat, _)| *stat);
    let ours = |uid: u32| uid == 0 || uid == world.us.uid;
    let closed = stat(claim.folder).is_some_and(|folder| ours(folder.uid) && folder.mode & 0o022 == 0);
    let log = world.logs.iter().find_map(|log| match &log.what {
        What::File(stat) if log.folder == log_folder && log.name == claim.name.log() => Some(stat.uid),
        _ => None,
    });
    let owner = claim.stat.uid;
    let trusted = closed || ours(owner) || log == Some(owner) || stat(log_folder).is_some_and(|folder| folder.uid == owner);
    if trusted { Ok(()) } else { Err(format!("it belongs to user {owner}, who does not write that log")) }
}
