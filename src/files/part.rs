//! A file in the making where others may make the same one: hidden beside the name that it is to get. Each attempt has one of its own, holds
//! it as long as it lives, and gives the name to no other: so two machines that write one file never meet in it. What nobody holds, a
//! killed run left. Never replaces anything.

use std::{
    fs::File,
    hash::{BuildHasher, RandomState},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::dir::{Dir, Kind, stat_open};
use crate::failure::{Doing, Failure, Result};

/// Each fails only when somebody else does the same just then.
const TRIES: usize = 10;

/// A file that has not got its name yet.
#[derive(Debug)]
pub struct Part<'a> {
    folder: &'a Dir,
    name: String,
    /// What is to be written to.
    pub file: File,
}

impl Part<'_> {
    /// A fresh one of the file that is to have that name.
    pub fn of<'a>(folder: &'a Dir, whole: &str) -> Result<Part<'a>> {
        for _ in 0..TRIES {
            let name = format!(".{whole}.{:08x}.part", RandomState::new().hash_one(whole) >> 32);
            let file = match folder.create(&name) {
                Err(failure) if failure.errno == Some(Errno::EXIST) => continue,
                made => made?,
            };
            // Whoever looks for what killed runs left may have seen it before it was held. Where nothing can be held, its own name is enough.
            let ours = !matches!(flock(&file, FlockOperation::NonBlockingLockExclusive), Err(Errno::WOULDBLOCK));
            if ours && folder.stat(&name)?.is_some() {
                return Ok(Part { folder, name, file });
            }
            folder.remove(&name)?;
        }
        Err(Failure::new("write", folder.shown(whole)).because("somebody goes on removing what is written for it"))
    }

    /// Gives it its name, durable with the folder's next sync; false, and it is as before, where that is taken.
    pub fn publish(&self, whole: &str) -> Result<bool> {
        match self.folder.rename(&self.name, whole) {
            Ok(()) => Ok(true),
            Err(failure) if failure.errno == Some(Errno::EXIST) => Ok(false),
            // NFS knows no rename that never replaces.
            Err(failure) if matches!(failure.errno, Some(Errno::INVAL | Errno::NOSYS)) => self.link(whole),
            Err(failure) => Err(failure),
        }
    }

    fn link(&self, whole: &str) -> Result<bool> {
        match self.folder.link(&self.file, whole) {
            Ok(()) => self.give_up().map(|()| true),
            // Over a network an answer may be lost, and the call made twice.
            Err(failure) if failure.errno == Some(Errno::EXIST) => {
                let ours = stat_open(&self.file)?.id;
                let made = self.folder.stat(whole)?.is_some_and(|there| there.id == ours);
                if made { self.give_up().map(|()| true) } else { Ok(false) }
            }
            Err(failure) => {
                let hint = "it must be where a name can be given without replacing one: ext4, xfs, btrfs, tmpfs, NFS";
                Err(failure.hint(hint))
            }
        }
    }

    /// It goes.
    pub fn give_up(&self) -> Result<()> {
        self.folder.remove(&self.name).map(drop)
    }
}

/// Removes what killed runs left of files with names that are `ours`. Where nobody can tell whether one still writes it, it stays.
pub fn sweep(folder: &Dir, ours: &dyn Fn(&str) -> bool) -> Result<()> {
    let mut parts = Vec::new();
    let left = |name: &&str| whole_of(name).is_some_and(ours);
    folder.each(|name, _| parts.extend(name.ok().filter(left).map(str::to_owned)))?;
    for name in parts {
        let file = match folder.read(&name) {
            Err(failure) if failure.is_absence() => continue,
            opened => opened?,
        };
        if stat_open(&file)?.kind != Kind::File {
            continue;
        }
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => drop(folder.remove(&name)?),
            Err(Errno::WOULDBLOCK | Errno::NOLCK | Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => {}
            Err(errno) => return Err(errno).doing("see who holds", folder.shown(&name)),
        }
    }
    Ok(())
}

/// The name of the file that one of this name is a part of; earlier versions had one name for all parts of it.
fn whole_of(name: &str) -> Option<&str> {
    let name = name.strip_prefix('.')?.strip_suffix(".part")?;
    let digits = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some(name.rsplit_once('.').filter(|(_, end)| digits(end)).map_or(name, |(whole, _)| whole))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(home: &tempfile::TempDir) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_somebody_writes_stays_and_what_nobody_holds_goes() {
        let home = tempfile::tempdir().unwrap();
        let folder = Dir::open(home.path()).unwrap();
        let (one, other) = (Part::of(&folder, "a").unwrap(), Part::of(&folder, "a").unwrap());
        for left in [".a.part", ".a.0123abcd.part", ".a.b.part", ".b.part"] {
            fs::write(home.path().join(left), "half").unwrap();
        }
        sweep(&folder, &|whole| whole == "a").unwrap();
        let mut stay = vec![".a.b.part".to_owned(), ".b.part".to_owned(), one.name.clone(), other.name.clone()];
        stay.sort();
        assert_eq!(names(&home), stay);
        drop(other);
        sweep(&folder, &|whole| whole == "a").unwrap();
        assert_eq!(names(&home).len(), 3);
        one.give_up().unwrap();
        assert_eq!(names(&home), [".a.b.part", ".b.part"]);
    }

    #[test]
    fn only_the_first_gets_the_name_by_either_way() {
        for links in [false, true] {
            let publish = |part: &Part| if links { part.link("a") } else { part.publish("a") };
            let home = tempfile::tempdir().unwrap();
            let folder = Dir::open(home.path()).unwrap();
            let (one, other) = (Part::of(&folder, "a").unwrap(), Part::of(&folder, "a").unwrap());
            fs::write(home.path().join(&one.name), "one").unwrap();
            assert!(publish(&one).unwrap() && !publish(&other).unwrap());
            other.give_up().unwrap();
            assert_eq!((names(&home), fs::read(home.path().join("a")).unwrap()), (vec!["a".to_owned()], b"one".to_vec()));
        }
    }

    #[test]
    fn a_name_that_was_given_in_a_call_whose_answer_was_lost_is_ours() {
        let home = tempfile::tempdir().unwrap();
        let folder = Dir::open(home.path()).unwrap();
        let part = Part::of(&folder, "a").unwrap();
        folder.link(&part.file, "a").unwrap();
        assert!(part.link("a").unwrap());
        assert_eq!(names(&home), ["a"]);
    }
}
