//! How large a file system is, and how much of it is free.

use std::{fs::File, path::Path};

use rustix::fs::{StatVfs, fstatvfs, statvfs};

/// The space of one file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// All of it.
    pub total: u64,
    /// What an ordinary user can still write.
    pub free: u64,
}

impl Space {
    /// As the kernel says it.
    pub(super) fn of(found: &StatVfs) -> Space {
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Space { total: bytes(found.f_blocks), free: bytes(found.f_bavail) }
    }

    /// That of the file system which holds this open file.
    pub fn of_file(file: &File) -> std::io::Result<Space> {
        Ok(Space::of(&fstatvfs(file)?))
    }

    /// That of the file system which holds `path`.
    pub fn around(path: &Path) -> std::io::Result<Space> {
        Ok(Space::of(&statvfs(path)?))
    }
}
