//! Other people's folders: worked on with their rights and no more, or refused.

use std::{fs, os::unix::fs::MetadataExt, path::Path, process::Command, time::Instant};

use crate::support::{
    files,
    needs::{self, Need},
    process::Process,
    scenario::{DEADLINE, Ran, Scenario},
    stories::{DAEMON, NOBODY, tool},
};

const OTHERS: &[Need] = &[Need::Root, Need::Program("setpriv")];

#[test]
fn a_folder_that_everybody_writes_is_refused() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000).mode("logs", 0o777);
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("rotate", "skipped", "app.log").contains("writable by everybody"), "{ran:#?}");
    assert_eq!(scene.files().len(), 1);
    let scene = scene.mode("logs", 0o1777);
    scene.rotate().exits(0);
    assert_eq!(scene.archives("app.log").len(), 1, "a sticky one is fine");
}

#[test]
fn in_another_users_folder_everything_belongs_to_that_user() {
    if !needs::met(OTHERS) {
        return;
    }
    for compress in ["zstd", "gzip", "none"] {
        let scene =
            Scenario::new().plain_set(&format!("compress = \"{compress}\"\nkeep = {{ count = 2 }}")).log_of("app.log", 2000);
        let scene = scene
            .owned("logs", NOBODY, NOBODY)
            .owned("logs/app.log", NOBODY, NOBODY)
            .mode("logs", 0o755)
            .mode("logs/app.log", 0o604);
        let mut told = fs::read(scene.live("app.log")).unwrap();
        for number in 0..3 {
            scene.rotate().exits(0);
            let line = format!("{number} {}\n", "x".repeat(1500));
            scene.append("app.log", &line);
            told.extend_from_slice(line.as_bytes());
        }
        assert_eq!(scene.told("app.log").len(), 3 * 1503, "{compress}: the first one is gone, by the rule");
        assert!(told.ends_with(&scene.told("app.log")), "{compress}");
        for name in scene.files().keys() {
            let meta = fs::metadata(scene.live(name)).unwrap();
            assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (NOBODY, NOBODY, 0o604), "{compress}: {name}");
        }
        scene.run(&["verify"]).exits(0);
    }
}

#[test]
fn in_roots_folder_with_a_writing_group_the_logs_owner_acts() {
    if !needs::met(OTHERS) {
        return;
    }
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let scene =
        scene.owned("logs", 0, DAEMON).mode("logs", 0o775).owned("logs/app.log", NOBODY, DAEMON).mode("logs/app.log", 0o640);
    scene.rotate().exits(0);
    for name in scene.files().keys() {
        let meta = fs::metadata(scene.live(name)).unwrap();
        assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (NOBODY, DAEMON, 0o640), "{name}");
    }
}

/// What Debian and Ubuntu do: /var/log is root:syslog 0775, the files in it are syslog:adm 0640.
#[test]
fn the_group_of_a_log_is_kept_also_where_its_owner_is_not_in_it() {
    if !needs::met(&[Need::Root, Need::Program("setpriv"), Need::Program("setfacl")]) {
        return;
    }
    for (folder_owner, folder_group, mode) in [(0, NOBODY, 0o775), (NOBODY, NOBODY, 0o755)] {
        for (compress, elsewhere) in [("zstd", false), ("gzip", false), ("none", false), ("gzip", true)] {
            let archives = if elsewhere { "archive-dir = \"{root}/archives\"" } else { "" };
            let scene = Scenario::new().plain_set(&format!("compress = \"{compress}\"\n{archives}")).log_of("app.log", 2000);
            fs::create_dir(scene.root().join("archives")).unwrap();
            let scene = scene.owned("archives", NOBODY, NOBODY).open_root();
            let scene = scene.owned("logs", folder_owner, folder_group).mode("logs", mode);
            let scene = scene.owned("logs/app.log", NOBODY, DAEMON).mode("logs/app.log", 0o640);
            tool("setfacl", &["-m", "u:2:r"], &scene.live("app.log"));
            let shown = |path: &Path| {
                let meta = fs::metadata(path).unwrap();
                (meta.uid(), meta.gid(), meta.mode() & 0o7777, tool("getfacl", &["-cpn"], path))
            };
            let before = shown(&scene.live("app.log"));
            let story = format!("{compress} in a folder of {folder_owner}, elsewhere: {elsewhere}");
            // The rotated file, too, while it waits.
            let writer = scene.writer("app.log");
            assert_eq!(scene.rotate().exits(0).acts(), ["rotate done", "archive waiting"], "{story}");
            assert_eq!(shown(&scene.live(&scene.archives("app.log")[0])), before, "{story}: rotated");
            drop(writer);
            assert_eq!(scene.rotate().exits(0).acts(), ["archive done"], "{story}");
            let home = if elsewhere { scene.root().join("archives") } else { scene.logs().to_owned() };
            let files: Vec<_> = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path()).collect();
            assert_eq!(files.len(), if elsewhere { 1 } else { 2 }, "{story}: {files:?}");
            for path in files.iter().chain([&scene.live("app.log")]) {
                assert_eq!(shown(path), before, "{story}: {}", path.display());
            }
        }
    }
}

#[test]
fn a_child_that_is_killed_costs_one_step_and_is_replaced() {
    if !needs::met(OTHERS) {
        return;
    }
    let mut scene = Scenario::new()
        .plain_set("close-wait = \"50s\"\nreopen = { command = [\"/bin/true\"] }")
        .log_of("a.log", 2000)
        .log_of("b.log", 2000)
        .log_of("c.log", 2000);
    for name in ["logs", "logs/a.log", "logs/b.log", "logs/c.log"] {
        scene = scene.owned(name, NOBODY, NOBODY);
    }
    let writers = ["a.log", "b.log", "c.log"].map(|name| scene.writer(name));
    let run = Process::start(&mut scene.command(&["--format", "json", "rotate"]));
    let end = Instant::now() + DEADLINE;
    while !fs::read_to_string(scene.ledger()).is_ok_and(|text| text.matches("\"told\"").count() == 3) {
        assert!(Instant::now() < end, "it never came to wait");
    }
    kill(child_of(run.id()));
    drop(writers);
    let ran: Ran = run.end(DEADLINE).into();
    let ran = ran.exits(3);
    assert!(ran.reason("archive", "failed", "-0001").contains("a child as user 65534"), "{ran:#?}");
    assert_eq!(ran.steps("archive", "done").len(), 2, "{ran:#?}");
    assert_eq!(ran.json()["incomplete"].as_array().map(Vec::len), Some(0), "{ran:#?}");
    assert_eq!(scene.rotate().exits(0).acts(), ["archive done"]);
}

/// What its caller left open is no business of a user's process, and neither is the caller's terminal.
#[test]
fn a_child_has_only_its_folder_and_its_socket_and_never_roots_group() {
    if !needs::met(OTHERS) {
        return;
    }
    let scene = Scenario::new()
        .plain_set("close-wait = \"50s\"\nreopen = { command = [\"/bin/true\"] }")
        .log_of("app.log", 2000)
        .owned("logs", NOBODY, 0)
        .owned("logs/app.log", NOBODY, DAEMON);
    let secret = scene.root().join("secret");
    files::write(&secret, "secret").unwrap();
    let writer = scene.writer("app.log");
    let real = scene.command(&["--format", "json", "rotate"]);
    let mut command = Command::new("/bin/sh");
    command.env_clear().args(["-c", "exec 9<\"$1\"; shift; exec \"$@\"", "sh"]).arg(&secret);
    command.arg(real.get_program()).args(real.get_args());
    scene.environment(&mut command);
    let run = Process::start(&mut command);
    let end = Instant::now() + DEADLINE;
    while !fs::read_to_string(scene.ledger()).is_ok_and(|text| text.contains("\"told\"")) {
        assert!(Instant::now() < end, "it never came to wait");
    }
    let child = child_of(run.id());
    let open =
        || fs::read_dir(format!("/proc/{child}/fd")).unwrap().map(|fd| fs::read_link(fd.unwrap().path()).unwrap_or_default());
    assert!(open().any(|to| to == scene.logs()), "{:?}", open().collect::<Vec<_>>());
    assert!(!open().any(|to| to == secret), "{:?}", open().collect::<Vec<_>>());
    assert_eq!(fs::read_link(format!("/proc/{child}/fd/2")).unwrap(), Path::new("/dev/null"));
    let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap();
    assert!(status.contains("\nGid:\t1\t1\t1\t1\n"), "{status}");
    drop(writer);
    let ran: Ran = run.end(DEADLINE).into();
    assert_eq!(ran.exits(0).acts(), ["rotate done", "tell done", "archive done"]);
}

#[test]
fn a_child_that_may_start_no_thread_says_so() {
    if !needs::met(OTHERS) || !needs::met(&[Need::Program("prlimit")]) {
        return;
    }
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let scene = scene.owned("logs", NOBODY, NOBODY).owned("logs/app.log", NOBODY, NOBODY);
    let real = scene.command(&["--format", "json", "rotate"]);
    let mut command = Command::new("prlimit");
    command.env_clear().arg("--nproc=0").arg(real.get_program()).args(real.get_args());
    scene.environment(&mut command);
    let ran = Ran::of(&mut command).exits(3);
    let why = ran.reason("rotate", "failed", "app.log");
    assert!(why.contains("cannot start a thread"), "{ran:#?}");
    assert!(!ran.stderr.contains("panicked"), "{ran:#?}");
    assert_eq!(scene.rotate().exits(0).acts(), ["rotate done", "archive done"]);
}

/// The one child of a process that we started.
fn child_of(parent: u32) -> u32 {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    children.trim().parse().unwrap_or_else(|_| panic!("one child, not {children:?}"))
}

fn kill(process: u32) {
    let process = rustix::process::Pid::from_raw(process.cast_signed()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn roots_own_log_in_another_users_folder_is_not_touched_with_roots_rights() {
    if !needs::met(OTHERS) {
        return;
    }
    let scene = Scenario::new().plain_set("").log_of("theirs.log", 2000).log_of("ours.log", 2000).mode("logs/ours.log", 0o600);
    let scene = scene.owned("logs", NOBODY, NOBODY).owned("logs/theirs.log", NOBODY, NOBODY);
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("rotate", "failed", "ours.log").contains("permission denied"), "{ran:#?}");
    assert_eq!(scene.archives("ours.log").len(), 0);
    assert_eq!(scene.archives("theirs.log").len(), 1);
}

#[test]
fn attributes_that_cannot_be_kept_leave_the_log_alone() {
    if !needs::met(OTHERS) {
        return;
    }
    // The folder's owner may not give files away.
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let scene = scene.owned("logs", NOBODY, NOBODY).owned("logs/app.log", DAEMON, NOBODY);
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("rotate", "failed", "app.log").contains("keep owner and group"), "{ran:#?}");
    assert_eq!(scene.files().len(), 1, "{:?}", scene.files());
    assert_eq!(scene.rotate().exits(3).steps("rotate", "failed").len(), 1, "and leaves no debris behind");
    assert_eq!(scene.files().len(), 1, "{:?}", scene.files());
}

#[test]
fn an_archive_folder_that_the_owner_may_not_write_loses_nothing() {
    if !needs::met(OTHERS) {
        return;
    }
    for mode in [0o700, 0o755] {
        let scene = Scenario::new().open_root();
        fs::create_dir(scene.root().join("archive")).unwrap();
        let scene = scene.plain_set("archive-dir = \"{root}/archive\"").log_of("app.log", 2000).mode("archive", mode);
        let scene = scene.owned("logs", NOBODY, NOBODY).owned("logs/app.log", NOBODY, NOBODY);
        let before = fs::read(scene.live("app.log")).unwrap();
        for _ in 0..2 {
            let ran = scene.rotate().exits(3);
            assert!(ran.stdout.contains("permission denied"), "{mode:o}: {ran:#?}");
            assert_eq!(scene.told("app.log"), before, "{mode:o}");
        }
        let scene = scene.owned("archive", NOBODY, NOBODY);
        scene.rotate().exits(0);
        assert_eq!(crate::support::stories::told(&scene.live("app.log"), Some(&scene.root().join("archive"))), before);
    }
}

#[test]
fn archives_go_nowhere_where_another_user_could_replace_them() {
    if !needs::met(OTHERS) {
        return;
    }
    for (logs_of, archives_of, mode, why) in [
        (0, 0, 0o777, "writable by everybody"),
        (NOBODY, NOBODY, 0o777, "writable by everybody"),
        (0, NOBODY, 0o755, "belongs to another user"),
        (NOBODY, DAEMON, 0o777 | 0o1000, "belongs to another user"),
    ] {
        let scene = Scenario::new().open_root().plain_set("archive-dir = \"{root}/archives\"").log_of("app.log", 2000);
        fs::create_dir(scene.root().join("archives")).unwrap();
        let scene = scene.owned("archives", archives_of, archives_of).mode("archives", mode);
        let scene = scene.owned("logs", logs_of, logs_of).owned("logs/app.log", logs_of, logs_of);
        let plan = scene.run(&["--format", "json", "plan"]).exits(3);
        let ran = scene.rotate().exits(3);
        let told = ran.reason("rotate", "skipped", "app.log");
        assert!(told.contains(why) && told.contains("hint: ch"), "{logs_of}, {archives_of}: {told}");
        assert_eq!(told, plan.reason("rotate", "skipped", "app.log"));
        assert_eq!(scene.files().len(), 1, "nothing was swapped");
        assert_eq!(fs::read_dir(scene.root().join("archives")).unwrap().count(), 0);
        // What waits to be archived waits on.
        let scene = scene.owned("archives", logs_of, logs_of).mode("archives", 0o755);
        let writer = scene.writer("app.log");
        assert_eq!(scene.rotate().exits(0).acts(), ["rotate done", "archive waiting"]);
        drop(writer);
        let scene = scene.owned("archives", archives_of, archives_of).mode("archives", mode);
        let ran = scene.rotate().exits(3);
        assert!(ran.reason("archive", "failed", "-0001").contains(why), "{ran:#?}");
        let scene = scene.owned("archives", logs_of, logs_of).mode("archives", 0o755);
        assert_eq!(scene.rotate().exits(0).acts(), ["archive done"]);
    }
}

#[test]
fn roots_archives_go_to_no_folder_where_a_group_could_replace_them() {
    if !needs::met(OTHERS) {
        return;
    }
    let scene = Scenario::new().open_root().plain_set("archive-dir = \"{root}/archives\"").log_of("app.log", 2000);
    fs::create_dir(scene.root().join("archives")).unwrap();
    let scene = scene.owned("archives", 0, DAEMON).mode("archives", 0o775);
    let ran = scene.rotate().exits(3);
    assert!(ran.reason("rotate", "skipped", "app.log").contains("writable by a group"), "{ran:#?}");
    assert_eq!(scene.files().len(), 1, "nothing was swapped");
    let scene = scene.mode("archives", 0o1775);
    assert_eq!(scene.rotate().exits(0).acts(), ["rotate done", "archive done"]);
}

#[test]
fn a_log_whose_owner_may_not_write_to_the_archives_stays_where_it_is() {
    if !needs::met(OTHERS) {
        return;
    }
    let scene = Scenario::new().open_root().plain_set("archive-dir = \"{root}/archives\"").log_of("app.log", 2000);
    fs::create_dir(scene.root().join("archives")).unwrap();
    let scene = scene.mode("archives", 0o755).owned("logs", NOBODY, NOBODY).owned("logs/app.log", NOBODY, NOBODY);
    for _ in 0..2 {
        let ran = scene.rotate().exits(3);
        assert!(ran.reason("rotate", "failed", "app.log").contains("archives: permission denied"), "{ran:#?}");
        assert_eq!(scene.files().len(), 1, "nothing was swapped");
    }
    let scene = scene.owned("archives", NOBODY, NOBODY);
    assert_eq!(scene.rotate().exits(0).acts(), ["rotate done", "archive done"]);
}

#[test]
fn an_ordinary_user_rotates_what_is_his_and_is_told_what_is_not() {
    if !needs::met(OTHERS) {
        return;
    }
    let scene = Scenario::new()
        .plain_set("")
        .log_of("mine.log", 2000)
        .log_of("roots.log", 2000)
        .mode("logs/roots.log", 0o600)
        .open_root();
    let mut scene = scene.owned("logs/mine.log", NOBODY, NOBODY);
    for folder in ["logs", "state"] {
        scene = scene.owned(folder, NOBODY, NOBODY);
    }
    let scene = scene.owned("logs", 0, 0);
    for question in ["plan", "rotate"] {
        let ran = scene.run_as(NOBODY, &["--format", "json", question]).exits(3);
        assert!(ran.reason("rotate", "skipped", "mine.log").contains("cannot write to"), "{ran:#?}");
    }
    let scene = scene.owned("logs", NOBODY, NOBODY);
    let ran = scene.run_as(NOBODY, &["--format", "json", "rotate"]).exits(3);
    assert!(ran.reason("rotate", "skipped", "roots.log").contains("it belongs to another user"), "{ran:#?}");
    assert_eq!(scene.archives("mine.log").len(), 1);
    assert!(scene.archives("mine.log")[0].ends_with(".zst"));
    assert_eq!(scene.archives("roots.log").len(), 0);
}
