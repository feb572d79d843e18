//! Manifests as a store has them, many segments read at the same time. Reads only; what a segment says is checked against its own name and
//! checksum, and nothing else is believed of it.

use std::collections::BTreeMap;

use super::{LONGEST, MANIFESTS, Written, folder, number};
use crate::{
    failure::{Exit, Failure, Result},
    run::{Bar, Run, side_by_side},
    store::{Key, Store},
    tools::logs::patience::Patience,
};

/// The keys of segments in order, by the folder of their machine.
pub type Folders = BTreeMap<String, BTreeMap<u64, Key>>;

/// Whose store is asked in which run, and how much at the same time unless the store knows better. A store that does not answer is left alone
/// soon: each question may take minutes, and there may be any number of them.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// Who may ask it to stop, and sees how far it is.
    pub run: &'a Run,
    /// How many objects are asked about at the same time.
    pub parallel: usize,
    /// What is left of it, for all that is asked in this run.
    pub patience: &'a Patience,
}

impl<'a> Asking<'a> {
    /// The way to a store takes longer than what is done with the answer: the store says how many may be on it.
    pub fn of(store: &'a dyn Store, run: &'a Run, parallel: usize, patience: &'a Patience) -> Asking<'a> {
        Asking { store, run, parallel: store.at_once().unwrap_or(parallel).max(1), patience }
    }

    /// What came of each; None of those that were not begun any more ([`Asking::broken_off`]). What `work` is answered goes through
    /// [`Asking::hears`].
    pub fn each<T: Sync, R: Send>(self, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<Option<R>> {
        let one = |item: &T| self.is_going_on().then(|| work(item));
        side_by_side(items, self.parallel, &self.run.shutdown, || (), one).into_iter().map(Option::flatten).collect()
    }

    /// Whether anything more is to be asked.
    pub fn is_going_on(self) -> bool {
        !self.run.shutdown.asked() && !self.patience.is_over()
    }

    /// Refuses when nothing more is to be asked: lists may be long.
    pub fn goes_on(self) -> Result<()> {
        if self.is_going_on() {
            Ok(())
        } else {
            Err(Failure::new("list", "the store").because(self.broken_off()).exit(Exit::Partial))
        }
    }

    /// Takes notice of an answer. A refusal is one, too.
    pub fn hears<R>(self, came: Result<R>) -> Result<R> {
        match &came {
            Err(failure) if failure.is_silence() => self.patience.hears(&came),
            _ => self.patience.hears(&Ok(())),
        }
        came
    }

    /// Why not all was asked.
    pub fn broken_off(self) -> &'static str {
        if self.run.shutdown.asked() {
            "asked to stop"
        } else {
            "the store did not answer several times in a row, and is left alone"
        }
    }
}

/// Segments that are being read, and how many of all are.
pub struct Reading<'a> {
    asking: Asking<'a>,
    bar: Bar,
}

/// What came of one; None when nothing more was begun.
type Came = Option<Result<Option<Written>>>;

impl<'a> Reading<'a> {
    /// All of these are going to be.
    pub fn of(asking: Asking<'a>, folders: &Folders) -> Reading<'a> {
        Reading::of_so_many(asking, folders.values().map(BTreeMap::len).sum())
    }

    pub(super) fn of_so_many(asking: Asking<'a>, segments: usize) -> Reading<'a> {
        Reading { asking, bar: asking.run.progress.items("reading manifests", segments as u64) }
    }

    /// Each of these in order. No more of them are in memory than are read at the same time.
    pub(super) fn each(&self, segments: BTreeMap<u64, Key>) -> impl Iterator<Item = (u64, Key, Came)> {
        let mut segments = segments.into_iter();
        let next = move || {
            let few: Vec<(u64, Key)> = segments.by_ref().take(self.asking.parallel).collect();
            let read = self.asking.each(&few, |(_, key)| self.asking.hears(segment(self.asking.store, key)));
            self.bar.advance(few.len() as u64);
            (!few.is_empty()).then(|| few.into_iter().zip(read).map(|((number, key), read)| (number, key, read)))
        };
        std::iter::from_fn(next).flatten()
    }

    /// Why not all of them were read. Nobody decides anything by half of what is said.
    pub fn broken_off(&self) -> Failure {
        let why = format!("{} before all were read", self.asking.broken_off());
        Failure::new("read", "the manifests").because(why).exit(Exit::Partial)
    }

    /// The place of a segment, for messages.
    pub(super) fn shown(&self, key: &Key) -> String {
        self.asking.store.shown(key)
    }
}

/// The segment under that key; None when there is none.
pub fn segment(store: &dyn Store, key: &Key) -> Result<Option<Written>> {
    let mut text = Vec::new();
    let read = store.read(key, &mut |piece| {
        text.extend_from_slice(piece);
        let long = || damaged(store, key, "it is too long to be a segment");
        if text.len() as u64 > LONGEST { Err(long()) } else { Ok(()) }
    });
    match read {
        Err(failure) if failure.is_absence() => Ok(None),
        Err(failure) => Err(failure),
        Ok(()) => {
            let written = Written::read(text).map_err(|why| damaged(store, key, &why))?;
            let named = number(key) == Some(written.segment.number)
                && super::key(&written.segment.host, written.segment.number).as_ref() == Some(key);
            if named { Ok(Some(written)) } else { Err(damaged(store, key, "it is the segment of another name")) }
        }
    }
}

/// The keys of the segments in a folder, in order.
pub fn segments(store: &dyn Store, folder: &Key) -> Result<BTreeMap<u64, Key>> {
    right_in(store, folder, &|| Ok(()))
}

/// The segments of these machines, or all that there are where none is named. A machine of which there are none is not in it.
pub fn of(asking: Asking, hosts: &[String]) -> Result<Folders> {
    if hosts.is_empty() {
        by_machine(asking, MANIFESTS)
    } else {
        in_folders(asking, hosts.iter().filter_map(|host| folder(host)))
    }
}

/// All that is numbered as segments are, right in these folders.
pub(super) fn in_folders(asking: Asking, folders: impl Iterator<Item = Key>) -> Result<Folders> {
    let mut all = Folders::new();
    for folder in folders {
        let found = right_in(asking.store, &folder, &|| asking.goes_on())?;
        if !found.is_empty() {
            all.insert(folder.parts().1.to_owned(), found);
        }
    }
    Ok(all)
}

/// The last segment of each machine, and of a whole fleet nothing more.
pub fn newest(asking: Asking) -> Result<BTreeMap<String, Key>> {
    let mut newest = BTreeMap::new();
    below(asking, MANIFESTS, &mut |folder, _, key| {
        let last = newest.entry(folder.to_owned()).or_insert_with(|| key.clone());
        // Those of one folder sort as their numbers do.
        if *last < key {
            *last = key;
        }
    })?;
    Ok(newest)
}

/// The keys of all that is numbered as segments are, below `top`, in order, by the folder of its machine.
pub(super) fn by_machine(asking: Asking, top: &str) -> Result<Folders> {
    let mut all = Folders::new();
    below(asking, top, &mut |folder, number, key| {
        all.entry(folder.to_owned()).or_default().insert(number, key);
    })?;
    Ok(all)
}

/// Each of them: its machine's folder, its number, its key.
fn below(asking: Asking, top: &str, visit: &mut dyn FnMut(&str, u64, Key)) -> Result<()> {
    let top = Key::new(top).expect("it is one");
    asking.store.list(&top, &mut |key, _| {
        let folder = key.parts().0.last().and_then(|folder| top.join(folder));
        if let Some((folder, number)) = folder.and_then(|folder| number_in(&folder, &key).map(|number| (folder, number))) {
            visit(folder.parts().1, number, key);
        }
        asking.goes_on()
    })
}

fn right_in(store: &dyn Store, folder: &Key, goes_on: &dyn Fn() -> Result<()>) -> Result<BTreeMap<u64, Key>> {
    let mut found = BTreeMap::new();
    store.list(folder, &mut |key, _| {
        found.extend(number_in(folder, &key).map(|number| (number, key)));
        goes_on()
    })?;
    Ok(found)
}

/// The number of what lies right in that folder. What lies deeper is somebody's copy.
fn number_in(folder: &Key, key: &Key) -> Option<u64> {
    number(key).filter(|_| folder.join(key.parts().1).as_ref() == Some(key))
}

fn damaged(store: &dyn Store, key: &Key, why: &str) -> Failure {
    Failure::new("read", store.shown(key)).because(why).exit(Exit::PersonNeeded)
}
