//! Stories about acts on one log that somebody else changes meanwhile.

use std::{
    fs,
    os::unix::fs::{FileExt, MetadataExt},
};

use tempfile::TempDir;

use super::*;
use crate::files::identity::Identity;

/// A rotated log of 70 bytes, compressed and proven.
fn proven(home: &TempDir) -> (Here, Compress, Proven) {
    fs::write(home.path().join("app.log.1"), "a line\n".repeat(10)).unwrap();
    let dir = Dir::open(home.path()).unwrap();
    let file = dir.stat("app.log.1").unwrap().unwrap().id;
    let job = Compress::sample("app.log.1", file, 70);
    let here = Here::new(dir, None);
    let proven = here.compress(&job, &|_| ()).unwrap();
    (here, job, proven)
}

#[test]
fn what_was_archived_and_nothing_else_is_let_go() {
    let home = tempfile::tempdir().unwrap();
    let (here, job, proven) = proven(&home);
    assert_eq!(here.release(&job.source, job.file, job.hold, proven.version), Ok(Released::Gone));
    assert!(!home.path().join("app.log.1").exists());
}

#[test]
fn a_rewrite_after_the_proof_is_seen_whatever_size_and_time_it_pretends() {
    let home = tempfile::tempdir().unwrap();
    let (here, job, proven) = proven(&home);
    let path = home.path().join("app.log.1");
    let written = fs::metadata(&path).unwrap();
    // The clock of a file system may stand still for some milliseconds.
    while fs::metadata(&path).unwrap().ctime_nsec() == written.ctime_nsec() {
        let log = fs::File::options().write(true).open(&path).unwrap();
        log.write_all_at(b"A", 0).unwrap();
        log.set_modified(written.modified().unwrap()).unwrap();
    }
    let kept = here.release(&job.source, job.file, job.hold, proven.version).unwrap();
    assert_eq!(kept, Released::Changed("it was written to after it was archived".to_owned()));
    assert!(fs::read(&path).unwrap().starts_with(b"A line"));
}

#[test]
fn what_somebody_writes_to_again_stays() {
    let home = tempfile::tempdir().unwrap();
    let (here, job, proven) = proven(&home);
    let writer = fs::File::options().append(true).open(home.path().join("app.log.1")).unwrap();
    let kept = here.release(&job.source, job.file, job.hold, proven.version).unwrap();
    assert_eq!(kept, Released::Changed("somebody has it open for writing again".to_owned()));
    drop(writer);
    assert!(home.path().join("app.log.1").exists());
}

#[test]
fn only_what_was_proven_gets_the_final_name() {
    let home = tempfile::tempdir().unwrap();
    let (here, job, proven) = proven(&home);
    fs::rename(home.path().join(".part"), home.path().join("aside")).unwrap();
    fs::write(home.path().join(".part"), "something else").unwrap();
    let failure = here.publish(&job.part, "app.log.1.zst", proven.archive).unwrap_err();
    assert!(failure.to_string().ends_with("another file stands there now"), "{failure}");
    fs::remove_file(home.path().join("app.log.1.zst")).unwrap();
    fs::rename(home.path().join("aside"), home.path().join(".part")).unwrap();
    assert_eq!(here.publish(&job.part, "app.log.1.zst", proven.archive), Ok(Acted::Done));
}

#[test]
fn in_an_append_only_folder_no_name_is_made() {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let home = tempfile::tempdir().unwrap();
    let (here, job, _) = proven(&home);
    fs::remove_file(home.path().join(&job.part)).unwrap();
    let folder = fs::File::open(home.path()).unwrap();
    let flags = ioctl_getflags(&folder).unwrap_or(IFlags::empty());
    // Only root may, and not on every file system.
    if ioctl_setflags(&folder, flags | IFlags::APPEND).is_err() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "skipped: no root, or no flags on this file system");
        return;
    }
    let failures = [
        here.act(Act::Swap { live: job.source.clone(), archive: "app.log.2".to_owned(), file: job.file }, &|_| ()).unwrap_err(),
        here.compress(&job, &|_| ()).unwrap_err(),
    ];
    let names = fs::read_dir(home.path()).unwrap().count();
    ioctl_setflags(&folder, flags).unwrap();
    assert!(failures.iter().all(|failure| failure.to_string().contains("is immutable or append-only")), "{failures:?}");
    assert_eq!(names, 1);
}

#[test]
fn a_file_is_pinned_under_whatever_name_its_writer_shifted_it_to_and_no_other_in_its_place() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    fs::write(path("app.log.1"), "meant").unwrap();
    let dir = Dir::open(home.path()).unwrap();
    let meant = Identity::of(&dir, "app.log.1", &dir.stat("app.log.1").unwrap().unwrap());
    fs::rename(path("app.log.1"), path("app.log.2")).unwrap();
    fs::write(path("app.log.1"), "another").unwrap();
    let here = Here::new(dir, None);
    here.pin("app.log.1", "pin", &meant).unwrap();
    assert_eq!(fs::read_to_string(path("pin")).unwrap(), "meant");
    assert_eq!(here.pinned("pin", &meant), Ok(()));
    assert!(here.pinned("app.log.1", &meant).is_err());
    for name in ["pin", "app.log.2"] {
        fs::remove_file(path(name)).unwrap();
    }
    let gone = here.pin("app.log.1", "pin", &meant).unwrap_err();
    assert!(gone.to_string().contains("removed it a moment ago"), "{gone}");
    assert!(!path("pin").exists());
}
