//! What running programs hold open: who writes to which log, and deleted files whose space is not free.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use super::names;
use crate::{
    files::{
        dir::FileId,
        open_files::{self, Access, Coverage, OpenFile, Target},
    },
    report::Incomplete,
};

/// Deleted files smaller than this are told only when they look like logs.
pub(super) const LARGE: u64 = 10 << 20;

/// A deleted file that some process keeps alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The name that it had.
    pub path: PathBuf,
    /// The space that is not free.
    pub allocated: u64,
    /// Who has it open, one entry a process.
    pub holders: Vec<Holder>,
}

/// A process that has a file open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// Its short name.
    pub command: String,
    /// The descriptor, as /proc names it.
    pub descriptor: u32,
    /// What it may do to the file; nothing when we may not know.
    pub access: Option<Access>,
}

/// The open files that matter to a survey of logs.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// Who can write to a log, by file.
    pub(super) writers: HashMap<FileId, Vec<Holder>>,
    pub(super) held: Vec<Held>,
    pub(super) incomplete: Vec<Incomplete>,
}

/// Asks /proc about `logs` and about deleted files.
pub(super) fn find(proc: &Path, logs: &HashSet<FileId>) -> Open {
    let mut open = Open::default();
    let mut held: BTreeMap<FileId, Held> = BTreeMap::new();
    // What we have open, we inherited: it says nothing of the machine.
    let us = std::process::id();
    let coverage = open_files::each(proc, &mut |file| {
        if file.pid == us {
            return;
        }
        if logs.contains(&file.id) {
            note(open.writers.entry(file.id).or_default(), file);
        } else if let Some(path) = deleted(file) {
            let entry = held.entry(file.id).or_insert_with(|| Held { path, allocated: file.allocated, holders: Vec::new() });
            note(&mut entry.holders, file);
        }
    });
    open.held = held.into_values().collect();
    open.held.sort_by(|a, b| b.allocated.cmp(&a.allocated).then_with(|| a.path.cmp(&b.path)));
    for writers in open.writers.values_mut() {
        writers.retain(|holder| holder.access != Some(Access::Read));
    }
    open.writers.retain(|_, writers| !writers.is_empty());
    open.incomplete = missing(coverage);
    open
}

/// One entry a process: of several descriptors the one that can write.
fn note(holders: &mut Vec<Holder>, file: &OpenFile<'_>) {
    const MOST: usize = 100;
    let access = file.access();
    if let Some(known) = holders.iter_mut().find(|holder| holder.pid == file.pid) {
        if known.access == Some(Access::Read) {
            (known.descriptor, known.access) = (file.descriptor, access);
        }
    } else if holders.len() < MOST {
        let (pid, descriptor) = (file.pid, file.descriptor);
        holders.push(Holder { pid, command: file.command.to_owned(), descriptor, access });
    }
}

fn deleted(file: &OpenFile<'_>) -> Option<PathBuf> {
    if file.allocated == 0 {
        return None;
    }
    let Target::Deleted(path) = file.target()? else { return None };
    // Memory that only looks like a file.
    let memory = ["/memfd:", "/dev/", "/SYSV", "/anon_hugepage", "/[", "/i915", "/drm"];
    if memory.iter().any(|prefix| path.to_string_lossy().starts_with(prefix)) {
        return None;
    }
    (file.allocated >= LARGE || is_log(&path)).then_some(path)
}

/// Whether a path is one of a log, by its name or by its folder.
pub(super) fn is_log(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    names::looks_like_log(&name) || (path.starts_with("/var/log") && names::may_be_log(&name))
}

fn missing(coverage: Coverage) -> Vec<Incomplete> {
    let mut missing = Vec::new();
    if coverage.processes == 0 && coverage.unreadable == 0 {
        missing.push(Incomplete::new("open files", "there is no /proc to ask"));
        return missing;
    }
    if coverage.unreadable > 0 {
        let first = coverage.first_unreadable.map(|first| format!(", such as {first}")).unwrap_or_default();
        let all = coverage.unreadable + coverage.processes;
        let what = format!("open files of {} of {all} processes{first}", coverage.unreadable);
        missing.push(super::more_as_root(Incomplete::new(what, "permission denied")));
    }
    if !coverage.sees_all_namespaces {
        missing.push(Incomplete::new("open files of processes outside", "only those of this container or user are listed"));
    }
    if coverage.stopped_early {
        missing.push(Incomplete::new("open files of some processes", "there are more than a survey looks at"));
    }
    missing
}
