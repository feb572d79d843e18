//! How large a file system is, and how much of it is free.

use std::{fs::File, io, os::fd::AsFd, path::Path};

use rustix::fs::{StatVfs, fstatvfs, statvfs};

use super::system;

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

    /// What root can still write where this open folder is: some file systems keep blocks for it alone.
    pub(super) fn free_for_root(folder: impl AsFd) -> io::Result<u64> {
        let found = fstatvfs(&folder)?;
        // ext4 counts as free what it gives to nobody: a fiftieth of all that it has, its own books too, and 4,096 at most.
        let nobodys = (found.f_blocks / 40).min(4096);
        // What btrfs calls free besides is no room for a file.
        let reserve = if system::of(&folder)? == system::BTRFS { 0 } else { found.f_bfree.saturating_sub(nobodys) };
        Ok(reserve.max(found.f_bavail).saturating_mul(found.f_frsize))
    }

    /// That of the file system which holds this open file.
    pub fn of_file(file: &File) -> io::Result<Space> {
        Ok(Space::of(&fstatvfs(file)?))
    }

    /// That of the file system which holds `path`.
    pub fn around(path: &Path) -> io::Result<Space> {
        Ok(Space::of(&statvfs(path)?))
    }
}
