//! Whatever stops a rotation in place, and whatever its writer or somebody else does to the log meanwhile, the next run
//! finishes it: nothing lost, nothing twice.
//!
//! Lines that are all alike are counted: whether the head of such a log is gone, its content cannot tell.

mod support;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Write},
    path::Path,
};

use rustix::fs::{FallocateFlags, fallocate};
use support::{
    filesystem::{Kind, Recipe},
    heads::Heads,
    needs::{self, MOUNTS, TRACES},
    scenario::text_of,
    scene::{Scene, Script, all_alike},
    strace::{self, Blow, Strike},
    sweep::Sweep,
    tally,
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
    WithLines,
    /// As copytruncate leaves it behind a writer that does not append.
    WithZeros,
    WithAHole,
}

#[test]
fn killed_before_any_call() {
    killed(script("zstd", text_of), Begins::WithLines, Meanwhile::Nothing);
}

#[test]
fn killed_before_any_call_lines_alike_gzip() {
    killed(script("gzip", all_alike), Begins::WithLines, Meanwhile::Nothing);
}

#[test]
fn killed_before_any_call_and_then_grown() {
    killed(script("zstd", all_alike), Begins::WithLines, Meanwhile::Grown);
    if support::full() {
        killed(script("gzip", text_of), Begins::WithLines, Meanwhile::Grown);
    }
}

#[test]
fn killed_before_any_call_and_then_emptied() {
    killed(script("zstd", all_alike), Begins::WithLines, Meanwhile::Emptied);
    if support::full() {
        killed(script("gzip", all_alike), Begins::WithLines, Meanwhile::Emptied);
        killed(script("none", all_alike), Begins::WithLines, Meanwhile::Emptied);
    }
}

#[test]
fn killed_before_any_call_beginning_with_zeros_or_a_hole() {
    killed(script("zstd", all_alike), Begins::WithZeros, Meanwhile::Nothing);
    killed(script("zstd", all_alike), Begins::WithAHole, Meanwhile::Nothing);
    if support::full() {
        killed(script("gzip", text_of), Begins::WithAHole, Meanwhile::Grown);
        killed(script("gzip", text_of), Begins::WithZeros, Meanwhile::Emptied);
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
    killed(script(all_alike), Begins::WithLines, Meanwhile::Nothing);
    killed(script(all_alike), Begins::WithLines, Meanwhile::Emptied);
    if support::full() {
        killed(script(text_of), Begins::WithAHole, Meanwhile::Nothing);
        killed(script(all_alike), Begins::WithLines, Meanwhile::Grown);
    }
}

#[test]
fn killed_before_any_call_uncompressed_or_with_archives_elsewhere() {
    killed(script("none", text_of), Begins::WithLines, Meanwhile::Nothing);
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let script = Script { archives_in: Some(elsewhere.path()), ..script("gzip", text_of) };
    killed(script, Begins::WithLines, Meanwhile::Nothing);
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
    let history = if begins == Begins::WithLines { script.history } else { 0 };
    let script = Script { kept, history, ..script };
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
        File::options().write(true).truncate(true).open(&log).expect("our own tree");
        append(&log, &fresh);
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
    File::options().append(true).open(log).and_then(|mut log| log.write_all(text)).expect("room for a few lines");
}

fn logs(scene: &Scene) -> Vec<std::path::PathBuf> {
    let live = |name: &String| name.starts_with("log") && name.ends_with(".log");
    scene.scenario.files().into_keys().filter(live).map(|name| scene.scenario.live(&name)).collect()
}

impl Begins {
    /// What was told is what can be read now. Only for logs without a past.
    fn on(self, scene: Scene) -> Scene {
        const LENGTH: u64 = 8192;
        if self == Begins::WithLines {
            return scene;
        }
        let logs = logs(&scene);
        let Scene { scenario, mut before } = scene;
        for log in logs {
            let file = File::options().write(true).open(&log).expect("our own tree");
            match self {
                Begins::WithZeros => std::os::unix::fs::FileExt::write_all_at(&file, &[0; LENGTH as usize], 0).expect("room"),
                _ => fallocate(&file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, LENGTH).expect("it can"),
            }
            before = before.log(&log, fs::read(&log).expect("our own tree"));
        }
        Scene { scenario, before }
    }
}
