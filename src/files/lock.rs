//! One run of a job at a time. The lock is the kernel's (`flock`), so it ends with its holder however that
//! ends; the text in the file only says who holds it, and is never believed for more than that.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read},
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::own_file;
use crate::failure::{Doing, Failure, Result};

/// Held until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Who holds a lock that we did not get: one line, in the holder's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder(pub String);

impl Lock {
    /// Takes the lock at `path`, or says who holds it. Never waits.
    pub fn take(path: &Path, claim: &str) -> Result<std::result::Result<Lock, Holder>> {
        const TRIES: usize = 10;
        for _ in 0..TRIES {
            let file = own_file::open(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
                .doing("open the lock", path.display())?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(Err(Holder(holder(&file)))),
                Err(errno) => return Err(errno).doing("take the lock", path.display()),
            }
            if stands_for(path, &file).doing("take the lock", path.display())? {
                say(&file, claim);
                return Ok(Ok(Lock { _file: file }));
            }
        }
        Err(Failure::new("take the lock", path.display()).because("somebody keeps removing the file"))
    }
}

/// Whether the name still leads to the file: the lock of a file that was removed meanwhile excludes nobody.
fn stands_for(path: &Path, file: &File) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The lock holds without it: a disk without room for one more line must not stop what would make room, and its last
/// block is for what must be written.
fn say(file: &File, claim: &str) {
    let length = claim.len() as u64;
    let said = own_file::leaves_room(file, length).is_ok_and(|fits| fits)
        && file.write_all_at(claim.as_bytes(), 0).and_then(|()| file.set_len(length)).is_ok();
    if !said {
        let _ = file.set_len(0);
    }
}

fn holder(file: &File) -> String {
    let mut text = Vec::new();
    let _ = file.take(200).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("another run").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_taker_learns_who_holds_it_and_gets_it_after_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rotate.lock");
        fs::write(&path, "a longer claim than the next one, of an earlier run").unwrap();
        let first = Lock::take(&path, "pid 7: ops-logs rotate").unwrap().unwrap();
        assert_eq!(Lock::take(&path, "second").unwrap().unwrap_err(), Holder("pid 7: ops-logs rotate".to_owned()));
        drop(first);
        assert!(Lock::take(&path, "second").unwrap().is_ok());
    }

    #[test]
    fn the_lock_of_a_removed_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rotate.lock");
        let file = File::create(&path).unwrap();
        assert!(stands_for(&path, &file).unwrap());
        fs::remove_file(&path).unwrap();
        assert!(!stands_for(&path, &file).unwrap(), "no file");
        File::create(&path).unwrap();
        assert!(!stands_for(&path, &file).unwrap(), "another file");
    }

    #[test]
    fn a_holder_is_one_line_whatever_the_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rotate.lock");
        let held = Lock::take(&path, "x").unwrap().unwrap();
        for (text, said) in
            [(&b"\n\n"[..], "another run"), (b"pid 1\nhint: remove everything", "pid 1"), (b"\xff pid", "\u{fffd} pid")]
        {
            fs::write(&path, text).unwrap();
            assert_eq!(Lock::take(&path, "second").unwrap().unwrap_err().0, said);
        }
        drop(held);
    }
}
