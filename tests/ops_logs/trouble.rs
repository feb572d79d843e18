//! What cannot be rotated is skipped and told, and never stops the others.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::PathBuf,
};

use crate::support::{
    files,
    needs::{self, Need, TRACES},
    scenario::{Ran, Scenario},
    stories::{NOBODY, tool},
    strace::{self, Blow, Strike},
    trace::Call,
};

/// A good log beside the trouble, in a set of all `*.log`.
fn beside_a_good_log() -> Scenario {
    Scenario::new().plain_set("").log_of("good.log", 2000)
}

/// The good log was rotated, the other was not, and both stand in the report.
#[track_caller]
fn assert_skipped(scene: &Scenario, why: &str) {
    let before = fs::symlink_metadata(scene.live("bad.log")).unwrap();
    let plan = scene.run(&["--format", "json", "plan"]).exits(3);
    assert!(plan.reason("rotate", "skipped", "bad.log").contains(why), "{plan:#?}");
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("rotate", "skipped", "bad.log").contains(why), "{ran:#?}");
    assert_eq!(scene.archives("good.log").len(), 1, "{ran:#?}");
    assert_eq!(scene.archives("bad.log").len(), 0);
    let after = fs::symlink_metadata(scene.live("bad.log")).unwrap();
    assert_eq!((after.ino(), after.mode(), after.len()), (before.ino(), before.mode(), before.len()));
    assert_eq!(again(scene).steps("rotate", "skipped").len(), 1, "it is told again");
}

fn again(scene: &Scenario) -> Ran {
    scene.rotate().exits(3)
}

#[test]
fn a_symbolic_link_is_skipped_and_what_it_points_to_is_untouched() {
    let scene = beside_a_good_log().log_of("target.txt", 2000);
    std::os::unix::fs::symlink(scene.live("target.txt"), scene.live("bad.log")).unwrap();
    assert_skipped(&scene, "it is a symbolic link (hint: exclude it, or name the real file)");
    assert_eq!(scene.files()["target.txt"], fs::metadata(scene.live("target.txt")).unwrap().len());
    assert!(fs::metadata(scene.live("target.txt")).unwrap().len() >= 2000);
}

#[test]
fn a_log_with_two_names_is_skipped() {
    let scene = beside_a_good_log().log_of("bad.log", 2000);
    fs::hard_link(scene.live("bad.log"), scene.live("other-name")).unwrap();
    assert_skipped(&scene, "it has 2 hard links");
}

#[test]
fn a_fifo_is_skipped_and_never_opened() {
    let scene = beside_a_good_log();
    tool("mkfifo", &[], &scene.live("bad.log"));
    assert_skipped(&scene, "it is a FIFO");
}

#[test]
fn a_socket_is_skipped() {
    let scene = beside_a_good_log();
    let _socket = std::os::unix::net::UnixListener::bind(scene.live("bad.log")).unwrap();
    assert_skipped(&scene, "it is a socket");
}

#[test]
fn a_device_is_skipped() {
    if !needs::met(&[Need::Root, Need::Program("mknod")]) {
        return;
    }
    let scene = beside_a_good_log();
    super::support::process::must("mknod", &[scene.live("bad.log").as_os_str(), "c".as_ref(), "1".as_ref(), "3".as_ref()]);
    assert_skipped(&scene, "it is a character device");
}

/// Makes a file changeable again, so that the tree can be removed.
struct Unlocked(PathBuf);

impl Drop for Unlocked {
    fn drop(&mut self) {
        tool("chattr", &["-i", "-a"], &self.0);
    }
}

#[test]
fn an_immutable_or_append_only_log_is_skipped() {
    if !needs::met(&[Need::Root, Need::Program("chattr")]) {
        return;
    }
    for flag in ["+i", "+a"] {
        let scene = beside_a_good_log().log_of("bad.log", 2000);
        let _later = Unlocked(scene.live("bad.log"));
        tool("chattr", &[flag], &scene.live("bad.log"));
        assert_skipped(&scene, "it is immutable or append-only");
    }
}

#[test]
fn in_an_immutable_or_append_only_folder_nothing_is_begun() {
    if !needs::met(&[Need::Root, Need::Program("chattr"), Need::Program("setpriv")]) {
        return;
    }
    for (flag, owner, locked) in [("+a", 0, "logs"), ("+i", 0, "logs"), ("+a", NOBODY, "logs"), ("+a", 0, "archives")] {
        let set = if locked == "logs" { "" } else { "archive-dir = \"{root}/archives\"" };
        let scene = Scenario::new().plain_set(set).log_of("app.log", 2000);
        fs::create_dir(scene.root().join("archives")).unwrap();
        let scene = scene.owned("logs", owner, owner).owned("logs/app.log", owner, owner);
        let folder = scene.root().join(locked);
        let _later = Unlocked(folder.clone());
        tool("chattr", &[flag], &folder);
        for question in ["plan", "rotate", "rotate"] {
            let ran = scene.run(&["--format", "json", question]).exits(3);
            let why = ran.reason("rotate", "skipped", "app.log");
            assert!(why.contains("is immutable or append-only") && why.contains("hint: chattr -i -a"), "{why}");
        }
        assert_eq!(scene.files().len(), 1, "{flag} {locked}: {:?}", scene.files());
        tool("chattr", &["-i", "-a"], &folder);
        assert_eq!(scene.rotate().exits(0).acts(), ["rotate done", "archive done"]);
    }
}

#[test]
fn a_folder_of_that_name_is_no_log() {
    let scene = beside_a_good_log();
    fs::create_dir(scene.live("folder.log")).unwrap();
    scene.rotate().exits(0);
    let literal = Scenario::new().set("paths = [\"{logs}/app.log\"]\nwhen = \"1 KiB\"");
    fs::create_dir(literal.live("app.log")).unwrap();
    let ran = literal.rotate().exits(3);
    assert_eq!(ran.steps("rotate", "skipped").len(), 1);
}

#[test]
fn a_name_that_is_no_text_is_skipped_and_named() {
    let scene = beside_a_good_log();
    let name = OsStr::from_bytes(b"b\xffd.log");
    files::write(scene.logs().join(name), vec![b'x'; 2000]).unwrap();
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("rotate", "skipped", "d.log").contains("not UTF-8"), "{ran:#?}");
    assert_eq!(fs::metadata(scene.logs().join(name)).unwrap().len(), 2000);
    assert_eq!(scene.archives("good.log").len(), 1);
}

#[test]
fn a_name_too_long_for_its_archives_is_skipped() {
    let long = format!("{}.log", "n".repeat(230));
    let scene = beside_a_good_log().log_of(&long, 2000);
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("rotate", "skipped", &long).contains("leave room for"), "{ran:#?}");
    assert_eq!(scene.archives("good.log").len(), 1);
}

#[test]
fn what_is_excluded_is_silent() {
    let scene = Scenario::new().plain_set("exclude = [\"{logs}/bad*\"]").log_of("good.log", 2000).log_of("bad.log", 2000);
    std::os::unix::fs::symlink("/dev/null", scene.live("bad-link.log")).unwrap();
    files::write(scene.logs().join(OsStr::from_bytes(b"bad\xff.log")), "x").unwrap();
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.acts(), ["rotate done", "archive done"]);
    assert!(!ran.stdout.contains("bad"), "{ran:#?}");
}

#[test]
fn a_broken_archive_under_way_costs_only_its_own_log() {
    let scene = Scenario::new().plain_set("").log_of("a.log", 2000).log_of("b.log", 2000);
    let writers = ["a.log", "b.log"].map(|log| scene.writer(log));
    scene.rotate().exits(0);
    drop(writers);
    // Somebody puts another file where the rotated one was.
    let rotated = scene.archives("a.log").remove(0);
    fs::rename(scene.live(&rotated), scene.live("aside")).unwrap();
    files::write(scene.live(&rotated), "not what was rotated").unwrap();
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("archive", "skipped", &rotated).contains("another file stands"), "{ran:#?}");
    assert_eq!(fs::read_to_string(scene.live(&rotated)).unwrap(), "not what was rotated");
    assert!(scene.archives("b.log")[0].ends_with(".zst"));
}

#[test]
fn a_rotated_file_that_somebody_removed_is_told_once_as_lost() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let writer = scene.writer("app.log");
    scene.rotate().exits(0);
    drop(writer);
    fs::remove_file(scene.live(&scene.archives("app.log")[0])).unwrap();
    let ran = scene.rotate();
    assert_eq!(ran.code, Some(1), "a person is needed: {ran:#?}");
    assert_eq!(ran.json()["findings"][0]["id"], "logs.lost");
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn what_may_not_be_looked_at_is_not_absent() {
    if !needs::met(&[Need::Root, Need::Program("setpriv")]) {
        return;
    }
    let words = "paths = [\"{logs}/secret/app/*.log\"]\nwhen = \"1 KiB\"\noptional = true";
    let scene = Scenario::new().set(words).open_root();
    std::fs::create_dir(scene.live("secret")).unwrap();
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do", "nobody wants what is not there");
    fs::create_dir(scene.live("secret/app")).unwrap();
    let scene = scene.mode("logs/secret", 0o700).owned("state", NOBODY, NOBODY);
    let ran = scene.run_as(NOBODY, &["--format", "json", "plan"]).exits(3);
    assert!(ran.reason("rotate", "skipped", "secret/app").contains("permission denied"), "{ran:#?}");
}

#[test]
fn a_log_that_cannot_keep_its_owner_is_left_alone_by_plan_and_run_alike() {
    if !needs::met(&[Need::Root, Need::Program("setpriv")]) {
        return;
    }
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000).open_root();
    let scene = scene
        .owned("logs", NOBODY, NOBODY)
        .owned("state", NOBODY, NOBODY)
        .owned("logs/app.log", 0, 0)
        .mode("logs/app.log", 0o644);
    for word in ["plan", "rotate"] {
        let ran = scene.run_as(NOBODY, &["--format", "json", word]).exits(3);
        assert!(ran.reason("rotate", "skipped", "app.log").contains("it belongs to another user"), "{ran:#?}");
    }
    let told = scene.run_as(NOBODY, &["history"]).exits(0);
    told.says("nothing to do, 1 skipped; rotate ").says("it belongs to another user");
}

/// As on a disk whose folder has no block to spare for one more name.
#[test]
fn a_part_that_gets_no_name_leaves_no_debris() {
    const ALL: &str = "paths = [\"{logs}/*.log\"]\nwhen = \"1 KiB\"";
    if !needs::met(TRACES) {
        return;
    }
    for (words, file, left) in [
        (ALL.to_owned(), "app.log", 2),
        (format!("{ALL}\ncompress = \"gzip\"\narchive-dir = \"{{root}}/kept\""), "app.log", 2),
        (format!("{ALL}\nmethod = \"in-place\""), "app.log", 1),
        ("paths = [\"{logs}/app.log\"]\nmethod = \"collect\"".to_owned(), "app.log.1", 2),
    ] {
        let made = || {
            let scene = Scenario::new().seeing().log_of(file, 30_000).set(&words);
            fs::create_dir(scene.root().join("kept")).unwrap();
            scene
        };
        let rotate = |scene: &Scenario| scene.command(&["--format", "json", "rotate"]);
        let names = |call: &&Call| call.name == "renameat2" && call.args.iter().any(|arg| arg.contains(".part"));
        let whole = strace::run(&rotate(&made()), None);
        let naming = whole.trace.calls.iter().find(names).unwrap_or_else(|| panic!("{words}: {whole:#?}"));

        let scene = made();
        let full = Strike { call: naming.name.clone(), rank: naming.rank, blow: Blow::Error("ENOSPC") };
        let traced = strace::run(&rotate(&scene), Some(&full));
        assert!(traced.trace.calls.iter().any(|call| names(&call) && call.injected()), "{words}: {traced:#?}");
        let ran = Ran::from(traced.ended).exits(3);
        assert!(ran.steps("archive", "failed")[0]["reason"].to_string().contains("no space left on device"), "{ran:#?}");
        let in_archives = || fs::read_dir(scene.root().join("kept")).unwrap().count();
        assert_eq!((scene.files().len(), in_archives()), (left, 0), "{words}: {:?}", scene.files());

        assert_eq!(scene.rotate().exits(0).steps("archive", "done").len(), 1, "{words}");
        assert_eq!(scene.rotate().exits(0).steps("archive", "done").len(), 0, "{words}");
        scene.run(&["verify"]).exits(0).says("1 of 1");
    }
}
