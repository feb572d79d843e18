//! A store in a folder: of this disk, or of one that is mounted.
//!
//! A key is a path below the folder. An object is written into a hidden part beside its name, synced, read again, and then
//! renamed, which never replaces; its folders are made as needed, and synced up to the store's own. No link is followed below
//! the folder, which itself is never made: where a disk is not mounted, nothing may look like the store.

use std::{fs::File, io::Write, path::Path};

use rustix::{
    fs::{Advice, Mode, fadvise},
    io::Errno,
};

use super::{Access, Body, Cold, Hold, Key, Moved, Name, Put, Removal, Standing, Store, Take, Tier, body::each_piece};
use crate::{
    failure::{Doing, Failure, Result},
    files::{
        dir::{Dir, Kind, Stat, stat_open},
        fingerprint::Fingerprint,
        part::{self, Part},
    },
};

/// Whoever queries the store may be another user of its group.
const FOLDERS: Mode = Mode::from_raw_mode(0o750);
/// The same for what lies in them.
const OBJECTS: Mode = Mode::from_raw_mode(0o640);

/// A store in a folder.
#[derive(Debug)]
pub(super) struct Folder(Dir);

impl Folder {
    /// The store in the folder at `path`, which must be there.
    pub(super) fn open(path: &Path) -> Result<Folder> {
        let missing = |failure: Failure| if failure.is_absence() { failure.hint("mount it, or make it") } else { failure };
        Dir::open(path).map(Folder).map_err(missing)
    }

    /// The folders on the way to a key, the store's own first; made as needed.
    fn way(&self, key: &Key) -> Result<Vec<Dir>> {
        let mut way: Vec<Dir> = Vec::new();
        for folder in key.parts().0 {
            let next = way.last().unwrap_or(&self.0).folder_made(folder, FOLDERS)?;
            way.push(next);
        }
        Ok(way)
    }

    /// The folder that a key lies in; None when there is none.
    fn folder(&self, key: &Key) -> Result<Option<Dir>> {
        let mut at: Option<Dir> = None;
        for folder in key.parts().0 {
            match at.as_ref().unwrap_or(&self.0).folder(folder) {
                Ok(next) => at = Some(next),
                Err(failure) if failure.is_absence() => return Ok(None),
                Err(failure) => return Err(failure),
            }
        }
        at.map_or_else(|| self.0.handle().map(|fd| Dir::from_fd(fd, self.0.path().to_owned())), Ok).map(Some)
    }

    /// What is under a key; None when that is no object.
    fn stat(&self, key: &Key) -> Result<Option<Stat>> {
        let Some(folder) = self.folder(key)? else { return Ok(None) };
        Ok(folder.stat(key.parts().1)?.filter(|stat| stat.kind == Kind::File))
    }

    /// The folder of that name; None when there is none.
    fn dir(&self, key: &Key) -> Result<Option<Dir>> {
        let Some(above) = self.folder(key)? else { return Ok(None) };
        match above.folder(key.parts().1) {
            Err(failure) if failure.is_absence() => Ok(None),
            opened => opened.map(Some),
        }
    }
}

impl Store for Folder {
    fn put(&self, key: &Key, body: &Body, moved: Moved) -> Result<Put> {
        let (way, name) = (self.way(key)?, key.parts().1);
        let folder = way.last().unwrap_or(&self.0);
        part::sweep(folder, &|whole| whole == name)?;
        let put = match folder.stat(name)? {
            Some(_) => Put::Taken,
            None => publish(folder, name, body, moved)?,
        };
        // Also of what was there already: who made it may have been killed before it was synced.
        way.iter().rev().chain([&self.0]).try_for_each(Dir::sync)?;
        Ok(put)
    }

    fn read(&self, key: &Key, take: Take) -> Result<()> {
        let absent = || Failure::of_system("read", self.shown(key), &Errno::NOENT.into());
        let folder = self.folder(key)?.ok_or_else(absent)?;
        let name = key.parts().1;
        let file = folder.read(name)?;
        if stat_open(&file)?.kind != Kind::File {
            return Err(Failure::new("read", folder.shown(name)).because("it is no ordinary file"));
        }
        each_piece(&file, &folder.shown(name), take)
    }

    fn walk(&self, folder: &Key, visit: &mut dyn FnMut(Name, u64) -> Result<()>) -> Result<()> {
        let mut left = vec![folder.clone()];
        while let Some(at) = left.pop() {
            let Some(dir) = self.dir(&at)? else { continue };
            let (mut names, mut others) = (Vec::new(), Vec::new());
            dir.each(|name, _| match name.map(|name| at.join(name).map(|key| (key, name.to_owned()))) {
                Ok(Some(both)) => names.push(both),
                Ok(None) | Err(_) => others.push(name.map_or_else(String::from_utf8_lossy, Into::into).into_owned()),
            })?;
            for (key, name) in names {
                match dir.stat(&name)? {
                    Some(stat) if stat.kind == Kind::File => visit(Name::Key(key), stat.size)?,
                    Some(stat) if stat.kind == Kind::Folder => left.push(key),
                    // Who follows a link finds something there.
                    Some(stat) => visit(Name::Other(key.to_string()), stat.size)?,
                    None => {}
                }
            }
            // What is hidden is on its way, or nobody looks at it; nothing of ours is in a folder of such a name.
            for name in others.into_iter().filter(|name| !name.starts_with('.')) {
                let size = dir.stat(&name).ok().flatten().filter(|stat| stat.kind == Kind::File).map_or(0, |stat| stat.size);
                visit(Name::Other(format!("{at}/{name}")), size)?;
            }
        }
        Ok(())
    }

    fn look(&self, key: &Key) -> Result<Option<Standing>> {
        let standing =
            |stat: Stat| Standing { size: stat.size, sha256: None, made_at: Some(stat.modified), access: Access::Ready };
        Ok(self.stat(key)?.map(standing))
    }

    fn held(&self, key: &Key) -> Result<Option<Hold>> {
        Ok(self.stat(key)?.filter(|stat| stat.locked).map(|_| Hold::Immutable))
    }

    // Without a sync: what a power cut brings back is known to be gone, and goes again. Folders stay, because somebody may be about to
    // put something there.
    fn remove(&self, keys: &[Key]) -> Vec<Result<Removal>> {
        let one = |key: &Key| {
            let Some(folder) = self.folder(key)? else { return Ok(Removal::Gone) };
            folder.remove(key.parts().1).map(|_| Removal::Gone)
        };
        keys.iter().map(one).collect()
    }

    fn thaw(&self, key: &Key, _: Cold, _: Tier, _: u16) -> Result<()> {
        Err(Failure::new("ask for", self.shown(key)).because("what is in a folder is there"))
    }

    fn shown(&self, key: &Key) -> String {
        format!("file://{}", self.0.shown(key.as_str()))
    }
}

/// Writes a part, proves it, and gives it its name.
fn publish(folder: &Dir, name: &str, body: &Body, moved: Moved) -> Result<Put> {
    let part = Part::of(folder, name)?;
    let shown = folder.shown(name);
    let published = write(&part.file, body, &shown, moved)
        .and_then(|()| rustix::fs::fchmod(&part.file, OBJECTS).doing("set the mode of", &shown))
        .and_then(|()| part.file.sync_all().doing("sync", &shown))
        .and_then(|()| prove(&part.file, body, &shown))
        .and_then(|()| part.publish(name));
    if !matches!(published, Ok(true)) {
        part.give_up()?;
    }
    published.map(|made| if made { Put::Made } else { Put::Taken })
}

fn write(mut into: &File, body: &Body, shown: &str, moved: Moved) -> Result<()> {
    body.read(shown, &mut |piece| {
        into.write_all(piece).doing("write", shown)?;
        moved(piece.len() as u64);
        Ok(())
    })
}

/// Reads what was written, and compares it with what was meant.
fn prove(written: &File, body: &Body, shown: &str) -> Result<()> {
    // What is only in memory proves nothing of the disk, or of who is behind a mount. Where this is not granted, it is all that there is.
    let _ = fadvise(written, 0, None, Advice::DontNeed);
    let mut hash = Fingerprint::default();
    each_piece(written, shown, &mut |piece| {
        hash.take(piece);
        Ok(())
    })?;
    let why = "what was written reads back as something else";
    if hash.hex() == body.sha256 { Ok(()) } else { Err(Failure::new("store", shown).because(why)) }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    fn put(store: &Folder, at: &str, text: &[u8]) -> Result<Put> {
        store.put(&key(at), &Body::of(text), &|_| ())
    }

    fn size(store: &Folder, at: &str) -> Option<u64> {
        store.look(&key(at)).unwrap().map(|found| found.size)
    }

    fn held(store: &Folder, at: &str) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        store.read(&key(at), &mut |piece| {
            all.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(all)
    }

    fn listed(store: &Folder, under: &str) -> Vec<(String, u64)> {
        let mut all = Vec::new();
        store
            .list(&key(under), &mut |key, size| {
                all.push((key.to_string(), size));
                Ok(())
            })
            .unwrap();
        all.sort();
        all
    }

    #[test]
    fn what_is_put_is_found_again_and_never_replaced() {
        let home = tempfile::tempdir().unwrap();
        let store = Folder::open(home.path()).unwrap();
        assert_eq!(put(&store, "logs/dt=1/a", b"first").unwrap(), Put::Made);
        assert_eq!(put(&store, "logs/dt=1/a", b"other").unwrap(), Put::Taken);
        assert_eq!(put(&store, "logs/b", b"").unwrap(), Put::Made);
        assert_eq!(held(&store, "logs/dt=1/a").unwrap(), b"first");
        assert_eq!((size(&store, "logs/dt=1/a"), size(&store, "logs/b")), (Some(5), Some(0)));
        assert_eq!((size(&store, "logs/c"), size(&store, "no/c")), (None, None));
        assert!(held(&store, "no/c").unwrap_err().is_absence());
        assert_eq!(listed(&store, "logs"), [("logs/b".to_owned(), 0), ("logs/dt=1/a".to_owned(), 5)]);
        assert_eq!(listed(&store, "no"), []);
    }

    #[test]
    fn what_is_not_what_was_recorded_is_not_stored() {
        let home = tempfile::tempdir().unwrap();
        let store = Folder::open(home.path()).unwrap();
        let path = home.path().join("x");
        let whole = Body::of(b"recorded");
        for text in ["recordes", "record", "recorded and more"] {
            fs::write(&path, text).unwrap();
            let file = File::open(&path).unwrap();
            let failure =
                store.put(&key("logs/a"), &Body::of_file(&file, whole.size, whole.sha256.clone()), &|_| ()).unwrap_err();
            assert!(failure.to_string().contains("not what was recorded"), "{failure}");
        }
        assert_eq!(fs::read_dir(home.path().join("logs")).unwrap().count(), 0, "nothing is left of it");
    }

    #[test]
    fn what_a_killed_run_left_is_no_object_and_in_nobodys_way() {
        let home = tempfile::tempdir().unwrap();
        let store = Folder::open(home.path()).unwrap();
        fs::create_dir(home.path().join("logs")).unwrap();
        fs::write(home.path().join("logs/.a.part"), "half").unwrap();
        assert_eq!((listed(&store, "logs"), size(&store, "logs/a")), (vec![], None));
        assert_eq!(put(&store, "logs/a", b"whole").unwrap(), Put::Made);
        assert_eq!(fs::read_dir(home.path().join("logs")).unwrap().count(), 1);
    }

    #[test]
    fn what_is_removed_is_gone_and_may_be_put_there_again() {
        let home = tempfile::tempdir().unwrap();
        let store = Folder::open(home.path()).unwrap();
        put(&store, "logs/a", b"first").unwrap();
        put(&store, "logs/b", b"other").unwrap();
        assert_eq!(store.look(&key("logs/a")).unwrap().map(|found| (found.size, found.access)), Some((5, Access::Ready)));
        assert_eq!((store.held(&key("logs/a")).unwrap(), store.held(&key("logs/c")).unwrap()), (None, None));
        let came = store.remove(&[key("logs/a"), key("logs/c"), key("no/c")]);
        assert!(came.iter().all(|one| matches!(one, Ok(Removal::Gone))), "{came:?}");
        assert_eq!((store.look(&key("logs/a")).unwrap(), listed(&store, "logs")), (None, vec![("logs/b".to_owned(), 5)]));
        assert_eq!(put(&store, "logs/a", b"again").unwrap(), Put::Made);
    }

    #[test]
    fn no_link_leads_out_of_the_store() {
        let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Folder::open(home.path()).unwrap();
        fs::write(other.path().join("a"), "secret").unwrap();
        symlink(other.path(), home.path().join("logs")).unwrap();
        symlink(other.path().join("a"), home.path().join("a")).unwrap();
        assert!(put(&store, "logs/b", b"text").is_err() && !other.path().join("b").exists());
        assert!(held(&store, "logs/a").is_err() && held(&store, "a").is_err());
        assert_eq!(size(&store, "a"), None);
    }

    #[test]
    fn a_store_that_is_not_there_is_not_made() {
        let home = tempfile::tempdir().unwrap();
        let failure = Folder::open(&home.path().join("unmounted")).unwrap_err();
        assert!(failure.is_absence() && !home.path().join("unmounted").exists());
    }
}
