//! Settings: bad ones are refused with their place before anything is done; good ones are shown with theirs.

use std::fs;

use crate::support::{
    files,
    needs::{self, Need},
    scenario::{Ran, Scenario},
    stories::NOBODY,
};

/// Runs `rotate` with these settings beside a log that would be due; nothing may come of it.
#[track_caller]
fn refused(settings: &str) -> Ran {
    let scene = Scenario::new().settings(settings).log_of("app.log", 2000);
    fs::remove_dir(scene.state()).unwrap();
    let before = fs::read(scene.live("app.log")).unwrap();
    let checked = scene.run(&["config", "check"]).exits(2);
    let ran = scene.run(&["rotate", "--force"]).exits(2);
    assert_eq!(ran.stderr, checked.stderr, "check tells what a run would");
    assert_eq!(ran.stdout, "");
    assert!(!scene.state().exists(), "no state is made and no lock is taken");
    assert_eq!(scene.files().len(), 1);
    assert_eq!(fs::read(scene.live("app.log")).unwrap(), before);
    ran
}

#[test]
fn an_unknown_key_is_named_with_file_line_caret_and_the_word_that_was_meant() {
    let ran = refused("[[log]]\nname = \"app\"\npahts = [\"{logs}/*.log\"]\nwhen = \"1 KiB\"\n");
    for part in ["settings.toml:3:1", "3 | pahts = ", "^^^^^", "`paths`"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert!(ran.stderr.starts_with("ops-logs: cannot use "), "{}", ran.stderr);
}

#[test]
fn every_problem_is_told_at_once() {
    let ran = refused("colour = 1\n[[log]]\npaths = [\"{logs}/*.log\"]\nwhen = \"dayly\"\nkeep = { count = 0 }\n");
    for part in ["settings.toml:1:", "settings.toml:4:", "settings.toml:5:", "`daily`"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    let log = "[[log]]\nname = \"app\"\npaths = [\"{logs}/*.log\"]\n";
    for (settings, said) in [
        (format!("{log}[[log]]\nname = \"b\"\npaths = [\"{{logs}}/*.log\"]\n"), "written twice"),
        (format!("{log}[[log]]\nname = \"b\"\npaths = [\"{{logs}}/.//*.log\"]\n"), "set `app` has it too"),
        ("[[log]]\nname = \"app\"\npaths = [\"/x\", \"/x\"]\n".to_owned(), "`/x` is written twice: this set has it too"),
        (format!("{log}[[log]]\nname = \"app\"\npaths = [\"{{logs}}/b\"]\n"), "`app` is written twice"),
        ("[[log]]\npreset = \"mysql\"\n[[log]]\npreset = \"mariadb\"\n".to_owned(), "is in set `mysql` too"),
        ("[[log]]\nname = \"a\"\npaths = [\"/var/log/nginx/*.log\"]\n[[log]]\npreset = \"nginx\"\n".to_owned(), "set `a`"),
        ("[[log]]\npreset = \"nginx\"\npaths = []\n".to_owned(), "names no paths"),
        ("[[log]]\npreset = \"ngnix\"\n".to_owned(), "did you mean `nginx`?"),
        ("[[log]]\npreset = \"java\"\n".to_owned(), "there is none on purpose: a JVM"),
        (format!("host = \" \"\n{log}"), "would have no name"),
        ("[[log]]\nname = \"\"\npaths = [\"/x\"]\n".to_owned(), "visible text"),
        ("[[log]]\nname = \"app\"\n".to_owned(), "names no paths"),
        ("[[log]]\npaths = [\"logs/*.log\"]\n".to_owned(), "not an absolute path"),
        ("[[log]]\npaths = [\"{logs}/\"]\n".to_owned(), "names a folder"),
        (format!("[defaults]\npaths = [\"/x\"]\n{log}"), "belongs to one set"),
        (format!("parallel = 0\n{log}"), "nothing would ever be compressed"),
        (format!("{log}archive-dir = \"old\"\n"), "not an absolute path"),
        (format!("{log}archive-dir = \"/a/../b\"\n"), "`/a/../b` goes back with `..`"),
        (format!("[defaults]\narchive-dir = \"/a/..\"\n{log}"), "settings.toml:2:15"),
        ("[[log]]\npaths = [\"/x/[^a]*.log\"]\n".to_owned(), "write `/x/[!a]*.log`"),
        (format!("{log}exclude = [\"/x\", \"/x/[ab][^]a].log\"]\n"), "settings.toml:4:18"),
        (format!("{log}when = {{ any = [\"daily\"], all = [\"1 KiB\"] }}\n"), "not both"),
        (format!("{log}reopen = {{ unit = \"nginx.service\" }}\n"), "say one of"),
        (format!("{log}reopen = {{ pidfile = \"run/x.pid\", signal = \"HUP\" }}\n"), "not absolute"),
        (format!("{log}zone = \"Europe/Berln\"\n"), "Europe/Berlin"),
        (format!("{log}when = \n"), "settings.toml:4"),
        (format!("{log}compress = \"none\"\narchive-dir = \"/archive\"\n"), "archive-dir has no use"),
        (format!("[defaults]\ncompress = \"none\"\n{log}archive-dir = \"/archive\"\n"), "archive-dir has no use"),
        (format!("[defaults]\narchive-dir = \"/archive\"\n{log}compress = \"none\"\n"), "archive-dir has no use"),
    ] {
        let ran = refused(&settings);
        assert!(ran.stderr.contains(said), "{settings}\n{said}: {}", ran.stderr);
    }
}

#[test]
fn a_path_with_a_nul_byte_is_refused_in_its_place() {
    let log = "[[log]]\nname = \"app\"\n";
    for (line, words) in [
        (3, "paths = [\"{logs}/a\\u0000.log\"]"),
        (4, "paths = [\"{logs}/*.log\"]\nexclude = [\"/x\\u0000\"]"),
        (4, "paths = [\"{logs}/*.log\"]\narchive-dir = \"/x\\u0000\""),
        (4, "paths = [\"{logs}/*.log\"]\nreopen = { pidfile = \"/x\\u0000\", signal = \"HUP\" }"),
        (4, "paths = [\"{logs}/*.log\"]\nreopen = { command = [\"/bin/true\", \"\\u0000\"] }"),
    ] {
        let ran = refused(&format!("{log}{words}\n"));
        assert!(ran.stderr.contains("NUL byte"), "{words}: {}", ran.stderr);
        assert!(ran.stderr.contains(&format!("settings.toml:{line}:")) && ran.stderr.contains("^^^"), "{words}: {}", ran.stderr);
    }
}

#[test]
fn a_name_behind_a_wildcard_need_be_in_one_folder_only() {
    let words = "paths = [\"{logs}/*/log/app.log\", \"{logs}/*/log/x*.log\"]\nwhen = \"1 KiB\"\n";
    let scene = Scenario::new().set(words);
    for folder in ["a/log", "b", "c/log"] {
        fs::create_dir_all(scene.live(folder)).unwrap();
    }
    let none = scene.rotate().exits(3);
    assert!(none.reason("rotate", "skipped", "/*/log/app.log").contains("no folder that the pattern meets has it"), "{none:#?}");
    let scene = scene.log_of("a/log/app.log", 2000);
    assert_eq!(scene.rotate().exits(0).acts(), ["rotate done", "archive done"]);
    let empty = Scenario::new().set(words);
    assert_eq!(empty.rotate().exits(3).steps("rotate", "skipped").len(), 2, "no folder is met");
    let optional = Scenario::new().set(&format!("{words}optional = true"));
    optional.rotate().exits(0);
}

#[test]
fn a_folder_that_may_not_be_looked_into_is_not_taken_as_absent() {
    if !needs::met(&[Need::Root, Need::Program("setpriv")]) {
        return;
    }
    for path in ["closed/inner/*.log", "closed/*/x.log", "closed/inner/x.log", "*/inner/x.log"] {
        let words = format!("paths = [\"{{logs}}/{path}\"]\nwhen = \"1 KiB\"\noptional = true");
        let scene = Scenario::new().set(&words).open_root();
        fs::create_dir_all(scene.live("closed/inner")).unwrap();
        let scene = scene.mode("logs/closed", 0o700).owned("state", NOBODY, NOBODY);
        let ran = scene.run_as(NOBODY, &["--format", "json", "rotate"]).exits(3);
        let steps = ran.steps("rotate", "skipped");
        assert_eq!(steps.len(), 1, "{path}: {ran:#?}");
        assert!(steps[0]["reason"].as_str().is_some_and(|why| why.contains("permission denied")), "{path}: {ran:#?}");
    }
}

#[test]
fn an_archive_folder_that_is_not_there_is_named_with_its_setting() {
    let scene = Scenario::new().plain_set("archive-dir = \"{root}/old\"").log_of("app.log", 2000);
    let old = scene.root().join("old");
    let reason = scene.rotate().exits(3).reason("rotate", "skipped", "app.log");
    let told = format!("its archive-dir {}: no such file or directory (hint: make it, or change archive-dir)", old.display());
    assert_eq!(reason, told);
    fs::create_dir(&old).unwrap();
    scene.rotate().exits(0);
}

#[test]
fn a_folder_in_a_files_place_is_called_one_even_where_absence_is_no_trouble() {
    for words in ["", "optional = true"] {
        let scene = Scenario::new().set(&format!("paths = [\"{{logs}}/app\"]\n{words}"));
        fs::create_dir(scene.live("app")).unwrap();
        let reason = scene.rotate().exits(3).reason("rotate", "skipped", "logs/app");
        let app = scene.live("app").display().to_string();
        assert_eq!(reason, format!("it is a folder (hint: name the files in it: {app}/*.log)"));
    }
}

#[test]
fn a_name_that_is_not_utf_8_is_told_with_the_pattern_that_excludes_it() {
    use std::os::unix::ffi::OsStrExt;
    let scene = Scenario::new().plain_set("").log_of("good.log", 2000);
    files::write(scene.logs().join(std::ffi::OsStr::from_bytes(b"[l]at\xe9in.log")), vec![b'x'; 2000]).unwrap();
    let reason = scene.rotate().exits(3).reason("rotate", "skipped", "in.log");
    let pattern = format!("{}/[[]l[]]at?in.log", scene.logs().display());
    assert_eq!(reason, format!("its name is not UTF-8 (hint: rename it, or exclude \"{pattern}\")"));
    scene.plain_set(&format!("exclude = [\"{pattern}\"]")).rotate().exits(0);
}

#[test]
fn a_folder_whose_name_is_not_utf_8_is_told_when_a_wildcard_means_it() {
    use std::os::unix::ffi::OsStrExt;
    let scene = Scenario::new().set("paths = [\"{logs}/*/*.log\"]\nwhen = \"1 KiB\"\noptional = true");
    let odd = scene.logs().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir_all(&odd).unwrap();
    files::write(odd.join("x.log"), vec![b'x'; 2000]).unwrap();
    fs::create_dir(scene.live("good")).unwrap();
    let scene = scene.log_of("good/x.log", 2000);
    let ran = scene.rotate().exits(3);
    assert_eq!(
        ran.reason("rotate", "skipped", "caf\u{fffd}"),
        "its name is not UTF-8 (hint: rename the folder, or name others than it)"
    );
    assert_eq!(ran.steps("rotate", "done").len(), 1);
}

#[test]
fn no_settings_and_no_logs_are_told() {
    let scene = Scenario::new();
    scene.run(&["rotate"]).exits(2).says("settings.toml");
    let scene = scene.settings("[defaults]\ncompress = \"zstd\"\n");
    let ran = scene.run(&["rotate"]).exits(2).says("the settings name no logs");
    assert_eq!(scene.run(&["config", "check"]).exits(2).stderr, ran.stderr, "check tells what a run would");
}

#[test]
fn unknown_flags_and_commands_are_bad_input_and_help_is_an_answer() {
    let scene = Scenario::new().plain_set("");
    scene.run(&["rotat"]).exits(2).says("rotate");
    scene.run(&["rotate", "--froce"]).exits(2).says("--force");
    scene.run(&[]).exits(2);
    let help = scene.run(&["--help"]).exits(0);
    for part in ["Exit status:", "75     busy", "128+n", "rotate", "verify"] {
        assert!(help.stdout.contains(part), "{part}: {}", help.stdout);
    }
    assert!(!help.stdout.contains("hand-in-folder"), "{}", help.stdout);
    let version = scene.run(&["--version"]).exits(0);
    assert_eq!(version.stdout.trim(), concat!("ops-logs ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn show_tells_each_value_with_its_origin() {
    let scene = Scenario::new();
    let folder = scene.root().join("conf");
    fs::create_dir(&folder).unwrap();
    files::write(folder.join("10-base.toml"), "host = \"a\"\nparallel = 2\n").unwrap();
    files::write(folder.join("20-more.toml"), "host = \"b\"\n[[log]]\nname = \"app\"\npaths = [\"/var/log/x.log\"]\n").unwrap();
    let show = |args: &[&str]| {
        let mut command = scene.command(&[]);
        command.args(["--config".as_ref(), folder.as_os_str()]).args(args);
        crate::support::scenario::Ran::of(&mut command)
    };
    // The scenario's own --config stands before; the flag may be given once only.
    assert_eq!(show(&["config", "show"]).code, Some(2));
    let scene = scene.settings("host = \"a\"\nparallel = 2\n[[log]]\nname = \"app\"\npaths = [\"/var/log/x.log\"]\n");
    let shown = scene.run(&["config", "show"]).exits(0).stdout;
    let line = shown.lines().find(|line| line.starts_with("parallel")).unwrap_or_default();
    assert!(line.contains("= 2") && line.contains("settings.toml:2"), "{shown}");
    let json = scene.run(&["--format", "json", "config", "show"]).exits(0).json();
    assert_eq!(json["value"]["parallel"], 2);
    assert!(json["origins"]["parallel"].as_str().is_some_and(|origin| origin.contains("settings.toml:2")), "{json}");
    scene.run(&["config", "check"]).exits(0).says("1 file read");
}

#[test]
fn show_tells_what_holds_for_a_set_also_where_it_says_nothing() {
    let scene = Scenario::new();
    let empty = scene.settings("").run(&["config", "show"]).exits(0).stdout;
    for line in ["compress = \"zstd\"   # default", "close-wait = \"5s\"   # default", "takeover = false   # default"] {
        assert!(empty.lines().any(|shown| shown == line), "{line}: {empty}");
    }
    let words = "[defaults]\nwhen = \"weekly\"\n[[log]]\npreset = \"nginx\"\nkeep = { count = 3 }\n";
    let scene = Scenario::new().settings(words);
    let shown = scene.run(&["config", "show"]).exits(0).stdout;
    let file = scene.root().join("settings.toml").display().to_string();
    let set = &shown[shown.find("[[log]]").unwrap()..];
    assert!(set.contains(&format!("when = \"weekly\"   # {file}:2, as defaults.when\n")), "{shown}");
    assert!(set.contains("   # preset nginx\n") && set.contains("optional = false   # default\n"), "{shown}");
    assert!(set.contains(&format!("count = 3   # {file}:5\n")), "{shown}");
    let json = scene.run(&["--format", "json", "config", "show"]).exits(0).json();
    assert_eq!(json["value"]["log"][0]["when"], "weekly");
    assert_eq!(json["origins"]["log[0].when"], format!("{file}:2, as defaults.when"));
    // What is shown is read back, and means the same.
    let again = Scenario::new().settings(&shown).run(&["--format", "json", "config", "show"]).exits(0).json();
    assert_eq!(again["value"], json["value"]);
}

#[test]
fn the_schema_is_json_schema_and_knows_every_word_of_a_set() {
    let schema = Scenario::new().run(&["config", "schema"]).exits(0).json();
    assert!(schema["$schema"].as_str().is_some_and(|text| text.contains("json-schema.org")), "{schema}");
    assert_eq!(schema["$id"], "urn:opsbelt:logs:settings");
    let text = schema.to_string();
    for word in ["paths", "when", "compress", "keep", "reopen", "archive-dir", "takeover", "optional", "min-free", "max-age"] {
        assert!(text.contains(&format!("\"{word}\"")), "{word}");
    }
}

#[test]
fn history_and_help_work_beside_a_broken_file() {
    let scene = Scenario::new().settings("this is no toml");
    scene.run(&["history"]).exits(0);
    scene.run(&["config", "schema"]).exits(0);
    scene.run(&["rotate"]).exits(2);
}
