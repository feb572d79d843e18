//! Sorts the names of a folder whose logs rotate by themselves: which are live, and which are files that a writer is done
//! with. What is finished for a live log is no log of its own, whatever the paths say.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use super::{
    Listing, Place,
    owners::{Parts, Writer, Writers},
};
use crate::{
    files::{
        archive_name::ArchiveName,
        dir::{Kind, Stat},
        identity::{Agreement, Identity},
    },
    report::Incomplete,
    tools::logs::{
        containers::Container,
        ledger::Content,
        settings::{Method, finished},
    },
};

/// A log that is collected, and what its writer finished.
#[derive(Debug)]
pub struct Collecting {
    /// The set, by position.
    pub set: usize,
    /// The folder, by position.
    pub folder: usize,
    /// The live name.
    pub log: String,
    /// The live file, when there is one: a writer may be between renaming it and making the next.
    pub live: Option<Found>,
    /// Files that its writer is done with.
    pub finished: Vec<Found>,
    /// The container that it is of, when it lies in a container's folder.
    pub container: Option<Container>,
    /// Where the file is that was live at the last look, when it is neither.
    pub strayed: Option<String>,
    /// Where none is finished: the first name that looks as if it were, and that no template means; and how many do.
    pub unmeant: Option<(String, u64)>,
    /// Whether that is all there is: no name was shifted while it was looked at.
    pub settled: bool,
}

/// What a folder's writers finished, and what could not be looked at.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) logs: Vec<Collecting>,
    /// With what each name begins that says anything of these logs.
    begins: Parts<()>,
    pub(super) unreadable: Vec<Incomplete>,
}

impl Collected {
    /// Whether two lists of the folder's names say the same of these logs. What others do beside them is theirs.
    pub(super) fn agree(&self, one: &Listed, other: &Listed) -> bool {
        let theirs = |(name, _): &&(Vec<u8>, u64)| self.begins.lengths().any(|length| self.is_begun(name, length));
        one.iter().filter(theirs).eq(other.iter().filter(theirs))
    }

    fn is_begun(&self, name: &[u8], length: usize) -> bool {
        let begin = name.get(..length).and_then(|begin| std::str::from_utf8(begin).ok());
        begin.is_some_and(|begin| !self.begins.of(begin).is_empty())
    }
}

/// One file of a log that is collected.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its writer's name for it.
    pub name: String,
    /// Which file it is.
    pub file: Identity,
    /// What else the kernel says of it.
    pub stat: Stat,
}

/// Names in a folder that are nobody's.
struct Strangers {
    names: Vec<String>,
    /// Looked at once, and only when a file that was live is nowhere else.
    by_inode: OnceCell<HashMap<u64, Vec<String>>>,
}

impl Strangers {
    /// The names that may be of that inode.
    fn of(&self, place: &Place, inode: u64) -> impl Iterator<Item = &String> {
        /// That of what cannot be looked at: no file has it.
        const UNKNOWN: u64 = 0;
        let by_inode = self.by_inode.get_or_init(|| {
            let mut by_inode: HashMap<u64, Vec<String>> = HashMap::new();
            for name in &self.names {
                let inode = place.dir.stat(name).map_or(Some(UNKNOWN), |stat| stat.map(|stat| stat.id.ino));
                if let Some(inode) = inode {
                    by_inode.entry(inode).or_default().push(name.clone());
                }
            }
            by_inode
        });
        [inode, UNKNOWN].into_iter().filter_map(|inode| by_inode.get(&inode)).flatten()
    }
}

/// All names of a folder, and what they stand for.
type Listed = Vec<(Vec<u8>, u64)>;
/// A name with the sets that mean it, and its kind.
pub(super) type Named = (String, Vec<usize>, Option<Kind>);
/// Logs that the ledger knows to be collected, by folder.
pub(super) type Remembered<'a> = HashMap<&'a Path, HashSet<&'a str>>;

/// The logs of which the ledger knows that they are collected, there or not.
pub(super) fn remembered(content: &Content) -> Remembered<'_> {
    let mut logs = Remembered::new();
    let live = content.live.keys().chain(content.collected.keys()).map(Path::new);
    let live = live.filter_map(|path| Some((path.parent()?, path.file_name()?.to_str()?)));
    let taken = content.entries.values().filter(|entry| entry.taken.is_some());
    for (folder, log) in live.chain(taken.map(|entry| (Path::new(&entry.folder), entry.log.as_str()))) {
        logs.entry(folder).or_default().insert(log);
    }
    logs
}

/// Whether a name could be a finished file's. Ours never is.
pub(super) fn may_be(name: &str, kind: Option<Kind>) -> bool {
    matches!(kind, Some(Kind::File) | None) && ArchiveName::parse(name).is_none() && !ArchiveName::is_part(name)
}

impl Listing<'_> {
    /// Whether a log in a folder may be collected.
    pub(super) fn collects(&self, place: &Place) -> bool {
        place.wanted.patterns.iter().any(|(set, _)| self.rotate.sets[*set].method == Method::Collect)
    }

    /// Takes the finished files out of `logs`, and finds more of them among `others`. What has a name that no record can hold
    /// is told.
    pub(super) fn take_finished(
        &self,
        place: &Place,
        logs: &mut Vec<Named>,
        others: Vec<String>,
        unsayable: &[String],
    ) -> Collected {
        let mut writers = self.writers(place, logs);
        let mut strangers = Vec::new();
        for name in others {
            match writers.owner(&name) {
                Some(writer) if !self.is_excluded(place, writer.set, &name) => writer.finished.push(name),
                _ => strangers.push(name),
            }
        }
        logs.retain_mut(|(name, sets, kind)| {
            let Some(writer) = writers.owner(name).filter(|_| may_be(name, *kind)) else { return true };
            if sets.iter().all(|set| self.rotate.sets[*set].method == Method::Collect) {
                writer.finished.push(name.clone());
                return false;
            }
            // Another set rotates it: a person must say whose it is.
            sets.push(writer.set);
            sets.dedup();
            true
        });
        strangers.sort_unstable();
        let strangers = Strangers { names: strangers, by_inode: OnceCell::new() };
        let mut collected = Collected::default();
        let theirs = |name: &&String| writers.owner(name).is_some_and(|writer| !self.is_excluded(place, writer.set, name));
        let unsayable = unsayable.iter().filter(theirs).map(|name| {
            let why = "its name is not UTF-8, so it is not collected";
            Incomplete::new(place.dir.path().join(name).display().to_string(), why).hint("rename it, or exclude it")
        });
        collected.unreadable.extend(unsayable);
        for writer in writers {
            collected.begins.insert(writer.begin.clone(), ());
            collected.begins.insert(writer.log.clone(), ());
            let log = self.look_at(place, writer, &strangers, &mut collected.unreadable);
            collected.logs.push(log);
        }
        collected
    }

    /// The live logs of this folder, also those that are not there at the moment.
    fn writers(&self, place: &Place, logs: &[Named]) -> Writers {
        let mut names: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
        for (name, sets, _) in logs {
            names.insert((name.len(), name), sets.clone());
        }
        let literal = place.wanted.patterns.iter().filter_map(|(set, position)| self.sets[*set].0[*position].literal_name());
        let known = self.remembered.get(place.dir.path()).into_iter().flatten().copied();
        for name in literal.chain(known) {
            names.entry((name.len(), name)).or_insert_with(|| self.sets_that_mean(place, name));
        }
        let mut writers = Writers::default();
        for ((_, name), sets) in names {
            let &[set] = sets.as_slice() else { continue };
            let theirs = &self.rotate.sets[set];
            if theirs.method == Method::Collect && writers.owner(name).is_none() {
                writers.push(Writer::new(set, name, &theirs.finished));
            }
        }
        writers
    }

    fn is_excluded(&self, place: &Place, set: usize, name: &str) -> bool {
        [place.asked, place.dir.path()].iter().any(|way| self.excluded(set, &way.join(name)))
    }

    fn look_at(&self, place: &Place, writer: Writer, strangers: &Strangers, unreadable: &mut Vec<Incomplete>) -> Collecting {
        let mut look = |name: &str| match place.dir.stat(name) {
            Ok(stat) => {
                let stat = stat.filter(|stat| stat.kind == Kind::File)?;
                Some(Found { name: name.to_owned(), file: Identity::of(place.dir, name, &stat), stat })
            }
            Err(failure) => {
                unreadable.push(Incomplete::from(&failure));
                None
            }
        };
        let live = look(&writer.log);
        let mut finished: Vec<Found> = writer.finished.iter().filter_map(|name| look(name)).collect();
        // One whose files are finished where they are: builds, each with a log of its own.
        if writer.templates.iter().any(|template| template.matches(&writer.log)) {
            finished.extend(live.clone());
        }
        let path = place.dir.path().join(&writer.log).display().to_string();
        let before = self.content.live.get(&path).map(|live| live.file);
        let is = |before: &Identity, found: &Found| found.file.agrees(before) != Agreement::Other;
        let strayed = before
            .filter(|before| !live.iter().chain(&finished).any(|found| is(before, found)))
            .and_then(|before| strangers.of(place, before.ino).filter_map(|name| look(name)).find(|found| is(&before, found)))
            .map(|found| found.name);
        let unmeant = finished.is_empty().then(|| self.unmeant(place, &writer, &strangers.names)).flatten();
        Collecting {
            set: writer.set,
            folder: place.index,
            log: writer.log,
            live,
            finished,
            container: None,
            strayed,
            unmeant,
            settled: false,
        }
    }

    fn unmeant(&self, place: &Place, writer: &Writer, strangers: &[String]) -> Option<(String, u64)> {
        let looks_so = |name: &&String| finished::resembles(name, &writer.log) && !self.is_excluded(place, writer.set, name);
        // They are sorted, and all that look so begin with the log's stem.
        let stem = finished::stem(&writer.log);
        let begin = strangers.partition_point(|name| name.as_str() < stem);
        let mut like = strangers[begin..].iter().take_while(|name| name.starts_with(stem)).filter(looks_so);
        Some((like.next()?.clone(), 1 + like.count() as u64))
    }
}
