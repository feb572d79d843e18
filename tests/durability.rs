//! Each sync of a rotation is needed: take any one away, and the record of the run shows what could be lost.
//!
//! A model of the least that file systems grant judges the traced calls; with every sync in place it must
//! find nothing, and with any one answered by a lie it must object.

mod support;

use std::fs;

use support::{
    collection::Writers,
    durable::Model,
    needs::{self, TRACES},
    scene::{Scene, Script},
    strace::{self, Blow, Strike, Traced},
    sweep,
    trace::Call,
};

const ROTATE: &[&str] = &["--format", "json", "rotate"];

#[test]
fn each_sync_of_a_rotation_is_needed() {
    each_sync_is_needed("a rotation", &|| Script::default().play());
}

#[test]
fn each_sync_of_a_gzip_rotation_is_needed() {
    each_sync_is_needed("a gzip rotation", &|| Script { compress: "gzip", ..Script::default() }.play());
}

#[test]
fn each_sync_of_an_uncompressed_rotation_is_needed() {
    each_sync_is_needed("no compression", &|| Script { compress: "none", ..Script::default() }.play());
}

#[test]
fn each_sync_is_needed_with_archives_elsewhere() {
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    each_sync_is_needed("archives elsewhere", &|| Script { archives_in: Some(elsewhere.path()), ..Script::default() }.play());
}

#[test]
fn each_sync_of_the_first_run_is_needed() {
    each_sync_is_needed("the first run", &|| {
        let scene = Script { history: 0, ..Script::default() }.play();
        fs::remove_dir_all(scene.scenario.state()).expect("our own tree");
        scene
    });
}

#[test]
fn each_sync_of_a_run_that_rewrites_the_ledger_is_needed() {
    each_sync_is_needed("a damaged ledger", &|| {
        let scene = Script::default().play();
        scene.damage_ledger();
        scene
    });
}

#[test]
fn each_sync_of_a_run_that_tidies_the_ledger_is_needed() {
    each_sync_is_needed("a long ledger", &|| {
        let scene = Script::default().play();
        scene.lengthen_ledger();
        scene
    });
}

#[test]
fn each_sync_of_a_rotation_in_place_is_needed() {
    each_sync_is_needed("in place", &|| Script { method: "in-place", ..Script::default() }.play());
}

#[test]
fn each_sync_of_a_rotation_in_place_is_needed_with_archives_elsewhere() {
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let script = || Script { method: "in-place", compress: "gzip", archives_in: Some(elsewhere.path()), ..Script::default() };
    each_sync_is_needed("in place, archives elsewhere", &|| script().play());
}

#[test]
fn each_sync_of_a_run_that_collects_is_needed() {
    for compress in ["zstd", "gzip", "as-is"] {
        each_sync_is_needed(&format!("collect, {compress}"), &|| Writers { compress, ..Writers::default() }.play());
    }
}

#[test]
fn each_sync_of_a_run_that_collects_is_needed_with_archives_elsewhere() {
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let archives_in = Some(elsewhere.path());
    for compress in ["zstd", "as-is"] {
        let name = format!("collect, {compress}, archives elsewhere");
        each_sync_is_needed(&name, &|| Writers { compress, archives_in, ..Writers::default() }.play());
    }
}

fn each_sync_is_needed(name: &str, scene: &(dyn Fn() -> Scene + Sync)) {
    if !needs::met(TRACES) {
        return;
    }
    let (whole, model) = judged(&scene(), None);
    assert!(matches!(whole.ended.code(), Some(0 | 1 | 3)), "{whole:#?}");
    assert_eq!(model.broken, Vec::<String>::new(), "{name}: with all syncs in place");
    let is_sync = |call: &&Call| matches!(call.name.as_str(), "fsync" | "fdatasync" | "syncfs" | "sync");
    // A sync that finds nothing of this run is for what a killed run left; `power_cuts.rs` looks after those.
    let idle = |call: &&Call| model.idle_syncs.contains(&(call.name.clone(), call.rank));
    let syncs: Vec<&Call> = whole.trace.calls.iter().filter(is_sync).filter(|call| !idle(call)).collect();
    assert!(syncs.len() >= 4, "{name}: so few syncs cannot be enough: {syncs:#?}");
    sweep::in_parallel(&syncs, |sync| {
        let lie = Strike { call: sync.name.clone(), rank: sync.rank, blow: Blow::Lie };
        let (traced, model) = judged(&scene(), Some(&lie));
        assert!(traced.trace.calls.iter().any(Call::injected), "{name}: {} was not struck", sync.shown());
        assert!(!model.broken.is_empty(), "{name}: nobody misses {}", sync.shown());
    });
    support::say(&format!("{name}: {} syncs, each one missed when it is taken away", syncs.len()));
}

fn judged(scene: &Scene, lie: Option<&Strike>) -> (Traced, Model) {
    let ledger = scene.scenario.state().join("ledger.jsonl");
    let before = fs::read_to_string(&ledger).unwrap_or_default();
    let traced = strace::run(&scene.scenario.command(ROTATE), lie);
    let model = Model::judge(&traced.trace, &ledger, &before);
    (traced, model)
}
