//! Whether everybody who writes to a file only ever appends to it. Somebody else would go on writing where he was after
//! the head is gone: no line lost, but a hole of zeros before the next one. Looks at /proc, and never at the file.
//!
//! What cannot be seen is unknown, never "nobody": a process that may not be looked into, or one outside of our PID
//! namespace. A descriptor in flight over a socket, or one that only `io_uring` holds, is seen by nobody.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    dir::{FileId, Stat},
    mapped,
    open_files::{self, Access, Coverage},
    wait,
};

/// How others write to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appending {
    /// Everybody appends, or nobody writes.
    Only,
    /// Somebody does otherwise: who, and how.
    Not(String),
    /// The kernel swaps to it.
    Swap,
    /// Not every writer can be seen, and why not.
    Unknown(Unseen),
}

/// Why not every writer can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// Not every process may be looked into; the first that may not, where that is known.
    Rights(Option<String>),
    /// There may be processes that are not listed here.
    Namespace,
    /// There are more processes than a run looks at.
    TooMany,
}

/// Looks once for all of these files, each with its name where that counts, too ([`super::system::shows_others`]).
pub fn of(wanted: &[(FileId, Option<&str>)]) -> HashMap<FileId, Appending> {
    /// A process that just begins or ends may not be looked into at that moment. Milliseconds.
    const PAUSES: [u64; 4] = [5, 20, 60, 120];
    if wanted.is_empty() {
        return HashMap::new();
    }
    let mut judged = look(Path::new("/proc"), wanted);
    for pause in PAUSES {
        if !judged.values().any(|how| matches!(how, Appending::Unknown(Unseen::Rights(_)))) {
            break;
        }
        // Nothing is watched, so only the deadline ends it; an error only ends it sooner.
        let _ = wait::ready(&[], Instant::now() + Duration::from_millis(pause));
        judged = look(Path::new("/proc"), wanted);
    }
    judged
}

fn look(proc: &Path, wanted: &[(FileId, Option<&str>)]) -> HashMap<FileId, Appending> {
    let ids: HashSet<FileId> = wanted.iter().map(|(id, _)| *id).collect();
    let mut found: HashMap<FileId, Appending> = HashMap::new();
    let opened = open_files::each(proc, &mut |open| {
        if !ids.contains(&open.id) || found.contains_key(&open.id) {
            return;
        }
        let how = match open.access() {
            Some(Access::Read | Access::Append) => return,
            Some(Access::Write) => "has it open without O_APPEND, and would leave a hole of zeros",
            None => "has it open, and how cannot be seen",
        };
        found.insert(open.id, Appending::Not(format!("{} (pid {}) {how}", open.command, open.pid)));
    });
    let (mapped, seen) = mapped::holders(proc, wanted);
    for (id, who) in mapped {
        found.entry(id).or_insert_with(|| Appending::Not(format!("{who} has it mapped into memory, and may write to it there")));
    }
    for swap in swap_files(proc).unwrap_or_default().iter().filter(|id| ids.contains(id)) {
        found.insert(*swap, Appending::Swap);
    }
    let others = [opened, seen].into_iter().find_map(unseen).map_or(Appending::Only, Appending::Unknown);
    ids.into_iter().map(|id| (id, found.remove(&id).unwrap_or_else(|| others.clone()))).collect()
}

fn unseen(coverage: Coverage) -> Option<Unseen> {
    match coverage {
        whole if whole.is_whole() => None,
        Coverage { sees_all_namespaces: false, .. } => Some(Unseen::Namespace),
        Coverage { stopped_early: true, .. } => Some(Unseen::TooMany),
        Coverage { first_unreadable, .. } => Some(Unseen::Rights(first_unreadable)),
    }
}

/// The files that are used as swap space, as far as that is told here.
fn swap_files(proc: &Path) -> io::Result<Vec<FileId>> {
    let text = fs::read_to_string(proc.join("swaps"))?;
    let paths = text.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    Ok(paths.filter_map(|path| Stat::of_path(Path::new(&path.replace("\\040", " "))).ok()).map(|stat| stat.id).collect())
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};

    use super::*;
    use crate::files::{dir::stat_open, holder::Holder};

    fn judged(file: &File) -> Appending {
        let id = stat_open(file).unwrap().id;
        // By its inode alone: of that name any process of the machine may have a file.
        of(&[(id, None)]).remove(&id).unwrap()
    }

    #[test]
    fn who_appends_is_welcome_and_who_writes_elsewhere_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        let appender = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        assert!(!matches!(judged(&appender), Appending::Not(_)));
        let writer = Holder::of(">", &path);
        let Appending::Not(who) = judged(&appender) else { panic!("not seen") };
        assert!(who.contains("without O_APPEND") && who.contains(&format!("(pid {})", writer.id())), "{who}");
        drop(writer);
        assert!(!matches!(judged(&appender), Appending::Not(_)));
    }

    #[test]
    fn nobody_is_believed_only_where_everybody_is_seen() {
        let proc = tempfile::tempdir().unwrap();
        let id = FileId { dev: 1, ino: 2 };
        let judged = look(proc.path(), &[(id, Some("app.log"))]);
        assert_eq!(judged[&id], Appending::Unknown(Unseen::Namespace));
        let seen = Coverage { processes: 9, sees_all_namespaces: true, ..Coverage::default() };
        assert_eq!(unseen(seen.clone()), None);
        let first = || Some("sshd (pid 7)".to_owned());
        let denied = Coverage { unreadable: 1, first_unreadable: first(), ..seen.clone() };
        assert_eq!(unseen(denied), Some(Unseen::Rights(first())));
        assert_eq!(unseen(Coverage { stopped_early: true, ..seen }), Some(Unseen::TooMany));
    }
}
