//! Archives of a lost ledger: taken back when all signs agree that they are ours, left alone otherwise.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
};

use crate::support::{
    files,
    needs::{self, Need},
    scenario::{Ran, Scenario, files_under},
    stories::{NOBODY, tool},
};

/// Two archives of `app.log`, and no ledger.
fn without_ledger(words: &str) -> Scenario {
    let scene = Scenario::new();
    fs::create_dir(scene.root().join("archive")).unwrap();
    let scene = scene.plain_set(words);
    for turn in 0..2 {
        scene.append("app.log", format!("{turn} {}\n", "x".repeat(1500)));
        scene.rotate().exits(0);
    }
    fs::remove_file(scene.ledger()).unwrap();
    scene
}

const ELSEWHERE: &str = "archive-dir = \"{root}/archive\"";

/// What is taken into the ledger now: the names.
fn adopted(ran: &Ran) -> Vec<String> {
    let subject = |step: serde_json::Value| step["subject"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    ran.steps("adopt", "done").into_iter().map(subject).collect()
}

/// Why this file is not.
fn refused(scene: &Scenario, name: &str) -> String {
    let plan = scene.run(&["--format", "json", "plan"]);
    plan.reason("adopt", "kept", name)
}

#[test]
fn a_copy_under_another_name_is_not_taken_for_an_archive_of_that_log() {
    let words = "paths = [\"{logs}/app*\", \"{logs}/other.log\"]\nwhen = \"1 KiB\"\nkeep = { count = 1 }\noptional = true";
    let scene = without_ledger("").set(words);
    let archives = scene.archives("app.log");
    let stamp = archives[0].strip_prefix("app.log.").unwrap();
    let strangers = [format!("app.bak.{stamp}"), format!("other.log.{stamp}"), "app.log.20200101T000000Z-0001.zst".to_owned()];
    for stranger in &strangers {
        files::copy(scene.live(&archives[0]), scene.live(stranger)).unwrap();
    }
    assert!(refused(&scene, &strangers[0]).contains("it says that it is of"));
    assert!(refused(&scene, &strangers[2]).contains("it says that it was rotated at"));
    assert_eq!(adopted(&scene.rotate().exits(0)), archives);
    scene.append("app.log", vec![b'y'; 2000]);
    scene.rotate().exits(0);
    assert_eq!(scene.names("app.log.202").len(), 1 + 1, "the newest, and the stranger: {:?}", scene.files());
    for stranger in &strangers {
        assert!(scene.live(stranger).exists(), "{stranger} is not ours to remove");
    }
}

#[test]
fn a_second_name_or_copy_of_an_archive_is_not_taken_for_a_second_archive() {
    let scene = without_ledger("");
    let archives = scene.archives("app.log");
    let again = ["-0008.zst", "-0009.zst"].map(|end| archives[1].replace(&archives[1][archives[1].len() - 9..], end));
    fs::hard_link(scene.live(&archives[1]), scene.live(&again[0])).unwrap();
    files::copy(scene.live(&archives[1]), scene.live(&again[1])).unwrap();
    for name in &again {
        assert!(refused(&scene, name).contains("a copy of one"));
    }
    assert_eq!(adopted(&scene.rotate().exits(0)), archives);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn an_archive_of_a_log_that_its_folder_is_not_for_is_left_alone() {
    let scene = without_ledger(ELSEWHERE);
    let archive = scene.root().join("archive");
    let names: Vec<String> = files_under(&archive).into_keys().collect();
    // The settings have moved on to other logs; the archives' folder stayed.
    fs::create_dir(scene.live("new")).unwrap();
    let scene = scene.set(&format!("paths = [\"{{logs}}/new/*.log\"]\nwhen = \"1 KiB\"\n{ELSEWHERE}"));
    assert!(refused(&scene, &names[0]).contains("no chosen set has that log's archives here"));
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    // The log is meant, and its archives go elsewhere.
    let scene = scene.set("paths = [\"{logs}/*.log\"]\nwhen = \"1 KiB\"\n[[log]]\nname = \"other\"\npaths = [\"{logs}/new/*\"]\narchive-dir = \"{root}/archive\"");
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    let scene = scene.plain_set(ELSEWHERE);
    assert_eq!(adopted(&scene.rotate().exits(0)), names);
    scene.run(&["verify"]).exits(0).says("2 of 2");
}

#[test]
fn it_is_taken_into_the_set_that_names_its_log_today() {
    let scene = without_ledger("");
    files::write(scene.root().join("settings.toml"), "").unwrap();
    let renamed = "host = \"test\"\nlogrotate = \"\"\n[[log]]\nname = \"renamed\"\npaths = [\"{logs}/*.log\"]\nwhen = \"1 KiB\"\nkeep = { count = 1 }\n";
    let scene = scene.settings(renamed);
    assert_eq!(adopted(&scene.rotate().exits(0)).len(), 2);
    assert_eq!(scene.rotate().exits(0).steps("remove", "done").len(), 1, "its keep-rules hold");
}

#[test]
fn where_others_may_write_only_a_file_of_the_logs_own_users_is_believed() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let scene = without_ledger(ELSEWHERE).mode("archive", 0o1777);
    let archive = scene.root().join("archive");
    let names: Vec<String> = files_under(&archive).into_keys().collect();
    chown(archive.join(&names[0]), Some(NOBODY), Some(NOBODY)).unwrap();
    assert_eq!(adopted(&scene.rotate().exits(0)), names[1..]);
    assert!(refused(&scene, &names[0]).contains("who does not write that log"));
    let scene = scene.owned("logs/app.log", NOBODY, NOBODY);
    assert_eq!(adopted(&scene.rotate().exits(0)), names[..1], "whose log it is may have its archives");
}

/// One folder seen at a second place, until it is dropped.
struct Bound(PathBuf);

impl Bound {
    fn to(folder: &Path, place: PathBuf) -> Bound {
        fs::create_dir(&place).unwrap();
        tool("mount", &["--bind", folder.to_str().unwrap()], &place);
        Bound(place)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        tool("umount", &[], &self.0);
    }
}

#[test]
fn one_folder_seen_at_two_places_gives_each_archive_once() {
    if !needs::met(&[Need::Root, Need::Program("mount")]) {
        return;
    }
    let scene = without_ledger(ELSEWHERE);
    let _bound = Bound::to(&scene.root().join("archive"), scene.root().join("again"));
    let other = "[[log]]\nname = \"other\"\npaths = [\"{logs}/app.*\"]\narchive-dir = \"{root}/again\"";
    let scene = scene.plain_set(&format!("{ELSEWHERE}\n{other}"));
    assert_eq!(adopted(&scene.rotate().exits(3)).len(), 2, "the log is trouble, and its archives are what they are");
    scene.run(&["verify"]).exits(0).says("2 of 2");
    // Known under one path, found under the other.
    let scene = scene.plain_set("archive-dir = \"{root}/again\"");
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    scene.run(&["verify"]).exits(0).says("2 of 2");
}

#[test]
fn a_log_seen_at_two_places_is_rotated_at_neither() {
    if !needs::met(&[Need::Root, Need::Program("mount")]) {
        return;
    }
    for one_set in [true, false] {
        let scene = Scenario::new().log_of("app.log", 2000);
        let _bound = Bound::to(scene.logs(), scene.root().join("again"));
        let scene = if one_set {
            scene.set("paths = [\"{logs}/*.log\", \"{root}/again/*.log\"]\nwhen = \"1 KiB\"")
        } else {
            scene.plain_set("[[log]]\nname = \"other\"\npaths = [\"{root}/again/app.*\"]\nwhen = \"1 KiB\"")
        };
        let ran = scene.rotate().exits(3);
        for place in ["logs/app.log", "again/app.log"] {
            let why = ran.reason("rotate", "skipped", place);
            assert!(why.contains("several sets or paths name it") && why.contains("again/app.log, "), "{why}");
        }
        assert_eq!(scene.files().len(), 1, "{:?}", scene.files());
    }
}

#[test]
fn a_log_that_a_link_and_a_path_of_one_set_lead_to_is_one_log() {
    let scene = Scenario::new().log_of("app.log", 2000).log_of("bad.log", 2000);
    std::os::unix::fs::symlink(scene.logs(), scene.root().join("way")).unwrap();
    let words = "paths = [\"{logs}/*.log\", \"{root}/way/*.log\"]\nexclude = [\"{logs}/bad*\"]\nwhen = \"1 KiB\"";
    let scene = scene.set(words);
    assert_eq!(scene.rotate().exits(0).acts(), ["rotate done", "archive done"]);
    let scene =
        scene.set("paths = [\"{root}/way/*.log\"]\nexclude = [\"{root}/way/bad*\"]\nwhen = \"1 KiB\"").log_of("app.log", 2000);
    assert_eq!(scene.rotate().exits(0).acts(), ["rotate done", "archive done"], "and what is excluded is so by any way");
    assert_eq!(scene.archives("bad.log").len(), 0);
}

#[test]
fn an_archive_that_cannot_be_read_or_is_newer_is_told() {
    let scene = without_ledger("");
    let archives = scene.archives("app.log");
    let mut torn = fs::read(scene.live(&archives[0])).unwrap();
    let middle = torn.windows(8).position(|part| part == b"\"format\"").unwrap() + 40;
    torn[middle] ^= 1;
    files::write(scene.live(&archives[0]), &torn).unwrap();
    for word in ["plan", "rotate"] {
        let ran = scene.run(&["--format", "json", word]).exits(3);
        let told = &ran.json()["incomplete"][0];
        assert!(
            told["what"].as_str().unwrap().ends_with(&archives[0]) && told["why"].as_str().unwrap().contains("unknown"),
            "{ran:#?}"
        );
    }
    assert_eq!(fs::read(scene.live(&archives[0])).unwrap(), torn);
}
