//! The text of an archive, out of an object that is what the manifest says of it. An object of several archives is fetched once for all of
//! them that come one after the other, and few stay fetched at a time. Nothing is handed on that was not compared.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    rc::Rc,
};

use super::place::Placed;
use crate::{
    failure::{Exit, Failure, Result},
    files::{
        compress::{self, Compression, Stretch, Take},
        fingerprint::Fingerprint,
    },
    store::{Key, Store},
    tools::logs::{
        fetch::{Fetched, fetch, form},
        manifest::Object,
    },
};

/// So many objects of several archives stay fetched: each is an open file, and room in TMPDIR. More are wanted where archives of many logs
/// take turns, as in the order of their lines; then some are fetched again.
const HELD: usize = 16;

/// Where texts come from; what it holds goes with it.
pub(super) struct Texts<'a> {
    store: &'a dyn Store,
    moved: &'a dyn Fn(u64),
    /// Objects of several archives, the one that was asked for last at the end.
    held: RefCell<VecDeque<(String, Rc<Fetched>)>>,
}

/// Which of these archives come out of one object, by their places: whoever reads them one after the other fetches it once.
pub(super) fn by_object(archives: &[Placed]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (place, Placed { archived, .. }) in archives.iter().enumerate() {
        let object = archived.first();
        let alone = groups.len();
        let group = if object.stretch.is_some() { *known.entry(&object.key).or_insert(alone) } else { alone };
        if group == alone {
            groups.push(Vec::new());
        }
        groups[group].push(place);
    }
    groups
}

/// The text of an archive, or of a part of it, proven.
pub(super) struct Proven {
    fetched: Rc<Fetched>,
    how: Compression,
    stretch: Option<Stretch>,
}

impl Proven {
    /// Hands it on, piece by piece.
    pub(super) fn read(&self, take: Take) -> Result<()> {
        match self.stretch {
            Some(stretch) => compress::read_part(&self.fetched.file, self.how, stretch, take),
            None => compress::read(&self.fetched.file, self.how, take),
        }
    }
}

impl<'a> Texts<'a> {
    /// Out of this store; `moved` hears of each byte that is fetched.
    pub(super) fn of(store: &'a dyn Store, moved: &'a dyn Fn(u64)) -> Texts<'a> {
        Texts { store, moved, held: RefCell::default() }
    }

    /// The object's text, or that of the archive in it that is meant.
    pub(super) fn proven(&self, object: &Object) -> Result<Proven> {
        let refuse = |why: String| Failure::new("restore", &object.key).because(why).exit(Exit::PersonNeeded);
        let key = Key::new(object.key.clone()).ok_or_else(|| refuse("its name is no key".to_owned()))?;
        let fetched = self.fetched(&key, object)?;
        let proven = Proven { fetched, how: form(key.as_str()), stretch: object.stretch };
        let (mut hash, mut size) = (Fingerprint::default(), 0);
        proven.read(&mut |piece| {
            hash.take(piece);
            size += piece.len() as u64;
            // A few bytes can be made to hold any number of others.
            if size > object.size {
                Err(refuse(format!("it holds more than the {} bytes that the manifest names", object.size)))
            } else {
                Ok(())
            }
        })?;
        let sha256 = hash.hex();
        if sha256 == object.sha256 {
            Ok(proven)
        } else {
            Err(refuse(format!("its text has sha-256 {sha256}, and the manifest names {}", object.sha256)))
        }
    }

    fn fetched(&self, key: &Key, object: &Object) -> Result<Rc<Fetched>> {
        if object.stretch.is_none() {
            return self.fetch(key, object).map(Rc::new);
        }
        let mut held = self.held.borrow_mut();
        let known = held.iter().position(|(known, _)| *known == object.key).and_then(|at| held.remove(at));
        if held.len() >= HELD {
            held.pop_front();
        }
        let fetched = known.map_or_else(|| self.fetch(key, object).map(Rc::new), |(_, fetched)| Ok(fetched))?;
        held.push_back((object.key.clone(), Rc::clone(&fetched)));
        Ok(fetched)
    }

    fn fetch(&self, key: &Key, object: &Object) -> Result<Fetched> {
        let fetched = fetch(self.store, key, object.stored, self.moved)?;
        if fetched.sha256 == object.stored_sha256 {
            return Ok(fetched);
        }
        let why = format!("it has sha-256 {}, and the manifest names {}", fetched.sha256, object.stored_sha256);
        Err(Failure::new("restore", &object.key).because(why).exit(Exit::PersonNeeded))
    }
}
