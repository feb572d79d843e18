//! Manifests as a store has them. Reads only; what a segment says is checked against its own name and checksum, and nothing
//! else is believed of it.

use std::collections::BTreeMap;

use super::{LONGEST, MANIFESTS, Written, number};
use crate::{
    failure::{Exit, Failure, Result},
    store::{Key, Store},
};

/// The keys of segments in order, by the folder of their machine.
pub type Folders = BTreeMap<String, BTreeMap<u64, Key>>;

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

/// The keys of all that is numbered as segments are, below `top`, in order, by the folder of its machine.
pub(super) fn by_machine(store: &dyn Store, top: &str) -> Result<Folders> {
    let mut all = Folders::new();
    let top = Key::new(top).expect("it is one");
    store.list(&top, &mut |key, _| {
        let folder = key.parts().0.last().and_then(|folder| top.join(folder));
        if let Some((folder, number)) = folder.and_then(|folder| number_in(&folder, &key).map(|number| (folder, number))) {
            all.entry(folder.parts().1.to_owned()).or_default().insert(number, key);
        }
        Ok(())
    })?;
    Ok(all)
}

fn damaged(store: &dyn Store, key: &Key, why: &str) -> Failure {
    Failure::new("read", store.shown(key)).because(why).exit(Exit::PersonNeeded)
}
