//! Which processes have a file mapped into memory that they share with it: they may write to it without a
//! descriptor. Only asked where a read lease does not tell. Looks at /proc, and never at the file.
//!
//! A mapping counts as a writer also while it is read-only: the process may make it writable.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::fs::{Mode, OFlags};

use super::{
    dir::FileId,
    open_files::{Bounds, Coverage, each_process, read_small},
};

/// The first process that has this file mapped, and how much of the machine was seen. A file counts as found by its
/// device and inode or, because overlays and subvolumes may show others here, by its `name`.
pub(super) fn holder(proc: &Path, id: FileId, name: &str) -> (Option<String>, Coverage) {
    let name = name.replace('\n', "\\012");
    let mut found = None;
    let coverage = each_process(proc, Bounds::default(), &mut |pid, process, _| {
        if found.is_some() {
            return Ok(true);
        }
        let (maps, whole) = has_mapped(process, id, &name)?;
        if maps {
            let command = read_small(process.as_fd(), "comm").unwrap_or_default();
            found = Some(format!("{} (pid {pid})", command.trim_end_matches('\n')));
        }
        Ok(whole)
    });
    (found, coverage)
}

/// Whether this process has it mapped, and whether all of its mappings were seen.
fn has_mapped(process: &OwnedFd, id: FileId, name: &str) -> rustix::io::Result<(bool, bool)> {
    /// More than any process may have, of the longest lines.
    const LARGEST: u64 = 256 << 20;
    let maps = rustix::fs::openat(process, "maps", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut lines = BufReader::new(File::from(maps).take(LARGEST));
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = lines.read_until(b'\n', &mut line);
        match read {
            Ok(0) => return Ok((false, lines.get_ref().limit() > 0)),
            Ok(_) if means(&String::from_utf8_lossy(&line), id, name) => return Ok((true, true)),
            Ok(_) => {}
            Err(error) => return Err(rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO)),
        }
    }
}

/// Whether a line of `maps` is a shared mapping of that file: `from-to rw-s offset major:minor inode   path`.
fn means(line: &str, id: FileId, name: &str) -> bool {
    let mut fields = line.trim_end_matches('\n').splitn(6, ' ');
    let shared = fields.nth(1).is_some_and(|rights| rights.ends_with('s'));
    let (device, inode, path) = (fields.nth(1), fields.next(), fields.next());
    let hexadecimal = |text: &str| u32::from_str_radix(text, 16).ok();
    let device = device
        .and_then(|text| text.split_once(':'))
        .and_then(|(major, minor)| Some(rustix::fs::makedev(hexadecimal(major)?, hexadecimal(minor)?)));
    let same = device == Some(id.dev) && inode.and_then(|text| text.parse().ok()) == Some(id.ino);
    let called = || path.and_then(|path| path.rsplit_once('/')).is_some_and(|(_, last)| last == name);
    shared && (same || called())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_mapping_is_known_by_its_inode_or_its_name() {
        let id = FileId { dev: rustix::fs::makedev(0, 0x2a), ino: 11 };
        let mapped = |rights: &str, device: &str, inode: u64, path: &str| {
            means(&format!("7fc18e735000-7fc18e736000 {rights} 00000000 {device} {inode}              {path}\n"), id, "b c.log")
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
        assert!(!means("", id, "b c.log") && !means("[vsyscall]\n", id, "b c.log"));
    }

    #[test]
    fn a_process_that_may_not_be_looked_into_leaves_it_open() {
        let proc = tempfile::tempdir().unwrap();
        for pid in ["1", "2"] {
            std::fs::create_dir(proc.path().join(pid)).unwrap();
            std::fs::write(proc.path().join(pid).join("maps"), "").unwrap();
        }
        let look = || holder(proc.path(), FileId { dev: 1, ino: 1 }, "a.log");
        assert_eq!((look().1.processes, look().1.unreadable), (2, 0));
        std::fs::remove_file(proc.path().join("2/maps")).unwrap();
        std::os::unix::fs::symlink("maps", proc.path().join("2/maps")).unwrap();
        let (found, coverage) = look();
        assert!(found.is_none() && coverage.unreadable == 1 && !coverage.is_whole());
    }
}
