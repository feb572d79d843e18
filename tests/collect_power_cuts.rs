//! The power fails at any moment of a run that collects, with logs, state and archives on file systems of their own, and the
//! writers delete what was kept: each finished file is kept once, and none is told as lost.
//!
//! What the ledger says to be kept its writer may delete at once, before the power fails and after; so what it says must be so.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use support::{
    collection::{self, Writers, assert_clean, finished, kept},
    disks::{self, Disks, ThreeDisks},
    filesystem::Kind,
    needs::{self, MOUNTS, TRACES},
    process::Process,
    scene::Scene,
    strace::{self, Blow, Strike},
    sweep,
    trace::Trace,
};

const ROTATE: &[&str] = &["--format", "json", "rotate"];

#[test]
fn power_cuts_while_collecting_on_ext4() {
    power_cuts(Kind::Ext4, Disks::ArchivesToo, Story::of("zstd"));
    if support::full() {
        power_cuts(Kind::Ext4, Disks::One, Story::of("zstd"));
    }
}

#[test]
fn power_cuts_while_collecting_on_ext4_archives_beside_the_logs() {
    power_cuts(Kind::Ext4, Disks::State, Story::of("gzip"));
}

#[test]
fn power_cuts_while_collecting_what_its_writer_compressed() {
    power_cuts(Kind::Ext4, Disks::State, Story::of("as-is"));
    if support::full() {
        power_cuts(Kind::Ext4, Disks::ArchivesToo, Story::of("as-is"));
    }
}

#[test]
fn power_cuts_while_collecting_on_xfs() {
    power_cuts(Kind::Xfs, Disks::ArchivesToo, Story::of("zstd"));
    if support::full() {
        power_cuts(Kind::Xfs, Disks::State, Story::of("gzip"));
    }
}

#[test]
fn power_cuts_after_its_writer_deleted_what_was_kept_and_that_is_on_the_disk() {
    power_cuts(Kind::Ext4, Disks::State, Story { deleted: Deleted::Before, ..Story::of("as-is") });
    if support::full() {
        power_cuts(Kind::Ext4, Disks::ArchivesToo, Story { deleted: Deleted::Before, ..Story::of("zstd") });
    }
}

#[test]
fn power_cuts_while_collecting_what_its_writer_has_open() {
    power_cuts(Kind::Ext4, Disks::State, Story { open: true, ..Story::of("zstd") });
}

#[test]
fn power_cuts_while_a_rule_removes_what_was_collected() {
    power_cuts(Kind::Ext4, Disks::State, Story { keep: 1, ..Story::of("zstd") });
}

/// When writers delete what is told to be kept.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Deleted {
    /// Before the power fails, and that is on the disk by then, with all that was done before it there.
    Before,
    /// Once it is back, before the next run.
    After,
}

#[derive(Clone, Copy, Debug)]
struct Story {
    compress: &'static str,
    keep: usize,
    deleted: Deleted,
    /// Whether the writers still have a finished file open, so that it waits under a name of ours.
    open: bool,
}

impl Story {
    fn of(compress: &'static str) -> Story {
        Story { compress, keep: 100, deleted: Deleted::After, open: false }
    }
}

fn power_cuts(kind: Kind, disks: Disks, story: Story) {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    let [cuts, planned, deleted] = [(); 3].map(|()| AtomicUsize::new(0));
    sweep::in_parallel(&[0, 1], |half| {
        let machine = Machine { disks: ThreeDisks::new(kind, disks), story };
        let (trace, strikes) = machine.strikes();
        for strike in strikes.iter().skip(*half).step_by(2) {
            planned.fetch_add(1, Ordering::SeqCst);
            let (cut, gone) = machine.cut_at(strike.as_ref());
            deleted.fetch_add(gone, Ordering::SeqCst);
            let elsewhere = strike.as_ref().is_some_and(|strike| !trace.repeats(strike));
            cuts.fetch_add(usize::from(cut || elsewhere), Ordering::SeqCst);
        }
    });
    let [cuts, planned, deleted] = [cuts, planned, deleted].map(AtomicUsize::into_inner);
    support::say(&format!("power, {}, disks: {disks:?}, {story:?}: {cuts} of {planned} cuts, {deleted} deleted", kind.name()));
    assert_eq!(cuts, planned, "not every cut was where it should be");
    // The one of each log that the past kept, and more wherever the run had come that far.
    assert!(deleted > 2 * planned, "{deleted} files were deleted in {planned} cuts, so nothing new was proven to be kept");
}

struct Machine {
    disks: ThreeDisks,
    story: Story,
}

impl Machine {
    /// One for each call, and one after the run ended well.
    fn strikes(&self) -> (Trace, Vec<Option<Strike>>) {
        let _calm = disks::calm();
        let scene = self.scene();
        let writers = self.writers(&scene);
        let whole = strace::run(&scene.scenario.command(ROTATE), None);
        assert!(whole.ended.status.success(), "{whole:#?}");
        drop(writers);
        let kill = |call: &support::trace::Call| Some(Strike { call: call.name.clone(), rank: call.rank, blow: Blow::Kill });
        let strikes = whole.trace.cut_points().into_iter().map(kill).chain([None]).collect();
        (whole.trace, strikes)
    }

    /// Runs up to the strike, cuts the power of all three, and looks; whether the strike hit, and how many files the
    /// writers deleted because they were told to be kept.
    fn cut_at(&self, strike: Option<&Strike>) -> (bool, usize) {
        let scene = self.scene();
        let writers = self.writers(&scene);
        let calm = disks::calm();
        let traced = strace::run(&scene.scenario.command(ROTATE), strike);
        drop((calm, writers));
        let story = match strike {
            Some(strike) => format!("power cut before {} #{}", strike.call, strike.rank),
            None => "power cut after a run that ended well".to_owned(),
        };
        let mut gone = 0;
        if self.story.deleted == Deleted::Before {
            gone += collection::delete_what_is_told_to_be_kept(&scene.scenario);
            self.disks.settle_logs();
        }
        self.disks.fail();
        gone += collection::delete_what_is_told_to_be_kept(&scene.scenario);
        if strike.is_none() {
            collection::delete_all_finished(&scene.scenario);
        }
        self.assert_kept_once(&scene, &story);
        if strike.is_some() { (traced.ended.was_killed(), gone) } else { (traced.ended.status.success(), gone) }
    }

    /// Nothing is missing before the next run, and after it each file is kept once; also when the power fails again, and the
    /// writers delete the rest.
    fn assert_kept_once(&self, scene: &Scene, story: &str) {
        let all = finished(0..3);
        // What a rule removes is not missing.
        let wanted = if self.story.keep < 3 { finished(2..3) } else { all.clone() };
        let there = collection::there(scene);
        assert!(wanted.iter().all(|file| there.contains(file)), "{story}: lost before the next run: {there:?}");
        let calm = disks::calm();
        let mending = scene.scenario.rotate();
        // A finding would be a false alarm, and another code.
        assert_eq!(mending.code, Some(0), "{story}: the next run does not mend: {mending:#?}");
        if self.story.keep < 3 {
            // No archive goes while the collection of its log is unfinished.
            scene.scenario.rotate().exits(0);
        }
        assert_eq!(kept(scene), wanted, "{story}");
        drop(calm);
        self.disks.fail();
        collection::delete_all_finished(&scene.scenario);
        let _calm = disks::calm();
        let story = format!("{story}, and again after the mending run");
        let ran = scene.scenario.rotate();
        assert_eq!(ran.code, Some(0), "{story}: {ran:#?}");
        assert_eq!(kept(scene), wanted, "{story}");
        assert_clean(scene, &story);
    }

    /// Processes that have a finished file open for writing, until the power fails.
    fn writers(&self, scene: &Scene) -> Vec<Process> {
        let names = if self.story.open { ["one.log.1", "two.log.1"].as_slice() } else { &[] };
        names.iter().map(|name| scene.scenario.writer(name)).collect()
    }

    /// A tree whose past is on the disk.
    fn scene(&self) -> Scene {
        let (logs, state, archives) = (self.disks.logs(), self.disks.state(), self.disks.archives());
        let Story { compress, keep, .. } = self.story;
        let _calm = disks::calm();
        let places = (Some(logs.as_path()), Some(state.as_path()), archives.as_deref());
        let scene = Writers { compress, keep, logs_in: places.0, state_in: places.1, archives_in: places.2 }.play();
        self.disks.settle();
        scene
    }
}
