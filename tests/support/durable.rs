//! A model of what would survive a power cut at each moment of a traced run, and the rules of what must.
//!
//! It grants the least that any file system grants: data is on the disk after a sync of that file, a name
//! after a sync of its folder, and everything after a `syncfs`. It believes no sync that strace answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::trace::{Act, Call, Trace};

/// The model's view of a run.
pub struct Model {
    /// The ledger whose records everything relies on.
    ledger: PathBuf,
    /// Names of the present whose file has data that is not on the disk.
    dirty: BTreeSet<PathBuf>,
    /// Names whose last change is not on the disk: made, taken away, exchanged.
    unsettled: BTreeSet<PathBuf>,
    /// Names of files that were synced in this run.
    synced: BTreeSet<String>,
    /// Records that were written and are not on the disk.
    unsynced: Vec<String>,
    /// What the records that are on the disk say.
    books: Books,
    /// What the records that were written say.
    written: Books,
    /// How many syncs found nothing of this run to settle: they are for what a killed run may have left.
    pub idle_syncs: Vec<(String, usize)>,
    /// Rules that were broken, with the call that broke them.
    pub broken: Vec<String>,
}

/// What the ledger says of each entry.
#[derive(Clone, Debug, Default)]
struct Books {
    /// The rotated name of each entry.
    names: BTreeMap<u64, String>,
    /// The log of each entry that is rotated in place.
    logs: BTreeMap<u64, PathBuf>,
    /// The archive of each entry.
    archives: BTreeMap<u64, String>,
    /// Entries that are about to be removed.
    removing: BTreeSet<u64>,
}

impl Model {
    /// Judges `trace`, given what the ledger said before it.
    pub fn judge(trace: &Trace, ledger: &Path, before: &str) -> Model {
        let mut books = Books::default();
        before.lines().for_each(|line| books.take(line));
        let mut model = Model {
            ledger: ledger.to_path_buf(),
            dirty: BTreeSet::new(),
            unsettled: BTreeSet::new(),
            synced: BTreeSet::new(),
            unsynced: Vec::new(),
            written: books.clone(),
            books,
            idle_syncs: Vec::new(),
            broken: Vec::new(),
        };
        for call in trace.calls.iter().filter(|call| call.worked()) {
            if let Some(act) = call.act() {
                model.check(call, &act);
                if matches!(&act, Act::SyncFile(path) if model.is_idle_sync(path)) {
                    model.idle_syncs.push((call.name.clone(), call.rank));
                }
                model.happen(act);
            }
        }
        let ledger_name = model.ledger.clone();
        model.must(!model.is_unsettled(&ledger_name), "the end of the run", "the ledger's name is not on the disk");
        model
    }

    /// The rules: what an act relies on must be on the disk before it.
    fn check(&mut self, call: &Call, act: &Act) {
        let shown = call.shown();
        match act {
            Act::Exchange { other, .. } => {
                let name = file_name(other);
                self.must(self.books.names.values().any(|known| *known == name), &shown, "the intent is not on the disk");
                let ledger = self.ledger.clone();
                self.must(!self.is_unsettled(&ledger), &shown, "the ledger's name is not on the disk");
            }
            Act::Rename { from, to } if *to == self.ledger => {
                self.must(!self.dirty.contains(from), &shown, "the new ledger's content is not on the disk");
            }
            Act::Write { path, bytes } if *path == self.ledger => {
                for line in records(bytes) {
                    self.check_record(&shown, &line);
                }
            }
            Act::Rename { to, .. } => {
                let stem = to.with_extension("");
                let made =
                    |books: &Books| books.logs.keys().any(|id| books.names.get(id).is_some_and(|name| *name == file_name(&stem)));
                self.must(!made(&self.written) || made(&self.books), &shown, "the intent is not on the disk");
            }
            Act::Cut(path) => {
                let ids = self.written.logs.iter().filter(|(_, log)| *log == path).map(|(id, _)| id);
                let proven = ids.max().is_none_or(|id| self.books.archives.contains_key(id));
                self.must(proven, &shown, "the record of the archive is not on the disk");
                let ledger = self.ledger.clone();
                self.must(!self.is_unsettled(&ledger), &shown, "the ledger's name is not on the disk");
            }
            Act::Remove(path) => self.check_removal(&shown, path),
            // The part of an archive may have any number of names; only a pin is found again by its intent.
            Act::Link { to, .. } if !file_name(to).starts_with('.') => {
                let name = file_name(to);
                self.must(self.books.names.values().any(|known| *known == name), &shown, "the intent is not on the disk");
                let ledger = self.ledger.clone();
                self.must(!self.is_unsettled(&ledger), &shown, "the ledger's name is not on the disk");
            }
            _ => {}
        }
    }

    /// A record may reach the disk as soon as it is written, so what it claims must be there already.
    fn check_record(&mut self, shown: &str, line: &str) {
        let record: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        let names =
            record["id"].as_u64().map(|id| [self.written.names.get(&id).cloned(), self.written.archives.get(&id).cloned()]);
        let told = [record["stage"].as_str(), record["line"].as_str()].into_iter().flatten().find_map(|word| match word {
            "swapped" | "told" => Some("the swap is not on the disk"),
            "stored" | "gone" => Some("the removal is not on the disk"),
            _ => None,
        });
        if record["stage"] == "stored" {
            let proven = record["id"].as_u64().is_some_and(|id| self.books.archives.contains_key(&id));
            self.must(proven, shown, "the record of the archive is not on the disk");
        }
        if let Some(otherwise) = told {
            let settled = !names.into_iter().flatten().flatten().any(|name| self.unsettled_name(&name));
            self.must(settled, shown, otherwise);
        }
        if record["line"] == "live" {
            // From here on nobody misses what was live before.
            let pinned = !self.written.names.values().any(|name| self.unsettled_name(name));
            self.must(pinned, shown, "the pin is not on the disk");
        }
        let mut claim = self.written.clone();
        claim.take(line);
        if let Some(log) = record["id"].as_u64().and_then(|id| claim.logs.get(&id)).cloned() {
            let settled = !self.dirty.contains(&log) && self.synced.contains(&file_name(&log));
            let known = matches!(record["stage"].as_str(), Some("intended"));
            self.must(settled || !known, shown, "what the log was when it was looked at is not on the disk");
            self.must(settled || record["stage"] != "stored", shown, "the cut is not on the disk");
        }
        let Some((id, archive)) = claim.archives.iter().find(|(id, _)| !self.written.archives.contains_key(id)) else { return };
        let rotated = claim.names.get(id).cloned().unwrap_or_default();
        // The log itself is the archive: what its writer did not sync, we must.
        let unsynced = *archive == rotated && !self.synced.contains(archive);
        self.must(!unsynced, shown, "the archive's content is not on the disk");
        let dirty = self.dirty.iter().any(|path| file_name(path) == *archive);
        self.must(!dirty, shown, "the archive's content is not on the disk");
        self.must(!self.unsettled_name(archive), shown, "the archive's name is not on the disk");
        self.must(!self.unsettled_name(&rotated), shown, "the swap is not on the disk");
    }

    fn check_removal(&mut self, shown: &str, path: &Path) {
        let name = file_name(path);
        let ids_of = |names: &BTreeMap<u64, String>| -> Vec<u64> {
            names.iter().filter(|(_, known)| **known == name).map(|(id, _)| *id).collect()
        };
        for id in ids_of(&self.written.names) {
            self.must(self.books.archives.contains_key(&id), shown, "the record of the archive is not on the disk");
        }
        for id in ids_of(&self.written.archives) {
            self.must(self.books.removing.contains(&id), shown, "the record of the removal is not on the disk");
        }
    }

    fn happen(&mut self, act: Act) {
        match act {
            Act::Create(path) | Act::MakeFolder(path) => drop(self.unsettled.insert(path)),
            Act::Link { to, .. } => {
                // Another's file: whether its writer synced it, nobody knows.
                self.dirty.insert(to.clone());
                self.unsettled.insert(to);
            }
            Act::Write { path, bytes } => {
                if path == self.ledger {
                    for line in records(&bytes) {
                        self.written.take(&line);
                        self.unsynced.push(line);
                    }
                }
                self.dirty.insert(path);
            }
            Act::Resize(path) | Act::Cut(path) => drop(self.dirty.insert(path)),
            Act::Rename { from, to } => self.rename(from, to),
            Act::Exchange { one, other } => {
                let (first, second) = (self.dirty.remove(&one), self.dirty.remove(&other));
                self.dirty.extend(first.then(|| other.clone()).into_iter().chain(second.then(|| one.clone())));
                self.unsettled.extend([one, other]);
            }
            Act::Remove(path) => {
                self.dirty.remove(&path);
                self.unsettled.insert(path);
            }
            Act::SyncFile(path) => self.sync(&path),
            Act::SyncAll(_) => {
                self.dirty.clear();
                self.unsettled.clear();
                self.settle_books();
            }
            Act::Open | Act::Attributes(_) | Act::Signal => {}
        }
    }

    fn rename(&mut self, from: PathBuf, to: PathBuf) {
        if self.dirty.remove(&from) {
            self.dirty.insert(to.clone());
        } else {
            self.dirty.remove(&to);
        }
        if to == self.ledger {
            // A rewritten ledger stands for all that was written; its content was checked before.
            self.settle_books();
        }
        self.unsettled.extend([from, to]);
    }

    fn is_idle_sync(&self, path: &Path) -> bool {
        path.is_dir() && !self.unsettled.iter().any(|name| name.parent() == Some(path))
    }

    fn sync(&mut self, path: &Path) {
        self.dirty.remove(path);
        self.synced.insert(file_name(path));
        // Syncing a folder settles the names in it, and nothing else: not its own, not their content.
        self.unsettled.retain(|name| name.parent() != Some(path));
        if *path == self.ledger {
            self.settle_books();
        }
    }

    fn settle_books(&mut self) {
        for line in self.unsynced.drain(..) {
            self.books.take(&line);
        }
    }

    fn unsettled_name(&self, name: &str) -> bool {
        self.unsettled.iter().any(|path| file_name(path) == name)
    }

    /// Whether the name, or that of a folder above, could still vanish.
    fn is_unsettled(&self, path: &Path) -> bool {
        path.ancestors().any(|above| self.unsettled.contains(above))
    }

    fn must(&mut self, holds: bool, call: &str, otherwise: &str) {
        if !holds {
            self.broken.push(format!("{otherwise} at {call}"));
        }
    }
}

impl Books {
    fn take(&mut self, line: &str) {
        let Ok(record) = serde_json::from_str::<serde_json::Value>(line) else { return };
        let Some(id) = record["id"].as_u64() else { return };
        if let Some(name) = record["name"].as_str() {
            self.names.insert(id, name.to_owned());
        }
        if let (Some(folder), Some(log), true) = (record["folder"].as_str(), record["log"].as_str(), record["cut"].is_object()) {
            self.logs.insert(id, Path::new(folder).join(log));
        }
        if let Some(file) = record["archive"]["file"].as_str() {
            self.archives.insert(id, file.to_owned());
        }
        match record["stage"].as_str() {
            Some("removing") => drop(self.removing.insert(id)),
            // It could not go.
            Some("stored") => drop(self.removing.remove(&id)),
            _ => {}
        }
    }
}

/// The lines of a write, as strace quotes it.
fn records(quoted: &str) -> Vec<String> {
    let text = quoted.trim_start_matches('"').trim_end_matches('"');
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, characters.as_str().chars().next()) {
            ('\\', Some('n')) => plain.push('\n'),
            ('\\', Some(other)) => plain.push(other),
            _ => {
                plain.push(character);
                continue;
            }
        }
        characters.next();
    }
    plain.lines().map(str::to_owned).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
