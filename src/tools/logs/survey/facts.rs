//! Asks the machine once, within bounds, and returns plain values. Alters nothing and decides nothing;
//! what could not be had is in `incomplete`.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::Read as _,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Survey,
    docker::{self, Docker},
    held::{self, Held, Holder},
    mounts::Mounts,
    names,
    walk::{self, Bounds, Found, LogFile},
};
use crate::{
    files::{dir::FileId, space::Space},
    report::Incomplete,
    run::Run,
    tools::logs::logrotate,
};

/// All that the survey knows of this machine.
#[derive(Debug)]
pub struct Facts {
    /// When it was asked.
    pub now: DateTime<Utc>,
    /// Logs and parts of logs, the largest first.
    pub logs: Vec<LogFile>,
    /// Folders with logs in which every user may remove and replace files.
    pub open_folders: Vec<PathBuf>,
    /// Who can write to a log.
    pub writers: HashMap<FileId, Vec<Holder>>,
    /// Whether every process could be asked, so that no writer means nobody writes.
    pub writers_are_known: bool,
    /// Deleted files that are still open, the largest first.
    pub held: Vec<Held>,
    /// What logrotate would do.
    pub logrotate: logrotate::Read,
    /// What is known of Docker's logs.
    pub docker: Docker,
    /// Compressed files that look as if their compression had not ended.
    pub leftovers: Vec<Leftover>,
    /// The file systems of the roots.
    pub disks: Vec<Disk>,
    /// What could not be had.
    pub incomplete: Vec<Incomplete>,
}

/// A compressed file beside its uncompressed original, or without any content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The compressed file.
    pub archive: PathBuf,
    /// The uncompressed file of the same name, when there is one.
    pub original: Option<PathBuf>,
    /// What is in the compressed file.
    pub state: ArchiveState,
}

/// What the first bytes of a compressed file tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveState {
    /// Nothing is in it.
    Empty,
    /// It does not begin as its name says.
    NoHeader,
    /// It begins well; whether it ends well is not known.
    Begun,
    /// We may not read it.
    Unknown,
}

/// The file system of a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// The first root on it.
    pub path: PathBuf,
    /// How large it is, and what is free.
    pub space: Space,
}

/// Asks once.
pub fn gather(survey: &Survey, run: &Run) -> Facts {
    let now = run.clock.now();
    let mounts = Mounts::read(&survey.proc);
    let Found { mut logs, open_folders, mut incomplete } = walk::find(&survey.roots, &mounts, Bounds::default(), &run.shutdown);
    let docker = docker::read(&survey.docker, &survey.daemon, &mut incomplete);
    add_containers(&mut logs, &docker);
    let known: HashSet<FileId> = logs.iter().map(|log| log.id).collect();
    let open = held::find(&survey.proc, &known);
    let writers_are_known = open.incomplete.is_empty();
    incomplete.extend(open.incomplete);
    let logrotate = if survey.logrotate.try_exists().unwrap_or(true) {
        logrotate::read(&survey.logrotate)
    } else {
        logrotate::Read::default()
    };
    incomplete.extend(logrotate.problems.iter().cloned());
    let leftovers = leftovers(&logs, &open.writers, now);
    let disks = disks(&survey.roots, &mounts);
    let (writers, held) = (open.writers, open.held);
    Facts { now, logs, open_folders, writers, writers_are_known, held, logrotate, docker, leftovers, disks, incomplete }
}

fn add_containers(logs: &mut Vec<LogFile>, docker: &Docker) {
    let present: HashSet<FileId> = logs.iter().map(|log| log.id).collect();
    for container in &docker.containers {
        logs.extend(walk::one(&container.log).filter(|log| !present.contains(&log.id)));
    }
    logs.sort_by(|a, b| b.allocated.cmp(&a.allocated).then_with(|| a.path.cmp(&b.path)));
}

/// A file being compressed just now looks the same, so what is young or open is left out.
fn leftovers(logs: &[LogFile], writers: &HashMap<FileId, Vec<Holder>>, now: DateTime<Utc>) -> Vec<Leftover> {
    let settled = TimeDelta::minutes(10);
    let paths: HashSet<&Path> = logs.iter().map(|log| log.path.as_path()).collect();
    let mut leftovers = Vec::new();
    for log in logs {
        let Some(name) = log.path.file_name().and_then(|name| name.to_str()) else { continue };
        let Some(packing) = names::packing(name) else { continue };
        let original = Some(log.path.with_file_name(names::unpacked(name))).filter(|path| paths.contains(path.as_path()));
        let young = now - log.written < settled || writers.contains_key(&log.id);
        if young || (original.is_none() && log.size > 0) {
            continue;
        }
        let state = if log.size == 0 { ArchiveState::Empty } else { begins_with(&log.path, packing.magic()) };
        leftovers.push(Leftover { archive: log.path.clone(), original, state });
    }
    leftovers
}

fn begins_with(path: &Path, magic: &[u8]) -> ArchiveState {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let opened = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let Ok(file) = opened else { return ArchiveState::Unknown };
    let mut head = Vec::new();
    match file.take(magic.len() as u64).read_to_end(&mut head) {
        Ok(_) if head == magic => ArchiveState::Begun,
        Ok(_) => ArchiveState::NoHeader,
        Err(_) => ArchiveState::Unknown,
    }
}

fn disks(roots: &[PathBuf], mounts: &Mounts) -> Vec<Disk> {
    let mut seen = HashSet::new();
    let mut disks = Vec::new();
    for root in roots.iter().filter(|root| mounts.holder(root).is_none()) {
        let Ok(device) = std::fs::metadata(root).map(|found| found.dev()) else { continue };
        let Ok(space) = Space::around(root) else { continue };
        if seen.insert(device) {
            disks.push(Disk { path: root.clone(), space });
        }
    }
    disks
}
