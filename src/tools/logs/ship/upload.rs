//! One parcel becomes one object. Where the store has one of that key already, it counts only if it holds the same text.

use std::{fs::File, io::Write};

use crate::{
    failure::{Doing, Exit, Failure, Result},
    files::{
        archive_name::Extension,
        compress::{self, Compression},
        fingerprint::Fingerprint,
    },
    store::{Body, Key, Moved, Put, Store},
    tools::logs::{
        manifest::Object,
        parcel::Parcel,
        spool::{Spool, Waiting},
    },
};

/// What came of a parcel.
#[derive(Debug)]
pub(super) struct Uploaded {
    /// The object.
    pub(super) object: Object,
    /// Whether it was there before.
    pub(super) was_there: bool,
}

/// Puts the parcel into the store; None when the other side took it back meanwhile.
pub(super) fn upload(
    store: &dyn Store,
    spool: &Spool,
    waiting: &Waiting,
    scratch: &std::path::Path,
    moved: Moved,
) -> Result<Option<Uploaded>> {
    let parcel = &waiting.parcel;
    let key = parcel.key().ok_or_else(|| Failure::new("ship", &parcel.key).because("that is no key"))?;
    let Some(data) = spool.data(&waiting.id)? else { return Ok(None) };
    let body = Body::of_file(&data, parcel.facts.stored, &parcel.stored_sha256);
    let (stored, sha256, was_there) = match store.put(&key, &body, moved)? {
        Put::Made => (parcel.facts.stored, parcel.stored_sha256.clone(), false),
        Put::Taken => {
            let (stored, sha256) = the_same(store, &key, parcel, scratch)?;
            (stored, sha256, true)
        }
    };
    Ok(Some(Uploaded { object: Object::of(parcel, stored, &sha256), was_there }))
}

/// Reads the object that is there, and says what it is, if it holds the text of the parcel.
fn the_same(store: &dyn Store, key: &Key, parcel: &Parcel, scratch: &std::path::Path) -> Result<(u64, String)> {
    let mut hash = Fingerprint::default();
    let mut stored = 0;
    // Of another compressor, perhaps: only its text can tell.
    let mut copy = unnamed(scratch)?;
    store.read(key, &mut |piece| {
        hash.take(piece);
        stored += piece.len() as u64;
        if stored > parcel.facts.stored.saturating_mul(4).saturating_add(1 << 20) {
            return Err(other(store, key));
        }
        copy.write_all(piece).doing("copy", store.shown(key))
    })?;
    let sha256 = hash.hex();
    if sha256 == parcel.stored_sha256 {
        return Ok((stored, sha256));
    }
    let how = match key.as_str().rsplit('.').next() {
        Some("zst") => Compression::of(Extension::Zstd),
        Some("gz") => Compression::of(Extension::Gzip),
        _ => Compression::None,
    };
    match compress::examine(&copy, how, &|_| ()) {
        Ok(found) if (&found.sha256, found.size) == (&parcel.facts.sha256, parcel.facts.size) => Ok((stored, sha256)),
        _ => Err(other(store, key)),
    }
}

/// Nobody overwrites it, and nothing here goes for it.
fn other(store: &dyn Store, key: &Key) -> Failure {
    Failure::new("ship", store.shown(key))
        .because("another object is there under that key, and it does not hold this text")
        .hint("find out who wrote it; what waits here stays until that object is gone")
        .exit(Exit::PersonNeeded)
}

/// A file that is gone when it is closed.
fn unnamed(folder: &std::path::Path) -> Result<File> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR).map(File::from).doing("make a file in", folder.display())
}
