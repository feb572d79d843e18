//! The anchor: one empty block far behind the end of a log, which no reader ever sees and which a truncation takes away.

use std::{fs::File, io, os::unix::fs::MetadataExt};

use rustix::{fs::FallocateFlags, io::Errno};

use super::{
    layout,
    place::{Place, SPARE},
};
use crate::{
    failure::{Doing, Result},
    files::{space::Space, system},
};

/// Where a new anchor goes. No log is so long, and every file system that can do this can hold it.
const ANCHOR: u64 = 3 << 40;
/// An anchor moves towards the end with each head that goes; what is found behind this is one.
pub(super) const ANCHORS: u64 = 2 << 40;

/// A place for a new anchor where none of this file was, as far as its times tell: one that is found says which it is.
pub(super) fn fresh(file: &File, place: Place) -> Result<u64> {
    let meta = file.metadata().doing("look at", "the log")?;
    let moment = u64::try_from(meta.mtime_nsec() + meta.ctime_nsec()).unwrap_or(0);
    Ok(ANCHOR + moment % (1 << 20) * place.unit)
}

/// Where the anchor is; none where there is no room to spare for one: then the layout alone must tell.
pub(super) fn anchored(file: &File, place: Place, at: u64) -> Result<Option<u64>> {
    let there = || layout::first_behind(file, ANCHORS);
    if let Some(anchor) = there() {
        return Ok(Some(anchor));
    }
    if Space::of_file(file).doing("ask for the free space of", "the log")?.free < SPARE {
        return Ok(None);
    }
    match super::allocate(file, FallocateFlags::KEEP_SIZE, at, place.unit) {
        Ok(()) => Ok(there()),
        Err(Errno::NOSPC | Errno::DQUOT | Errno::FBIG | Errno::OPNOTSUPP) => Ok(None),
        Err(errno) => Err(io::Error::from(errno)).doing("mark", "the log"),
    }
}

/// Whether an anchor outlives what is taken away before it: then without one the file was emptied.
pub(super) fn moves_anchors(file: &File) -> bool {
    system::of(file).is_ok_and(|number| number == system::EXT4)
}
