//! Which processes have which regular files open, as /proc tells it. Looks, and never opens or alters
//! the files themselves.
//!
//! "Nobody" may be believed only when [`Coverage::is_whole`] says that every process was seen, with those of its threads that
//! have descriptors of their own. Even then a file can be in use without a descriptor: mapped (see `mapped.rs`), in flight
//! over a socket, or held by `io_uring`. A read lease sees those; this walk does not.

mod threads;

use std::{
    ffi::{OsStr, OsString},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, Statx, StatxFlags},
    io::Errno,
};

pub(super) use self::threads::Threads;
use self::threads::{Tables, has_ended, is_the_kernels};
use super::dir::FileId;

/// Shows every regular file that any process has open to `visit`, one descriptor at a time.
pub fn each(proc: &Path, visit: &mut dyn FnMut(&OpenFile<'_>)) -> Coverage {
    each_within(proc, Bounds::default(), visit)
}

/// [`each`], but never looks at more than `bounds`.
pub fn each_within(proc: &Path, bounds: Bounds, visit: &mut dyn FnMut(&OpenFile<'_>)) -> Coverage {
    each_process(proc, bounds, &mut |pid, process, coverage| Walk { coverage, bounds, visit }.process(pid, process))
}

/// Shows the folder of every process to `visit`, which says whether it saw all of that process.
pub(super) fn each_process(proc: &Path, bounds: Bounds, visit: Visit<'_>) -> Coverage {
    let mut coverage = Coverage::default();
    let Ok(root) = directory(rustix::fs::CWD, proc) else { return coverage };
    coverage.sees_all_namespaces = in_initial_namespace(&root);
    let Ok(entries) = Dir::read_from(&root) else { return coverage };
    for entry in entries {
        let Ok(entry) = entry else {
            coverage.stopped_early = true;
            break;
        };
        let Some(pid) = number(entry.file_name().to_bytes()) else { continue };
        let looked_at = coverage.processes + coverage.unreadable;
        if looked_at >= bounds.processes || coverage.descriptors >= bounds.descriptors || coverage.threads >= bounds.threads {
            coverage.stopped_early = true;
            break;
        }
        let process = directory(&root, pid.to_string().as_str());
        let seen = process.as_ref().map_err(|error| *error).and_then(|process| visit(pid, process, &mut coverage));
        match seen {
            Ok(true) => coverage.processes += 1,
            Err(error) if ended(error) || process.as_ref().is_ok_and(is_the_kernels) => {}
            Ok(false) | Err(_) => {
                coverage.unreadable += 1;
                coverage
                    .first_unreadable
                    .get_or_insert_with(|| process.map_or(format!("pid {pid}"), |process| named(pid, &process)));
            }
        }
    }
    coverage
}

/// Looks at one process, and counts what it looked at.
pub(super) type Visit<'v> = &'v mut dyn FnMut(u32, &OwnedFd, &mut Coverage) -> rustix::io::Result<bool>;

/// One open descriptor of one process. What costs a further system call is read only when asked.
pub struct OpenFile<'a> {
    /// The process.
    pub pid: u32,
    /// Its short name, as it calls itself.
    pub command: &'a str,
    /// Which file.
    pub id: FileId,
    /// The length of the file.
    pub size: u64,
    /// The space that the file takes on disk.
    pub allocated: u64,
    /// How many names the file has left, as its file system counts them.
    pub links: u64,
    /// The descriptor's number in that process.
    pub descriptor: u32,
    descriptors: BorrowedFd<'a>,
    process: BorrowedFd<'a>,
}

/// What a descriptor may do to its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Cannot write.
    Read,
    /// Writes where it left off, also after the file was cut.
    Write,
    /// Writes at the end, wherever that is.
    Append,
}

/// A path as the kernel remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The file has this name.
    Named(PathBuf),
    /// The file had this name, and it was removed.
    Deleted(PathBuf),
}

/// How far to go at most.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Processes to look at.
    pub processes: u64,
    /// Descriptors to look at, in all.
    pub descriptors: u64,
    /// Threads to look at, in all, besides the first of each process.
    pub threads: u64,
}

/// How much of the machine was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Processes whose descriptors were all seen.
    pub processes: u64,
    /// Processes whose descriptors, or some of them, we may not see.
    pub unreadable: u64,
    /// The first of them, as far as it tells its name.
    pub first_unreadable: Option<String>,
    /// Descriptors looked at.
    pub descriptors: u64,
    /// Threads looked at, besides the first of each process.
    pub threads: u64,
    /// Whether processes outside our PID namespace, and those of other users, are listed at all.
    pub sees_all_namespaces: bool,
    /// Whether a bound, or an error while listing, ended the walk.
    pub stopped_early: bool,
}

impl OpenFile<'_> {
    /// The name of the file, when the kernel tells it.
    pub fn target(&self) -> Option<Target> {
        let name = self.descriptor.to_string();
        let bytes = rustix::fs::readlinkat(self.descriptors, name.as_str(), Vec::new()).ok()?.into_bytes();
        let Some(stem) = bytes.strip_suffix(b" (deleted)") else { return Some(Target::Named(path(&bytes))) };
        // A file may really be called so: then it is still found under its whole name.
        let found = look(rustix::fs::CWD, path(&bytes), AtFlags::SYMLINK_NOFOLLOW);
        let named = found.is_ok_and(|found| FileId::of(&found) == self.id);
        Some(if named { Target::Named(path(&bytes)) } else { Target::Deleted(path(stem)) })
    }

    /// What the descriptor may do; `None` when we may not know, which must count as writing.
    pub fn access(&self) -> Option<Access> {
        let info = read_small(self.process, &format!("fdinfo/{}", self.descriptor))?;
        let line = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
        let flags = OFlags::from_bits_retain(u32::from_str_radix(line.trim(), 8).ok()?);
        // O_ACCMODE is 3 everywhere on Linux; the mode 3 itself allows ioctl only, O_PATH not even that.
        let mode = flags.bits() & 3;
        if flags.contains(OFlags::PATH) || mode == OFlags::RDONLY.bits() || mode == 3 {
            return Some(Access::Read);
        }
        Some(if flags.contains(OFlags::APPEND) { Access::Append } else { Access::Write })
    }
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { processes: 100_000, descriptors: 4_000_000, threads: 1_000_000 }
    }
}

impl Coverage {
    /// Whether every process of the machine was seen, so that "nobody" means nobody.
    pub fn is_whole(&self) -> bool {
        self.processes > 0 && self.unreadable == 0 && self.sees_all_namespaces && !self.stopped_early
    }
}

struct Walk<'w, 'v> {
    coverage: &'w mut Coverage,
    bounds: Bounds,
    visit: &'w mut (dyn FnMut(&OpenFile<'_>) + 'v),
}

impl Walk<'_, '_> {
    /// Whether all descriptors could be looked at, those that only one of its threads has, too.
    fn process(&mut self, pid: u32, process: &OwnedFd) -> rustix::io::Result<bool> {
        let command = read_small(process.as_fd(), "comm").unwrap_or_default();
        let command = command.trim_end_matches('\n');
        // Before its threads are asked: what one of them had open in the table of the first was seen then, whoever leaves it now.
        let mut all = self.thread(pid, command, process)?;
        let (mut threads, mut tables) = (Threads::of(pid, process)?, Tables::with(pid));
        while let Some(thread) = threads.next(self.coverage, self.bounds)? {
            if !tables.is_another(thread) {
                continue;
            }
            match threads.open(thread).and_then(|folder| self.thread(pid, command, &folder)) {
                Ok(seen) => all &= seen,
                Err(error) => all &= ended(error),
            }
        }
        Ok(all)
    }

    /// Whether all descriptors of one thread could be looked at.
    fn thread(&mut self, pid: u32, command: &str, thread: &OwnedFd) -> rustix::io::Result<bool> {
        let seen = directory(thread, "fd").and_then(|descriptors| self.descriptors(pid, command, thread, &descriptors));
        // A zombie holds nothing any more, though an ordinary user is refused there; the other threads of its process may.
        seen.or_else(|error| if !ended(error) && has_ended(thread) { Ok(true) } else { Err(error) })
    }

    fn descriptors(&mut self, pid: u32, command: &str, process: &OwnedFd, descriptors: &OwnedFd) -> rustix::io::Result<bool> {
        let mut all = true;
        for entry in Dir::read_from(descriptors)? {
            let entry = entry?;
            let Some(descriptor) = number(entry.file_name().to_bytes()) else { continue };
            if self.coverage.descriptors >= self.bounds.descriptors {
                self.coverage.stopped_early = true;
                return Ok(all);
            }
            self.coverage.descriptors += 1;
            let found = match look(descriptors, entry.file_name(), AtFlags::empty()) {
                Ok(found) => found,
                Err(error) => {
                    all &= ended(error) || unreachable(error);
                    continue;
                }
            };
            if FileType::from_raw_mode(found.stx_mode.into()) != FileType::RegularFile {
                continue;
            }
            (self.visit)(&OpenFile {
                pid,
                command,
                id: FileId::of(&found),
                size: found.stx_size,
                allocated: found.stx_blocks.saturating_mul(512),
                links: found.stx_nlink.into(),
                descriptor,
                descriptors: descriptors.as_fd(),
                process: process.as_fd(),
            });
        }
        Ok(all)
    }
}

fn directory(at: impl AsFd, path: impl rustix::path::Arg) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(at, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Does not ask a file server, which may be gone.
fn look(at: impl AsFd, path: impl rustix::path::Arg, flags: AtFlags) -> rustix::io::Result<Statx> {
    let flags = flags | AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
    rustix::fs::statx(at, path, flags, StatxFlags::BASIC_STATS)
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

/// The process or the descriptor was gone before we looked.
pub(super) fn ended(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::SRCH)
}

/// The file lies on a file system that is dead or out of reach: it is none that anybody asks about, who had to look at his own.
fn unreachable(error: Errno) -> bool {
    const DEAD: [Errno; 7] =
        [Errno::IO, Errno::STALE, Errno::NOTCONN, Errno::SHUTDOWN, Errno::HOSTDOWN, Errno::HOSTUNREACH, Errno::TIMEDOUT];
    DEAD.contains(&error)
}

/// The kernel gives the initial PID namespace this fixed number. A /proc mounted with `hidepid` does not
/// list process 1 to those whom it hides others from.
fn in_initial_namespace(root: &OwnedFd) -> bool {
    let ours = rustix::fs::readlinkat(root, "self/ns/pid", Vec::new());
    ours.is_ok_and(|name| name.to_bytes() == b"pid:[4026531836]") && directory(root, "1").is_ok()
}

/// A process as messages name it.
pub(super) fn named(pid: u32, process: &OwnedFd) -> String {
    match read_small(process.as_fd(), "comm").as_deref().map(|command| command.trim_end_matches('\n')) {
        None | Some("") => format!("pid {pid}"),
        Some(command) => format!("{command} (pid {pid})"),
    }
}

/// What the kernel writes in one go: these files are shorter than a page.
pub(super) fn read_small(at: BorrowedFd<'_>, path: &str) -> Option<String> {
    let file = rustix::fs::openat(at, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut buffer = [0_u8; 4096];
    let length = rustix::io::read(&file, &mut buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

fn number(name: &[u8]) -> Option<u32> {
    OsStr::from_bytes(name).to_str()?.parse().ok()
}

#[cfg(test)]
mod tests;
