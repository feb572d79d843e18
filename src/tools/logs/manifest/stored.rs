//! Manifests as a store has them, many segments read at the same time. Reads only; what a segment says is checked against its own name and
//! checksum, and nothing else is believed of it.

use std::collections::BTreeMap;

use super::{LONGEST, MANIFESTS, Written, number};
use crate::{
    failure::{Exit, Failure, Result},
    run::{Bar, Run, side_by_side},
    store::{Key, Store},
};

/// The keys of segments in order, by the folder of their machine.
pub type Folders = BTreeMap<String, BTreeMap<u64, Key>>;

/// Whose store is asked in which run, and how much at the same time unless the store knows better.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// Who may ask it to stop, and sees how far it is.
    pub run: &'a Run,
    /// How many objects are asked about at the same time.
    pub parallel: usize,
}

impl<'a> Asking<'a> {
    /// The way to a store takes longer than what is done with the answer: the store says how many may be on it.
    pub fn of(store: &'a dyn Store, run: &'a Run, parallel: usize) -> Asking<'a> {
        Asking { store, run, parallel: store.at_once().unwrap_or(parallel).max(1) }
    }

    /// What came of each; None of those that were not begun because somebody asked to stop.
    pub fn each<T: Sync, R: Send>(self, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<Option<R>> {
        side_by_side(items, self.parallel, &self.run.shutdown, || (), work)
    }
}

/// Segments that are being read, and how many of all are.
pub struct Reading<'a> {
    asking: Asking<'a>,
    bar: Bar,
}

/// What came of one; None when somebody asked to stop before it was read.
type Came = Option<Result<Option<Written>>>;

impl<'a> Reading<'a> {
    /// All of these are going to be.
    pub fn of(asking: Asking<'a>, folders: &Folders) -> Reading<'a> {
        let segments: usize = folders.values().map(BTreeMap::len).sum();
        Reading { asking, bar: asking.run.progress.items("reading manifests", segments as u64) }
    }

    /// Each of these in order. No more of them are in memory than are read at the same time.
    pub(super) fn each(&self, segments: BTreeMap<u64, Key>) -> impl Iterator<Item = (u64, Key, Came)> {
        let mut segments = segments.into_iter();
        let next = move || {
            let few: Vec<(u64, Key)> = segments.by_ref().take(self.asking.parallel).collect();
            let read = self.asking.each(&few, |(_, key)| segment(self.asking.store, key));
            self.bar.advance(few.len() as u64);
            (!few.is_empty()).then(|| few.into_iter().zip(read).map(|((number, key), read)| (number, key, read)))
        };
        std::iter::from_fn(next).flatten()
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
    let mut segments = BTreeMap::new();
    store.list(folder, &mut |key, _| {
        segments.extend(number_in(folder, &key).map(|number| (number, key)));
        Ok(())
    })?;
    Ok(segments)
}

/// The number of what lies right in that folder. What lies deeper is somebody's copy.
fn number_in(folder: &Key, key: &Key) -> Option<u64> {
    number(key).filter(|_| folder.join(key.parts().1).as_ref() == Some(key))
}

/// All segments that there are.
pub fn all(store: &dyn Store) -> Result<Folders> {
    by_machine(store, MANIFESTS)
}

/// The last segment of each machine, and of a whole fleet nothing more; as long as it `goes_on`.
pub fn newest(store: &dyn Store, goes_on: &dyn Fn() -> Result<()>) -> Result<BTreeMap<String, Key>> {
    let mut newest = BTreeMap::new();
    numbered(store, MANIFESTS, &mut |folder, _, key| {
        let last = newest.entry(folder.to_owned()).or_insert_with(|| key.clone());
        // Those of one folder sort as their numbers do.
        if *last < key {
            *last = key;
        }
        goes_on()
    })?;
    Ok(newest)
}

/// The keys of all that is numbered as segments are, below `top`, in order, by the folder of its machine.
pub(super) fn by_machine(store: &dyn Store, top: &str) -> Result<Folders> {
    let mut all = Folders::new();
    numbered(store, top, &mut |folder, number, key| {
        all.entry(folder.to_owned()).or_default().insert(number, key);
        Ok(())
    })?;
    Ok(all)
}

/// Each of them: its machine's folder, its number, its key.
fn numbered(store: &dyn Store, top: &str, visit: &mut dyn FnMut(&str, u64, Key) -> Result<()>) -> Result<()> {
    let top = Key::new(top).expect("it is one");
    store.list(&top, &mut |key, _| {
        let folder = key.parts().0.last().and_then(|folder| top.join(folder));
        match folder.and_then(|folder| number_in(&folder, &key).map(|number| (folder, number))) {
            Some((folder, number)) => visit(folder.parts().1, number, key),
            None => Ok(()),
        }
    })
}

/// Somebody asked to stop, and nobody decides anything by half of what is said.
pub fn stopped() -> Failure {
    Failure::new("read", "the manifests").because("asked to stop before all were read").exit(Exit::Partial)
}

fn damaged(store: &dyn Store, key: &Key, why: &str) -> Failure {
    Failure::new("read", store.shown(key)).because(why).exit(Exit::PersonNeeded)
}
