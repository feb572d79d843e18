//! Names of archives: they sort as they were made, keep working when the compressor changes, and what
//! only looks like one is never touched.

use std::{collections::BTreeMap, ffi::OsStr, fs, os::unix::ffi::OsStrExt};

use crate::support::{
    files,
    scenario::{Scenario, files_under},
    stories::told,
};

fn turn(scene: &Scenario, text: &str) {
    scene.append("app.log", format!("{text} {}\n", "x".repeat(1500)));
    scene.rotate().exits(0);
}

#[test]
fn names_sort_as_they_were_made_also_within_one_second() {
    let scene = Scenario::new().plain_set("");
    for number in 0..6 {
        turn(&scene, &format!("turn {number}"));
    }
    assert_eq!(scene.archives("app.log").len(), 6);
    let told = String::from_utf8(scene.told("app.log")).unwrap();
    let order: Vec<&str> = told.lines().map(|line| &line[..6]).collect();
    assert_eq!(order, ["turn 0", "turn 1", "turn 2", "turn 3", "turn 4", "turn 5"]);
}

#[test]
fn keeping_goes_on_when_the_compressor_changes() {
    let scene = Scenario::new().plain_set("keep = { count = 3 }\ncompress = \"zstd\"");
    turn(&scene, "1");
    let scene = scene.plain_set("keep = { count = 3 }\ncompress = \"gzip\"");
    turn(&scene, "2");
    let scene = scene.plain_set("keep = { count = 3 }\ncompress = \"none\"");
    turn(&scene, "3");
    let ends = |scene: &Scenario| {
        scene
            .archives("app.log")
            .iter()
            .map(|name| name.rsplit('.').next().unwrap().to_owned())
            .map(|end| if end.len() > 4 { "plain".to_owned() } else { end })
            .collect::<Vec<_>>()
    };
    assert_eq!(ends(&scene), ["zst", "gz", "plain"]);
    turn(&scene, "4");
    assert_eq!(ends(&scene), ["gz", "plain", "plain"], "the oldest goes, whatever it was packed with");
    let scene = scene.plain_set("keep = { count = 1 }\ncompress = \"zstd\"");
    turn(&scene, "5");
    assert_eq!(ends(&scene), ["zst"]);
    scene.run(&["verify"]).exits(0);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn files_that_only_look_like_archives_are_never_touched() {
    let foreign = [
        "app.log.1",
        "app.log.2.gz",
        "app.log-20261121.gz",
        "app.log.20200101T000000Z-0001.zst",
        "app.log.20200101T000000Z-0002",
        "app.log.20200101T000000Z-0003.gz",
        ".app.log.20200101T000000Z-0004.zst.part",
    ];
    let mut scene = Scenario::new().plain_set("keep = { count = 1 }");
    for name in foreign {
        scene = scene.log(name, format!("the content of {name}"));
    }
    for number in 0..3 {
        turn(&scene, &number.to_string());
    }
    for name in foreign {
        assert_eq!(fs::read_to_string(scene.live(name)).unwrap(), format!("the content of {name}"));
    }
    assert_eq!(scene.files().len(), foreign.len() + 2, "one archive and the live log besides");
    let finding = scene.rotate().exits(0).json()["findings"][0].clone();
    assert_eq!((&finding["id"], &finding["severity"]), (&"logs.unrecorded".into(), &"note".into()));
    assert!(finding["message"].as_str().unwrap().starts_with("3 files "), "{finding}");
}

#[test]
fn its_own_archives_are_never_rotated_again_whatever_the_pattern() {
    for pattern in ["*", "app.log*"] {
        let words = format!("paths = [\"{{logs}}/{pattern}\"]\nwhen = \"1 B\"\ncompress = \"none\"");
        let scene = Scenario::new().set(&words);
        for number in 0..3 {
            turn(&scene, &number.to_string());
        }
        assert_eq!(scene.archives("app.log").len(), 3, "{pattern}: {:?}", scene.files());
        assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    }
}

#[test]
fn archives_go_to_another_folder_and_two_logs_of_one_name_do_not_collide() {
    for compress in ["zstd", "gzip"] {
        let scene = Scenario::new();
        for folder in ["archive", "logs/a", "logs/b"] {
            fs::create_dir(scene.root().join(folder)).unwrap();
        }
        let words = format!(
            "paths = [\"{{logs}}/*/app.log\"]\nwhen = \"1 KiB\"\nkeep = {{ count = 2 }}\narchive-dir = \"{{root}}/archive\"\ncompress = \"{compress}\""
        );
        let scene = scene.set(&words);
        let mut all: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for number in 0..2 {
            for folder in ["a", "b"] {
                let line = format!("{folder} {number} {}\n", folder.repeat(1500));
                scene.append(&format!("{folder}/app.log"), &line);
                all.entry(folder).or_default().extend_from_slice(line.as_bytes());
            }
            scene.rotate().exits(0);
        }
        let archives = files_under(&scene.root().join("archive"));
        assert_eq!(archives.len(), 4, "{compress}: {archives:?}");
        assert_eq!(scene.files().len(), 2, "{compress}: only the live logs are left: {:?}", scene.files());
        let mut found: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for name in archives.keys() {
            let mut text = Vec::new();
            std::io::Read::read_to_end(&mut crate::support::tally::plain(&scene.root().join("archive").join(name)), &mut text)
                .unwrap();
            found.entry(if text[0] == b'a' { "a" } else { "b" }).or_default().extend(text);
        }
        assert_eq!(found, all, "{compress}");
        scene.run(&["verify"]).exits(0);
        assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    }
}

#[test]
fn naming_the_logs_own_folder_as_archive_dir_is_as_leaving_it_out() {
    for (compress, dir) in [("zstd", "{logs}"), ("gzip", "{logs}"), ("zstd", "{root}/way"), ("gzip", "{root}/way")] {
        let scene =
            Scenario::new().plain_set(&format!("archive-dir = \"{dir}\"\ncompress = \"{compress}\"")).log_of("app.log", 2000);
        std::os::unix::fs::symlink(scene.logs(), scene.root().join("way")).unwrap();
        let before = fs::read(scene.live("app.log")).unwrap();
        let writer = scene.writer("app.log");
        scene.rotate().exits(0);
        assert_eq!(scene.told("app.log"), before, "{compress} {dir}: after the first run");
        drop(writer);
        scene.rotate().exits(0);
        assert_eq!(scene.told("app.log"), before, "{compress} {dir}: after the second run");
        assert_eq!(scene.rotate().exits(0).summary(), "nothing to do", "{compress} {dir}");
        assert_eq!(scene.files().len(), 2);
    }
}

#[test]
fn a_log_that_waits_for_another_folder_gets_there_whatever_the_settings_say_by_then() {
    for words in ["compress = \"none\"", "compress = \"gzip\"", "archive-dir = \"{logs}\""] {
        let scene = Scenario::new();
        fs::create_dir(scene.root().join("archive")).unwrap();
        let scene = scene.plain_set("archive-dir = \"{root}/archive\"").log_of("app.log", 2000);
        let before = fs::read(scene.live("app.log")).unwrap();
        let writer = scene.writer("app.log");
        scene.rotate().exits(0);
        drop(writer);
        let scene = scene.plain_set(words);
        scene.rotate().exits(0);
        let archive = scene.root().join("archive");
        assert_eq!(files_under(&archive).len(), 1, "{words}");
        assert!(told(&scene.live("app.log"), Some(&archive)) == before, "{words}: it is not there, or not whole");
        scene.run(&["verify"]).exits(0).says("1 of 1");
        assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    }
}

#[test]
fn a_name_that_is_not_utf8_is_told_only_where_it_could_be_a_finished_file() {
    let set = "method = \"collect\"\npaths = [\"{logs}/app.log\"]";
    for (words, name, told) in [
        ("", &b"app.log.\xff"[..], 3),
        ("exclude = [\"{logs}/app.log.?\"]", b"app.log.\xff", 0),
        ("", b"other.log.\xff", 0),
        ("", b".app.log.\xff.part", 0),
    ] {
        let scene = Scenario::new().set(&format!("{set}\n{words}")).log("app.log", "live\n");
        files::write(scene.logs().join(OsStr::from_bytes(name)), "finished\n").unwrap();
        for _ in 0..2 {
            scene.rotate().exits(told);
        }
    }
}
