//! What the next run finds of a rotation that was cut off, and does: one story for each line of the table in
//! ARCHITECTURE.md. The sweeps in `crash.rs` come through most of them; here each is made by hand and told apart.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::support::{
    files,
    needs::{self, TRACES},
    scenario::{Ran, Scenario, text_of},
    strace, tally,
};

const OLD: &str = "10.0.0.1 the old log\n";
const OTHER: &str = "written by somebody else\n";

/// A rotation that came as far as the ledger says, and what stands under its names.
struct Begun {
    scene: Scenario,
    entry: Value,
    rotated: PathBuf,
    archive: PathBuf,
}

/// What stands under the rotated name.
#[derive(Clone, Copy, PartialEq)]
enum Under {
    Nothing,
    Ours,
    Empty,
    Other,
}

/// One rotation is really made; then ledger and disk are set back to where it was.
fn begun(stage: &str, under: Under) -> Begun {
    let reopen = "reopen = { command = [\"/bin/sh\", \"-c\", \"touch {root}/told\"], timeout = \"10s\" }\nkeep = { count = 1 }";
    let scene = Scenario::new().plain_set(reopen).log("app.log", OLD);
    scene.run(&["rotate", "--force"]).exits(0);
    fs::remove_file(scene.root().join("told")).unwrap();
    scene.append("app.log", "live\n");
    let archive = scene.live(&scene.archives("app.log")[0]);
    let rotated = archive.with_extension("");
    let content = if under == Under::Other { OTHER } else { OLD };
    match under {
        Under::Nothing => {}
        Under::Empty => files::write(&rotated, "").unwrap(),
        Under::Ours | Under::Other => files::write(&rotated, content).unwrap(),
    }
    let lines = fs::read_to_string(scene.state().join("ledger.jsonl")).unwrap();
    let line =
        |word: &str| lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).find(|line| line["line"] == word);
    let mut entry = line("entry").unwrap();
    entry.as_object_mut().unwrap().remove("sum");
    entry["stage"] = stage.into();
    // A fresh file may get the number of one that was just removed, so both cases are said.
    let ino = if under == Under::Ours { fs::metadata(&rotated).unwrap().ino() } else { 1 };
    entry["file"] = json!({ "dev": fs::metadata(scene.logs()).unwrap().dev(), "ino": ino });
    if ["archived", "removing"].contains(&stage) {
        entry["archive"] = line("archived").unwrap()["archive"].take();
    } else {
        fs::remove_file(&archive).unwrap();
    }
    let begun = Begun { scene, entry, rotated, archive };
    begun.record();
    begun
}

impl Begun {
    fn record(&self) {
        let header = json!({ "line": "header", "format": "opsbelt.logs.ledger", "version": 1, "host": "test", "next": 2 });
        files::write(self.scene.state().join("ledger.jsonl"), format!("{header}\n{}\n", self.entry)).unwrap();
    }

    fn told(&self) -> bool {
        self.scene.root().join("told").exists()
    }

    /// Runs once with this end, and once more with nothing left to do.
    fn mended(&self, code: i32) -> Ran {
        let ran = self.scene.rotate().exits(code);
        assert_eq!(self.scene.rotate().exits(0).summary(), "nothing to do");
        ran
    }

    fn assert_archived(&self, content: &str) {
        assert!(!self.rotated.exists());
        assert_eq!(self.scene.told("app.log"), format!("{content}live\n").as_bytes());
        self.scene.run(&["verify"]).exits(0).says("1 of 1");
    }

    fn assert_forgotten(&self) {
        assert!(!self.rotated.exists());
        self.scene.run(&["verify"]).exits(0).says("no archive is recorded");
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn intended_and_nothing_there_is_forgotten() {
    let begun = begun("intended", Under::Nothing);
    begun.mended(0);
    begun.assert_forgotten();
}

#[test]
fn intended_and_ours_there_is_told_and_archived() {
    let begun = begun("intended", Under::Ours);
    begun.mended(0);
    begun.assert_archived(OLD);
    assert!(begun.told());
}

#[test]
fn intended_and_an_empty_file_there_is_removed_and_forgotten() {
    let begun = begun("intended", Under::Empty);
    begun.mended(0);
    begun.assert_forgotten();
    assert!(!begun.told());
}

#[test]
fn intended_and_a_file_with_content_there_is_archived() {
    let begun = begun("intended", Under::Other);
    begun.mended(0);
    begun.assert_archived(OTHER);
    assert!(begun.told());
}

#[test]
fn swapped_and_ours_there_is_told_and_archived() {
    let begun = begun("swapped", Under::Ours);
    begun.mended(0);
    begun.assert_archived(OLD);
    assert!(begun.told());
}

#[test]
fn told_and_ours_there_is_archived_and_not_told_again() {
    let begun = begun("told", Under::Ours);
    begun.mended(0);
    begun.assert_archived(OLD);
    assert!(!begun.told());
}

#[test]
fn swapped_or_told_and_nothing_there_is_a_finding_and_ends() {
    for stage in ["swapped", "told"] {
        let begun = begun(stage, Under::Nothing);
        let ran = begun.mended(1);
        assert_eq!(ran.json()["findings"][0]["id"], "logs.lost", "{stage}");
        begun.assert_forgotten();
    }
}

#[test]
fn another_file_there_is_left_alone_and_told() {
    for stage in ["swapped", "told", "archived"] {
        let begun = begun(stage, Under::Other);
        for _ in 0..2 {
            let ran = begun.scene.rotate().exits(3);
            assert!(ran.reason("archive", "skipped", "").contains("another file"), "{stage}: {ran:#?}");
            assert_eq!(read(&begun.rotated), OTHER, "{stage}");
        }
    }
}

#[test]
fn archived_and_ours_there_is_released() {
    let begun = begun("archived", Under::Ours);
    let ran = begun.mended(0);
    assert_eq!((ran.steps("release", "done").len(), ran.summary()), (1, "1 rotation of earlier runs finished".to_owned()));
    begun.assert_archived(OLD);
}

#[test]
fn archived_and_ours_there_without_its_archive_is_archived_anew() {
    let begun = begun("archived", Under::Ours);
    fs::remove_file(&begun.archive).unwrap();
    begun.mended(0);
    begun.assert_archived(OLD);
}

#[test]
fn archived_and_ours_there_with_other_content_both_stay() {
    let begun = begun("archived", Under::Ours);
    let other = OLD.to_uppercase();
    assert!(other != OLD && other.len() == OLD.len());
    // The same file of the same size: only the content tells.
    files::write(&begun.rotated, &other).unwrap();
    let ran = begun.scene.rotate().exits(0);
    assert!(ran.reason("release", "waiting", "-0001").starts_with("it and its archive do not agree"), "{ran:#?}");
    let ran = begun.mended(1);
    assert!(ran.stdout.contains("logs.both-stay"), "{ran:#?}");
    assert_eq!(read(&begun.rotated), other);
    begun.scene.run(&["verify"]).exits(0).says("1 of 1");
}

#[test]
fn archived_and_ours_there_with_a_broken_archive_is_archived_anew() {
    let begun = begun("archived", Under::Ours);
    let mut broken = fs::read(&begun.archive).unwrap();
    broken[20] ^= 1;
    files::write(&begun.archive, broken).unwrap();
    let ran = begun.scene.rotate().exits(0);
    assert!(ran.reason("release", "waiting", "-0001").starts_with("it and its archive do not agree"), "{ran:#?}");
    begun.mended(0);
    begun.assert_archived(OLD);
}

#[test]
fn archived_and_ours_there_stays_while_something_else_is_in_its_archives_place() {
    let begun = begun("archived", Under::Ours);
    let archive = fs::read(&begun.archive).unwrap();
    let place = |what: &dyn Fn()| {
        fs::remove_file(&begun.archive).or_else(|_| fs::remove_dir(&begun.archive)).unwrap();
        what();
        let ran = begun.scene.rotate().exits(3);
        assert!(ran.reason("archive", "skipped", "-0001").contains(".zst"), "{ran:#?}");
        assert_eq!(read(&begun.rotated), OLD);
    };
    place(&|| files::write(&begun.archive, "").unwrap());
    place(&|| files::write(&begun.archive, &archive[..archive.len() / 2]).unwrap());
    place(&|| fs::create_dir(&begun.archive).unwrap());
    place(&|| std::os::unix::fs::symlink("/etc/passwd", &begun.archive).unwrap());
    fs::remove_file(&begun.archive).unwrap();
    begun.mended(0);
    begun.assert_archived(OLD);
}

#[test]
fn archived_and_nothing_there_is_stored() {
    let begun = begun("archived", Under::Nothing);
    begun.mended(0);
    begun.assert_archived(OLD);
}

#[test]
fn removing_and_the_archive_there_is_decided_anew() {
    let begun = begun("removing", Under::Nothing);
    // It is the newest of its log now, so it stays.
    begun.mended(0);
    begun.assert_archived(OLD);
}

#[test]
fn removing_and_nothing_there_is_gone() {
    let begun = begun("removing", Under::Nothing);
    fs::remove_file(&begun.archive).unwrap();
    let ran = begun.mended(0);
    assert_eq!(ran.json()["findings"], json!([]), "a run removed it");
    begun.assert_forgotten();
}

#[test]
fn made_on_another_machine_and_not_here_is_kept_in_the_ledger() {
    for stage in ["intended", "swapped", "told", "archived", "removing"] {
        let mut begun = begun(stage, Under::Nothing);
        let _ = fs::remove_file(&begun.archive);
        begun.entry["inherited"] = "another".into();
        begun.record();
        assert_eq!(begun.scene.rotate().exits(0).summary(), "nothing to do", "{stage}");
        assert!(read(&begun.scene.state().join("ledger.jsonl")).contains(stage), "{stage}");
    }
}

#[test]
fn what_cannot_be_looked_at_is_left_and_told() {
    for stage in ["intended", "swapped", "told", "archived", "removing"] {
        let mut begun = begun(stage, Under::Ours);
        // On which volume it was is not known, so nobody can tell a missing folder from a missing disk.
        begun.entry.as_object_mut().unwrap().remove("volumes");
        begun.record();
        let away = begun.scene.root().join("away");
        fs::rename(begun.scene.logs(), &away).unwrap();
        let ran = begun.scene.rotate().exits(3);
        assert_eq!(ran.steps("recover", "failed").len(), 1, "{stage}: {ran:#?}");
        fs::rename(&away, begun.scene.logs()).unwrap();
        assert_eq!(read(&begun.rotated), OLD, "{stage}");
    }
}

#[test]
fn a_rotated_file_that_is_written_anew_after_it_was_archived_takes_no_archive_with_it() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = Scenario::new().plain_set("").log("app.log", text_of("first", 3000));
    let ended = strace::held(&scene.command(&["--format", "json", "rotate"]), "fdatasync", 2, Some(&scene.ledger()), || {
        assert!(fs::read_to_string(scene.ledger()).unwrap().contains("\"line\":\"archived\""));
        let rotated = scene.names("app.log.2").into_iter().find(|name| !name.ends_with(".zst")).unwrap();
        files::write(scene.live(&rotated), "second\n").unwrap();
    });
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    let ran = scene.rotate().exits(1);
    assert!(ran.stdout.contains("logs.both-stay"), "{ran:#?}");
    let archive = scene.archives("app.log").into_iter().find(|name| name.ends_with(".zst")).unwrap();
    let text = std::io::read_to_string(tally::plain(&scene.live(&archive))).unwrap();
    assert!(text.as_bytes() == text_of("first", 3000), "the archive is what it was");
    assert!(
        scene.names("app.log.2").iter().any(|name| fs::read(scene.live(name)).unwrap() == b"second\n"),
        "and nothing is lost"
    );
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    scene.run(&["verify"]).exits(0).says("1 of 1");
}
