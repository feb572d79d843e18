//! An open directory, and what can be done to the names in it. No call follows a link, none leaves the
//! directory, and nothing that exists is ever overwritten.

mod way;

use std::{
    fs::File,
    io,
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, Utc};
use rustix::{
    fs::{
        self as sys, Access, AtFlags, CWD, Dir as Entries, FileType, FlockOperation, Mode, OFlags, RenameFlags, ResolveFlags,
        Statx, StatxFlags,
    },
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::space::Space;
use crate::failure::{Doing, Failure, Result};

/// An open directory.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
    /// Whether names in it may have changed since they were last synced.
    unsettled: AtomicBool,
}

/// Which file a name stands for: names move, this does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileId {
    /// The file system.
    pub dev: u64,
    /// The inode on it.
    pub ino: u64,
}

impl FileId {
    /// The one that the kernel told of.
    pub fn of(statx: &Statx) -> FileId {
        FileId { dev: sys::makedev(statx.stx_dev_major, statx.stx_dev_minor), ino: statx.stx_ino }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An ordinary file.
    File,
    /// A directory.
    Folder,
    /// A symbolic link.
    Link,
    /// A FIFO, socket or device: opening one can hang or act.
    Special(&'static str),
}

/// What the kernel says of a file, without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Which file it is.
    pub id: FileId,
    /// What it is.
    pub kind: Kind,
    /// Its apparent size.
    pub size: u64,
    /// What it takes on the disk.
    pub allocated: u64,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Names that stand for it.
    pub links: u32,
    /// Last write.
    pub modified: DateTime<Utc>,
    /// Last change of content, owner, mode or names. Nobody can set it back.
    pub changed: DateTime<Utc>,
    /// When it was made, where the file system remembers.
    pub born: Option<DateTime<Utc>>,
    /// Whether it is immutable or append-only (`chattr +i`, `+a`).
    pub locked: bool,
}

impl Stat {
    /// What stands under a path, not following a link at its end.
    pub fn of_path(path: &Path) -> Result<Stat> {
        let statx = sys::statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, wanted()).doing("look at", path.display())?;
        Ok(stat(&statx))
    }

    /// The oldest time the file knows: its birth, or a write that is said to be older (a restored file).
    pub fn oldest(&self) -> DateTime<Utc> {
        self.born.map_or(self.modified, |born| born.min(self.modified))
    }
}

impl Dir {
    /// Opens the directory at `path`, which must be absolute.
    pub fn open(path: &Path) -> Result<Dir> {
        let fail = |errno: Errno| errno_failure("open the folder", path, errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match sys::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS) {
            Ok(fd) => Ok(Dir::from_fd(fd, path.to_owned())),
            Err(Errno::LOOP | Errno::NOTDIR | Errno::NOSYS | Errno::PERM) => {
                let (fd, real) = way::walk(path)?;
                let fd = sys::openat(&fd, ".", flags, Mode::empty()).map_err(fail)?;
                Ok(Dir::from_fd(fd, real))
            }
            Err(errno) => Err(fail(errno)),
        }
    }

    /// The folder `name` in here, which must not be a link.
    pub fn folder(&self, name: &str) -> Result<Dir> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd =
            sys::openat(&self.fd, name, flags, Mode::empty()).map_err(|errno| self.failure("open the folder", name, errno))?;
        Ok(Dir::from_fd(fd, self.path.join(name)))
    }

    /// The same, made with `mode`, whatever the umask, when there is no such name.
    pub fn folder_made(&self, name: &str, mode: Mode) -> Result<Dir> {
        match sys::mkdirat(&self.fd, name, mode) {
            Ok(()) => {
                self.unsettle();
                let fresh = self.folder(name)?;
                sys::fchmod(&fresh.fd, mode).map_err(|errno| self.failure("set the mode of", name, errno))?;
                Ok(fresh)
            }
            Err(Errno::EXIST) => self.folder(name),
            Err(errno) => Err(self.failure("make the folder", name, errno)),
        }
    }

    /// The folder at `path`, made with `mode` as far as it is not there, and durable.
    pub fn made(path: &Path, mode: Mode) -> Result<Dir> {
        match (Dir::open(path), path.parent(), path.file_name().and_then(|name| name.to_str())) {
            (Err(failure), Some(above), Some(name)) if failure.is_absence() => {
                let above = Dir::made(above, mode)?;
                let fresh = above.folder_made(name, mode)?;
                above.sync().map(|()| fresh)
            }
            (opened, ..) => opened,
        }
    }

    /// An open directory, also one that somebody else opened and handed to us.
    pub fn from_fd(fd: OwnedFd, path: PathBuf) -> Dir {
        // An earlier run may have been killed between a change and its sync.
        Dir { fd, path, unsettled: AtomicBool::new(true) }
    }

    /// The handle itself, for a child that works in here.
    pub fn handle(&self) -> Result<OwnedFd> {
        self.fd.try_clone().doing("hold on to", self.path.display())
    }

    /// Where it is, for messages and records.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the directory itself is.
    pub fn stat_self(&self) -> Result<Stat> {
        let statx = sys::statx(&self.fd, "", AtFlags::EMPTY_PATH, wanted()).doing("look at", self.path.display())?;
        Ok(stat(&statx))
    }

    /// What `name` is; None when there is no such name.
    pub fn stat(&self, name: &str) -> Result<Option<Stat>> {
        match sys::statx(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW, wanted()) {
            Ok(statx) => Ok(Some(stat(&statx))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.failure("look at", name, errno)),
        }
    }

    /// Calls `visit` with each name and what it is said to be. Names that are not UTF-8 come as bytes.
    pub fn each(&self, mut visit: impl FnMut(std::result::Result<&str, &[u8]>, Option<Kind>)) -> Result<()> {
        let entries = Entries::read_from(&self.fd).doing("read the folder", self.path.display())?;
        for entry in entries {
            let entry = entry.doing("read the folder", self.path.display())?;
            let bytes = entry.file_name().to_bytes();
            if bytes != b"." && bytes != b".." {
                visit(std::str::from_utf8(bytes).map_err(|_| bytes), kind_of(entry.file_type()));
            }
        }
        Ok(())
    }

    /// All names in here and the inodes that they stand for. A list is no picture of one moment: a name that changes meanwhile may
    /// be in it twice or not at all, so only two equal ones, one before and one after, tell what was there between.
    pub fn names(&self) -> Result<Vec<(Vec<u8>, u64)>> {
        let entries = Entries::read_from(&self.fd).doing("read the folder", self.path.display())?;
        let told = |entry: rustix::io::Result<sys::DirEntry>| {
            let entry = entry.doing("read the folder", self.path.display())?;
            Ok((entry.file_name().to_bytes().to_vec(), entry.ino()))
        };
        let mut names: Vec<_> = entries.map(told).collect::<Result<_>>()?;
        names.sort_unstable();
        Ok(names)
    }

    /// Whether names can be made in here, and if not, why.
    pub fn check_writable(&self) -> Result<()> {
        let wanted = Access::WRITE_OK | Access::EXEC_OK;
        sys::accessat(&self.fd, ".", wanted, AtFlags::empty()).map_err(|errno| errno_failure("write to", &self.path, errno))
    }

    /// Opens `name` for reading. A FIFO does not hang us, and a link is refused.
    pub fn read(&self, name: &str) -> Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = sys::openat(&self.fd, name, flags, Mode::empty()).map_err(|errno| self.failure("open", name, errno))?;
        Ok(File::from(fd))
    }

    /// Opens `name` to take its head away; nothing is written to it. As careful as [`Dir::read`].
    pub fn open_to_cut(&self, name: &str) -> Result<File> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = sys::openat(&self.fd, name, flags, Mode::empty()).map_err(|errno| self.failure("open", name, errno))?;
        Ok(File::from(fd))
    }

    /// Makes `name`, which must not exist, readable by us alone.
    pub fn create(&self, name: &str) -> Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd =
            sys::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR).map_err(|errno| self.failure("make", name, errno))?;
        self.unsettle();
        Ok(File::from(fd))
    }

    /// Makes `name`, which must not exist, one more name of this open file, whatever its own has become meanwhile.
    pub fn link(&self, open: &File, name: &str) -> Result<()> {
        let way = format!("/proc/self/fd/{}", open.as_raw_fd());
        sys::linkat(CWD, way, &self.fd, name, AtFlags::SYMLINK_FOLLOW).map_err(|errno| self.failure("link", name, errno))?;
        self.unsettle();
        Ok(())
    }

    /// Swaps what two names stand for, in one step.
    pub fn exchange(&self, one: &str, other: &str) -> Result<()> {
        match sys::renameat_with(&self.fd, one, &self.fd, other, RenameFlags::EXCHANGE) {
            Ok(()) => {
                self.unsettle();
                Ok(())
            }
            Err(Errno::INVAL | Errno::NOSYS) => Err(Failure::new("rotate", self.shown(one))
                .because("this file system cannot swap two names in one step")
                .hint("keep the log on a local file system (ext4, xfs, btrfs, tmpfs, overlayfs)")),
            Err(errno) => Err(self.failure("swap", one, errno)),
        }
    }

    /// Renames `from` to `to`, which must not exist.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        sys::renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE)
            .map_err(|errno| self.failure("rename to", to, errno))
            .map(|()| self.unsettle())
    }

    /// Removes `name`; says whether it was there.
    pub fn remove(&self, name: &str) -> Result<bool> {
        match sys::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) => {
                self.unsettle();
                Ok(true)
            }
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.failure("remove", name, errno)),
        }
    }

    /// Makes all changes of names in here survive a power cut, if there may be any.
    pub fn sync(&self) -> Result<()> {
        if !self.unsettled.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        sys::fsync(&self.fd).doing("sync the folder", self.path.display()).inspect_err(|_| self.unsettle())
    }

    /// Names in here changed: by us, or by somebody else on our behalf.
    pub fn unsettle(&self) {
        self.unsettled.store(true, Ordering::SeqCst);
    }

    /// Makes everything on this file system survive a power cut, other users' data too.
    pub fn sync_file_system(&self) -> Result<()> {
        sys::syncfs(&self.fd).doing("sync the file system of", self.path.display())
    }

    /// Holds the directory until it is closed, unless somebody else does. It keeps out whoever asks the same way, and nobody else.
    pub fn hold(&self) -> Result<bool> {
        match sys::flock(&self.fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(errno) => Err(errno).doing("hold", self.path.display()),
        }
    }

    /// The space of the file system that the directory is on.
    pub fn space(&self) -> Result<Space> {
        sys::fstatvfs(&self.fd).doing("ask for the free space of", self.path.display()).map(|found| Space::of(&found))
    }

    /// What root can still write there.
    pub fn free_for_root(&self) -> Result<u64> {
        Space::free_for_root(&self.fd).doing("ask for the free space of", self.path.display())
    }

    /// The full path of a name in here, for messages and records.
    pub fn shown(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    fn failure(&self, doing: &str, name: &str, errno: Errno) -> Failure {
        errno_failure(doing, &self.path.join(name), errno)
    }
}

fn errno_failure(doing: &str, path: &Path, errno: Errno) -> Failure {
    let failure = Failure::of_system(doing, path.display(), &io::Error::from(errno));
    match errno {
        Errno::LOOP => failure.because("it is a symbolic link"),
        Errno::ACCESS | Errno::PERM => failure.hint("run as root, or as the user that owns the folder"),
        _ => failure,
    }
}

fn wanted() -> StatxFlags {
    StatxFlags::BASIC_STATS | StatxFlags::BTIME
}

fn stat(statx: &Statx) -> Stat {
    /// `STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND`, from the kernel's headers.
    const LOCKED: u64 = 0x10 | 0x20;
    let time = |seconds: i64, nanos: u32| DateTime::from_timestamp(seconds, nanos).unwrap_or_default();
    let born = StatxFlags::from_bits_retain(statx.stx_mask).contains(StatxFlags::BTIME);
    Stat {
        id: FileId::of(statx),
        kind: kind_of(FileType::from_raw_mode(statx.stx_mode.into())).unwrap_or(Kind::Special("something unknown")),
        size: statx.stx_size,
        allocated: statx.stx_blocks.saturating_mul(512),
        mode: u32::from(statx.stx_mode) & 0o7777,
        uid: statx.stx_uid,
        gid: statx.stx_gid,
        links: statx.stx_nlink,
        modified: time(statx.stx_mtime.tv_sec, statx.stx_mtime.tv_nsec),
        changed: time(statx.stx_ctime.tv_sec, statx.stx_ctime.tv_nsec),
        born: born.then(|| time(statx.stx_btime.tv_sec, statx.stx_btime.tv_nsec)),
        locked: statx.stx_attributes.bits() & statx.stx_attributes_mask.bits() & LOCKED != 0,
    }
}

fn kind_of(kind: FileType) -> Option<Kind> {
    match kind {
        FileType::RegularFile => Some(Kind::File),
        FileType::Directory => Some(Kind::Folder),
        FileType::Symlink => Some(Kind::Link),
        FileType::Fifo => Some(Kind::Special("a FIFO")),
        FileType::Socket => Some(Kind::Special("a socket")),
        FileType::CharacterDevice => Some(Kind::Special("a character device")),
        FileType::BlockDevice => Some(Kind::Special("a block device")),
        FileType::Unknown => None,
    }
}

/// What an open file is.
pub fn stat_open(file: &File) -> Result<Stat> {
    let statx = sys::statx(file, "", AtFlags::EMPTY_PATH, wanted()).doing("look at", "an open file")?;
    Ok(stat(&statx))
}
