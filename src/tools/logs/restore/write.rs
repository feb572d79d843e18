//! A restored log gets its name here when it is whole, synced and proven. What stands under that name already stays.

use std::{
    fs::File,
    io::Write,
    path::{Component, Path},
};

use rustix::{fs::Mode, io::Errno};

use super::{Archived, texts::Texts};
use crate::{
    failure::{Doing, Exit, Failure, Result},
    files::{
        dir::{Dir, Kind},
        fingerprint::{self, Fingerprint},
    },
    report::Outcome,
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
    if let Some(stat) = folder.stat(name)? {
        let same = stat.kind == Kind::File
            && stat.size == archived.size()
            && archived.sha256() == Some(fingerprint::of_file(&folder.read(name)?, archived.size())?);
        return Ok(if same {
            ("it is there already, with the same text".to_owned(), Outcome::Kept)
        } else {
            ("something else is there under that name, and stays; restore into another folder".to_owned(), Outcome::Skipped)
        });
    }
    let part = format!(".{name}.part");
    folder.remove(&part)?;
    let file = folder.create(&part)?;
    let written = text(&file, archived, texts, &folder.shown(name)).and_then(|()| folder.rename(&part, name));
    if let Err(failure) = written {
        folder.remove(&part)?;
        let taken = failure.errno == Some(Errno::EXIST);
        return if taken { Ok(("something came there meanwhile, and stays".to_owned(), Outcome::Skipped)) } else { Err(failure) };
    }
    way.iter().rev().chain([target]).try_for_each(Dir::sync)?;
    Ok((format!("{}, as the manifest names it", super::times(archived)), Outcome::Done))
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
        store::{self, Terms},
        tools::logs::manifest::tests::object,
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
}
