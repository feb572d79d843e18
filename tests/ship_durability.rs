//! Each sync on the way into a store is needed: take any one away, and the record of the run shows what a power cut could lose.

mod support;

use std::{collections::BTreeSet, fs};

use support::{
    aftermath::Before,
    durable::Model,
    needs::{self, TRACES},
    scenario::{Scenario, text_of},
    scene::Scene,
    strace::{self, Blow, Strike, Traced},
    sweep,
    trace::Call,
    voyage::Voyage,
};

const ROTATE: &[&str] = &["--format", "json", "rotate"];
const SHIP: &[&str] = &["--format", "json", "ship"];
const DIRECT: &[&str] = &["--format", "json", "direct"];

/// A log of two turns, of which the first is rotated, and shipped.
fn scene(rotated: bool, shipped: bool) -> Scene {
    let scenario = Scenario::new().shipping_under("parallel = 1", "", "keep = { count = 1 }");
    scenario.append("app.log", text_of("turn 0", 3000));
    if rotated {
        scenario.rotate().exits(0);
        scenario.append("app.log", text_of("turn 1", 3000));
    }
    if shipped {
        scenario.ship().exits(0);
    }
    Scene { scenario, before: Before::nothing() }
}

/// A log that was rotated and waits here for the store; one that the store has, and somebody had open; or both.
fn direct(held: bool, waits: bool) -> Scene {
    let scenario = Scenario::new().shipping_under("parallel = 1", "", "ship = \"direct\"");
    for turn in [(held, true), (waits, false)].into_iter().filter_map(|(is, held)| is.then_some(held)) {
        scenario.append("app.log", text_of(if turn { "held" } else { "waits" }, 3000));
        scenario.rotate().exits(0);
        if turn {
            let writer = scenario.writer(&scenario.archives("app.log")[0]);
            scenario.run(DIRECT).exits(0);
            drop(writer);
        }
    }
    Scene { scenario, before: Before::nothing() }
}

#[test]
fn each_sync_of_the_first_hand_over_is_needed() {
    each_sync_is_needed("hand over", ROTATE, 8, &|| scene(false, false));
}

#[test]
fn each_sync_of_a_run_that_ships_is_needed() {
    each_sync_is_needed("ship", SHIP, 8, &|| scene(true, false));
}

#[test]
fn each_sync_of_a_run_that_says_what_an_earlier_one_was_about_to_say_is_needed() {
    each_sync_is_needed("conclude", SHIP, 6, &|| {
        let scene = scene(true, false);
        let odd = scene.scenario.store().join("_opsbelt/manifests/test/0000000001.json");
        fs::create_dir_all(&odd).expect("our own tree");
        scene.scenario.ship().exits(3);
        fs::remove_dir(odd).expect("our own tree");
        scene
    });
}

#[test]
fn each_sync_of_a_run_that_takes_back_and_hands_over_and_removes_is_needed() {
    each_sync_is_needed("take back", ROTATE, 12, &|| scene(true, true));
}

#[test]
fn each_sync_of_a_first_run_that_ships_directly_is_needed() {
    each_sync_is_needed("direct", DIRECT, 12, &|| direct(false, true));
}

#[test]
fn each_sync_of_a_run_that_ships_more_directly_and_removes_what_it_shipped_before_is_needed() {
    each_sync_is_needed("direct, more", DIRECT, 10, &|| direct(true, true));
}

fn each_sync_is_needed(name: &str, args: &[&str], least: usize, scene: &(dyn Fn() -> Scene + Sync)) {
    if !needs::met(TRACES) {
        return;
    }
    let (whole, broken, idle) = judged(&scene(), args, None);
    assert!(whole.ended.status.success(), "{whole:#?}");
    assert_eq!(broken, Vec::<String>::new(), "{name}: with all syncs in place");
    let is_sync = |call: &&Call| matches!(call.name.as_str(), "fsync" | "fdatasync" | "syncfs" | "sync");
    // A sync that finds nothing of this run is for what a killed run left; power cuts look after those.
    let busy = |call: &&Call| !idle.contains(&(call.name.clone(), call.rank));
    let syncs: Vec<&Call> = whole.trace.calls.iter().filter(is_sync).filter(busy).collect();
    assert!(syncs.len() >= least, "{name}: so few syncs cannot be enough: {syncs:#?}");
    sweep::in_parallel(&syncs, |sync| {
        let lie = Strike { call: sync.name.clone(), rank: sync.rank, blow: Blow::Lie };
        let (traced, broken, _) = judged(&scene(), args, Some(&lie));
        assert!(traced.trace.calls.iter().any(Call::injected), "{name}: {} was not struck", sync.shown());
        assert!(!broken.is_empty(), "{name}: nobody misses {}", sync.shown());
    });
    support::say(&format!("{name}: {} syncs, each one missed when it is taken away", syncs.len()));
}

/// What the run did, the rules that it broke, and the syncs that found nothing to do.
fn judged(scene: &Scene, args: &[&str], lie: Option<&Strike>) -> (Traced, Vec<String>, BTreeSet<(String, usize)>) {
    let ledger = scene.scenario.state().join("ledger.jsonl");
    let before = fs::read_to_string(&ledger).unwrap_or_default();
    let traced = strace::run(&scene.scenario.command(args), lie);
    let voyage = Voyage::judge(&traced.trace);
    let mut broken = voyage.broken;
    // Who ships knows of no ledger.
    if args != SHIP {
        broken.extend(Model::judge(&traced.trace, &ledger, &before).broken);
    }
    (traced, broken, voyage.idle)
}
