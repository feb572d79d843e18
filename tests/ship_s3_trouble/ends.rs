//! What was begun in parts is to be ended, and the store refuses that as well: why the object was not made is told all the same, and the next
//! run goes on.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{LARGE, assert_there, scene};
use crate::support::{
    between::{Fate, Request},
    files,
    through::try_once,
};

/// What the story knows of the machine, as soon as there is one.
fn known() -> &'static OnceLock<PathBuf> {
    Box::leak(Box::default())
}

fn refused() -> Fate {
    Fate::error(403, "AccessDenied", "")
}

/// The one file there whose name begins and ends like that.
fn only(folder: &Path, begin: &str, end: &str) -> PathBuf {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let found: Vec<_> = names.filter(|name| name.starts_with(begin) && name.ends_with(end)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    folder.join(&found[0])
}

#[test]
fn what_read_as_something_else_for_a_while_is_told_although_nobody_may_end_its_upload() {
    /// Two parts fit into the memory, so that its end was not read before one of them got through.
    const LONGER: usize = 33 << 20;
    let data = known();
    let ends_with = |byte: u8| {
        let set = |file: &mut File| file.write_all_at(&[byte], file.metadata()?.len() - 1);
        files::with(File::options().write(true), data.get().unwrap(), set).unwrap();
    };
    let done = AtomicBool::new(false);
    let story = move |request: &Request, _: usize| {
        if request.is("PUT", "partNumber=") && !done.load(Ordering::Relaxed) {
            ends_with(b'?');
        }
        if request.is("DELETE", "uploadId") && !done.swap(true, Ordering::Relaxed) {
            ends_with(b'\n');
            return refused();
        }
        Fate::Passes
    };
    let Some((scene, bucket, _)) = scene(LONGER, "max-memory = \"16 MiB\"", story) else { return };
    data.set(only(&scene.spool().join("ready"), "", ".data")).unwrap();
    try_once(&scene).exits(3).says("what is to be stored is not what was recorded of it any more");
    assert_eq!(bucket.segments().len(), 0);
    try_once(&scene).exits(0);
    assert_there(&bucket, LONGER);
}

#[test]
fn what_could_not_be_noted_is_told_although_nobody_may_end_its_upload() {
    let state = known();
    let story = move |request: &Request, before: usize| {
        if request.is("POST", "?uploads") && before == 0 {
            // That it is going to begin is noted; what the store calls it cannot be.
            let note = only(state.get().unwrap(), "upload-", ".json");
            fs::rename(&note, note.with_extension("aside")).unwrap();
            fs::create_dir(&note).unwrap();
        }
        if request.is("DELETE", "uploadId") && before == 0 { refused() } else { Fate::Passes }
    };
    let Some((scene, bucket, _)) = scene(LARGE, "", story) else { return };
    state.set(scene.state().to_owned()).unwrap();
    try_once(&scene).exits(3).says("is a directory");
    assert_eq!((bucket.segments().len(), bucket.uploads().is_empty()), (0, false));

    let note = only(scene.state(), "upload-", ".json");
    fs::remove_dir(&note).unwrap();
    fs::rename(note.with_extension("aside"), &note).unwrap();
    try_once(&scene).exits(0);
    assert_there(&bucket, LARGE);
}
