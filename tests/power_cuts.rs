//! The power fails at any moment of a rotation, with logs, state and archives on file systems of their own:
//! nothing that was on the disk before is lost, and the next run finishes the work.
//!
//! A kill cannot see a missing sync; this can. Each cut takes all that was not synced, everywhere.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use support::{
    disks::{self, Disks, ThreeDisks},
    filesystem::Kind,
    needs::{self, MOUNTS, TRACES},
    scenario::text_of,
    scene::{Scene, Script, all_alike},
    strace::{self, Blow, Strike},
    sweep,
    trace::Trace,
};

const ROTATE: &[&str] = &["--format", "json", "rotate"];

#[test]
fn power_cuts_on_ext4_zstd() {
    power_cuts(Kind::Ext4, Disks::ArchivesToo, script("zstd"));
}

#[test]
fn power_cuts_on_ext4_gzip() {
    power_cuts(Kind::Ext4, Disks::ArchivesToo, script("gzip"));
}

#[test]
fn power_cuts_on_ext4_archives_beside_the_logs() {
    power_cuts(Kind::Ext4, Disks::State, script("gzip"));
}

#[test]
fn power_cuts_on_ext4_uncompressed() {
    power_cuts(Kind::Ext4, Disks::State, script("none"));
}

#[test]
fn power_cuts_on_xfs_zstd() {
    power_cuts(Kind::Xfs, Disks::ArchivesToo, script("zstd"));
}

#[test]
fn power_cuts_on_xfs_archives_beside_the_logs() {
    power_cuts(Kind::Xfs, Disks::State, script("zstd"));
}

#[test]
fn power_cuts_in_place_on_ext4() {
    power_cuts(Kind::Ext4, Disks::ArchivesToo, in_place("zstd", all_alike));
    if support::full() {
        power_cuts(Kind::Ext4, Disks::State, in_place("gzip", text_of));
        power_cuts(Kind::Ext4, Disks::State, in_place("none", all_alike));
    }
}

#[test]
fn power_cuts_in_place_on_ext4_all_on_one_disk() {
    power_cuts(Kind::Ext4, Disks::One, in_place("zstd", all_alike));
}

#[test]
fn power_cuts_in_place_on_xfs() {
    power_cuts(Kind::Xfs, Disks::ArchivesToo, in_place("zstd", all_alike));
    if support::full() {
        power_cuts(Kind::Xfs, Disks::State, in_place("gzip", text_of));
    }
}

#[test]
fn power_cuts_in_place_on_xfs_all_on_one_disk() {
    power_cuts(Kind::Xfs, Disks::One, in_place("zstd", all_alike));
}

fn script(compress: &'static str) -> Script<'static> {
    Script { compress, ..Script::default() }
}

fn in_place(compress: &'static str, text: fn(&str, usize) -> Vec<u8>) -> Script<'static> {
    Script { compress, text, method: "in-place", logs: support::by_tier(1, 2), bytes: 10_000, ..Script::default() }
}

fn power_cuts(kind: Kind, disks: Disks, script: Script<'static>) {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    let cuts = AtomicUsize::new(0);
    let planned = AtomicUsize::new(0);
    // Two machines, so that two cuts can be made at a time; each takes its half of the calls.
    sweep::in_parallel(&[0, 1], |half| {
        let machine = Machine { disks: ThreeDisks::new(kind, disks), script };
        let (trace, strikes) = machine.strikes();
        for strike in strikes.iter().skip(*half).step_by(2) {
            planned.fetch_add(1, Ordering::SeqCst);
            let cut = machine.cut_at(strike.as_ref());
            // The run may have ended before: that was a cut too.
            let elsewhere = strike.as_ref().is_some_and(|strike| !trace.repeats(strike));
            cuts.fetch_add(usize::from(cut || elsewhere), Ordering::SeqCst);
        }
    });
    let (cuts, planned) = (cuts.into_inner(), planned.into_inner());
    support::say(&format!(
        "power, {}, {}, {}, disks: {disks:?}: {cuts} of {planned} cuts",
        kind.name(),
        script.method,
        script.compress
    ));
    assert_eq!(cuts, planned, "not every cut was where it should be");
}

/// Three disks, and what happens on them.
struct Machine {
    disks: ThreeDisks,
    script: Script<'static>,
}

impl Machine {
    /// One for each call, and one after the run ended well.
    fn strikes(&self) -> (Trace, Vec<Option<Strike>>) {
        let _calm = disks::calm();
        let scene = self.scene();
        let whole = strace::run(&scene.scenario.command(ROTATE), None);
        assert!(whole.ended.status.success(), "{whole:#?}");
        let kill = |call: &support::trace::Call| Some(Strike { call: call.name.clone(), rank: call.rank, blow: Blow::Kill });
        let strikes = whole.trace.cut_points().into_iter().map(kill).chain([None]).collect();
        (whole.trace, strikes)
    }

    /// Runs up to the strike, cuts the power of all three, and looks; whether the strike hit.
    fn cut_at(&self, strike: Option<&Strike>) -> bool {
        let calm = disks::calm();
        let scene = self.scene();
        let traced = strace::run(&scene.scenario.command(ROTATE), strike);
        drop(calm);
        let story = match strike {
            Some(strike) => format!("power cut before {} #{}", strike.call, strike.rank),
            None => "power cut after a run that ended well".to_owned(),
        };
        self.disks.fail();
        scene.before.assert_live_paths(&story);
        scene.before.assert_nothing_lost(&story);
        let calm = disks::calm();
        scene.before.assert_mended(&scene.scenario, &story);
        drop(calm);
        // And the power fails again, right after: what the mending run told its ledger must be so.
        self.disks.fail();
        scene.before.assert_complete(&format!("{story}, and again after the mending run"));
        let _calm = disks::calm();
        scene.before.assert_mended(&scene.scenario, &format!("{story}, and again after the mending run"));
        if strike.is_some() { traced.ended.was_killed() } else { traced.ended.status.success() }
    }

    /// A tree whose past is on the disk.
    fn scene(&self) -> Scene {
        let (logs, state, archives) = (self.disks.logs(), self.disks.state(), self.disks.archives());
        let script = Script { logs_in: Some(&logs), state_in: Some(&state), archives_in: archives.as_deref(), ..self.script };
        let scene = script.play();
        self.disks.settle();
        scene
    }
}
