//! Lists each folder once, and sorts its names into logs, archives we know, archives that were found, and
//! names that nobody asked about.

mod absence;
mod finished;
mod owners;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use chrono::DateTime;

pub use self::finished::{Collecting, Found as CollectFile};
use self::{
    absence::Unmet,
    finished::{Collected, Named, Remembered},
};
use super::{
    FolderFact, Kept, LogFact, Missing, What, World,
    found::{self, Claim, Foreign},
    twice,
    volumes::Volumes,
};
use crate::{
    failure::Result,
    files::{
        archive_name::{ArchiveName, Extension},
        dir::{Dir, Kind},
        find::PathPattern,
    },
    report::Incomplete,
    tools::logs::{
        ledger::{Content, EntryId},
        rotate::Rotate,
    },
};

/// Archives that should be in one folder, by name.
type Stored<'a> = HashMap<&'a str, EntryId>;

/// Which folders to look into, and for what.
pub struct Listing<'a> {
    rotate: &'a Rotate,
    /// Patterns of each set, and what it excludes.
    sets: Vec<(Vec<PathPattern>, Vec<PathPattern>)>,
    /// Names that the ledger gave, without a compressor's extension, by folder.
    known: HashMap<&'a str, HashSet<&'a str>>,
    /// Archives of the chosen sets that should be there, by folder.
    stored: HashMap<&'a Path, Stored<'a>>,
    content: &'a Content,
    /// Logs that are collected, by folder.
    remembered: Remembered<'a>,
}

/// What is wanted of one folder: patterns by set and position, and the sets whose archives go there.
#[derive(Debug, Default)]
pub struct Wanted {
    patterns: Vec<(usize, usize)>,
    /// The sets that have this folder as `archive-dir`.
    pub archives: Vec<usize>,
}

/// One name, sorted.
enum Found {
    /// A log of these sets, with the kind that the folder's list says.
    Log(Vec<usize>, Option<Kind>),
    /// A name that we would give to an archive.
    Archive(ArchiveName),
}

/// The names of one folder, sorted.
#[derive(Default)]
struct Names {
    logs: Vec<Named>,
    archives: Vec<ArchiveName>,
    unnamable: Vec<LogFact>,
    /// Names that nobody asked about, where they may be finished files.
    others: Vec<String>,
    /// The same of names that are not UTF-8, as far as they can be shown.
    unsayable: Vec<String>,
    kept: Kept,
    collected: Collected,
}

/// A folder that is being listed.
struct Place<'a> {
    dir: &'a Dir,
    /// How the settings lead here; `dir` knows where it really is.
    asked: &'a Path,
    index: usize,
    wanted: &'a Wanted,
}

impl<'a> Listing<'a> {
    /// Reads the patterns. What is no pattern was refused with the settings.
    pub fn new(rotate: &'a Rotate, content: &'a Content) -> Listing<'a> {
        let compile = |texts: &[String]| texts.iter().filter_map(|text| PathPattern::new(text).ok()).collect();
        let sets = rotate.sets.iter().map(|set| (compile(&set.paths), compile(&set.exclude))).collect();
        let mut known: HashMap<&str, HashSet<&str>> = HashMap::new();
        for entry in content.entries.values() {
            // Whatever its extension: a run that was cut off may have finished it and not recorded it.
            for folder in [entry.folder.as_str(), entry.archive_folder()] {
                known.entry(folder).or_default().insert(&entry.name);
            }
        }
        Listing {
            rotate,
            sets,
            known,
            stored: stored(&rotate.chosen(), content),
            content,
            remembered: finished::remembered(content),
        }
    }

    /// Looks into every folder that a set names, once.
    pub fn look(&self, world: &mut World, volumes: &mut Volumes) {
        let wanted = self.wanted(world);
        let mut claims = Vec::new();
        let mut unmet = Unmet::new();
        for (path, wanted) in wanted {
            let index = world.folders.len();
            world.positions.insert(path.clone(), index);
            match Dir::open(&path) {
                Ok(dir) => {
                    let state = dir.stat_self().and_then(|stat| Ok((stat, dir.space()?)));
                    // The settings may name it through a link.
                    world.positions.insert(dir.path().to_owned(), index);
                    let volume = volumes.of(dir.path());
                    let root = volume.as_deref().and_then(|volume| volumes.root(volume));
                    let (real, writable) = (dir.path().to_owned(), dir.check_writable());
                    world.folders.push(FolderFact { path: real, state, writable, volume, root, wanted });
                    let wanted = std::mem::take(&mut world.folders[index].wanted);
                    let place = Place { dir: &dir, asked: &path, index, wanted: &wanted };
                    let listed = self.folder(world, &place, &mut claims);
                    world.folders[index].wanted = wanted;
                    if let Err(failure) = listed {
                        world.folders[index].state = Err(failure);
                    }
                }
                Err(failure) => {
                    let (path, writable) = (path.clone(), Err(failure.clone()));
                    world.folders.push(FolderFact { path, state: Err(failure), writable, volume: None, root: None, wanted });
                }
            }
            self.report_absence(world, index, &path, &mut unmet);
        }
        self.report_unmet(world, unmet);
        twice::mark(world);
        self.judge(world, claims);
        self.note_ledger_names(world);
    }

    fn wanted(&self, world: &mut World) -> BTreeMap<PathBuf, Wanted> {
        let mut wanted: BTreeMap<PathBuf, Wanted> = BTreeMap::new();
        for (set, (patterns, _)) in self.sets.iter().enumerate() {
            for (position, pattern) in patterns.iter().enumerate() {
                let (folders, missed) = pattern.folders();
                for folder in folders {
                    wanted.entry(folder).or_default().patterns.push((set, position));
                }
                world.missing.extend(missed.into_iter().map(|missed| Missing::of(set, missed)));
            }
            if let Some(folder) = &self.rotate.sets[set].archive_dir {
                wanted.entry(folder.clone()).or_default().archives.push(set);
            }
        }
        for folder in self.stored.keys() {
            wanted.entry(folder.to_path_buf()).or_default();
        }
        wanted
    }

    fn folder(&self, world: &mut World, place: &Place, claims: &mut Vec<Claim>) -> Result<()> {
        let first = world.logs.len();
        let Names { logs, archives, unnamable, kept, collected, .. } = self.settled(place)?;
        world.kept.insert(place.asked.to_owned(), kept);
        world.collecting.extend(collected.logs);
        world.unreadable.extend(collected.unreadable);
        world.logs.extend(unnamable);
        for (name, sets, kind) in logs {
            if let Some(what) = what(place.dir, &name, &sets, kind) {
                world.logs.push(log(place.index, sets[0], name, what));
            }
        }
        // A folder gives its names in an order of its own, and what is told must not depend on that.
        world.logs[first..].sort_by(|one, other| one.name.cmp(&other.name));
        for archive in archives {
            self.archive(world, place, archive, claims);
        }
        Ok(())
    }

    /// The names of a folder. Where writers shift theirs, as often as it takes until nothing was shifted meanwhile; one that
    /// never rests is told so.
    fn settled(&self, place: &Place) -> Result<Names> {
        const TRIES: usize = 20;
        if !self.collects(place) {
            return self.names(place, false);
        }
        let mut tries = 0;
        loop {
            let before = place.dir.names()?;
            let mut names = self.names(place, true)?;
            let (others, unsayable) = (std::mem::take(&mut names.others), std::mem::take(&mut names.unsayable));
            names.collected = self.take_finished(place, &mut names.logs, others, &unsayable);
            let collected = &mut names.collected;
            let settled = collected.agree(&before, &place.dir.names()?);
            tries += 1;
            if settled || tries == TRIES {
                collected.logs.iter_mut().for_each(|log| log.settled = settled);
                collected.unreadable.extend((!settled).then(|| restless(place.dir, TRIES)));
                return Ok(names);
            }
        }
    }

    fn names(&self, place: &Place, collects: bool) -> Result<Names> {
        let stored = self.stored.get(place.asked);
        let mut names = Names::default();
        place.dir.each(|name, kind| match name {
            Ok(name) => match self.sort(place, names.kept.noted(name, stored), kind) {
                Some(Found::Log(sets, kind)) => names.logs.push((name.to_owned(), sets, kind)),
                Some(Found::Archive(archive)) => names.archives.push(archive),
                None if collects && finished::may_be(name, kind) => names.others.push(name.to_owned()),
                None => {}
            },
            Err(bytes) => {
                let lossy = String::from_utf8_lossy(bytes).into_owned();
                match self.sets_that_mean(place, &lossy).first() {
                    Some(set) => names.unnamable.push(log(place.index, *set, lossy, What::Unnamable)),
                    None if collects && finished::may_be(&lossy, kind) => names.unsayable.push(lossy),
                    None => {}
                }
            }
        })?;
        Ok(names)
    }

    fn sort(&self, place: &Place, name: &str, kind: Option<Kind>) -> Option<Found> {
        if ArchiveName::is_part(name) || kind == Some(Kind::Folder) {
            return None;
        }
        if let Some(archive) = ArchiveName::parse(name) {
            let means = |(set, position): &(usize, usize)| self.sets[*set].0[*position].means(archive.log());
            let ours = !place.wanted.archives.is_empty() || place.wanted.patterns.iter().any(means);
            return ours.then_some(Found::Archive(archive));
        }
        let sets = self.sets_that_mean(place, name);
        (!sets.is_empty()).then_some(Found::Log(sets, kind))
    }

    /// The sets that name a log in this folder, whatever way they lead here.
    fn sets_that_mean(&self, place: &Place, name: &str) -> Vec<usize> {
        let ways = [place.asked, place.dir.path()];
        self.meaning(place.wanted, &ways, name)
    }

    fn meaning(&self, wanted: &Wanted, ways: &[&Path], name: &str) -> Vec<usize> {
        let mut sets: Vec<usize> = Vec::new();
        for (set, position) in &wanted.patterns {
            let meant = !sets.contains(set) && self.sets[*set].0[*position].means(name);
            if meant && !ways.iter().any(|way| self.excluded(*set, &way.join(name))) {
                sets.push(*set);
            }
        }
        sets
    }

    fn archive(&self, world: &mut World, place: &Place, archive: ArchiveName, claims: &mut Vec<Claim>) {
        let dir = place.dir;
        // A foreign name of the year 9999 must not push our own names there.
        if archive.at() <= world.now {
            world.newest.note(dir.path(), archive.log(), archive.stamp());
        }
        let plain = archive.clone().with(Extension::Plain).to_string();
        let known = dir.path().to_str().and_then(|folder| self.known.get(folder)).is_some_and(|names| names.contains(&*plain));
        if known {
            return;
        }
        let path = dir.path().join(archive.to_string());
        let mut foreign = |why: &str| world.foreign.push(Foreign { path: path.clone(), why: why.to_owned() });
        if archive.extension() != Extension::Zstd {
            return foreign("the ledger does not know it, and only zstd archives say what they are");
        }
        match found::claim(dir, place.index, archive, world.us.uid) {
            Ok(Some(claim)) => claims.push(claim),
            Ok(None) => foreign("it does not say that it is ours"),
            Err(unreadable) => world.unreadable.push(unreadable),
        }
    }

    fn excluded(&self, set: usize, path: &Path) -> bool {
        self.sets[set].1.iter().any(|pattern| pattern.matches(path))
    }

    /// Decides which of the archives that claim to be ours are.
    fn judge(&self, world: &mut World, claims: Vec<Claim>) {
        let means = |world: &World, folder: usize, log: &str| {
            let folder = &world.folders[folder];
            self.meaning(&folder.wanted, &[&folder.path], log)
        };
        let (ours, foreign) = found::judge(world, self.content, claims, &means, &|set| &self.rotate.sets[set].name);
        world.found = ours;
        world.foreign.extend(foreign);
    }

    /// Names that the ledger gave away count as used, also where the folder cannot be read.
    fn note_ledger_names(&self, world: &mut World) {
        for entry in self.content.entries.values() {
            let Some(name) = ArchiveName::parse(&entry.name).filter(|name| !world.is_future(name.at())) else { continue };
            for folder in [Some(entry.folder.as_str()), entry.archives.as_deref()].into_iter().flatten() {
                world.newest.note(Path::new(folder), &entry.log, name.stamp());
            }
        }
    }
}

impl Kept {
    /// Takes note of a name, and gives it back.
    fn noted<'a>(&mut self, name: &'a str, stored: Option<&Stored>) -> &'a str {
        self.names += 1;
        self.archives.extend(stored.and_then(|stored| stored.get(name)));
        name
    }
}

fn restless(dir: &Dir, times: usize) -> Incomplete {
    let why = format!("they changed each of {times} times that they were listed; a later run tells what is missing");
    Incomplete::new(format!("the finished files in {}", dir.path().display()), why)
}

fn stored<'a>(chosen: &HashSet<&str>, content: &'a Content) -> HashMap<&'a Path, Stored<'a>> {
    let mut stored: HashMap<&Path, Stored> = HashMap::new();
    for entry in content.entries.values().filter(|entry| entry.is_settled() && chosen.contains(entry.set.as_str())) {
        stored.entry(Path::new(entry.archive_folder())).or_default().insert(entry.file_name(), entry.id);
    }
    stored
}

fn log(folder: usize, set: usize, name: String, what: What) -> LogFact {
    LogFact {
        set,
        folder,
        name,
        what,
        since: DateTime::UNIX_EPOCH,
        unremembered: false,
        logrotate: None,
        live: None,
        container: None,
    }
}

fn what(dir: &Dir, name: &str, sets: &[usize], kind: Option<Kind>) -> Option<What> {
    if sets.len() > 1 {
        return Some(What::Shared(sets.to_vec()));
    }
    match kind {
        Some(Kind::Link) => return Some(What::Odd("a symbolic link")),
        Some(Kind::Special(what)) => return Some(What::Odd(what)),
        Some(Kind::Folder) => return None,
        Some(Kind::File) | None => {}
    }
    match dir.stat(name) {
        Ok(Some(stat)) => match stat.kind {
            Kind::File => Some(What::File(stat)),
            Kind::Link => Some(What::Odd("a symbolic link")),
            Kind::Special(what) => Some(What::Odd(what)),
            Kind::Folder => None,
        },
        // Gone between the listing and the look: nothing to say.
        Ok(None) => None,
        Err(failure) => Some(What::Unreadable(failure)),
    }
}
