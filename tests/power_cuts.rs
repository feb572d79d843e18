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
    scene::{Scene, Script},
    strace::{self, Blow, Strike},
    sweep,
};

const ROTATE: &[&str] = &["--format", "json", "rotate"];

#[test]
fn power_cuts_on_ext4_zstd() {
    power_cuts(Kind::Ext4, "zstd", true);
}

#[test]
fn power_cuts_on_ext4_gzip() {
    power_cuts(Kind::Ext4, "gzip", true);
}

#[test]
fn power_cuts_on_ext4_archives_beside_the_logs() {
    power_cuts(Kind::Ext4, "gzip", false);
}

#[test]
fn power_cuts_on_ext4_uncompressed() {
    power_cuts(Kind::Ext4, "none", false);
}

#[test]
fn power_cuts_on_xfs_zstd() {
    power_cuts(Kind::Xfs, "zstd", true);
}

#[test]
fn power_cuts_on_xfs_archives_beside_the_logs() {
    power_cuts(Kind::Xfs, "zstd", false);
}

fn power_cuts(kind: Kind, compress: &str, archives_elsewhere: bool) {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    let cuts = AtomicUsize::new(0);
    let planned = AtomicUsize::new(0);
    // Two machines, so that two cuts can be made at a time; each takes its half of the calls.
    sweep::in_parallel(&[0, 1], |half| {
        let machine = Machine::new(kind);
        let strikes = machine.strikes(compress, archives_elsewhere);
        for strike in strikes.iter().skip(*half).step_by(2) {
            planned.fetch_add(1, Ordering::SeqCst);
            cuts.fetch_add(usize::from(machine.cut_at(strike.as_ref(), compress, archives_elsewhere)), Ordering::SeqCst);
        }
    });
    let (cuts, planned) = (cuts.into_inner(), planned.into_inner());
    support::say(&format!(
        "power, {}, {compress}, archives elsewhere: {archives_elsewhere}: {cuts} of {planned} cuts",
        kind.name()
    ));
    assert_eq!(cuts, planned, "not every cut was where it should be");
}

/// Three disks.
struct Machine {
    logs: FileSystem,
    state: FileSystem,
    archives: FileSystem,
}

impl Machine {
    fn new(kind: Kind) -> Machine {
        Machine { logs: Recipe::new(kind).mount(), state: Recipe::new(kind).mount(), archives: Recipe::new(kind).mount() }
    }

    /// One for each call, and one after the run ended well.
    fn strikes(&self, compress: &str, archives_elsewhere: bool) -> Vec<Option<Strike>> {
        let scene = self.scene(compress, archives_elsewhere);
        let whole = strace::run(&scene.scenario.command(ROTATE), None);
        assert!(whole.ended.status.success(), "{whole:#?}");
        let kill = |call: &support::trace::Call| Some(Strike { call: call.name.clone(), rank: call.rank, blow: Blow::Kill });
        whole.trace.cut_points().into_iter().map(kill).chain([None]).collect()
    }

    /// Runs up to the strike, cuts the power of all three, and looks; whether the strike hit.
    fn cut_at(&self, strike: Option<&Strike>, compress: &str, archives_elsewhere: bool) -> bool {
        let scene = self.scene(compress, archives_elsewhere);
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
    fn scene(&self, compress: &str, archives_elsewhere: bool) -> Scene {
        let [logs, state, archives]: [PathBuf; 3] = self.disks().map(FileSystem::path);
        let archives_in = archives_elsewhere.then_some(archives.as_path());
        let scene = Script { compress, logs_in: Some(&logs), state_in: Some(&state), archives_in, ..Script::default() }.play();
        for disk in [&logs, &state, &archives] {
            rustix::fs::syncfs(File::open(disk).expect("mounted")).expect("a healthy disk");
        }
        scene
    }

    fn disks(&self) -> [&FileSystem; 3] {
        [&self.logs, &self.state, &self.archives]
    }
}
