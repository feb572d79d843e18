//! Telling the writer: by pidfile, by command; what fails or hangs is told, and who writes on keeps his file uncompressed.

use std::{fs, process::Command, time::Duration};

use crate::support::{
    self, example, files,
    needs::{self, Need},
    process::Process,
    scenario::Scenario,
    stories::{NOBODY, tool},
    tally,
    tally::Tally,
};

const LOG: &str = "paths = [\"{logs}/app.log\"]\nwhen = \"1 KiB\"\nclose-wait = \"10s\"\n";

#[test]
fn a_writer_named_by_its_pidfile_goes_on_in_the_fresh_log() {
    let scene = Scenario::new().set(&format!("{LOG}reopen = {{ pidfile = \"{{root}}/pid\", signal = \"HUP\" }}"));
    let pidfile = scene.root().join("pid");
    let mut writer = Command::new(example("log-writer"));
    writer
        .args(["--id", "1", "--rate", "3000", "--seconds", "60", "--file"])
        .arg(scene.live("app.log"))
        .arg("--pidfile")
        .arg(&pidfile);
    let writer = Process::start(&mut writer);
    for _ in 0..3 {
        support::wait_until("lines", Duration::from_secs(10), || {
            pidfile.exists() && fs::metadata(scene.live("app.log")).is_ok_and(|meta| meta.len() > 2000)
        });
        let ran = scene.rotate().exits(0);
        assert_eq!(ran.acts(), ["rotate done", "tell done", "archive done"]);
    }
    writer.signal(rustix::process::Signal::TERM);
    let written = tally::lines_of(&writer.end(Duration::from_secs(10)).stdout);
    let tally = Tally::of(&tally::history(&scene.live("app.log"), None), &[(1, written)].into());
    tally.assert_perfect("three rotations");
    assert_eq!(tally.files, 4);
}

#[test]
fn one_command_tells_one_writer_of_all_logs_of_its_set() {
    let reopen = "reopen = { command = [\"/bin/sh\", \"-c\", \"echo told >>{root}/told\"] }";
    let scene = Scenario::new().plain_set(reopen).log_of("a.log", 2000).log_of("b.log", 2000);
    assert_eq!(scene.rotate().exits(0).steps("tell", "done").len(), 1);
    assert_eq!(fs::read_to_string(scene.root().join("told")).unwrap(), "told\n");
    scene.rotate().exits(0);
    assert_eq!(fs::read_to_string(scene.root().join("told")).unwrap(), "told\n", "nothing rotated, nobody told");
}

#[test]
fn a_command_that_says_a_lot_is_not_held_up_by_it() {
    let chatty = "reopen = { command = [\"/bin/sh\", \"-c\", \"i=0; while [ $i -lt 4000 ]; do echo nginx warns of deprecated things >&2; i=$((i+1)); done\"], timeout = \"20s\" }";
    let scene = Scenario::new().plain_set(chatty).log_of("app.log", 2000);
    assert_eq!(scene.rotate().exits(0).acts(), ["rotate done", "tell done", "archive done"]);
}

#[test]
fn a_writer_that_was_not_told_keeps_its_file_uncompressed_and_the_next_run_tells_again() {
    let reopen = "reopen = { command = [\"/bin/sh\", \"-c\", \"test -e {root}/works || { echo no such unit >&2; exit 7; }\"] }";
    let scene = Scenario::new().plain_set(reopen).log_of("app.log", 2000);
    let writer = scene.writer("app.log");
    let failed = scene.rotate().exits(3);
    assert_eq!(failed.acts(), ["rotate done", "tell failed", "archive waiting"]);
    assert!(failed.reason("tell", "failed", "app").contains("no such unit"), "{failed:#?}");
    assert!(failed.took < Duration::from_secs(20), "who was not told is not waited for: {failed:#?}");
    assert!(scene.archives("app.log")[0].ends_with("-0001"));
    assert_eq!(scene.rotate().exits(3).acts(), ["tell failed", "archive waiting"], "it stays so");
    files::write(scene.root().join("works"), "").unwrap();
    drop(writer);
    assert_eq!(scene.rotate().exits(0).acts(), ["tell done", "archive done"]);
    assert!(scene.archives("app.log")[0].ends_with(".zst"));
}

#[test]
fn what_nobody_writes_to_is_archived_although_telling_failed_and_older_archives_stay() {
    let reopen = "keep = { count = 1 }\nreopen = { command = [\"/bin/sh\", \"-c\", \"test -e {root}/works\"] }";
    let scene = Scenario::new().plain_set(reopen);
    for turn in 1..4 {
        scene.append("app.log", format!("{turn} {}\n", "x".repeat(1500)));
        let before = scene.told("app.log");
        let ran = scene.rotate().exits(3);
        assert_eq!(ran.acts()[..3], ["rotate done", "tell failed", "archive done"], "{ran:#?}");
        assert_eq!(scene.archives("app.log").len(), turn, "no run that could not tell removes anything: {ran:#?}");
        assert!(scene.archives("app.log").iter().all(|name| name.ends_with(".zst")));
        assert_eq!(scene.told("app.log"), before);
    }
    let idle = scene.rotate().exits(0);
    assert!(idle.steps("tell", "failed").is_empty(), "what is archived needs no writer to be told: {idle:#?}");
    assert_eq!(scene.archives("app.log").len(), 1, "{idle:#?}");
}

#[test]
fn a_hanging_command_is_ended_in_time_with_what_it_started() {
    // In that time a shell has begun also on a machine with much else to do.
    let reopen = "reopen = { command = [\"/bin/sh\", \"-c\", \"sleep 600 & echo $! >{root}/child; wait\"], timeout = \"5s\" }";
    let scene = Scenario::new().plain_set(reopen).log_of("app.log", 2000);
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("tell", "failed", "app").contains("longer than 5 s"), "{ran:#?}");
    assert!(ran.took < Duration::from_secs(20));
    let child = fs::read_to_string(scene.root().join("child")).unwrap();
    support::wait_until("the child to end", Duration::from_secs(5), || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.trim()));
        stat.is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
    });
}

#[test]
fn a_missing_pidfile_or_a_dead_process_is_told_and_nothing_is_lost() {
    for content in [None, Some("4194304\n"), Some("1\n"), Some("what\n")] {
        let scene = Scenario::new().plain_set("reopen = { pidfile = \"{root}/pid\", signal = \"USR1\" }").log_of("app.log", 2000);
        let before = fs::read(scene.live("app.log")).unwrap();
        if let Some(content) = content {
            files::write(scene.root().join("pid"), content).unwrap();
        }
        assert_eq!(scene.rotate().exits(3).acts(), ["rotate done", "tell failed", "archive done"], "{content:?}");
        assert_eq!(scene.told("app.log"), before);
    }
}

#[test]
fn a_pidfile_that_is_a_fifo_or_a_link_is_refused_at_once_and_what_it_leads_to_stays_secret() {
    for (place, said) in [("fifo", "it is no ordinary file"), ("link", "it is a symbolic link"), ("secret", "no process id")] {
        let words = format!("reopen = {{ pidfile = \"{{root}}/{place}\", signal = \"USR1\" }}");
        let scene = Scenario::new().plain_set(&words).log_of("app.log", 2000);
        tool("mkfifo", &[], &scene.root().join("fifo"));
        files::write(scene.root().join("secret"), "hunter2\u{1b}[2J").unwrap();
        std::os::unix::fs::symlink("secret", scene.root().join("link")).unwrap();
        let ran = scene.rotate().exits(3);
        assert!(ran.reason("tell", "failed", "app").contains(said), "{ran:#?}");
        assert!(!format!("{ran:?}").contains("hunter2"), "{ran:#?}");
    }
}

#[test]
fn the_way_to_a_pidfile_must_be_one_that_nobody_else_can_bend() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let reopen = "reopen = { pidfile = \"{root}/shared/way/pid\", signal = \"HUP\" }";
    let scene = Scenario::new().plain_set(reopen).log_of("app.log", 2000);
    for folder in ["shared", "real"] {
        fs::create_dir(scene.root().join(folder)).unwrap();
    }
    let scene = scene.owned("shared", NOBODY, NOBODY);
    files::write(scene.root().join("real/pid"), "4194304\n").unwrap();
    std::os::unix::fs::symlink(scene.root().join("real"), scene.root().join("shared/way")).unwrap();
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("tell", "failed", "app").contains("a link that another user could have put there"), "{ran:#?}");
}

/// The kernel lets a user signal what is his by the real and the saved id; as whom a process acts changes nothing.
#[test]
fn a_process_of_roots_that_acts_as_a_user_is_not_signalled_by_his_pidfile() {
    if !needs::met(&[Need::Root, Need::Program("setpriv")]) {
        return;
    }
    for (ids, trusted) in [(["--euid", "65534"], false), (["--reuid", "65534"], true)] {
        let reopen = "reopen = { pidfile = \"{root}/run/pid\", signal = \"HUP\" }";
        let scene = Scenario::new().plain_set(reopen).log_of("app.log", 2000).open_root();
        fs::create_dir(scene.root().join("run")).unwrap();
        let service = Process::start(Command::new("setpriv").args(ids).args(["--clear-groups", "sleep", "600"]));
        let status = || fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap_or_default();
        support::wait_until("the service", Duration::from_secs(10), || status().starts_with("Name:\tsleep"));
        files::write(scene.root().join("run/pid"), service.id().to_string()).unwrap();
        let scene = scene.owned("run", NOBODY, NOBODY).owned("run/pid", NOBODY, NOBODY);
        let ran = scene.rotate();
        let why = if trusted { String::new() } else { ran.reason("tell", "failed", "app") };
        assert!(trusted || why.contains("could have put it there"), "{ran:#?}");
        assert_eq!(ran.steps("tell", "done").len(), usize::from(trusted), "{ran:#?}");
    }
}

#[test]
fn one_sets_deaf_writer_does_not_stop_another_set() {
    let other =
        "reopen = { command = [\"/bin/false\"] }\n[[log]]\nname = \"other\"\npaths = [\"{logs}/other/*.log\"]\nwhen = \"1 KiB\"";
    let scene = Scenario::new().plain_set(other).log_of("app.log", 2000);
    fs::create_dir(scene.live("other")).unwrap();
    let scene = scene.log_of("other/b.log", 2000);
    let _writer = scene.writer("app.log");
    let ran = scene.rotate().exits(3);
    assert_eq!(ran.acts(), ["rotate done", "tell failed", "rotate done", "archive waiting", "archive done"]);
    assert!(scene.names("other/b.log.")[0].ends_with(".zst"));
}
