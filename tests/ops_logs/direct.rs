//! Logs that go into the store without an archive here: each gets there once, compressed on its way, and nothing here goes before it is there.

use std::{collections::BTreeMap, fs, os::unix::fs::chown};

use crate::{
    collect::findings,
    support::{
        filesystem::{Kind, Recipe},
        needs::{self, MOUNTS, Need},
        scenario::{Ran, Scenario, files_under, text_of},
        stories::DAEMON,
    },
};

/// The text of what was rotated of a log and is here.
fn here(scene: &Scenario) -> Vec<Vec<u8>> {
    scene.archives("app.log").iter().map(|name| fs::read(scene.logs().join(name)).unwrap()).collect()
}

/// One more turn of a log that is rotated.
fn turn(scene: &Scenario, number: usize) -> Vec<u8> {
    let text = text_of(&format!("turn-{number}"), 3000);
    scene.append("app.log", &text);
    scene.rotate().exits(0);
    text
}

fn store_url(scene: &Scenario) -> String {
    format!("file://{}", scene.store().display())
}

/// All that the store gives back.
fn restored(scene: &Scenario) -> Vec<u8> {
    let ran = scene.run(&["restore", "--to", "-"]).exits(0);
    ran.stdout.into_bytes()
}

#[test]
fn a_rotated_log_goes_into_the_store_and_then_from_here_and_is_never_an_archive_here() {
    let scene = Scenario::new().shipping_directly("");
    let written: Vec<_> = (0..3).map(|number| turn(&scene, number)).collect();
    assert_eq!(here(&scene), written, "they wait as they are");
    let names = || files_under(scene.root()).into_keys().filter(|name| name.ends_with(".zst") || name.contains("/ready/"));
    assert_eq!(names().count(), 0, "no archive, and no copy");
    let ran = scene.direct().exits(0);
    assert_eq!((ran.steps("ship", "done").len(), ran.steps("remove", "done").len()), (3, 3), "{ran:#?}");
    assert!(ran.summary().starts_with("3 logs shipped"), "{ran:#?}");
    assert_eq!(scene.archives("app.log"), [""; 0]);
    scene.assert_shipped(&written, "shipped directly");
    assert!(scene.objects().keys().all(|key| key.starts_with("logs/service=app/dt=20") && key.ends_with(".zst")));
    assert_eq!(
        (scene.direct().exits(0).summary(), scene.rotate().exits(0).summary()),
        ("nothing waits here for the store".to_owned(), "nothing to do".to_owned())
    );
    let proven = scene.run(&["--format", "json", "verify", &store_url(&scene)]).exits(0);
    assert_eq!(proven.json()["findings"].as_array().map(Vec::len), Some(0), "{proven:#?}");
    let back = restored(&scene);
    let holds = |text: &Vec<u8>| back.windows(text.len()).any(|part| part == text);
    assert!(back.len() == written.concat().len() && written.iter().all(holds));
}

#[test]
fn an_object_is_the_very_one_that_an_archive_would_have_become() {
    for compress in ["zstd", "gzip:3", "none"] {
        let words = |ship: &str| format!("ship = {ship}\ncompress = \"{compress}\"");
        let bytes = |ship: &str, commands: &[&[&str]]| {
            let scene = Scenario::new().shipping("", &words(ship)).log("app.log", text_of("app", 300_000));
            scene.rotate().exits(0);
            for command in commands {
                scene.run(command).exits(0);
            }
            let text: Vec<_> = scene.objects().into_values().collect();
            assert_eq!(text, [text_of("app", 300_000)], "{compress}");
            let object = scene.segments()[0]["objects"][0].clone();
            ["sha256", "size", "lines", "encoder"].map(|name| object[name].clone())
        };
        assert_eq!(bytes("\"direct\"", &[&["direct"]]), bytes("true", &[&["ship"]]), "{compress}");
    }
}

#[test]
fn nothing_goes_while_the_store_is_away_and_everything_gets_there_once_when_it_is_back() {
    let scene = Scenario::new().shipping_directly("");
    fs::rename(scene.store(), scene.root().join("away")).unwrap();
    let mut written = Vec::new();
    for number in 0..4 {
        written.push(turn(&scene, number));
        let ran = scene.direct().exits(3);
        assert_eq!(ran.steps("remove", "done").len(), 0, "{ran:#?}");
        assert_eq!(ran.json()["incomplete"][0]["hint"], "mount it, or make it", "{ran:#?}");
        let waits = findings(&ran, "logs.waits-here").remove(0);
        assert!(waits.starts_with(&format!("{} log", number + 1)) && waits.contains("KiB") && waits.contains("since"), "{waits}");
        assert_eq!(here(&scene), written);
    }
    fs::rename(scene.root().join("away"), scene.store()).unwrap();
    scene.direct().exits(0);
    scene.assert_shipped(&written, "the store is back");
    assert_eq!(here(&scene), [[0; 0]; 0]);
}

#[test]
fn a_log_of_several_days_becomes_an_object_for_each() {
    let day = |day: u32| {
        let line = |hour: u32| format!("2026-10-{day:02}T{hour:02}:00:00Z {}\n", "x".repeat(100));
        (0..12).map(line).collect::<String>()
    };
    let days: Vec<String> = [10, 11, 13].map(day).into();
    let scene = Scenario::new().shipping_directly("").log("app.log", days.concat());
    scene.rotate().exits(0);
    let ran = scene.direct().exits(0);
    assert_eq!(ran.steps("ship", "done")[0]["details"]["key"].as_str().unwrap().split(' ').count(), 3, "{ran:#?}");
    scene.assert_shipped(&days.iter().map(|day| day.clone().into_bytes()).collect::<Vec<_>>(), "a day each");
    for day in ["10", "11", "13"] {
        assert_eq!(scene.objects().keys().filter(|key| key.contains(&format!("/dt=2026-10-{day}/"))).count(), 1);
    }
    let back = scene.root().join("back");
    fs::create_dir(&back).unwrap();
    scene.run(&["restore", "--to", back.to_str().unwrap()]).exits(0);
    let files = files_under(&back);
    assert_eq!(files.len(), 1, "one log again: {files:?}");
    assert_eq!(fs::read(back.join(files.keys().next().unwrap())).unwrap(), days.concat().into_bytes());
}

#[test]
fn sets_that_ship_by_the_spool_and_sets_that_do_not_go_on_with_one_manifest() {
    let other = "[[log]]\nname = \"other\"\nwhen = \"1 KiB\"\npaths = [\"{logs}/sub/*.log\"]";
    let scene = Scenario::new().shipping_directly(other);
    fs::create_dir(scene.logs().join("sub")).unwrap();
    let mut written = Vec::new();
    for number in 0..3 {
        let text = text_of(&format!("other-{number}"), 3000);
        scene.append("sub/other.log", &text);
        written.push(text);
        written.push(turn(&scene, number));
        let turns: [&dyn Fn() -> Ran; 2] = [&|| scene.ship(), &|| scene.direct()];
        for turn in [turns[number % 2], turns[1 - number % 2]] {
            let ran = turn().exits(0);
            assert_eq!(ran.steps("ship", "done").len(), 1, "{ran:#?}");
        }
    }
    scene.rotate().exits(0);
    scene.ship().exits(0);
    assert_eq!(scene.segments().len(), 6);
    scene.assert_shipped(&written, "by both ways");
    assert_eq!(scene.names("sub/other.log.").len(), 3, "those are kept");
}

#[test]
fn what_would_be_done_is_shown_and_nothing_is() {
    let scene = Scenario::new().shipping_directly("");
    turn(&scene, 0);
    let before = files_under(scene.root());
    let ran = scene.run(&["--format", "json", "--dry-run", "direct"]).exits(0);
    assert_eq!(ran.reason("ship", "planned", &scene.archives("app.log")[0]), "it waits here, and the store does not have it");
    assert!(ran.summary().starts_with("1 log to ship (3.0 KiB of text)"), "{}", ran.summary());
    assert_eq!(files_under(scene.root()), before);
}

#[test]
fn where_another_user_signs_nothing_is_done() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let scene = Scenario::new().shipping_directly("");
    turn(&scene, 0);
    fs::create_dir_all(scene.spool().join("receipts")).unwrap();
    chown(scene.spool().join("receipts"), Some(DAEMON), Some(DAEMON)).unwrap();
    scene.direct().exits(4).says("user 1 ships from this machine").says("let one user do both");
    assert_eq!((here(&scene).len(), files_under(&scene.store())), (1, BTreeMap::new()));
}

#[test]
fn settings_that_contradict_it_are_refused() {
    for (words, problem) in [
        ("archive-dir = \"/srv/old\"", "archive-dir has no use"),
        ("method = \"in-place\"", "only what is renamed can be shipped without an archive here"),
        ("method = \"collect\"", "only what is renamed can be shipped without an archive here"),
    ] {
        Scenario::new().shipping_directly(words).run(&["config", "check"]).exits(2).says(problem);
    }
    Scenario::new().set("paths = [\"{logs}/*.log\"]\nship = \"direct\"").run(&["direct"]).exits(2).says("there is no store");
    Scenario::new().shipping("", "ship = \"later\"").run(&["config", "check"]).exits(2).says("none of true, false, \"direct\"");
    Scenario::new().shipping_directly("keep = { count = 3 }").run(&["config", "check"]).exits(0).says("`keep` has no use");
    let shown = Scenario::new().shipping_directly("").run(&["config", "show"]).exits(0);
    assert!(shown.stdout.contains("ship = \"direct\""), "{shown:#?}");
}

#[test]
fn what_waits_for_long_is_told_by_who_rotates() {
    if !needs::met(&[Need::Program("faketime")]) {
        return;
    }
    let scene = Scenario::new().shipping_directly("");
    turn(&scene, 0);
    assert_eq!(findings(&scene.rotate().exits(0), "logs.unshipped").len(), 0);
    for command in ["rotate", "status"] {
        let ran = scene.run_at("+2d", &["--format", "json", command]).exits(1);
        let told = findings(&ran, "logs.unshipped").remove(0);
        assert!(told.starts_with("1 log (3.0 KiB) wait for it here as plain text, the oldest since 20"), "{told}");
    }
    scene.direct().exits(0);
    assert_eq!(findings(&scene.run_at("+2d", &["--format", "json", "status"]), "logs.unshipped").len(), 0);
}

#[test]
fn where_more_waits_than_is_free_the_disk_is_told_to_fill() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).size(16 << 20).mount();
    let scene = Scenario::new().logs_in(disk.path()).shipping_directly("").log_of("app.log", 400 << 10);
    scene.rotate().exits(0);
    assert_eq!(findings(&scene.rotate().exits(0), "logs.waits-fill-disk").len(), 0);
    disk.fill_up_to(200 << 10);
    let ran = scene.rotate().exits(1);
    let told = findings(&ran, "logs.waits-fill-disk").remove(0);
    assert!(told.contains("of rotated logs wait there for the store") && told.contains("are free"), "{told}");
    scene.direct().exits(0);
    assert_eq!(findings(&scene.rotate().exits(0), "logs.waits-fill-disk").len(), 0);
}
