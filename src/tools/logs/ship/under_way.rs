//! What this machine began to put into one store in parts, one small record each in its state; and how what nobody goes on with is ended.
//! A record of another machine, whose disk this one has a copy of, is that machine's.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::{
    failure::{Doing, Failure, Result},
    files::fingerprint,
    run::Shutdown,
    store::{
        Key, Store,
        notes::{Begun, Notes},
    },
    tools::logs::{
        paper::{self, Paper},
        parcel::key,
    },
};

/// Nothing else in the state is called like this.
const NAME: &str = "upload-";

/// An object that was begun. Persisted: fields may be added, never renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The machine.
    pub host: String,
    /// The store.
    pub store: String,
    /// What was begun.
    #[serde(flatten)]
    pub begun: Begun,
}

impl Paper for Note {
    const FORMAT: &'static str = "opsbelt.logs.upload";
}

/// Everything that was begun, and not ended.
#[derive(Debug)]
pub(in crate::tools::logs) struct UnderWay<'a> {
    pub(in crate::tools::logs) state: &'a Path,
    pub(in crate::tools::logs) store: String,
    pub(in crate::tools::logs) host: &'a str,
    pub(in crate::tools::logs) shutdown: &'a Shutdown,
}

impl UnderWay<'_> {
    /// Ends what no parcel waits for any more. Who remembers nothing of the store asks it what this machine began there.
    pub(super) fn sweep(&self, store: &dyn Store, plan: &Plan, remembers: bool) -> Result<()> {
        // Where a ticket cannot be read, nobody knows what it waits for.
        if !plan.listed.unreadable.is_empty() {
            return Ok(());
        }
        let left = plan.left.iter().map(|(waiting, _)| waiting);
        let waits: HashSet<&str> = plan.parcels.iter().chain(left).map(|waiting| waiting.parcel.key.as_str()).collect();
        self.sweep_but(store, &|key| waits.contains(key), remembers)
    }

    /// Ends all but what is to become an object whose key `waits`.
    pub(in crate::tools::logs) fn sweep_but(
        &self,
        store: &dyn Store,
        waits: &dyn Fn(&str) -> bool,
        remembers: bool,
    ) -> Result<()> {
        let all = self.all()?;
        for (path, begun) in all.iter().filter(|(_, begun)| !waits(&begun.key)) {
            store.end(begun)?;
            forget(path)?;
        }
        if remembers {
            return Ok(());
        }
        let noted: HashSet<&str> = all.iter().map(|(_, begun)| begun.key.as_str()).collect();
        let folder = Key::new(key::LOGS).expect("it is one");
        // Who may not list them cannot end them either, and ships.
        let _ = store.end_all(&folder, &|key| key::is_of(key, self.host) && !noted.contains(key.as_str()));
        Ok(())
    }

    /// Whether it is known that there is nothing to end.
    pub(super) fn is_empty(&self) -> bool {
        self.all().is_ok_and(|all| all.is_empty())
    }

    /// What this machine began in this store, and where that is remembered.
    fn all(&self) -> Result<Vec<(PathBuf, Begun)>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(self.state).doing("list", self.state.display())? {
            let path = entry.doing("list", self.state.display())?.path();
            let named = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(NAME));
            if named && path.extension().is_some_and(|extension| extension == "json") {
                all.extend(self.read(&path)?.map(|begun| (path, begun)));
            }
        }
        Ok(all)
    }

    fn read(&self, path: &Path) -> Result<Option<Begun>> {
        let Some(text) = paper::kept(path, paper::LONGEST)? else { return Ok(None) };
        let note: Note = paper::read(&text).map_err(|why| {
            let hint = "move it away: what it tells of is begun anew, and the bucket's own rule ends what was begun before";
            Failure::new("read", path.display()).because(why).hint(hint)
        })?;
        Ok((note.store == self.store && note.host == self.host).then_some(note.begun))
    }

    fn path(&self, key: &str) -> PathBuf {
        let hash = fingerprint::of(format!("{} {key}", self.store).as_bytes());
        self.state.join(format!("{NAME}{}.json", &hash[..16]))
    }
}

impl Notes for UnderWay<'_> {
    fn recall(&self, key: &Key) -> Result<Option<Begun>> {
        Ok(self.read(&self.path(key.as_str()))?.filter(|begun| begun.key == key.as_str()))
    }

    fn remember(&self, begun: &Begun) -> Result<()> {
        let note = Note { host: self.host.to_owned(), store: self.store.clone(), begun: begun.clone() };
        paper::keep(&self.path(&begun.key), &note)
    }

    fn forget(&self, key: &Key) -> Result<()> {
        forget(&self.path(key.as_str()))
    }

    fn stops(&self) -> bool {
        self.shutdown.asked()
    }
}

fn forget(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).doing("remove", path.display()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ChecksumKind;

    fn begun(key: &str) -> Begun {
        Begun {
            key: key.to_owned(),
            upload: Some("id".to_owned()),
            part: 8,
            checksum: ChecksumKind::Crc64nvme,
            stored_sha256: "x".to_owned(),
            stored: 9,
            encoder: "zstd".to_owned(),
        }
    }

    fn under_way<'a>(state: &'a Path, store: &str, host: &'a str, shutdown: &'a Shutdown) -> UnderWay<'a> {
        UnderWay { state, store: store.to_owned(), host, shutdown }
    }

    #[test]
    fn what_is_remembered_is_recalled_until_it_is_forgotten_and_only_by_its_machine_for_its_store() {
        let (state, shutdown) = (tempfile::tempdir().unwrap(), Shutdown::default());
        let key = Key::new("logs/a").unwrap();
        let ours = under_way(state.path(), "s3://one", "web", &shutdown);
        ours.remember(&begun("logs/a")).unwrap();
        assert_eq!(ours.recall(&key).unwrap(), Some(begun("logs/a")));
        assert_eq!((ours.recall(&Key::new("logs/b").unwrap()).unwrap(), ours.all().unwrap().len()), (None, 1));
        for other in
            [under_way(state.path(), "s3://other", "web", &shutdown), under_way(state.path(), "s3://one", "db", &shutdown)]
        {
            assert_eq!((other.recall(&key).unwrap(), other.all().unwrap()), (None, vec![]));
        }
        ours.forget(&key).unwrap();
        ours.forget(&key).unwrap();
        assert_eq!(ours.recall(&key).unwrap(), None);
    }
}
