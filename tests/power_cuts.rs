//! The power fails at any moment of a rotation, with logs, state and archives on file systems of their own:
//! nothing that was on the disk before is lost, and the next run finishes the work.
//!
//! A kill cannot see a missing sync; this can. Each cut takes all that was not synced, everywhere.

mod support;

use std::{
    fs::File,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use support::{
    filesystem::{FileSystem, Kind, Recipe},
    needs::{self, MOUNTS, TRACES},
    power,
    scenario::text_of,
    scene::{Scene, Script, all_alike},
    strace::{self, Blow, Strike},
    sweep,
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

/// What is on a disk of its own, besides the logs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Disks {
    One,
    State,
    ArchivesToo,
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
        let machine = Machine::new(kind, disks, script);
        let strikes = machine.strikes();
        for strike in strikes.iter().skip(*half).step_by(2) {
            planned.fetch_add(1, Ordering::SeqCst);
            // How many files a look into all processes opens, other processes decide.
            let tries = if strike.as_ref().is_some_and(|strike| strike.call == "openat") { 5 } else { 1 };
            let cut = (0..tries).any(|_| machine.cut_at(strike.as_ref()));
            if !cut {
                support::say(&format!("missed: {strike:?}"));
            }
            cuts.fetch_add(usize::from(cut), Ordering::SeqCst);
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

/// Three disks.
struct Machine {
    logs: FileSystem,
    state: FileSystem,
    archives: FileSystem,
    disks: Disks,
    script: Script<'static>,
}

impl Machine {
    fn new(kind: Kind, disks: Disks, script: Script<'static>) -> Machine {
        let [logs, state, archives] = [(); 3].map(|()| Recipe::new(kind).mount());
        Machine { logs, state, archives, disks, script }
    }

    /// One for each call, and one after the run ended well.
    fn strikes(&self) -> Vec<Option<Strike>> {
        let scene = self.scene();
        let whole = strace::run(&scene.scenario.command(ROTATE), None);
        assert!(whole.ended.status.success(), "{whole:#?}");
        let kill = |call: &support::trace::Call| Some(Strike { call: call.name.clone(), rank: call.rank, blow: Blow::Kill });
        whole.trace.cut_points().into_iter().map(kill).chain([None]).collect()
    }

    /// Runs up to the strike, cuts the power of all three, and looks; whether the strike hit.
    fn cut_at(&self, strike: Option<&Strike>) -> bool {
        let scene = self.scene();
        let traced = strace::run(&scene.scenario.command(ROTATE), strike);
        let story = match strike {
            Some(strike) => format!("power cut before {} #{}", strike.call, strike.rank),
            None => "power cut after a run that ended well".to_owned(),
        };
        self.fail();
        scene.before.assert_live_paths(&story);
        scene.before.assert_nothing_lost(&story);
        scene.before.assert_mended(&scene.scenario, &story);
        // And the power fails again, right after: what the mending run told its ledger must be so.
        self.fail();
        scene.before.assert_complete(&format!("{story}, and again after the mending run"));
        scene.before.assert_mended(&scene.scenario, &format!("{story}, and again after the mending run"));
        if strike.is_some() { traced.ended.was_killed() } else { traced.ended.status.success() }
    }

    /// The power of all three goes and comes back, and the disks are numbered anew, as after any restart.
    fn fail(&self) {
        let disks = self.disks();
        for disk in disks {
            power::cut(disk);
        }
        for disk in disks {
            disk.unmount();
        }
        for disk in disks.into_iter().rev() {
            disk.mount_again();
        }
    }

    /// A tree whose past is on the disk.
    fn scene(&self) -> Scene {
        let [logs, state, archives]: [PathBuf; 3] = self.disks().map(FileSystem::path);
        let state_in = if self.disks == Disks::One { &logs } else { &state };
        let archives_in = (self.disks == Disks::ArchivesToo).then_some(archives.as_path());
        let scene = Script { logs_in: Some(&logs), state_in: Some(state_in), archives_in, ..self.script }.play();
        for disk in [&logs, &state, &archives] {
            rustix::fs::syncfs(File::open(disk).expect("mounted")).expect("a healthy disk");
        }
        scene
    }

    fn disks(&self) -> [&FileSystem; 3] {
        [&self.logs, &self.state, &self.archives]
    }
}
