//! `status`, `verify` and `history`: what they tell, and that they tell the truth about damage.

use std::{fs, os::unix::fs::FileExt};

use crate::support::{
    needs::{self, Need},
    scenario::Scenario,
    stories::NOBODY,
};

fn with_archives(compress: &str) -> Scenario {
    let scene = Scenario::new().plain_set(&format!("compress = \"{compress}\"")).log_of("a.log", 60_000).log_of("b.log", 60_000);
    scene.rotate().exits(0);
    scene.run(&["verify"]).exits(0).says("as recorded: 2 of 2 archives");
    scene
}

fn finding(scene: &Scenario) -> (String, String) {
    let ran = scene.run(&["--format", "json", "verify"]).exits(1);
    let findings = ran.json()["findings"].as_array().cloned().unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let text = |key: &str| findings[0][key].as_str().unwrap_or_default().to_owned();
    assert!(ran.summary().starts_with("as recorded: 1 of 2"), "{}", ran.summary());
    (text("id"), text("subject"))
}

#[test]
fn one_flipped_byte_anywhere_is_found() {
    for compress in ["zstd", "gzip", "none"] {
        let scene = with_archives(compress);
        let archive = scene.live(&scene.archives("a.log")[0]);
        let file = fs::File::options().read(true).write(true).open(&archive).unwrap();
        let size = file.metadata().unwrap().len();
        for at in [size / 5, size / 2, size - size / 4] {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
            assert_eq!(
                finding(&scene),
                ("logs.archive-wrong".to_owned(), archive.display().to_string()),
                "{compress} at {at} of {size}"
            );
            file.write_all_at(&byte, at).unwrap();
        }
        scene.run(&["verify"]).exits(0);
    }
}

#[test]
fn a_truncated_and_a_missing_archive_are_found_and_named() {
    for compress in ["zstd", "gzip", "none"] {
        let scene = with_archives(compress);
        let archive = scene.live(&scene.archives("b.log")[0]);
        let file = fs::File::options().write(true).open(&archive).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
        assert_eq!(finding(&scene), ("logs.archive-wrong".to_owned(), archive.display().to_string()));
        fs::remove_file(&archive).unwrap();
        assert_eq!(finding(&scene), ("logs.archive-missing".to_owned(), archive.display().to_string()));
    }
}

#[test]
fn another_file_of_the_same_size_is_found() {
    let scene = with_archives("none");
    let archive = scene.live(&scene.archives("a.log")[0]);
    let size = usize::try_from(fs::metadata(&archive).unwrap().len()).unwrap();
    fs::write(&archive, vec![b'\n'; size]).unwrap();
    assert_eq!(finding(&scene).0, "logs.archive-wrong");
}

#[test]
fn what_cannot_be_read_is_incomplete_not_damaged() {
    if !needs::met(&[Need::Root, Need::Program("setpriv")]) {
        return;
    }
    let mut scene = with_archives("zstd").open_root();
    let archive = scene.archives("a.log")[0].clone();
    for path in ["state".to_owned(), "state/ledger.jsonl".to_owned(), format!("logs/{}", scene.archives("b.log")[0])] {
        scene = scene.owned(&path, NOBODY, NOBODY);
    }
    let scene = scene.mode(&format!("logs/{archive}"), 0o600);
    let ran = scene.run_as(NOBODY, &["--format", "json", "verify"]).exits(3);
    let json = ran.json();
    assert_eq!(json["findings"].as_array().map(Vec::len), Some(0), "{json:#}");
    assert_eq!(json["incomplete"].as_array().map(Vec::len), Some(1));
    assert!(json["incomplete"][0]["what"].as_str().is_some_and(|what| what.ends_with(&archive)), "{json:#}");
    assert_eq!(json["incomplete"][0]["why"], "permission denied");
}

#[test]
fn a_link_in_an_archives_place_is_not_followed() {
    let scene = with_archives("zstd");
    let archive = scene.live(&scene.archives("a.log")[0]);
    fs::rename(&archive, scene.live("aside")).unwrap();
    std::os::unix::fs::symlink(scene.live("aside"), &archive).unwrap();
    scene.run(&["verify"]).exits(3).says("no ordinary file");
}

#[test]
fn verify_of_one_set_looks_at_that_set_only() {
    let other = "[[log]]\nname = \"other\"\npaths = [\"{logs}/*.txt\"]\nwhen = \"1 KiB\"";
    let scene = Scenario::new().plain_set(other).log_of("a.log", 2000).log_of("b.txt", 2000);
    scene.rotate().exits(0);
    fs::remove_file(scene.live(&scene.archives("a.log")[0])).unwrap();
    scene.run(&["verify", "other"]).exits(0).says("1 of 1");
    scene.run(&["verify", "app"]).exits(1);
    // Also what the settings do not name any more is proven.
    let scene = scene.set("paths = [\"{logs}/*.txt\"]");
    scene.run(&["verify"]).exits(1).says("1 of 2");
}

#[test]
fn status_tells_size_archives_savings_and_the_next_rotation() {
    let scene =
        Scenario::new().set("paths = [\"{logs}/*.log\"]\nwhen = { any = [\"daily\", \"1 KiB\"] }").log_of("a.log", 60_000);
    scene.rotate().exits(0);
    let scene = scene.log("a.log", "small\n").log_of("b.log", 2000);
    let json = scene.run(&["--format", "json", "status"]).exits(0).json();
    let table = &json["tables"][0];
    let column = |name: &str| table["columns"].as_array().unwrap().iter().position(|column| column == name).unwrap();
    let rows = table["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{json:#}");
    assert_eq!(rows[0][column("size")], 6);
    assert_eq!(rows[0][column("archives")], 1);
    assert!(rows[0][column("saved")].as_u64().is_some_and(|saved| saved > 10_000), "{json:#}");
    assert!(rows[0][column("last-rotated")].as_str().is_some_and(|at| at.starts_with("20")));
    assert!(rows[0][column("next")].as_str().is_some_and(|at| at.starts_with("20")), "{json:#}");
    assert_eq!(rows[1][column("next")], "now: 2.0 KiB, limit 1.0 KiB");
    assert_eq!(rows[1][column("archives")], 0);
    let text = scene.run(&["status"]).exits(0).stdout;
    assert!(text.contains("LAST ROTATED") && text.contains("2 logs, 1 archive,"), "{text}");
}

#[test]
fn status_tells_what_waits_and_what_is_wrong() {
    let scene = Scenario::new().plain_set("").log_of("a.log", 2000);
    let _writer = scene.writer("a.log");
    scene.rotate().exits(0);
    std::os::unix::fs::symlink("/dev/null", scene.live("bad.log")).unwrap();
    let json = scene.run(&["--format", "json", "status"]).exits(3).json();
    let columns = json["tables"][0]["columns"].as_array().unwrap();
    let waiting = columns.iter().position(|column| column == "waiting").unwrap();
    assert_eq!(json["tables"][0]["rows"][0][waiting], 1);
    assert_eq!(json["steps"][0]["reason"], "it is a symbolic link (hint: exclude it, or name the real file)");
}

#[test]
fn history_tells_what_runs_did_and_how_they_ended() {
    let scene = Scenario::new().plain_set("").log_of("a.log", 2000);
    scene.run(&["history"]).exits(0).says("no run is recorded yet");
    scene.rotate().exits(0);
    std::os::unix::fs::symlink("/dev/null", scene.live("bad.log")).unwrap();
    scene.rotate().exits(3);
    let json = scene.run(&["--format", "json", "history"]).exits(0).json();
    let rows = json["tables"][0]["rows"].as_array().unwrap();
    let exits: Vec<_> = rows.iter().map(|row| row[3].as_u64().unwrap()).collect();
    assert_eq!(exits, [0, 3]);
    assert_eq!(rows[0][4].as_str().map(|text| text.starts_with("1 log rotated, 1 archived")), Some(true), "{json:#}");
    let last = scene.run(&["--format", "json", "history", "--last", "1"]).exits(0).json();
    assert_eq!(last["tables"][0]["rows"].as_array().map(Vec::len), Some(1));
    // A line that a crash cut short is passed over.
    let path = scene.state().join("history.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{{\"format\":\"opsbelt.run/1\",\"id")).unwrap();
    let after = scene.run(&["--format", "json", "history"]).exits(0).json();
    assert_eq!(after["tables"][0]["rows"].as_array().map(Vec::len), Some(2));
    scene.rotate().exits(3);
    let after = scene.run(&["--format", "json", "history"]).exits(0).json();
    assert_eq!(after["tables"][0]["rows"].as_array().map(Vec::len), Some(3), "the line after the torn one is whole");
}
