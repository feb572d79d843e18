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
    io::{self, Read},
    path::Path,
    process::Command,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use account::Account;
use follower::Follower;
use rustix::process::Signal;
use support::{
    by_tier, example, files,
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
/// What the writer writes in a second.
const SECOND: u64 = 256 << 10;
/// Rotations of a story.
const ENOUGH: usize = 5;
/// Lines of a log that nobody writes to any more, and what is free beside it when it is rotated in pieces.
const STATIC_LINES: u64 = 100_000;
const SHORT: u64 = 256 << 10;
const BLOCK: u64 = 4096;
const INOTIFY: &str = "mode=\"inotify\"";
const REOPENS: &str = "reopenOnTruncate=\"on\"";
/// Which of the readers is stopped for a while.
const STOPPED: usize = 1;
/// Those that are woken when the log changes, and then see that it is shorter.
const KEEP_UP: [&str; 2] = ["tail -F", "rsyslog, reopenOnTruncate"];
const PATIENCE: Duration = Duration::from_mins(3);

/// How the log is rotated.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Method {
    Rename,
    InPlace,
}

#[test]
fn a_log_that_is_cut_in_pieces_repeats_what_was_left_after_each() {
    if !needs::met(MOUNTS) || !needs::met(NEEDS) {
        return;
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for free in [None, Some(SHORT)] {
        let disk = Recipe::new(Kind::Ext4).mount();
        let scene = scene(&disk, Method::InPlace);
        let log = scene.live("app.log");
        let ended = writer(&scene, &["--lines", &STATIC_LINES.to_string()]).end(PATIENCE);
        assert_eq!(tally::lines_of(&ended.stdout), STATIC_LINES, "{}", ended.stderr);
        let size = length(&log);
        let mut tail = Follower::tail("tail -F", &log, scene.root());
        support::wait_until("tail to read all", PATIENCE, || tail.has_begun() && tail.delivered() == size);
        let filler = free.map(|free| disk.fill_up_to(free));
        let ran = scene.run(&["--format", "json", "rotate", "--force"]).exits(0);
        follower::all_quiet(std::slice::from_ref(&tail));
        let account = tail.end(STATIC_LINES);
        let mut archives = tally::history(&log, None);
        archives.pop();
        let pieces = archives.len() as u64;
        support::say(&format!("InPlace: in {pieces} pieces, {STATIC_LINES} lines, no writer: tail -F: {account}"));
        assert_eq!(pieces > 1, filler.is_some(), "{ran:#?}");
        assert_eq!(account.missing(), 0, "{account}");
        let left = archives.iter().scan(size, |left, archive| {
            *left -= plain_bytes(archive);
            Some(*left + BLOCK)
        });
        assert!(account.again_bytes <= left.sum::<u64>(), "{account}");
        assert!(account.garbled <= pieces, "{account}");
    }
}

/// How a story ended.
struct Told {
    /// What each reader delivered, by its name.
    accounts: BTreeMap<&'static str, Account>,
    /// Bytes in the log after each rotation, all together.
    left: u64,
    /// Whether [`KEEP_UP`] had looked at the log soon after each rotation.
    kept_up: bool,
    /// The last number in each archive.
    ends: BTreeSet<u64>,
}

#[test]
fn a_log_that_is_renamed_repeats_nothing_and_loses_a_reader_no_more_than_the_end_of_a_file() {
    let Some(Told { accounts, ends, .. }) = follow(Method::Rename) else { return };
    for (name, account) in &accounts {
        assert_eq!((account.again, account.garbled), (0, 0), "{name}: {account}");
        // Whoever goes to the new file before the writer does, or skips a file, begins a file with its first line.
        let gaps = account.gaps();
        assert!(gaps.iter().all(|gap| ends.contains(gap.end())), "{name}: {gaps:?} do not end where files end: {ends:?}");
    }
}

#[test]
fn a_log_that_is_cut_in_place_repeats_no_more_than_was_left() {
    let Some(Told { accounts, left, kept_up, .. }) = follow(Method::InPlace) else { return };
    for (name, account) in &accounts {
        assert!(account.again_bytes <= left, "{name}: more again than the {left} bytes that were left: {account}");
        assert!(account.garbled <= ENOUGH as u64, "{name}: more than one line torn at each rotation: {account}");
    }
    for name in KEEP_UP {
        assert!(!kept_up || accounts[name].missing() == 0, "{name}: {}", accounts[name]);
    }
    // What it had not read when it was stopped is in an archive alone.
    assert!(accounts["tail -F, stopped"].missing() > 0, "{}", accounts["tail -F, stopped"]);
}

fn follow(method: Method) -> Option<Told> {
    if !needs::met(MOUNTS) || !needs::met(NEEDS) {
        return None;
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let disk = Recipe::new(Kind::Ext4).size(256 << 20).mount();
    let scene = scene(&disk, method);
    let log = scene.live("app.log");
    files::write(&log, "").expect("a writable tree");
    let mut followers = followers(&scene);
    let writer = writer(&scene, &["--rate", &RATE.to_string()]);
    support::wait_until("each reader's first lines", PATIENCE, || followers.iter_mut().all(Follower::has_begun));
    // Rotations a second and a half apart are hard on readers that look once a second.
    let (left, kept_up) = rotate_often(&scene, by_tier(SECOND * 3 / 2, SECOND * 5), &followers);
    writer.signal(Signal::TERM);
    let ended = writer.end(PATIENCE);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let written = tally::lines_of(&ended.stdout);
    follower::all_quiet(&followers);
    let accounts: BTreeMap<_, _> = followers.into_iter().map(|one| (one.name, one.end(written))).collect();
    if !kept_up {
        support::say("the machine is too busy: that nobody misses a line was not looked at");
    }
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
    Some(Told { accounts, left, kept_up, ends: files.iter().map(|file| last_number(file)).collect() })
}

/// Rotates whenever the log has so many bytes, the writer writing on; one reader is stopped during one of the rotations.
/// Tells how many bytes were in the log after each, all together, and whether [`KEEP_UP`] did so.
fn rotate_often(scene: &Scenario, full: u64, followers: &[Follower]) -> (u64, bool) {
    let (log, stopped) = (scene.live("app.log"), &followers[STOPPED].process);
    let delivered = || followers.iter().filter(|one| KEEP_UP.contains(&one.name)).map(Follower::delivered).collect::<Vec<_>>();
    let (mut left, mut kept_up) = (0, true);
    for rotation in 0..ENOUGH {
        let lags = rotation == ENOUGH / 2;
        if lags {
            grown(&log, full / 4);
            stopped.signal(Signal::STOP);
        }
        let position = length(&log);
        grown(&log, full);
        let ran = scene.run(&["--format", "json", "rotate", "--force"]).exits(0);
        assert_eq!(ran.steps("rotate", "done").len(), 1, "{ran:#?}");
        left += length(&log);
        let before = delivered();
        support::wait_until("readers to go on", PATIENCE, || delivered().iter().zip(&before).all(|(now, then)| now > then));
        kept_up &= length(&log) < full;
        if lags {
            // In place, its position is inside the file again.
            grown(&log, position + (32 << 10));
            stopped.signal(Signal::CONT);
        }
    }
    (left, kept_up)
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
        Follower::rsyslog("rsyslog", &log, home, INOTIFY, ""),
        Follower::rsyslog("rsyslog, reopenOnTruncate", &log, home, INOTIFY, REOPENS),
        Follower::rsyslog("rsyslog, reopenOnTruncate, polling", &log, home, "mode=\"polling\" pollingInterval=\"1\"", REOPENS),
        Follower::syslog_ng("syslog-ng", &log, home, ""),
        Follower::syslog_ng("syslog-ng, follow-freq", &log, home, "follow-freq(0.1)"),
    ]
}

fn writer(scene: &Scenario, words: &[&str]) -> Process {
    let mut command = Command::new(example("log-writer"));
    command.arg("--file").arg(scene.live("app.log")).arg("--pidfile").arg(scene.root().join("writer.pid"));
    command.args(words);
    Process::start(&mut command)
}

fn plain_bytes(archive: &Path) -> u64 {
    io::copy(&mut tally::plain(archive), &mut io::sink()).expect("a readable archive")
}

fn length(log: &Path) -> u64 {
    fs::metadata(log).map_or(0, |meta| meta.len())
}

fn grown(log: &Path, bytes: u64) {
    support::wait_until("the log to grow", PATIENCE, || length(log) >= bytes);
}
