//! Which archives stay: each rule removes what it should and nothing else, and every removal has its reason.

use std::fs;

use crate::support::{
    Dice, files,
    filesystem::{Kind, Recipe},
    needs::{self, MOUNTS, Need},
    scenario::{Ran, Scenario, files_under},
    stories::where_it_is_noon,
};

const OTHER_DAYS: &[Need] = &[Need::Program("faketime")];

fn turn(scene: &Scenario, when: &str) -> Ran {
    scene.append("app.log", format!("{when} {}\n", "x".repeat(1500)));
    scene.run_at(when, &["--format", "json", "rotate"]).exits(0)
}

#[test]
fn the_newest_so_many_of_each_log_stay() {
    let scene = Scenario::new().plain_set("keep = { count = 2 }");
    for number in 0..4 {
        for log in ["a.log", "b.log"] {
            scene.append(log, format!("{number} {}\n", "x".repeat(1500)));
        }
        let ran = scene.rotate().exits(0);
        for step in ran.steps("remove", "done") {
            assert_eq!(step["reason"], "not among the newest 2", "{step}");
        }
        assert_eq!(ran.steps("remove", "done").len(), if number < 2 { 0 } else { 2 }, "turn {number}");
    }
    for log in ["a.log", "b.log"] {
        let told = String::from_utf8(scene.told(log)).unwrap();
        assert_eq!(told.lines().map(|line| &line[..1]).collect::<Vec<_>>(), ["2", "3"], "{log}");
    }
}

#[test]
fn what_is_too_old_goes_and_the_newest_stays_however_old() {
    if !needs::met(OTHER_DAYS) {
        return;
    }
    let scene = Scenario::new().plain_set("keep = { max-age = \"10d\" }");
    for day in ["+0d", "+1d", "+2d"] {
        turn(&scene, day);
    }
    let early = scene.run_at("+9d", &["--format", "json", "rotate"]).exits(0);
    assert_eq!(early.summary(), "nothing to do");
    let later = scene.run_at("+11d", &["--format", "json", "rotate"]).exits(0);
    let gone = later.steps("remove", "done");
    assert!(!gone.is_empty() && gone.len() < 3, "{later:#?}");
    assert!(gone.iter().all(|step| step["reason"].as_str().is_some_and(|why| why.starts_with("older than 10d"))), "{gone:#?}");
    scene.run_at("+300d", &["rotate"]).exits(0);
    assert_eq!(scene.archives("app.log").len(), 1, "the newest is always kept");
    assert!(scene.told("app.log").starts_with(b"+2d"));
}

#[test]
fn a_clock_that_leaps_ahead_removes_nothing_for_its_age_at_once() {
    if !needs::met(OTHER_DAYS) {
        return;
    }
    let scene = Scenario::new().plain_set("keep = { count = 14, max-age = \"90d\" }");
    for day in ["+0d", "+1d", "+2d"] {
        turn(&scene, day);
    }
    let there = scene.archives("app.log");
    for word in ["plan", "rotate", "rotate"] {
        let ran = scene.run_at("+20000d", &["--format", "json", word]).exits(0);
        assert_eq!(found(&ran, "logs.clock").len(), 1, "{ran:#?}");
        assert_eq!(scene.archives("app.log"), there);
    }
    // It was wrong, is right again, and wrong at the next start.
    for _ in 0..2 {
        let ran = scene.run_at("+3d", &["--format", "json", "rotate"]).exits(0);
        assert_eq!((found(&ran, "logs.clock").len(), ran.summary()), (0, "nothing to do".to_owned()));
        let ran = scene.run_at("+20010d", &["--format", "json", "rotate"]).exits(0);
        assert_eq!((found(&ran, "logs.clock").len(), scene.archives("app.log")), (1, there.clone()));
    }
    // It was right: the machine was off.
    scene.run_at("+20011d", &["rotate"]).exits(0);
    assert_eq!(scene.archives("app.log"), there[2..], "the newest is always kept");
}

#[test]
fn archives_of_a_set_that_got_another_name_keep_to_its_rules() {
    let scene = Scenario::new().settings(&named("old", "*", ""));
    for number in 0..4 {
        scene.append("app.log", format!("{number} {}\n", "x".repeat(1500)));
        scene.rotate().exits(0);
    }
    // The ledger has the real path of a log, and the settings lead there through a link.
    std::os::unix::fs::symlink(scene.logs(), scene.root().join("link")).unwrap();
    let linked = named("new", "*", "keep = { count = 2 }").replace("{logs}", &scene.root().join("link").display().to_string());
    let scene = scene.settings(&linked);
    scene.run(&["verify", "new"]).exits(0).says("4 of 4");
    let ran = scene.rotate().exits(0);
    assert_eq!((ran.steps("remove", "done").len(), scene.archives("app.log").len()), (2, 2), "{ran:#?}");
    assert!(found(&ran, "logs.unruled").is_empty());
    let scene = scene.settings(&named("other", "other-*", "keep = { count = 1 }"));
    let ran = scene.rotate().exits(0);
    assert_eq!((found(&ran, "logs.unruled").len(), scene.archives("app.log").len()), (1, 2), "{ran:#?}");
    ran.says("the settings no longer have this set").says("no keep-rule removes its 2 archives (");
}

fn named(name: &str, logs: &str, words: &str) -> String {
    format!(
        "host = \"test\"\nlogrotate = \"\"\n[[log]]\nname = \"{name}\"\npaths = [\"{{logs}}/{logs}.log\"]\noptional = true\nwhen = \"1 KiB\"\n{words}\n"
    )
}

#[test]
fn a_daily_keeper_keeps_the_last_of_each_day() {
    if !needs::met(OTHER_DAYS) {
        return;
    }
    let scene = Scenario::new().plain_set(&format!("keep = {{ daily = 2 }}\nzone = \"{}\"", where_it_is_noon()));
    for when in ["+1d", "+2d", "+2d", "+3d", "+3d"] {
        turn(&scene, when);
    }
    assert_eq!(scene.archives("app.log").len(), 2);
    let told = String::from_utf8(scene.told("app.log")).unwrap();
    assert_eq!(told.lines().map(|line| &line[..3]).collect::<Vec<_>>(), ["+2d", "+3d"]);
}

#[test]
fn what_was_put_in_the_place_of_an_archive_is_not_removed() {
    let scene = Scenario::new().plain_set("keep = { count = 1 }");
    scene.append("app.log", "one\n".repeat(500));
    scene.rotate().exits(0);
    let oldest = scene.archives("app.log").remove(0);
    files::write(scene.live(&oldest), "somebody's notes").unwrap();
    scene.append("app.log", "two\n".repeat(500));
    scene.rotate();
    for _ in 0..2 {
        let ran = scene.rotate().exits(3);
        assert!(ran.reason("remove", "failed", &oldest).contains("another file stands there"), "{ran:#?}");
        assert_eq!(fs::read_to_string(scene.live(&oldest)).unwrap(), "somebody's notes");
    }
}

#[test]
fn the_oldest_go_until_all_fit_into_the_total() {
    let scene = Scenario::new().plain_set("keep = { max-total = \"4000 B\" }\ncompress = \"none\"");
    for number in 0..4 {
        scene.append("app.log", format!("{number}{}\n", "x".repeat(1498)));
        scene.rotate().exits(0);
    }
    let oldest = scene.archives("app.log").remove(0);
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.reason("remove", "done", &oldest), "set is 4.4 KiB, limit 3.9 KiB".to_owned(), "{ran:#?}");
    assert_eq!(scene.archives("app.log").len(), 2);
    assert!(scene.told("app.log").starts_with(b"2"));
}

#[test]
fn the_oldest_go_until_the_disk_has_room_again() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).exactly(32 << 20).mount();
    let scene = Scenario::new().logs_in(disk.path()).plain_set("keep = { min-free = \"12 MiB\" }\ncompress = \"none\"");
    let mut dice = Dice::seeded(7);
    for number in 0..5_u8 {
        let mut text: Vec<u8> = (0..(4 << 20) / 8).flat_map(|_| dice.below(u64::MAX).to_le_bytes()).collect();
        text[0] = number;
        files::write(scene.live("app.log"), text).unwrap();
        scene.rotate().exits(0);
    }
    let ran = scene.rotate().exits(0);
    assert!(disk.free() >= 12 << 20, "{} MiB free", disk.free() >> 20);
    let left = scene.archives("app.log").len();
    assert!((1..5).contains(&left), "{left} archives are left");
    assert_eq!(fs::read(scene.live(&scene.archives("app.log")[left - 1])).unwrap()[0], 4, "the newest stayed");
    let record = fs::read_to_string(scene.state().join("history.jsonl")).unwrap();
    assert!(record.contains("remove done"), "{ran:#?}");
    let scene = scene.plain_set("keep = { min-free = \"31 MiB\" }\ncompress = \"none\"");
    let greedy = scene.rotate().exits(0);
    assert_eq!(scene.archives("app.log").len(), 1, "what cannot be reached costs all but the newest");
    assert!(
        greedy
            .steps("remove", "done")
            .iter()
            .all(|step| step["reason"].as_str().is_some_and(|why| why.contains("wanted 31.0 MiB"))),
        "{greedy:#?}"
    );
}

#[test]
fn what_the_same_run_gives_back_is_not_asked_of_archives() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).mount();
    let scene = Scenario::new().logs_in(disk.path()).plain_set("compress = \"none\"");
    let random = |seed, bytes: usize| -> Vec<u8> {
        let mut dice = Dice::seeded(seed);
        (0..bytes / 8).flat_map(|_| dice.below(u64::MAX).to_le_bytes()).collect()
    };
    for number in 0..8 {
        files::write(scene.live("app.log"), random(number, 1 << 20)).unwrap();
        scene.rotate().exits(0);
    }
    let (before, archives) = (disk.free(), scene.archives("app.log"));
    let goal = |bytes: u64| format!("keep = {{ min-free = \"{bytes} B\" }}");
    let scene = scene.plain_set(&goal(before - (4 << 20)));
    files::write(scene.live("app.log"), "the same line again and again\n".repeat(1_000_000)).unwrap();
    assert!(scene.run(&["--format", "json", "plan"]).exits(0).steps("remove", "planned").len() > 3);
    let ran = scene.rotate().exits(0);
    assert!(archives.iter().all(|name| scene.live(name).exists()), "{ran:#?}");
    assert!(ran.reason("remove", "kept", &archives[0]).contains("there is room now"), "{ran:#?}");
    // And never more than needed where something is.
    let scene = scene.plain_set(&goal(before + (1 << 20)));
    files::write(scene.live("app.log"), "the same line again and again\n".repeat(1_000_000)).unwrap();
    scene.rotate().exits(0);
    let left = archives.iter().filter(|name| scene.live(name).exists()).count();
    assert!((6..8).contains(&left) && disk.free() >= before + (1 << 20), "{left} are left");
}

#[test]
fn sets_on_one_disk_together_remove_no_more_than_it_needs() {
    if !needs::met(MOUNTS) || !needs::met(OTHER_DAYS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).exactly(32 << 20).mount();
    let sets = |goal: &str| -> String {
        let set = |name: &str, keep: &str| {
            format!(
                "[[log]]\nname = \"{name}\"\npaths = [\"{{logs}}/{name}.log\"]\nwhen = \"1 KiB\"\ncompress = \"none\"\n{keep}\n"
            )
        };
        let wanting = format!("keep = {{ min-free = \"{goal}\" }}");
        format!("host = \"test\"\nlogrotate = \"\"\n{}{}{}", set("one", &wanting), set("two", &wanting), set("silent", ""))
    };
    let scene = Scenario::new().logs_in(disk.path()).settings(&sets("0 B"));
    let logs = ["one.log", "silent.log", "two.log"];
    for day in ["-3d", "-2d", "-1d"] {
        for log in logs {
            files::write(scene.live(log), vec![b'x'; 3 << 19]).unwrap();
        }
        scene.run_at(day, &["rotate"]).exits(0);
    }
    let oldest = |log: &str| scene.archives(log)[0].clone();
    let (before, doomed) = (disk.free(), [oldest("one.log"), oldest("two.log")]);
    let goal = before + (2 << 20);
    let scene = scene.settings(&sets(&format!("{goal} B")));
    let planned = scene.run(&["--format", "json", "plan"]).exits(0).steps("remove", "planned");
    let ran = scene.rotate().exits(0);
    let removed = ran.steps("remove", "done");
    for (step, name) in removed.iter().zip(&doomed) {
        assert_eq!(step["subject"], scene.live(name).display().to_string(), "the oldest of all sets that want space");
        assert_eq!(step["details"]["bytes"], 3 << 19, "{step}");
        let why = format!("free space {:.1} MiB, wanted {:.1} MiB", mib(before), mib(goal));
        assert_eq!(step["reason"], why);
    }
    assert_eq!((planned.len(), removed.len()), (2, 2), "{ran:#?}");
    assert_eq!(logs.map(|log| scene.archives(log).len()), [2, 3, 2]);
    assert!(disk.free() >= goal);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[expect(clippy::cast_precision_loss, reason = "a small disk")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The subjects of the findings with this id.
pub(super) fn found(ran: &Ran, id: &str) -> Vec<String> {
    let json = ran.json();
    let findings = json["findings"].as_array().unwrap().iter().filter(|finding| finding["id"] == id);
    findings.map(|finding| finding["subject"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn archives_that_somebody_took_away_are_told_once_and_count_no_more() {
    let keep = "keep = { count = 2, max-total = \"4000 B\" }\ncompress = \"none\"";
    let scene = Scenario::new().plain_set(keep);
    for number in 0..2 {
        scene.append("app.log", format!("{number}{}\n", "x".repeat(1498)));
        scene.rotate().exits(0);
    }
    let taken = scene.live(&scene.archives("app.log")[1]);
    fs::remove_file(&taken).unwrap();
    let taken = [taken.display().to_string()];
    scene.append("app.log", format!("2{}\n", "x".repeat(1498)));
    let before = fs::read(scene.state().join("ledger.jsonl")).unwrap();
    let planned = scene.run(&["--format", "json", "plan"]).exits(1);
    assert_eq!(found(&planned, "logs.vanished"), taken);
    assert_eq!(planned.steps("forget", "planned").len(), 1);
    assert_eq!(fs::read(scene.state().join("ledger.jsonl")).unwrap(), before, "a plan records nothing");
    let ran = scene.rotate().exits(1);
    assert_eq!(found(&ran, "logs.vanished"), taken);
    assert_eq!(ran.summary(), "1 log rotated, 1 archived (1.5 KiB -> 1.5 KiB), 1 archive vanished");
    // With the missing one counted, the first would be one too many, and its bytes as well.
    let told = String::from_utf8(scene.told("app.log")).unwrap();
    assert_eq!(told.lines().map(|line| &line[..1]).collect::<Vec<_>>(), ["0", "2"]);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    scene.run(&["verify"]).exits(0);
}

#[test]
fn a_disk_that_is_not_mounted_makes_nothing_vanish() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).mount();
    let words = format!("archive-dir = \"{}\"\nkeep = {{ count = 2 }}", disk.path().display());
    let scene = Scenario::new().plain_set(&words);
    let turn = |number: u32, code| {
        scene.append("app.log", format!("{number} {}\n", "x".repeat(1500)));
        scene.rotate().exits(code)
    };
    turn(0, 0);
    turn(1, 0);
    disk.unmount();
    let away = [disk.path().display().to_string()];
    let idle = scene.rotate().exits(0);
    assert_eq!((found(&idle, "logs.folder-missing"), idle.summary()), (away.to_vec(), "nothing to do".to_owned()));
    // What goes into the folder below meanwhile does not vouch for the disk, and pushes nothing out.
    let ran = turn(2, 0);
    assert_eq!((found(&ran, "logs.folder-missing"), found(&ran, "logs.vanished")), (away.to_vec(), vec![]));
    let again = scene.rotate().exits(0);
    assert_eq!((found(&again, "logs.folder-missing"), again.summary()), (away.to_vec(), "nothing to do".to_owned()));
    disk.mount_again();
    let back = scene.rotate().exits(0);
    assert_eq!((back.steps("remove", "done").len(), found(&back, "logs.vanished")), (0, vec![]), "{back:#?}");
    assert_eq!(found(&back, "logs.folder-missing"), away, "the one below the mount is out of sight now");
}

#[test]
fn an_emptied_folder_makes_nothing_vanish_until_something_is_there_again() {
    let scene = Scenario::new();
    fs::create_dir(scene.root().join("archive")).unwrap();
    let scene = scene.plain_set("archive-dir = \"{root}/archive\"").log_of("app.log", 2000);
    scene.rotate().exits(0);
    let archive = files_under(&scene.root().join("archive")).into_keys().next().unwrap();
    fs::remove_file(scene.root().join("archive").join(archive)).unwrap();
    let idle = scene.rotate().exits(0);
    assert_eq!((found(&idle, "logs.folder-missing").len(), idle.summary()), (1, "nothing to do".to_owned()));
    scene.append("app.log", vec![b'x'; 2000]);
    scene.rotate().exits(0);
    assert_eq!(found(&scene.rotate().exits(1), "logs.vanished").len(), 1);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn without_a_rule_everything_stays() {
    let scene = Scenario::new().plain_set("");
    for number in 0..12 {
        scene.append("app.log", format!("{number} {}\n", "x".repeat(1500)));
        scene.rotate().exits(0);
    }
    assert_eq!(scene.archives("app.log").len(), 12);
}
