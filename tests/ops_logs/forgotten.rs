//! Logs whose names never come back, as those of containers and of days: once they and their archives are gone, nothing is
//! remembered of them, and the ledger does not grow for ever.

use std::fs;

use crate::support::{
    files,
    needs::{self, MOUNTS},
    scenario::{Scenario, text_of},
};

/// Sets by the folder that each has: what lies in it, and how it is rotated.
const SETS: [(&str, &str, &str); 5] = [
    ("in-place", "*.log", "method = \"in-place\"\nwhen = \"1 KiB\""),
    ("days", "*.log", "method = \"collect\""),
    ("builds", "*.log", "method = \"collect\"\nfinished = [\"{name}\"]"),
    ("containers", "*/app.log", "method = \"collect\""),
    ("plain", "*.log", "when = \"1 KiB\""),
];

fn scene() -> Option<Scenario> {
    if !needs::met(MOUNTS) {
        return None;
    }
    let sets =
        SETS.map(|(name, logs, words)| format!("[[log]]\nname = \"{name}\"\npaths = [\"{{logs}}/{name}/{logs}\"]\n{words}\n"));
    let defaults = "host = \"test\"\nlogrotate = \"\"\n[defaults]\noptional = true\n";
    let scene = Scenario::new().seeing().settings(&format!("{defaults}{}", sets.concat()));
    for (folder, ..) in SETS {
        fs::create_dir(scene.live(folder)).unwrap();
        // A folder that holds nothing may be one whose volume is missing.
        files::write(scene.live(folder).join("README"), "logs\n").unwrap();
    }
    Some(scene)
}

/// Two new logs of each kind, with something finished.
fn write(scene: &Scenario, round: usize) {
    for log in 0..2 {
        let name = format!("{round}-{log}");
        let container = scene.live("containers").join(&name);
        fs::create_dir(&container).unwrap();
        for (path, text) in [
            (scene.live("in-place").join(format!("{name}.log")), text_of("app", 30_000)),
            (scene.live("plain").join(format!("{name}.log")), text_of("app", 3000)),
            (scene.live("builds").join(format!("{name}.log")), b"built\n".to_vec()),
            (scene.live("days").join(format!("{name}.log")), b"live\n".to_vec()),
            (scene.live("days").join(format!("{name}.log.1")), b"finished\n".to_vec()),
            (container.join("app.log"), b"live\n".to_vec()),
            (container.join("app.log.1"), b"finished\n".to_vec()),
        ] {
            files::write(path, text).unwrap();
        }
    }
}

/// Removes all that is in the folders, the archives too.
fn remove(scene: &Scenario) {
    for (folder, ..) in SETS {
        for entry in fs::read_dir(scene.live(folder)).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => fs::remove_dir_all(path).unwrap(),
                false if path.ends_with("README") => {}
                false => fs::remove_file(path).unwrap(),
            }
        }
    }
}

/// The ledger as an older version would have begun it: the next run that adds to it writes all of it anew.
fn age(scene: &Scenario) {
    let text = scene.without_sums();
    assert_eq!(text.matches("\"version\":2").count(), 1);
    files::write(scene.ledger(), text.replace("\"version\":2", "\"version\":1")).unwrap();
}

/// What lines of the ledger say, without their checksums, one a line.
fn lines(scene: &Scenario) -> Vec<String> {
    fs::read_to_string(scene.ledger()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_ledger_does_not_grow_with_logs_that_are_gone() {
    let Some(scene) = scene() else { return };
    let mut counts = Vec::new();
    for round in 0..3 {
        write(&scene, round);
        scene.rotate().exits(0);
        counts.push(lines(&scene).len());
        remove(&scene);
        scene.rotate().exits(1);
        for _ in 0..2 {
            scene.rotate().exits(0);
        }
        let last = lines(&scene);
        scene.rotate().exits(0);
        assert_eq!(lines(&scene), last, "forgotten once");
        age(&scene);
    }
    assert_eq!(counts[1], counts[2], "{:#?}", lines(&scene));
    let old: Vec<String> = lines(&scene).into_iter().filter(|line| line.contains("/0-") || line.contains("/1-")).collect();
    assert_eq!(old, Vec::<String>::new(), "nothing is remembered of them");
}

#[test]
fn what_is_gone_and_still_has_an_archive_is_remembered() {
    let Some(scene) = scene() else { return };
    write(&scene, 0);
    scene.rotate().exits(0);
    let name = "0-0.log";
    fs::remove_file(scene.live("in-place").join(name)).unwrap();
    fs::remove_file(scene.live("plain").join(name)).unwrap();
    scene.rotate().exits(0);
    assert_eq!(lines(&scene).iter().filter(|line| line.contains("1970-01-01")).count(), 0);
    // What comes back under that name is no first sight.
    scene.run(&["status"]).exits(0).says(name);
}

#[test]
fn a_log_that_is_gone_after_its_archives_were_is_forgotten_too() {
    let Some(scene) = scene() else { return };
    write(&scene, 0);
    scene.rotate().exits(0);
    let name = "plain/0-0.log";
    let archives = |scene: &Scenario| -> Vec<_> {
        let there = fs::read_dir(scene.live("plain")).unwrap().map(|entry| entry.unwrap().path());
        there.filter(|path| path.extension().is_some_and(|end| end == "zst")).collect()
    };
    for archive in archives(&scene) {
        fs::remove_file(archive).unwrap();
    }
    scene.rotate().exits(1);
    age(&scene);
    for log in [name, "plain/0-1.log"] {
        fs::remove_file(scene.live(log)).unwrap();
        scene.rotate().exits(0);
    }
    let forgotten = |log: &str| lines(&scene).iter().any(|line| line.contains(log) && line.contains("1970-01-01"));
    assert!(forgotten(name) && forgotten("plain/0-1.log"), "{:#?}", lines(&scene));
}
