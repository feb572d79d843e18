//! What is forgotten of logs that are gone: their names may never come back, as those of containers and of days do not.
//! Said with lines that every program of this version knows, so that none takes the ledger for damaged.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{Content, Line, Rotation};

/// When a log was last rotated of which that is not known any more.
const NEVER: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// How a log is gone. Whose volume may be missing is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Its folder is there.
    Alone,
    /// With its folder, and all that was in it.
    WithFolder,
}

impl Content {
    /// The lines that forget logs which are gone. All of a log stays while an entry is about it, while what was live is
    /// neither kept nor told to be lost, and while files that were collected may still be there.
    pub fn forgetting(&self, gone: &BTreeMap<String, Gone>) -> Vec<Line> {
        if gone.is_empty() {
            return Vec::new();
        }
        let named: HashSet<String> = self.entries.values().map(super::Entry::log_path).collect();
        let stays = |log: &str, gone: Gone| {
            named.contains(log) || self.live.contains_key(log) || (gone == Gone::Alone && self.collected.contains_key(log))
        };
        let gone = gone.iter().filter(|(log, gone)| !stays(log, **gone));
        gone.flat_map(|(log, _)| self.without(log)).collect()
    }

    fn without(&self, log: &str) -> Vec<Line> {
        let inodes: Vec<u64> = self.collected.get(log).into_iter().flatten().map(|one| one.taken.file.ino).collect();
        let rotated = self.last.contains_key(log) || self.seen.contains_key(log);
        let last = rotated.then(|| Line::Last { log: log.to_owned(), root: None, at: NEVER });
        Line::passed(log, None, &inodes).into_iter().chain(self.heads.without(log)).chain(last).collect()
    }

    /// Logs of which more is remembered than what is in entries, and what was live.
    pub fn remembered(&self) -> BTreeSet<&str> {
        let logs = self.last.keys().chain(self.seen.keys()).chain(self.heads.logs()).chain(self.collected.keys());
        logs.map(String::as_str).collect()
    }

    /// On which file systems the folders of logs were.
    pub fn roots(&self) -> HashMap<&str, HashSet<&str>> {
        let mut roots: HashMap<&str, HashSet<&str>> = HashMap::new();
        let entries = self.entries.values().filter_map(|entry| Some((entry.folder.as_str(), entry.log_root()?)));
        let live = self.live.iter().filter_map(|(log, live)| Some((folder(log)?, live.root.as_deref()?)));
        let collected = self.collected.iter().flat_map(|(log, all)| all.iter().map(move |one| (log, one)));
        let collected = collected.filter_map(|(log, one)| Some((folder(log)?, one.root.as_deref()?)));
        let heads = self.heads.roots().filter_map(|(log, root)| Some((folder(log)?, root)));
        let last = self.last_roots.iter().filter_map(|(log, root)| Some((folder(log)?, root.as_str())));
        for (folder, root) in entries.chain(live).chain(collected).chain(heads).chain(last) {
            roots.entry(folder).or_default().insert(root);
        }
        roots
    }

    /// The log was last rotated then.
    pub(super) fn rotated(&mut self, log: String, root: Option<String>, at: DateTime<Utc>) {
        if at == NEVER {
            self.last_roots.remove(&log);
            let gone = [self.last.remove(&log).is_some(), self.seen.remove(&log).is_some()];
            self.dead += 1 + gone.into_iter().filter(|gone| *gone).count();
        } else {
            self.note(Some(Rotation { log, root, at }));
        }
    }
}

fn folder(log: &str) -> Option<&str> {
    log.rsplit_once('/').map(|(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        files::{
            cut::{Head, Place, Way},
            identity::Identity,
        },
        tools::logs::ledger::{Collected, Ledger, Live, Taken},
    };

    const LOG: &str = "/logs/app-1.log";

    fn file() -> Identity {
        Identity { ino: 7, born: None, generation: None }
    }

    /// All that can be remembered of a log without an entry.
    fn remembered() -> Vec<Line> {
        let place = Place { way: Way::Collapse, unit: 4096 };
        let (sha256, root) = ("0".repeat(64), Some("2-1-1".to_owned()));
        let head = Head { inode: 7, archived: 8, hole: 0, sha256, length: 80, layout: None, anchor: None, place };
        let taken = Taken { name: "app-1.log.1".to_owned(), file: file(), size: 1, modified: DateTime::UNIX_EPOCH, packed: None };
        let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000);
        vec![
            Line::Last { log: LOG.to_owned(), root: None, at },
            Line::Seen { log: LOG.to_owned(), inode: 7, since: at },
            Line::Head { log: LOG.to_owned(), root: root.clone(), head },
            Line::Collected { log: LOG.to_owned(), collected: Collected { taken, root } },
        ]
    }

    fn content(lines: Vec<Line>) -> Content {
        let mut content = Content::default();
        for line in lines {
            content.take(line);
        }
        content
    }

    fn gone(how: Gone) -> BTreeMap<String, Gone> {
        BTreeMap::from([(LOG.to_owned(), how)])
    }

    #[test]
    fn nothing_is_left_of_a_log_that_is_gone_and_every_line_of_it_counts_as_dead() {
        let mut content = content(remembered());
        assert_eq!(content.remembered(), BTreeSet::from([LOG]));
        assert_eq!(content.roots()["/logs"], HashSet::from(["2-1-1"]));
        let lines = content.forgetting(&gone(Gone::WithFolder));
        let dead = content.dead + lines.len() + remembered().len();
        for line in lines {
            content.take(line);
        }
        assert_eq!(content, Content { dead, ..Content::default() });
        assert_eq!(content.forgetting(&gone(Gone::WithFolder)), []);
    }

    #[test]
    fn however_much_is_forgotten_no_line_is_too_long_to_be_read_again() {
        let state = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::read(state.path(), "host").unwrap();
        let numbered =
            |ino| Taken { name: String::new(), file: Identity { ino, ..file() }, size: 1, modified: NEVER, packed: None };
        let collected = |ino| Collected { taken: numbered(ino), root: None };
        let lines = (0..60_000).map(|ino| Line::Collected { log: LOG.to_owned(), collected: collected(u64::MAX - ino) });
        ledger.append(lines.collect()).unwrap();
        ledger.append(ledger.content().forgetting(&gone(Gone::WithFolder))).unwrap();
        let again = Ledger::read(state.path(), "host").unwrap();
        assert!(again.damage().is_none());
        assert_eq!(again.content().collected.len(), 0);
        let long = Line::Passed { log: LOG.to_owned(), root: None, inodes: vec![u64::MAX; 60_000] };
        assert!(ledger.append(vec![long]).is_err());
        assert!(Ledger::read(state.path(), "host").unwrap().damage().is_none());
    }

    #[test]
    fn what_is_gone_on_one_file_system_may_be_there_on_another() {
        let mut both = content(remembered());
        for line in remembered() {
            if let Line::Collected { log, collected } = line {
                both.take(Line::Collected { log, collected: Collected { root: Some("64-2-0".to_owned()), ..collected } });
            }
        }
        for line in Line::passed(LOG, Some("2-1-1"), &[7]) {
            both.take(line);
        }
        let left: Vec<Option<&str>> = both.collected[LOG].iter().map(|one| one.root.as_deref()).collect();
        assert_eq!(left, [Some("64-2-0")]);
    }

    #[test]
    fn what_may_still_be_needed_is_not_forgotten() {
        assert_eq!(content(remembered()).forgetting(&BTreeMap::new()), [], "it is there, or nobody knows");
        assert_eq!(content(remembered()).forgetting(&gone(Gone::Alone)), [], "collected files may be there");
        let mut live = content(remembered());
        let file = Some(Live { file: file(), size: 1, at: DateTime::UNIX_EPOCH, root: None });
        live.take(Line::Live { log: LOG.to_owned(), file });
        assert_eq!(live.forgetting(&gone(Gone::WithFolder)), [], "what was live may be a gap");
    }
}
