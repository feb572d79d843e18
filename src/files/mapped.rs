//! Which processes have a file mapped into memory that they share with it: they may write to it without a
//! descriptor. Asked where a read lease does not tell, and before a log that stays open is cut. Looks at /proc, and never at
//! the file.
//!
//! A mapping counts as a writer also while it is read-only: the process may make it writable.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    os::fd::OwnedFd,
    path::Path,
};

use rustix::{
    fs::{Mode, OFlags},
    io::{Errno, Result},
};

use super::{
    dir::FileId,
    open_files::{Bounds, Coverage, Threads, each_process, ended, named},
};

/// Who has each of these files mapped, if anybody, and how much of the machine was seen. A file counts as found by its
/// device and inode or, where overlays and subvolumes may show others here, by its name.
pub(super) fn holders(proc: &Path, wanted: &[(FileId, Option<&str>)]) -> (HashMap<FileId, String>, Coverage) {
    let wanted: Vec<(FileId, Option<String>)> =
        wanted.iter().map(|(id, name)| (*id, name.map(|name| name.replace('\n', "\\012")))).collect();
    let mut found = HashMap::new();
    let coverage = each_process(proc, Bounds::default(), &mut |pid, process, coverage| {
        if found.len() == wanted.len() {
            return Ok(true);
        }
        each_mapping(pid, process, coverage, &mut |mapping| {
            for (id, _) in wanted.iter().filter(|(id, name)| mapping.is_of(*id, name.as_deref())) {
                found.entry(*id).or_insert_with(|| named(pid, process));
            }
        })
    });
    (found, coverage)
}

/// The first process that has this file mapped.
pub(super) fn holder(proc: &Path, id: FileId, name: &str) -> (Option<String>, Coverage) {
    let (mut found, coverage) = holders(proc, &[(id, Some(name))]);
    (found.remove(&id), coverage)
}

/// Shows every shared mapping of a process; whether all of them were seen. Its threads have one memory, which is that of
/// the others also when the first has ended and shows none any more.
fn each_mapping(pid: u32, process: &OwnedFd, coverage: &mut Coverage, visit: &mut dyn FnMut(&Mapping)) -> Result<bool> {
    if let Some(all) = mappings(process, visit)? {
        return Ok(all);
    }
    let mut threads = Threads::of(pid, process)?;
    while let Some(thread) = threads.next(coverage, Bounds::default())? {
        match threads.open(thread).and_then(|folder| mappings(&folder, visit)) {
            Ok(None) => {}
            Ok(Some(all)) => return Ok(all),
            Err(error) if ended(error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Shows those of one thread; none when it has no memory, as one that has ended and those of the kernel.
fn mappings(thread: &OwnedFd, visit: &mut dyn FnMut(&Mapping)) -> Result<Option<bool>> {
    /// More than any process may have, of the longest lines.
    const LARGEST: u64 = 256 << 20;
    let maps = match rustix::fs::openat(thread, "maps", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
        // So do newer kernels say it, and older ones with an empty file.
        Err(Errno::SRCH) => return Ok(None),
        maps => maps?,
    };
    let mut lines = BufReader::new(File::from(maps).take(LARGEST));
    let (mut line, mut any) = (Vec::new(), false);
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(0) => return Ok(any.then_some(lines.get_ref().limit() > 0)),
            Ok(_) => {
                any = true;
                Mapping::shared(&String::from_utf8_lossy(&line)).iter().for_each(&mut *visit);
            }
            Err(error) => return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
        }
    }
}

/// A part of memory that is a file's.
struct Mapping<'a> {
    device: Option<u64>,
    inode: Option<u64>,
    path: Option<&'a str>,
}

impl<'a> Mapping<'a> {
    /// A line of `maps`, when it is a shared one: `from-to rw-s offset major:minor inode   path`.
    fn shared(line: &'a str) -> Option<Mapping<'a>> {
        let mut fields = line.trim_end_matches('\n').splitn(6, ' ');
        fields.nth(1).filter(|rights| rights.ends_with('s'))?;
        let (device, inode, path) = (fields.nth(1), fields.next(), fields.next());
        let hexadecimal = |text: &str| u32::from_str_radix(text, 16).ok();
        let device = device
            .and_then(|text| text.split_once(':'))
            .and_then(|(major, minor)| Some(rustix::fs::makedev(hexadecimal(major)?, hexadecimal(minor)?)));
        Some(Mapping { device, inode: inode.and_then(|text| text.parse().ok()), path })
    }

    fn is_of(&self, id: FileId, name: Option<&str>) -> bool {
        let same = self.device == Some(id.dev) && self.inode == Some(id.ino);
        let last = || Some(self.path?.rsplit_once('/')?.1);
        same || name.is_some_and(|name| last() == Some(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_mapping_is_known_by_its_inode_or_its_name() {
        let id = FileId { dev: rustix::fs::makedev(0, 0x2a), ino: 11 };
        let mapped = |rights: &str, device: &str, inode: u64, path: &str| {
            let line = format!("7fc18e735000-7fc18e736000 {rights} 00000000 {device} {inode}              {path}\n");
            Mapping::shared(&line).is_some_and(|mapping| mapping.is_of(id, Some("b c.log")))
        };
        assert!(mapped("rw-s", "00:2a", 11, "/var/log/x.log"));
        assert!(mapped("r--s", "00:2a", 11, ""), "it may be made writable");
        assert!(mapped("rw-s", "08:01", 12, "/var/log/b c.log"), "an overlay may show the file below it");
        for (rights, device, inode, path) in [
            ("rw-p", "00:2a", 11, "/var/log/b c.log"),
            ("rw-s", "00:2b", 11, "/var/log/c.log"),
            ("rw-s", "00:2a", 12, "/var/log/b c.log.1"),
            ("rw-s", "00:00", 0, ""),
        ] {
            assert!(!mapped(rights, device, inode, path), "{rights} {device} {inode} {path}");
        }
        assert!(Mapping::shared("").is_none() && Mapping::shared("[vsyscall]\n").is_none());
    }

    #[test]
    fn a_process_that_may_not_be_looked_into_leaves_it_open() {
        let proc = tempfile::tempdir().unwrap();
        for pid in ["1", "2"] {
            std::fs::create_dir_all(proc.path().join(pid).join("task").join(pid)).unwrap();
            std::fs::write(proc.path().join(pid).join("maps"), "").unwrap();
        }
        let look = || holder(proc.path(), FileId { dev: 1, ino: 1 }, "a.log");
        assert_eq!((look().1.processes, look().1.unreadable), (2, 0));
        std::fs::remove_file(proc.path().join("2/maps")).unwrap();
        std::os::unix::fs::symlink("maps", proc.path().join("2/maps")).unwrap();
        let (found, coverage) = look();
        assert!(found.is_none() && coverage.unreadable == 1 && !coverage.is_whole());
    }

    #[test]
    fn what_the_first_thread_left_mapped_is_seen_through_another() {
        let proc = tempfile::tempdir().unwrap();
        let thread = proc.path().join("7/task/8");
        std::fs::create_dir_all(&thread).unwrap();
        std::fs::create_dir(proc.path().join("7/task/7")).unwrap();
        std::fs::write(proc.path().join("7/comm"), "java\n").unwrap();
        std::fs::write(proc.path().join("7/maps"), "").unwrap();
        std::fs::write(thread.join("maps"), "7fc18e735000-7fc18e736000 rw-s 00000000 08:01 12 /var/log/a.log\n").unwrap();
        let id = FileId { dev: rustix::fs::makedev(8, 1), ino: 12 };
        let (found, coverage) = holder(proc.path(), id, "a.log");
        assert_eq!((found.as_deref(), coverage.threads), (Some("java (pid 7)"), 1));
        std::fs::remove_file(thread.join("maps")).unwrap();
        std::os::unix::fs::symlink("maps", thread.join("maps")).unwrap();
        let (found, coverage) = holder(proc.path(), id, "a.log");
        assert_eq!((found, coverage.unreadable), (None, 1), "it may not be looked into");
    }
}
