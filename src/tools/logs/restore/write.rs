//! A restored log gets its name here when it is whole, synced and proven. What stands under that name already stays.

use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
    fs::File,
    io::Write,
    path::{Component, Path},
};

use rustix::fs::Mode;

use super::{chosen::times, place::Placed, texts::Texts};
use crate::{
    failure::{Doing, Exit, Failure, Result},
    files::{
        dir::{Dir, Kind},
        fingerprint::{self, Fingerprint},
        part::{self, Part},
    },
    report::Outcome,
    tools::logs::manifest::archived::Archived,
};

/// No log lies deeper; each folder on the way is held open.
const DEEPEST: usize = 200;

/// Writes the text of an archive below `target`; how that went.
pub(super) fn write(target: &Dir, place: &Path, archived: &Archived, texts: &Texts) -> Result<(String, Outcome)> {
    let mut names: Vec<&str> =
        place.components().filter_map(|part| if let Component::Normal(name) = part { name.to_str() } else { None }).collect();
    let name = names.pop().ok_or_else(|| Failure::new("name", archived.keys()))?;
    if names.len() > DEEPEST {
        let why = format!("its log lies {} folders deep, says the manifest", names.len());
        return Err(Failure::new("restore", archived.keys()).because(why).exit(Exit::PersonNeeded));
    }
    let mut way: Vec<Dir> = Vec::new();
    for folder in names {
        let next = way.last().unwrap_or(target).folder_made(folder, Mode::RWXU)?;
        way.push(next);
    }
    let folder = way.last().unwrap_or(target);
    if let Some(there) = there(folder, name, archived)? {
        return Ok(there);
    }
    let part = Part::of(folder, name)?;
    let written = text(&part.file, archived, texts, &folder.shown(name)).and_then(|()| part.publish(name));
    if !matches!(written, Ok(true)) {
        part.give_up()?;
    }
    if !written? {
        let gone = || Failure::new("restore", folder.shown(name)).because("somebody else gives and takes that name");
        return there(folder, name, archived)?.ok_or_else(gone);
    }
    way.iter().rev().chain([target]).try_for_each(Dir::sync)?;
    Ok((format!("{}, as the manifest names it", times(archived)), Outcome::Done))
}

/// Removes what killed runs left of any of these.
pub(super) fn sweep(target: &Dir, archives: &[Placed]) -> Result<()> {
    let mut folders: HashMap<&Path, HashSet<&OsStr>> = HashMap::new();
    for (folder, name) in archives.iter().filter_map(|Placed { place, .. }| place.parent().zip(place.file_name())) {
        folders.entry(folder).or_default().insert(name);
    }
    for (folder, names) in folders {
        let mut way: Option<Dir> = None;
        let opened: Result<()> = folder.iter().filter_map(OsStr::to_str).try_for_each(|name| {
            way = Some(way.as_ref().unwrap_or(target).folder(name)?);
            Ok(())
        });
        match opened {
            Err(failure) if failure.is_absence() => {}
            Err(failure) => return Err(failure),
            Ok(()) => part::sweep(way.as_ref().unwrap_or(target), &|whole| names.contains(OsStr::new(whole)))?,
        }
    }
    Ok(())
}

/// What stands under that name already, if anything does: it stays.
fn there(folder: &Dir, name: &str, archived: &Archived) -> Result<Option<(String, Outcome)>> {
    let Some(stat) = folder.stat(name)? else { return Ok(None) };
    let same = stat.kind == Kind::File && stat.size == archived.size() && has_text(&folder.read(name)?, archived)?;
    Ok(Some(if same {
        ("it is there already, with the same text".to_owned(), Outcome::Kept)
    } else {
        ("something else is there under that name, and stays; restore into another folder".to_owned(), Outcome::Skipped)
    }))
}

/// Whether that file, which is as long, has its text; where nobody said what its parts are together, each of them.
fn has_text(file: &File, archived: &Archived) -> Result<bool> {
    if let Some(told) = archived.sha256() {
        return Ok(fingerprint::of_file(file, archived.size())? == told);
    }
    let mut to = 0_u64;
    for part in &archived.objects {
        let from = to;
        to = from.saturating_add(part.size);
        if fingerprint::of_stretch(file, from, to)? != part.sha256 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The proven text; compared once more when it is written.
fn text(file: &File, archived: &Archived, texts: &Texts, shown: &str) -> Result<()> {
    let mut into = file;
    let mut hash = Fingerprint::default();
    for object in &archived.objects {
        texts.proven(object)?.read(&mut |piece| {
            hash.take(piece);
            into.write_all(piece).doing("write", shown)
        })?;
    }
    let sha256 = hash.hex();
    if archived.sha256().is_some_and(|told| told != sha256) {
        let why = "its parts together are another text than the archive had";
        return Err(Failure::new("restore", shown).because(why).exit(Exit::PersonNeeded));
    }
    file.set_modified(archived.until().into()).doing("set the time of", shown)?;
    file.sync_all().doing("sync", shown)?;
    if fingerprint::of_file(file, archived.size())? == sha256 {
        Ok(())
    } else {
        Err(Failure::new("restore", shown).because("what was written reads back as something else"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        store::{self, Body, Key, Terms},
        tools::logs::manifest::{Object, tests::object},
    };

    #[test]
    fn a_log_beyond_measure_makes_no_folders() {
        let home = tempfile::tempdir().unwrap();
        let archived = Archived { host: "i".to_owned(), objects: vec![object("x", 0)] };
        let deep = "a/".repeat(DEEPEST + 1) + "name";
        let elsewhere = tempfile::tempdir().unwrap();
        let store = store::open(&format!("file://{}", elsewhere.path().display()).parse().unwrap(), &Terms::default()).unwrap();
        let texts = Texts::of(&*store, &|_| ());
        let failure = write(&Dir::open(home.path()).unwrap(), Path::new(&deep), &archived, &texts).unwrap_err();
        assert!(failure.to_string().contains("201 folders deep"), "{failure}");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn two_that_restore_one_log_at_a_time_never_meet_in_one_file() {
        let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = store::open(&format!("file://{}", elsewhere.path().display()).parse().unwrap(), &Terms::default()).unwrap();
        let text = b"a line\n";
        let body = Body::of(text);
        store.put(&Key::new("logs/x.log").unwrap(), &body, &|_| ()).unwrap();
        let (sha256, size) = (body.sha256.clone(), text.len() as u64);
        let of_it = Object {
            key: "logs/x.log".to_owned(),
            sha256: sha256.clone(),
            size,
            stored_sha256: sha256,
            stored: size,
            ..object("x", 0)
        };
        let archived = Archived { host: "i".to_owned(), objects: vec![of_it] };
        let restore = |moved: &dyn Fn(u64)| {
            let target = Dir::open(home.path()).unwrap();
            write(&target, Path::new("x"), &archived, &Texts::of(&*store, moved)).unwrap().1
        };
        // While the one has a part of it, the other comes and ends.
        let other = std::cell::Cell::new(None);
        let one = restore(&|_| other.set(Some(restore(&|_| ()))));
        assert_eq!((one, other.get()), (Outcome::Kept, Some(Outcome::Done)));
        let names: Vec<_> = std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!((names, std::fs::read(home.path().join("x")).unwrap()), (vec!["x".into()], text.to_vec()));
    }
}
