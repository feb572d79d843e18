//! What stays at the beginning of a log that is rotated in place although it is archived: never forgotten without a word,
//! whatever the ledger lost and whatever the settings say by then.

use std::fs::{self, File};

use crate::support::{
    needs::{self, MOUNTS},
    scenario::{Ran, Scenario, text_of},
};

const IN_PLACE: &str = "method = \"in-place\"\nkeep = { count = 100 }";

/// A log that was rotated in place once, of which something is left at its beginning.
fn rotated() -> Option<(Scenario, Vec<u8>)> {
    if !needs::met(MOUNTS) {
        return None;
    }
    let scene = Scenario::new().seeing().plain_set(IN_PLACE);
    let text = text_of("first", 30_000);
    scene.append("app.log", &text);
    scene.rotate().exits(0);
    assert!(fs::metadata(scene.live("app.log")).unwrap().len() > 0, "a part of a block is left");
    Some((scene, text))
}

/// Takes the last `lines` lines of the ledger away, as a power cut does with what was not synced.
fn forget(scene: &Scenario, lines: usize) -> Vec<String> {
    let text = fs::read_to_string(scene.ledger()).unwrap();
    let all: Vec<&str> = text.lines().collect();
    let (left, gone) = all.split_at(all.len() - lines);
    let length: usize = left.iter().map(|line| line.len() + 1).sum();
    File::options().write(true).open(scene.ledger()).unwrap().set_len(length as u64).unwrap();
    gone.iter().map(|line| (*line).to_owned()).collect()
}

fn findings(ran: &Ran, id: &str) -> Vec<serde_json::Value> {
    ran.json()["findings"].as_array().into_iter().flatten().filter(|finding| finding["id"] == id).cloned().collect()
}

#[test]
fn a_ledger_that_lost_its_last_line_still_knows_what_is_archived() {
    let Some((scene, mut text)) = rotated() else { return };
    let gone = forget(&scene, 1);
    assert!(gone[0].contains("\"line\":\"reached\"") && gone[0].contains("stored"), "{gone:?}");
    assert_eq!(scene.run(&["--format", "json", "plan"]).exits(0).summary(), "1 rotation of earlier runs to finish");
    let more = text_of("second", 30_000);
    scene.append("app.log", &more);
    text.extend_from_slice(&more);
    for _ in 0..2 {
        scene.rotate().exits(0);
        assert!(scene.told_in_place("app.log", None) == text, "each line once");
    }
}

#[test]
fn an_archive_that_is_gone_before_its_record_was_complete_is_told_by_its_own_name() {
    let Some((scene, _)) = rotated() else { return };
    forget(&scene, 1);
    let archive = scene.archives("app.log").remove(0);
    fs::remove_file(scene.live(&archive)).unwrap();
    let ran = scene.rotate().exits(1);
    let lost = findings(&ran, "logs.lost");
    assert_eq!(lost.len(), 1, "{ran:#?}");
    assert_eq!(lost[0]["subject"], scene.live(&archive).display().to_string());
    assert!(lost[0]["message"].as_str().unwrap().contains("the archive"), "{lost:?}");
    scene.rotate().exits(0);
}

#[test]
fn what_was_rotated_in_place_before_and_is_renamed_now_is_told_to_be_in_two_archives() {
    let Some((scene, _)) = rotated() else { return };
    let left = fs::metadata(scene.live("app.log")).unwrap().len();
    scene.append("app.log", text_of("second", 30_000));
    let scene = scene.plain_set("keep = { count = 100 }");
    for args in [&["--format", "json", "plan"][..], &["--format", "json", "rotate"]] {
        let ran = scene.run(args);
        let told = findings(&ran, "logs.archived-twice");
        assert_eq!(told.len(), 1, "{ran:#?}");
        assert!(told[0]["message"].as_str().unwrap().contains(&format!("{left} bytes")), "{told:?}");
    }
    scene.append("app.log", text_of("third", 30_000));
    assert_eq!(findings(&scene.rotate().exits(0), "logs.archived-twice"), Vec::<serde_json::Value>::new(), "another file");
}

#[test]
fn what_was_rotated_in_place_before_and_is_collected_now_is_told_to_be_in_two_archives() {
    let Some((scene, _)) = rotated() else { return };
    scene.append("app.log", text_of("second", 30_000));
    let scene = scene.plain_set("method = \"collect\"\nkeep = { count = 100 }");
    assert_eq!(findings(&scene.rotate().exits(0), "logs.archived-twice").len(), 0, "not yet");
    fs::rename(scene.live("app.log"), scene.live("app.log.1")).unwrap();
    scene.append("app.log", text_of("third", 3000));
    assert_eq!(findings(&scene.rotate().exits(0), "logs.archived-twice").len(), 1);
    assert_eq!(findings(&scene.rotate().exits(0), "logs.archived-twice").len(), 0, "once");
}
