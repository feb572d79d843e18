//! What was rotated and is not archived yet: writers that do not let go, strangers in the way, and what is told of it.

use std::{fs, os::unix::fs::MetadataExt};

use crate::support::{
    files,
    needs::{self, Need},
    scenario::Scenario,
    stories::{DAEMON, NOBODY},
};

/// A log that an earlier run swapped away and could not archive, and the name that it has.
fn waiting(compress: &str) -> (Scenario, String) {
    let scene = Scenario::new().plain_set(&format!("compress = \"{compress}\"")).log_of("app.log", 2000);
    let writer = scene.writer("app.log");
    scene.rotate().exits(0);
    drop(writer);
    let rotated = scene.archives("app.log").remove(0);
    (scene, rotated)
}

/// An archive of another log of that name, with that time.
fn archive_of_another(extension: &str, rotated: &str) -> Vec<u8> {
    let compress = if extension == "gz" { "gzip" } else { "zstd" };
    let scene = Scenario::new().plain_set(&format!("compress = \"{compress}\"")).log("app.log", vec![b'z'; 2000]);
    let ran = scene.rotate().exits(0);
    assert!(scene.archives("app.log")[0].ends_with(extension), "{rotated}: {ran:#?}");
    fs::read(scene.live(&scene.archives("app.log")[0])).unwrap()
}

#[test]
fn a_file_under_the_archives_name_is_removed_only_when_it_is_proven_to_be_ours() {
    for (compress, extension) in [("zstd", "zst"), ("gzip", "gz")] {
        for stranger in [b"anything".to_vec(), archive_of_another(extension, compress)] {
            let (scene, rotated) = waiting(compress);
            let before = fs::read(scene.live(&rotated)).unwrap();
            let name = format!("{rotated}.{extension}");
            files::write(scene.live(&name), &stranger).unwrap();
            let ran = scene.rotate().exits(3);
            let why = ran.reason("archive", "skipped", &rotated);
            assert!(why.contains(&name) && why.contains("in the way"), "{why}");
            assert_eq!(fs::read(scene.live(&name)).unwrap(), stranger, "{compress}: it is not ours to remove");
            assert_eq!(fs::read(scene.live(&rotated)).unwrap(), before);
            fs::rename(scene.live(&name), scene.live("aside")).unwrap();
            assert_eq!(scene.rotate().exits(0).steps("archive", "done").len(), 1);
            assert_eq!(scene.told("app.log"), before, "{compress}");
            scene.run(&["verify"]).exits(0).says("1 of 1");
        }
    }
}

#[test]
fn a_strangers_file_of_another_form_is_in_nobodys_way() {
    let (scene, rotated) = waiting("zstd");
    let stranger = scene.live(&format!("{rotated}.gz"));
    files::write(&stranger, "anything").unwrap();
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.steps("archive", "done").len(), 1);
    assert_eq!(fs::read_to_string(stranger).unwrap(), "anything");
}

#[test]
fn a_finished_archive_that_was_not_recorded_is_made_anew() {
    for (compress, extension) in [("zstd", "zst"), ("gzip", "gz")] {
        let (scene, rotated) = waiting(compress);
        let (before, ledger) = (fs::read(scene.live(&rotated)).unwrap(), fs::read(scene.ledger()).unwrap());
        scene.rotate().exits(0);
        // As if that run had been killed before it could record what it made.
        files::write(scene.ledger(), ledger).unwrap();
        files::write(scene.live("copy"), &before).unwrap();
        let made = fs::read(scene.live(&format!("{rotated}.{extension}"))).unwrap();
        assert!(!made.is_empty());
        let text = scene.without_sums();
        let inode = fs::metadata(scene.live("copy")).unwrap().ino();
        fs::rename(scene.live("copy"), scene.live(&rotated)).unwrap();
        let (head, tail) = text.split_once("\"ino\":").unwrap();
        let digits = tail.find(|c: char| !c.is_ascii_digit()).unwrap();
        files::write(scene.ledger(), format!("{head}\"ino\":{inode}{}", &tail[digits..])).unwrap();
        assert_eq!(scene.rotate().exits(0).steps("archive", "done").len(), 1, "{compress}");
        assert_eq!(scene.told("app.log"), before, "{compress}");
        assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    }
}

#[test]
fn a_stranger_in_the_way_does_not_keep_the_writer_from_being_told() {
    let (scene, rotated) = waiting("zstd");
    // As if the run had been killed before it told the writer.
    let text = fs::read_to_string(scene.ledger()).unwrap();
    let kept: Vec<&str> = text.split_inclusive('\n').filter(|line| !line.contains("\"told\"")).collect();
    files::write(scene.ledger(), kept.concat()).unwrap();
    files::write(scene.live(&format!("{rotated}.zst")), "anything").unwrap();
    let scene = scene.plain_set("reopen = { command = [\"/bin/touch\", \"{root}/told\"] }");
    scene.rotate().exits(3);
    assert!(scene.root().join("told").exists());
    let again = scene.rotate().exits(3);
    assert_eq!(again.steps("tell", "done").len(), 0, "once is enough");
}

#[test]
fn an_empty_file_that_somebody_has_open_is_kept_in_the_books() {
    let scene = Scenario::new().plain_set("").log("app.log", "small\n");
    let name = "app.log.20260101T000000Z-0001";
    let folder = scene.logs().display();
    // As if a run had been killed before its swap.
    let ledger = format!(
        "{{\"line\":\"header\",\"format\":\"opsbelt.logs.ledger\",\"version\":1,\"host\":\"test\",\"next\":0}}\n\
         {{\"line\":\"entry\",\"id\":0,\"set\":\"app\",\"folder\":\"{folder}\",\"log\":\"app.log\",\"name\":\"{name}\",\
         \"at\":\"2026-01-01T00:00:00Z\",\"file\":{{\"dev\":1,\"ino\":1}},\"stage\":\"intended\"}}\n"
    );
    files::write(scene.ledger(), ledger).unwrap();
    let scene = scene.log(name, "");
    let writer = scene.writer(name);
    let ran = scene.rotate().exits(0);
    assert!(ran.reason("discard", "waiting", name).contains("somebody has it open"), "{ran:#?}");
    assert!(scene.live(name).exists());
    drop(writer);
    scene.rotate().exits(0);
    assert!(!scene.live(name).exists(), "it is not forgotten");
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn what_nobody_can_tell_of_is_taken_as_closed_after_the_time_that_the_set_says_and_a_sound_clock() {
    if !needs::met(&[Need::Root, Need::Program("setpriv"), Need::Program("faketime")]) {
        return;
    }
    let words = "archive-dir = \"{root}/archives\"\nassume-closed-after = \"1d\"";
    let scene = Scenario::new().plain_set(words).log_of("app.log", 2000).open_root();
    fs::create_dir(scene.root().join("archives")).unwrap();
    let writer = scene.writer("app.log");
    scene.rotate().exits(0);
    drop(writer);
    let rotated = scene.archives("app.log").remove(0);
    // From now on a user works there who may not ask for a lease on the file, nor look into all processes.
    let mut scene = scene.owned(&format!("logs/{rotated}"), DAEMON, DAEMON).mode(&format!("logs/{rotated}"), 0o644);
    for ours in ["logs", "archives", "state", "state/ledger.jsonl", "state/history.jsonl", "state/logs-rotate.lock"] {
        scene = scene.owned(ours, NOBODY, NOBODY);
    }
    for when in ["+0d", "+23h", "+20000d"] {
        let ran = scene.run_at_as(when, NOBODY, &["--format", "json", "rotate"]);
        assert!(ran.reason("archive", "waiting", &rotated).contains("nobody can tell"), "{when}: {ran:#?}");
    }
    scene.run_at_as("+2d", NOBODY, &["rotate"]).exits(0);
    assert_eq!(scene.archives("app.log").len(), 0, "it was released");
    assert_eq!(fs::read_dir(scene.root().join("archives")).unwrap().count(), 1);
    scene.run_at_as("+2d", NOBODY, &["verify"]).exits(0).says("1 of 1");
}

#[test]
fn what_waits_for_more_than_a_day_is_told() {
    if !needs::met(&[Need::Program("faketime")]) {
        return;
    }
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let _writer = scene.writer("app.log");
    scene.rotate().exits(0);
    assert_eq!(scene.run_at("+20h", &["--format", "json", "rotate"]).exits(0).json()["findings"][0], serde_json::Value::Null);
    let ran = scene.run_at("+2d", &["--format", "json", "rotate"]).exits(1);
    let finding = &ran.json()["findings"][0];
    assert_eq!(finding["id"], "logs.waiting");
    let message = finding["message"].as_str().unwrap();
    assert!(message.starts_with("it was rotated at 20") && message.contains("still has it open"), "{message}");
}

#[test]
fn a_writer_that_goes_on_writing_to_the_old_file_is_told_at_once_and_its_bytes_are_shown() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let _writer = scene.writer("app.log");
    scene.rotate().exits(0);
    let rotated = scene.live(&scene.archives("app.log")[0]);
    let later = |old: &mut std::fs::File| {
        old.set_len(3000)?;
        old.set_modified(old.metadata()?.modified()? + std::time::Duration::from_hours(1))
    };
    files::with(std::fs::File::options().append(true), rotated, later).unwrap();
    let finding = scene.rotate().exits(1).json()["findings"][0].clone();
    assert_eq!(finding["id"], "logs.waiting");
    assert!(finding["message"].as_str().unwrap().contains("holds 2.9 KiB"), "{finding}");
    let status = scene.run(&["--format", "json", "status"]).exits(1).json();
    assert_eq!(
        (&status["findings"][0]["id"], &status["findings"][0]["subject"]),
        (&finding["id"], &finding["subject"]),
        "{status}"
    );
    scene.run(&["status"]).exits(1).says("WAITING BYTES").says("2.9 KiB");
    scene.run(&["plan"]).exits(0).says("it is archived as soon as nobody has it open for writing");
}

#[test]
fn what_waits_although_nobody_has_it_open_says_where_to_look() {
    let (scene, rotated) = waiting("zstd");
    let reason = scene.run(&["--format", "json", "status"]).exits(0).reason("archive", "waiting", &rotated);
    assert!(reason.contains("nobody is seen to have it open now") && reason.contains("`ops-logs history`"), "{reason}");
    scene.rotate().exits(0);
    assert_eq!(scene.run(&["--format", "json", "status"]).exits(0).steps("archive", "waiting").len(), 0);
}

#[test]
fn what_to_do_about_a_writer_that_never_lets_go_is_said_where_nobody_tells_it() {
    let all = "paths = [\"{logs}/*.log\"]\nwhen = \"1 KiB\"";
    let told = format!("{all}\nreopen = {{ command = [\"/bin/true\"] }}\nclose-wait = \"0s\"");
    let collected = "paths = [\"{logs}/live\"]\nmethod = \"collect\"\nfinished = [\"{name}-app.log\"]";
    for (words, file, advised) in [(all, "app.log", true), (&told, "app.log", false), (collected, "live-app.log", false)] {
        let scene = Scenario::new().set(words).log_of(file, 2000);
        let _writer = scene.writer(file);
        let reason = scene.rotate().exits(0).reason("archive", "waiting", "-0001");
        assert!(reason.contains("still has it open for writing"), "{reason}");
        assert_eq!(reason.contains("say in `reopen` how it is told"), advised, "{words}: {reason}");
    }
}
