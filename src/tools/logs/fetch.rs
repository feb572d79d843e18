//! An object of a store as an open file without a name: it is gone when it is closed, however that comes.

use std::{env, fs::File, io::Write, path::Path};

use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::{
    failure::{Doing, Exit, Failure, Result},
    files::{archive_name::Extension, compress::Compression, fingerprint::Fingerprint},
    store::{Key, Store},
};

/// What to do where there is no room, or no such folder.
const ELSEWHERE: &str = "TMPDIR=FOLDER, on a disk with room for one object, is where it is kept meanwhile";

/// What was fetched.
#[derive(Debug)]
pub(super) struct Fetched {
    /// All of the object.
    pub(super) file: File,
    /// Its bytes.
    pub(super) stored: u64,
    /// SHA-256 of them.
    pub(super) sha256: String,
}

/// Fetches an object of `most` bytes at most. Where it is kept meanwhile, TMPDIR says.
pub(super) fn fetch(store: &dyn Store, key: &Key, most: u64, moved: &dyn Fn(u64)) -> Result<Fetched> {
    let folder = env::temp_dir();
    let mut file = unnamed(&folder).map_err(|failure| failure.hint(ELSEWHERE))?;
    let mut hash = Fingerprint::default();
    let mut stored = 0;
    store.read(key, &mut |piece| {
        stored += piece.len() as u64;
        if stored > most {
            let why = "it is longer than it should be";
            return Err(Failure::new("read", store.shown(key)).because(why).exit(Exit::PersonNeeded));
        }
        hash.take(piece);
        moved(piece.len() as u64);
        let copied = file.write_all(piece).doing("keep", format!("a copy of {} in {}", store.shown(key), folder.display()));
        copied.map_err(|failure| failure.hint(ELSEWHERE))
    })?;
    Ok(Fetched { file, stored, sha256: hash.hex() })
}

/// How the object under that key is compressed.
pub(super) fn form(key: &str) -> Compression {
    match key.rsplit('.').next() {
        Some("zst") => Compression::of(Extension::Zstd),
        Some("gz") => Compression::of(Extension::Gzip),
        _ => Compression::None,
    }
}

fn unnamed(folder: &Path) -> Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR).map(File::from).doing("make a file without a name in", folder.display())
}
