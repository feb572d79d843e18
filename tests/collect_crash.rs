//! A run that collects is killed before, and refused at, each of its calls: the next one keeps each finished file once, and
//! what the writer deleted meanwhile is kept or told.

mod support;

use std::{collections::BTreeSet, fs, path::Path};

use support::{
    aftermath::Before,
    needs::{self, TRACES},
    scenario::{Ran, Scenario},
    scene::Scene,
    strace::{self, Blow, Strike, Traced},
    sweep::Sweep,
    tally,
    trace::Act,
};

const ROTATE: &[&str] = &["--format", "json", "rotate"];

/// Of two logs the last look saw the first file; since then its writer has finished two, and one is live.
fn scene(compress: &str, keep: usize, archives: bool) -> Scene {
    let packed = if compress == "as-is" { ".gz" } else { "" };
    let compress = if compress == "as-is" { "zstd" } else { compress };
    let elsewhere = if archives { "archive-dir = \"{root}/kept\"\n" } else { "" };
    let scenario = Scenario::new().head(
        "parallel = 1",
        &format!(
            "method = \"collect\"\npaths = [\"{{logs}}/*.log\"]\ncompress = \"{compress}\"\nkeep = {{ count = {keep} }}\n{elsewhere}"
        ),
    );
    fs::create_dir(scenario.root().join("kept")).expect("our own tree");
    for turn in 0..4 {
        for log in ["one.log", "two.log"] {
            let name = |number: usize| scenario.live(&format!("{log}.{number}{packed}"));
            for number in (1..turn).rev() {
                fs::rename(name(number), name(number + 1)).expect("our own tree");
            }
            if turn > 0 {
                finish(&scenario.live(log), &name(1));
            }
            fs::write(scenario.live(log), format!("{log} {turn}\n").repeat(50)).expect("our own tree");
        }
        if turn < 2 {
            scenario.rotate().exits(0);
        }
    }
    Scene { scenario, before: Before::nothing() }
}

/// What a writer does with a file that it is done with.
fn finish(live: &Path, finished: &Path) {
    if finished.extension().is_none_or(|end| end != "gz") {
        return fs::rename(live, finished).expect("our own tree");
    }
    let mut packed =
        flate2::write::GzEncoder::new(fs::File::create(finished).expect("our own tree"), flate2::Compression::fast());
    std::io::copy(&mut fs::File::open(live).expect("our own tree"), &mut packed).expect("room");
    packed.finish().expect("room");
    fs::remove_file(live).expect("our own tree");
}

/// The first line of each archive or pin of ours, sorted by name.
fn kept(scenario: &Scenario) -> Vec<String> {
    let read = |folder: &Path| fs::read_dir(folder).expect("our own tree").map(|entry| entry.expect("listed").path());
    let mut files: Vec<_> = read(scenario.logs()).chain(read(&scenario.root().join("kept"))).collect();
    files.retain(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.contains("Z-0")));
    files.sort_by_key(|path| path.file_name().map(std::ffi::OsStr::to_os_string));
    let first = |path: &std::path::PathBuf| {
        let text = std::io::read_to_string(tally::plain(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(text.lines().count(), 50, "{}", path.display());
        text.lines().next().expect("it has lines").to_owned()
    };
    files.iter().map(first).collect()
}

fn all(turns: std::ops::Range<usize>) -> Vec<String> {
    ["one.log", "two.log"].iter().flat_map(|log| turns.clone().map(move |turn| format!("{log} {turn}"))).collect()
}

fn gaps(ran: &Ran) -> BTreeSet<String> {
    let findings = ran.json()["findings"].as_array().cloned().unwrap_or_default();
    let gaps = findings.iter().filter(|one| one["id"] == "logs.gap");
    gaps.map(|one| one["subject"].as_str().and_then(|path| path.rsplit('/').next()).expect("a path").to_owned()).collect()
}

fn second(strike: &Strike) -> Strike {
    let call = ["unlinkat", "linkat", "write", "fsync", "fdatasync", "renameat2"][strike.rank % 6].to_owned();
    Strike { call, rank: 1 + strike.rank % 5, blow: Blow::Kill }
}

fn sweep(name: &str, scene: &(dyn Fn() -> Scene + Sync), check: &(dyn Fn(&Scene, &Strike, &Traced) + Sync)) {
    if !needs::met(TRACES) {
        return;
    }
    let swept = Sweep { name, scene, args: ROTATE, blows: &|_| vec![Blow::Kill], check }.run(0, 1);
    assert!(swept.struck >= 20, "{name}: {swept:?}");
}

#[test]
fn killed_before_any_call_each_finished_file_is_kept_once() {
    for (compress, archives) in [("zstd", false), ("gzip", true), ("none", false), ("as-is", false), ("as-is", true)] {
        sweep(&format!("kill, collect, {compress}"), &|| scene(compress, 100, archives), &|scene, strike, _| {
            let story = format!("{compress}: killed before {} #{}", strike.call, strike.rank);
            strace::run(&scene.scenario.command(ROTATE), Some(&second(strike)));
            let ran = scene.scenario.rotate();
            assert_eq!((ran.code, gaps(&ran)), (Some(0), BTreeSet::new()), "{story}: {ran:#?}");
            assert_eq!(kept(&scene.scenario), all(0..3), "{story}");
            assert_clean(&scene.scenario, &story);
        });
    }
}

#[test]
fn killed_before_any_call_nothing_that_a_rule_removed_is_collected_again() {
    sweep("kill, collect, keep 1", &|| scene("zstd", 1, false), &|scene, strike, _| {
        let story = format!("killed before {} #{}", strike.call, strike.rank);
        strace::run(&scene.scenario.command(ROTATE), Some(&second(strike)));
        let ran = scene.scenario.rotate();
        assert_eq!(ran.code, Some(0), "{story}: {ran:#?}");
        scene.scenario.rotate().exits(0);
        assert_eq!(kept(&scene.scenario), all(2..3), "{story}");
        assert_clean(&scene.scenario, &story);
    });
}

#[test]
fn killed_before_any_call_what_its_writer_deletes_then_is_kept_or_told() {
    sweep("kill, collect, deleted", &|| scene("zstd", 100, false), &|scene, strike, _| {
        let story = format!("killed before {} #{}", strike.call, strike.rank);
        for name in scene.scenario.names("").into_iter().filter(|name| name.ends_with(['1', '2', '3']) && !name.contains("Z-0")) {
            fs::remove_file(scene.scenario.live(&name)).expect("our own tree");
        }
        let ran = scene.scenario.rotate();
        let kept = kept(&scene.scenario);
        let lost: BTreeSet<String> = all(0..3).into_iter().filter(|line| !kept.contains(line)).collect();
        assert_eq!(kept.len() + lost.len(), 6, "{story}: nothing twice: {kept:?}");
        let logs: BTreeSet<String> = lost.iter().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
        assert_eq!(gaps(&ran), logs, "{story}: lost: {lost:?}, told: {ran:#?}");
        assert_clean(&scene.scenario, &story);
    });
}

#[test]
fn refused_at_any_call_each_finished_file_is_kept_once() {
    if !needs::met(TRACES) {
        return;
    }
    for errno in ["ENOSPC", "EIO"] {
        Sweep {
            name: &format!("{errno}, collect"),
            scene: &|| scene("zstd", 100, false),
            args: ROTATE,
            blows: &|call| match call.act() {
                None | Some(Act::Signal) => Vec::new(),
                Some(Act::Remove(_)) if errno == "ENOSPC" => Vec::new(),
                Some(_) => vec![Blow::Error(errno)],
            },
            check: &|scene, strike, traced| {
                let story = format!("{errno} at {} #{}: {}", strike.call, strike.rank, traced.ended.stderr);
                assert!(matches!(traced.ended.code(), Some(0 | 3 | 4)), "{story}");
                let ran = scene.scenario.rotate();
                assert_eq!((ran.code, gaps(&ran)), (Some(0), BTreeSet::new()), "{story}: {ran:#?}");
                // One that could not be collected comes after younger ones that could: that none is lost counts more.
                let mut kept = kept(&scene.scenario);
                kept.sort();
                assert_eq!(kept, all(0..3), "{story}");
                assert_clean(&scene.scenario, &story);
            },
        }
        .run(0, 1);
    }
}

/// No debris, books in order, the writer's files as they are, and nothing left to do.
fn assert_clean(scenario: &Scenario, story: &str) {
    for log in ["one.log", "two.log"] {
        assert_eq!(fs::read_to_string(scenario.live(log)).expect("the live log"), format!("{log} 3\n").repeat(50), "{story}");
    }
    let hidden = scenario.names(".");
    assert!(hidden.is_empty(), "{story}: debris: {hidden:?}");
    assert_eq!(scenario.rotate().exits(0).summary(), "nothing to do", "{story}");
    scenario.run(&["verify"]).exits(0);
}
