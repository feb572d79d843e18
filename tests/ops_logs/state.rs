//! What is remembered: one run at a time, newer and foreign ledgers, damage, loss, and who may read it.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
};

use crate::support::{
    files,
    filesystem::{Kind, Recipe},
    needs::{self, MOUNTS, Need},
    scenario::{Ran, Scenario, files_under},
    stories::{NOBODY, tool},
    tally,
};

/// Two archives of one log, made by the host `test`.
fn with_history(words: &str) -> Scenario {
    let scene = Scenario::new().plain_set(words);
    for turn in 0..2 {
        scene.append("app.log", format!("{turn} {}\n", "x".repeat(1500)));
        scene.rotate().exits(0);
    }
    scene
}

fn next_turn(scene: &Scenario) {
    scene.append("app.log", format!("next {}\n", "x".repeat(1500)));
}

#[test]
fn a_second_run_at_the_same_time_is_refused_and_told_who_is_at_it() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let lock = scene.state().join("logs-rotate.lock");
    let words = "ops-logs rotate (pid 4711, \x1b[2Jsince 2026-11-21 03:00:00 UTC)\nhint: remove everything\n";
    files::write(&lock, words).unwrap();
    let lock = File::open(lock).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let ran = Ran::of(scene.command(&["--format", "json", "rotate"]).env("RUNTIME_DIRECTORY", scene.root())).exits(75);
    assert!(ran.stderr.contains("pid 4711, \\u{1b}[2Jsince 2026-11-21"), "{ran:#?}");
    assert!(!ran.stderr.contains("everything"), "{ran:#?}");
    assert_eq!(ran.json()["exit"]["why"], "busy");
    assert_eq!(scene.files().len(), 1);
    assert_eq!(files_under(scene.state()).len(), 1, "not even the history says that it ran");
    for reads in ["plan", "status", "verify", "history"] {
        scene.run(&[reads]).exits(0);
    }
    // Unlocked, not only closed: a process that another test is just starting may still hold it open.
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::Unlock).unwrap();
    scene.rotate().exits(0);
}

#[test]
fn a_ledger_of_a_newer_version_is_refused_and_left_as_it_is() {
    let scene = with_history("");
    let newer = fs::read_to_string(scene.ledger()).unwrap().replacen("\"version\":2", "\"version\":3", 1);
    files::write(scene.ledger(), &newer).unwrap();
    next_turn(&scene);
    let files = scene.files();
    for word in ["rotate", "plan", "status", "verify"] {
        scene.run(&[word]).exits(4).says("it is of version 3, and this ops-logs knows versions up to 2");
    }
    assert_eq!(fs::read_to_string(scene.ledger()).unwrap(), newer);
    assert_eq!(scene.files(), files);
    assert_eq!(files_under(scene.state()).len(), 3, "lock, ledger, history: {:?}", files_under(scene.state()));
}

#[test]
fn what_is_no_ledger_is_refused_and_left_as_it_is() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    files::write(scene.ledger(), "{\"format\":\"something else\"}\n").unwrap();
    scene.rotate().exits(4);
    assert_eq!(fs::read_to_string(scene.ledger()).unwrap(), "{\"format\":\"something else\"}\n");
    assert_eq!(scene.files().len(), 1);
}

#[test]
fn a_cloned_machine_keeps_what_it_finds_and_begins_its_own_chain() {
    let scene = with_history("keep = { count = 1 }\nexclude = []");
    let scene = Scenario::plain_set(scene, "keep = { count = 2 }");
    next_turn(&scene);
    scene.rotate().exits(0);
    let (inherited, text) = (scene.archives("app.log"), fs::read(scene.ledger()).unwrap());
    assert_eq!(inherited.len(), 2);
    let clone = "host = \"clone\"\nlogrotate = \"\"\n[[log]]\nname = \"app\"\npaths = [\"{logs}/*.log\"]\nwhen = \"1 KiB\"\nkeep = { count = 1 }\n";
    let scene = scene.settings(clone);
    next_turn(&scene);
    let first = scene.rotate().exits(0);
    let note = &first.json()["findings"][0];
    assert_eq!(first.json()["run"]["host"], "clone");
    assert_eq!((note["id"].as_str(), note["severity"].as_str()), (Some("logs.cloned-state"), Some("note")));
    assert!(note["message"].as_str().is_some_and(|text| text.contains("copied from test")), "{note}");
    assert_eq!(first.acts(), ["rotate done", "archive done"], "nothing of the other machine goes");
    assert_eq!(fs::read(scene.state().join("ledger.of-test.jsonl")).unwrap(), text, "a copy is kept aside");
    for _ in 0..2 {
        next_turn(&scene);
        let ran = scene.rotate().exits(0);
        assert_eq!(ran.json()["findings"].as_array().map(Vec::len), Some(0), "it is told once");
    }
    let left = scene.archives("app.log");
    assert!(inherited.iter().all(|name| left.contains(name)), "{left:?}");
    assert_eq!(left.len(), 3, "two of the other machine, and the newest of its own: {left:?}");
}

#[test]
fn a_cloned_machine_archives_no_line_again_whose_head_went_in_place() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).mount();
    let scene = Scenario::new().logs_in(disk.path()).seeing();
    let scene = scene.set("method = \"in-place\"\npaths = [\"{logs}/app.log\"]\nwhen = \"1 KiB\"\nkeep = { count = 9 }");
    let lines = |turn: u32| (0..2000).map(move |line| format!("{turn} {line}\n")).collect::<Vec<_>>().concat();
    scene.append("app.log", lines(1));
    scene.rotate().exits(0);
    scene.change_settings("host = \"test\"", "host = \"clone\"");
    scene.append("app.log", lines(2));
    scene.rotate().exits(0);
    let mut texts: Vec<String> = Vec::new();
    for name in scene.archives("app.log") {
        texts.push(std::io::read_to_string(tally::plain(&scene.live(&name))).unwrap());
    }
    let counts: Vec<usize> = texts.iter().map(|text| text.lines().count()).collect();
    assert_eq!(counts, [2000, 2000], "what was left of the first is not archived once more");
    assert!(texts == [lines(1), lines(2)]);
}

#[test]
fn what_a_machine_made_is_its_own_again_when_its_state_comes_back_from_a_clone() {
    let scene = with_history("keep = { count = 3 }");
    let own = scene.archives("app.log");
    scene.change_settings("host = \"test\"", "host = \"clone\"");
    next_turn(&scene);
    scene.rotate().exits(0);
    let clones: Vec<String> = scene.archives("app.log").into_iter().filter(|name| !own.contains(name)).collect();
    scene.change_settings("host = \"clone\"", "host = \"test\"");
    scene.change_settings("count = 3", "count = 1");
    for _ in 0..2 {
        next_turn(&scene);
        scene.rotate().exits(0);
    }
    let left = scene.archives("app.log");
    assert_eq!((clones.len(), left.len()), (1, 2), "the clone's, and the newest of its own: {left:?}");
    assert!(left.contains(&clones[0]) && own.iter().all(|name| !left.contains(name)), "{left:?}");
}

#[test]
fn a_clone_does_not_call_lost_what_only_the_other_machine_had() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let writer = scene.writer("app.log");
    scene.rotate().exits(0);
    drop(writer);
    // The clone got the state, and not the volume with the logs.
    for name in scene.archives("app.log") {
        fs::remove_file(scene.live(&name)).unwrap();
    }
    let scene = scene
        .settings("host = \"clone\"\nlogrotate = \"\"\n[[log]]\nname = \"app\"\npaths = [\"{logs}/*.log\"]\nwhen = \"1 KiB\"\n");
    next_turn(&scene);
    let ran = scene.rotate().exits(0);
    assert!(!ran.stdout.contains("logs.lost"), "{ran:#?}");
    assert_eq!(scene.archives("app.log").len(), 1);
}

#[test]
fn a_torn_last_line_is_dropped() {
    let scene = with_history("");
    let whole = fs::read(scene.ledger()).unwrap();
    let torn = [whole.as_slice(), b"{\"line\":\"gone\",\"id\":0,\"wh"].concat();
    files::write(scene.ledger(), torn).unwrap();
    scene.run(&["verify"]).exits(0).says("2 of 2");
    next_turn(&scene);
    scene.rotate().exits(0);
    let after = fs::read(scene.ledger()).unwrap();
    assert!(after.starts_with(&whole) && !after[whole.len()..].starts_with(b"{\"line\":\"gone\""));
    scene.run(&["verify"]).exits(0).says("3 of 3");
}

#[test]
fn a_damaged_line_costs_only_itself_and_a_copy_is_kept() {
    let scene = with_history("");
    let text = fs::read_to_string(scene.ledger()).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let victim = lines.iter().position(|line| line.contains("\"archived\"")).unwrap();
    lines[victim] = "{\"line\":\"archiv\u{fffd}";
    let damaged = lines.join("\n") + "\n";
    files::write(scene.ledger(), &damaged).unwrap();
    let plan = scene.run(&["--format", "json", "plan"]).exits(3);
    assert!(plan.json()["incomplete"][0]["why"].as_str().is_some_and(|why| why.contains("1 line cannot be read")), "{plan:#?}");
    next_turn(&scene);
    let before = scene.told("app.log");
    scene.rotate().exits(3);
    assert_eq!(fs::read_to_string(scene.state().join("ledger.damaged.jsonl")).unwrap(), damaged);
    assert_eq!(scene.told("app.log"), before);
    scene.rotate().exits(0);
    let again = fs::read_to_string(scene.ledger()).unwrap() + "{\"line\":\"?\"}\n";
    files::write(scene.ledger(), &again).unwrap();
    next_turn(&scene);
    scene.rotate().exits(3);
    let copies =
        ["ledger.damaged.jsonl", "ledger.damaged-2.jsonl"].map(|name| fs::read_to_string(scene.state().join(name)).unwrap());
    assert_eq!(copies, [damaged, again], "the first copy stays");
}

#[test]
fn no_flipped_bit_in_the_ledger_removes_anything_or_passes_without_a_word() {
    const PLACES: usize = 60;
    let scene = with_history("keep = { count = 3, max-age = \"30d\" }");
    next_turn(&scene);
    scene.rotate().exits(0);
    let (ledger, files) = (fs::read(scene.ledger()).unwrap(), scene.files());
    for place in 0..PLACES {
        let (at, bit) = (place * ledger.len() / PLACES, place % 8);
        let mut flipped = ledger.clone();
        flipped[at] ^= 1 << bit;
        files::write(scene.ledger(), &flipped).unwrap();
        for word in [["plan", "status", "verify"][place % 3], "rotate"] {
            let ran = scene.run(&["--format", "json", word]);
            assert!(ran.code.is_some_and(|code| code > 0), "byte {at}, bit {bit}, {word}: {ran:#?}");
        }
        assert_eq!(scene.files(), files, "byte {at}, bit {bit}");
    }
}

#[test]
fn a_damaged_time_in_a_ledger_without_checksums_removes_nothing() {
    let scene = with_history("keep = { max-age = \"30d\" }");
    let year = |text: &str| text.split_once("\"at\":\"").map(|(_, at)| at[..4].to_owned()).unwrap();
    let text = scene.without_sums();
    let (files, year) = (scene.files(), year(&text));
    files::write(scene.ledger(), text.replace(&format!("\"at\":\"{year}"), "\"at\":\"2006")).unwrap();
    let ran = scene.run(&["--format", "json", "rotate"]);
    assert_eq!(scene.files(), files, "{ran:#?}");
    assert!(ran.stdout.contains("ledger and name disagree about its time"), "{ran:#?}");
}

#[test]
fn lost_state_is_found_again_from_what_archives_say_of_themselves() {
    let scene = with_history("keep = { count = 2 }");
    let archives = scene.archives("app.log");
    fs::remove_file(scene.ledger()).unwrap();
    let plan = scene.run(&["--format", "json", "plan"]).exits(0);
    assert_eq!(plan.steps("adopt", "planned").len(), 2, "{plan:#?}");
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.steps("adopt", "done").len(), 2);
    assert_eq!(scene.archives("app.log"), archives);
    scene.run(&["verify"]).exits(0).says("2 of 2");
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    next_turn(&scene);
    scene.rotate().exits(0);
    assert_eq!(scene.archives("app.log").len(), 2, "the keep-rules hold for them again");
    assert!(!scene.archives("app.log").contains(&archives[0]));
}

#[test]
fn a_lost_state_adopts_behind_a_link_once() {
    let scene = Scenario::new();
    fs::create_dir(scene.root().join("archive")).unwrap();
    std::os::unix::fs::symlink(scene.root().join("archive"), scene.root().join("way")).unwrap();
    let scene = scene.plain_set("archive-dir = \"{root}/way\"").log_of("app.log", 2000);
    scene.rotate().exits(0);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do", "what is known is not adopted");
    fs::remove_file(scene.ledger()).unwrap();
    assert_eq!(scene.rotate().exits(0).steps("adopt", "done").len(), 1);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn state_and_lock_are_for_nobody_else() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    fs::remove_dir(scene.state()).unwrap();
    scene.rotate().exits(0);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(scene.state()), 0o700);
    let files = files_under(scene.state());
    assert_eq!(files.keys().collect::<Vec<_>>(), ["history.jsonl", "ledger.jsonl", "logs-rotate.lock"]);
    for file in files.keys() {
        assert_eq!(mode(&scene.state().join(file)), 0o600, "{file}");
    }
}

/// Every command that reads or writes state ends with 4 and says `why`.
#[track_caller]
fn is_no_place_for_state(scene: &Scenario, why: &str) {
    next_turn(scene);
    let (logs, state) = (scene.files(), files_under(scene.state()));
    for word in ["rotate", "plan", "status", "verify", "history"] {
        let ran = scene.run(&[word]).exits(4);
        assert!(ran.stderr.contains(why) && ran.stderr.contains("hint: look through it"), "{ran:#?}");
        assert_eq!(ran.stderr.lines().count(), 2, "it is told once: {ran:#?}");
    }
    assert_eq!((scene.files(), files_under(scene.state())), (logs, state));
}

#[test]
fn state_that_another_user_may_write_is_not_believed() {
    for mode in [0o770, 0o1777, 0o702] {
        let scene = with_history("").mode("state", mode);
        is_no_place_for_state(&scene, "others than its owner may write to it");
        scene.mode("state", 0o755).rotate().exits(0);
    }
    if needs::met(&[Need::Root]) {
        is_no_place_for_state(&with_history("").owned("state", NOBODY, NOBODY), "it belongs to user 65534");
    }
}

#[test]
fn what_is_no_ordinary_file_stops_nobody_and_a_failing_history_fails_no_run() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let history = scene.state().join("history.jsonl");
    tool("mkfifo", &[], &history);
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.acts(), ["rotate done", "archive done"]);
    assert!(ran.stderr.contains("history.jsonl: it is no ordinary file"), "{ran:#?}");
    scene.run(&["history"]).exits(4).says("it is no ordinary file");
    fs::remove_file(&history).unwrap();
    std::os::unix::fs::symlink(scene.ledger(), &history).unwrap();
    scene.rotate().exits(0).says("it is a symbolic link");
    fs::remove_file(scene.ledger()).unwrap();
    tool("mkfifo", &[], &scene.ledger());
    for word in ["rotate", "plan", "status", "verify"] {
        scene.run(&[word]).exits(4).says("ledger.jsonl: it is no ordinary file");
    }
}

#[test]
fn where_no_state_can_be_kept_nothing_is_done() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    fs::remove_dir(scene.state()).unwrap();
    files::write(scene.state(), "a file where the folder should be").unwrap();
    scene.rotate().exits(4);
    assert_eq!(scene.files().len(), 1);
}

#[test]
fn a_state_folder_that_is_named_wrongly_is_not_replaced_by_another() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    for word in ["rotate", "plan", "status", "verify", "history"] {
        let mut command = scene.command(&[word]);
        command.env("STATE_DIRECTORY", "state").current_dir(scene.root());
        let ran = Ran::of(&mut command).exits(2);
        assert!(ran.stderr.contains("cannot keep state in state: STATE_DIRECTORY is not an absolute path"), "{ran:#?}");
    }
    assert_eq!((scene.files().len(), files_under(scene.state()).len()), (1, 0));
}
