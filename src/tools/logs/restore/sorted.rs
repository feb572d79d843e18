//! What is to be restored, by what can be done with it now: read, asked for first, or not found. Asks the store, and brings nothing.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::place::Placed;
use crate::{
    store::{Access, Cold, Key},
    tools::logs::manifest::{Object, stored::Asking},
};

/// What is to be restored, by what can be done with it now.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// All of whose objects can be read, in order.
    pub(super) ready: Vec<Placed>,
    /// How many others there are.
    pub(super) waiting: u64,
    /// Whether the store said of each object that it is there.
    pub(super) all_there: bool,
    /// Objects that must be asked for first.
    pub(super) frozen: Vec<(One, Cold)>,
    /// Those that were.
    pub(super) thawing: Vec<(One, Cold)>,
    /// Keys of which the store said that it has nothing.
    missing: HashSet<String>,
}

/// An object of one of the others.
#[derive(Debug)]
pub(super) struct One {
    pub(super) host: String,
    pub(super) object: Object,
}

/// What the store says of objects, by their keys.
pub(super) type Known = HashMap<String, Said>;

/// What it says of one.
#[derive(Debug)]
pub(super) enum Said {
    There(Access),
    Missing,
    /// It could not be asked, so it is tried.
    Nothing,
}

/// Asks the store about each object of which nothing is `known`, once however many archives are in it.
pub(super) fn sort(asking: Asking, archives: Vec<Placed>, known: &mut Known) -> Sorted {
    let keys: BTreeSet<&String> = archives.iter().flat_map(|placed| &placed.archived.objects).map(|object| &object.key).collect();
    let unknown: Vec<String> = keys.iter().filter(|key| !known.contains_key(**key)).map(|key| (*key).clone()).collect();
    let bar = asking.run.progress.items("asking for objects", unknown.len() as u64);
    let look = |key: &String| {
        let found = Key::new(key.clone()).map(|key| asking.store.look(&key));
        bar.advance(1);
        match found {
            Some(Ok(Some(found))) => Said::There(found.access),
            Some(Ok(None)) => Said::Missing,
            Some(Err(_)) | None => Said::Nothing,
        }
    };
    let said = asking.each(&unknown, look);
    known.extend(unknown.into_iter().zip(said).filter_map(|(key, said)| Some((key, said?))));
    let cold = |key: &String| match known.get(key) {
        Some(Said::There(access)) if *access != Access::Ready => Some(access),
        _ => None,
    };
    let is_there = |key: &&String| !matches!(known.get(*key), Some(Said::Missing | Said::Nothing));
    let is_missing = |key: &&&String| matches!(known.get(**key), Some(Said::Missing));
    let missing = keys.iter().filter(is_missing).map(|key| (*key).clone()).collect();
    let mut sorted = Sorted { all_there: keys.iter().all(is_there), missing, ..Sorted::default() };
    let mut told = HashSet::new();
    for placed in archives {
        if placed.archived.objects.iter().all(|object| cold(&object.key).is_none()) {
            sorted.ready.push(placed);
            continue;
        }
        sorted.waiting += 1;
        // One object may hold several of the archives.
        for object in placed.archived.objects.into_iter().filter(|object| told.insert(object.key.clone())) {
            let Some(access) = cold(&object.key) else { continue };
            let one = One { host: placed.archived.host.clone(), object };
            match access {
                Access::Ready => {}
                Access::Frozen(cold) => sorted.frozen.push((one, *cold)),
                Access::Thawing(cold) => sorted.thawing.push((one, *cold)),
            }
        }
    }
    sorted
}

impl Sorted {
    /// How many archives there are, whatever can be done with them now.
    pub(super) fn all(&self) -> u64 {
        self.ready.len() as u64 + self.waiting
    }

    /// Whether the store said that it does not have it.
    pub(super) fn is_missing(&self, object: &Object) -> bool {
        self.missing.contains(&object.key)
    }
}
