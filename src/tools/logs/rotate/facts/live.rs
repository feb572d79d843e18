//! What is true of live logs that are rotated in place: how much of each is archived already, what could go, and whether
//! its file system and its writers allow it. Reads of a log only what was left over and where its lines end.

use std::collections::HashMap;

use super::{FolderFact, LogFact, What, World};
use crate::{
    failure::{Failure, Result},
    files::{
        appenders::{self, Appending, Unseen},
        cut::{self, Cut, Head, Place},
        dir::{Dir, FileId, Stat},
        system,
    },
    tools::logs::{
        ledger::{Content, Entry, Stage},
        rotate::Rotate,
        settings::{LogSet, Method},
    },
};

/// A live log that stays the file that it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// So many bytes of its beginning are archived.
    pub archived: u64,
    /// Why what was written down of its beginning is not so any more.
    pub lost: Option<&'static str>,
    /// Whether anything of it could go.
    pub goes: bool,
    /// Why it cannot be rotated in place.
    pub refused: Option<Failure>,
}

/// Looks at every log of a set that is rotated in place.
pub(super) fn look(rotate: &Rotate, content: &Content, world: &mut World) {
    let meant: Vec<(usize, Stat)> = world.logs.iter().enumerate().filter_map(|(index, log)| meant(rotate, index, log)).collect();
    if meant.is_empty() {
        return;
    }
    let entries = content.entries.values().filter(|entry| entry.stage == Stage::Archived);
    let begun: HashMap<String, &Entry> =
        entries.filter(|entry| entry.cut.is_some()).map(|entry| (entry.log_path(), entry)).collect();
    let mut folders: HashMap<usize, Result<Dir>> = HashMap::new();
    for (index, stat) in &meant {
        let log = &world.logs[*index];
        let folder = folders.entry(log.folder).or_insert_with(|| Dir::open(&world.folders[log.folder].path));
        let path = world.path(log);
        let head = path.to_str().and_then(|path| content.heads.of(path, world.folders[log.folder].root.as_deref()));
        let begun =
            path.to_str().and_then(|path| begun.get(path)).filter(|entry| entry.file.is_some_and(|file| file.ino == stat.id.ino));
        let begun = begun.and_then(|entry| entry.cut.as_ref());
        let refuse = |failure: Failure| Live { refused: Some(failure), ..Live::default() };
        let live = match folder.as_ref().map_err(Clone::clone) {
            Ok(folder) => one(folder, (&log.name, stat), (head, begun), &rotate.sets[log.set]).unwrap_or_else(refuse),
            Err(failure) => refuse(failure),
        };
        world.logs[*index].live = Some(live);
    }
    // Only of those that something could be done to: looking into every process costs some time.
    let candidates: Vec<(usize, FileId)> = meant.iter().map(|(index, stat)| (*index, stat.id)).collect();
    let goes = |index: usize| world.logs[index].live.as_ref().is_some_and(|live| live.goes && live.refused.is_none());
    let candidates: Vec<(usize, FileId)> = candidates.into_iter().filter(|(index, _)| goes(*index)).collect();
    let named = |index: usize| {
        let log = &world.logs[index];
        system::shows_others(&world.folders[log.folder].path).then_some(log.name.as_str())
    };
    let wanted: Vec<(FileId, Option<&str>)> = candidates.iter().map(|(index, id)| (*id, named(*index))).collect();
    let judged = appenders::of(&wanted);
    for (index, id) in candidates {
        let refused = judged.get(&id).and_then(|judged| only_appended(judged, &world.logs[index].name).err());
        if let Some(live) = &mut world.logs[index].live {
            live.refused = refused;
        }
    }
}

/// Files that begin with what a rotation in place archived and left there, and that go another way now.
pub(super) fn again(rotate: &Rotate, content: &Content, world: &World) -> HashMap<FileId, u64> {
    if content.heads.is_empty() {
        return HashMap::new();
    }
    let renamed = world.logs.iter().filter_map(|log| match &log.what {
        What::File(stat) if rotate.sets[log.set].method == Method::Rename => Some((log.folder, &log.name, &log.name, stat.id)),
        _ => None,
    });
    let finished = world.collecting.iter().flat_map(|log| log.finished.iter().map(move |found| (log, found)));
    let finished = finished.map(|(log, found)| (log.folder, &log.log, &found.name, found.stat.id));
    let archived = |(folder, log, name, id): (usize, &String, &String, FileId)| {
        Some((id, still_archived(content, &world.folders[folder], (log, name), id)?))
    };
    renamed.chain(finished).filter_map(archived).collect()
}

/// How much of the beginning of a live log is archived, whatever its method is now and whether or not anything of it can go.
pub(in crate::tools::logs) fn archived_head(content: &Content, world: &World, log: &LogFact) -> Option<u64> {
    match (&log.live, &log.what) {
        (Some(live), _) if live.archived > 0 => Some(live.archived),
        (Some(Live { refused: None, .. }), _) => None,
        (_, What::File(stat)) => still_archived(content, &world.folders[log.folder], (&log.name, &log.name), stat.id),
        _ => None,
    }
}

/// So many bytes of what is written down of `log`, when the file with that `name` still begins with them.
fn still_archived(content: &Content, folder: &FolderFact, (log, name): (&str, &str), id: FileId) -> Option<u64> {
    let head = content.heads.of(folder.path.join(log).to_str()?, folder.root.as_deref()).filter(|head| head.inode == id.ino)?;
    // What cannot be looked at cannot be archived either, and that is told.
    let file = Dir::open(&folder.path).and_then(|folder| folder.read(name)).ok()?;
    matches!(head.holds(&file), Ok(Ok(()))).then_some(head.archived).filter(|archived| *archived > 0)
}

fn meant(rotate: &Rotate, index: usize, log: &LogFact) -> Option<(usize, Stat)> {
    match &log.what {
        What::File(stat) if rotate.sets[log.set].method == Method::InPlace => Some((index, *stat)),
        _ => None,
    }
}

/// One log, with what was written down of its beginning, and what an earlier run began to take away of it.
fn one(folder: &Dir, (name, stat): (&str, &Stat), (head, begun): (Option<&Head>, Option<&Cut>), set: &LogSet) -> Result<Live> {
    let shown = folder.shown(name);
    let file = folder.read(name)?;
    Place::refuse_mount(&file, folder.handle()?, &shown)?;
    let place = Place::likely(&file, set.punch_hole, &shown)?;
    if stat.size == 0 {
        return Ok(Live::default());
    }
    let begun = begun.map(|cut| cut::begun(&file, cut)).transpose()?.flatten();
    let (archived, lost) = match begun {
        Some((archived, _)) => (archived, None),
        None => cut::archived(&file, head, place)?,
    };
    // What goes with the one that was begun makes no further rotation worth its while.
    let going = begun.map_or(0, |(_, going)| going);
    let goes = cut::reach(&file, archived, place, None)?.is_some_and(|(_, remove)| remove > going);
    Ok(Live { archived, lost, goes, refused: None })
}

/// Whether everybody who writes to it appends, as far as it must be known before anything of it goes.
pub(in crate::tools::logs::rotate) fn only_appended(judged: &Appending, name: &str) -> Result<()> {
    let refuse = |why: String, hint: &str| Err(Failure::new("rotate in place", name).because(why).hint(hint));
    match judged {
        Appending::Only => Ok(()),
        Appending::Not(who) => refuse(
            who.clone(),
            "restart its writer with an append (O_APPEND, `>>`, StandardOutput=append: in its unit); method = \"rename\" only where it can be told to open its log anew",
        ),
        Appending::Swap => refuse("the kernel uses it as swap space".to_owned(), "exclude it: a swap file is no log"),
        Appending::Unknown(Unseen::Rights(first)) => refuse(
            format!("how others write to it is unknown: not every process may be looked into{}", such_as(first.as_deref())),
            "run on the host itself as root with CAP_SYS_PTRACE, as ops-logs-in-place.service does; or use method = \"rename\" where its writer can be told",
        ),
        Appending::Unknown(Unseen::Namespace) => refuse(
            "how others write to it is unknown: a PID namespace (a container, say) hides processes outside of it".to_owned(),
            "run on the host itself, or use method = \"rename\"",
        ),
        Appending::Unknown(Unseen::TooMany) => refuse(
            "how others write to it is unknown: there are more processes and open files than a run looks at".to_owned(),
            "use method = \"rename\"",
        ),
    }
}

fn such_as(process: Option<&str>) -> String {
    process.map(|process| format!(", such as {process}")).unwrap_or_default()
}
