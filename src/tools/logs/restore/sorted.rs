//! What is to be restored, by what can be done with it now: read, asked for first, or not found. Asks the store, and brings nothing.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::place::Placed;
use crate::{
    store::{Access, Cold, Key},
    tools::logs::manifest::{Object, archived::Archived, stored::Asking},
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
    /// How many were not asked about any more.
    pub(super) unasked: usize,
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
        let found = Key::new(key.clone()).map(|key| asking.hears(asking.store.look(&key)));
        bar.advance(1);
        match found {
            Some(Ok(Some(found))) => Said::There(found.access),
            Some(Ok(None)) => Said::Missing,
            Some(Err(_)) | None => Said::Nothing,
        }
    };
    let said = asking.each(&unknown, look);
    known.extend(unknown.into_iter().zip(said).filter_map(|(key, said)| Some((key, said?))));
    // What was not asked about, because somebody asked to stop, is nowhere.
    let is_there = |key: &&String| matches!(known.get(*key), Some(Said::There(_)));
    let is_cold = |object: &Object| matches!(known.get(&object.key), Some(Said::There(Access::Frozen(_) | Access::Thawing(_))));
    let is_missing = |key: &&&String| matches!(known.get(**key), Some(Said::Missing));
    let missing = keys.iter().filter(is_missing).map(|key| (*key).clone()).collect();
    let unasked = keys.iter().filter(|key| !known.contains_key(**key)).count();
    let mut sorted = Sorted { unasked, all_there: keys.iter().all(is_there), missing, ..Sorted::default() };
    let mut told = HashSet::new();
    for placed in archives {
        if !placed.archived.objects.iter().any(is_cold) {
            sorted.ready.push(placed);
            continue;
        }
        sorted.waiting += 1;
        // One object may hold several of the archives.
        for object in placed.archived.objects.into_iter().filter(|object| told.insert(object.key.clone())) {
            let one = |object| One { host: placed.archived.host.clone(), object };
            match known.get(&object.key) {
                Some(Said::There(Access::Frozen(cold))) => sorted.frozen.push((one(object), *cold)),
                Some(Said::There(Access::Thawing(cold))) => sorted.thawing.push((one(object), *cold)),
                _ => {}
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

    /// The first object of it that the store said it does not have.
    pub(super) fn lacks<'a>(&self, archived: &'a Archived) -> Option<&'a Object> {
        archived.objects.iter().find(|object| self.is_missing(object))
    }

    /// Whether the store said that it does not have it.
    pub(super) fn is_missing(&self, object: &Object) -> bool {
        self.missing.contains(&object.key)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::tools::logs::{
        manifest::tests::object,
        patience::Patience,
        restore::selection::tests::{home, stop},
    };

    #[test]
    fn of_what_was_not_asked_about_nobody_says_that_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let (store, run) = home(folder.path());
        stop(&run);
        let archived = Archived { host: "i".to_owned(), objects: vec![object("app", 0)] };
        let (placed, patience) = (vec![Placed { archived, place: PathBuf::new(), shared: false }], Patience::default());
        let sorted = sort(Asking::of(&*store, &run, 1, &patience), placed, &mut Known::new());
        assert_eq!((sorted.all(), sorted.all_there), (1, false));
    }
}
