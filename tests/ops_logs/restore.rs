//! Logs come back from a store as they were, each proven; nothing that is here is replaced, and what the store has no more is told.

use std::{ffi::OsString, fs, path::PathBuf};

use crate::{
    collect::findings,
    support::{
        files,
        needs::{self, Need, TRACES},
        process,
        scenario::{Ran, Scenario, files_under, text_of},
        sight,
    },
};

/// Three turns of two logs of two sets, in the store, and an empty folder.
fn shipped() -> Scenario {
    let words = "paths = [\"{logs}/web.log\"]\nwhen = \"1 KiB\"\n[[log]]\nname = \"jobs\"\nwhen = \"1 KiB\"\npaths = [\"{logs}/jobs.log\"]";
    let scene = Scenario::new();
    fs::create_dir(scene.root().join("store")).unwrap();
    fs::create_dir(scene.root().join("back")).unwrap();
    let scene = scene.head("[store]\nurl = \"file://{root}/store\"\nspool = \"{root}/spool\"", words);
    for turn in 0..3 {
        for log in ["web", "jobs"] {
            scene.append(&format!("{log}.log"), dated(log, turn));
        }
        scene.rotate().exits(0);
    }
    scene.ship().exits(0);
    scene
}

/// Lines of one day, which each turn has of its own.
fn dated(log: &str, turn: usize) -> Vec<u8> {
    let line = |number: usize| format!("2026-11-{:02}T1{number}:00:00Z {log} {}\n", 10 + turn, "x".repeat(300));
    (0..5).map(line).collect::<String>().into_bytes()
}

fn restore(scene: &Scenario, more: &[&str]) -> Ran {
    let to = scene.root().join("back");
    let args: Vec<&str> = ["--format", "json", "restore", "--to", to.to_str().unwrap()].iter().chain(more).copied().collect();
    scene.run(&args)
}

/// The text of what came back, by the log's name, in the order of the names.
fn back(scene: &Scenario, log: &str) -> Vec<u8> {
    let folder = scene.root().join("back");
    let names = files_under(&folder).into_keys().filter(|name| name.contains(&format!("/{log}.log.")));
    names.flat_map(|name| fs::read(folder.join(name)).unwrap()).collect()
}

fn all(log: &str) -> Vec<u8> {
    (0..3).flat_map(|turn| dated(log, turn)).collect()
}

#[test]
fn logs_come_back_as_they_were_and_a_second_time_nothing_is_touched() {
    let scene = shipped();
    let planned = restore(&scene, &["--dry-run"]).exits(0);
    assert_eq!(
        (planned.steps("restore", "planned").len(), files_under(&scene.root().join("back")).len()),
        (6, 0),
        "{planned:#?}"
    );
    assert_eq!(restore(&scene, &[]).exits(0).steps("restore", "done").len(), 6);
    assert_eq!((back(&scene, "web"), back(&scene, "jobs")), (all("web"), all("jobs")));
    let names: Vec<_> = files_under(&scene.root().join("back")).into_keys().collect();
    // What a killed run left goes with the next one; what is somebody else's stays.
    let (folder, name) = names[0].rsplit_once('/').unwrap();
    let folder = scene.root().join("back").join(folder);
    fs::remove_file(folder.join(name)).unwrap();
    let left = [format!(".{name}.part"), format!(".{name}.0123abcd.part"), ".mine.0123abcd.part".to_owned()];
    for name in &left {
        files::write(folder.join(name), "half").unwrap();
    }
    assert_eq!(restore(&scene, &[]).exits(0).steps("restore", "done").len(), 1);
    assert_eq!(left.map(|name| folder.join(name).exists()), [false, false, true]);
    fs::remove_file(folder.join(".mine.0123abcd.part")).unwrap();
    let below = format!("test{}", scene.logs().display());
    assert!(names.iter().all(|name| name.starts_with(&below)), "{names:?}");
    let before = files_under(&scene.root().join("back"));
    let ran = restore(&scene, &[]).exits(0).says("0 of 6 logs restored (0 B), 6 there already");
    assert_eq!(ran.steps("restore", "kept").len(), 6);
    assert_eq!(files_under(&scene.root().join("back")), before);
}

#[test]
fn what_is_meant_is_chosen_by_set_machine_and_time() {
    for (more, web, jobs) in [
        (&["app"][..], 3, 0),
        (&["jobs", "--since", "2026-11-11"], 0, 2),
        (&["--since", "2026-11-11", "--until", "2026-11-11T23:00:00Z"], 1, 1),
        (&["--until", "2026-11-10T09:00:00Z"], 0, 0),
        (&["--since", "99999d", "app"], 3, 0),
        (&["--host", "test"], 3, 3),
    ] {
        let scene = shipped();
        restore(&scene, more).exits(0);
        let came = |log| back(&scene, log).len() / dated(log, 0).len();
        assert_eq!((came("web"), came("jobs")), (web, jobs), "{more:?}");
    }
}

#[test]
fn a_name_that_nothing_in_the_store_has_is_no_answer() {
    let scene = shipped();
    for (more, told, came) in [
        (&["web"][..], "set web", 0),
        (&["app", "job"], "set job", 3),
        (&["--host", "other"], "machine other", 0),
        (&["--host", "test", "--host", "other", "jobs"], "machine other", 3),
    ] {
        let ran = restore(&scene, more).exits(3);
        let (json, steps) = (ran.json(), ran.steps("restore", "done").len());
        assert_eq!((&json["incomplete"][0]["what"], json["incomplete"].as_array().unwrap().len()), (&told.into(), 1), "{ran:#?}");
        assert_eq!(steps, came, "{more:?}");
    }
    scene.run(&["restore", "apps", "--to", "-"]).exits(3).says("set apps");
    restore(&scene, &["apps"]).exits(3).says("did you mean `app`?");
    restore(&scene, &["--host", "test", "--until", "2020-01-01"]).exits(0).says("the store has nothing of that");
    // As where its disk is not mounted.
    fs::remove_dir_all(scene.store()).unwrap();
    fs::create_dir(scene.store()).unwrap();
    restore(&scene, &[]).exits(3).says("no machine has put anything there");
    scene.run(&["restore", "--to", "-"]).exits(3).says("no machine has put anything there");
}

#[test]
fn to_standard_output_comes_the_text_in_the_order_of_its_lines() {
    let scene = shipped();
    let ran = scene.run(&["restore", "app", "--to", "-"]).exits(0);
    assert_eq!(ran.stdout.as_bytes(), all("web"));
    let url = format!("file://{}", scene.store().display());
    let elsewhere = Scenario::new().plain_set("").run(&["restore", "jobs", "--to", "-", "--store", &url]).exits(0);
    assert_eq!(elsewhere.stdout.as_bytes(), all("jobs"), "any machine that sees the store can");
}

#[test]
fn a_dry_run_to_standard_output_says_what_would_come_and_writes_nothing_of_it() {
    let scene = shipped();
    let known = files_under(scene.state());
    let ran = scene.run(&["--dry-run", "restore", "app", "--to", "-"]).exits(0).says("3 logs to restore (");
    assert!(!ran.stdout.contains("10:00:00Z web"), "{ran:#?}");
    let told = |ran: &Ran| -> Vec<String> {
        let folder = scene.root().join("back").display().to_string();
        let steps = ran.steps("restore", "planned").into_iter();
        steps.map(|step| format!("{step}").replace(&format!("{folder}/"), "")).collect()
    };
    let ran = scene.run(&["--dry-run", "--format", "json", "restore", "app", "--to", "-"]).exits(0);
    let (json, folder) = (ran.json(), restore(&scene, &["--dry-run", "app"]));
    assert_eq!((told(&ran).len(), told(&ran)), (3, told(&folder)), "{ran:#?}");
    assert_eq!((&json["schema"], &json["summary"]), (&folder.json()["schema"], &folder.json()["summary"]), "{json:#}");
    scene.run(&["--dry-run", "restore", "apps", "--to", "-"]).exits(3).says("did you mean `app`?");
    scene.run(&["--dry-run", "restore", "--to", "-", "--since", "2026-11-12", "--until", "2026-11-11"]).exits(2);
    // Neither is remembered, and nobody waits for either.
    assert_eq!(scene.run(&["restore", "app", "--to", "-"]).exits(0).stdout.as_bytes(), all("web"));
    assert_eq!(files_under(scene.state()), known);
}

#[test]
fn where_the_store_has_less_of_an_archive_that_is_known_again_too() {
    let scene = Scenario::new().shipping("", "");
    fs::create_dir(scene.root().join("back")).unwrap();
    scene.append("app.log", (0..4).flat_map(|turn| dated("app", turn)).collect::<Vec<_>>());
    scene.rotate().exits(0);
    let third =
        scene.parcels().into_iter().find(|(_, parcel)| parcel["key"].as_str().unwrap().contains("dt=2026-11-12")).unwrap().0;
    fs::remove_file(third).unwrap();
    scene.ship().exits(0);
    assert_eq!(restore(&scene, &[]).exits(3).steps("restore", "done").len(), 2, "two days in a row, and the last one");
    let before = files_under(&scene.root().join("back"));
    let ran = restore(&scene, &[]).exits(3);
    assert_eq!((ran.steps("restore", "kept").len(), files_under(&scene.root().join("back"))), (2, before.clone()), "{ran:#?}");
    let row = scene.root().join("back").join(before.keys().find(|name| name.contains(".0-")).unwrap());
    let mut text = fs::read(&row).unwrap();
    assert_eq!(text, (0..2).flat_map(|turn| dated("app", turn)).collect::<Vec<_>>());
    *text.last_mut().unwrap() = b' ';
    files::write(&row, &text).unwrap();
    let ran = restore(&scene, &[]).exits(3);
    assert_eq!((ran.steps("restore", "kept").len(), ran.steps("restore", "skipped").len()), (1, 1), "{ran:#?}");
}

#[test]
fn a_wish_to_stop_ends_it_behind_the_log_that_is_written_and_one_sentence_says_how_many_are_left() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = shipped();
    scene.change_settings("[store]", "parallel = 1\n[store]");
    let back = scene.root().join("back").display().to_string();
    let real = scene.command(&["--format", "json", "restore", "--to", &back]);
    // When it gives the first one its time.
    let words = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", "inject=utimensat:signal=TERM:when=1", "--"];
    let ran = Ran::of(&mut sight::before_program(&real, &words.map(OsString::from))).exits(143);
    assert_eq!(ran.steps("restore", "done").len(), 1, "{ran:#?}");
    let json = ran.json();
    let told = json["incomplete"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|part| part["why"].as_str().unwrap().contains("asked to stop before"));
    assert_eq!(told.map(|part| part["what"].as_str().unwrap()).collect::<Vec<_>>(), ["5 logs"], "{json:#}");
    assert_eq!(restore(&scene, &[]).exits(0).steps("restore", "done").len(), 5);
}

#[test]
fn what_is_not_what_the_manifest_names_does_not_come_back() {
    let scene = shipped();
    let key = scene.objects().into_iter().find(|(_, text)| *text == dated("web", 1)).unwrap().0;
    let object = scene.store().join(&key);
    let mut bytes = fs::read(&object).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    files::write(&object, &bytes).unwrap();
    let ran = restore(&scene, &["app"]).exits(3);
    assert_eq!((ran.steps("restore", "failed").len(), ran.steps("restore", "done").len()), (1, 2), "{ran:#?}");
    let ran = scene.run(&["restore", "app", "--to", "-"]);
    assert_eq!(
        (ran.code, ran.stdout.as_bytes()),
        (Some(3), &dated("web", 0)[..]),
        "it ends before what is wrong: {}",
        ran.stderr
    );
    files::write(&object, zstd::encode_all(&b"other\n"[..], 1).unwrap()).unwrap();
    restore(&scene, &["app"]).exits(3);
    fs::remove_file(&object).unwrap();
    restore(&scene, &["app"]).exits(3).says("no such file or directory");
    let came: PathBuf = scene.root().join("back");
    assert!(files_under(&came).keys().all(|name| !name.contains("/.")), "no part stays");
}

#[test]
fn what_stands_in_the_way_stays() {
    let scene = shipped();
    restore(&scene, &["app"]).exits(0);
    let first = files_under(&scene.root().join("back")).into_keys().next().unwrap();
    files::write(scene.root().join("back").join(&first), "mine\n").unwrap();
    let ran = restore(&scene, &["app"]).exits(3);
    assert_eq!((ran.steps("restore", "skipped").len(), ran.steps("restore", "kept").len()), (1, 2), "{ran:#?}");
    assert_eq!(fs::read(scene.root().join("back").join(first)).unwrap(), b"mine\n");
}

#[test]
fn a_missing_segment_is_told_because_nobody_knows_what_it_named() {
    let scene = shipped();
    scene.append("web.log", text_of("more", 3000));
    scene.rotate().exits(0);
    scene.ship().exits(0);
    fs::remove_file(scene.store().join("_opsbelt/manifests/test/0000000001.json")).unwrap();
    let ran = restore(&scene, &[]).exits(1);
    assert_eq!((ran.steps("restore", "done").len(), ran.json()["findings"].as_array().unwrap().len()), (1, 1), "{ran:#?}");
    scene.run(&["restore", "--to", "-"]).exits(3).says("say that this is all");
}

#[test]
fn where_no_segment_can_be_read_nobody_says_that_there_is_nothing() {
    let scene = shipped();
    files::write(scene.store().join("_opsbelt/manifests/test/0000000001.json"), "torn").unwrap();
    for more in [&[][..], &["--host", "test"]] {
        let ran = restore(&scene, more).exits(1);
        assert_eq!(ran.json()["findings"][0]["id"], "logs.segment-differs", "{ran:#?}");
    }
    restore(&scene, &["--host", "other"]).exits(3);
}

#[test]
fn a_reader_that_has_enough_ends_it_quietly() {
    let scene = shipped();
    let ran = scene.run_in_shell("\"$@\" | head -c 10", &["restore", "app", "--to", "-"]);
    assert_eq!((ran.code, ran.stdout.len(), ran.stderr.as_str()), (Some(0), 10, ""), "{ran:#?}");
}

#[test]
fn where_what_is_fetched_has_no_place_the_folder_is_named() {
    let scene = shipped();
    let back = scene.root().join("back").display().to_string();
    for to in ["-", &back] {
        let ran = scene.run_in_shell("TMPDIR=/nonexistent/folder \"$@\"", &["restore", "app", "--to", to]);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("in /nonexistent/folder") && said.contains("TMPDIR=FOLDER"), "{said}");
        assert_eq!(ran.code, Some(3), "{said}");
    }
}

#[test]
fn mistakes_are_told() {
    let scene = shipped();
    for more in [&[][..], &["--dry-run"]] {
        let args = [&["restore", "--to", "/nonexistent/folder"], more].concat();
        scene.run(&args).exits(4).says("/nonexistent/folder").says("hint: make it: mkdir -p");
    }
    scene.run(&["restore", "--to", "-", "--since", "soon"]).exits(2).says("`soon` is no time");
    for (since, until) in [("2026-11-12", "2026-11-11"), ("2h", "3h"), ("2026-11-12", "9999d")] {
        let to = scene.root().join("back").display().to_string();
        for to in ["-", &to] {
            let args = ["restore", "--to", to, "--since", since, "--until", until];
            scene.run(&args).exits(2).says("is later than --until (");
        }
    }
    for args in [&["restore", "--to", "-", "--host", ""][..], &["prune", "--host", ""], &["verify", "file:///x", "--host", ""]] {
        scene.run(args).exits(2).says("--host <HOST>");
    }
    scene.run(&["restore", "--to", "-", "--store", "ftp://x"]).exits(2).says("is no store that is known");
    scene.run(&["restore"]).exits(2);
}

#[test]
fn archives_of_one_name_and_two_texts_come_back_side_by_side() {
    if !needs::met(&[Need::Program("faketime")]) {
        return;
    }
    let scene = Scenario::new().shipping("", "");
    let back = scene.root().join("back");
    fs::create_dir(&back).unwrap();
    let texts = [0, 2].map(|turn| dated("app", turn));
    for text in &texts {
        // The machine is made anew, gets its name again, and rotates at the same second.
        for folder in [scene.state().to_owned(), scene.spool(), scene.logs().to_owned()] {
            if folder.exists() {
                fs::remove_dir_all(&folder).unwrap();
            }
        }
        fs::create_dir(scene.logs()).unwrap();
        scene.append("app.log", text);
        scene.run_at("2027-01-01 10:00:00", &["rotate"]).exits(0);
        scene.ship().exits(0);
    }
    let ran = restore(&scene, &[]).exits(0);
    assert_eq!(ran.steps("restore", "done").len(), 2, "{ran:#?}");
    assert!(findings(&ran, "logs.one-name")[0].contains("2 logs with the name of another one"), "{ran:#?}");
    let names: Vec<_> = files_under(&back).into_keys().collect();
    let digits: Vec<String> = texts.iter().map(|text| sha256_of(&scene, text)[..12].to_owned()).collect();
    for (digits, text) in digits.iter().zip(&texts) {
        let name = names.iter().find(|name| name.ends_with(&format!("-0001.{digits}"))).unwrap();
        assert_eq!(fs::read(back.join(name)).unwrap(), *text, "{names:?}");
    }
    assert_eq!(restore(&scene, &[]).exits(0).steps("restore", "kept").len(), 2);
    let one = restore(&scene, &["--since", "2026-11-12"]).exits(0);
    assert_eq!(one.steps("restore", "kept").len(), 1, "what somebody wants changes no place: {one:#?}");
}

fn sha256_of(scene: &Scenario, text: &[u8]) -> String {
    let path = scene.root().join("text");
    files::write(&path, text).unwrap();
    process::must("sha256sum", &[path.as_os_str()])
}
