//! `status`, `verify` and `history`: what they tell, and that they tell the truth about damage.

use std::{fs, os::unix::fs::FileExt, path::Path, process::Command};

use crate::support::{
    files,
    needs::{self, Need, TRACES},
    scenario::{Ran, Scenario},
    stories::{NOBODY, run_to, where_it_is_noon},
    strace,
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
    files::write(&archive, vec![b'\n'; size]).unwrap();
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

/// The binary under strace, which does `inject` to its calls on `path` and notes them in `note`.
fn meddled(scene: &Scenario, args: &[&str], path: &Path, inject: &str, note: &Path) -> Command {
    let real = scene.command(args);
    let mut command = Command::new("strace");
    command.env_clear().args(["-f", "-qq", "-o"]).arg(note).arg("-P").arg(path).args(["-e", inject, "--"]);
    command.arg(real.get_program()).args(real.get_args());
    scene.environment(&mut command);
    command
}

#[test]
fn an_archive_that_the_disk_does_not_give_back_is_incomplete_not_damaged() {
    if !needs::met(TRACES) {
        return;
    }
    for compress in ["zstd", "gzip", "none"] {
        let scene = with_archives(compress);
        let archive = scene.live(&scene.archives("a.log")[0]);
        let note = scene.root().join("trace");
        let args = ["--format", "json", "verify"];
        let json = Ran::of(&mut meddled(&scene, &args, &archive, "inject=pread64:error=EIO", &note)).exits(3).json();
        assert_eq!(json["findings"].as_array().map(Vec::len), Some(0), "{compress}: {json:#}");
        assert_eq!(json["incomplete"][0]["what"], format!("verify {}", archive.display()), "{json:#}");
        assert!(json["incomplete"][0]["why"].as_str().is_some_and(|why| why.starts_with("input/output error")), "{json:#}");
        assert_eq!(json["incomplete"].as_array().map(Vec::len), Some(1));
    }
}

/// Holds the query just after it has read the ledger, lets `meanwhile` happen, and lets the query end.
fn overtaken(scene: &Scenario, word: &str, meanwhile: impl FnOnce()) -> Ran {
    strace::held(&scene.command(&["--format", "json", word]), "read", 2, Some(&scene.ledger()), meanwhile).into()
}

#[test]
fn what_a_run_archives_or_removes_while_somebody_asks_is_neither_lost_nor_missing() {
    if !needs::met(TRACES) {
        return;
    }
    for question in ["status", "plan"] {
        let scene = Scenario::new().plain_set("keep = { count = 1 }").log_of("a.log", 2000);
        let writer = scene.writer("a.log");
        scene.rotate().exits(0);
        let ran = overtaken(&scene, question, || {
            drop(writer);
            assert_eq!(scene.rotate().exits(0).acts(), ["archive done"]);
        });
        assert_eq!(ran.exits(0).json()["findings"].as_array().map(Vec::len), Some(0));
    }
    let scene = Scenario::new().plain_set("keep = { count = 1 }").log_of("a.log", 2000);
    scene.rotate().exits(0);
    scene.append("a.log", vec![b'x'; 2000]);
    let ran = overtaken(&scene, "verify", || {
        assert_eq!(scene.rotate().exits(0).acts(), ["rotate done", "archive done", "remove done"]);
    });
    assert_eq!(ran.exits(0).json()["findings"].as_array().map(Vec::len), Some(0));
}

#[test]
fn the_line_that_a_run_is_just_writing_is_no_trouble() {
    let scene = with_archives("zstd");
    let mut ledger = fs::read(scene.ledger()).unwrap();
    ledger.extend_from_slice(b"{\"entry\":{\"id\":99,\"se");
    files::write(scene.ledger(), &ledger).unwrap();
    scene.run(&["verify"]).exits(0).says("2 of 2");
    scene.run(&["status"]).exits(0).says("2 archives");
    assert_eq!(fs::read(scene.ledger()).unwrap(), ledger, "a question changes nothing");
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
    let words = "paths = [\"{logs}/*.log\"]\nwhen = { any = [\"daily\", \"1 KiB\"] }";
    let scene = Scenario::new().set(&format!("{words}\nzone = \"{}\"", where_it_is_noon())).log_of("a.log", 60_000);
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
    let state = scene.state().display().to_string();
    assert_eq!((&json["state"], text.lines().last()), (&state.as_str().into(), Some(&*format!("state folder: {state}"))));
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
    let waits = &json["steps"][1];
    assert_eq!((waits["action"].as_str(), waits["outcome"].as_str()), (Some("archive"), Some("waiting")), "{json:#}");
    assert_eq!(waits["subject"], scene.live(&scene.archives("a.log")[0]).display().to_string());
    let reason = waits["reason"].as_str().unwrap();
    assert!(reason.contains("as soon as nobody has it open for writing; open for writing now: sleep (pid "), "{reason}");
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
    assert!(rows.iter().all(|row| row[2].is_f64()), "{json:#}");
    scene.run(&["history", "--last", "0"]).exits(2).says("at least 1");
    assert_eq!(rows[0][4].as_str().map(|text| text.starts_with("1 log rotated, 1 archived")), Some(true), "{json:#}");
    let last = scene.run(&["--format", "json", "history", "--last", "1"]).exits(0).json();
    assert_eq!(last["tables"][0]["rows"].as_array().map(Vec::len), Some(1));
    // A line that a crash cut short is passed over.
    let path = scene.state().join("history.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    files::write(&path, format!("{text}{{\"format\":\"opsbelt.run/1\",\"id")).unwrap();
    let after = scene.run(&["--format", "json", "history"]).exits(0).json();
    assert_eq!(after["tables"][0]["rows"].as_array().map(Vec::len), Some(2));
    scene.rotate().exits(3);
    let after = scene.run(&["--format", "json", "history"]).exits(0).json();
    assert_eq!(after["tables"][0]["rows"].as_array().map(Vec::len), Some(3), "the line after the torn one is whole");
}

#[test]
fn init_writes_its_file_once_and_a_dry_run_writes_none() {
    let scene = Scenario::new().log_of("app.log", 2000);
    let out = scene.root().join("logs.toml");
    let (root, file) = (scene.logs().display().to_string(), out.display().to_string());
    let init = |flags: &[&str]| scene.run(&[flags, &["init", "--root", &root, "--out", &file]].concat());
    let shown = init(&["--dry-run", "--format", "json"]);
    assert!(matches!(shown.code, Some(0 | 3)), "{shown:#?}");
    let steps = shown.steps("write", "planned");
    assert_eq!(steps[0]["subject"], file, "{shown:#?}");
    assert!(!out.exists(), "nothing is written");
    assert!(!scene.state().join("history.jsonl").exists(), "and nothing is remembered");
    assert_eq!(init(&[]).code, shown.code);
    // How many processes there are changes from run to run.
    let settings =
        |text: &str| text.lines().filter(|line| !line.starts_with("# Not seen")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(settings(&fs::read_to_string(&out).unwrap()), settings(steps[0]["details"]["text"].as_str().unwrap()));
    files::write(&out, "mine").unwrap();
    for flags in [&["--dry-run"][..], &[]] {
        init(flags).exits(2).says("logs.toml: it is there already").says("hint: ");
    }
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
}

#[test]
fn a_proposal_in_which_nothing_is_active_says_so_and_the_check_of_it_too() {
    let scene = Scenario::new().log_of("app.log", 2000);
    let (root, out) = (scene.logs().display().to_string(), scene.root().join("settings.toml"));
    let shown = scene.run(&["init", "--root", &root]);
    assert!(shown.stdout.contains("\n# nothing is active in these settings yet: "), "{shown:#?}");
    assert!(shown.stdout.contains("only logs over 50.0 MiB (over 10.0 MiB when older than a month)"), "{shown:#?}");
    assert!(shown.stderr.contains("nothing is active in these settings yet"), "{shown:#?}");
    let file = out.display().to_string();
    scene
        .run(&["init", "--root", &root, "--out", &file])
        .says("nothing is active in these settings yet: uncomment the [[log]] you want");
    for word in [&["config", "check"][..], &["plan"], &["rotate"]] {
        scene.run(word).exits(2).says("the settings name no logs");
    }
    let text = fs::read_to_string(&out).unwrap();
    let scene = scene.settings(&format!("{text}\n[[log]]\npaths = [\"{{logs}}/*.log\"]\n"));
    scene.run(&["config", "check"]).exits(0).says("the settings are sound");
}

#[test]
fn a_folder_that_was_typed_must_be_there() {
    let scene = Scenario::new().log_of("app.log", 2000);
    scene.run(&["survey", "--root", "/nonexistent"]).exits(2).says("cannot look into /nonexistent: there is no such folder");
    scene.run(&["init", "--root", &scene.live("app.log").display().to_string()]).exits(2).says("it is no folder");
    let nowhere = scene.root().join("none/logs.toml").display().to_string();
    scene.run(&["init", "--out", &nowhere]).exits(2).says("hint: make the folder first");
}

#[test]
fn an_unknown_set_or_preset_is_answered_with_the_one_that_was_meant() {
    let scene = Scenario::new().plain_set("");
    for word in ["rotate", "plan", "status", "verify"] {
        scene.run(&[word, "ap"]).exits(2).says("cannot find the set `ap`: the settings have: app").says("did you mean `app`?");
    }
    scene.run(&["presets", "ngnix"]).exits(2).says("did you mean `nginx`?");
    scene.run(&["presets", "java"]).exits(2).says("there is none on purpose: a JVM cannot open");
}

#[test]
fn a_survey_does_not_count_its_own_inherited_descriptors() {
    let scene = Scenario::new().log_of("held.log", 2000);
    let held = fs::File::options().read(true).append(true).open(scene.live("held.log")).unwrap();
    fs::remove_file(scene.live("held.log")).unwrap();
    let root = scene.logs().display().to_string();
    run_to(&mut scene.command(&["--format", "json", "survey", "--root", &root]), held.try_clone().unwrap());
    let mut answer = vec![0; usize::try_from(held.metadata().unwrap().len()).unwrap()];
    held.read_exact_at(&mut answer, 0).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let json: serde_json::Value = serde_json::from_str(&answer[answer.find("\n{").unwrap()..]).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let ours: Vec<_> = findings.iter().filter(|found| found["subject"] == scene.live("held.log").display().to_string()).collect();
    // This test holds it, and that is told.
    assert_eq!(ours.len(), 1, "{findings:#?}");
    let message = ours[0]["message"].as_str().unwrap();
    assert!(message.contains("still open in") && !message.contains("ops-logs (pid"), "{message}");
}

#[test]
fn what_init_could_not_see_is_told_beside_the_settings() {
    if !needs::met(&[Need::Root, Need::Program("setpriv")]) {
        return;
    }
    let scene = Scenario::new().open_root().owned("state", NOBODY, NOBODY);
    let root = scene.logs().display().to_string();
    // Nobody may ask root's processes for their open files.
    let ran = scene.run_as(NOBODY, &["init", "--root", &root]).exits(3);
    assert!(
        ran.stderr.starts_with("ops-logs: cannot see everything: ") && ran.stderr.contains("\nhint: run it as root"),
        "{ran:#?}"
    );
    assert!(ran.stdout.contains("# Not seen: open files of ") && !ran.stdout.contains("incomplete"), "{ran:#?}");
    files::write(scene.root().join("settings.toml"), &ran.stdout).unwrap();
    scene.run(&["config", "check"]).exits(2).says("the settings name no logs");
}
