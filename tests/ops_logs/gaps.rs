//! What writers deleted before a run could keep it: told once, truthfully, and as unknown where nobody can tell.

use std::{fs, time::Duration};

use crate::{
    collect::{collecting, findings, kept, packed, shift},
    support::{
        files,
        needs::{self, Need, TRACES},
        scenario::{Ran, Scenario, text_of},
        stories::tool,
        strace::{self, Blow, Strike},
    },
};

fn gaps(ran: &Ran) -> Vec<String> {
    findings(ran, "logs.gap")
}

#[test]
fn what_its_writer_deleted_before_a_run_came_is_told_once_with_its_size() {
    let scene = collecting("").log("app.log", text_of("lost", 3000));
    let size = fs::metadata(scene.live("app.log")).unwrap().len();
    assert_eq!(gaps(&scene.rotate().exits(0)), [""; 0], "nothing is known of what was before the first sight");
    for turn in 0..4 {
        shift(&scene, 2, &format!("{turn}\n"));
    }
    let planned = scene.run(&["--format", "json", "plan"]);
    assert_eq!(gaps(&planned).len(), 1);
    let ran = scene.rotate().exits(1);
    assert_eq!(gaps(&ran), gaps(&planned));
    let gap = &gaps(&ran)[0];
    assert!(size > 3000 && gap.contains("at least 2.9 KiB"), "{gap}");
    assert_eq!(kept(&scene), ["1\n", "2\n"]);
    assert_eq!(gaps(&scene.rotate().exits(0)), [""; 0], "told once");
    let lines = fs::read_to_string(scene.state().join("history.jsonl")).unwrap();
    let runs: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let noted = |run: &serde_json::Value| run["findings"].as_array().map_or(0, Vec::len);
    assert_eq!(runs.iter().map(noted).collect::<Vec<_>>(), [0, 1, 0]);
    let finding = &runs[1]["findings"][0];
    assert_eq!(
        (&finding["id"], &finding["severity"], &finding["message"]),
        (&"logs.gap".into(), &"danger".into(), &(**gap).into())
    );
    let told = scene.run(&["history"]).exits(0).stdout;
    assert_eq!(told.matches(&**gap).count(), 1, "{told}");
}

#[test]
fn what_could_not_be_collected_is_told_when_its_writer_deletes_it() {
    if !needs::met(&[Need::Root, Need::Program("chattr")]) {
        return;
    }
    let scene = collecting("").log("app.log", "0\n");
    scene.rotate().exits(0);
    shift(&scene, 2, "1\n");
    let finished = scene.live("app.log.1");
    tool("chattr", &["+i"], &finished);
    let ran = scene.rotate();
    tool("chattr", &["-i"], &finished);
    assert!(ran.exits(3).reason("collect", "skipped", "app.log.1").contains("immutable"));
    fs::remove_file(finished).unwrap();
    assert_eq!(gaps(&scene.rotate().exits(1)).len(), 1);
    assert_eq!(gaps(&scene.rotate().exits(0)), [""; 0]);
}

#[test]
fn a_log_that_its_writer_cuts_is_a_gap_and_one_that_it_copied_first_is_none() {
    let scene = collecting("").log("app.log", "a line that is lost\n");
    scene.rotate().exits(0);
    files::write(scene.live("app.log"), "new\n").unwrap();
    assert_eq!(gaps(&scene.rotate().exits(1)).len(), 1);
    scene.rotate().exits(0);
    scene.append("app.log", "and one that is copied\n");
    scene.rotate().exits(0);
    files::copy(scene.live("app.log"), scene.live("app.log.1")).unwrap();
    files::write(scene.live("app.log"), "new\n").unwrap();
    assert_eq!(gaps(&scene.rotate().exits(0)), [""; 0]);
    assert_eq!(kept(&scene), ["new\nand one that is copied\n"]);
}

#[test]
fn a_name_that_nobody_collects_is_told() {
    let scene = collecting("").log("app.log", "a line\n");
    scene.rotate().exits(0);
    fs::rename(scene.live("app.log"), scene.live("old-app.txt")).unwrap();
    files::write(scene.live("app.log"), "new\n").unwrap();
    let ran = scene.rotate().exits(1);
    assert!(findings(&ran, "logs.unnamed")[0].contains("old-app.txt"), "{ran:#?}");
    scene.rotate().exits(0);
}

#[test]
fn what_is_lost_is_told_also_when_the_run_that_found_it_was_killed() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = collecting("").log("app.log", text_of("lost", 3000));
    scene.rotate().exits(0);
    for turn in 0..4 {
        shift(&scene, 2, &format!("{turn}\n"));
    }
    for call in ["linkat", "renameat2"] {
        struck(&scene, call);
    }
    assert_eq!(gaps(&scene.rotate().exits(1)).len(), 1);
    assert_eq!(kept(&scene), ["1\n", "2\n"]);
    assert_eq!(gaps(&scene.rotate().exits(0)), [""; 0], "told once");
}

#[test]
fn a_file_that_was_live_and_that_a_run_was_about_to_keep_is_one_gap() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = collecting("").log("app.log", "first\n");
    scene.rotate().exits(0);
    for live in ["second\n", "third\n"] {
        shift(&scene, 2, live);
        struck(&scene, "linkat");
        fs::remove_file(scene.live("app.log.1")).unwrap();
        let _ = fs::remove_file(scene.live("app.log.2"));
        if live == "second\n" {
            assert_eq!(gaps(&scene.rotate().exits(1)).len(), 1, "one file, one gap");
        }
    }
    // What that run was about to forget is not forgotten before it is told.
    files::write(scene.live("app.log.1"), "other\n").unwrap();
    struck(&scene, "renameat2");
    assert_eq!(gaps(&scene.rotate().exits(1)).len(), 1);
    assert_eq!(gaps(&scene.rotate().exits(0)), [""; 0]);
    assert_eq!(kept(&scene), ["other\n"]);
}

/// A run that is killed before the first of these calls.
fn struck(scene: &Scenario, call: &str) {
    let strike = Strike { call: call.to_owned(), rank: 1, blow: Blow::Kill };
    let ended = strace::run(&scene.command(&["rotate"]), Some(&strike)).ended;
    assert!(ended.code() != Some(0) && ended.stdout.is_empty(), "{call}: {ended:#?}");
}

#[test]
fn what_a_writer_may_have_packed_or_deleted_is_told_to_be_unknown() {
    let scene = collecting("").log("app.log", "live\n");
    scene.rotate().exits(0);
    let pack = |number: u32, text: &str| files::write(scene.live(&format!("app.log.{number}.gz")), packed("gz", text)).unwrap();
    // In time: what is older is still there, so nothing was deleted.
    pack(2, "older\n");
    after_a_tick();
    scene.append("app.log", "more\n");
    scene.rotate().exits(0);
    fs::remove_file(scene.live("app.log")).unwrap();
    pack(1, "live\nmore\n");
    files::write(scene.live("app.log"), "next\n").unwrap();
    let ran = scene.rotate().exits(0);
    assert_eq!((gaps(&ran).len(), findings(&ran, "logs.gap-unknown").len()), (0, 0), "{ran:#?}");
    // Too late: all that is there was packed since.
    for number in [1, 2] {
        fs::remove_file(scene.live(&format!("app.log.{number}.gz"))).unwrap();
    }
    fs::remove_file(scene.live("app.log")).unwrap();
    pack(1, "much later\n");
    files::write(scene.live("app.log"), "latest\n").unwrap();
    let ran = scene.rotate().exits(0);
    assert_eq!((gaps(&ran).len(), findings(&ran, "logs.gap-unknown").len()), (0, 1), "{ran:#?}");
    assert_eq!(findings(&scene.rotate().exits(0), "logs.gap-unknown"), [""; 0], "told once");
}

/// The note of what is live is not synced: a power cut takes it, and the archive of what was live before stays.
#[test]
fn what_a_writer_packed_and_a_run_kept_is_not_told_as_lost_when_the_note_of_it_was() {
    let scene = collecting("").log("app.log", "live\n");
    scene.rotate().exits(0);
    fs::remove_file(scene.live("app.log")).unwrap();
    files::write(scene.live("app.log.1.gz"), packed("gz", "live\n")).unwrap();
    files::write(scene.live("app.log"), "next\n").unwrap();
    scene.rotate().exits(0);
    let ledger = fs::read_to_string(scene.ledger()).unwrap();
    let place = ledger.rfind("{\"line\":\"live\"").unwrap();
    let end = ledger[place..].find('\n').map_or(ledger.len(), |end| place + end + 1);
    files::write(scene.ledger(), format!("{}{}", &ledger[..place], &ledger[end..])).unwrap();
    fs::remove_file(scene.live("app.log.1.gz")).unwrap();
    let ran = scene.rotate().exits(0);
    assert_eq!((gaps(&ran).len(), findings(&ran, "logs.gap-unknown").len()), (0, 1), "{ran:#?}");
    assert_eq!(kept(&scene), ["live\n"]);
}

#[test]
fn what_was_live_in_a_folder_that_somebody_removed_is_told_once() {
    let scene = Scenario::new().set("method = \"collect\"\npaths = [\"{logs}/*/app.log\"]");
    for name in ["one", "two"] {
        fs::create_dir(scene.live(name)).unwrap();
        files::write(scene.live(name).join("app.log"), "live\n").unwrap();
    }
    scene.rotate().exits(0);
    fs::remove_dir_all(scene.live("one")).unwrap();
    let told = gaps(&scene.rotate().exits(0));
    assert!(told.len() == 1 && told[0].contains("somebody removed its folder") && told[0].contains("at least 5 B"), "{told:?}");
    assert_eq!(gaps(&scene.rotate().exits(0)), [""; 0]);
    assert!(fs::read_to_string(scene.ledger()).unwrap().contains("one/app.log\",\"file\":null"), "and forgotten");
}

#[test]
fn what_was_kept_of_a_folder_that_its_writer_removed_is_no_gap() {
    let words = "method = \"collect\"\npaths = [\"{logs}/*/log\"]\nfinished = [\"{name}\"]\narchive-dir = \"{root}/archive\"";
    let scene = Scenario::new();
    fs::create_dir(scene.root().join("archive")).unwrap();
    let scene = scene.set(words);
    for build in ["1", "2"] {
        fs::create_dir(scene.live(build)).unwrap();
        files::write(scene.live(build).join("log"), "built\n").unwrap();
    }
    let writer = scene.writer("2/log");
    assert_eq!(scene.rotate().exits(0).steps("archive", "done").len(), 1);
    fs::remove_dir_all(scene.live("1")).unwrap();
    let ran = scene.rotate().exits(0);
    assert_eq!(gaps(&ran), [""; 0], "it is archived");
    assert!(fs::read_to_string(scene.ledger()).unwrap().contains("1/log\",\"file\":null"), "and gone");
    drop(writer);
    scene.rotate().exits(0);
    // What came behind what was kept is lost.
    scene.append("2/log", "and more\n");
    let writer = scene.writer("2/log");
    scene.rotate().exits(0);
    drop(writer);
    fs::remove_dir_all(scene.live("2")).unwrap();
    let told = gaps(&scene.rotate());
    assert!(told.len() == 1 && told[0].contains("at least 15 B"), "{told:?}");
}

/// A run while a file in the folder gets one name after the other, each time that the folder is listed.
fn while_renamed(scene: &Scenario, name: &str) -> Ran {
    let named = |turn: usize| scene.live(&format!("{name}{turn}"));
    files::write(named(0), "shifted\n").unwrap();
    let mut turn = 0;
    let ran = strace::held_each(&scene.command(&["--format", "json", "rotate"]), "getdents64", "1+1", Some(scene.logs()), || {
        fs::rename(named(turn), named(turn + 1)).unwrap();
        turn += 1;
    });
    ran.into()
}

/// A log that was looked at, and of which its writer kept nothing when it began anew.
fn begun_anew() -> Scenario {
    let scene = collecting("").log("app.log", "0\n");
    scene.rotate().exits(0);
    fs::remove_file(scene.live("app.log")).unwrap();
    files::write(scene.live("app.log"), "1\n").unwrap();
    scene
}

#[test]
fn a_folder_that_never_rests_hides_no_gap_of_its_quiet_logs() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = begun_anew();
    let ran = while_renamed(&scene, "spool.").exits(1);
    assert_eq!(gaps(&ran).len(), 1);
}

#[test]
fn a_writer_that_shifts_faster_than_we_look_is_told_as_such_and_its_gap_later() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = begun_anew();
    let ran = while_renamed(&scene, "app.log.").exits(3);
    assert!(ran.stdout.contains("changed each of 20 times"), "{ran:#?}");
    assert_eq!(gaps(&ran), [""; 0]);
    assert_eq!(gaps(&scene.rotate().exits(1)).len(), 1);
}

#[test]
fn a_log_that_its_writer_copies_over_an_older_file_and_cuts_is_no_gap() {
    let scene = collecting("").log("app.log.1", "old\n").log("app.log", "first and more\n");
    scene.rotate().exits(0);
    files::write(scene.live("app.log.1"), "first and more\n").unwrap();
    files::write(scene.live("app.log"), "").unwrap();
    let ran = scene.rotate().exits(0);
    assert_eq!(gaps(&ran), [""; 0], "{ran:#?}");
    assert_eq!(kept(&scene), ["old\n", "first and more\n"]);
}

#[test]
fn of_what_was_there_before_the_look_only_a_whole_and_new_copy_is_one() {
    let long = "older than the look, and longer\n";
    for (copy, lost) in [(Some("first and more\n"), 0), (Some("first\n"), 1), (None, 1)] {
        let scene = collecting("").log("app.log.1", long).log("app.log", "first and more\n");
        after_a_tick();
        scene.rotate().exits(0);
        if let Some(copy) = copy {
            files::write(scene.live("app.log.1"), copy).unwrap();
        }
        files::write(scene.live("app.log"), "").unwrap();
        let ran = scene.rotate().exits(lost);
        assert_eq!(gaps(&ran).len(), usize::try_from(lost).unwrap(), "{copy:?}: {ran:#?}");
        let copies: Vec<&str> = std::iter::once(long).chain(copy).collect();
        assert_eq!(kept(&scene), copies);
    }
}

/// What was made before is older than what comes next by its time stamps, too.
fn after_a_tick() {
    let from = std::time::Instant::now();
    crate::support::wait_until("the kernel's next tick", Duration::from_secs(5), || from.elapsed() > Duration::from_millis(30));
}

#[test]
fn an_old_file_that_its_writer_never_deletes_shows_nothing() {
    for old in ["app.log.bak", "app.log.bak.gz"] {
        let scene = collecting("").log("app.log", "live\n");
        files::write(scene.live(old), if old.ends_with("gz") { packed("gz", "old\n") } else { b"old\n".to_vec() }).unwrap();
        after_a_tick();
        scene.rotate().exits(0);
        fs::remove_file(scene.live("app.log")).unwrap();
        files::write(scene.live("app.log.1.gz"), packed("gz", "much later\n")).unwrap();
        files::write(scene.live("app.log"), "latest\n").unwrap();
        let ran = scene.rotate().exits(0);
        assert_eq!((gaps(&ran).len(), findings(&ran, "logs.gap-unknown").len()), (0, 1), "{old}: {ran:#?}");
    }
}

#[test]
fn what_its_writer_compressed_late_is_no_copy_of_what_it_cut() {
    let scene = collecting("").log("app.log", "a line that is lost\n").log("app.log.1", "older\n".repeat(500));
    after_a_tick();
    scene.rotate().exits(0);
    fs::remove_file(scene.live("app.log.1")).unwrap();
    files::write(scene.live("app.log.1.gz"), packed("gz", &"older\n".repeat(500))).unwrap();
    files::write(scene.live("app.log"), "").unwrap();
    let ran = scene.rotate().exits(0);
    assert_eq!((gaps(&ran).len(), findings(&ran, "logs.gap-unknown").len()), (0, 1), "{ran:#?}");
    assert_eq!(findings(&scene.rotate().exits(0), "logs.gap-unknown"), [""; 0], "told once");
}

#[test]
fn a_log_that_its_writer_copies_compresses_and_cuts_is_no_gap() {
    let scene = collecting("").log("app.log", "a line that is copied\n");
    for turn in 0..2 {
        scene.rotate().exits(0);
        files::write(scene.live(&format!("app.log.{turn}.gz")), packed("gz", &format!("{turn}: a line that is copied\n")))
            .unwrap();
        files::write(scene.live("app.log"), "").unwrap();
        let ran = scene.rotate().exits(0);
        assert_eq!((gaps(&ran).len(), findings(&ran, "logs.gap-unknown").len()), (0, 0), "{turn}: {ran:#?}");
        scene.append("app.log", "and another line that is copied\n");
    }
}

#[test]
fn however_many_logs_are_gone_each_stranger_beside_them_is_looked_at_once() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = Scenario::new().set("method = \"collect\"\npaths = [\"{logs}/*.log\"]");
    for number in 0..20 {
        files::write(scene.live(&format!("{number}.log")), "live\n").unwrap();
        files::write(scene.live(&format!("stranger-{number}")), "nobody's\n").unwrap();
    }
    scene.rotate().exits(0);
    for number in 0..20 {
        fs::remove_file(scene.live(&format!("{number}.log"))).unwrap();
    }
    let calls = strace::calls(&scene.command(&["--format", "json", "plan"]), "statx");
    let looks = calls.iter().filter(|call| call.contains("\"stranger-7\"")).count();
    assert_eq!(looks, 1, "of {} calls", calls.len());
    assert_eq!(gaps(&scene.rotate().exits(1)).len(), 20);
}

#[test]
fn what_its_writer_moved_elsewhere_is_not_said_to_be_deleted() {
    let scene = collecting("").log("app.log", "live\n");
    scene.rotate().exits(0);
    fs::create_dir(scene.live("2026-11")).unwrap();
    fs::rename(scene.live("app.log"), scene.live("2026-11/app-1.log")).unwrap();
    files::write(scene.live("app.log"), "next\n").unwrap();
    let ran = scene.rotate().exits(1);
    let told = &gaps(&ran)[0];
    assert!(told.contains("is not in its folder any more (deleted, or moved elsewhere)"), "{told}");
    assert!(ran.stdout.contains("keep more files, and all of them in the folder of its log"), "{ran:#?}");
}
