//! Folders: missing, linked, read-only, named twice; logrotate's own.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::chown},
    process::Command,
};

use crate::support::{
    files,
    filesystem::{Kind, Recipe},
    needs::{self, MOUNTS, Need},
    scenario::{Ran, Scenario, text_of},
    stories::{NOBODY, tool},
};

#[test]
fn a_missing_folder_or_file_is_told_and_the_rest_is_done() {
    for path in ["{logs}/none/*.log", "{logs}/none.log", "{logs}/none/deeper/app.log"] {
        let words = format!("paths = [\"{path}\", \"{{logs}}/good.log\"]\nwhen = \"1 KiB\"");
        let scene = Scenario::new().set(&words).log_of("good.log", 2000);
        let ran = scene.rotate().exits(3);
        assert_eq!(ran.steps("rotate", "skipped").len(), 1, "{path}: {ran:#?}");
        assert_eq!(scene.archives("good.log").len(), 1);
        let optional = Scenario::new().set(&format!("{words}\noptional = true")).log_of("good.log", 2000);
        assert_eq!(optional.rotate().exits(0).acts(), ["rotate done", "archive done"], "{path}");
    }
}

#[test]
fn a_pattern_that_meets_nothing_is_no_trouble() {
    let scene = Scenario::new().plain_set("");
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn a_missing_archive_folder_leaves_the_log_alone() {
    let scene = Scenario::new().plain_set("archive-dir = \"{root}/none\"").log_of("app.log", 2000);
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("rotate", "skipped", "app.log").contains("no such file or directory"), "{ran:#?}");
    assert_eq!(scene.files().len(), 1);
}

#[test]
fn a_file_of_two_sets_is_skipped_and_both_are_named() {
    let other = "[[log]]\nname = \"other\"\npaths = [\"{logs}/a*\"]\nwhen = \"1 KiB\"";
    let scene = Scenario::new().plain_set(other).log_of("app.log", 2000).log_of("b.log", 2000);
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("rotate", "skipped", "app.log").contains("several sets name it: app, other"), "{ran:#?}");
    assert_eq!(scene.archives("b.log").len(), 1);
    assert_eq!(scene.archives("app.log").len(), 0);
}

#[test]
fn two_patterns_of_one_set_meet_a_file_once() {
    let scene = Scenario::new().set("paths = [\"{logs}/*.log\", \"{logs}/app.*\"]\nwhen = \"1 KiB\"").log_of("app.log", 2000);
    assert_eq!(scene.rotate().exits(0).acts(), ["rotate done", "archive done"]);
}

#[test]
fn logs_behind_a_link_that_root_made_are_rotated_where_they_are() {
    let scene = Scenario::new().set("paths = [\"{root}/way/*.log\"]\nwhen = \"1 KiB\"").log_of("app.log", 2000);
    std::os::unix::fs::symlink(scene.logs(), scene.root().join("way")).unwrap();
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.steps("rotate", "done")[0]["subject"], scene.live("app.log").display().to_string());
    assert_eq!(scene.archives("app.log").len(), 1);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    scene.run(&["verify"]).exits(0).says("1 of 1");
}

#[test]
fn a_folder_whose_real_path_is_not_utf_8_is_refused_before_anything_happens() {
    for (name, set) in [("logs", ""), ("archives", "archive-dir = \"{root}/way\"")] {
        let real = OsStr::from_bytes(b"caf\xe9");
        let path = if set.is_empty() { "{root}/way/*.log" } else { "{logs}/*.log" };
        let scene = Scenario::new().set(&format!("paths = [\"{path}\"]\nwhen = \"1 KiB\"\n{set}")).log_of("app.log", 2000);
        fs::create_dir(scene.root().join(real)).unwrap();
        std::os::unix::fs::symlink(scene.root().join(real), scene.root().join("way")).unwrap();
        let log = if set.is_empty() { scene.root().join(real).join("app.log") } else { scene.live("app.log") };
        files::write(&log, "a line\n".repeat(1000)).unwrap();
        let ran = scene.rotate().exits(3);
        let why = ran.reason("rotate", "skipped", "app.log");
        assert!(why.contains("is not UTF-8") && why.contains("hint: rename that folder"), "{name}: {why}");
        assert_eq!(fs::metadata(&log).unwrap().len(), 7000, "{name}");
        assert_eq!(fs::read_dir(log.parent().unwrap()).unwrap().count(), 1, "{name}");
    }
}

#[test]
fn more_folders_than_descriptors_are_rotated_in_one_run() {
    const FOLDERS: usize = 320;
    if !needs::met(&[Need::Program("prlimit")]) {
        return;
    }
    let root = rustix::process::geteuid().is_root();
    let scene = Scenario::new().open_root().set("paths = [\"{logs}/*/app.log\"]\nwhen = \"1 KiB\"");
    for number in 0..FOLDERS {
        let folder = scene.logs().join(format!("{number:04}"));
        fs::create_dir(&folder).unwrap();
        files::write(folder.join("app.log"), text_of("app", 2000)).unwrap();
        // A child costs more of them.
        if root && number % 64 < 34 {
            chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
            chown(folder.join("app.log"), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    let real = scene.command(&["--format", "json", "rotate"]);
    let mut command = Command::new("prlimit");
    command.env_clear().arg("--nofile=256").arg(real.get_program()).args(real.get_args());
    scene.environment(&mut command);
    let ran = Ran::of(&mut command).exits(0);
    assert_eq!((ran.steps("rotate", "done").len(), ran.steps("archive", "done").len()), (FOLDERS, FOLDERS));
    assert_eq!(scene.files().len(), 2 * FOLDERS);
}

#[test]
fn a_log_that_two_ways_lead_to_is_rotated_once_and_never_lost() {
    let other = "[[log]]\nname = \"other\"\npaths = [\"{root}/way/*.log\"]\nwhen = \"1 KiB\"";
    let scene = Scenario::new().plain_set(other).log_of("app.log", 2000);
    std::os::unix::fs::symlink(scene.logs(), scene.root().join("way")).unwrap();
    let before = fs::read(scene.live("app.log")).unwrap();
    scene.rotate().exits(3);
    assert_eq!(scene.told("app.log"), before);
    scene.rotate();
    assert_eq!(scene.told("app.log"), before);
}

#[test]
fn a_read_only_file_system_costs_nothing_but_its_own_logs() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).mount();
    let words = format!("paths = [\"{{logs}}/*.log\", \"{}/*.log\"]\nwhen = \"1 KiB\"", disk.path().display());
    let scene = Scenario::new().set(&words).log_of("good.log", 2000);
    files::write(disk.path().join("bad.log"), vec![b'x'; 2000]).unwrap();
    tool("mount", &["-o", "remount,ro"], &disk.path());
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("rotate", "skipped", "bad.log").contains("read-only file system"), "{ran:#?}");
    assert_eq!(scene.archives("good.log").len(), 1);
    tool("mount", &["-o", "remount,rw"], &disk.path());
    assert_eq!(fs::read(disk.path().join("bad.log")).unwrap().len(), 2000);
    scene.rotate().exits(0);
    assert_eq!(fs::metadata(disk.path().join("bad.log")).unwrap().len(), 0);
}

const THEIRS: &str = "{logs}/app.log {\n    daily\n    rotate 7\n    copytruncate\n}\n";

fn with_logrotate(takeover: &str) -> Scenario {
    let scene = Scenario::new();
    let conf = scene.root().join("logrotate.conf");
    files::write(&conf, THEIRS.replace("{logs}", &scene.logs().display().to_string())).unwrap();
    let words = format!(
        "host = \"test\"\nlogrotate = \"{}\"\n[[log]]\nname = \"app\"\npaths = [\"{{logs}}/*.log\"]\nwhen = \"1 KiB\"\n{takeover}",
        conf.display()
    );
    scene.settings(&words).log_of("app.log", 2000).log_of("b.log", 2000)
}

#[test]
fn what_logrotate_rotates_is_left_to_it_and_the_plan_says_where_it_stands() {
    let scene = with_logrotate("");
    let plan = scene.run(&["--format", "json", "plan"]).exits(3);
    let why = plan.reason("rotate", "skipped", "app.log");
    assert!(why.contains("logrotate.conf:1") && why.contains("takeover = true"), "{why}");
    let ran = scene.rotate().exits(3);
    assert_eq!(ran.reason("rotate", "skipped", "app.log"), why);
    assert_eq!(scene.archives("app.log").len(), 0);
    assert_eq!(scene.archives("b.log").len(), 1, "the other log is not logrotate's");
    scene.run(&["--format", "json", "status"]).exits(3);
}

#[test]
fn takeover_rotates_it_all_the_same() {
    let scene = with_logrotate("takeover = true");
    scene.rotate().exits(0);
    assert_eq!(scene.archives("app.log").len(), 1);
}
