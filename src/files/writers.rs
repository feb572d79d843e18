//! Whether anybody can still write to a file. The kernel is asked with a read lease, which it refuses
//! while the file is open for writing anywhere, inherited descriptors included; where we may not ask,
//! /proc is searched; and what neither tells is unknown, never "nobody".

use std::{
    fs::File,
    io,
    os::fd::{AsFd, AsRawFd},
    path::Path,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify,
};
use serde::{Deserialize, Serialize};

use super::{
    dir::FileId,
    kernel::Lease,
    open_files::{self, Access, OpenFile},
};

/// Who may still write to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Writers {
    /// Nobody has it open for writing.
    Nobody,
    /// Somebody has; who, when we could find out.
    Somebody(Option<String>),
    /// We could not find out, and why.
    Unknown(String),
}

/// Asks now: the kernel, and where it does not answer, /proc.
pub fn of(file: &File, id: FileId) -> Writers {
    match Lease::take(file.as_fd()) {
        Ok(_) => Writers::Nobody,
        Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Writers::Somebody(None),
        Err(refusal) => search(Path::new("/proc"), id, &refusal),
    }
}

/// Waits until nobody has the file open for writing, `patience` at most.
pub fn wait(file: &File, id: FileId, patience: Duration) -> Writers {
    let deadline = Instant::now() + patience;
    // Watching before asking: a close between the two is then never missed.
    let Ok(watch) = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK) else { return of(file, id) };
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    if inotify::add_watch(&watch, path, inotify::WatchFlags::CLOSE_WRITE).is_err() {
        return of(file, id);
    }
    loop {
        let writers = of(file, id);
        let left = deadline.saturating_duration_since(Instant::now());
        if !matches!(writers, Writers::Somebody(_)) || left.is_zero() {
            return writers;
        }
        let timeout = Timespec::try_from(left).ok();
        let mut events = [PollFd::new(&watch, PollFlags::IN)];
        match poll(&mut events, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return writers,
        }
        let mut drained = [std::mem::MaybeUninit::uninit(); 4096];
        while rustix::io::read(&watch, &mut drained).is_ok_and(|(read, _)| !read.is_empty()) {}
    }
}

/// Names the processes that have the file open for writing, as far as we may see: for messages only.
pub fn name_them(id: FileId) -> Option<String> {
    const NAMED: usize = 3;
    let mut found = Vec::new();
    let _ = open_files::each(Path::new("/proc"), &mut |open| {
        if is(open, id) && found.len() < NAMED {
            found.push(format!("{} (pid {})", open.command, open.pid));
        }
    });
    found.dedup();
    (!found.is_empty()).then(|| found.join(", "))
}

/// Whether `open` is this file and may write to it; what cannot be told counts as may.
fn is(open: &OpenFile<'_>, id: FileId) -> bool {
    open.id == id && open.access() != Some(Access::Read)
}

fn search(proc: &Path, id: FileId, refusal: &io::Error) -> Writers {
    let mut found = None;
    let coverage = open_files::each(proc, &mut |open| {
        if found.is_none() && is(open, id) {
            found = Some(format!("{} (pid {})", open.command, open.pid));
        }
    });
    match found {
        Some(writer) => Writers::Somebody(Some(writer)),
        None if coverage.is_whole() => Writers::Nobody,
        None => Writers::Unknown(format!(
            "the kernel does not tell ({}), and not every process can be looked into",
            crate::failure::plain(refusal)
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::OpenOptions, io::Write};

    use super::*;
    use crate::files::dir::stat_open;

    #[test]
    fn a_writer_is_seen_while_it_has_the_file_open_and_awaited_until_it_closes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        let mut writer = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        writer.write_all(b"x\n").unwrap();
        let reader = File::open(&path).unwrap();
        let id = stat_open(&reader).unwrap().id;
        assert_eq!(of(&reader, id), Writers::Somebody(None));
        assert_eq!(wait(&reader, id, Duration::from_millis(20)), Writers::Somebody(None));
        let closing = std::thread::spawn(move || drop(writer));
        assert_eq!(wait(&reader, id, Duration::from_secs(30)), Writers::Nobody);
        closing.join().unwrap();
    }
}
