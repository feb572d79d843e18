//! Other people's folders: worked on with their rights and no more, or refused.

use std::{fs, os::unix::fs::MetadataExt};

use crate::support::{
    needs::{self, Need},
    scenario::Scenario,
    stories::{DAEMON, NOBODY},
};

const OTHERS: &[Need] = &[Need::Root, Need::Program("setpriv")];

#[test]
fn a_folder_that_everybody_writes_is_refused() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000).mode("logs", 0o777);
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("rotate", "skipped", "app.log").contains("writable by everybody"), "{ran:#?}");
    assert_eq!(scene.files().len(), 1);
    let scene = scene.mode("logs", 0o1777);
    scene.rotate().exits(0);
    assert_eq!(scene.archives("app.log").len(), 1, "a sticky one is fine");
}

#[test]
fn in_another_users_folder_everything_belongs_to_that_user() {
    if !needs::met(OTHERS) {
        return;
    }
    for compress in ["zstd", "gzip", "none"] {
        let scene =
            Scenario::new().plain_set(&format!("compress = \"{compress}\"\nkeep = {{ count = 2 }}")).log_of("app.log", 2000);
        let scene = scene
            .owned("logs", NOBODY, NOBODY)
            .owned("logs/app.log", NOBODY, NOBODY)
            .mode("logs", 0o755)
            .mode("logs/app.log", 0o604);
        let mut told = fs::read(scene.live("app.log")).unwrap();
        for number in 0..3 {
            scene.rotate().exits(0);
            let line = format!("{number} {}\n", "x".repeat(1500));
            scene.append("app.log", &line);
            told.extend_from_slice(line.as_bytes());
        }
        assert_eq!(scene.told("app.log").len(), 3 * 1503, "{compress}: the first one is gone, by the rule");
        assert!(told.ends_with(&scene.told("app.log")), "{compress}");
        for name in scene.files().keys() {
            let meta = fs::metadata(scene.live(name)).unwrap();
            assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (NOBODY, NOBODY, 0o604), "{compress}: {name}");
        }
        scene.run(&["verify"]).exits(0);
    }
}

#[test]
fn in_roots_folder_with_a_writing_group_the_logs_owner_acts() {
    if !needs::met(OTHERS) {
        return;
    }
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let scene =
        scene.owned("logs", 0, DAEMON).mode("logs", 0o775).owned("logs/app.log", NOBODY, DAEMON).mode("logs/app.log", 0o640);
    scene.rotate().exits(0);
    for name in scene.files().keys() {
        let meta = fs::metadata(scene.live(name)).unwrap();
        assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (NOBODY, DAEMON, 0o640), "{name}");
    }
}

#[test]
fn roots_own_log_in_another_users_folder_is_not_touched_with_roots_rights() {
    if !needs::met(OTHERS) {
        return;
    }
    let scene = Scenario::new().plain_set("").log_of("theirs.log", 2000).log_of("ours.log", 2000).mode("logs/ours.log", 0o600);
    let scene = scene.owned("logs", NOBODY, NOBODY).owned("logs/theirs.log", NOBODY, NOBODY);
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("rotate", "failed", "ours.log").contains("permission denied"), "{ran:#?}");
    assert_eq!(scene.archives("ours.log").len(), 0);
    assert_eq!(scene.archives("theirs.log").len(), 1);
}

#[test]
fn attributes_that_cannot_be_kept_leave_the_log_alone() {
    if !needs::met(OTHERS) {
        return;
    }
    // The folder's owner may not give files to a group that is not his.
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let scene = scene.owned("logs", NOBODY, NOBODY).owned("logs/app.log", NOBODY, DAEMON);
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("rotate", "failed", "app.log").contains("keep owner and group"), "{ran:#?}");
    assert_eq!(scene.files().len(), 1, "{:?}", scene.files());
    assert_eq!(scene.rotate().exits(3).steps("rotate", "failed").len(), 1, "and leaves no debris behind");
    assert_eq!(scene.files().len(), 1, "{:?}", scene.files());
}

#[test]
fn an_archive_folder_that_the_owner_may_not_write_loses_nothing() {
    if !needs::met(OTHERS) {
        return;
    }
    for mode in [0o700, 0o755] {
        let scene = Scenario::new().open_root();
        fs::create_dir(scene.root().join("archive")).unwrap();
        let scene = scene.plain_set("archive-dir = \"{root}/archive\"").log_of("app.log", 2000).mode("archive", mode);
        let scene = scene.owned("logs", NOBODY, NOBODY).owned("logs/app.log", NOBODY, NOBODY);
        let before = fs::read(scene.live("app.log")).unwrap();
        for _ in 0..2 {
            let ran = scene.rotate().exits(3);
            assert!(ran.stdout.contains("permission denied"), "{mode:o}: {ran:#?}");
            assert_eq!(scene.told("app.log"), before, "{mode:o}");
        }
        let scene = scene.owned("archive", NOBODY, NOBODY);
        scene.rotate().exits(0);
        assert_eq!(crate::support::stories::told(&scene.live("app.log"), Some(&scene.root().join("archive"))), before);
    }
}

#[test]
fn an_ordinary_user_rotates_what_is_his_and_is_told_what_is_not() {
    if !needs::met(OTHERS) {
        return;
    }
    let scene = Scenario::new()
        .plain_set("")
        .log_of("mine.log", 2000)
        .log_of("roots.log", 2000)
        .mode("logs/roots.log", 0o600)
        .open_root();
    let mut scene = scene.owned("logs/mine.log", NOBODY, NOBODY);
    for folder in ["logs", "state"] {
        scene = scene.owned(folder, NOBODY, NOBODY);
    }
    let ran = scene.run_as(NOBODY, &["--format", "json", "rotate"]).exits(3);
    assert!(ran.reason("rotate", "failed", "roots.log").contains("permission denied"), "{ran:#?}");
    assert_eq!(scene.archives("mine.log").len(), 1);
    assert!(scene.archives("mine.log")[0].ends_with(".zst"));
    assert_eq!(scene.archives("roots.log").len(), 0);
}
