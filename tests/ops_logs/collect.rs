//! Logs whose writers rotate by themselves: what is finished is kept once, the live log is never touched, and what was deleted
//! too soon is told.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt, path::Path};

use crate::support::{
    files,
    filesystem::{Kind, Recipe},
    needs::{self, MOUNTS, Need},
    scenario::{Ran, Scenario},
    stories::{NOBODY, ago, hours},
    tally,
};

/// A set of logs that are collected, with more words.
pub(crate) fn collecting(words: &str) -> Scenario {
    Scenario::new().set(&format!("method = \"collect\"\npaths = [\"{{logs}}/app.log\"]\n{words}"))
}

/// What a writer does that keeps `most` finished files: names shift, the oldest is deleted, the live file is a new one.
pub(crate) fn shift(scene: &Scenario, most: usize, live: &str) {
    let name = |number: usize| scene.live(&if number == 0 { "app.log".to_owned() } else { format!("app.log.{number}") });
    let _ = fs::remove_file(name(most));
    for number in (0..most).rev() {
        let _ = fs::rename(name(number), name(number + 1));
    }
    files::write(name(0), live).unwrap();
}

/// The content of each of our archives, by name; the writer's own files are none.
pub(crate) fn kept(scene: &Scenario) -> Vec<String> {
    kept_in(scene.logs())
}

fn kept_in(folder: &Path) -> Vec<String> {
    let ours = |name: &str| name.contains('T') && name.contains("Z-0");
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| ours(path.file_name().unwrap().to_str().unwrap()));
    names.sort();
    names.iter().map(|path| std::io::read_to_string(tally::plain(path)).unwrap()).collect()
}

/// Every file of the writer's: name, inode, content.
fn theirs(scene: &Scenario) -> BTreeMap<String, (u64, Vec<u8>)> {
    let names = scene.names("app").into_iter().filter(|name| !name.contains("Z-0"));
    names
        .map(|name| (name.clone(), (fs::metadata(scene.live(&name)).unwrap().ino(), fs::read(scene.live(&name)).unwrap())))
        .collect()
}

pub(crate) fn findings(ran: &Ran, id: &str) -> Vec<String> {
    let json = ran.json();
    let findings = json["findings"].as_array().cloned().unwrap_or_default();
    findings.iter().filter(|one| one["id"] == id).map(|one| one["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn finished_files_are_kept_once_and_the_writers_stay_as_they_are() {
    let scene = collecting("compress = \"zstd\"").log("app.log", "live\n");
    shift(&scene, 3, "second\n");
    shift(&scene, 3, "third\n");
    let before = theirs(&scene);
    let planned = scene.run(&["--format", "json", "plan"]).exits(0);
    assert_eq!(planned.acts(), ["collect planned", "collect planned"]);
    assert_eq!(theirs(&scene), before);
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.acts(), ["collect done", "collect done", "archive done", "archive done"]);
    let reasons = |ran: &Ran, outcome: &str| -> Vec<String> {
        ran.steps("collect", outcome).iter().map(|step| format!("{}{}{}", step["subject"], step["reason"], step["to"])).collect()
    };
    assert_eq!(reasons(&ran, "done"), reasons(&planned, "planned"));
    assert_eq!(kept(&scene), ["live\n", "second\n"]);
    assert_eq!(theirs(&scene), before, "the writer's files are the writer's");
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    scene.run(&["verify"]).exits(0).says("2 of 2");
}

#[test]
fn names_that_shift_and_inodes_that_are_used_again_are_told_apart() {
    if !needs::met(MOUNTS) {
        return;
    }
    // On a disk of its own: elsewhere whoever else makes a file just then may get the inode, or nobody ever does.
    let disk = Recipe::new(Kind::Ext4).mount();
    let scene = Scenario::new().logs_in(disk.path()).set("method = \"collect\"\npaths = [\"{logs}/app.log\"]");
    let scene = scene.log("app.log", "0\n");
    let mut inodes = std::collections::HashSet::new();
    for turn in 1..12 {
        inodes.insert(fs::metadata(scene.live("app.log")).unwrap().ino());
        shift(&scene, 2, &format!("{turn}\n"));
        assert_eq!(findings(&scene.rotate().exits(0), "logs.changed"), [""; 0], "another file is no file that changed");
    }
    assert!(inodes.len() < 11, "the file system gave inodes away again, or this proves nothing");
    assert_eq!(kept(&scene), (0..11).map(|turn| format!("{turn}\n")).collect::<Vec<_>>());
    scene.run(&["verify"]).exits(0);
}

#[test]
fn finished_files_with_a_time_in_their_name_are_no_logs_of_their_own() {
    let words = "method = \"collect\"\npaths = [\"{logs}/*.log\"]\nfinished = [\"{stem}-*.log\"]";
    let scene = Scenario::new().set(words);
    for (name, hour) in [("app.log", 1), ("app-2026-11-20.log", 30), ("app-2026-11-19.log", 50), ("web.log", 1), ("web-1.log", 9)]
    {
        files::write(scene.live(name), format!("{name}\n")).unwrap();
        files::with(fs::File::options().append(true), scene.live(name), |file| file.set_modified(ago(hours(hour)))).unwrap();
    }
    let ran = scene.run(&["--format", "json", "-v", "rotate"]).exits(0);
    assert_eq!(ran.steps("leave", "kept").len(), 2, "{ran:#?}");
    assert_eq!(kept(&scene), ["app-2026-11-19.log\n", "app-2026-11-20.log\n", "web-1.log\n"]);
    let log = |name: &str| scene.names(&format!("{name}.log.")).len();
    assert_eq!((log("app"), log("web")), (2, 1));
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn files_that_look_finished_and_that_no_template_means_are_told_until_something_is_collected() {
    let told = |ran: &Ran| findings(ran, "logs.nothing-finished");
    let scene = collecting("finished = [\"{name}.[0-9]*\"]\nexclude = [\"{logs}/app-0*\"]").log("app.log", "live\n");
    let scene = scene.log("app-01.log", "excluded\n").log("app.log.lock", "").log("app.pid", "12\n").log("web.log.1", "theirs\n");
    assert_eq!(told(&scene.rotate().exits(0)), [""; 0]);
    for day in [20, 21] {
        files::write(scene.live(&format!("app-2026-11-{day}.log")), "finished\n").unwrap();
    }
    for command in ["plan", "rotate", "status"] {
        let ran = scene.run(&["--format", "json", command]).exits(0);
        assert!(told(&ran)[0].contains("2 files beside it with names like app-2026-11-20.log"), "{ran:#?}");
    }
    let scene = scene.log("app.log.1", "finished\n");
    for acts in [2, 0] {
        let ran = scene.rotate().exits(0);
        assert_eq!((told(&ran), ran.acts().len()), (vec![], acts), "it has some now, and these are not its");
        let _ = fs::remove_file(scene.live("app.log.1"));
    }
}

#[test]
fn a_live_log_that_is_not_there_at_the_moment_is_no_trouble() {
    let scene = collecting("").log("app.log.1", "finished\n");
    scene.rotate().exits(0);
    assert_eq!(kept(&scene), ["finished\n"]);
    assert_eq!(scene.names("app.log.1").len(), 1);
    fs::remove_file(scene.live("app.log.1")).unwrap();
    assert!(scene.rotate().exits(3).stdout.contains("no such file"), "nothing of it is there");
}

#[test]
fn a_file_whose_archive_is_gone_by_a_rule_is_not_collected_again() {
    let scene = collecting("keep = { count = 1 }").log("app.log", "1\n");
    shift(&scene, 9, "2\n");
    shift(&scene, 9, "3\n");
    scene.rotate().exits(0);
    scene.rotate().exits(0);
    assert_eq!(kept(&scene), ["2\n"]);
    let mut ledger = fs::read_to_string(scene.ledger()).unwrap();
    assert!(ledger.contains("\"line\":\"gone\""));
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    // A damaged line has the whole ledger written anew: what is remembered must stand in it.
    ledger.push_str("no line\n");
    files::write(scene.ledger(), ledger).unwrap();
    shift(&scene, 9, "4\n");
    scene.rotate();
    scene.rotate();
    assert!(fs::read_to_string(scene.ledger()).unwrap().contains("\"line\":\"collected\""));
    assert_eq!(kept(&scene), ["3\n"]);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    for number in 1..4 {
        fs::remove_file(scene.live(&format!("app.log.{number}"))).unwrap();
    }
    scene.rotate().exits(0);
    assert!(fs::read_to_string(scene.ledger()).unwrap().contains("\"line\":\"passed\""), "what is gone is forgotten");
}

#[test]
fn an_archive_elsewhere_is_made_and_the_pin_goes() {
    let scene = collecting("archive-dir = \"{root}/kept\"").log("app.log.1", "first\n").log("app.log", "");
    fs::create_dir(scene.root().join("kept")).unwrap();
    scene.rotate().exits(0);
    assert_eq!(kept_in(&scene.root().join("kept")), ["first\n"]);
    assert_eq!(scene.names("app"), ["app.log", "app.log.1"]);
}

#[test]
fn uncompressed_the_archive_would_be_its_writers_file_and_that_is_refused() {
    let scene = collecting("compress = \"none\"").log("app.log.1", "first\n").log("app.log", "");
    let ran = scene.rotate().exits(2);
    assert!(ran.stderr.contains("which it may still alter") && ran.stderr.contains("choose a compressor"), "{ran:#?}");
    assert_eq!(scene.names("app"), ["app.log", "app.log.1"]);
    // Nor does it become so for a file that was collected while the set was another one.
    scene.change_settings("compress = \"none\"", "");
    let writer = scene.writer("app.log.1");
    scene.rotate().exits(0);
    scene.change_settings("method = \"collect\"", "compress = \"none\"");
    drop(writer);
    scene.rotate();
    files::write(scene.live("app.log.1"), "other\n").unwrap();
    assert_eq!(kept(&scene), ["first\n"]);
}

#[test]
fn a_log_that_is_finished_where_it_is_waits_for_its_writer_to_close_it() {
    let words = "method = \"collect\"\npaths = [\"{logs}/builds/*/log\"]\nfinished = [\"{name}\"]";
    let scene = Scenario::new().set(words);
    for build in ["1", "2"] {
        fs::create_dir_all(scene.live(&format!("builds/{build}"))).unwrap();
        files::write(scene.live(&format!("builds/{build}/log")), format!("build {build}\n")).unwrap();
    }
    let writer = scene.writer("builds/2/log");
    let ran = scene.rotate().exits(0);
    assert!(ran.reason("collect", "waiting", "2/log").contains("still has it open"), "{ran:#?}");
    assert_eq!(kept_in(&scene.live("builds/1")), ["build 1\n"]);
    assert_eq!(scene.names("builds/2"), ["builds/2/log"], "nothing is done to a live log");
    drop(writer);
    scene.rotate().exits(0);
    assert_eq!(kept_in(&scene.live("builds/2")), ["build 2\n"]);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

/// A file that its writer compressed.
pub(crate) fn packed(extension: &str, text: &str) -> Vec<u8> {
    if extension == "zst" {
        return zstd::encode_all(text.as_bytes(), 1).unwrap();
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn what_its_writer_compressed_is_kept_as_it_is() {
    for (extension, words) in
        [("gz", ""), ("zst", ""), ("gz", "archive-dir = \"{root}/kept\""), ("zst", "archive-dir = \"{root}/kept\"")]
    {
        let content = packed(extension, "first\n");
        let scene = collecting(words).log(&format!("app.log.1.{extension}"), &content).log("app.log", "");
        fs::create_dir(scene.root().join("kept")).unwrap();
        let ran = scene.rotate().exits(0);
        let archive = ran.steps("archive", "done")[0]["subject"].as_str().unwrap().to_owned();
        assert!(archive.ends_with(&format!("-0001.{extension}")), "{archive}");
        fs::remove_file(scene.live(&format!("app.log.1.{extension}"))).unwrap();
        assert_eq!(fs::read(&archive).unwrap(), content);
        let folder = Path::new(&archive).parent().unwrap();
        assert_eq!(kept_in(folder), ["first\n"], "{extension} {words}");
        assert_eq!(scene.names("app.log.2").len(), usize::from(words.is_empty()), "the pin is gone");
        scene.run(&["verify"]).exits(0).says("1 of 1");
        assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    }
}

#[test]
fn what_only_has_the_name_of_a_compressed_file_is_archived_like_any_other() {
    let scene = collecting("").log("app.log.1.gz", "plain text\n").log("app.log", "");
    let ran = scene.rotate().exits(0);
    assert!(ran.reason("archive", "waiting", "-0001").contains("cannot be read as what its name says"), "{ran:#?}");
    scene.rotate().exits(0);
    assert_eq!(kept(&scene), ["plain text\n"]);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn in_another_users_folder_that_user_collects() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let scene = collecting("").log("app.log.1", "first\n").log("app.log", "").open_root();
    let scene = scene.owned("logs", NOBODY, NOBODY).owned("logs/app.log.1", NOBODY, NOBODY).owned("logs/app.log", NOBODY, NOBODY);
    scene.rotate().exits(0);
    assert_eq!(kept(&scene), ["first\n"]);
    let archive = scene.names("app.log.2").remove(0);
    assert_eq!(fs::metadata(scene.live(&archive)).unwrap().uid(), NOBODY);
    // A file of root's in that folder is not touched with root's rights.
    files::write(scene.live("app.log.2"), "root's\n").unwrap();
    fs::set_permissions(scene.live("app.log.2"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert!(scene.rotate().exits(3).stdout.contains("permission denied"));
}

#[test]
fn status_and_settings_say_who_decides_when() {
    let scene = collecting("when = \"daily\"").log("app.log", "");
    scene.run(&["status"]).exits(0).says("collected as soon as its writer is done with it");
    scene.run(&["config", "check"]).exits(0).says("`when` has no use");
    scene.change_settings("when = \"daily\"", "");
    assert!(!scene.run(&["config", "check"]).exits(0).stdout.contains("has no use"));
}

#[test]
fn names_of_one_file_are_one_file_and_another_name_of_the_live_one_is_not_finished() {
    let scene = collecting("").log("app.log", "live\n").log("app.log.1", "first\n");
    fs::hard_link(scene.live("app.log.1"), scene.live("app.log.2")).unwrap();
    fs::hard_link(scene.live("app.log"), scene.live("app.log.0")).unwrap();
    scene.rotate().exits(0);
    assert_eq!(kept(&scene), ["first\n"]);
    fs::remove_file(scene.live("app.log")).unwrap();
    files::write(scene.live("app.log"), "next\n").unwrap();
    scene.rotate().exits(0);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    let mut kept = kept(&scene);
    kept.sort();
    assert_eq!(kept, ["first\n", "live\n"]);
}

#[test]
fn a_finished_file_whose_name_is_not_utf8_is_told() {
    let scene = collecting("").log("app.log.1", "first\n").log("app.log", "");
    let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"app.log.\xff");
    files::write(scene.logs().join(name), "second\n").unwrap();
    let ran = scene.rotate().exits(3);
    assert!(ran.stdout.contains("its name is not UTF-8, so it is not collected"), "{ran:#?}");
    fs::remove_file(scene.logs().join(name)).unwrap();
    assert_eq!(kept(&scene), ["first\n"]);
    scene.rotate().exits(0);
}

#[test]
fn without_its_ledger_what_is_collected_again_is_told_to_be_in_two_archives() {
    let scene = collecting("").log("app.log.1", "first\n").log("app.log", "");
    scene.rotate().exits(0);
    fs::remove_file(scene.ledger()).unwrap();
    let told = findings(&scene.rotate().exits(0), "logs.archived-twice");
    assert!(told.len() == 1 && told[0].contains("no record is left"), "{told:?}");
    assert_eq!(kept(&scene), ["first\n", "first\n"]);
}

#[test]
fn files_of_a_log_that_repeats_itself_are_not_told_to_be_archived_twice() {
    let scene = collecting("").log("app.log.1", "same\n").log("app.log", "same\n");
    scene.rotate().exits(0);
    shift(&scene, 3, "next\n");
    assert_eq!(findings(&scene.rotate().exits(0), "logs.archived-twice"), [""; 0]);
    assert_eq!(kept(&scene), ["same\n", "same\n"]);
}
