//! The threads of one process besides its first. They share its memory always and its descriptors mostly: one that left the
//! common table, or whose first thread ended alone, holds files that the process does not show. Looks, and trusts nobody: who
//! is not known to share is looked at.

use std::os::fd::{AsFd, OwnedFd};

use rustix::{
    fs::Dir,
    io::{Errno, Result},
};

use super::{Bounds, Coverage, directory, number, read_small};
use crate::files::kernel::share_descriptors;

/// The threads of one process, as its folder lists them.
pub(in crate::files) struct Threads<'p> {
    pid: u32,
    process: &'p OwnedFd,
    entries: Dir,
    /// Whether the first one was listed: a process that is there has it.
    complete: bool,
}

impl<'p> Threads<'p> {
    /// Those of this process. One that is there without telling them may not be looked into.
    pub(in crate::files) fn of(pid: u32, process: &'p OwnedFd) -> Result<Threads<'p>> {
        let folder = directory(process, "task").map_err(|error| unless_it_is_there(error, process))?;
        Ok(Threads { pid, process, entries: Dir::new(folder)?, complete: false })
    }

    /// The next one, but not its first; none when there are no more, or more than `bounds`.
    pub(in crate::files) fn next(&mut self, coverage: &mut Coverage, bounds: Bounds) -> Result<Option<u32>> {
        while let Some(entry) = self.entries.read() {
            let Some(thread) = number(entry?.file_name().to_bytes()) else { continue };
            if thread == self.pid {
                self.complete = true;
                continue;
            }
            if coverage.threads >= bounds.threads {
                coverage.stopped_early = true;
                return Ok(None);
            }
            coverage.threads += 1;
            return Ok(Some(thread));
        }
        if self.complete { Ok(None) } else { Err(unless_it_is_there(Errno::SRCH, self.process)) }
    }

    /// The folder of one of them.
    pub(in crate::files) fn open(&self, thread: u32) -> Result<OwnedFd> {
        directory(self.process, format!("task/{thread}"))
    }
}

/// Nothing is there of a process that ended; of this one there is.
fn unless_it_is_there(error: Errno, process: &OwnedFd) -> Errno {
    if super::ended(error) && status(process).is_some() { Errno::ACCESS } else { error }
}

/// Tables of descriptors that were looked at, each by a thread that has it.
pub(super) struct Tables(Vec<u32>);

impl Tables {
    /// That of this thread.
    pub(super) fn with(thread: u32) -> Tables {
        Tables(vec![thread])
    }

    /// Whether this thread has one that was not looked at. Where the kernel does not say, it may have.
    pub(super) fn is_another(&mut self, thread: u32) -> bool {
        /// Of so many each is asked about: threads that all have their own would else be compared each with each.
        const MOST: usize = 16;
        if self.0.iter().any(|known| share_descriptors(*known, thread).unwrap_or(false)) {
            return false;
        }
        if self.0.len() < MOST {
            self.0.push(thread);
        }
        true
    }
}

/// Kernel threads hold no files, though an ordinary user is refused there as well.
pub(super) fn is_the_kernels(process: &OwnedFd) -> bool {
    const KERNEL_THREAD: u64 = 0x0020_0000;
    status(process).is_some_and(|(_, flags)| flags & KERNEL_THREAD != 0)
}

/// Whether it has, and only its number is left.
pub(super) fn has_ended(thread: &OwnedFd) -> bool {
    status(thread).is_some_and(|(state, _)| matches!(state, 'Z' | 'X' | 'x'))
}

/// The state of a thread and the kernel's flags for it.
fn status(thread: &OwnedFd) -> Option<(char, u64)> {
    let stat = read_small(thread.as_fd(), "stat")?;
    // The name in parentheses may hold anything, a parenthesis too.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    Some((fields.next()?.chars().next()?, fields.nth(5)?.parse().ok()?))
}
