//! Whatever stops a rotation in place, and whatever its writer or somebody else does to the log meanwhile, the next run
//! finishes it: nothing lost, nothing twice.
//!
//! Lines that are all alike are counted: whether the head of such a log is gone, its content cannot tell.

mod support;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Write},
    os::unix::fs::FileExt,
    path::Path,
};

use rustix::fs::{FallocateFlags, fallocate};
use support::{
    files,
    filesystem::{Kind, Recipe},
    heads::Heads,
    needs::{self, MOUNTS, TRACES},
    scenario::text_of,
    scene::{Scene, Script, all_alike},
    strace::{self, Blow, Strike},
    sweep::Sweep,
    tally,
    trace::Act,
};

const ROTATE: &[&str] = &["--format", "json", "rotate"];

/// What happens between the kill and the next run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meanwhile {
    /// Nothing; but the next run is killed too.
    Nothing,
    /// The log gets longer than it was, with lines of the same kind.
    Grown,
    /// Somebody empties the log, and it gets longer than it was, with lines of the same kind.
    Emptied,
}

/// What a log begins with before the run that is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Begins {
    Lines,
    /// As copytruncate leaves it behind a writer that does not append.
    Zeros,
    Hole,
}

#[test]
fn killed_before_any_call() {
    killed(script("zstd", text_of), Begins::Lines, Meanwhile::Nothing);
}

#[test]
fn killed_before_any_call_lines_alike_gzip() {
    killed(script("gzip", all_alike), Begins::Lines, Meanwhile::Nothing);
}

#[test]
fn killed_before_any_call_and_then_grown() {
    killed(script("zstd", all_alike), Begins::Lines, Meanwhile::Grown);
    if support::full() {
        killed(script("gzip", text_of), Begins::Lines, Meanwhile::Grown);
    }
}

#[test]
fn killed_before_any_call_and_then_emptied() {
    killed(script("zstd", all_alike), Begins::Lines, Meanwhile::Emptied);
    if support::full() {
        killed(script("gzip", all_alike), Begins::Lines, Meanwhile::Emptied);
        killed(script("none", all_alike), Begins::Lines, Meanwhile::Emptied);
    }
}

#[test]
fn killed_before_any_call_beginning_with_zeros_or_a_hole() {
    killed(script("zstd", all_alike), Begins::Zeros, Meanwhile::Nothing);
    killed(script("zstd", all_alike), Begins::Hole, Meanwhile::Nothing);
    if support::full() {
        killed(script("gzip", text_of), Begins::Hole, Meanwhile::Grown);
        killed(script("gzip", text_of), Begins::Zeros, Meanwhile::Emptied);
    }
}

#[test]
fn killed_before_any_call_on_xfs() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Xfs).mount();
    let path = disk.path();
    let script = |text| Script { logs_in: Some(&path), ..script("zstd", text) };
    killed(script(all_alike), Begins::Lines, Meanwhile::Nothing);
    killed(script(all_alike), Begins::Lines, Meanwhile::Emptied);
    if support::full() {
        killed(script(text_of), Begins::Hole, Meanwhile::Nothing);
        killed(script(all_alike), Begins::Lines, Meanwhile::Grown);
    }
}

#[test]
fn killed_before_any_call_uncompressed_or_with_archives_elsewhere() {
    killed(script("none", text_of), Begins::Lines, Meanwhile::Nothing);
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let script = Script { archives_in: Some(elsewhere.path()), ..script("gzip", text_of) };
    killed(script, Begins::Lines, Meanwhile::Nothing);
}

/// xfs takes the head away in steps. A power cut between two of them leaves a hole where the rest was not moved up yet.
#[test]
fn what_xfs_began_to_move_is_moved_to_its_end() {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    let disk = Recipe::new(Kind::Xfs).mount();
    let path = disk.path();
    for (text, half) in [(text_of as fn(&str, usize) -> Vec<u8>, 0), (text_of, 2), (all_alike, 0), (all_alike, 1), (all_alike, 6)]
    {
        let script = Script { logs_in: Some(&path), logs: 1, bytes: 50_000, ..script("zstd", text) };
        let whole = strace::run(&script.play().scenario.command(ROTATE), None);
        let live = |path: &Path| path.file_name().is_some_and(|name| name == "log0.log");
        let mut cuts = whole.trace.calls.iter().filter(|call| matches!(call.act(), Some(Act::Cut(path)) if live(&path)));
        let cut = cuts.rfind(|call| call.worked()).expect("a rotation in place cuts");
        let scene = script.play();
        let strike = Strike { call: cut.name.clone(), rank: cut.rank, blow: Blow::Kill };
        let killed = strace::run(&scene.scenario.command(ROTATE), Some(&strike));
        assert!(killed.ended.was_killed());
        let log = scene.scenario.live("log0.log");
        let more = text("later", 30_000);
        append(&log, &more);
        let ledger = fs::read_to_string(scene.scenario.state().join("ledger.jsonl")).expect("earlier runs wrote it");
        let entries = ledger.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let remove = entries.filter_map(|line| line["cut"]["remove"].as_u64()).next_back().expect("the entry of the cut");
        let half_way = |file: &mut File| {
            fallocate(&*file, FallocateFlags::COLLAPSE_RANGE, 0, remove)?;
            Ok(fallocate(&*file, FallocateFlags::INSERT_RANGE, half * 4096, remove)?)
        };
        files::with(File::options().write(true), &log, half_way).expect("xfs can");
        let story = format!("moved {half} blocks and then no more");
        // What is due again goes in the same run, and its keep-rule takes one archive more.
        let first = scene.before.and(&log, &more);
        let ran = scene.scenario.rotate().exits(0);
        let told = scene.scenario.told_in_place("log0.log", None);
        assert!(
            first.told_to(&log).ends_with(&told),
            "{story}: {} bytes are there: {:#?}: {ran:#?}",
            told.len(),
            scene.scenario.files()
        );
        assert!(told.len() >= 80_000 && !told.contains(&0), "{story}: {} bytes are there", told.len());
        scene.scenario.run(&["verify"]).exits(0);
    }
}

fn script(compress: &'static str, text: fn(&str, usize) -> Vec<u8>) -> Script<'static> {
    Script { compress, text, method: "in-place", logs: support::by_tier(1, 3), bytes: 10_000, ..Script::default() }
}

fn killed(script: Script<'_>, begins: Begins, meanwhile: Meanwhile) {
    if !needs::met(TRACES) || !needs::met(MOUNTS) {
        return;
    }
    // What a keep-rule takes is another story.
    let kept = if meanwhile == Meanwhile::Nothing { script.kept } else { 100 };
    let history = if begins == Begins::Lines { script.history } else { 0 };
    let script = Script { history, kept, ..script };
    let swept = Sweep {
        name: &format!("kill in place, {}, begins {begins:?}, then {meanwhile:?}", script.compress),
        scene: &|| begins.on(script.play()),
        args: ROTATE,
        blows: &|_| vec![Blow::Kill],
        check: &|scene, strike, _| {
            let story = format!("killed before {} #{}, then {meanwhile:?}", strike.call, strike.rank);
            scene.before.assert_nothing_lost(&story);
            match meanwhile {
                Meanwhile::Nothing => killed_again(scene, strike, &story),
                Meanwhile::Grown => {
                    let grow = |before: support::aftermath::Before, log: &Path| {
                        let more = more_than(log, script.text);
                        append(log, &more);
                        before.and(log, &more)
                    };
                    logs(scene)
                        .iter()
                        .fold(scene.before.clone(), |before, log| grow(before, log))
                        .assert_mended(&scene.scenario, &story);
                }
                Meanwhile::Emptied => emptied(scene, &script, &story),
            }
        },
    }
    .run(0, 1);
    assert!(swept.struck >= 15, "a rotation makes more calls than {swept:?}");
}

fn killed_again(scene: &Scene, strike: &Strike, story: &str) {
    let call = ["fallocate", "fsync", "write", "renameat2", "fdatasync", "unlinkat"][strike.rank % 6].to_owned();
    let again = Strike { call, rank: 1 + strike.rank % 5, blow: Blow::Kill };
    strace::run(&scene.scenario.command(ROTATE), Some(&again));
    let story = format!("{story}, and the next run before {} #{}", again.call, again.rank);
    scene.before.assert_nothing_lost(&story);
    scene.before.assert_mended(&scene.scenario, &story);
}

/// Each line that came after the log was emptied must be kept, and each that was in an archive then.
fn emptied(scene: &Scene, script: &Script<'_>, story: &str) {
    let mut least = BTreeMap::new();
    for log in logs(scene) {
        let fresh = more_than(&log, script.text);
        files::write(&log, &fresh).expect("our own tree");
        least.insert(log.clone(), archived(&log) + fresh.len() as u64);
    }
    let ran = scene.scenario.rotate();
    let doubted = ran.stdout.contains("logs.in-doubt");
    assert_eq!(ran.code, Some(i32::from(doubted)), "{story}: {ran:#?}");
    let heads = Heads::of(scene.scenario.state());
    for (log, least) in least {
        let mut rest = Vec::new();
        heads.rest(&log).read_to_end(&mut rest).expect("a readable log");
        let there = archived(&log) + rest.len() as u64;
        assert!(there >= least, "{story}: {} bytes are lost of {}: {ran:#?}", least - there, log.display());
        assert!(there == least || doubted, "{story}: {} bytes are twice in {}: {ran:#?}", there - least, log.display());
    }
    scene.scenario.run(&["verify"]).exits(0);
    // An archive that was not recorded is found once its entry is forgotten.
    scene.scenario.rotate().exits(0);
    scene.before.assert_idle(&scene.scenario, story);
}

/// Bytes in finished archives.
fn archived(log: &Path) -> u64 {
    let mut all = Vec::new();
    for file in tally::history(log, None).iter().filter(|file| *file != log) {
        tally::plain(file).read_to_end(&mut all).expect("a finished archive is whole");
    }
    all.len() as u64
}

/// Longer than the log is.
fn more_than(log: &Path, text: fn(&str, usize) -> Vec<u8>) -> Vec<u8> {
    let length = fs::metadata(log).expect("a live log").len();
    text("later", usize::try_from(length).expect("a small log") + 9000)
}

fn append(log: &Path, text: &[u8]) {
    files::with(File::options().append(true), log, |log| log.write_all(text)).expect("room for a few lines");
}

fn logs(scene: &Scene) -> Vec<std::path::PathBuf> {
    let live = |name: &String| name.strip_suffix(".log").is_some_and(|stem| stem.starts_with("log"));
    scene.scenario.files().into_keys().filter(live).map(|name| scene.scenario.live(&name)).collect()
}

impl Begins {
    /// What was told is what can be read now. Only for logs without a past.
    fn on(self, scene: Scene) -> Scene {
        const LENGTH: u64 = 8192;
        if self == Begins::Lines {
            return scene;
        }
        let logs = logs(&scene);
        let Scene { scenario, mut before } = scene;
        for log in logs {
            let begin = |file: &mut File| match self {
                Begins::Zeros => file.write_all_at(&vec![0; usize::try_from(LENGTH).expect("short")], 0),
                _ => Ok(fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, LENGTH)?),
            };
            files::with(File::options().write(true), &log, begin).expect("it can");
            before = before.log(&log, fs::read(&log).expect("our own tree"));
        }
        Scene { scenario, before }
    }
}
