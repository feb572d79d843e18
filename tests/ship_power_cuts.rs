//! The power fails at any moment of a run that hands over, ships, or takes back and removes, with logs, state, spool and store on
//! disks of their own: nothing goes that the store does not have for good, and one more turn of both sides ends well.
//!
//! A kill cannot see a missing sync; this can. Each cut takes all that was not synced, everywhere. On one disk a later sync makes up for one that
//! is missing (a journal keeps its order), so each has its own, and the power fails before each sync: then the one before is all that there is.
//!
//! Tried by taking syncs away. Missed here: the content of a copy, a ticket, an object, a segment, a receipt and the chain's memory, and the names of
//! objects, segments and of that memory. Not missed: the names of copies, which the ticket's sync puts into the journal before, and those of
//! tickets and receipts, the record that the store has it and what is taken back: lost, each is done again. `ship_durability.rs` misses them all.

mod support;

use std::{
    fs,
    os::unix::fs::symlink,
    sync::atomic::{AtomicUsize, Ordering},
};

use support::{
    disks::{self, Disks, ThreeDisks},
    filesystem::Kind,
    needs::{self, MOUNTS, TRACES},
    scenario::{Ran, Scenario, text_of},
    strace::{self, Blow, Strike},
    sweep,
    trace::{Act, Call, Trace},
};

const ROTATE: &[&str] = &["--format", "json", "rotate"];
const SHIP: &[&str] = &["--format", "json", "ship"];

/// Which run the power fails in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Run {
    HandsOver,
    Ships,
    /// The same, where a segment goes before.
    ShipsMore,
    TakesBack,
}

#[test]
fn power_cuts_while_an_archive_is_handed_over() {
    power_cuts(Run::HandsOver);
}

#[test]
fn power_cuts_while_archives_are_shipped() {
    power_cuts(Run::Ships);
}

#[test]
fn power_cuts_while_more_is_shipped() {
    power_cuts(Run::ShipsMore);
}

#[test]
fn power_cuts_while_what_was_shipped_is_taken_back_and_removed() {
    power_cuts(Run::TakesBack);
}

fn power_cuts(run: Run) {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    for kind in support::by_tier(&[Kind::Ext4][..], &[Kind::Ext4, Kind::Xfs]) {
        let [cuts, planned] = [(); 2].map(|()| AtomicUsize::new(0));
        // Two machines, so that two cuts can be made at a time; each takes its part of the calls.
        sweep::in_parallel(&[0, 1], |half| {
            let machine = Machine { disks: ThreeDisks::new(*kind, Disks::StoreToo), run };
            let (trace, strikes) = machine.strikes();
            for strike in strikes.iter().rev().skip(*half).step_by(2) {
                planned.fetch_add(1, Ordering::SeqCst);
                let cut = machine.cut_at(strike.as_ref());
                let elsewhere = strike.as_ref().is_some_and(|strike| !trace.repeats(strike));
                cuts.fetch_add(usize::from(cut || elsewhere), Ordering::SeqCst);
            }
        });
        let (cuts, planned) = (cuts.into_inner(), planned.into_inner());
        support::say(&format!("power, {}, {run:?}: {cuts} of {planned} cuts", kind.name()));
        assert_eq!(cuts, planned, "not every cut was where it should be");
    }
}

/// Four disks, and what happens on them.
struct Machine {
    disks: ThreeDisks,
    run: Run,
}

impl Machine {
    fn args(&self) -> &'static [&'static str] {
        if matches!(self.run, Run::Ships | Run::ShipsMore) { SHIP } else { ROTATE }
    }

    /// The texts of the story.
    fn texts(&self) -> Vec<Vec<u8>> {
        let turns = if self.run == Run::HandsOver { 1 } else { 3 };
        (0..turns).map(|turn| text_of(&format!("turn {turn}"), 3000)).collect()
    }

    /// A tree whose past is on the disks.
    fn scene(&self) -> Scenario {
        let scene = Scenario::below(&self.disks.archives().expect("there is one"));
        let own = |folder: std::path::PathBuf| folder.join(scene.root().file_name().expect("a named folder"));
        let (logs, state, store) =
            (own(self.disks.logs()), own(self.disks.state()), own(self.disks.store().expect("there is one")));
        let scene = scene.logs_in(logs).state_in(state).shipping_under("parallel = 1", "", "keep = { count = 1 }");
        fs::create_dir_all(&store).and_then(|()| fs::remove_dir(scene.store())).expect("our own tree");
        symlink(store, scene.store()).expect("our own tree");
        let texts = self.texts();
        for (turn, text) in texts.iter().enumerate() {
            scene.append("app.log", text);
            // The last turn waits for the run that hands over, or takes back.
            if turn + 1 < texts.len() {
                scene.rotate().exits(0);
            }
            if self.run == Run::ShipsMore && turn == 0 {
                scene.ship().exits(0);
            }
        }
        if self.run == Run::TakesBack {
            scene.ship().exits(0);
        }
        self.disks.settle();
        scene
    }

    /// One for each sync, or in the long tier for each call, and one after the run ended well.
    fn strikes(&self) -> (Trace, Vec<Option<Strike>>) {
        let _calm = disks::calm();
        let scene = self.scene();
        let whole = strace::run(&scene.command(self.args()), None);
        assert!(whole.ended.status.success(), "{whole:#?}");
        let kill = |call: &Call| Some(Strike { call: call.name.clone(), rank: call.rank, blow: Blow::Kill });
        let is_sync = |call: &&Call| matches!(call.act(), Some(Act::SyncFile(_) | Act::SyncAll(_)));
        let calls = whole.trace.cut_points().into_iter().filter(|call| support::full() || is_sync(call));
        let strikes = calls.map(kill).chain([None]).collect();
        (whole.trace, strikes)
    }

    /// Runs up to the strike, cuts the power, lets both sides go on, and cuts it again; whether the strike hit.
    fn cut_at(&self, strike: Option<&Strike>) -> bool {
        let calm = disks::calm();
        let scene = self.scene();
        let traced = strace::run(&scene.command(self.args()), strike);
        drop(calm);
        let story = match strike {
            Some(strike) => format!("{:?}, power cut before {} #{}", self.run, strike.call, strike.rank),
            None => format!("{:?}, power cut after a run that ended well", self.run),
        };
        let mut texts = self.texts();
        self.disks.fail();
        assert_signed_for_what_is_there(&scene, &texts, &story);
        ends_well(&scene, &texts, &story);
        // What a copy's removal left when the power fails again goes before the next one is made.
        self.disks.fail();
        texts.push(text_of("one more turn", 3000));
        scene.append("app.log", texts.last().expect("it was pushed"));
        ends_well(&scene, &texts, &format!("{story}, and again after the mending runs"));
        if strike.is_some() { traced.ended.was_killed() } else { traced.ended.status.success() }
    }
}

/// Whoever signed for an archive may be believed, whatever became of the run: it is in the store, whole, and named.
fn assert_signed_for_what_is_there(scene: &Scenario, texts: &[Vec<u8>], story: &str) {
    let (objects, segments) = (scene.objects(), serde_json::Value::from(scene.segments()).to_string());
    for path in scene.receipts() {
        let text = fs::read(path).expect("it was listed");
        let receipt: serde_json::Value = serde_json::from_slice(&text).expect("a receipt is JSON");
        let key = receipt["key"].as_str().expect("it names an object");
        let there = objects.get(key).is_some_and(|object| texts.contains(object));
        assert!(there && segments.contains(key), "{story}: signed for, and not there: {receipt:#}");
    }
}

/// One more turn of both sides, and one that tidies up.
fn ends_well(scene: &Scenario, texts: &[Vec<u8>], story: &str) {
    let _calm = disks::calm();
    let well = |ran: Ran| assert_eq!(ran.code, Some(0), "{story}: {ran:#?}");
    for _ in 0..2 {
        well(scene.rotate());
        well(scene.ship());
    }
    scene.assert_shipped(texts, story);
    let url = format!("file://{}", scene.store().display());
    well(scene.run(&["--format", "json", "verify", &url]));
}
