//! `plan` is exactly what `rotate` does, and a second run has nothing to do.

use std::fs;

use crate::support::{
    files,
    scenario::{Ran, Scenario, files_under},
    stories::{ago, hours},
};

/// What is decided, not what follows from it: action, subject and reason.
fn decisions(ran: &Ran, outcome: &str) -> Vec<[String; 3]> {
    let json = ran.json();
    let text = |step: &serde_json::Value, key: &str| step[key].as_str().unwrap_or_default().to_owned();
    let decided = |step: &&serde_json::Value| {
        step["outcome"] == outcome
            && ["rotate", "remove", "release", "adopt"].contains(&step["action"].as_str().unwrap_or_default())
    };
    let steps = json["steps"].as_array().unwrap();
    let mut all: Vec<[String; 3]> =
        steps.iter().filter(decided).map(|step| ["action", "subject", "reason"].map(|key| text(step, key))).collect();
    all.sort();
    all
}

fn history(scene: &Scenario, turns: usize) {
    for turn in 0..turns {
        for log in ["a.log", "b.log"] {
            scene.append(log, format!("{turn} {}\n", "x".repeat(1500)));
        }
        scene.rotate().exits(0);
    }
}

#[test]
fn what_is_planned_is_what_is_done_with_the_same_reasons() {
    let scene = Scenario::new().plain_set("keep = { count = 2 }");
    history(&scene, 3);
    let scene = scene.log_of("a.log", 2000).log_of("c.log", 3000).log("small.log", "x\n");
    let plan = scene.run(&["--format", "json", "plan"]).exits(0);
    let planned = decisions(&plan, "planned");
    assert_eq!(planned.len(), 3, "two rotations, one removal: {plan:#?}");
    let done = scene.rotate().exits(0);
    assert_eq!(decisions(&done, "done"), planned);
}

#[test]
fn what_an_earlier_run_left_is_planned_under_the_name_that_it_has() {
    let scene = Scenario::new().plain_set("").log_of("a.log", 2000);
    let writer = scene.writer("a.log");
    scene.rotate().exits(0);
    let rotated = scene.live(&scene.archives("a.log")[0]).display().to_string();
    let plan = scene.run(&["--format", "json", "plan"]).exits(0);
    assert_eq!(plan.steps("archive", "planned")[0]["subject"], rotated);
    assert_eq!(scene.rotate().exits(0).steps("archive", "waiting")[0]["subject"], rotated);
    drop(writer);
    assert_eq!(scene.rotate().exits(0).steps("archive", "done")[0]["details"]["from"], rotated);
}

#[test]
fn planning_and_dry_runs_change_nothing_at_all() {
    let scene = Scenario::new().plain_set("keep = { count = 1 }");
    history(&scene, 2);
    let scene = scene.log_of("a.log", 2000);
    let before = (files_under(scene.root()), fs::read(scene.ledger()).unwrap());
    let plan = scene.run(&["--format", "json", "plan"]).exits(0);
    let dry = scene.run(&["--format", "json", "--dry-run", "rotate"]).exits(0);
    assert_eq!(decisions(&dry, "planned"), decisions(&plan, "planned"));
    assert!(!decisions(&dry, "planned").is_empty());
    assert_eq!((files_under(scene.root()), fs::read(scene.ledger()).unwrap()), before);
}

#[test]
fn planning_makes_no_state_where_there_is_none() {
    let scene = Scenario::new().plain_set("").log_of("a.log", 2000);
    fs::remove_dir(scene.state()).unwrap();
    scene.run(&["plan"]).exits(0);
    scene.run(&["status"]).exits(0);
    scene.run(&["verify"]).exits(0);
    scene.run(&["history"]).exits(0);
    assert!(!scene.state().exists());
}

#[test]
fn a_second_run_has_nothing_to_do() {
    let scene = Scenario::new().plain_set("keep = { count = 1 }").log_of("a.log", 2000).log_of("b.log", 2000);
    scene.rotate().exits(0);
    let (files, ledger) = (scene.files(), fs::read(scene.ledger()).unwrap());
    let again = scene.rotate().exits(0);
    assert_eq!(again.summary(), "nothing to do");
    assert_eq!(again.acts(), Vec::<String>::new());
    assert_eq!((scene.files(), fs::read(scene.ledger()).unwrap()), (files, ledger));
}

#[test]
fn each_thing_that_stays_has_a_reason() {
    let scene = Scenario::new().plain_set("keep = { count = 5 }").log_of("a.log", 2000);
    scene.rotate().exits(0);
    let plan = scene.run(&["--format", "json", "plan"]).exits(0);
    assert_eq!(plan.reason("leave", "kept", "/a.log"), "empty");
    assert_eq!(plan.reason("keep", "kept", ".zst"), "one of the newest 5");
    let text = scene.run(&["--verbose", "plan"]).exits(0).stdout;
    assert!(text.contains("one of the newest 5"), "{text}");
}

#[test]
fn one_set_by_name_leaves_the_others_alone() {
    let other = "[[log]]\nname = \"other\"\npaths = [\"{logs}/*.txt\"]\nwhen = \"1 KiB\"";
    let scene = Scenario::new().plain_set(other).log_of("a.log", 2000).log_of("b.txt", 2000).written("b.txt", ago(hours(1)));
    let ran = scene.run(&["--format", "json", "rotate", "other"]).exits(0);
    assert_eq!(ran.acts(), ["rotate done", "archive done"]);
    assert_eq!(scene.archives("a.log").len(), 0);
    scene.run(&["rotate", "othr"]).exits(2).says("the settings have: app, other");
}

#[test]
fn what_another_set_left_unfinished_is_finished_as_that_set_says() {
    let other = "[[log]]\nname = \"other\"\npaths = [\"{logs}/*.txt\"]\nwhen = \"1 KiB\"\ncompress = \"gzip\"";
    let scene = Scenario::new().plain_set(other).log_of("b.txt", 2000);
    let writer = scene.writer("b.txt");
    scene.rotate().exits(0);
    drop(writer);
    scene.run(&["rotate", "app"]).exits(0);
    scene.rotate().exits(0);
    assert!(scene.archives("b.txt")[0].ends_with(".gz"), "{:?}", scene.archives("b.txt"));
}

#[test]
fn what_stands_in_the_way_is_told_by_plan_and_by_a_run_that_has_nothing_else_to_do() {
    let scene = Scenario::new().plain_set("").log_of("a.log", 2000);
    let writer = scene.writer("a.log");
    scene.rotate().exits(0);
    drop(writer);
    let rotated = scene.archives("a.log").remove(0);
    fs::rename(scene.live(&rotated), scene.live("aside")).unwrap();
    files::write(scene.live(&rotated), "not what was rotated").unwrap();
    let plan = scene.run(&["--format", "json", "plan"]).exits(3);
    let ran = scene.rotate().exits(3);
    let why = plan.reason("archive", "skipped", &rotated);
    assert!(why.contains("another file stands"), "{why}");
    assert_eq!(ran.reason("archive", "skipped", &rotated), why);
    // Its folder cannot be looked into.
    let scene = Scenario::new().set("paths = [\"{logs}/app/*.log\"]\nwhen = \"1 KiB\"\noptional = true");
    fs::create_dir(scene.live("app")).unwrap();
    let scene = scene.log_of("app/a.log", 2000);
    let writer = scene.writer("app/a.log");
    scene.rotate().exits(0);
    drop(writer);
    fs::rename(scene.live("app"), scene.live("moved")).unwrap();
    files::write(scene.live("app"), "no folder").unwrap();
    let plan = scene.run(&["--format", "json", "plan"]).exits(3);
    let ran = scene.rotate().exits(3);
    assert_eq!(ran.reason("recover", "failed", ""), plan.reason("recover", "failed", ""));
    fs::remove_file(scene.live("app")).unwrap();
    fs::rename(scene.live("moved"), scene.live("app")).unwrap();
    assert_eq!(scene.rotate().exits(0).steps("archive", "done").len(), 1);
}
