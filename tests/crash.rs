//! Whatever stops a rotation, the next run finishes it: nothing lost, nothing twice, no debris.
//!
//! Runs are killed before and refused at every write-side system call, killed at random, and starved of
//! space, of inodes and of quota.

mod support;

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::chown,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use support::{
    Dice,
    aftermath::Before,
    by_tier, files,
    filesystem::{FileSystem, Kind, Recipe},
    needs::{self, MOUNTS, Need, TRACES},
    process::Process,
    scenario::{Scenario, text_of},
    scene::{Scene, Script},
    strace::{self, Blow, Strike, Traced},
    sweep::{self, Sweep},
    trace::{Act, Call},
};

const ROTATE: &[&str] = &["--format", "json", "rotate"];

#[test]
fn killed_before_any_call_zstd() {
    killed_before_any_call("zstd", None);
}

#[test]
fn killed_before_any_call_gzip() {
    killed_before_any_call("gzip", None);
}

#[test]
fn killed_before_any_call_uncompressed() {
    killed_before_any_call("none", None);
}

#[test]
fn killed_before_any_call_with_archives_on_another_file_system() {
    if !needs::met(MOUNTS) {
        return;
    }
    let other = Recipe::new(Kind::Ext4).mount();
    killed_before_any_call("zstd", Some(&other.path()));
    if support::full() {
        killed_before_any_call("gzip", Some(&other.path()));
    }
}

/// Also kills the run that mends, at a call of its own, before a run may finish in peace.
fn killed_before_any_call(compress: &str, archives: Option<&Path>) {
    let name = format!("kill, {compress}, archives elsewhere: {}", archives.is_some());
    kill_sweep(&name, &|| Script { compress, archives_in: archives, ..Script::default() }.play());
}

#[test]
fn killed_before_any_call_of_the_first_run() {
    kill_sweep("kill, first run", &|| {
        let scene = Script { history: 0, ..Script::default() }.play();
        fs::remove_dir_all(scene.scenario.state()).expect("our own tree");
        scene
    });
}

#[test]
fn killed_before_any_call_of_a_run_that_rewrites_the_ledger() {
    kill_sweep("kill, long ledger", &|| {
        let scene = Script { logs: 1, ..Script::default() }.play();
        scene.lengthen_ledger();
        scene
    });
}

fn kill_sweep(name: &str, scene: &(dyn Fn() -> Scene + Sync)) {
    if !needs::met(TRACES) {
        return;
    }
    let swept = Sweep {
        name,
        scene,
        args: ROTATE,
        blows: &|_| vec![Blow::Kill],
        check: &|scene, strike, _| {
            let story = format!("killed before {} #{}", strike.call, strike.rank);
            scene.before.assert_nothing_lost(&story);
            scene.before.assert_live_paths(&story);
            let again = Strike { call: second_call(strike), rank: 1 + strike.rank % 5, blow: Blow::Kill };
            strace::run(&scene.scenario.command(ROTATE), Some(&again));
            let story = format!("{story}, and the next run before {} #{}", again.call, again.rank);
            scene.before.assert_nothing_lost(&story);
            scene.before.assert_mended(&scene.scenario, &story);
        },
    }
    .run(0, 1);
    assert!(swept.struck >= 20, "a rotation makes more calls than {swept:?}");
}

fn second_call(strike: &Strike) -> String {
    ["unlinkat", "renameat2", "write", "fsync", "fdatasync", "renameat"][strike.rank % 6].to_owned()
}

/// Somebody edits the settings between the crash and the next run.
#[test]
fn killed_before_any_call_and_then_other_settings() {
    if !needs::met(TRACES) {
        return;
    }
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let folder = elsewhere.path();
    let (gzip, none, zstd) = ("compress = \"gzip\"", "compress = \"none\"", "compress = \"zstd\"");
    changed_settings("zstd", None, &[(zstd, gzip)]);
    changed_settings("zstd", None, &[(zstd, none)]);
    changed_settings("none", None, &[(none, zstd)]);
    changed_settings("zstd", Some(folder), &[("archive-dir", "# archive-dir")]);
    changed_settings("gzip", Some(folder), &[(gzip, none), ("archive-dir", "# archive-dir")]);
}

fn changed_settings(compress: &str, archives: Option<&Path>, changes: &[(&str, &str)]) {
    Sweep {
        name: &format!("kill, then other settings: {changes:?}"),
        scene: &|| Script { compress, archives_in: archives, logs: 1, history: 0, ..Script::default() }.play(),
        args: ROTATE,
        blows: &|_| vec![Blow::Kill],
        check: &|scene, strike, _| {
            let story = format!("killed before {} #{}, then other settings: {changes:?}", strike.call, strike.rank);
            for (from, to) in changes {
                scene.scenario.change_settings(from, to);
            }
            scene.scenario.rotate().exits(0);
            scene.before.assert_complete(&story);
            scene.scenario.run(&["verify"]).exits(0);
            scene.before.assert_idle(&scene.scenario, &story);
        },
    }
    .run(0, 1);
}

#[test]
fn refused_at_any_call_for_lack_of_space() {
    refused_at_any_call("zstd", "ENOSPC");
}

#[test]
fn refused_at_any_call_by_a_broken_disk() {
    refused_at_any_call("zstd", "EIO");
}

#[test]
fn refused_at_any_call_gzip() {
    refused_at_any_call("gzip", "ENOSPC");
    refused_at_any_call("gzip", "EIO");
}

#[test]
fn refused_at_any_call_for_lack_of_quota() {
    // The kernel of a test machine may know no quotas; their error looks like this.
    refused_at_any_call("zstd", "EDQUOT");
}

fn refused_at_any_call(compress: &str, errno: &'static str) {
    if !needs::met(TRACES) {
        return;
    }
    Sweep {
        name: &format!("{errno}, {compress}"),
        scene: &|| Script { compress, ..Script::default() }.play(),
        args: ROTATE,
        blows: &|call| if fails_on_disk(call, errno) { vec![Blow::Error(errno)] } else { Vec::new() },
        check: &|scene, strike, traced| refused(scene, strike, traced),
    }
    .run(0, 1);
}

/// Whether a disk could refuse this call so.
fn fails_on_disk(call: &Call, errno: &str) -> bool {
    match call.act() {
        None | Some(Act::Signal) => false,
        // What frees space does not lack it.
        Some(Act::Remove(_)) => errno == "EIO",
        Some(_) => true,
    }
}

fn refused(scene: &Scene, strike: &Strike, traced: &Traced) {
    let story =
        format!("{:?} at {} #{}: exit {:?}, {}", strike.blow, strike.call, strike.rank, traced.ended.code(), traced.ended.stderr);
    assert!(matches!(traced.ended.code(), Some(0 | 3 | 4)), "{story}");
    scene.before.assert_live_paths(&story);
    scene.before.assert_nothing_lost(&story);
    scene.before.assert_mended(&scene.scenario, &story);
}

#[test]
fn killed_at_any_moment_with_all_threads() {
    let rounds: u64 = by_tier(30, 300);
    let seed = 0x0b5e_55ed;
    let hits = AtomicUsize::new(0);
    sweep::in_parallel(&(0..rounds).collect::<Vec<_>>(), |round| {
        let mut dice = Dice::seeded(seed + round);
        let compress = if round % 2 == 0 { "zstd" } else { "gzip" };
        let scene = Script { compress, logs: 24, bytes: 40_000, head: "", ..Script::default() }.play();
        for blow in 0..4 {
            let mut run = Process::start(&mut scene.scenario.command(ROTATE));
            if !run.ends_within(Duration::from_micros(dice.below(60_000))) {
                run.kill_whole();
                hits.fetch_add(1, Ordering::SeqCst);
            }
            drop(run);
            let story = format!("round {round}, kill {blow}");
            scene.before.assert_live_paths(&story);
            scene.before.assert_nothing_lost(&story);
        }
        scene.before.assert_mended(&scene.scenario, &format!("round {round}"));
    });
    let hits = hits.into_inner();
    support::say(&format!("random kills: {hits} in {rounds} rounds"));
    assert!(hits as u64 >= rounds, "so few kills that landed prove little: {hits}");
}

#[test]
fn killed_together_with_the_child_that_works_as_the_owner() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    sweep::in_parallel(&(0..by_tier(10, 100)).collect::<Vec<u64>>(), |round| {
        let mut dice = Dice::seeded(0xc41d + round);
        let (scenario, before) = owned_by_another(400_000);
        for blow in 0..3 {
            let mut run = Process::start(&mut scenario.command(ROTATE));
            if !run.ends_within(Duration::from_micros(dice.below(80_000))) {
                run.kill_whole();
            }
            drop(run);
            before.assert_nothing_lost(&format!("round {round}, kill {blow}"));
        }
        before.assert_mended(&scenario, &format!("round {round}"));
    });
}

fn owned_by_another(bytes: usize) -> (Scenario, Before) {
    const NOBODY: u32 = 65_534;
    let scenario = plain_scenario(None, "zstd");
    let mut before = Before::nothing();
    for name in ["one.log", "two.log"] {
        let text = text_of(name, bytes);
        files::write(scenario.live(name), &text).expect("our own tree");
        chown(scenario.live(name), Some(NOBODY), Some(NOBODY)).expect("root may");
        before = before.log(scenario.live(name), text);
    }
    chown(scenario.logs(), Some(NOBODY), Some(NOBODY)).expect("root may");
    fs::set_permissions(scenario.root(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("our own tree");
    (scenario, before)
}

/// logrotate loses 200 MB here and says nothing: the disk fills while it compresses, space comes back, it
/// runs again and renames the live log over what it could not compress.
#[test]
fn the_failed_compression_trap_loses_nothing() {
    if !needs::met(MOUNTS) {
        return;
    }
    for compress in ["zstd", "gzip"] {
        for state_on_the_same_disk in [false, true] {
            trap(compress, state_on_the_same_disk);
        }
    }
}

fn trap(compress: &str, state_on_the_same_disk: bool) {
    let story = format!("{compress}, state on the same disk: {state_on_the_same_disk}");
    let disk = Recipe::new(Kind::Ext4).exactly(48 << 20).mount();
    let scenario = plain_scenario(Some((&disk, state_on_the_same_disk)), compress);
    let log = scenario.live("app.log");
    let mut told = text_of("a log that does not compress to nothing", 24 << 20);
    files::write(&log, &told).expect("room");
    let filler = disk.fill_up_to(200 << 10);
    for turn in 0..3 {
        let ran = scenario.rotate();
        assert!(matches!(ran.code, Some(3 | 4)), "{story}: turn {turn}: no room to compress, and yet: {ran:#?}");
        assert!(log.is_file(), "{story}: the live path vanished");
        let more = text_of(&format!("turn {turn}"), 2000);
        files::with(File::options().append(true), &log, |live| live.write_all(&more)).expect("room for a few lines");
        told.extend_from_slice(&more);
        Before::nothing().log(&log, told.clone()).assert_nothing_lost(&story);
    }
    fs::remove_file(filler).expect("our own file");
    Before::nothing().log(&log, told).assert_mended(&scenario, &story);
}

#[test]
fn a_disk_with_no_space_for_state_or_logs() {
    if !needs::met(MOUNTS) {
        return;
    }
    for left in [0, 4096, 16_384, 65_536] {
        let disk = Recipe::new(Kind::Ext4).exactly(16 << 20).mount();
        let scenario = plain_scenario(Some((&disk, true)), "zstd");
        starve(&disk, &scenario, &format!("{left} bytes left"), left);
    }
}

#[test]
fn a_disk_with_no_inodes() {
    if !needs::met(MOUNTS) {
        return;
    }
    for left in 0..6 {
        let disk = Recipe::new(Kind::Ext4).exactly(16 << 20).inodes(64).mount();
        let scenario = plain_scenario(Some((&disk, true)), "zstd");
        let (log, text) = (scenario.live("app.log"), text_of("app", 100_000));
        files::write(&log, &text).expect("room");
        let before = Before::nothing().log(&log, text);
        let taken: Vec<_> =
            (0..100).map(|n| disk.path().join(format!("taken-{n}"))).take_while(|path| files::write(path, "").is_ok()).collect();
        for path in taken.iter().take(left) {
            fs::remove_file(path).expect("our own file");
        }
        let story = format!("{left} inodes left");
        let ran = scenario.rotate();
        assert!(matches!(ran.code, Some(0 | 3 | 4)), "{story}: {ran:#?}");
        assert!(left > 0 || ran.code != Some(0), "{story}: nothing can be made, and yet: {ran:#?}");
        before.assert_live_paths(&story);
        before.assert_nothing_lost(&story);
        for path in taken.iter().skip(left) {
            fs::remove_file(path).expect("our own file");
        }
        before.assert_mended(&scenario, &story);
    }
}

#[test]
fn an_exceeded_quota() {
    if !needs::met(MOUNTS) || !needs::met(&[Need::Kernel(Kind::Btrfs), Need::Program("mkfs.btrfs"), Need::Program("btrfs")]) {
        return;
    }
    let disk = Recipe::new(Kind::Btrfs).mount();
    let scenario = plain_scenario(Some((&disk, true)), "zstd");
    let (log, text) = (scenario.live("app.log"), text_of("app", 4 << 20));
    files::write(&log, &text).expect("room");
    let before = Before::nothing().log(&log, text);
    disk.limit(Some(5 << 20));
    let ran = scenario.rotate();
    assert!(matches!(ran.code, Some(3 | 4)), "the quota leaves no room: {ran:#?}");
    before.assert_live_paths("quota");
    before.assert_nothing_lost("quota");
    disk.limit(None);
    before.assert_mended(&scenario, "quota");
}

fn starve(disk: &FileSystem, scenario: &Scenario, story: &str, left: u64) {
    let (log, text) = (scenario.live("app.log"), text_of("app", 4 << 20));
    files::write(&log, &text).expect("room");
    let before = Before::nothing().log(&log, text);
    let filler = disk.fill_up_to(left);
    let ran = scenario.rotate();
    assert!(matches!(ran.code, Some(3 | 4)), "{story}: there is no room, and yet: {ran:#?}");
    before.assert_live_paths(story);
    before.assert_nothing_lost(story);
    fs::remove_file(filler).expect("our own file");
    before.assert_mended(scenario, story);
}

fn plain_scenario(disk: Option<(&FileSystem, bool)>, compress: &str) -> Scenario {
    let mut scenario = Scenario::new();
    if let Some((disk, state_too)) = disk {
        scenario = scenario.logs_in(disk.path());
        if state_too {
            scenario = scenario.state_in(disk.path());
        }
    }
    scenario.settings(&format!(
        "host = \"test\"\nlogrotate = \"\"\n[defaults]\ncompress = \"{compress}\"\n[[log]]\nname = \"app\"\npaths = [\"{{logs}}/*.log\"]\n\
         when = {{ any = [\"1 KiB\"] }}\nkeep = {{ count = 100 }}\nclose-wait = \"2s\"\n"
    ))
}
