//! What the unit for in place lets a run do, tried without systemd: it looks into all processes of a machine, and a
//! booted one of its own is a PID namespace, where it refuses. A run has exactly the unit's capabilities, then each time
//! one less, and makes only calls that the unit allows. Nothing may ever be lost, whatever is missing.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs::{self, OpenOptions, Permissions},
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc,
    thread,
};

use super::{
    ADM, DEADLINE, SOMEBODY, analyze,
    support::{
        files,
        filesystem::{FileSystem, Kind, Recipe},
        needs::{self, Need},
        ops_logs,
        process::{Ended, Process, must},
        sight, wait_until,
    },
    units,
};

const UNIT: &str = "ops-logs-in-place.service";
const NEEDS: &[Need] = &[
    Need::Root,
    Need::Program("mount"),
    Need::Program("losetup"),
    Need::Program("mkfs.ext4"),
    Need::Program("setpriv"),
    Need::Program("unshare"),
    Need::Program("zstd"),
    Need::Kernel(Kind::Ext4),
];
/// What each right is for, as a run without it says.
const MISSED: [(&str, &str); 6] = [
    ("DAC_OVERRIDE", "permission denied (hint: run as root"),
    ("CHOWN", "cannot keep owner and group of"),
    ("FOWNER", "cannot keep the mode of"),
    ("SETUID", "cannot become user 12345 and group 12345: operation not permitted"),
    ("SETGID", "cannot become user 12345 and group 12345: operation not permitted"),
    ("SYS_PTRACE", "not every process may be looked into"),
];
/// Lines of each log when it is laid out; more than a block.
const LINES: u64 = 4000;
/// The folders of logs: root's own, the owner's, and root's that the owner's group may write to.
const FOLDERS: [&str; 3] = ["root", "own", "shared"];

/// Logs of `SOMEBODY`, one in each folder; somebody writes to the one in his own.
struct Place {
    // Gone before the disk that it writes to is taken away.
    writer: Option<Process>,
    disk: FileSystem,
}

impl Place {
    fn lay_out() -> Place {
        let place = Place { writer: None, disk: Recipe::new(Kind::Ext4).mount() };
        let defaults = "[defaults]\nmethod = \"in-place\"\nwhen = \"1 B\"\n";
        for folder in FOLDERS {
            let log = place.log(folder);
            let home = log.parent().expect("a log is in a folder");
            let (owner, group, mode, lent) = match folder {
                "own" => (SOMEBODY, SOMEBODY, 0o750, SOMEBODY),
                "shared" => (0, SOMEBODY, 0o775, ADM),
                _ => (0, 0, 0o750, SOMEBODY),
            };
            fs::create_dir(home).expect("a fresh disk");
            files::write(&log, (1..=LINES).fold(String::new(), |all, line| all + &line.to_string() + "\n"))
                .expect("a fresh disk");
            for (path, owner, group, mode) in [(home, owner, group, mode), (&log, SOMEBODY, lent, 0o640)] {
                chown(path, Some(owner), Some(group)).expect("we are root");
                fs::set_permissions(path, Permissions::from_mode(mode)).expect("we are root");
            }
        }
        let sets = FOLDERS.map(|folder| format!("[[log]]\nname = \"{folder}\"\npaths = [\"{}\"]\n", place.log(folder).display()));
        files::write(place.disk.path().join("logs.toml"), format!("{defaults}{}", sets.concat())).expect("a fresh disk");
        place
    }

    fn log(&self, folder: &str) -> PathBuf {
        self.disk.path().join(folder).join("app.log")
    }

    /// Somebody else appends numbered lines to his log until [`Place::still`].
    fn written_to(mut self) -> Place {
        let script = format!("i={LINES}; while :; do i=$((i + 1)); echo $i; sleep 0.01; done");
        let mut writer = Command::new("setpriv");
        writer.args([&format!("--reuid={SOMEBODY}"), &format!("--regid={SOMEBODY}"), "--clear-groups", "sh", "-c", &script]);
        self.writer = Some(Process::start_into(&mut writer, &self.log("own"), OpenOptions::new().append(true)));
        let full = fs::metadata(self.log("own")).expect("it was laid out").len();
        wait_until("the writer to write", DEADLINE, || fs::metadata(self.log("own")).is_ok_and(|log| log.len() > full));
        self
    }

    fn still(&mut self) {
        self.writer = None;
    }

    /// A run with these capabilities and no other; `before` stands before its words.
    fn run(&self, capabilities: &BTreeSet<String>, before: &[&str]) -> Ended {
        let bound = capabilities.iter().fold("-all".to_owned(), |all, name| format!("{all},+{}", name.to_lowercase()));
        let mut words: Vec<OsString> = before.iter().map(OsString::from).collect();
        words.extend(["setpriv", "--no-new-privs", "--inh-caps=-all", &format!("--bounding-set={bound}")].map(OsString::from));
        let mut run = Command::new(ops_logs());
        run.arg("--config").arg(self.disk.path().join("logs.toml")).args(["rotate", "--method", "in-place"]);
        let mut run = sight::before_program(&run, &words);
        run.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        for (name, folder) in [("STATE_DIRECTORY", "state"), ("RUNTIME_DIRECTORY", "run")] {
            let folder = self.disk.path().join(folder);
            fs::create_dir_all(&folder).expect("a writable tree");
            run.env(name, folder);
        }
        if let Some(blank) = sight::prepare(&self.disk.path()) {
            run = sight::lend(&run, &blank);
        }
        Process::start(&mut run).end(DEADLINE)
    }

    /// Whether all lines from the first to the last are there, in order, in the archives and in what is left.
    #[track_caller]
    fn is_whole(&self, folder: &str) {
        let log = self.log(folder);
        let archived: Vec<u64> = self.archives(folder).iter().flat_map(|archive| numbers(&archived(archive))).collect();
        let last = archived.last().copied().unwrap_or_default();
        let live = fs::read_to_string(&log).expect("the log is text");
        // The end of what is archived stays at its head, from somewhere within a line.
        let fresh = numbers(live.trim_start_matches('\n')).into_iter().filter(|line| *line > last);
        let all: Vec<u64> = archived.iter().copied().chain(fresh).collect();
        assert!(all.len() as u64 >= LINES, "{}: {} lines", log.display(), all.len());
        assert_eq!(all, (1..=all.len() as u64).collect::<Vec<_>>(), "{}", log.display());
    }

    fn archives(&self, folder: &str) -> Vec<PathBuf> {
        let log = self.log(folder);
        let entries = fs::read_dir(log.parent().expect("a log is in a folder")).expect("it was laid out");
        let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| *path != log).collect();
        found.sort();
        found
    }
}

fn archived(path: &Path) -> String {
    must("zstd", &["-dc".as_ref(), path.as_os_str()])
}

fn numbers(text: &str) -> Vec<u64> {
    text.lines().map(|line| line.parse().expect("a number on each line")).collect()
}

/// The values of a key of the unit, line by line.
fn unit_says(key: &str) -> Vec<String> {
    let text = fs::read_to_string(units().join(UNIT)).expect("it is committed");
    let values = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned));
    values.collect()
}

fn capabilities() -> BTreeSet<String> {
    let lines = unit_says("CapabilityBoundingSet");
    let names = lines.iter().flat_map(|line| line.split_whitespace());
    names.map(|name| name.strip_prefix("CAP_").expect("a capability's name").to_owned()).collect()
}

#[test]
fn in_place_works_with_exactly_the_rights_of_its_unit() {
    if !needs::met(NEEDS) {
        return;
    }
    let mut place = Place::lay_out().written_to();
    let ended = place.run(&capabilities(), &[]);
    place.still();
    assert_eq!(ended.code(), Some(0), "{ended:#?}");
    for folder in FOLDERS {
        assert_eq!(place.archives(folder).len(), 1, "{folder} was not rotated: {ended:#?}");
        place.is_whole(folder);
    }
}

#[test]
fn each_right_of_the_in_place_unit_is_needed_and_without_it_nothing_is_lost() {
    if !needs::met(NEEDS) {
        return;
    }
    let all = capabilities();
    assert_eq!(all, MISSED.iter().map(|(name, _)| (*name).to_owned()).collect(), "each needs a reason");
    for (gone, reason) in MISSED {
        let mut place = Place::lay_out().written_to();
        let ended = place.run(&all.iter().filter(|name| *name != gone).cloned().collect(), &[]);
        assert_eq!(ended.code(), Some(3), "without {gone}: {ended:#?}");
        assert!(ended.stdout.contains(reason), "without {gone}: {ended:#?}");
        let later = place.run(&all, &[]);
        assert_eq!(later.code(), Some(0), "after a run without {gone}: {later:#?}");
        place.still();
        for folder in FOLDERS {
            assert!(!place.archives(folder).is_empty(), "{folder} was not rotated after a run without {gone}: {later:#?}");
            place.is_whole(folder);
        }
    }
}

#[test]
fn the_in_place_unit_allows_every_call_that_a_rotation_makes() {
    /// A run would like to be slower than others, and goes on where that is refused: the unit has seen to it.
    const WISHED: [&str; 2] = ["setpriority", "ioprio_set"];
    if !needs::met(NEEDS) || !needs::met(&[Need::Program("strace"), Need::Program("systemd-analyze")]) {
        return;
    }
    // One process at least has a second thread, whose files are asked about.
    let (end, ended) = mpsc::channel::<()>();
    let second = thread::spawn(move || ended.recv());
    let place = Place::lay_out();
    let trace = place.disk.path().join("trace").display().to_string();
    let ended = place.run(&capabilities(), &["strace", "-f", "-qq", "-o", &trace]);
    assert_eq!(ended.code(), Some(0), "{ended:#?}");
    let trace = fs::read_to_string(trace).expect("strace wrote it");
    let program = format!("execve(\"{}\"", ops_logs().display());
    let (_, trace) = trace.split_once(&program).expect("it was started");
    let made: BTreeSet<&str> = trace.lines().skip(1).filter_map(call).collect();
    drop(end);
    assert!(second.join().expect("it only waits").is_err());
    assert!(["fallocate", "setresuid", "kcmp"].iter().all(|name| made.contains(name)), "{made:?}");
    let allowed = allowed_calls();
    let refused: Vec<&&str> = made.iter().filter(|name| !allowed.contains(**name) && !WISHED.contains(name)).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let dangerous = ["ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "mount", "socket"];
    assert_eq!(dangerous.into_iter().filter(|name| allowed.contains(*name)).collect::<Vec<_>>(), ["socket"]);
}

/// The name of the call in a line `PID NAME(...`; none where it says how a thread ended or what a call returned.
fn call(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(' ')?.1.trim_start().split_once('(')?;
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(name)
}

/// The unit's filter, one line after the other, as systemd reads it.
fn allowed_calls() -> BTreeSet<String> {
    let listed = analyze(&["syscall-filter"], Path::new("--no-pager")).stdout;
    let mut sets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut set = "";
    for line in listed.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        if line.starts_with('@') {
            set = line;
        } else if line.starts_with(' ') {
            sets.entry(set).or_default().push(line.trim());
        }
    }
    let mut allowed = BTreeSet::new();
    for line in unit_says("SystemCallFilter") {
        let (words, taken) = line.strip_prefix('~').map_or((&*line, false), |words| (words, true));
        for name in words.split_whitespace().flat_map(|word| members(&sets, word)) {
            if taken {
                allowed.remove(name)
            } else {
                allowed.insert(name.to_owned())
            };
        }
    }
    allowed
}

fn members<'a>(sets: &BTreeMap<&'a str, Vec<&'a str>>, word: &'a str) -> Vec<&'a str> {
    match sets.get(word) {
        Some(words) => words.iter().flat_map(|word| members(sets, word)).collect(),
        None => vec![word],
    }
}
