//! A run that hands over, ships, takes back or prunes is killed before, and refused at, each of its calls: one more turn, and each
//! archive is in the store once, named once, and nothing is left on the way.

mod support;

use std::fs;

use support::{
    aftermath::Before,
    needs::{self, TRACES},
    scenario::{Ran, Scenario, text_of},
    scene::Scene,
    strace::{Blow, Strike, Traced},
    sweep::Sweep,
    trace::Act,
};

const ROTATE: &[&str] = &["--format", "json", "rotate"];
const SHIP: &[&str] = &["--format", "json", "ship"];
const DIRECT: &[&str] = &["--format", "json", "direct"];
const PRUNE: &[&str] = &["--format", "json", "prune", "--apply"];
const TURNS: usize = 3;

fn text(turn: usize) -> Vec<u8> {
    text_of(&format!("turn {turn}"), 3000)
}

/// A log, of which some turns are rotated, and of these some are in the store; of both some are taken back.
fn scene(rotated: usize, shipped: usize, settled: usize) -> Scene {
    let scenario = Scenario::new().shipping_under("parallel = 1", "", "keep = { count = 1 }");
    let turn = |turn: usize| {
        scenario.append("app.log", text(turn));
        if turn < rotated {
            scenario.rotate().exits(0);
        }
    };
    (0..settled).for_each(turn);
    if settled > 0 {
        scenario.ship().exits(0);
        scenario.rotate().exits(0);
    }
    (settled..TURNS.min(rotated + 1)).for_each(turn);
    if shipped > settled {
        scenario.ship().exits(0);
    }
    Scene { scenario, before: Before::default() }
}

/// Lines of one day.
fn day(day: u32) -> Vec<u8> {
    let line = |hour: u32| format!("2026-10-{day:02}T{hour:02}:00:00Z says {}\n", "x".repeat(100));
    (0..12).map(line).collect::<String>().into_bytes()
}

/// A log of two days, or one that is rotated and in the store, and has more to be rotated.
fn scene_of_days(shipped: bool) -> Scene {
    let scenario = Scenario::new().shipping_under("parallel = 1", "", "keep = { count = 1 }");
    scenario.append("app.log", [day(10), day(11)].concat());
    if shipped {
        scenario.rotate().exits(0);
        scenario.ship().exits(0);
        scenario.append("app.log", text(0));
    }
    Scene { scenario, before: Before::default() }
}

/// Two archives that are enough only together: the second one is still to be made, or both are in the store and there is more.
fn scene_of_several(shipped: bool) -> Scene {
    let store = "min-object = \"1 KiB\"\nmax-delay = \"12h\"";
    let scenario = Scenario::new().shipping_under("parallel = 1", store, "keep = { count = 1 }");
    scenario.append("app.log", day(10));
    let first = scenario.rotate().exits(0);
    assert_eq!(first.steps("hand-over", "waiting").len(), 1, "it is not enough alone: {first:#?}");
    scenario.append("app.log", day(10));
    if shipped {
        scenario.rotate().exits(0);
        scenario.ship().exits(0);
        scenario.append("app.log", text_of("large", 9000));
    }
    Scene { scenario, before: Before::default() }
}

fn texts(turns: usize) -> Vec<Vec<u8>> {
    (0..turns).map(text).collect()
}

/// Whose segment could not be made: the next run says what this one was about to say.
fn begun(scene: Scene) -> Scene {
    let odd = scene.scenario.store().join("_opsbelt/manifests/test/0000000001.json");
    fs::create_dir_all(&odd).expect("our own tree");
    scene.scenario.ship().exits(3);
    fs::remove_dir(odd).expect("our own tree");
    scene
}

/// Whoever is struck has signed for nothing that the store does not have, under its name, and name.
fn assert_signed_for_what_is_named(scenario: &Scenario, story: &str) {
    let segments = serde_json::Value::from(scenario.segments()).to_string();
    for path in scenario.receipts() {
        let receipt: serde_json::Value =
            serde_json::from_slice(&fs::read(&path).expect("it was listed")).expect("a receipt is JSON");
        let key = receipt["key"].as_str().expect("it names an object");
        assert!(segments.contains(key), "{story}: signed for, and not named: {key}");
        assert!(scenario.store().join(key).exists(), "{story}: signed for, and not there: {key}");
    }
}

/// What must be true after one more turn of both sides, and one that tidies up: receipts go when what they are for is taken back.
fn ends_well(scene: &Scene, texts: &[Vec<u8>], story: &str) {
    let scenario = &scene.scenario;
    let well = |ran: Ran| assert_eq!(ran.code, Some(0), "{story}: {ran:#?}");
    for _ in 0..2 {
        well(scenario.rotate());
        well(scenario.ship());
    }
    scenario.assert_shipped(texts, story);
    assert_eq!(scenario.archives("app.log").len(), 1, "{story}: the rule removes what is in the store");
}

/// Four archives in the store, of which the rule wants one; one went before.
fn to_prune() -> Scene {
    let scenario = Scenario::new().shipping_under("parallel = 1", "", "store-keep = { count = 1 }");
    for number in 0..4 {
        scenario.append("app.log", text(number));
        scenario.rotate().exits(0);
        scenario.ship().exits(0);
        scenario.rotate().exits(0);
        if number == 1 {
            scenario.run(PRUNE).exits(0);
        }
    }
    Scene { scenario, before: Before::default() }
}

/// What must be true after one more run: what goes is gone, with one tombstone, in one chain, and the rest is there.
fn pruned_well(scene: &Scene, story: &str) {
    let scenario = &scene.scenario;
    let ran = scenario.run(PRUNE);
    assert_eq!(ran.code, Some(0), "{story}: {ran:#?}");
    assert!(scenario.objects().into_values().eq([text(3)]), "{story}: {:?}", scenario.objects().keys());
    let removed = scenario.segments().into_iter().flat_map(|segment| segment["removed"].as_array().cloned().unwrap_or_default());
    assert_eq!(removed.count(), 3, "{story}: each is said once");
    let ran = scenario.run(&["--format", "json", "verify", &format!("file://{}", scenario.store().display())]);
    assert_eq!((ran.code, ran.json()["findings"].as_array().map(Vec::len)), (Some(0), Some(0)), "{story}: {ran:#?}");
    assert_eq!(scenario.run(PRUNE).summary(), "nothing to remove; 1 object stays", "{story}");
}

/// Logs that were rotated and wait here for the store; one that the store has and somebody had open; and one more to be rotated.
fn direct(rotated: usize, held: bool) -> Scene {
    let scenario = Scenario::new().shipping_under("parallel = 1", "", "ship = \"direct\"");
    for turn in 0..=rotated {
        scenario.append("app.log", text(turn));
        if turn < rotated {
            scenario.rotate().exits(0);
        }
        if held && turn == 0 {
            let writer = scenario.writer(&scenario.archives("app.log")[0]);
            scenario.run(DIRECT).exits(0);
            drop(writer);
        }
    }
    Scene { scenario, before: Before::default() }
}

/// The same of one log of two days.
fn direct_days() -> Scene {
    let scenario = Scenario::new().shipping_under("parallel = 1", "", "ship = \"direct\"");
    scenario.append("app.log", [day(10), day(11)].concat());
    scenario.rotate().exits(0);
    Scene { scenario, before: Before::default() }
}

/// What must be true after one more turn: what is not here is in the store, and by then that is everything. Whatever was struck, nothing is
/// missing: what is not in the store, and named, is here.
fn shipped_well(scene: &Scene, texts: &[Vec<u8>], story: &str) {
    let scenario = &scene.scenario;
    let named = serde_json::Value::from(scenario.segments()).to_string();
    let stored = scenario.objects().into_iter().filter(|(key, _)| named.contains(key.as_str())).map(|(_, text)| text);
    let files = scenario.archives("app.log").into_iter().chain(["app.log".to_owned()]);
    let here = files.map(|name| fs::read(scenario.logs().join(name)).expect("it was listed"));
    let all: Vec<Vec<u8>> = stored.chain(here).collect();
    for text in texts {
        assert!(all.iter().any(|one| one.windows(text.len()).any(|part| part == text)), "{story}: neither here nor there");
    }
    let well = |ran: Ran| assert_eq!(ran.code, Some(0), "{story}: {ran:#?}");
    for _ in 0..2 {
        well(scenario.rotate());
        well(scenario.run(DIRECT));
    }
    scenario.assert_shipped(texts, story);
    assert_eq!(scenario.archives("app.log"), [""; 0], "{story}: what the store has goes");
}

fn sweep(name: &str, args: &[&str], scene: &(dyn Fn() -> Scene + Sync), texts: &[Vec<u8>], least: usize) {
    swept(name, args, scene, &|scene, story| ends_well(scene, texts, story), least);
}

fn swept(name: &str, args: &[&str], scene: &(dyn Fn() -> Scene + Sync), ends_well: &(dyn Fn(&Scene, &str) + Sync), least: usize) {
    if !needs::met(TRACES) {
        return;
    }
    for errno in [None, Some("ENOSPC"), Some("EIO")] {
        let blows = |call: &support::trace::Call| match (errno, call.act()) {
            (None, _) => vec![Blow::Kill],
            (Some(_), None | Some(Act::Signal)) | (Some("ENOSPC"), Some(Act::Remove(_))) => Vec::new(),
            (Some(errno), Some(_)) => vec![Blow::Error(errno)],
        };
        let check = |scene: &Scene, strike: &Strike, traced: &Traced| {
            let story = format!("{name}, {strike:?}: {}", traced.ended.stderr);
            let ends =
                if errno.is_some() { matches!(traced.ended.code(), Some(0 | 1 | 3 | 4)) } else { traced.ended.was_killed() };
            assert!(ends, "{story}: {traced:#?}");
            assert_signed_for_what_is_named(&scene.scenario, &story);
            ends_well(scene, &story);
        };
        // In the CI tier each call is killed at, and each third one refused.
        let step = if errno.is_some() { support::by_tier(3, 1) } else { 1 };
        let swept = Sweep { name, scene, args, blows: &blows, check: &check }.run(0, step);
        assert!(swept.struck >= least / step, "{name}: {swept:?}");
    }
}

#[test]
fn struck_at_any_call_of_a_run_that_hands_over() {
    sweep("hand over", ROTATE, &|| scene(0, 0, 0), &texts(1), 30);
}

#[test]
fn struck_at_any_call_of_a_run_that_ships() {
    sweep("ship", SHIP, &|| scene(2, 0, 0), &texts(3), 30);
}

#[test]
fn struck_at_any_call_of_a_run_that_ships_more() {
    sweep("ship more", SHIP, &|| scene(3, 0, 1), &texts(3), 30);
}

#[test]
fn struck_at_any_call_of_a_run_that_says_what_an_earlier_one_was_about_to_say() {
    sweep("conclude", SHIP, &|| begun(scene(2, 0, 0)), &texts(3), 20);
}

#[test]
fn struck_at_any_call_of_a_run_that_takes_back_and_removes() {
    sweep("take back", ROTATE, &|| scene(2, 2, 0), &texts(3), 30);
}

#[test]
fn struck_at_any_call_of_a_run_that_hands_over_a_log_of_two_days() {
    sweep("hand over days", ROTATE, &|| scene_of_days(false), &[day(10), day(11)], 40);
}

#[test]
fn struck_at_any_call_of_a_run_that_takes_back_a_log_of_two_days() {
    sweep("take back days", ROTATE, &|| scene_of_days(true), &[day(10), day(11), text(0)], 30);
}

#[test]
fn struck_at_any_call_of_a_run_that_hands_over_several_together() {
    sweep("hand over several", ROTATE, &|| scene_of_several(false), &[[day(10), day(10)].concat()], 40);
}

#[test]
fn struck_at_any_call_of_a_run_that_takes_back_several_together() {
    let texts = [[day(10), day(10)].concat(), text_of("large", 9000)];
    sweep("take back several", ROTATE, &|| scene_of_several(true), &texts, 30);
}

#[test]
fn struck_at_any_call_of_a_run_that_prunes() {
    swept("prune", PRUNE, &to_prune, &pruned_well, 8);
}

#[test]
fn struck_at_any_call_of_a_run_that_ships_directly() {
    swept("direct", DIRECT, &|| direct(2, false), &|scene, story| shipped_well(scene, &texts(3), story), 30);
}

#[test]
fn struck_at_any_call_of_a_run_that_removes_what_it_shipped_before() {
    swept("direct, held", DIRECT, &|| direct(2, true), &|scene, story| shipped_well(scene, &texts(3), story), 30);
}

#[test]
fn struck_at_any_call_of_a_run_that_ships_a_log_of_two_days_directly() {
    swept("direct days", DIRECT, &direct_days, &|scene, story| shipped_well(scene, &[day(10), day(11)], story), 30);
}

#[test]
fn struck_at_any_call_of_a_run_that_rotates_what_is_shipped_directly() {
    swept("rotate, direct", ROTATE, &|| direct(1, false), &|scene, story| shipped_well(scene, &texts(2), story), 15);
}
