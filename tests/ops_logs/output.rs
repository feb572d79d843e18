//! The answer: its JSON keeps its shape, its tables are safe to look at, and odd descriptors change nothing.

use std::{fs, io};

use crate::support::{
    needs::{self, Need},
    scenario::{Ran, Scenario},
    schema::Schema,
    stories::run_to,
};

/// A run of every kind, and what it says.
fn envelopes() -> Vec<(&'static str, Ran)> {
    let scene = Scenario::new().plain_set("keep = { count = 1 }").log_of("app.log", 2000);
    scene.rotate().exits(0);
    scene.append("app.log", vec![b'x'; 2000]);
    std::os::unix::fs::symlink("/dev/null", scene.live("bad.log")).unwrap();
    let mut all = vec![("plan", scene.run(&["--format", "json", "plan"]).exits(3)), ("rotate", scene.rotate().exits(3))];
    fs::remove_file(scene.live(&scene.archives("app.log")[0])).unwrap();
    all.push(("verify", scene.run(&["--format", "json", "verify"]).exits(1)));
    for word in ["status", "history"] {
        all.push((word, scene.run(&["--format", "json", word])));
    }
    all.push(("config", scene.run(&["--format", "json", "config", "check"]).exits(0)));
    let scene = scene.settings("this is no toml");
    all.push(("failure", scene.run(&["--format", "json", "rotate"]).exits(2)));
    all
}

#[test]
fn every_envelope_is_as_its_schema_says_and_has_no_key_that_it_does_not_say() {
    let schema = Schema::read("docs/schemas/envelope.json");
    for (word, ran) in envelopes() {
        let faults = schema.faults(&ran.json());
        assert!(faults.is_empty(), "{word}: {faults:#?}\n{:#}", ran.json());
    }
}

#[test]
fn the_schemas_checker_sees_a_missing_a_wrong_and_an_unknown_key() {
    let schema = Schema::read("docs/schemas/envelope.json");
    let (_, ran) = envelopes().swap_remove(1);
    let change = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut json = ran.json();
        change(&mut json);
        schema.faults(&json).len()
    };
    assert_eq!(change(&|_| ()), 0);
    assert_eq!(change(&|json| drop(json.as_object_mut().unwrap().remove("steps"))), 1);
    assert_eq!(change(&|json| json["run"]["seconds"] = "long".into()), 1);
    assert_eq!(change(&|json| json["steps"][0]["outcome"] = "perhaps".into()), 1);
    assert_eq!(change(&|json| json["steps"][0]["extra"] = 1.into()), 1);
    assert_eq!(change(&|json| json["schema"] = "opsbelt".into()), 1);
}

#[test]
fn each_command_names_its_schema() {
    let named: Vec<(&str, String)> =
        envelopes().into_iter().map(|(word, ran)| (word, ran.json()["schema"].as_str().unwrap().to_owned())).collect();
    let expected = [
        ("plan", "opsbelt.logs.rotate/1"),
        ("rotate", "opsbelt.logs.rotate/1"),
        ("verify", "opsbelt.logs.verify/1"),
        ("status", "opsbelt.logs.status/1"),
        ("history", "opsbelt.logs.history/1"),
        ("config", "opsbelt.logs.config/1"),
        ("failure", "opsbelt.logs/1"),
    ];
    assert_eq!(named, expected.map(|(word, schema)| (word, schema.to_owned())));
}

#[test]
fn quiet_says_nothing_when_all_is_well_and_only_the_trouble_when_it_is_not() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let well = scene.run(&["--quiet", "rotate"]).exits(0);
    assert_eq!((well.stdout.as_str(), well.stderr.as_str()), ("", ""));
    std::os::unix::fs::symlink("/dev/null", scene.live("bad.log")).unwrap();
    scene.append("app.log", vec![b'x'; 2000]);
    let ill = scene.run(&["--quiet", "rotate"]).exits(3);
    let lines: Vec<&str> = ill.stdout.lines().collect();
    let bad = scene.live("bad.log").display().to_string();
    assert!(lines.len() == 2 && lines[0].starts_with("rotate skipped") && lines[0].contains(&bad), "{ill:#?}");
    assert!(lines[1].starts_with("1 log rotated, 1 archived"), "{ill:#?}");
    let status = scene.run(&["--quiet", "status"]).exits(3);
    assert!(status.stdout.contains(&bad) && !status.stdout.contains("LAST ROTATED"), "{status:#?}");
    fs::remove_file(scene.live(&scene.archives("app.log")[0])).unwrap();
    let verified = scene.run(&["--quiet", "verify"]).exits(1);
    assert!(verified.stdout.starts_with("danger ") && verified.stdout.contains("\nas recorded: 1 of 2"), "{verified:#?}");
}

#[test]
fn the_result_is_on_standard_output_and_nothing_on_the_other() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let ran = scene.run(&["rotate"]).exits(0);
    assert!(ran.stdout.contains("rotate") && ran.stdout.contains("1 log rotated"), "{ran:#?}");
    assert_eq!(ran.stderr, "");
}

#[test]
fn logs_are_told_in_the_order_of_their_names_and_one_line_is_one_line() {
    let mut scene = Scenario::new().plain_set("");
    let names: Vec<String> = (0..30).map(|number| format!("{:02}.log", number * 7 % 30)).collect();
    for name in &names {
        scene = scene.log(name, "");
    }
    let text = scene.log("z.log", vec![b'x'; 2000]).run(&["--verbose", "plan"]).exits(0).stdout;
    let told: Vec<&str> = text.lines().filter(|line| line.starts_with("leave")).collect();
    assert!(told.len() == 30 && told.is_sorted(), "{text}");
    let scene = Scenario::new().plain_set("").log("a.log", format!("{}\n", "x".repeat(2000)));
    scene.run(&["rotate"]).exits(0).says(", 1 line, proven");
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    std::os::unix::fs::symlink("/dev/null", scene.live("bad.log")).unwrap();
    let coloured = |args: &[&str]| scene.run(args).stdout.contains('\u{1b}');
    assert!(!coloured(&["plan"]), "no terminal");
    assert!(!coloured(&["--color", "never", "plan"]));
    assert!(coloured(&["--color", "always", "plan"]));
    if !needs::met(&[Need::Program("script")]) {
        return;
    }
    let on_terminal =
        |before: &str| scene.run_in_shell(&format!("{before} script -qec \"$*\" /dev/null"), &["--no-progress", "plan"]).stdout;
    assert!(on_terminal("TERM=xterm").contains('\u{1b}'));
    assert!(!on_terminal("TERM=xterm NO_COLOR=1").contains('\u{1b}'));
    assert!(!on_terminal("TERM=dumb").contains('\u{1b}'));
}

#[test]
fn hostile_names_are_harmless_on_a_terminal_and_exact_in_json() {
    let name = "evil\u{1b}[2J\n\u{202e}\u{61c}gpj.log";
    let scene = Scenario::new().plain_set("").log_of(name, 2000);
    for args in [&["plan"][..], &["--verbose", "rotate"], &["status"], &["--verbose", "verify"], &["history"]] {
        let ran = scene.run(args).exits(0);
        let text = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{61c}']), "{args:?}: {text:?}");
        assert!(text.contains("evil\\u{1b}[2J\\u{a}\\u{202e}\\u{61c}gpj.log") || args == ["history"], "{args:?}: {text}");
    }
    let json = scene.run(&["--format", "json", "status"]).exits(0).json();
    let path = scene.live(name).display().to_string();
    assert_eq!(json["tables"][0]["rows"][0][1], path);
}

#[test]
fn a_reader_that_left_is_no_trouble() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let ran = run_to(&mut scene.command(&["rotate"]), writer).exits(0);
    assert_eq!(ran.stderr, "");
    assert_eq!(scene.archives("app.log").len(), 1);
    let root = scene.logs().display().to_string();
    for args in [
        &["status"][..],
        &["--format", "json", "status"],
        &["verify"],
        &["--verbose", "verify"],
        &["plan"],
        &["survey", "--root", &root],
        &["init", "--root", &root],
        &["presets"],
        &["presets", "nginx"],
        &["history"],
        &["config", "check"],
        &["config", "show"],
        &["config", "schema"],
        &["--help"],
    ] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let left = run_to(&mut scene.command(args), writer);
        // What a survey may not see of this machine, init tells there.
        assert!(left.stderr.is_empty() || left.stderr.starts_with("ops-logs: cannot see everything"), "{args:?}: {left:?}");
        assert!(matches!(left.code, Some(0 | 1 | 3)), "{args:?}: {left:?}");
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_told_although_the_work_is_done() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let ran = run_to(&mut scene.command(&["rotate"]), full.try_clone().unwrap()).exits(3);
    assert_eq!(
        ran.stderr,
        "ops-logs: cannot write the result: no space left on device\n\
         hint: the work is done, and `history` has what came of it\n"
    );
    assert_eq!(scene.archives("app.log").len(), 1);
    let asked = run_to(&mut scene.command(&["status"]), full).exits(4);
    assert_eq!(asked.stderr, "ops-logs: cannot write the result: no space left on device\n", "an answer is all the work");
}

#[test]
fn closed_descriptors_change_nothing() {
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
        let before = fs::read(scene.live("app.log")).unwrap();
        scene.run_in_shell(&format!("exec \"$@\" {closed}"), &["rotate"]).exits(0);
        assert_eq!(scene.archives("app.log").len(), 1, "{closed}");
        assert_eq!(scene.told("app.log"), before, "{closed}");
        scene.run(&["verify"]).exits(0).says("1 of 1");
    }
}
