//! Finds logs below the roots, nearest first, without following a link and without leaving local disks.
//! Bounded in entries, folders, logs and time, and says where it had to stop.

use std::{
    collections::{HashSet, VecDeque},
    ffi::{CStr, OsStr},
    fs,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use rustix::{
    fs::{AtFlags, Dir, DirEntry, FileType, Mode, OFlags, Statx, StatxFlags},
    io::Errno,
};

use super::{
    mounts::{Mounts, Shut},
    names,
};
use crate::{
    failure::plain,
    files::dir::FileId,
    report::{Incomplete, count},
    run::Shutdown,
};

/// A regular file that looks like a log, or like a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Where.
    pub path: PathBuf,
    /// Its length.
    pub size: u64,
    /// The space that it takes; a file with several names takes it once.
    pub allocated: u64,
    /// The last write.
    pub written: DateTime<Utc>,
    /// When the file was made, where the file system remembers.
    pub born: Option<DateTime<Utc>>,
    /// Which file.
    pub id: FileId,
}

/// What the walk found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) logs: Vec<LogFile>,
    /// Folders with logs in which every user may remove and replace files.
    pub(super) open_folders: Vec<PathBuf>,
    pub(super) incomplete: Vec<Incomplete>,
}

/// How far to go at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) entries: u64,
    pub(super) folders: u64,
    pub(super) logs: usize,
    pub(super) depth: u32,
    pub(super) time: Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { entries: 1_000_000, folders: 50_000, logs: 100_000, depth: 12, time: Duration::from_secs(15) }
    }
}

/// Looks below all of `roots`; those that are not there are no trouble.
pub(super) fn find(roots: &[PathBuf], mounts: &Mounts, bounds: Bounds, shutdown: &Shutdown) -> Found {
    let mut walk = Walk {
        found: Found::default(),
        mounts,
        bounds,
        entries: 0,
        folders: HashSet::new(),
        counted: HashSet::new(),
        until: Instant::now() + bounds.time,
        shutdown,
    };
    for root in roots {
        walk.root(root);
    }
    walk.found.logs.sort_by(|a, b| b.allocated.cmp(&a.allocated).then_with(|| a.path.cmp(&b.path)));
    walk.found
}

/// One file by its path; nothing when it is no regular file, or not for us to see.
pub(super) fn one(path: &Path) -> Option<LogFile> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
    let found = rustix::fs::statx(rustix::fs::CWD, path, flags, StatxFlags::BASIC_STATS | StatxFlags::BTIME).ok()?;
    log_file(path.to_owned(), &found)
}

/// A folder to look into.
struct Folder {
    path: PathBuf,
    depth: u32,
    trust: Trust,
}

/// Which files of a folder count as logs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// All: the root itself is a folder of logs.
    All,
    /// Those that can be logs: some folder above is called so.
    Data,
    /// Those whose names say so.
    Names,
}

struct Walk<'w> {
    found: Found,
    mounts: &'w Mounts,
    bounds: Bounds,
    entries: u64,
    folders: HashSet<FileId>,
    counted: HashSet<FileId>,
    until: Instant,
    shutdown: &'w Shutdown,
}

impl Walk<'_> {
    fn root(&mut self, root: &Path) {
        // A root may be a link, as its owner named it; below it none is followed.
        let real = match fs::canonicalize(root) {
            Ok(real) => real,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => return self.missing(format!("logs under {}", root.display()), &plain(&error)),
        };
        if let Some(Shut::Network(kind)) = self.mounts.holder(&real) {
            return self.network(&real, &kind);
        }
        let trust = if is_log_folder(real.file_name()) { Trust::All } else { Trust::Names };
        let mut queue = VecDeque::from([Folder { path: real, depth: 0, trust }]);
        let mut denied: u64 = 0;
        while let Some(folder) = queue.pop_front() {
            if let Some(why) = self.stop() {
                let left = queue.len() + 1;
                return self.missing(format!("{left} folders or more under {}", root.display()), why);
            }
            match self.folder(&folder, &mut queue) {
                Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(Errno::ACCESS | Errno::PERM) => denied += 1,
                Err(error) => self.missing(format!("logs in {}", folder.path.display()), &plain(&error.into())),
            }
        }
        if denied > 0 {
            let entry = Incomplete::new(format!("{} under {}", count(denied, "folder"), root.display()), "permission denied");
            self.found.incomplete.push(super::more_as_root(entry));
        }
    }

    fn folder(&mut self, folder: &Folder, queue: &mut VecDeque<Folder>) -> rustix::io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open: OwnedFd = rustix::fs::openat(rustix::fs::CWD, &folder.path, flags, Mode::empty())?;
        let own = look(&open, c"", AtFlags::EMPTY_PATH)?;
        if !self.folders.insert(FileId::of(&own)) {
            return Ok(());
        }
        let before = self.found.logs.len();
        for entry in Dir::read_from(&open)? {
            self.entries += 1;
            if self.stop().is_some() {
                break;
            }
            self.entry(folder, &open, &entry?, queue);
        }
        let others_may_replace = own.stx_mode & 0o1002 == 0o002;
        if others_may_replace && self.found.logs.len() > before {
            self.found.open_folders.push(folder.path.clone());
        }
        Ok(())
    }

    fn entry(&mut self, folder: &Folder, open: &OwnedFd, entry: &DirEntry, queue: &mut VecDeque<Folder>) {
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            return;
        }
        let path = folder.path.join(OsStr::from_bytes(name.to_bytes()));
        let text = name.to_string_lossy();
        match entry.file_type() {
            FileType::Directory => self.below(folder, path, &text, queue),
            FileType::RegularFile if counts(folder.trust, &text) => {
                if let Ok(found) = look(open, name, AtFlags::SYMLINK_NOFOLLOW) {
                    self.file(path, &found);
                }
            }
            FileType::Unknown => self.untyped(folder, path, &text, open, name, queue),
            _ => {}
        }
    }

    /// Some file systems do not say in the listing what a name stands for.
    fn untyped(&mut self, folder: &Folder, path: PathBuf, text: &str, open: &OwnedFd, name: &CStr, queue: &mut VecDeque<Folder>) {
        let Ok(found) = look(open, name, AtFlags::SYMLINK_NOFOLLOW) else { return };
        match FileType::from_raw_mode(found.stx_mode.into()) {
            FileType::Directory => self.below(folder, path, text, queue),
            FileType::RegularFile if counts(folder.trust, text) => self.file(path, &found),
            _ => {}
        }
    }

    fn below(&mut self, folder: &Folder, path: PathBuf, name: &str, queue: &mut VecDeque<Folder>) {
        // Large, and logs in there are nobody's concern.
        const NEVER: [&str; 6] = ["node_modules", ".git", ".cache", ".cargo", ".rustup", "site-packages"];
        if folder.depth + 1 > self.bounds.depth || NEVER.contains(&name) {
            return;
        }
        match self.mounts.shut(&path) {
            Some(Shut::Pseudo) => {}
            Some(Shut::Network(kind)) => self.network(&path, &kind),
            None => {
                let named = folder.trust == Trust::Names && is_log_folder(Some(OsStr::from_bytes(name.as_bytes())));
                let trust = if named { Trust::Data } else { folder.trust };
                queue.push_back(Folder { path, depth: folder.depth + 1, trust });
            }
        }
    }

    fn file(&mut self, path: PathBuf, found: &Statx) {
        let Some(log) = log_file(path, found) else { return };
        if found.stx_nlink == 1 || self.counted.insert(log.id) {
            self.found.logs.push(log);
        }
    }

    fn stop(&self) -> Option<&'static str> {
        if self.shutdown.asked() {
            return Some("stopped by a signal");
        }
        if self.entries > self.bounds.entries || self.folders.len() as u64 > self.bounds.folders {
            return Some("there is more than a survey looks at");
        }
        if self.found.logs.len() >= self.bounds.logs {
            return Some("there are more logs than a survey counts");
        }
        (Instant::now() > self.until).then_some("a survey takes seconds, and they were over")
    }

    fn network(&mut self, path: &Path, kind: &str) {
        self.missing(format!("logs under {}", path.display()), &format!("a network file system ({kind}), which may not answer"));
    }

    fn missing(&mut self, what: String, why: &str) {
        self.found.incomplete.push(Incomplete::new(what, why));
    }
}

fn log_file(path: PathBuf, found: &Statx) -> Option<LogFile> {
    let knows_birth = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::BTIME);
    let regular = FileType::from_raw_mode(found.stx_mode.into()) == FileType::RegularFile;
    regular.then(|| LogFile {
        path,
        size: found.stx_size,
        allocated: found.stx_blocks.saturating_mul(512),
        written: instant(found.stx_mtime.tv_sec).unwrap_or_default(),
        // Some file systems say that they know, and mean the epoch.
        born: instant(found.stx_btime.tv_sec).filter(|_| knows_birth && found.stx_btime.tv_sec > 0),
        id: FileId::of(found),
    })
}

fn counts(trust: Trust, name: &str) -> bool {
    match trust {
        Trust::All => true,
        Trust::Data => names::looks_like_log(name) || names::may_be_log(name),
        Trust::Names => names::looks_like_log(name),
    }
}

fn is_log_folder(name: Option<&OsStr>) -> bool {
    name.is_some_and(|name| name.eq_ignore_ascii_case("log") || name.eq_ignore_ascii_case("logs"))
}

fn look(at: &OwnedFd, name: &CStr, flags: AtFlags) -> rustix::io::Result<Statx> {
    let flags = flags | AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
    rustix::fs::statx(at, name, flags, StatxFlags::BASIC_STATS | StatxFlags::BTIME)
}

fn instant(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
}

#[cfg(test)]
mod tests;
