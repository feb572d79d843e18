//! What a newcomer writes, and what he is told: in his own words and values, never the opposite of what he meant.

use std::{fs, process::Command};

use crate::support::{
    needs::{self, Need},
    ops_logs,
    scenario::{Ran, Scenario},
};

/// What `config check` says of one line in a set.
#[track_caller]
fn told(line: &str) -> String {
    let scene = Scenario::new().settings(&format!("[[log]]\npaths = [\"/x/*.log\"]\n{line}\n"));
    scene.run(&["config", "check"]).exits(2).stderr
}

/// Each line with the end of what is said of it.
#[track_caller]
fn hinted(cases: &[(&str, &str)]) {
    for (line, hint) in cases {
        let told = told(line);
        assert!(told.ends_with(&format!("\nhint: {hint}\n")), "{line}: {hint}\n{told}");
    }
}

#[test]
fn a_directive_of_logrotate_is_answered_in_the_users_own_word_and_value() {
    hinted(&[
        ("rotate = 14", "write keep = { count = 14 }"),
        ("rotate = -1", "leave it out: without keep every archive stays"),
        ("rotate = 0", "write keep = { count = 1 }; the newest archive of a log always stays"),
        ("maxage = 30", "write keep = { max-age = \"30d\" }"),
        ("size = \"10M\"", "write when = \"10 MiB\""),
        ("size = 4096", "write when = \"4 KiB\""),
        ("maxsize = \"1M\"", "write when = { any = [\"daily\", \"1 MiB\"] }; or another period"),
        ("minsize = \"5k\"", "write when = { all = [\"daily\", \"5 KiB\"] }; or another period"),
        ("maxsize = \"lots\"", "write a size into when, such as { any = [\"daily\", \"100 MiB\"] }"),
        ("minage = 2", "write when = { any = [\"daily\"], min-age = \"2d\" }; or another period"),
        ("weekly = true", "write when = \"weekly\""),
        ("monthly = true", "write when = \"monthly\""),
        ("daily = 7", "write when = \"daily\"; for how many archives stay, keep = { daily = 7 }"),
        ("nocompress = true", "write compress = \"none\""),
        ("compresscmd = \"/usr/bin/gzip\"", "write compress = \"gzip\""),
        ("olddir = \"/var/old\"", "write archive-dir = \"/var/old\"; the folder must exist"),
    ]);
}

#[test]
fn a_directive_is_never_answered_with_its_opposite() {
    let empty_too = "write when = { any = [\"daily\"], skip-empty = false }; or another period";
    let empty_not = "leave it out: empty logs are left alone anyway";
    let missing_not = "leave it out: a missing log is reported anyway";
    hinted(&[
        ("ifempty = true", empty_too),
        ("notifempty = false", empty_too),
        ("notifempty = true", empty_not),
        ("ifempty = false", empty_not),
        ("missingok = true", "write optional = true"),
        ("nomissingok = false", "write optional = true"),
        ("nomissingok = true", missing_not),
        ("missingok = false", missing_not),
        ("nocompress = false", "leave it out: archives are compressed anyway"),
        ("weekly = false", "leave it out, or say the period that is meant: when = \"weekly\""),
        ("noolddir = true", "leave it out: archives stand beside their log anyway"),
    ]);
}

#[test]
fn on_and_off_for_the_compression_are_answered_with_its_words() {
    hinted(&[
        (
            "compress = true",
            "leave it out: archives are compressed anyway; or write a compressor, such as \"zstd\" or \"gzip:9\"",
        ),
        ("compress = false", "write \"none\""),
    ]);
}

/// What the binary says on a machine with an empty `/etc`; nothing where that cannot be had.
fn on_a_bare_machine(scene: &Scenario, args: &[&str]) -> Option<Ran> {
    if !needs::met(&[Need::Root, Need::Program("unshare")]) {
        return None;
    }
    let etc = scene.root().join("etc");
    fs::create_dir_all(&etc).unwrap();
    let mut command = Command::new("unshare");
    command.env_clear().args(["-m", "sh", "-c", "mount --bind \"$0\" /etc && exec \"$@\""]).arg(&etc);
    scene.environment(command.arg(ops_logs()).args(args));
    Some(Ran::of(&mut command))
}

#[test]
fn a_machine_without_settings_is_told_where_they_were_looked_for_and_how_to_begin() {
    let scene = Scenario::new();
    for words in [&["plan"][..], &["rotate"], &["status"], &["config", "check"]] {
        let Some(ran) = on_a_bare_machine(&scene, words) else { return };
        let said = ran.exits(2).stderr;
        let user = scene.root().join(".config/opsbelt/logs.toml");
        let looked = format!("there is no /etc/opsbelt/logs.toml, /etc/opsbelt/logs.d/*.toml or {}\n", user.display());
        assert!(said.contains(&looked), "{words:?}: {said}");
        assert!(said.contains("\nhint: `ops-logs init --out /etc/opsbelt/logs.toml` "), "{words:?}: {said}");
    }
}

#[test]
fn a_length_of_time_that_is_none_is_told_what_is_wrong_with_it() {
    for (line, said) in [
        ("keep = { max-age = \"3 months\" }", "`3 months`: unknown unit `months`, use w, d, h, m, s, ms"),
        ("keep = { max-age = \"3months\" }", "`3months`: unknown unit `months`, use w, d, h, m, s, ms"),
        ("keep = { max-age = 2026-01-31 }", "`2026-01-31`: a date is no length of time, write one such as `90d`"),
        ("keep = { max-age = \"2026-01-31\" }", "`2026-01-31`: a date is no length of time, write one such as `90d`"),
        ("close-wait = \"00:05\"", "`00:05`: a time of day is no length of time, write one such as `1h30m`"),
    ] {
        let told = told(line);
        assert!(told.contains(&format!(": {said}\n")), "{line}: {said}\n{told}");
    }
}

#[test]
fn a_command_in_one_text_is_answered_with_a_list_that_is_accepted() {
    hinted(&[
        (
            "reopen = { command = \"kill -HUP 12\" }",
            "no shell runs it: write one string per argument, the program with its full path, such as [\"/bin/kill\", \"-HUP\", \"12\"]",
        ),
        (
            "reopen = { command = \"/usr/bin/app flush-logs\" }",
            "no shell runs it: write one string per argument, the program with its full path, such as \
             [\"/usr/bin/app\", \"flush-logs\"]",
        ),
        (
            "reopen = { command = \"kill -HUP $(cat /run/app.pid)\" }",
            "no shell runs it; to signal the process of a pidfile write { pidfile = \"/run/app.pid\", signal = \"HUP\" }",
        ),
        (
            "reopen = { command = \"app flush > /dev/null\" }",
            "no shell runs it: write one string per argument, the program with its full path, such as \
             [\"/usr/bin/app\", \"flush-logs\"]",
        ),
    ]);
}

#[test]
fn a_bare_number_for_a_length_of_time_is_answered_with_the_likely_unit() {
    hinted(&[
        ("reopen = { command = [\"/bin/true\"], timeout = 10 }", "write \"10s\""),
        ("close-wait = 7", "write \"7s\""),
        ("keep = { max-age = 90 }", "write \"90d\""),
        ("keep = { max-age = \"90\" }", "write \"90d\""),
        ("assume-closed-after = 1", "write \"1d\""),
    ]);
}

#[test]
fn sets_that_keep_everything_for_ever_are_named() {
    let words = "[[log]]\nname = \"a\"\npaths = [\"/a\"]\n[[log]]\nname = \"b\"\npaths = [\"/b\"]\nkeep = { count = 3 }\n\
                 [[log]]\nname = \"c\"\npaths = [\"/c\"]\nkeep = {}\n";
    let scene = Scenario::new().settings(words);
    let file = scene.root().join("settings.toml").display().to_string();
    let shown = scene.run(&["config", "show"]).exits(0).stdout;
    assert_eq!(shown.matches("[log.keep]   # default: every archive stays\n").count(), 1, "{shown}");
    assert!(shown.contains("[defaults.keep]   # default: every archive stays\n"), "{shown}");
    assert!(shown.contains(&format!("[log.keep]   # {file}:11: every archive stays\n")), "{shown}");
    assert!(shown.contains("[log.keep]\ncount = 3"), "{shown}");
    let checked = scene.run(&["config", "check"]).exits(0).stdout;
    assert!(checked.contains("note a, c: every archive stays, for ever: `keep` has no rule\n  hint: write keep = "), "{checked}");
    let json = scene.run(&["--format", "json", "config", "check"]).exits(0).json();
    assert_eq!(json["findings"][0]["id"], "logs.keeps-all", "{json}");
    let limited = Scenario::new().settings(&format!("[defaults]\nkeep = {{ max-age = \"9d\" }}\n{words}"));
    assert!(limited.run(&["config", "check"]).exits(0).stdout.contains("\nnote c: "));
    let all = Scenario::new().settings("[defaults]\nkeep = { daily = 9 }\n[[log]]\npreset = \"nginx\"\n");
    assert!(!all.run(&["config", "check"]).exits(0).stdout.contains("note"), "each has a rule");
}

#[test]
fn a_wrong_path_to_logrotates_configuration_is_told_with_what_to_do() {
    let words = "logrotate = \"/nowhere/logrotate.conf\"\n[[log]]\npaths = [\"{logs}/*.log\"]\n";
    let ran = Scenario::new().settings(words).run(&["rotate"]).exits(3);
    assert_eq!(
        ran.stdout,
        "incomplete logrotate's /nowhere/logrotate.conf: no such file or directory\n  \
         hint: correct `logrotate` in the settings; \"\" where logrotate is not in use\nnothing to do\n"
    );
}

#[test]
fn a_machine_without_logrotate_needs_no_word_about_it() {
    let scene = Scenario::new().settings("[[log]]\npaths = [\"{logs}/*.log\"]\n");
    let settings = scene.root().join("settings.toml").display().to_string();
    let Some(ran) = on_a_bare_machine(&scene, &["--config", &settings, "rotate"]) else { return };
    assert_eq!(ran.exits(0).stdout, "nothing to do\n");
}

#[test]
fn a_history_of_no_runs_is_told_how_many_it_takes() {
    let scene = Scenario::new();
    for (last, said) in
        [("0", "at least 1"), ("-1", "at least 1"), ("x", "not a number"), ("99999999999999999999999", "too large")]
    {
        let stderr = scene.run(&["history", &format!("--last={last}")]).exits(2).stderr;
        assert!(stderr.contains(said) && !stderr.contains("18446744073709551615"), "{last}: {stderr}");
    }
    scene.run(&["history", "--last", "1"]).exits(0);
}
