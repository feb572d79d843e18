//! Which file it is, for longer than one look. Names move and inodes are given away anew at once, so neither says it alone:
//! the file's birth does, and where the file system does not tell that, its inode's generation. Where neither is told,
//! nobody knows, and the answer is never "the same".

use std::{fs::File, os::fd::AsFd};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    dir::{Dir, Kind, Stat, stat_open},
    kernel,
};
use crate::failure::Result;

/// One file. The file system's number is no part of it: it may be another one after a restart of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its inode.
    pub ino: u64,
    /// When it was made, where the file system remembers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<DateTime<Utc>>,
    /// Which file of that inode it is, asked only where its birth is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
}

/// Whether two looks saw one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The same file.
    Same,
    /// Another one.
    Other,
    /// The same inode, and nothing says whether it was given away meanwhile.
    Unknown,
}

impl Identity {
    /// The file of that name, of which the kernel said `stat`. What may not be opened has no generation.
    pub fn of(dir: &Dir, name: &str, stat: &Stat) -> Identity {
        let ask = || dir.read(name).and_then(|open| Identity::of_open(&open)).ok().filter(|(found, _)| found.ino == stat.id.ino);
        let generation =
            if stat.born.is_none() && stat.kind == Kind::File { ask().and_then(|(found, _)| found.generation) } else { None };
        Identity { ino: stat.id.ino, born: stat.born, generation }
    }

    /// An open file, and what else the kernel says of it.
    pub fn of_open(open: &File) -> Result<(Identity, Stat)> {
        let stat = stat_open(open)?;
        let generation = if stat.born.is_none() { kernel::generation(open.as_fd()) } else { None };
        Ok((Identity { ino: stat.id.ino, born: stat.born, generation }, stat))
    }

    /// Whether the two are one file.
    pub fn agrees(&self, other: &Identity) -> Agreement {
        let known = |one: bool| if one { Agreement::Same } else { Agreement::Other };
        match (self.born.zip(other.born), self.generation.zip(other.generation)) {
            _ if self.ino != other.ino => Agreement::Other,
            (Some((one, other)), _) => known(one == other),
            (None, Some((one, other))) => known(one == other),
            (None, None) => Agreement::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(ino: u64, born: Option<i64>, generation: Option<u32>) -> Identity {
        Identity { ino, born: born.and_then(|at| DateTime::from_timestamp(at, 0)), generation }
    }

    #[test]
    fn an_inode_alone_says_nothing() {
        let file = identity(7, Some(1), None);
        assert_eq!(file.agrees(&file), Agreement::Same);
        assert_eq!(file.agrees(&identity(7, Some(2), None)), Agreement::Other);
        assert_eq!(file.agrees(&identity(8, Some(1), None)), Agreement::Other);
        assert_eq!(identity(7, None, Some(3)).agrees(&identity(7, None, Some(3))), Agreement::Same);
        assert_eq!(identity(7, None, Some(3)).agrees(&identity(7, None, Some(4))), Agreement::Other);
        assert_eq!(identity(7, None, None).agrees(&file), Agreement::Unknown);
    }

    #[test]
    fn a_file_keeps_its_identity_whatever_its_name_and_one_after_it_has_another() {
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open(home.path()).unwrap();
        let look = |name: &str| Identity::of(&dir, name, &dir.stat(name).unwrap().unwrap());
        std::fs::write(home.path().join("one"), "text").unwrap();
        let one = look("one");
        std::fs::rename(home.path().join("one"), home.path().join("two")).unwrap();
        assert_eq!(one.agrees(&look("two")), Agreement::Same);
        std::fs::remove_file(home.path().join("two")).unwrap();
        std::thread::park_timeout(std::time::Duration::from_millis(20));
        std::fs::write(home.path().join("one"), "text").unwrap();
        assert_eq!(one.agrees(&look("one")), Agreement::Other, "ext4 gives the inode away at once");
    }
}
