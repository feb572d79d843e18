//! The power fails at any moment of a run that hands over, ships, or takes back and removes, with logs, state, spool and store on
//! disks of their own: nothing goes that the store does not have for good, what a run told as done is done, and one more turn of both sides
//! ends well. By then the service has another name, so that an object that is made again gets another key: what was shipped must be known.
//!
//! A kill cannot see a missing sync; this can. Each cut takes all that was not synced, everywhere. On one disk a later sync makes up for one that
//! is missing (a journal keeps its order), so each has its own, and the power fails before each sync: then the one before is all that there is.
//!
//! Tried by taking syncs away. Missed here: the content of a copy, a ticket, an object, a receipt and the chain's memory; the names of objects,
//! segments and of that memory; the names of tickets ("hands over", "ships": an object would get a second key), the names of receipts ("signs
//! anew"; where a segment is made, the memory's sync in the same folder makes up for them), the record that the store has it ("takes back",
//! again a second key), and the ticket's removal ("takes back alone"; the sync of a next copy makes up for it). Of `direct` also the record
//! and the removal of the log. `ship_durability.rs` misses them all, and these two, which this does not:
//! - The names of copies. ext4 and xfs keep the order in which names change: a ticket's name is never on the disk without that of its copy,
//!   which got it before, in the same folder; and without the ticket's nothing was handed over. That sync is for file systems that keep no
//!   order. What such a one leaves, a ticket without its archive, is no parcel: it goes, and the archive, which is still here, goes anew.
//! - The content of a segment, mostly: to be proven it is asked out of memory, and so may be on the disk by the time that its name is.

#[path = "ship_power_cuts/direct.rs"]
mod direct;
mod support;

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;

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

/// What happens on the disks, and what must be so then.
#[derive(Clone, Copy)]
struct Story {
    name: &'static str,
    /// The run that the power fails in.
    run: &'static [&'static str],
    /// Words of the set.
    words: &'static str,
    /// How often something was logged.
    turns: usize,
    /// What went before; the machine settles what is the past.
    past: fn(&Scenario, &Machine, &[Vec<u8>]),
    /// What must be so right after the power failed.
    held: fn(&Scenario, &[Vec<u8>], &str),
    /// Both sides of one turn.
    turn: [&'static [&'static str]; 2],
    /// How many archives are left here in the end.
    left: usize,
    /// Whether the service gets another name then.
    renamed: bool,
    /// Whether something is logged then: only before the next copy is made goes what is left of the last one.
    goes_on: bool,
}

/// An archive is handed over.
const HANDS_OVER: Story = Story {
    name: "hands over",
    run: ROTATE,
    words: "keep = { count = 1 }",
    turns: 1,
    past: |scene, machine, texts| {
        scene.append("app.log", &texts[0]);
        machine.disks.settle();
    },
    held: assert_signed_for_what_is_there,
    turn: [ROTATE, SHIP],
    left: 1,
    renamed: true,
    goes_on: false,
};

#[test]
fn power_cuts_while_an_archive_is_handed_over() {
    power_cuts(HANDS_OVER);
}

#[test]
fn power_cuts_while_archives_are_shipped() {
    // Of the one that was handed over last, the disks have only what that run synced.
    let past = |scene: &Scenario, machine: &Machine, texts: &[Vec<u8>]| {
        scene.append("app.log", &texts[0]);
        scene.rotate().exits(0);
        scene.append("app.log", &texts[1]);
        machine.disks.settle();
        scene.rotate().exits(0);
        scene.append("app.log", &texts[2]);
        machine.disks.settle_logs();
    };
    power_cuts(Story { name: "ships", run: SHIP, turns: 3, past, ..HANDS_OVER });
}

#[test]
fn power_cuts_while_more_is_shipped() {
    let past = |scene: &Scenario, machine: &Machine, texts: &[Vec<u8>]| {
        rotated(scene, &texts[..1]);
        scene.ship().exits(0);
        rotated(scene, &texts[1..2]);
        scene.append("app.log", &texts[2]);
        machine.disks.settle();
    };
    power_cuts(Story { name: "ships more", run: SHIP, turns: 3, past, ..HANDS_OVER });
}

#[test]
fn power_cuts_while_what_the_store_has_is_signed_for_anew() {
    let past = |scene: &Scenario, machine: &Machine, texts: &[Vec<u8>]| {
        rotated(scene, texts);
        scene.ship().exits(0);
        scene.receipts().into_iter().for_each(|path| fs::remove_file(path).expect("it was listed"));
        machine.disks.settle();
    };
    power_cuts(Story { name: "signs anew", run: SHIP, turns: 2, past, ..HANDS_OVER });
}

#[test]
fn power_cuts_while_what_was_shipped_is_taken_back_and_removed() {
    let past = |scene: &Scenario, machine: &Machine, texts: &[Vec<u8>]| {
        rotated(scene, &texts[..2]);
        scene.append("app.log", &texts[2]);
        scene.ship().exits(0);
        machine.disks.settle();
    };
    power_cuts(Story { name: "takes back", turns: 3, past, ..HANDS_OVER });
}

#[test]
fn power_cuts_while_what_was_shipped_is_taken_back_and_nothing_is_handed_over() {
    let past = |scene: &Scenario, machine: &Machine, texts: &[Vec<u8>]| {
        rotated(scene, texts);
        scene.ship().exits(0);
        machine.disks.settle();
    };
    power_cuts(Story { name: "takes back alone", turns: 2, past, goes_on: true, ..HANDS_OVER });
}

fn logs_on(scene: &Scenario, texts: &mut Vec<Vec<u8>>, turn: &str) {
    let text = text_of(turn, 3000);
    scene.append("app.log", &text);
    texts.push(text);
}

fn rotated(scene: &Scenario, texts: &[Vec<u8>]) {
    for text in texts {
        scene.append("app.log", text);
        scene.rotate().exits(0);
    }
}

fn power_cuts(story: Story) {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    for kind in support::by_tier(&[Kind::Ext4][..], &[Kind::Ext4, Kind::Xfs]) {
        let [cuts, planned] = [(); 2].map(|()| AtomicUsize::new(0));
        // Two machines, so that two cuts can be made at a time; each takes its part of the calls.
        sweep::in_parallel(&[0, 1], |half| {
            let machine = Machine { disks: ThreeDisks::new(*kind, Disks::StoreToo), story };
            let (trace, strikes) = machine.strikes();
            for strike in strikes.iter().rev().skip(*half).step_by(2) {
                planned.fetch_add(1, Ordering::SeqCst);
                let cut = machine.cut_at(strike.as_ref());
                let elsewhere = strike.as_ref().is_some_and(|strike| !trace.repeats(strike));
                cuts.fetch_add(usize::from(cut || elsewhere), Ordering::SeqCst);
            }
        });
        let (cuts, planned) = (cuts.into_inner(), planned.into_inner());
        support::say(&format!("power, {}, {}: {cuts} of {planned} cuts", kind.name(), story.name));
        assert_eq!(cuts, planned, "not every cut was where it should be");
    }
}

/// Four disks, and what happens on them.
struct Machine {
    disks: ThreeDisks,
    story: Story,
}

impl Machine {
    /// The texts of the story.
    fn texts(&self) -> Vec<Vec<u8>> {
        (0..self.story.turns).map(|turn| text_of(&format!("turn {turn}"), 3000)).collect()
    }

    /// A tree whose past is on the disks.
    fn scene(&self) -> Scenario {
        let scene = Scenario::below(&self.disks.archives().expect("there is one"));
        let own = |folder: std::path::PathBuf| folder.join(scene.root().file_name().expect("a named folder"));
        let (logs, state, store) =
            (own(self.disks.logs()), own(self.disks.state()), own(self.disks.store().expect("there is one")));
        let words = format!("service = \"web\"\n{}", self.story.words);
        let scene = scene.logs_in(logs).state_in(state).shipping_under("parallel = 1", "", &words);
        fs::create_dir_all(&store).and_then(|()| fs::remove_dir(scene.store())).expect("our own tree");
        symlink(store, scene.store()).expect("our own tree");
        // The tree itself is the past, whatever of the story is.
        self.disks.settle();
        (self.story.past)(&scene, self, &self.texts());
        scene
    }

    /// One for each sync, or in the long tier for each call, and one after the run ended well.
    fn strikes(&self) -> (Trace, Vec<Option<Strike>>) {
        let _calm = disks::calm();
        let scene = self.scene();
        let whole = strace::run(&scene.command(self.story.run), None);
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
        let traced = strace::run(&scene.command(self.story.run), strike);
        drop(calm);
        let story = match strike {
            Some(strike) => format!("{}, power cut before {} #{}", self.story.name, strike.call, strike.rank),
            None => format!("{}, power cut after a run that ended well", self.story.name),
        };
        let mut texts = self.texts();
        self.disks.fail();
        (self.story.held)(&scene, &texts, &story);
        if strike.is_none() {
            assert_done(&scene, &traced.ended.stdout, &story);
        }
        if self.story.renamed {
            scene.change_settings("service = \"web\"", "service = \"www\"");
            // Who alters settings is not who may lose them at the next cut.
            self.disks.settle();
        }
        if self.story.goes_on {
            logs_on(&scene, &mut texts, "goes on");
        }
        self.ends_well(&scene, &texts, &story);
        self.disks.fail();
        logs_on(&scene, &mut texts, "one more turn");
        self.ends_well(&scene, &texts, &format!("{story}, and again after the mending runs"));
        if strike.is_some() { traced.ended.was_killed() } else { traced.ended.status.success() }
    }

    /// One more turn of both sides, and one that tidies up.
    fn ends_well(&self, scene: &Scenario, texts: &[Vec<u8>], story: &str) {
        let _calm = disks::calm();
        let well = |ran: Ran| assert_eq!(ran.code, Some(0), "{story}: {ran:#?}");
        for _ in 0..2 {
            self.story.turn.iter().for_each(|side| well(scene.run(side)));
        }
        scene.assert_shipped(texts, story);
        assert_eq!(scene.archives("app.log").len(), self.story.left, "{story}: what the store has goes");
        let url = format!("file://{}", scene.store().display());
        well(scene.run(&["--format", "json", "verify", &url]));
    }
}

/// Whoever signed for an archive may be believed, whatever became of the run: it is in the store, whole, and named.
fn assert_signed_for_what_is_there(scene: &Scenario, texts: &[Vec<u8>], story: &str) {
    let (objects, segments) = (scene.objects(), scene.segments());
    for path in scene.receipts() {
        let receipt = read(&path);
        let key = receipt["key"].as_str().expect("it names an object");
        let there = objects.get(key).is_some_and(|object| texts.contains(object));
        assert!(there && is_named(&segments, key), "{story}: signed for, and not there: {receipt:#}");
    }
}

/// What a run told as done is so, whatever became of the power then: nobody needs the store, or the other side, to know it.
fn assert_done(scene: &Scenario, stdout: &str, story: &str) {
    let said: Value = serde_json::from_str(stdout).expect("it ended well");
    let (segments, parcels) = (scene.segments(), scene.parcels());
    let waits = |key: &str| parcels.iter().any(|(ticket, parcel)| parcel["key"] == key && has_its_archive(ticket, parcel));
    let signed: Vec<Value> = scene.receipts().iter().map(|path| read(path)).collect();
    let steps = said["steps"].as_array().expect("a list");
    for step in steps.iter().filter(|step| step["outcome"] == "done") {
        let subject = step["subject"].as_str().expect("each has one");
        let mut keys = step["details"]["key"].as_str().unwrap_or(subject).split(' ');
        let holds = match step["action"].as_str().expect("each has one") {
            "hand-over" => keys.all(waits),
            "ship" => keys.all(|key| is_named(&segments, key) && (subject != key || signed.iter().any(|one| one["key"] == key))),
            "settle" => parcels.values().all(|parcel| parcel["key"] != subject),
            "remove" => !Path::new(subject).exists(),
            _ => true,
        };
        assert!(holds, "{story}: it said {step}");
    }
}

/// Whether what the ticket is for lies beside it.
fn has_its_archive(ticket: &Path, parcel: &Value) -> bool {
    fs::metadata(ticket.with_extension("data")).is_ok_and(|archive| parcel["facts"]["stored"] == archive.len())
}

/// Whether one of the segments names the object.
fn is_named(segments: &[Value], key: &str) -> bool {
    let objects = segments.iter().flat_map(|segment| segment["objects"].as_array().into_iter().flatten());
    objects.into_iter().any(|object| object["key"] == key)
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("it was listed")).expect("a record is JSON")
}
