//! Writers that their process does not show at first sight: what only one thread has open, or what is left of a process
//! whose first thread ended. A log of such a writer counts as written to, whatever the method.

use std::{ffi::OsString, fs, path::Path, process::Command, time::Duration};

use crate::support::{
    example,
    needs::{self, MOUNTS, Need},
    process::Process,
    scenario::{Ran, Scenario},
    sight,
    stories::own_name,
    wait_until,
};

const IN_PLACE: &str = "method = \"in-place\"\nkeep = { count = 100 }";

fn scene(log: &str, words: &str) -> Option<Scenario> {
    needs::met(MOUNTS).then(|| Scenario::new().seeing().plain_set(words).log_of(log, 30_000))
}

/// A writer that hides so, once it does.
fn hidden(how: &str, log: &Path) -> Process {
    let ready = tempfile::tempdir().unwrap();
    let ready = ready.path().join("ready");
    let writer = Process::start(Command::new(example("hidden-writer")).arg(how).arg(log).arg(&ready));
    wait_until("the writer to hide", Duration::from_secs(20), || ready.exists());
    writer
}

/// It is refused in place, with the name of its writer, and nothing of it changes; and when the writer is gone, it is not.
#[track_caller]
fn assert_refused(scene: &Scenario, log: &str, how: &str, run: impl Fn() -> Ran, why: &str) {
    let text = fs::read(scene.live(log)).unwrap();
    let writer = hidden(how, &scene.live(log));
    let reason = run().exits(3).reason("rotate", "skipped", log);
    let named = format!("hidden-writer (pid {})", writer.id());
    assert!(reason.contains(&named) && reason.contains(why), "{reason}");
    assert!(fs::read(scene.live(log)).unwrap() == text, "it was touched");
    assert_eq!(scene.archives(log), Vec::<String>::new());
    drop(writer);
    scene.rotate().exits(0);
    assert_eq!(scene.archives(log).len(), 1);
    assert!(scene.told_in_place(log, None) == text);
}

#[test]
fn what_a_thread_opened_in_a_table_of_its_own_is_seen() {
    let Some(scene) = scene("own-table.log", IN_PLACE) else { return };
    assert_refused(&scene, "own-table.log", "own-table", || scene.rotate(), "without O_APPEND");
}

#[test]
fn what_a_process_holds_whose_first_thread_ended_is_seen() {
    let Some(scene) = scene("alone.log", IN_PLACE) else { return };
    assert_refused(&scene, "alone.log", "alone", || scene.rotate(), "without O_APPEND");
}

#[test]
fn what_a_process_has_mapped_whose_first_thread_ended_is_seen() {
    let log = own_name("mapped-alone");
    let Some(scene) = scene(&log, IN_PLACE) else { return };
    assert_refused(&scene, &log, "mapped", || scene.rotate(), "mapped into memory");
}

/// As in a container with a filter, or on a kernel without the call: then every thread is looked at.
#[test]
fn where_the_kernel_does_not_say_which_threads_share_each_is_looked_at() {
    if !needs::met(&[Need::Program("strace")]) {
        return;
    }
    for error in ["EPERM", "ENOSYS"] {
        let Some(scene) = scene("unsaid.log", IN_PLACE) else { return };
        let trace = scene.root().join("trace");
        let words = ["strace", "-f", "-qq", "-o", &trace.display().to_string(), "-e", "trace=kcmp", "-e"].map(OsString::from);
        let words = [&words[..], &[format!("inject=kcmp:error={error}").into(), "--".into()]].concat();
        let run = || Ran::of(&mut sight::before_program(&scene.command(&["--format", "json", "rotate"]), &words));
        assert_refused(&scene, "unsaid.log", "own-table", run, "without O_APPEND");
        let asked = fs::read_to_string(&trace).unwrap();
        assert!(asked.contains("INJECTED") && !asked.contains("= 0\n"), "{asked}");
    }
}

#[test]
fn who_keeps_a_renamed_log_from_being_archived_is_named() {
    for how in ["shared-table", "own-table", "alone"] {
        let Some(scene) = scene("app.log", "close-wait = \"100ms\"") else { return };
        let writer = hidden(how, &scene.live("app.log"));
        let ran = scene.rotate().exits(0);
        let waiting = ran.steps("archive", "waiting");
        assert_eq!(waiting.len(), 1, "{ran:#?}");
        let named = format!("hidden-writer (pid {})", writer.id());
        assert!(waiting[0]["reason"].as_str().unwrap().contains(&named), "{how}: {waiting:?}");
    }
}
