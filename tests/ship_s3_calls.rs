//! A run that ships is cut off at each call to S3 in turn, before the server hears of it and after it did what was asked, and killed
//! at each of these moments; and it is killed before, and refused at, each of its own calls to the kernel. One more run, and each archive is
//! in the bucket once, named once, signed for, and no upload is left.
#![expect(clippy::unwrap_used, reason = "a story fails loudly")]

mod support;

use std::{collections::BTreeSet, fs, path::PathBuf, sync::Mutex, time::Duration};

use support::{
    Dice,
    ambush::{Ambush, Attack, Called, Moment, Victim},
    needs::{self, TRACES},
    process::{Ended, Process},
    scenario::{Ran, Scenario, text_of},
    seaweed::{Bucket, SEAWEED, Seaweed, sha256},
    strace::{self, Blow, Strike, Traced},
    sweep::in_parallel,
    trace::{Act, Call},
};

const SHIP: &[&str] = &["--format", "json", "ship"];
/// Two parts.
const LARGE: usize = (8 << 20) + 1000;

/// A machine that ships through an ambush, and what it rotated so far.
struct Story {
    scene: Scenario,
    bucket: Bucket,
    ambush: Ambush,
    texts: Vec<Vec<u8>>,
}

impl Story {
    fn new() -> Story {
        let bucket = Seaweed::of_this_program().used_bucket();
        let ambush = Ambush::before(bucket.server.port());
        let scene = bucket.scene("", "compress = \"none\"");
        scene.change_settings("[store]", "parallel = 1\n[store]");
        scene.change_settings(&bucket.server.endpoint(), &ambush.endpoint());
        Story { scene, bucket, ambush, texts: Vec::new() }
    }

    /// Archives of these logs wait, each of so many bytes.
    fn waiting(mut self, logs: &[(&str, usize)]) -> Story {
        for (name, bytes) in logs {
            let text = text_of(name, *bytes);
            self.scene.append(&format!("{name}.log"), &text);
            self.texts.push(text);
        }
        self.scene.rotate().exits(0);
        self
    }

    fn shipped(self) -> Story {
        self.scene.ship().exits(0);
        self.scene.rotate().exits(0);
        self
    }

    /// A run that is killed at that call.
    fn killed_at(self, call: &str, moment: Moment) -> Story {
        let attack = Attack { call: (call.to_owned(), 0), victim: Victim::Run, moment };
        let (_, calls, struck) = self.ship(Some(&attack));
        assert!(struck, "nobody called {call}: {calls:?}");
        self
    }

    fn without_its_memory(self) -> Story {
        self.scene.forget();
        self
    }

    /// One try for each call, so that whatever is cut is felt.
    fn ship(&self, attack: Option<&Attack>) -> (Ended, Vec<Called>, bool) {
        self.ambush.run(self.scene.command(SHIP).env("AWS_MAX_ATTEMPTS", "1"), attack)
    }

    /// What the run writes to on this machine. Its other threads write to none of that, so that the calls about it come in one order.
    fn own_paths(&self) -> Vec<PathBuf> {
        let (state, receipts) = (self.scene.state(), self.scene.spool().join("receipts"));
        let record = |kind: &str, of: &str| format!("{kind}-{}", &sha256(of.as_bytes())[..16]);
        let url = self.bucket.url();
        // Where it is now, and where it was once.
        let chain = [&receipts, state].map(|folder| folder.join(record("chain", &url)));
        let uploads = self
            .scene
            .parcels()
            .into_values()
            .map(|parcel| state.join(record("upload", &format!("{url} {}", parcel["key"].as_str().unwrap()))));
        let records = uploads.chain(chain).flat_map(|path| ["json", "new"].map(|end| path.with_extension(end)));
        let known = ["logs-ship.lock", "history.jsonl"].map(|name| state.join(name));
        records.chain(known).chain([state.to_owned(), receipts.join(".new.json"), receipts]).collect()
    }

    /// A run that is struck.
    fn struck(&self, strike: Option<&Strike>) -> Traced {
        strace::run_on(self.scene.command(SHIP).env("AWS_MAX_ATTEMPTS", "1"), strike, &self.own_paths())
    }

    /// Parcels that somebody signed for; each of these is in the bucket, and named there.
    fn signed(&self, story: &str) -> usize {
        let (signed, named) = (self.scene.receipts(), self.bucket.named());
        for path in &signed {
            let receipt: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            let key = receipt["key"].as_str().unwrap();
            assert!(named.iter().any(|known| known == key), "{story}: signed for, and not named: {receipt:#}");
        }
        signed.len()
    }

    /// Once more, undisturbed.
    fn ends_well(self, story: &str) {
        let well = |ran: Ran| {
            assert_eq!(ran.code, Some(0), "{story}: {ran:#?}");
            ran
        };
        let parcels = self.scene.parcels().len();
        well(self.scene.ship());
        self.bucket.assert_shipped(&self.texts, story);
        assert_eq!(self.signed(story), parcels, "{story}");
        well(self.scene.run(&["--format", "json", "verify", &self.bucket.url()]));
        assert_eq!(well(self.scene.rotate()).steps("settle", "done").len(), parcels, "{story}");
        well(self.scene.ship());
        assert_eq!(self.scene.spooled(), [].into(), "{story}");
        self.bucket.assert_shipped(&self.texts, story);
        self.bucket.leave();
    }
}

/// Tells the story whole, then once for each call, victim and moment.
fn sweep(name: &str, least: usize, story: &(dyn Fn() -> Story + Sync)) {
    if !needs::met(SEAWEED) {
        return;
    }
    let whole = story();
    let (ended, calls, _) = whole.ship(None);
    assert!(ended.status.success(), "{name}: {ended:#?}");
    whole.ends_well(name);
    let calls: BTreeSet<Called> = calls.into_iter().collect();
    assert!(calls.len() >= least, "{name}: {calls:#?}");
    let each = |call: &Called| {
        [
            (Victim::Connection, Moment::Before),
            (Victim::Connection, Moment::After),
            (Victim::Run, Moment::Before),
            (Victim::Run, Moment::After),
        ]
        .map(|(victim, moment)| Attack { call: call.clone(), victim, moment })
    };
    let attacks: Vec<Attack> = calls.iter().flat_map(each).collect();
    let cut = Mutex::new(BTreeSet::new());
    in_parallel(&attacks, |attack| {
        let told = format!("{name}, {attack:?}");
        let story = story();
        let (ended, _, struck) = story.ship(Some(attack));
        assert!(struck, "{told}: nobody called that: {ended:#?}");
        let ends = if attack.victim == Victim::Run { ended.was_killed() } else { matches!(ended.code(), Some(0 | 3)) };
        assert!(ends, "{told}: {ended:#?}");
        story.signed(&told);
        story.ends_well(&told);
        cut.lock().unwrap().insert(attack.call.clone());
    });
    let cut = cut.into_inner().unwrap();
    support::say(&format!("{name}: calls in the trace {}, calls cut {}, in {} ways", calls.len(), cut.len(), attacks.len()));
    assert_eq!(calls, cut, "{name}: not every call was cut");
}

/// Tells the story whole, then once for each call to the kernel and what may come of it.
fn sweep_own_calls(name: &str, least: usize, story: &(dyn Fn() -> Story + Sync)) {
    if !needs::met(SEAWEED) || !needs::met(TRACES) {
        return;
    }
    let whole = story();
    let traced = whole.struck(None);
    assert!(traced.ended.status.success(), "{name}: {traced:#?}");
    whole.ends_well(name);
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
        let traced = story.struck(Some(strike));
        let (ends, hit) = match strike.blow {
            Blow::Kill => (true, traced.ended.was_killed()),
            _ => (matches!(traced.ended.code(), Some(0 | 1 | 3 | 4)), traced.trace.calls.iter().any(Call::injected)),
        };
        assert!(ends && hit, "{told}: {traced:#?}");
        story.signed(&told);
        story.ends_well(&told);
    });
    support::say(&format!("{name}: calls in the trace {}, blows {}", calls.len(), strikes.len()));
}

#[test]
fn struck_at_any_call_to_the_kernel_of_a_first_run() {
    sweep_own_calls("first, own", 30, &|| Story::new().waiting(&[("large", LARGE)]));
}

#[test]
fn struck_at_any_call_to_the_kernel_of_a_run_that_goes_on_with_a_chain() {
    sweep_own_calls("goes on, own", 30, &|| Story::new().waiting(&[("a", 3000)]).shipped().waiting(&[("large", LARGE)]));
}

#[test]
fn struck_at_any_call_to_the_kernel_of_a_run_that_follows_a_killed_upload() {
    let story = || Story::new().waiting(&[("large", LARGE)]).killed_at("POST test_large uploadId", Moment::Before);
    sweep_own_calls("anew, own", 20, &story);
}

#[test]
fn cut_at_any_call_of_a_first_run() {
    sweep("first", 11, &|| Story::new().waiting(&[("a", 3000), ("b", 4000), ("large", LARGE)]));
}

#[test]
fn cut_at_any_call_of_a_run_that_goes_on_with_a_chain() {
    sweep("goes on", 5, &|| Story::new().waiting(&[("a", 3000)]).shipped().waiting(&[("a", 4000), ("b", 2000)]));
}

#[test]
fn cut_at_any_call_of_a_run_that_goes_on_with_what_a_killed_run_was_about_to_say() {
    const SEGMENT: &str = "PUT 0000000001.json";
    sweep("concludes", 5, &|| {
        Story::new().waiting(&[("a", 3000), ("b", 4000)]).killed_at(SEGMENT, Moment::Before).waiting(&[("c", 2000)])
    });
}

#[test]
fn cut_at_any_call_of_a_run_that_follows_a_killed_upload() {
    sweep("anew", 8, &|| Story::new().waiting(&[("large", LARGE)]).killed_at("POST test_large uploadId", Moment::Before));
}

#[test]
fn cut_at_any_call_of_a_run_without_its_memory() {
    // What the segment names is not signed for, and must not be named again.
    const SEGMENT: &str = "PUT 0000000001.json";
    let story =
        || Story::new().waiting(&[("a", 3000)]).killed_at(SEGMENT, Moment::After).without_its_memory().waiting(&[("b", 2000)]);
    sweep("resumes", 5, &story);
}

#[test]
fn killed_at_any_moment_with_all_threads() {
    if !needs::met(SEAWEED) {
        return;
    }
    let (rounds, mut dice, mut killed) = (support::by_tier(12, 200), Dice::seeded(4), 0);
    let mut story = Story::new();
    story.scene.change_settings("parallel = 1", "parallel = 4");
    for round in 0..rounds {
        let [one, other, large] = ["one", "other", "large"].map(|name| format!("{name}-{round}"));
        let logs = [(one.as_str(), 3000), (&other, 4000), (&large, if round % 4 == 0 { LARGE } else { 2000 })];
        story = story.waiting(&logs);
        let mut run = Process::start(&mut story.scene.command(SHIP));
        killed += usize::from(!run.ends_within(Duration::from_millis(dice.below(200))));
        run.kill_whole();
        drop(run);
        story.signed(&format!("round {round}"));
    }
    support::say(&format!("killed at any moment: {killed} of {rounds} runs"));
    assert!(killed > rounds / 4, "{killed} of {rounds} runs were killed");
    story.ends_well("killed at any moment");
}
