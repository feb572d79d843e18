//! The text of an archive, out of an object that is what the manifest says of it. An object of several archives is fetched once, and stays
//! until all of them that are wanted were read. Nothing is handed on that was not compared.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
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

/// Where texts come from.
pub(super) struct Texts<'a> {
    store: &'a dyn Store,
    moved: &'a (dyn Fn(u64) + Sync),
    /// Objects that several archives are wanted of.
    shared: HashMap<&'a str, Mutex<Shared>>,
}

/// One of them.
#[derive(Default)]
struct Shared {
    /// So many archives of it are still to be read.
    left: usize,
    fetched: Option<Arc<Fetched>>,
}

/// The text of an archive, or of a part of it, proven.
pub(super) struct Proven {
    fetched: Arc<Fetched>,
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
    /// Of these archives, each of which is read once.
    pub(super) fn of(store: &'a dyn Store, archives: &'a [Placed], moved: &'a (dyn Fn(u64) + Sync)) -> Texts<'a> {
        let mut left: HashMap<&str, usize> = HashMap::new();
        for object in archives.iter().flat_map(|placed| &placed.archived.objects).filter(|object| object.stretch.is_some()) {
            *left.entry(&object.key).or_default() += 1;
        }
        let shared = left.into_iter().map(|(key, left)| (key, Mutex::new(Shared { left, fetched: None }))).collect();
        Texts { store, moved, shared }
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

    fn fetched(&self, key: &Key, object: &Object) -> Result<Arc<Fetched>> {
        let Some(shared) = self.shared.get(object.key.as_str()) else { return self.fetch(key, object).map(Arc::new) };
        // Who panicked while it held this has at most fetched something.
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.left = shared.left.saturating_sub(1);
        let fetched = match shared.fetched.take() {
            Some(fetched) => fetched,
            None => Arc::new(self.fetch(key, object)?),
        };
        shared.fetched = (shared.left > 0).then(|| Arc::clone(&fetched));
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
