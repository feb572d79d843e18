//! Which state folder remembers what is handed over here: a link beside it, `SPOOL/state`, for whoever must not go by another ledger
//! than the one that knows. It is only compared; nobody follows it to do anything there.

use std::{
    fs,
    io::ErrorKind,
    os::unix::{ffi::OsStringExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use rustix::{fs as sys, io::Errno};

use super::Spool;
use crate::{
    failure::{Doing, Result},
    files::dir::Dir,
    tools::logs::ledger::Ledger,
};

const STATE: &str = "state";

/// Who remembers what is handed over in a spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// Nobody yet.
    Nobody,
    /// The state folder that was asked about.
    Ours,
    /// Another one, in which there is a ledger, or nobody may look.
    Other(PathBuf),
    /// One that has no ledger any more, if it is there at all.
    Gone(PathBuf),
}

impl Spool {
    /// Who remembers what is handed over here, seen from the state folder `ours`.
    pub fn keeper(&self, ours: &Path) -> Result<Keeper> {
        match self.open()? {
            Some(spool) => keeper(&spool, ours),
            None => Ok(Keeper::Nobody),
        }
    }
}

/// Two ledgers and one spool, for people.
pub fn two_ledgers(spool: &Spool, theirs: &Path, ours: &Path) -> String {
    let (spool, theirs, ours) = (spool.path().display(), theirs.display(), ours.display());
    format!("what is handed over in {spool} is remembered in {theirs}, and this run remembers in {ours}")
}

/// Notes that `ours` remembers what is handed over, unless another one does already: that one is returned. It survives a power cut when
/// the spool is next synced.
pub(super) fn note(spool: &Dir, ours: &Path) -> Result<Option<PathBuf>> {
    match keeper(spool, ours)? {
        Keeper::Ours => return Ok(None),
        Keeper::Other(theirs) => return Ok(Some(theirs)),
        Keeper::Gone(_) => drop(spool.remove(STATE)?),
        Keeper::Nobody => {}
    }
    match sys::symlinkat(ours, spool.handle()?, STATE) {
        Ok(()) => spool.unsettle(),
        // Somebody was faster, and is seen by the next run.
        Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno).doing("make the link", spool.shown(STATE)),
    }
    Ok(None)
}

fn keeper(spool: &Dir, ours: &Path) -> Result<Keeper> {
    let theirs = match sys::readlinkat(spool.handle()?, STATE, Vec::new()) {
        Ok(theirs) => PathBuf::from(std::ffi::OsString::from_vec(theirs.into_bytes())),
        Err(Errno::NOENT) => return Ok(Keeper::Nobody),
        Err(errno) => return Err(errno).doing("read the link", spool.shown(STATE)),
    };
    let which = |folder: &Path| fs::metadata(folder).map(|found| (found.dev(), found.ino()));
    match (which(&theirs), which(ours)) {
        _ if theirs == ours => Ok(Keeper::Ours),
        (Ok(one), Ok(other)) if one == other => Ok(Keeper::Ours),
        (Err(error), _) if error.kind() == ErrorKind::NotFound => Ok(Keeper::Gone(theirs)),
        (Ok(_), _) if !Ledger::may_be_in(&theirs) => Ok(Keeper::Gone(theirs)),
        _ => Ok(Keeper::Other(theirs)),
    }
}
