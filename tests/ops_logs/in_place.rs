//! Logs that are rotated in place: the file stays the file that its writer has open, and loses only what is archived.

use std::{ffi::OsString, fs, os::unix::fs::MetadataExt};

use crate::support::{
    files,
    needs::{self, MOUNTS, Need},
    scenario::{Ran, Scenario, text_of},
    scene::all_alike,
    sight,
    stories::{DAEMON, NOBODY},
};

pub(crate) const IN_PLACE: &str = "method = \"in-place\"\nkeep = { count = 100 }";

pub(crate) fn scene() -> Option<Scenario> {
    needs::met(MOUNTS).then(|| Scenario::new().seeing().plain_set(IN_PLACE))
}

/// Writes so many lines and remembers them.
pub(crate) fn write(scene: &Scenario, told: &mut Vec<u8>, text: &[u8]) {
    scene.append("app.log", text);
    told.extend_from_slice(text);
}

#[track_caller]
pub(crate) fn assert_told(scene: &Scenario, told: &[u8]) {
    let there = scene.told_in_place("app.log", None);
    assert!(there == told, "{} bytes are there, {} were told", there.len(), told.len());
}

#[test]
fn the_file_stays_and_loses_only_what_is_archived() {
    let Some(scene) = scene() else { return };
    for compress in ["zstd", "gzip", "none"] {
        let scene = Scenario::new().seeing().plain_set(&format!("{IN_PLACE}\ncompress = \"{compress}\""));
        let mut told = Vec::new();
        write(&scene, &mut told, &text_of("first", 30_000));
        let scene = scene.mode("logs/app.log", 0o640).owned("logs/app.log", 0, DAEMON);
        let before = fs::metadata(scene.live("app.log")).unwrap();
        for turn in 0..3 {
            scene.rotate().exits(0);
            assert_told(&scene, &told);
            assert!(fs::metadata(scene.live("app.log")).unwrap().len() < 4096, "{compress}: less than a block stays");
            write(&scene, &mut told, &text_of(&format!("turn {turn}"), 20_000));
            assert_told(&scene, &told);
        }
        let after = fs::metadata(scene.live("app.log")).unwrap();
        assert_eq!(
            (before.ino(), before.mode(), before.uid(), before.gid()),
            (after.ino(), after.mode(), after.uid(), after.gid())
        );
        assert_eq!(scene.archives("app.log").len(), 3);
        scene.run(&["verify"]).exits(0).says("3 of 3");
        scene.run(&["status"]).exits(0).says("app.log");
    }
    drop(scene);
}

#[test]
fn a_line_without_an_end_stays() {
    let Some(scene) = scene() else { return };
    let mut told = Vec::new();
    write(&scene, &mut told, &text_of("whole", 20_000));
    write(&scene, &mut told, b"half a line");
    scene.rotate().exits(0);
    assert_told(&scene, &told);
    assert!(fs::read(scene.live("app.log")).unwrap().ends_with(b"half a line"));
    write(&scene, &mut told, b", and the rest of it\n");
    write(&scene, &mut told, &text_of("more", 9_000));
    scene.rotate().exits(0);
    assert_told(&scene, &told);
}

#[test]
fn what_has_no_whole_block_of_whole_lines_is_left_with_the_reason() {
    let Some(scene) = scene() else { return };
    for text in [vec![b'x'; 50_000], text_of("short", 3000)] {
        files::write(scene.live("app.log"), &text).unwrap();
        for words in [["rotate"], ["plan"]] {
            let ran = scene.run(&[&["--format", "json"], &words[..]].concat()).exits(0);
            let reason = ran.reason("leave", "kept", "app.log");
            assert!(reason.contains("no whole block of whole lines"), "{reason}");
        }
        assert_eq!(fs::read(scene.live("app.log")).unwrap(), text);
    }
}

#[test]
fn a_plan_says_what_a_run_does_and_changes_nothing() {
    let Some(scene) = scene() else { return };
    scene.append("app.log", text_of("app", 30_000));
    let blocks =
        || fs::metadata(scene.live("app.log")).map(|meta| (meta.blocks(), meta.mtime_nsec(), meta.ctime_nsec())).unwrap();
    let (before, files) = (blocks(), scene.files());
    let planned = scene.run(&["--format", "json", "plan"]).exits(0);
    assert_eq!((before, files, scene.ledger().exists()), (blocks(), scene.files(), false));
    assert_eq!(planned.steps("rotate", "planned").len(), 1, "{planned:#?}");
    scene.rotate().exits(0);
    assert_eq!(scene.run(&["--format", "json", "plan"]).exits(0).steps("rotate", "planned").len(), 0);
}

#[test]
fn another_users_log_is_rotated_as_its_owner_and_archives_may_go_elsewhere() {
    let Some(scene) = scene() else { return };
    let mut told = Vec::new();
    write(&scene, &mut told, &text_of("theirs", 30_000));
    let scene = scene.open_root().owned("logs", NOBODY, NOBODY).owned("logs/app.log", NOBODY, NOBODY);
    scene.rotate().exits(0);
    assert_told(&scene, &told);
    let archive = fs::metadata(scene.live(&scene.archives("app.log")[0])).unwrap();
    assert_eq!((archive.uid(), archive.gid()), (NOBODY, NOBODY));

    let archives = tempfile::tempdir().unwrap();
    let scene = Scenario::new().seeing().plain_set(&format!("{IN_PLACE}\narchive-dir = \"{}\"", archives.path().display()));
    scene.append("app.log", &told);
    scene.rotate().exits(0);
    assert_eq!(scene.told_in_place("app.log", Some(archives.path())), told);
    assert_eq!((scene.archives("app.log").len(), fs::read_dir(archives.path()).unwrap().count()), (0, 1));
}

#[test]
fn a_log_that_somebody_empties_and_that_grows_again_loses_nothing_new() {
    let Some(scene) = scene() else { return };
    for turn in 0..2 {
        scene.append("app.log", all_alike("", 30_000));
        scene.rotate().exits(0);
        let archived = scene.told_in_place("app.log", None).len() - scene.rest("app.log").len();
        // Past its old size, with the very same lines.
        let fresh = all_alike("", 30_000 + 10_000 * turn);
        files::write(scene.live("app.log"), "").unwrap();
        scene.append("app.log", &fresh);
        scene.rotate().exits(0);
        assert_eq!(scene.told_in_place("app.log", None).len(), archived + fresh.len());
    }
}

#[test]
fn a_log_that_another_file_replaces_loses_nothing() {
    let Some(scene) = scene() else { return };
    scene.append("app.log", text_of("old", 30_000));
    scene.rotate().exits(0);
    let archived = scene.told_in_place("app.log", None);
    let fresh = text_of("fresh", 30_000);
    fs::rename(scene.live("app.log"), scene.root().join("moved")).unwrap();
    scene.append("app.log", &fresh);
    scene.rotate().exits(0);
    assert_eq!(scene.told_in_place("app.log", None), [archived, fresh].concat());
}

/// Only the part of one block that was archived already, and of which nobody knows any more, is there twice.
#[test]
fn without_its_ledger_the_rest_of_one_block_is_archived_again() {
    let Some(scene) = scene() else { return };
    let (first, second) = (text_of("first", 30_000), text_of("second", 20_000));
    scene.append("app.log", &first);
    scene.rotate().exits(0);
    let rest = fs::read(scene.live("app.log")).unwrap();
    assert!(!rest.is_empty() && rest.len() < 4096 && first.ends_with(&rest));
    fs::remove_file(scene.ledger()).unwrap();
    scene.append("app.log", &second);
    scene.rotate().exits(0);
    assert_eq!(scene.told_in_place("app.log", None), [first, rest, second].concat());
    scene.rotate().exits(0);
    scene.run(&["verify"]).exits(0).says("2 of 2");
}

#[test]
fn settings_that_a_rotation_in_place_never_asks_for_are_told_by_the_check() {
    let scene = Scenario::new().set("preset = \"nginx\"\nmethod = \"in-place\"\nassume-closed-after = \"1d\"");
    let checked = scene.run(&["config", "check"]).exits(0);
    checked.says("`reopen` of preset nginx has no use").says("`assume-closed-after` has no use").says("leave `method` out");
    for command in ["plan", "rotate"] {
        scene.run(&[command, "--help"]).exits(0).says("means nothing for one that is collected");
    }
}

#[test]
fn one_look_into_all_processes_serves_many_logs() {
    const LOGS: usize = 60;
    let Some(scene) = scene() else { return };
    if !needs::met(&[Need::Program("strace")]) {
        return;
    }
    for number in 0..LOGS {
        scene.append(&format!("log{number}.log"), text_of("app", 6000));
    }
    let trace = scene.root().join("trace");
    // A call that a walk makes once: one that it makes for each process would cost a busy machine minutes to trace.
    let mut words = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=readlinkat", "-o"].map(OsString::from).to_vec();
    words.extend([trace.as_os_str().to_owned(), "--".into()]);
    let ran = Ran::of(&mut sight::before_program(&scene.command(&["--format", "json", "rotate"]), &words)).exits(0);
    assert_eq!(ran.steps("rotate", "done").len(), LOGS);
    // Each look walks once for descriptors and once for mappings, and again up to four times while somebody just begins or ends.
    let walks = fs::read_to_string(trace).unwrap().matches(", \"self/ns/pid\", ").count();
    // One for the plan, one for the first log, and one more for each second that the run took.
    let most = 2 * 5 * (2 + usize::try_from(ran.took.as_secs()).unwrap());
    assert!(walks >= 4 && walks <= most, "{walks} walks, for {most} at most in {:?}", ran.took);
}
