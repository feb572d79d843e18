//! When a log is rotated: size, calendar, age, guards, and `--force`; other days are told by faketime.

use crate::support::{
    filesystem::{Kind, Recipe},
    needs::{self, MOUNTS, Need},
    scenario::Scenario,
    stories::{ago, hours, where_it_is_noon},
};

const OTHER_DAYS: &[Need] = &[Need::Program("faketime")];

/// A set of these logs that is due each day, week or month, none of which ends while the story is told.
fn each(period: &str, logs: &str) -> String {
    format!("paths = [\"{{logs}}/{logs}.log\"]\nwhen = \"{period}\"\nzone = \"{}\"", where_it_is_noon())
}

fn due(scene: &Scenario) -> bool {
    let ran = scene.run(&["--format", "json", "plan"]).exits(0);
    ran.steps("rotate", "planned").len() == 1
}

#[test]
fn a_log_is_rotated_at_its_size_and_not_a_byte_before() {
    let scene = Scenario::new().set("paths = [\"{logs}/app.log\"]\nwhen = \"1 KiB\"").log("app.log", vec![b'x'; 1023]);
    assert!(!due(&scene));
    scene.append("app.log", "\n");
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.reason("rotate", "done", "/app.log"), "1.0 KiB, limit 1.0 KiB");
    assert_eq!(scene.files()["app.log"], 0);
    assert_eq!(scene.archives("app.log").len(), 1);
}

#[test]
fn a_daily_log_waits_for_the_next_day_and_is_due_on_each_one() {
    if !needs::met(OTHER_DAYS) {
        return;
    }
    let scene = Scenario::new().set(&each("daily", "app")).log("app.log", "today\n");
    assert!(!due(&scene));
    for day in ["+1d", "+2d", "+3d"] {
        let rotated = scene.run_at(day, &["--format", "json", "rotate"]).exits(0);
        assert!(rotated.reason("rotate", "done", "/app.log").starts_with("daily: not rotated since 20"), "{rotated:#?}");
        scene.append("app.log", format!("{day}\n"));
        let again = scene.run_at(day, &["--format", "json", "rotate"]).exits(0);
        assert_eq!(again.summary(), "nothing to do", "{day}");
    }
    assert_eq!(scene.archives("app.log").len(), 3);
    assert_eq!(scene.told("app.log"), b"today\n+1d\n+2d\n+3d\n");
}

#[test]
fn weekly_and_monthly_logs_wait_for_their_week_and_month() {
    if !needs::met(OTHER_DAYS) {
        return;
    }
    for (period, later) in [("weekly", "+7d"), ("monthly", "+31d")] {
        let scene = Scenario::new().set(&each(period, "app")).log("app.log", "x\n");
        assert!(!due(&scene), "{period}");
        let ran = scene.run_at(later, &["--format", "json", "rotate"]).exits(0);
        assert!(ran.reason("rotate", "done", "/app.log").starts_with(period), "{ran:#?}");
    }
}

#[test]
fn first_sight_counts_the_files_own_times_not_now() {
    let yesterday = ago(hours(25));
    let old =
        Scenario::new().set("paths = [\"{logs}/app.log\"]\nwhen = \"daily\"").log("app.log", "x\n").written("app.log", yesterday);
    assert!(due(&old), "a file from yesterday is due at first sight");
    let aged = Scenario::new().set("paths = [\"{logs}/app.log\"]\nwhen = \"24h\"").log("app.log", "x\n");
    assert!(!due(&aged));
    assert!(due(&aged.written("app.log", yesterday)));
}

#[test]
fn a_busy_log_gets_older_also_where_no_file_says_when_it_was_made() {
    if !needs::met(MOUNTS) || !needs::met(OTHER_DAYS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).without_births().mount();
    let day = hours(24);
    let scene = Scenario::new().logs_in(disk.path()).set(&each("daily", "*"));
    let scene = scene.log("busy.log", "x\n").log("ahead.log", "x\n").written("ahead.log", ago(hours(0)) + day * 3650);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    let seen = std::fs::read(scene.ledger()).unwrap();
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    assert_eq!(std::fs::read(scene.ledger()).unwrap(), seen, "it is noted once");
    let scene = scene.written("busy.log", ago(hours(0)) + day);
    let ran = scene.run_at("+1d", &["--format", "json", "rotate"]).exits(0);
    assert_eq!(ran.steps("rotate", "done").len(), 2, "{ran:#?}");
}

#[test]
fn a_first_sight_under_a_clock_that_was_ahead_is_forgotten() {
    if !needs::met(MOUNTS) || !needs::met(OTHER_DAYS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).without_births().mount();
    let scene = Scenario::new().logs_in(disk.path()).set(&each("daily", "*")).log("busy.log", "x\n");
    let scene = scene.written("busy.log", ago(hours(0)) + hours(24 * 3650));
    scene.run_at("+3650d", &["rotate"]).exits(0);
    let scene = scene.written("busy.log", ago(hours(0)));
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    let scene = scene.written("busy.log", ago(hours(0)) + hours(24));
    let ran = scene.run_at("+1d", &["--format", "json", "rotate"]).exits(0);
    assert_eq!(ran.steps("rotate", "done").len(), 1, "{ran:#?}");
}

#[test]
fn an_empty_log_stays_even_when_forced_unless_the_set_says_otherwise() {
    let yesterday = ago(hours(25));
    let words = "paths = [\"{logs}/app.log\"]\nwhen = \"daily\"";
    let scene = Scenario::new().set(words).log("app.log", "").written("app.log", yesterday);
    assert!(!due(&scene));
    let forced = scene.run(&["--format", "json", "rotate", "--force"]).exits(0);
    assert_eq!(forced.summary(), "nothing to do");
    let words = "paths = [\"{logs}/app.log\"]\nwhen = { any = [\"daily\"], skip-empty = false }";
    let scene = scene.set(words).written("app.log", yesterday);
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.steps("rotate", "done").len(), 1);
    assert_eq!(scene.archives("app.log").len(), 1);
}

#[test]
fn force_rotates_what_is_not_due_and_says_so() {
    let scene = Scenario::new().set("paths = [\"{logs}/app.log\"]\nwhen = \"1 GiB\"").log("app.log", "x\n");
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    let forced = scene.run(&["--format", "json", "rotate", "--force"]).exits(0);
    assert_eq!(forced.reason("rotate", "done", "/app.log"), "--force");
    assert_eq!(scene.told("app.log"), b"x\n");
}

#[test]
fn min_size_and_min_age_hold_a_due_log_back() {
    let old = ago(hours(48));
    let words = |guard: &str| format!("paths = [\"{{logs}}/app.log\"]\nwhen = {{ any = [\"daily\"], {guard} }}");
    let small = Scenario::new().set(&words("min-size = \"10 B\"")).log("app.log", "123456789").written("app.log", old);
    assert!(!due(&small));
    small.append("app.log", "0");
    assert!(due(&small.written("app.log", old)));
    let young = Scenario::new().set(&words("min-age = \"3d\"")).log("app.log", "x\n").written("app.log", old);
    assert!(!due(&young));
    assert!(due(&young.written("app.log", ago(hours(73)))));
}

#[test]
fn any_takes_one_trigger_and_all_takes_each() {
    let old = ago(hours(48));
    for (list, small_is_due) in [("any", true), ("all", false)] {
        let words = format!("paths = [\"{{logs}}/app.log\"]\nwhen = {{ {list} = [\"daily\", \"1 KiB\"] }}");
        let scene = Scenario::new().set(&words).log("app.log", "small\n").written("app.log", old);
        assert_eq!(due(&scene), small_is_due, "{list}: old and small");
        let scene = scene.log_of("app.log", 2000).written("app.log", old);
        assert!(due(&scene), "{list}: old and large");
    }
}

#[test]
fn a_zone_of_the_set_decides_what_a_day_is() {
    if !needs::met(OTHER_DAYS) {
        return;
    }
    // Up to seven hours apart, around the day: whatever the hour, one of the zones has a new day in nine hours, and not all
    // have one. In a day each has one: none of them has a summer time, nor a day of 25 hours.
    let rotated = |zone: &str, later: &str| {
        let words = format!("paths = [\"{{logs}}/app.log\"]\nwhen = \"daily\"\nzone = \"{zone}\"");
        let scene = Scenario::new().set(&words).log("app.log", "x\n");
        scene.run_at(later, &["--format", "json", "plan"]).exits(0).steps("rotate", "planned").len()
    };
    let zones = ["Pacific/Kiritimati", "Etc/GMT+12", "UTC", "Asia/Tokyo", "America/Phoenix", "Europe/Moscow"];
    let soon: usize = zones.iter().map(|zone| rotated(zone, "+9h")).sum();
    assert!(soon > 0 && soon < zones.len(), "{soon} of {} zones have a new day in nine hours", zones.len());
    assert_eq!(zones.iter().map(|zone| rotated(zone, "+24h")).sum::<usize>(), zones.len());
}

#[test]
fn a_clock_that_was_wrong_once_does_not_stop_rotation_for_years() {
    if !needs::met(OTHER_DAYS) {
        return;
    }
    let scene = Scenario::new().set(&each("daily", "app")).log("app.log", "one\n");
    scene.run_at("+400d", &["--format", "json", "rotate"]).exits(0);
    let future = scene.archives("app.log").remove(0);
    scene.append("app.log", "two\n");
    let ran = scene.run_at("+2d", &["--format", "json", "rotate"]).exits(0);
    assert_eq!(ran.steps("rotate", "done").len(), 1, "{ran:#?}");
    let finding = &ran.json()["findings"][0];
    assert_eq!((finding["id"].as_str(), finding["severity"].as_str()), (Some("logs.clock"), Some("note")));
    let name = scene.archives("app.log").remove(0);
    assert!(name < future, "its name is of its own time: {name}");
    scene.append("app.log", "three\n");
    assert_eq!(scene.run_at("+2d", &["--format", "json", "rotate"]).exits(0).steps("rotate", "done").len(), 0);
    assert_eq!(scene.run_at("+3d", &["--format", "json", "rotate"]).exits(0).steps("rotate", "done").len(), 1);
    scene.run(&["verify"]).exits(0).says("3 of 3");
}

#[test]
fn a_clock_that_goes_back_by_hours_changes_names_and_no_times() {
    if !needs::met(OTHER_DAYS) {
        return;
    }
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    scene.run_at("+10h", &["--format", "json", "rotate"]).exits(0);
    let ahead = scene.archives("app.log").remove(0);
    let before = chrono::DateTime::<chrono::Utc>::from(ago(hours(0)));
    let scene = scene.log_of("app.log", 3000);
    scene.rotate().exits(0);
    assert_eq!(scene.archives("app.log")[0], ahead, "the second sorts after the first");
    let ledger = std::fs::read_to_string(scene.ledger()).unwrap();
    let line = ledger.lines().rfind(|line| line.contains("\"intended\"")).unwrap();
    let entry: serde_json::Value = serde_json::from_str(line).unwrap();
    let at: chrono::DateTime<chrono::Utc> = entry["at"].as_str().unwrap().parse().unwrap();
    assert!((at - before).num_seconds().abs() < 60, "{at} is not about {before}");
}
