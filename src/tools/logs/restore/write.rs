//! A restored log gets its name here when it is whole, synced and proven. What stands under that name already stays.

use std::{
    fs::File,
    io::Write,
    path::{Component, Path},
};

use rustix::{fs::Mode, io::Errno};

use super::{Fetched, Key, Object, compress, form};
use crate::{
    failure::{Doing, Failure, Result},
    files::{
        dir::{Dir, Kind},
        fingerprint,
    },
    report::Outcome,
};

/// Writes the text of an object below `target`; how that went.
pub(super) fn write(target: &Dir, place: &Path, object: &Object, fetched: &Fetched, key: &Key) -> Result<(String, Outcome)> {
    let mut names: Vec<&str> =
        place.components().filter_map(|part| if let Component::Normal(name) = part { name.to_str() } else { None }).collect();
    let name = names.pop().ok_or_else(|| Failure::new("name", &object.key))?;
    let mut way: Vec<Dir> = Vec::new();
    for folder in names {
        let next = way.last().unwrap_or(target).folder_made(folder, Mode::RWXU)?;
        way.push(next);
    }
    let folder = way.last().unwrap_or(target);
    if let Some(stat) = folder.stat(name)? {
        let same = stat.kind == Kind::File
            && stat.size == object.size
            && fingerprint::of_file(&folder.read(name)?, object.size)? == object.sha256;
        return Ok(if same {
            ("it is there already, with the same text".to_owned(), Outcome::Kept)
        } else {
            ("something else is there under that name, and stays; restore into another folder".to_owned(), Outcome::Skipped)
        });
    }
    let part = format!(".{name}.part");
    folder.remove(&part)?;
    let file = folder.create(&part)?;
    let written = text(&file, object, fetched, key, &folder.shown(name)).and_then(|()| folder.rename(&part, name));
    if let Err(failure) = written {
        folder.remove(&part)?;
        let taken = failure.errno == Some(Errno::EXIST);
        return if taken { Ok(("something came there meanwhile, and stays".to_owned(), Outcome::Skipped)) } else { Err(failure) };
    }
    way.iter().rev().chain([target]).try_for_each(Dir::sync)?;
    Ok((format!("{}, as the manifest names it", super::times(object)), Outcome::Done))
}

/// The proven text; compared once more when it is written.
fn text(file: &File, object: &Object, fetched: &Fetched, key: &Key, shown: &str) -> Result<()> {
    let mut into = file;
    compress::read(&fetched.file, form(key.as_str()), &mut |piece| into.write_all(piece).doing("write", shown))?;
    let last = object.times.map_or(object.rotated_at, |times| times.until);
    file.set_modified(last.into()).doing("set the time of", shown)?;
    file.sync_all().doing("sync", shown)?;
    if fingerprint::of_file(file, object.size)? == object.sha256 {
        Ok(())
    } else {
        Err(Failure::new("restore", shown).because("what was written reads back as something else"))
    }
}
