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
    /// Objects that must be asked for first.
    pub(super) frozen: Vec<(One, Cold)>,
    /// Those that were.
    pub(super) thawing: Vec<(One, Cold)>,
    /// By key, the objects of which the store did not say that it has them.
    not_there: HashMap<String, NotThere>,
}

/// What the store says of an object that, as far as it says, it does not have.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotThere {
    Missing,
    /// It could not be asked, for this reason, so it is tried.
    Unclear(String),
    /// Nobody asked any more.
    Unasked,
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
    /// It could not be asked, for this reason.
    Unclear(String),
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
            Some(Err(failure)) => Said::Unclear(failure.told()),
            None => Said::Unclear("its name is no key".to_owned()),
        }
    };
    let said = asking.each(&unknown, look);
    known.extend(unknown.into_iter().zip(said).filter_map(|(key, said)| Some((key, said?))));
    let not_there = keys.iter().filter_map(|key| {
        let why = match known.get(*key) {
            Some(Said::There(_)) => return None,
            Some(Said::Missing) => NotThere::Missing,
            Some(Said::Unclear(why)) => NotThere::Unclear(why.clone()),
            None => NotThere::Unasked,
        };
        Some(((*key).clone(), why))
    });
    let is_cold = |object: &Object| matches!(known.get(&object.key), Some(Said::There(Access::Frozen(_) | Access::Thawing(_))));
    let mut sorted = Sorted { not_there: not_there.collect(), ..Sorted::default() };
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

    /// Whether the store said of each object that it is there.
    pub(super) fn all_there(&self) -> bool {
        self.not_there.is_empty()
    }

    /// How many were not asked about any more.
    pub(super) fn unasked(&self) -> usize {
        self.not_there.values().filter(|why| **why == NotThere::Unasked).count()
    }

    /// The first object of it of which the store did not say that it has it.
    pub(super) fn lacks<'a>(&self, archived: &'a Archived) -> Option<(&'a Object, &NotThere)> {
        archived.objects.iter().find_map(|object| Some((object, self.not_there.get(&object.key)?)))
    }

    /// Whether the store said that it does not have it.
    pub(super) fn is_missing(&self, object: &Object) -> bool {
        self.not_there.get(&object.key) == Some(&NotThere::Missing)
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
        assert_eq!((sorted.all(), sorted.all_there(), sorted.unasked()), (1, false, 1));
    }
}
