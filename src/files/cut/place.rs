//! What a file system can do for a log that is rotated in place, and in which pieces. Found out on a file without a name,
//! never on the log.

use std::{
    fs::File,
    os::fd::{AsFd, BorrowedFd},
};

use rustix::{
    fs::{
        AtFlags, FallocateFlags, Mode, OFlags, StatxFlags, fallocate, fstatfs, fstatvfs, ftruncate, ioctl_getflags, openat, statx,
    },
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::{Way, beneath, refused};
use crate::{
    failure::{Failure, Result},
    files::system::{self, BTRFS, EXT4, OVERLAY, TMPFS, XFS},
};

/// What a refusal says was not done; it also crosses a socket.
pub(super) const DOING: &str = "rotate in place";
/// With so much free a log gets an anchor: the last blocks of a disk are worth more as the beginning of an archive.
pub(super) const SPARE: u64 = 16 << 10;

/// How heads go here, and what a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// How.
    pub way: Way,
    /// Only multiples of it go.
    pub unit: u64,
}

impl Place {
    /// Asks the file system of the open `folder`. `hole`: whether a hole will do where nothing else can be done.
    pub fn of(folder: impl AsFd, hole: bool, shown: &str) -> Result<Place> {
        let block = block(&folder, shown)?;
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let way = match openat(&folder, ".", flags, Mode::RUSR | Mode::WUSR) {
            Ok(scratch) => tried(&scratch, block).map_err(|errno| refused(errno, shown))?,
            // A file without a name cannot be had everywhere; the log itself will tell.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => Some(block),
            // It takes an inode all the same.
            Err(Errno::NOSPC) => return Place::likely(&folder, hole, shown),
            Err(errno) => return Err(refused(errno, shown)),
        };
        match way {
            Some(unit) => Ok(Place { way: Way::Collapse, unit }),
            None if hole => Ok(Place { way: Way::Hole, unit: block }),
            None => Err(unsupported(shown)),
        }
    }

    /// What it will be, as far as the number of the file system tells; for a plan, which tries nothing out.
    pub fn likely(file: impl AsFd, hole: bool, shown: &str) -> Result<Place> {
        const COLLAPSING: [u32; 3] = [EXT4, XFS, OVERLAY];
        const PUNCHING: [u32; 3] = [EXT4, BTRFS, TMPFS];
        let file = file.as_fd();
        let found = fstatfs(file).map_err(|errno| refused(errno, shown))?;
        let number = system::number(&found);
        if let Some(name) = system::shared_between_machines(number) {
            return Err(Failure::new(DOING, shown)
                .because(format!("on {name} another machine may write to it, and nobody here can see how"))
                .hint("rotate it on the machine that writes it, with method = \"rename\""));
        }
        let unit = block(file, shown)?;
        let bare = number == EXT4 && !has_extents(file);
        let number = if number == OVERLAY { beneath::number(file, &found).unwrap_or(OVERLAY) } else { number };
        match number {
            collapsing if COLLAPSING.contains(&collapsing) && !bare => Ok(Place { way: Way::Collapse, unit }),
            punching if hole && PUNCHING.contains(&punching) => Ok(Place { way: Way::Hole, unit }),
            _ => Err(unsupported(shown)),
        }
    }

    /// Whether a failure says that this cannot be done here, and what to do instead; not that it went wrong.
    pub fn refuses(failure: &Failure) -> bool {
        failure.doing == DOING && failure.hint.is_some()
    }

    /// Whether the file itself is one that this can be done to: nothing is done to it.
    pub fn accepts(self, file: &File, shown: &str) -> Result<()> {
        /// Behind the end of any log: refused as a range, after everything else was looked at.
        const NOWHERE: u64 = 1 << 50;
        let flags = match self.way {
            Way::Collapse => FallocateFlags::COLLAPSE_RANGE,
            Way::Hole => return Ok(()),
        };
        match fallocate(file, flags, NOWHERE, self.unit) {
            Ok(()) | Err(Errno::INVAL | Errno::FBIG) => Ok(()),
            Err(Errno::TXTBSY) => {
                Err(Failure::new(DOING, shown).because("it is used as swap space").hint("exclude it: a swap file is no log"))
            }
            Err(Errno::PERM) => Err(Failure::new(DOING, shown)
                .because("it is immutable or append-only (chattr +i, +a)")
                .hint("chattr -i -a, or exclude it")),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Err(unsupported(shown)),
            Err(errno) => Err(refused(errno, shown)),
        }
    }

    /// What is left for an archive where so much is free: the anchor may take a block of it.
    pub fn room(self, free: u64) -> u64 {
        if free < SPARE { free } else { free - self.unit.min(free) }
    }

    /// How much must be free for an archive that takes so much.
    pub fn least_free(self, takes: u64) -> u64 {
        if takes < SPARE { takes } else { takes + self.unit }
    }

    /// Refuses a log that is mounted by itself, from another place: what is found out in its folder is not true of it, and it
    /// may be met a second time where it comes from.
    pub fn refuse_mount(file: &File, folder: impl AsFd, shown: &str) -> Result<()> {
        let mount = |fd: BorrowedFd| {
            let told = statx(fd, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok()?;
            (told.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(told.stx_mnt_id)
        };
        match mount(file.as_fd()).zip(mount(folder.as_fd())) {
            Some((file, folder)) if file != folder => Err(Failure::new(DOING, shown)
                .because("it is mounted there by itself, from another place")
                .hint("name it where it really is")),
            _ => Ok(()),
        }
    }

    /// The part of so many bytes that is whole blocks.
    pub fn whole(self, bytes: u64) -> u64 {
        bytes - bytes % self.unit.max(1)
    }

    /// Of so many bytes, those whose place on the disk stays the same. The last block may be written somewhere else each time:
    /// where only holes are made, and where another file shares it. It counts only where nothing else can tell: without an
    /// anchor, or when it is all there is.
    pub(super) fn laid_out(self, bytes: u64, anchored: bool) -> u64 {
        match self.whole(bytes) {
            whole if self.way == Way::Hole || (anchored && whole > 0) => whole,
            _ => bytes.next_multiple_of(self.unit.max(1)),
        }
    }
}

/// What a block is for a collapse; none where there is no such thing.
fn tried(scratch: impl AsFd, block: u64) -> std::result::Result<Option<u64>, Errno> {
    /// ext4 may keep its books in clusters, xfs in larger extents.
    const LARGEST: u64 = 1 << 20;
    ftruncate(&scratch, 4 * LARGEST)?;
    let mut unit = block;
    while unit <= LARGEST {
        match fallocate(&scratch, FallocateFlags::COLLAPSE_RANGE, 0, unit) {
            Ok(()) => return Ok(Some(unit)),
            Err(Errno::INVAL) => unit *= 2,
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(None)
}

/// ext2 and ext3 have the number of ext4, and it may have files of theirs. What cannot be asked is tried.
fn has_extents(file: BorrowedFd) -> bool {
    const EXTENTS: u32 = 0x0008_0000;
    /// So short that it lies in its inode.
    const INLINE: u32 = 0x1000_0000;
    ioctl_getflags(file).map_or(true, |flags| flags.bits() & (EXTENTS | INLINE) != 0)
}

fn block(folder: impl AsFd, shown: &str) -> Result<u64> {
    Ok(fstatvfs(folder).map_err(|errno| refused(errno, shown))?.f_bsize.max(512))
}

fn unsupported(shown: &str) -> Failure {
    Failure::new(DOING, shown)
        .because("its file system cannot take the head of a file away (ext4 and xfs can)")
        .hint("punch-hole = true makes a hole of it; or method = \"rename\" with a writer that can be told; or move the log to ext4 or xfs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_block_counts_only_where_nothing_else_can_tell() {
        let place = |way| Place { way, unit: 4096 };
        let all = |way, anchored| [0, 1, 4096, 4100, 8192].map(|bytes| place(way).laid_out(bytes, anchored));
        assert_eq!(all(Way::Collapse, true), [0, 4096, 4096, 4096, 8192]);
        assert_eq!(all(Way::Collapse, false), [0, 4096, 4096, 8192, 8192]);
        assert_eq!(all(Way::Hole, true), [0, 0, 4096, 4096, 8192]);
        assert_eq!(all(Way::Hole, false), all(Way::Hole, true));
    }
}
