//! One run of a job at a time. The lock is the kernel's (`flock`), so it ends with its holder however that
//! ends; the text in the file only says who holds it.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::{
    fs::{FlockOperation, OFlags, flock},
    io::Errno,
};

use crate::failure::{Doing, Failure, Result};

/// Held until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Who holds a lock that we did not get, in the holder's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder(pub String);

impl Lock {
    /// Takes the lock at `path`, or says who holds it. Never waits.
    pub fn take(path: &Path, claim: &str) -> Result<std::result::Result<Lock, Holder>> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(i32::try_from((OFlags::NOFOLLOW | OFlags::CLOEXEC).bits()).expect("flags fit"))
            .open(path)
            .doing("open the lock", path.display())?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(Err(Holder(holder(&mut file)))),
            Err(errno) => return Err(errno).doing("take the lock", path.display()),
        }
        file.set_len(0).doing("claim the lock", path.display())?;
        file.write_all(claim.as_bytes()).map_err(|error| Failure::new("claim the lock", path.display()).because(error))?;
        Ok(Ok(Lock { _file: file }))
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = Read::by_ref(file).take(200).read_to_string(&mut text);
    match (read, text.trim()) {
        (Ok(_), claim) if !claim.is_empty() => claim.to_owned(),
        _ => "another run".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_taker_learns_who_holds_it_and_gets_it_after_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rotate.lock");
        let first = Lock::take(&path, "pid 7: ops-logs rotate").unwrap().unwrap();
        assert_eq!(Lock::take(&path, "second").unwrap().unwrap_err(), Holder("pid 7: ops-logs rotate".to_owned()));
        drop(first);
        assert!(Lock::take(&path, "second").unwrap().is_ok());
    }
}
