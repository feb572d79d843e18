//! A run that ships is cut off at each call to S3 in turn, before the server hears of it and after it did what was asked, and killed
//! at each of these moments; and it is killed before, and refused at, each of its own calls to the kernel. One more run, and each archive is
//! in the bucket once, named once, signed for, and no upload is left.
#![expect(clippy::unwrap_used, reason = "a story fails loudly")]

mod support;

use std::{fs, path::PathBuf, time::Duration};

use support::{
    Dice,
    ambush::Moment,
    needs::{self, TRACES},
    process::Process,
    scenario::Ran,
    seaweed::{SEAWEED, sha256},
    strace::{self, Blow, Strike, Traced},
    sweep::in_parallel,
    trace::{Act, Call},
    waylaid::{Sweep, Waylaid, Ways},
};

const SHIP: &[&str] = &["--format", "json", "ship"];
/// Two parts.
const LARGE: usize = (8 << 20) + 1000;

/// A machine that ships.
fn machine() -> Waylaid {
    Waylaid::new("compress = \"none\"", SHIP)
}

fn shipped(story: Waylaid) -> Waylaid {
    story.scene.ship().exits(0);
    story.scene.rotate().exits(0);
    story
}

fn without_its_memory(story: Waylaid) -> Waylaid {
    story.scene.forget();
    story
}

/// What the run writes to on this machine. Its other threads write to none of that, so that the calls about it come in one order.
fn own_paths(Waylaid { scene, bucket, .. }: &Waylaid) -> Vec<PathBuf> {
    let (state, receipts) = (scene.state(), scene.spool().join("receipts"));
    let record = |kind: &str, of: &str| format!("{kind}-{}", &sha256(of.as_bytes())[..16]);
    let url = bucket.url();
    // Where it is now, and where it was once.
    let chain = [&receipts, state].map(|folder| folder.join(record("chain", &url)));
    let key = |parcel: serde_json::Value| parcel["key"].as_str().unwrap().to_owned();
    let uploads = scene.parcels().into_values().map(|parcel| state.join(record("upload", &format!("{url} {}", key(parcel)))));
    let records = uploads.chain(chain).flat_map(|path| ["json", "new"].map(|end| path.with_extension(end)));
    let known = ["logs-ship.lock", "history.jsonl"].map(|name| state.join(name));
    records.chain(known).chain([state.to_owned(), receipts.join(".new.json"), receipts]).collect()
}

/// A run that is struck.
fn struck(story: &Waylaid, strike: Option<&Strike>) -> Traced {
    strace::run_on(&story.command(), strike, &own_paths(story))
}

/// How many parcels somebody signed for; each of these is in the bucket, and named there.
fn signed(Waylaid { scene, bucket, .. }: &Waylaid, story: &str) -> usize {
    let (signed, named) = (scene.receipts(), bucket.named());
    for path in &signed {
        let receipt: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let key = receipt["key"].as_str().unwrap();
        assert!(named.iter().any(|known| known == key), "{story}: signed for, and not named: {receipt:#}");
    }
    signed.len()
}

/// Once more, undisturbed.
fn ends_well(machine: Waylaid, story: &str) {
    let well = |ran: Ran| {
        assert_eq!(ran.code, Some(0), "{story}: {ran:#?}");
        ran
    };
    let Waylaid { scene, bucket, texts, .. } = &machine;
    let parcels = scene.parcels().len();
    well(scene.ship());
    bucket.assert_shipped(texts, story);
    assert_eq!(signed(&machine, story), parcels, "{story}");
    well(scene.run(&["--format", "json", "verify", &bucket.url()]));
    assert_eq!(well(scene.rotate()).steps("settle", "done").len(), parcels, "{story}");
    well(scene.ship());
    assert_eq!(scene.spooled(), [].into(), "{story}");
    bucket.assert_shipped(texts, story);
    machine.bucket.leave();
}

/// Tells the story whole, then once for each call, victim and moment.
fn sweep(name: &str, least: usize, story: &(dyn Fn() -> Waylaid + Sync)) {
    let held = |machine: &Waylaid, story: &str| {
        signed(machine, story);
    };
    Sweep { name, least, ways: support::by_tier(Ways::ByTurns, Ways::All), story, held: &held, ends_well: &ends_well }.run();
}

/// Tells the story whole, then once for each call to the kernel and what may come of it.
fn sweep_own_calls(name: &str, least: usize, story: &(dyn Fn() -> Waylaid + Sync)) {
    if !needs::met(SEAWEED) || !needs::met(TRACES) {
        return;
    }
    let whole = story();
    let traced = struck(&whole, None);
    assert!(traced.ended.status.success(), "{name}: {traced:#?}");
    ends_well(whole, name);
    let threads = traced.trace.busy_threads();
    assert_eq!(threads.len(), 1, "{name}: ranks count per thread, so one must make all the calls: {threads:?}");
    let calls = traced.trace.cut_points();
    assert!(calls.len() >= least, "{name}: {calls:#?}");
    let blows = |call: &&Call| {
        let strike = |blow| Strike { call: call.name.clone(), rank: call.rank, blow };
        let refuses = |errno: &'static str| match (call.act(), errno) {
            (None | Some(Act::Signal), _) | (Some(Act::Remove(_)), "ENOSPC") => None,
            _ => Some(strike(Blow::Error(errno))),
        };
        [Some(strike(Blow::Kill)), refuses("ENOSPC"), refuses("EIO")]
    };
    let strikes: Vec<Strike> = calls.iter().flat_map(blows).flatten().step_by(support::by_tier(5, 1)).collect();
    in_parallel(&strikes, |strike| {
        let told = format!("{name}, {strike:?}");
        let story = story();
        let traced = struck(&story, Some(strike));
        let (ends, hit) = match strike.blow {
            Blow::Kill => (true, traced.ended.was_killed()),
            _ => (matches!(traced.ended.code(), Some(0 | 1 | 3 | 4)), traced.trace.calls.iter().any(Call::injected)),
        };
        assert!(ends && hit, "{told}: {traced:#?}");
        signed(&story, &told);
        ends_well(story, &told);
    });
    support::say(&format!("{name}: calls in the trace {}, blows {}", calls.len(), strikes.len()));
}

#[test]
fn struck_at_any_call_to_the_kernel_of_a_first_run() {
    sweep_own_calls("first, own", 30, &|| machine().waiting(&[("large", LARGE)]));
}

#[test]
fn struck_at_any_call_to_the_kernel_of_a_run_that_goes_on_with_a_chain() {
    sweep_own_calls("goes on, own", 30, &|| shipped(machine().waiting(&[("a", 3000)])).waiting(&[("large", LARGE)]));
}

#[test]
fn struck_at_any_call_to_the_kernel_of_a_run_that_follows_a_killed_upload() {
    let story = || machine().waiting(&[("large", LARGE)]).killed_at("POST test_large uploadId", Moment::Before);
    sweep_own_calls("anew, own", 20, &story);
}

#[test]
fn cut_at_any_call_of_a_first_run() {
    sweep("first", 11, &|| machine().waiting(&[("a", 3000), ("b", 4000), ("large", LARGE)]));
}

#[test]
fn cut_at_any_call_of_a_run_that_goes_on_with_a_chain() {
    sweep("goes on", 5, &|| shipped(machine().waiting(&[("a", 3000)])).waiting(&[("a", 4000), ("b", 2000)]));
}

#[test]
fn cut_at_any_call_of_a_run_that_goes_on_with_what_a_killed_run_was_about_to_say() {
    const SEGMENT: &str = "PUT 0000000001.json";
    sweep("concludes", 5, &|| {
        machine().waiting(&[("a", 3000), ("b", 4000)]).killed_at(SEGMENT, Moment::Before).waiting(&[("c", 2000)])
    });
}

#[test]
fn cut_at_any_call_of_a_run_that_follows_a_killed_upload() {
    sweep("anew", 8, &|| machine().waiting(&[("large", LARGE)]).killed_at("POST test_large uploadId", Moment::Before));
}

#[test]
fn cut_at_any_call_of_a_run_without_its_memory() {
    // What the segment names is not signed for, and must not be named again.
    const SEGMENT: &str = "PUT 0000000001.json";
    let killed = || machine().waiting(&[("a", 3000)]).killed_at(SEGMENT, Moment::After);
    let story = || without_its_memory(killed()).waiting(&[("b", 2000)]);
    sweep("resumes", 5, &story);
}

#[test]
fn killed_at_any_moment_with_all_threads() {
    if !needs::met(SEAWEED) {
        return;
    }
    let (rounds, mut dice, mut killed) = (support::by_tier(12, 200), Dice::seeded(4), 0);
    let mut story = machine();
    story.scene.change_settings("parallel = 1", "parallel = 4");
    for round in 0..rounds {
        let [one, other, large] = ["one", "other", "large"].map(|name| format!("{name}-{round}"));
        let logs = [(one.as_str(), 3000), (&other, 4000), (&large, if round % 4 == 0 { LARGE } else { 2000 })];
        story = story.waiting(&logs);
        let mut run = Process::start(&mut story.scene.command(SHIP));
        killed += usize::from(!run.ends_within(Duration::from_millis(dice.below(200))));
        run.kill_whole();
        drop(run);
        signed(&story, &format!("round {round}"));
    }
    support::say(&format!("killed at any moment: {killed} of {rounds} runs"));
    assert!(killed > rounds / 4, "{killed} of {rounds} runs were killed");
    ends_well(story, "killed at any moment");
}
