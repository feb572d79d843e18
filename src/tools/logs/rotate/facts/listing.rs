//! Lists each folder once, and sorts its names into logs, archives we know, archives that were found, and
//! names that nobody asked about.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use chrono::DateTime;

use super::{FolderFact, FoundArchive, LogFact, Missing, What, World};
use crate::{
    failure::{Failure, Result},
    files::{
        archive_name::{ArchiveName, Extension},
        compress,
        dir::{Dir, Kind},
        find::PathPattern,
    },
    tools::logs::{ledger::Content, rotate::Rotate},
};

/// Which folders to look into, and for what.
pub struct Listing<'a> {
    rotate: &'a Rotate,
    /// Patterns of each set, and what it excludes.
    sets: Vec<(Vec<PathPattern>, Vec<PathPattern>)>,
    /// File names that the ledger knows, by folder.
    known: HashMap<&'a str, HashSet<String>>,
    content: &'a Content,
}

/// What is wanted of one folder: patterns by set and position, and whether archives go there.
#[derive(Default)]
struct Wanted {
    patterns: Vec<(usize, usize)>,
    archives: bool,
}

/// One name, sorted.
pub enum Found {
    /// A log of these sets, with the kind that the folder's list says.
    Log(Vec<usize>, Option<Kind>),
    /// A name that we would give to an archive.
    Archive(ArchiveName),
}

impl<'a> Listing<'a> {
    /// Reads the patterns. What is no pattern was refused with the settings.
    pub fn new(rotate: &'a Rotate, content: &'a Content) -> Listing<'a> {
        let compile = |texts: &[String]| texts.iter().filter_map(|text| PathPattern::new(text).ok()).collect();
        let sets = rotate.sets.iter().map(|set| (compile(&set.paths), compile(&set.exclude))).collect();
        let mut known: HashMap<&str, HashSet<String>> = HashMap::new();
        for entry in content.entries.values() {
            if let Some(archive) = &entry.archive {
                known.entry(entry.archive_folder()).or_default().insert(archive.file.clone());
            }
            known.entry(&entry.folder).or_default().insert(entry.name.clone());
            // Finished by a run that was cut off before it could record it: the entry's own, not a stray to adopt.
            known.entry(entry.archive_folder()).or_default().insert(format!("{}.zst", entry.name));
        }
        Listing { rotate, sets, known, content }
    }

    /// Looks into every folder that a set names, once.
    pub fn look(&mut self, world: &mut World) {
        let wanted = self.wanted(world);
        let mut unmet = BTreeMap::new();
        for (path, wanted) in wanted {
            let index = world.folders.len();
            match Dir::open(&path) {
                Ok(dir) => {
                    let state = dir.stat_self().and_then(|stat| Ok((stat, dir.space()?)));
                    // The settings may name it through a link.
                    world.positions.insert(dir.path().to_owned(), index);
                    world.positions.insert(path.clone(), index);
                    world.folders.push(FolderFact { path: dir.path().to_owned(), state });
                    if let Err(failure) = self.folder(world, index, &dir, &wanted) {
                        world.folders[index].state = Err(failure);
                    }
                }
                Err(failure) => {
                    world.positions.insert(path.clone(), index);
                    world.folders.push(FolderFact { path: path.clone(), state: Err(failure) });
                }
            }
            self.report_absence(world, index, &path, &wanted, &mut unmet);
        }
        for ((set, position), _) in unmet.into_iter().filter(|(_, unmet)| *unmet) {
            let why = self.sets[set].0[position].unmet();
            world.missing.push(Missing { set, path: why.what.clone(), why, absent: true });
        }
        // Two ways may lead to one folder.
        world.found.sort_by(|one, other| (&one.folder, &one.name).cmp(&(&other.folder, &other.name)));
        world.found.dedup_by(|one, other| (&one.folder, &one.name) == (&other.folder, &other.name));
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
                wanted.entry(folder.clone()).or_default().archives = true;
            }
        }
        wanted
    }

    fn folder(&self, world: &mut World, index: usize, dir: &Dir, wanted: &Wanted) -> Result<()> {
        let mut logs = Vec::new();
        let mut archives = Vec::new();
        dir.each(|name, kind| match name {
            Ok(name) => match self.sort(dir.path(), name, kind, wanted) {
                Some(Found::Log(sets, kind)) => logs.push((name.to_owned(), sets, kind)),
                Some(Found::Archive(archive)) => archives.push(archive),
                None => {}
            },
            Err(bytes) => {
                let lossy = String::from_utf8_lossy(bytes).into_owned();
                let meant = |&&(set, position): &&(usize, usize)| {
                    self.sets[set].0[position].means(&lossy) && !self.excluded(set, &dir.path().join(&lossy))
                };
                if let Some((set, _)) = wanted.patterns.iter().find(meant) {
                    world.logs.push(LogFact {
                        set: *set,
                        folder: index,
                        name: lossy,
                        what: What::Unnamable,
                        since: DateTime::UNIX_EPOCH,
                        logrotate: None,
                    });
                }
            }
        })?;
        for (name, sets, kind) in logs {
            let what = what(dir, &name, sets.as_slice(), kind);
            if let Some(what) = what {
                world.logs.push(LogFact {
                    set: sets[0],
                    folder: index,
                    name,
                    what,
                    since: DateTime::UNIX_EPOCH,
                    logrotate: None,
                });
            }
        }
        for archive in archives {
            self.archive(world, dir, archive);
        }
        Ok(())
    }

    fn sort(&self, folder: &Path, name: &str, kind: Option<Kind>, wanted: &Wanted) -> Option<Found> {
        if ArchiveName::is_part(name) || kind == Some(Kind::Folder) {
            return None;
        }
        if let Some(archive) = ArchiveName::parse(name) {
            let ours = wanted.archives
                || wanted.patterns.iter().any(|(set, position)| self.sets[*set].0[*position].means(archive.log()));
            return ours.then_some(Found::Archive(archive));
        }
        let mut sets: Vec<usize> = Vec::new();
        for (set, position) in &wanted.patterns {
            let (patterns, excluded) = &self.sets[*set];
            let meant = !sets.contains(set) && patterns[*position].means(name);
            if meant && (excluded.is_empty() || !excluded.iter().any(|pattern| pattern.matches(&folder.join(name)))) {
                sets.push(*set);
            }
        }
        (!sets.is_empty()).then_some(Found::Log(sets, kind))
    }

    fn archive(&self, world: &mut World, dir: &Dir, archive: ArchiveName) {
        // A foreign name of the year 9999 must not push our own names there.
        if archive.at() <= world.now {
            world.newest.note(dir.path(), archive.log(), archive.stamp());
        }
        let name = archive.to_string();
        let known = dir.path().to_str().and_then(|folder| self.known.get(folder)).is_some_and(|names| names.contains(&name));
        if known || archive.extension() != Extension::Zstd {
            return;
        }
        // A file that cannot be read, or says nothing of itself, is foreign: never touched.
        if let Ok(Some((label, facts))) = dir.read(&name).and_then(|file| compress::read_trailer(&file)) {
            world.found.push(FoundArchive { folder: dir.path().to_owned(), name: archive, label, facts });
        }
    }

    /// A plain path that names a file which is not there is trouble, unless the set says otherwise. Behind a wildcard
    /// the name need be in one of the folders only: `unmet` says of each such pattern whether it was in none.
    fn report_absence(
        &self,
        world: &mut World,
        index: usize,
        path: &Path,
        wanted: &Wanted,
        unmet: &mut BTreeMap<(usize, usize), bool>,
    ) {
        let failed = world.folders[index].state.as_ref().err().cloned();
        for (set, position) in &wanted.patterns {
            let pattern = &self.sets[*set].0[*position];
            let Some(failure) = &failed else {
                let Some(name) = pattern.literal_name() else { continue };
                let there = world.logs.iter().rev().take_while(|log| log.folder == index).any(|log| log.name == name)
                    || self.excluded(*set, &path.join(name));
                if pattern.has_many_folders() {
                    *unmet.entry((*set, *position)).or_insert(true) &= !there;
                } else if !there {
                    let shown = path.join(name).display().to_string();
                    let why = Failure::new("find", &shown)
                        .because("there is no such file")
                        .hint("optional = true makes its absence no trouble");
                    world.missing.push(Missing { set: *set, path: shown, why, absent: true });
                }
                continue;
            };
            let absent = failure.is_absence();
            if absent && pattern.has_many_folders() {
                // Met a moment ago and gone since: not met.
                continue;
            }
            let why = if absent { failure.clone().hint("optional = true makes its absence no trouble") } else { failure.clone() };
            world.missing.push(Missing { set: *set, path: path.display().to_string(), why, absent });
        }
    }

    fn excluded(&self, set: usize, path: &Path) -> bool {
        self.sets[set].1.iter().any(|pattern| pattern.matches(path))
    }

    /// Names that the ledger gave away count as used, also where the folder cannot be read.
    fn note_ledger_names(&self, world: &mut World) {
        for entry in self.content.entries.values() {
            let Some(name) = ArchiveName::parse(&entry.name) else { continue };
            for folder in [Some(entry.folder.as_str()), entry.archives.as_deref()].into_iter().flatten() {
                world.newest.note(Path::new(folder), &entry.log, name.stamp());
            }
        }
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
