//! What writers do to a finished file after it was collected: they write on, write it anew, compress it, empty it. Its archive
//! stays what it is, and what is lost or archived twice is told.

use std::fs;

use crate::{
    collect::{collecting, findings, kept, packed},
    support::{
        files,
        needs::{self, TRACES},
        scenario::{Ran, Scenario, text_of},
        stories::{ago, hours},
        strace,
    },
};

#[test]
fn what_its_writer_has_open_is_pinned_and_archived_later() {
    let scene = collecting("").log("app.log.1", "first\n").log("app.log", "");
    let writer = scene.writer("app.log.1");
    let ran = scene.rotate().exits(0);
    assert!(ran.reason("archive", "waiting", "-0001").contains("still has it open"), "{ran:#?}");
    scene.append("app.log.1", "last\n");
    fs::remove_file(scene.live("app.log.1")).unwrap();
    drop(writer);
    scene.rotate().exits(0);
    assert_eq!(kept(&scene), ["first\nlast\n"], "its writer removed it, and it is kept all the same");
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn what_grew_while_it_waited_did_not_change_after_it_was_collected() {
    let scene = collecting("").log("app.log.1", "first\n").log("app.log", "");
    let writer = scene.writer("app.log.1");
    scene.rotate().exits(0);
    scene.append("app.log.1", "last\n");
    drop(writer);
    scene.rotate().exits(0);
    assert_eq!(kept(&scene), ["first\nlast\n"]);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn what_changed_after_it_was_collected_is_collected_anew_and_told() {
    let scene = collecting("").log("app.log.1", "first\n").log("app.log", "");
    scene.rotate().exits(0);
    scene.append("app.log.1", "more\n");
    let ran = scene.rotate().exits(0);
    assert_eq!(findings(&ran, "logs.changed").len(), 1);
    assert_eq!(kept(&scene), ["first\n", "first\nmore\n"]);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn what_its_writer_does_to_a_file_later_does_nothing_to_its_archive() {
    for extension in ["", ".gz", ".zst"] {
        let text = |text: &str| if extension.is_empty() { text.into() } else { packed(&extension[1..], text) };
        let name = format!("app.log.1{extension}");
        let scene = collecting("").log(&name, text("first\n")).log("app.log", "");
        scene.rotate().exits(0);
        files::write(scene.live(&name), text("second of another length\n")).unwrap();
        assert!(scene.rotate().exits(0).stdout.contains("logs.changed"));
        assert_eq!(kept(&scene), ["first\n", "second of another length\n"], "{extension}");
        scene.run(&["verify"]).exits(0).says("2 of 2");
    }
}

#[test]
fn what_its_writer_compresses_after_it_was_collected_is_told_to_be_in_two_archives() {
    let scene = collecting("").log("app.log.1", "first\n").log("app.log", "");
    scene.rotate().exits(0);
    fs::remove_file(scene.live("app.log.1")).unwrap();
    files::write(scene.live("app.log.2.gz"), packed("gz", "first\n")).unwrap();
    files::write(scene.live("app.log.3.gz"), packed("gz", "other\n")).unwrap();
    let told = findings(&scene.rotate().exits(0), "logs.archived-twice");
    assert!(told.len() == 1 && told[0].contains("compressed that file after it was collected"), "{told:?}");
    assert_eq!(kept(&scene).len(), 3, "nobody knows that it is the same file");
}

#[test]
fn what_its_writer_removes_while_it_is_collected_is_said_to_be_gone() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = collecting("").log("app.log.1", "first\n").log("app.log", "");
    let file = scene.live("app.log.1");
    // It is open by then, and has no other name yet.
    let ended = strace::held(&scene.command(&["--format", "json", "rotate"]), "statx", 1, Some(&file), || {
        fs::remove_file(&file).unwrap();
    });
    let ran = Ran::from(ended).exits(3);
    assert!(
        !file.exists() && ran.reason("collect", "failed", "app.log.1").contains("its writer removed it a moment ago"),
        "{ran:#?}"
    );
    assert_eq!((kept(&scene), findings(&scene.rotate(), "logs.gap").len()), (Vec::<String>::new(), 1));
}

/// Runs while a file is written anew just after its archive was recorded.
fn written_anew_when_archived(scene: &Scenario, name: &str, text: &[u8]) -> Ran {
    // The intents, that they are kept, that they are archived.
    let ended = strace::held(&scene.command(&["--format", "json", "rotate"]), "fdatasync", 2, Some(&scene.ledger()), || {
        assert!(fs::read_to_string(scene.ledger()).unwrap().contains("\"line\":\"archived\""));
        files::write(scene.live(name), text).unwrap();
    });
    ended.into()
}

#[test]
fn what_is_archived_and_then_written_anew_by_its_writer_is_kept_and_so_is_what_it_holds_now() {
    if !needs::met(TRACES) {
        return;
    }
    for extension in ["", ".gz", ".zst"] {
        let text = |text: &str| if extension.is_empty() { text.into() } else { packed(&extension[1..], text) };
        let name = format!("app.log.1{extension}");
        let scene = collecting("").log(&name, text("first, and some more\n")).log("app.log", "");
        let ran = written_anew_when_archived(&scene, &name, &text("second\n")).exits(0);
        assert!(ran.reason("release", "waiting", "-0001").contains("it was written to after it was archived"), "{ran:#?}");
        for _ in 0..2 {
            scene.rotate().exits(0);
        }
        assert_eq!(kept(&scene), ["first, and some more\n", "second\n"], "{extension}");
        assert_eq!(scene.names("app.log.2").len(), 2, "{extension}: no debris");
        assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
        scene.run(&["verify"]).exits(0).says("2 of 2");
    }
}

#[test]
fn what_is_archived_and_then_grows_is_archived_anew_as_one() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = collecting("").log("app.log.1", "first\n").log("app.log", "");
    written_anew_when_archived(&scene, "app.log.1", b"first\nsecond\n").exits(0);
    scene.rotate().exits(0);
    assert_eq!(kept(&scene), ["first\nsecond\n"]);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn a_file_that_its_writer_empties_before_it_can_be_archived_is_told() {
    let scene = collecting("").log("app.log.1", text_of("lost", 3000)).log("app.log", "");
    let writer = scene.writer("app.log.1");
    scene.rotate().exits(0);
    files::write(scene.live("app.log.1"), "").unwrap();
    drop(writer);
    let told = findings(&scene.rotate().exits(1), "logs.gap");
    assert!(told.len() == 1 && told[0].contains("2.9 KiB"), "{told:?}");
}

#[test]
fn many_files_that_their_writer_compressed_and_left_there_are_each_told_to_be_in_two_archives() {
    const FILES: usize = 70;
    let mut scene = collecting("").log("app.log", "live\n");
    // Its writer finished all of them an hour before it compressed them: that is the order in which they are collected.
    for (end, when) in [("", ago(hours(2))), (".gz", ago(hours(1)))] {
        for number in 0..FILES {
            let (name, text) = (format!("app.log.{number}{end}"), format!("text {number}\n"));
            let content = if end.is_empty() { text.into_bytes() } else { packed("gz", &text) };
            scene = scene.log(&name, content).written(&name, when);
        }
    }
    let told = findings(&scene.rotate().exits(0), "logs.archived-twice");
    // More than one batch: what was archived in an earlier one of the same run counts as well.
    assert_eq!(told.iter().filter(|message| message.contains(".zst: ")).count(), FILES, "{told:#?}");
}
