//! A run that collects is killed before, and refused at, each of its calls: the next one keeps each finished file once, and
//! what the writer deleted meanwhile is kept or told.

mod support;

use std::collections::BTreeSet;

use support::{
    collection::{Writers, archived, assert_clean, delete_all_finished, finished, gaps, kept, write_all_finished_anew},
    needs::{self, TRACES},
    scene::Scene,
    strace::{self, Blow, Strike, Traced},
    sweep::Sweep,
    trace::Act,
};

const ROTATE: &[&str] = &["--format", "json", "rotate"];

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
    for (compress, archives) in [("zstd", false), ("gzip", true), ("as-is", false), ("as-is", true)] {
        let elsewhere = tempfile::tempdir().expect("a temporary folder");
        let archives_in = archives.then_some(elsewhere.path());
        sweep(
            &format!("kill, collect, {compress}"),
            &|| Writers { compress, archives_in, ..Writers::default() }.play(),
            &|scene, strike, _| {
                let story = format!("{compress}: killed before {} #{}", strike.call, strike.rank);
                strace::run(&scene.scenario.command(ROTATE), Some(&second(strike)));
                let ran = scene.scenario.rotate();
                assert_eq!((ran.code, gaps(&ran)), (Some(0), BTreeSet::new()), "{story}: {ran:#?}");
                assert_eq!(kept(scene), finished(0..3), "{story}");
                assert_clean(scene, &story);
            },
        );
    }
}

#[test]
fn killed_before_any_call_nothing_that_a_rule_removed_is_collected_again() {
    sweep("kill, collect, keep 1", &|| Writers { keep: 1, ..Writers::default() }.play(), &|scene, strike, _| {
        let story = format!("killed before {} #{}", strike.call, strike.rank);
        strace::run(&scene.scenario.command(ROTATE), Some(&second(strike)));
        let ran = scene.scenario.rotate();
        assert_eq!(ran.code, Some(0), "{story}: {ran:#?}");
        scene.scenario.rotate().exits(0);
        assert_eq!(kept(scene), finished(2..3), "{story}");
        assert_clean(scene, &story);
    });
}

#[test]
fn killed_before_any_call_what_its_writer_deletes_then_is_kept_or_told() {
    sweep("kill, collect, deleted", &|| Writers::default().play(), &|scene, strike, _| {
        let story = format!("killed before {} #{}", strike.call, strike.rank);
        delete_all_finished(&scene.scenario);
        let ran = scene.scenario.rotate();
        let kept = kept(scene);
        let lost: BTreeSet<String> = finished(0..3).into_iter().filter(|line| !kept.contains(line)).collect();
        assert_eq!(kept.len() + lost.len(), 6, "{story}: nothing twice: {kept:?}");
        let logs: BTreeSet<String> = lost.iter().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
        assert_eq!(gaps(&ran), logs, "{story}: lost: {lost:?}, told: {ran:#?}");
        assert_clean(scene, &story);
    });
}

#[test]
fn killed_before_any_call_no_archive_goes_with_a_file_that_is_written_anew() {
    sweep("kill, collect, written anew", &|| Writers::default().play(), &|scene, strike, _| {
        let story = format!("killed before {} #{}", strike.call, strike.rank);
        let before = archived(scene);
        write_all_finished_anew(&scene.scenario, 7);
        let mut ran = (0..4).map(|_| scene.scenario.rotate());
        assert!(ran.all(|ran| matches!(ran.code, Some(0 | 1))), "{story}");
        let kept: BTreeSet<String> = kept(scene).into_iter().collect();
        assert!(before.is_subset(&kept), "{story}: {before:?} were archived, and {kept:?} are");
        assert!(["one 7", "two 7"].iter().all(|line| kept.contains(*line)), "{story}: {kept:?}");
        assert_clean(scene, &story);
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
            scene: &|| Writers::default().play(),
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
                let mut kept = kept(scene);
                kept.sort();
                assert_eq!(kept, finished(0..3), "{story}");
                assert_clean(scene, &story);
            },
        }
        .run(0, 1);
    }
}
