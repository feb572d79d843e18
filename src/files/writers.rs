//! Whether anybody can still write to a file. The kernel is asked with a read lease, which it refuses
//! while the file is open for writing anywhere, inherited descriptors included; where we may not ask,
//! /proc is searched; and what neither tells is unknown, never "nobody".
//!
//! A lease is not the whole truth everywhere. On overlayfs it does not see a writer that has the file mapped and
//! its descriptor closed, because the mapping holds the file below: there the mappings of all processes are looked
//! at too. On a network file system it says nothing of other machines.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    path::Path,
    time::{Duration, Instant},
};

use rustix::fs::inotify;
use serde::{Deserialize, Serialize};

use super::{
    dir::FileId,
    kernel::Lease,
    mapped,
    open_files::{self, Access, OpenFile},
    system, wait,
};
use crate::failure::plain;

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
    if let Some(name) = system::of(file).ok().and_then(system::shared_between_machines) {
        let unknown = Writers::Unknown(format!("on {name} another machine may have it open"));
        return search(Path::new("/proc"), file, id, &|_| unknown.clone());
    }
    match Lease::take(file.as_fd()) {
        Ok(_) => Writers::Nobody,
        Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Writers::Somebody(None),
        Err(refusal) => search(Path::new("/proc"), file, id, &|whole| {
            if whole {
                Writers::Nobody
            } else {
                Writers::Unknown(format!(
                    "the kernel does not tell ({}), and not every process can be looked into",
                    plain(&refusal)
                ))
            }
        }),
    }
}

/// Who has the file of that name in `folder` mapped where the lease behind a "nobody" could not see it, on overlayfs.
/// For who may look into all processes, which the owner of a log may not. A process that not even we may look into is
/// taken at the lease's word: in a container there is always one, and nothing would ever be archived.
pub fn mapped(folder: impl AsFd, name: &str, id: FileId) -> Option<String> {
    let overlay = system::of(folder).is_ok_and(|number| number == system::OVERLAY);
    overlay.then(|| mapped::holder(Path::new("/proc"), id, name).0).flatten()
}

/// Waits until nobody has the file open for writing, `patience` at most.
pub fn wait(file: &File, id: FileId, patience: Duration) -> Writers {
    let deadline = Instant::now() + patience;
    // Mostly nobody has it, and a watch costs milliseconds when it is given up.
    let writers = of(file, id);
    if patience.is_zero() || !matches!(writers, Writers::Somebody(_)) {
        return writers;
    }
    // Watching before asking again: a close between the two is then never missed.
    let Ok(watch) = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK) else { return of(file, id) };
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    if inotify::add_watch(&watch, path, inotify::WatchFlags::CLOSE_WRITE).is_err() {
        return of(file, id);
    }
    until_closed(watch.as_fd(), deadline, || of(file, id))
}

/// Asks after each event of `watch`, and again soon after it: the kernel tells of a close a moment before the file counts as
/// closed, and nobody may ever close it again.
fn until_closed(watch: BorrowedFd<'_>, deadline: Instant, ask: impl Fn() -> Writers) -> Writers {
    const SOON: Duration = Duration::from_millis(1);
    const SELDOM: Duration = Duration::from_secs(1);
    let mut pause = SOON;
    loop {
        let writers = ask();
        let now = Instant::now();
        if !matches!(writers, Writers::Somebody(_)) || now >= deadline {
            return writers;
        }
        let Ok(heard) = wait::ready(&[watch], deadline.min(now + pause)) else { return writers };
        pause = if heard.contains(&true) { SOON } else { SELDOM.min(pause * 2) };
        let mut drained = [std::mem::MaybeUninit::uninit(); 4096];
        while rustix::io::read(watch, &mut drained).is_ok_and(|(read, _)| !read.is_empty()) {}
    }
}

/// Names the processes that have the file open for writing, as far as we may see: for messages only.
pub fn name_them(id: FileId) -> Option<String> {
    name_all([id]).remove(&id)
}

/// The same for several files, with one look at all processes. A file that nobody is seen to have open is left out.
pub fn name_all(ids: impl IntoIterator<Item = FileId>) -> HashMap<FileId, String> {
    const NAMED: usize = 3;
    let ids: HashSet<FileId> = ids.into_iter().collect();
    let mut found: HashMap<FileId, Vec<String>> = HashMap::new();
    if ids.is_empty() {
        return HashMap::new();
    }
    let _ = open_files::each(Path::new("/proc"), &mut |open| {
        if ids.contains(&open.id) && is(open, open.id) {
            let named = found.entry(open.id).or_default();
            if named.len() < NAMED {
                named.push(format!("{} (pid {})", open.command, open.pid));
            }
        }
    });
    let listed = |mut named: Vec<String>| {
        named.dedup();
        named.join(", ")
    };
    found.into_iter().map(|(id, named)| (id, listed(named))).collect()
}

/// Whether `open` is this file and may write to it; what cannot be told counts as may.
fn is(open: &OpenFile<'_>, id: FileId) -> bool {
    open.id == id && open.access() != Some(Access::Read)
}

/// Who has it open or mapped here; when nobody does, what `nobody` makes of whether every process was seen.
fn search(proc: &Path, file: &File, id: FileId, nobody: &dyn Fn(bool) -> Writers) -> Writers {
    let mut found = None;
    let opened = open_files::each(proc, &mut |open| {
        if found.is_none() && is(open, id) {
            found = Some(format!("{} (pid {})", open.command, open.pid));
        }
    });
    if found.is_some() {
        return Writers::Somebody(found);
    }
    match mapped::holder(proc, id, &name(file)) {
        (Some(who), _) => Writers::Somebody(Some(who)),
        (None, mapped) => nobody(opened.is_whole() && mapped.is_whole()),
    }
}

/// The name that the file has now.
fn name(file: &File) -> String {
    let path = rustix::fs::readlink(format!("/proc/self/fd/{}", file.as_raw_fd()), Vec::new()).unwrap_or_default();
    let path = path.to_string_lossy().into_owned();
    path.rsplit_once('/').map(|(_, last)| last.to_owned()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, fs::OpenOptions, io::Write, os::unix::net::UnixStream};

    use super::*;
    use crate::files::{dir::stat_open, holder::Holder};

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

    #[test]
    fn a_close_that_is_told_before_the_file_counts_as_closed_is_not_waited_for_again() {
        let (watch, kernel) = UnixStream::pair().unwrap();
        watch.set_nonblocking(true).unwrap();
        let asked = Cell::new(0);
        let ask = || {
            asked.set(asked.get() + 1);
            match asked.get() {
                1 => (&kernel).write_all(b"closed").unwrap(),
                2 => {}
                _ => return Writers::Nobody,
            }
            Writers::Somebody(None)
        };
        let deadline = Instant::now() + Duration::from_mins(1);
        assert_eq!(until_closed(watch.as_fd(), deadline, ask), Writers::Nobody);
        assert!(Instant::now() < deadline, "only the deadline ended it");
    }

    #[test]
    fn without_a_lease_a_descriptor_is_found_and_nobody_needs_the_sight_of_all() {
        let folder = tempfile::tempdir().unwrap();
        // A name of its own: another file that is called so counts as this one where it is mapped.
        let path = folder.path().join(format!("{}.log", std::process::id()));
        let writer = Holder::of(">>", &path);
        let reader = File::open(&path).unwrap();
        let id = stat_open(&reader).unwrap().id;
        let told = |whole: bool| if whole { Writers::Nobody } else { Writers::Unknown(String::new()) };
        let look = || search(Path::new("/proc"), &reader, id, &told);
        assert!(matches!(look(), Writers::Somebody(Some(_))));
        drop(writer);
        assert!(!matches!(look(), Writers::Somebody(_)));
        assert_eq!(search(folder.path(), &reader, id, &told), Writers::Unknown(String::new()));
    }
}
