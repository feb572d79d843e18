//! The committed units are sound, stay as closed as they are, and rotation really works under them: in a booted
//! systemd, with logs of other users, writers that are told by unit and by pidfile, and a log outside. In place nothing is
//! rotated in a booted machine, which is a PID namespace: what that unit's rights are good for is tried without one.

#[path = "units/direct.rs"]
mod direct;
#[path = "units/drain.rs"]
mod drain;
#[path = "units/rights.rs"]
mod rights;
#[path = "units/ship.rs"]
mod ship;
mod support;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use support::{
    files,
    machine::{self, Machine},
    needs::{self, Need},
    ops_logs,
    process::{Ended, Process},
    wait_until,
};

const DEADLINE: Duration = Duration::from_mins(3);
/// Exposure as `systemd-analyze security` counts it, in tenths: no service may be more open than this.
const MOST_OPEN: [(&str, u32); 5] = [
    ("ops-logs-rotate.service", 19),
    ("ops-logs-in-place.service", 21),
    ("ops-logs-ship.service", 14),
    ("ops-logs-drain.service", 28),
    ("ops-logs-direct.service", 25),
];
/// A user of that machine only.
const SOMEBODY: u32 = 12345;
/// The group that may read logs on Debian.
const ADM: u32 = 4;

fn units() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd")
}

fn analyze(words: &[&str], unit: &Path) -> Ended {
    Process::start(Command::new("systemd-analyze").args(words).arg(unit)).end(DEADLINE)
}

#[test]
fn units_are_sound() {
    if !needs::met(&[Need::Program("systemd-analyze")]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    for entry in fs::read_dir(units()).expect("the units are committed") {
        let path = entry.expect("a listed entry").path();
        // The program must exist, and it is not installed here.
        let text = fs::read_to_string(&path)
            .expect("a unit is text")
            .replace("/usr/local/bin/ops-logs", &ops_logs().display().to_string());
        let copy = folder.path().join(path.file_name().expect("a listed file has a name"));
        files::write(&copy, text).expect("a writable tree");
    }
    for entry in fs::read_dir(folder.path()).expect("our own folder") {
        let path = entry.expect("a listed entry").path();
        let verified = analyze(&["verify", "--man=no"], &path);
        // An unknown key is only a warning for systemd.
        assert!(verified.status.success() && verified.stderr.is_empty(), "{verified:#?}");
    }
}

#[test]
fn the_services_stay_as_closed_as_they_are() {
    if !needs::met(&[Need::Program("systemd-analyze")]) {
        return;
    }
    let listed = fs::read_dir(units()).expect("the units are committed").flatten().map(|entry| entry.file_name());
    let services: BTreeSet<_> = listed.filter(|name| name.to_string_lossy().ends_with(".service")).collect();
    assert_eq!(services, MOST_OPEN.iter().map(|(name, _)| OsString::from(name)).collect(), "each has its own bound");
    for (name, tenths) in MOST_OPEN {
        let judged = analyze(&["security", "--offline=yes", &format!("--threshold={tenths}")], &units().join(name));
        assert!(judged.status.success(), "{}", judged.stdout);
    }
}

const SETTINGS: &str = r#"
[[log]]
name = "by-unit"
paths = ["/var/log/by-unit/*.log"]
reopen = { unit = "by-unit.service", signal = "HUP" }

[[log]]
name = "by-pidfile"
paths = ["/var/log/by-pidfile/*.log"]
reopen = { pidfile = "/run/by-pidfile.pid", signal = "HUP" }

[[log]]
name = "closed"
paths = ["/var/log/closed/*.log", "/var/log/shared/*.log"]
"#;
const IN_PLACE: &str =
    "[[log]]\nname = \"in-place\"\npaths = [\"/var/log/in-place/*.log\"]\nmethod = \"in-place\"\nwhen = \"1 B\"\n";
const OUTSIDE: &str = "[[log]]\nname = \"outside\"\npaths = [\"/srv/outside/*.log\"]\nwhen = \"1 B\"\n";

/// Appends a line now and then, and opens its log anew when told.
const WRITER: &str = "#!/bin/bash
trap 'exec >>\"$1\"; echo told' HUP
exec >>\"$1\"
echo begun
while :; do sleep 0.05 & wait $!; echo line; done
";

fn writer_unit(name: &str, user: &str) -> String {
    format!(
        "[Service]\nUser={user}\nExecStart=/usr/local/bin/writer /var/log/{name}/app.log\n\
         ExecStartPost=+/bin/sh -c 'echo $MAINPID > /run/{name}.pid'\n[Install]\nWantedBy=multi-user.target\n"
    )
}

/// A log of `SOMEBODY`, in a folder of `owner`.
fn log(machine: &Machine, path: &str, owner: u32) {
    machine.write(path, format!("{path}\n").repeat(1000), 0o640);
    let path = machine.path(path);
    let folder = path.parent().expect("a log is in a folder");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o750)).expect("our own folder");
    chown(folder, Some(owner), Some(owner)).and_then(|()| chown(&path, Some(SOMEBODY), Some(SOMEBODY))).expect("we are root");
}

fn install_units(machine: &Machine) {
    for unit in fs::read_dir(units()).expect("the units are committed").flatten() {
        let at = format!("/etc/systemd/system/{}", unit.file_name().display());
        machine.write(&at, fs::read(unit.path()).expect("a unit is text"), 0o644);
    }
}

fn laid_out() -> Machine {
    let machine = Machine::lay_out();
    machine.write("/usr/local/bin/ops-logs", fs::read(ops_logs()).expect("it is built"), 0o755);
    for (file, line) in [("/etc/passwd", "somebody:x:12345:12345::/:/usr/sbin/nologin\n"), ("/etc/group", "somebody:x:12345:\n")]
    {
        let known = fs::read_to_string(machine.path(file)).expect("every machine has users");
        machine.write(file, known + line, 0o644);
    }
    machine.write("/usr/local/bin/writer", WRITER, 0o755);
    install_units(&machine);
    machine.write("/etc/systemd/system/by-unit.service", writer_unit("by-unit", "root"), 0o644);
    machine.write("/etc/systemd/system/by-pidfile.service", writer_unit("by-pidfile", "somebody"), 0o644);
    machine.write("/etc/opsbelt/logs.toml", SETTINGS.replace("[[log]]", "[[log]]\nwhen = \"1 B\"\nclose-wait = \"20s\""), 0o644);
    log(&machine, "/var/log/by-unit/app.log", 0);
    log(&machine, "/var/log/by-pidfile/app.log", SOMEBODY);
    log(&machine, "/var/log/closed/root-folder.log", 0);
    log(&machine, "/srv/outside/app.log", 0);
    // As Debian has it: a folder of root's that the owner's group may write, and a file of yet another group.
    log(&machine, "/var/log/shared/app.log", 0);
    let (folder, file) = (machine.path("/var/log/shared"), machine.path("/var/log/shared/app.log"));
    chown(&folder, None, Some(SOMEBODY)).and_then(|()| chown(file, None, Some(ADM))).expect("we are root");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o775)).expect("our own folder");
    machine
}

/// The archive of a log, read by the official tool; none when there is none.
fn archived(machine: &Machine, log: &str) -> Option<String> {
    let path = machine.path(log);
    let name = format!("{}.", path.file_name()?.to_str()?);
    let files = fs::read_dir(path.parent()?).ok()?;
    let found = files.flatten().find(|entry| entry.file_name().to_string_lossy().starts_with(&name))?.path();
    assert!(found.extension().is_some_and(|extension| extension == "zst"), "{} stays uncompressed", found.display());
    Some(support::process::must("zstd", &["-dc".as_ref(), found.as_os_str()]))
}

#[test]
fn rotation_works_under_the_committed_hardening() {
    if !needs::met(machine::NEEDS) || !needs::met(&[Need::Program("zstd")]) {
        return;
    }
    let mut machine = laid_out();
    machine.boot();
    machine.must(&["systemctl", "start", "by-unit.service", "by-pidfile.service", "ops-logs-rotate.timer"]);
    for log in ["by-unit", "by-pidfile"] {
        wait_until("the writer to write", DEADLINE, || says(&machine, log, "begun"));
    }
    machine.must(&["systemctl", "start", "ops-logs-rotate.service"]);
    for (log, group) in [
        ("/var/log/by-unit/app.log", SOMEBODY),
        ("/var/log/by-pidfile/app.log", SOMEBODY),
        ("/var/log/closed/root-folder.log", SOMEBODY),
        ("/var/log/shared/app.log", ADM),
    ] {
        let held = archived(&machine, log).unwrap_or_else(|| panic!("{log} has no archive: {}", machine.journal()));
        assert!(held.starts_with(&format!("{log}\n").repeat(1000)), "the archive of {log} holds something else");
        let live = fs::metadata(machine.path(log)).expect("the live path never vanishes");
        assert_eq!((live.uid(), live.gid(), live.mode() & 0o7777), (SOMEBODY, group, 0o640), "{log}");
    }
    for log in ["by-unit", "by-pidfile"] {
        wait_until("the writer to go on in the fresh log", DEADLINE, || says(&machine, log, "told"));
    }

    machine.write("/etc/opsbelt/logs.d/outside.toml", OUTSIDE, 0o644);
    let before = fs::read(machine.path("/srv/outside/app.log")).expect("it was laid out");
    machine.run(&["systemctl", "start", "ops-logs-rotate.service"]).expect_err("a path that it may not write to is a failure");
    let status = machine.must(&["systemctl", "show", "--property=ExecMainStatus", "ops-logs-rotate.service"]);
    assert_eq!(status.trim(), "ExecMainStatus=3", "{}", machine.journal());
    assert_eq!(fs::read(machine.path("/srv/outside/app.log")).expect("it stays"), before);
    assert!(machine.journal().contains("/srv/outside/app.log"), "{}", machine.journal());
}

#[test]
fn in_a_pid_namespace_the_service_for_in_place_refuses_and_says_why() {
    if !needs::met(machine::NEEDS) {
        return;
    }
    let log_path = "/var/log/in-place/app.log";
    let mut machine = Machine::lay_out();
    machine.write("/usr/local/bin/ops-logs", fs::read(ops_logs()).expect("it is built"), 0o755);
    install_units(&machine);
    machine.write("/etc/opsbelt/logs.toml", IN_PLACE, 0o644);
    log(&machine, log_path, 0);
    let before = fs::read(machine.path(log_path)).expect("it was laid out");
    let look = "[Service]\nExecStartPre=/bin/sh -c 'grep \" /proc \" /proc/self/mounts >/var/log/proc'\n";
    machine.write("/etc/systemd/system/ops-logs-in-place.service.d/look.conf", look, 0o644);
    machine.boot();
    machine.must(&["systemctl", "start", "ops-logs-in-place.timer", "ops-logs-rotate.service"]);
    machine.run(&["systemctl", "start", "ops-logs-in-place.service"]).expect_err("a log that is skipped is a failure");
    let status = machine.must(&["systemctl", "show", "--property=ExecMainStatus", "ops-logs-in-place.service"]);
    assert_eq!(status.trim(), "ExecMainStatus=3", "{}", machine.journal());
    let said = machine.journal();
    assert!(said.contains(log_path) && said.contains("a PID namespace (a container, say) hides processes"), "{said}");
    assert_eq!(fs::read(machine.path(log_path)).expect("it stays"), before);
    let names = fs::read_dir(machine.path("/var/log/in-place")).expect("our own folder").count();
    assert_eq!(names, 1, "neither service may touch it");
    let proc = fs::read_to_string(machine.path("/var/log/proc")).unwrap_or_else(|error| panic!("{error}: {}", machine.journal()));
    let top = proc.lines().last().unwrap_or_default();
    assert!(top.contains(" ro,"), "the memory of others could be written to: {proc}");
}

#[test]
fn a_run_that_is_stopped_is_no_failure_and_the_next_one_finishes_it() {
    if !needs::met(machine::NEEDS) || !needs::met(&[Need::Program("zstd")]) {
        return;
    }
    let log = "/var/log/closed/root-folder.log";
    let mut machine = laid_out();
    let gate = "while [ ! -e /var/log/gate ]; do sleep 0.05; done";
    let reopen = format!("reopen = {{ command = [\"/bin/sh\", \"-c\", \"{gate}\"], timeout = \"60s\" }}\n");
    machine.write("/etc/opsbelt/logs.toml", format!("[[log]]\npaths = [\"{log}\"]\nwhen = \"1 B\"\n{reopen}"), 0o644);
    machine.boot();
    machine.must(&["systemctl", "start", "--no-block", "ops-logs-rotate.service"]);
    let folder = machine.path("/var/log/closed");
    wait_until("the log to be renamed", DEADLINE, || fs::read_dir(&folder).is_ok_and(|entries| entries.count() > 1));
    machine.must(&["systemctl", "stop", "--no-block", "ops-logs-rotate.service"]);
    let is = |machine: &Machine, state: &str| {
        let shown = machine.must(&["systemctl", "show", "--property=ActiveState", "ops-logs-rotate.service"]);
        shown.trim() == format!("ActiveState={state}")
    };
    wait_until("the service to be asked to stop", DEADLINE, || is(&machine, "deactivating"));
    machine.write("/var/log/gate", "", 0o644);
    wait_until("the service to stop", DEADLINE, || is(&machine, "inactive"));
    let ended = machine.must(&["systemctl", "show", "--property=ActiveState,Result", "ops-logs-rotate.service"]);
    let mut ended: Vec<&str> = ended.lines().collect();
    ended.sort_unstable();
    assert_eq!(ended, ["ActiveState=inactive", "Result=success"], "{}", machine.journal());
    let names: Vec<_> = fs::read_dir(&folder).expect("our own folder").flatten().map(|entry| entry.file_name()).collect();
    assert!(
        !names.iter().any(|name| name.to_string_lossy().ends_with(".zst")),
        "the run was over when it was stopped: {names:?}"
    );

    machine.must(&["systemctl", "start", "ops-logs-rotate.service"]);
    assert_eq!(archived(&machine, log).expect("it is archived"), format!("{log}\n").repeat(1000), "{}", machine.journal());
}

fn says(machine: &Machine, log: &str, word: &str) -> bool {
    let path = machine.path(&format!("/var/log/{log}/app.log"));
    fs::read_to_string(path).is_ok_and(|text| text.lines().any(|line| line == word))
}
