//! What those who follow a log see of its rotation: `tail -F`, rsyslog and syslog-ng, under *rename* and *in place*.
//!
//! A real writer writes numbered lines while the log is rotated again and again; what each reader delivers is counted
//! against what was written. Asserted is only what must hold each time; the counts are told, for docs/readers.md.

mod support;

#[path = "readers/account.rs"]
mod account;
#[path = "readers/follower.rs"]
mod follower;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read,
    path::Path,
    process::Command,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use account::Account;
use follower::Follower;
use rustix::process::Signal;
use support::{
    example,
    filesystem::{FileSystem, Kind, Recipe},
    heads::Heads,
    line,
    needs::{self, MOUNTS, Need},
    process::Process,
    scenario::Scenario,
    tally::{self, Tally},
};

const NEEDS: &[Need] = &[Need::Program("unshare"), Need::Program("rsyslogd"), Need::Program("syslog-ng")];

/// Whether a reader keeps up is about time: no story runs beside another one.
static ALONE: Mutex<()> = Mutex::new(());

const RATE: u64 = 2_000;
const LINES: u64 = 24_000;
/// The log is rotated when it has so much; what the writer writes in a second and a half.
const FULL: u64 = 400 << 10;
/// Rotations of a story.
const ENOUGH: usize = 5;
/// Which of the readers is stopped for a while.
const STOPPED: usize = 1;
const PATIENCE: Duration = Duration::from_secs(30);

/// How the log is rotated.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Method {
    Rename,
    InPlace,
}

/// How a story ended.
struct Told {
    /// What each reader delivered, by its name.
    accounts: BTreeMap<&'static str, Account>,
    /// Bytes in the log after each rotation, all together.
    left: u64,
    /// The last number in each archive.
    ends: BTreeSet<u64>,
}

#[test]
fn a_log_that_is_renamed_repeats_nothing_and_loses_a_reader_no_more_than_the_end_of_a_file() {
    let Some(Told { accounts, ends, .. }) = follow(Method::Rename) else { return };
    for (name, account) in &accounts {
        assert_eq!((account.again, account.garbled), (0, 0), "{name}: {account:?}");
        // Whoever goes to the new file before the writer does, or skips a file, begins a file with its first line.
        let gaps = account.gaps();
        assert!(gaps.iter().all(|gap| ends.contains(gap.end())), "{name}: {gaps:?} do not end where files end: {ends:?}");
    }
}

#[test]
fn a_log_that_is_cut_in_place_repeats_no_more_than_was_left() {
    let Some(Told { accounts, left, .. }) = follow(Method::InPlace) else { return };
    for (name, account) in &accounts {
        assert!(account.again_bytes <= left, "{name}: more again than the {left} bytes that were left: {account:?}");
        assert!(account.garbled <= ENOUGH as u64, "{name}: more than one line torn at each rotation: {account:?}");
    }
    for name in ["tail -F", "rsyslog, reopenOnTruncate"] {
        assert_eq!(accounts[name].missing(), 0, "{name}: {:?}", accounts[name]);
    }
    // What it had not read when it was stopped is in an archive alone.
    assert!(accounts["tail -F, stopped"].missing() > 0, "{:?}", accounts["tail -F, stopped"]);
}

fn follow(method: Method) -> Option<Told> {
    if !needs::met(MOUNTS) || !needs::met(NEEDS) {
        return None;
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let disk = Recipe::new(Kind::Ext4).size(256 << 20).mount();
    let scene = scene(&disk, method);
    let log = scene.live("app.log");
    fs::write(&log, "").expect("a writable tree");
    let mut followers = followers(&scene);
    let writer = writer(&scene);
    support::wait_until("each reader's first lines", PATIENCE, || followers.iter_mut().all(Follower::has_begun));
    let left = rotate_often(&scene, &followers[STOPPED]);
    let ended = writer.end(PATIENCE);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let written = tally::lines_of(&ended.stdout);
    follower::all_quiet(&followers);
    let accounts: BTreeMap<_, _> = followers.into_iter().map(|one| (one.name, one.end(written))).collect();
    for (name, account) in &accounts {
        support::say(&format!("{method:?}: {ENOUGH} rotations, {written} lines: {name}: {account}"));
    }
    // The last file may still have been open; now nobody holds it.
    scene.rotate().exits(0);
    let mut files = tally::history(&log, None);
    let head = Heads::of(scene.state()).archived(&log);
    Tally::after_head(&files, head, &BTreeMap::from([(0, written)])).assert_perfect("archives and log");
    files.pop();
    assert_eq!(files.len(), ENOUGH);
    Some(Told { accounts, left, ends: files.iter().map(|file| last_number(file)).collect() })
}

/// Rotates whenever the log is full, the writer writing on; one reader is stopped during one of the rotations. Tells how
/// many bytes were in the log after each.
fn rotate_often(scene: &Scenario, stopped: &Follower) -> u64 {
    let log = scene.live("app.log");
    let mut left = 0;
    for rotation in 0..ENOUGH {
        let lags = rotation == ENOUGH / 2;
        if lags {
            grown(&log, FULL / 4);
            stopped.process.signal(Signal::STOP);
        }
        let position = length(&log);
        grown(&log, FULL);
        let ran = scene.run(&["--format", "json", "rotate", "--force"]).exits(0);
        assert_eq!(ran.steps("rotate", "done").len(), 1, "{ran:#?}");
        left += length(&log);
        if lags {
            // In place, its position is inside the file again.
            grown(&log, position + (32 << 10));
            stopped.process.signal(Signal::CONT);
        }
    }
    left
}

fn last_number(archive: &Path) -> u64 {
    let mut text = Vec::new();
    tally::plain(archive).read_to_end(&mut text).expect("a readable archive");
    let last = text.strip_suffix(b"\n").and_then(|text| text.rsplit(|byte| *byte == b'\n').next());
    last.and_then(line::parse).expect("an archive ends with a line").1
}

fn scene(disk: &FileSystem, method: Method) -> Scenario {
    let how = match method {
        Method::Rename => "close-wait = \"10s\"\nreopen = { pidfile = \"{root}/writer.pid\", signal = \"HUP\" }",
        Method::InPlace => "method = \"in-place\"",
    };
    Scenario::new()
        .seeing()
        .logs_in(disk.path())
        .set(&format!("paths = [\"{{logs}}/app.log\"]\nwhen = {{ any = [\"900 GiB\"] }}\nkeep = {{ count = 1000 }}\n{how}"))
}

fn followers(scene: &Scenario) -> Vec<Follower> {
    let (log, home) = (scene.live("app.log"), scene.root());
    vec![
        Follower::tail("tail -F", &log, home),
        Follower::tail("tail -F, stopped", &log, home),
        Follower::rsyslog("rsyslog", &log, home, ""),
        Follower::rsyslog("rsyslog, reopenOnTruncate", &log, home, "reopenOnTruncate=\"on\""),
        Follower::syslog_ng("syslog-ng", &log, home, ""),
        Follower::syslog_ng("syslog-ng, follow-freq", &log, home, "follow-freq(0.1)"),
    ]
}

fn writer(scene: &Scenario) -> Process {
    let mut command = Command::new(example("log-writer"));
    command.arg("--file").arg(scene.live("app.log")).arg("--pidfile").arg(scene.root().join("writer.pid"));
    command.args(["--rate", &RATE.to_string(), "--lines", &LINES.to_string()]);
    Process::start(&mut command)
}

fn length(log: &Path) -> u64 {
    fs::metadata(log).map_or(0, |meta| meta.len())
}

fn grown(log: &Path, bytes: u64) {
    support::wait_until("the log to grow", PATIENCE, || length(log) >= bytes);
}
