//! Real writers, real rotations: each line is there once, whole and in order, on every file system.
//!
//! Every story lasts a minute (in place a quarter of it) and 20 rotations at least on each file system, in the CI tier too;
//! `OPSBELT_FULL=1` makes that three minutes, and larger files. The file systems run side by side.

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use support::{
    by_tier, example,
    filesystem::{Kind, Recipe},
    heads::Heads,
    needs::{self, MOUNTS},
    process::Process,
    scenario::Scenario,
    tally::{self, Tally},
};

/// Who writes, how fast and how.
struct Story {
    name: &'static str,
    /// One writer for each.
    styles: &'static [&'static str],
    /// Lines a second; 0: as fast as it can.
    rate: u64,
    compress: &'static str,
    method: &'static str,
}

/// Rotations that a story has at least.
const ENOUGH: usize = 20;

const STORIES: [Story; 4] = [
    Story { name: "one writer, unthrottled", styles: &["mixed"], rate: 0, compress: "zstd", method: "rename" },
    Story {
        name: "four writers, unthrottled",
        styles: &["plain", "long", "writev", "mixed"],
        rate: 0,
        compress: "zstd",
        method: "rename",
    },
    Story {
        name: "one writer, 10k lines/s, no final newline",
        styles: &["no-final-newline"],
        rate: 10_000,
        compress: "gzip",
        method: "rename",
    },
    Story {
        name: "four writers, 10k lines/s",
        styles: &["plain", "writev", "plain", "writev"],
        rate: 10_000,
        compress: "zstd",
        method: "rename",
    },
];

/// Writers that are never told to reopen.
const IN_PLACE: [Story; 4] = [
    Story { name: "in place, one writer, unthrottled", styles: &["mixed"], rate: 0, compress: "zstd", method: "in-place" },
    Story {
        name: "in place, four writers, unthrottled",
        styles: &["plain", "long", "writev", "mixed"],
        rate: 0,
        compress: "zstd",
        method: "in-place",
    },
    Story {
        name: "in place, one writer, 10k lines/s, no final newline",
        styles: &["no-final-newline"],
        rate: 10_000,
        compress: "gzip",
        method: "in-place",
    },
    Story {
        name: "in place, four writers, 10k lines/s",
        styles: &["plain", "writev", "plain", "writev"],
        rate: 10_000,
        compress: "none",
        method: "in-place",
    },
];

#[test]
fn each_line_once_on_ext4() {
    each_line_once(Kind::Ext4);
}

#[test]
fn each_line_once_on_xfs() {
    each_line_once(Kind::Xfs);
}

#[test]
fn each_line_once_on_overlayfs() {
    each_line_once(Kind::Overlay);
}

#[test]
fn each_line_once_in_place_on_ext4() {
    tell_all(Kind::Ext4, &IN_PLACE);
}

#[test]
fn each_line_once_in_place_on_xfs() {
    tell_all(Kind::Xfs, &IN_PLACE);
}

#[test]
fn each_line_once_in_place_on_overlayfs() {
    tell_all(Kind::Overlay, &IN_PLACE);
}

fn each_line_once(kind: Kind) {
    tell_all(kind, &STORIES);
}

fn tell_all(kind: Kind, stories: &[Story]) {
    if !needs::met(MOUNTS) {
        return;
    }
    for story in stories {
        let disk = Recipe::new(kind).size(by_tier(4, 16) << 30).mount();
        story.tell(kind, &disk.path());
    }
}

impl Story {
    fn tell(&self, kind: Kind, disk: &Path) {
        let scene = self.scene(disk);
        let log = scene.live("app.log");
        let writers: Vec<Process> = (0..self.styles.len()).map(|id| self.writer(&scene, id)).collect();
        for id in 0..writers.len() {
            let pidfile = scene.root().join(format!("{id}.pid"));
            support::wait_until("a writer", Duration::from_secs(10), || pidfile.exists());
        }
        let (rotations, took) = self.rotate_for(&scene);
        let mut written = BTreeMap::new();
        for (id, writer) in (0..).zip(writers) {
            writer.signal(rustix::process::Signal::TERM);
            let ended = writer.end(Duration::from_secs(20));
            assert_eq!(ended.code(), Some(0), "{}: a writer failed: {}", self.name, ended.stderr);
            written.insert(id, tally::lines_of(&ended.stdout));
        }
        // The last files may still have been open; now nobody holds them.
        scene.rotate().exits(0);
        let head = Heads::of(scene.state()).archived(&log);
        let tally = Tally::after_head(&tally::history(&log, None), head, &written);
        support::say(&format!(
            "{}: {}: {rotations} rotations in {:.1} s, {} lines, {} MiB, lost {}, twice {}, garbled {}, disordered {}",
            kind.name(),
            self.name,
            took.as_secs_f64(),
            tally.intact,
            tally.bytes >> 20,
            tally.lost,
            tally.twice,
            tally.garbled,
            tally.disordered,
        ));
        tally.assert_perfect(self.name);
        assert_eq!(tally.intact, written.values().sum::<u64>());
        let packed = |file: &Path| self.compress == "none" || file.extension().is_some_and(|end| end == "zst" || end == "gz");
        let raw = scene.files().into_keys().filter(|file| file != "app.log" && !packed(Path::new(file)));
        assert_eq!(raw.collect::<Vec<_>>(), Vec::<String>::new(), "{}: left uncompressed", self.name);
        // Gigabytes, on a busy machine.
        let verified = Process::start(&mut scene.command(&["verify"])).end(Duration::from_mins(10));
        assert_eq!(verified.code(), Some(0), "{}: {verified:?}", self.name);
    }

    fn scene(&self, disk: &Path) -> Scenario {
        let reopen = if self.in_place() {
            r#"method = "in-place""#
        } else if self.styles.len() == 1 {
            r#"reopen = { pidfile = "{root}/0.pid", signal = "HUP" }"#
        } else {
            r#"reopen = { command = ["/bin/sh", "-c", "kill -HUP $(cat {root}/*.pid)"], timeout = "10s" }"#
        };
        let settings = format!(
            "host = \"test\"\nlogrotate = \"\"\n[defaults]\ncompress = \"{}\"\n[[log]]\nname = \"app\"\npaths = [\"{{logs}}/app.log\"]\n\
             when = {{ any = [\"900 GiB\"] }}\nkeep = {{ count = 100000 }}\nclose-wait = \"10s\"\n{reopen}\n",
            self.compress
        );
        let scene = if self.in_place() { Scenario::new().seeing() } else { Scenario::new() };
        scene.logs_in(disk).settings(&settings)
    }

    fn writer(&self, scene: &Scenario, id: usize) -> Process {
        let mut command = Command::new(example("log-writer"));
        command.arg("--file").arg(scene.live("app.log")).arg("--pidfile").arg(scene.root().join(format!("{id}.pid")));
        command.args(["--id", &id.to_string(), "--rate", &self.rate.to_string(), "--style", self.styles[id]]);
        // Otherwise writers that are faster than the compressor would make every file larger than the last.
        command.args(["--most", &by_tier(8_u64 << 20, 64 << 20).to_string(), "--seconds", "600"]);
        Process::start(&mut command)
    }

    fn in_place(&self) -> bool {
        self.method == "in-place"
    }

    /// Rotates in a loop for so long and so often; tells how often and how long it was.
    fn rotate_for(&self, scene: &Scenario) -> (usize, Duration) {
        let at_least = Duration::from_secs(by_tier(if self.in_place() { 15 } else { 60 }, 180));
        let act = if self.in_place() { "cut" } else { "rotate" };
        let (began, mut rotations) = (Instant::now(), 0);
        let log = scene.live("app.log");
        while rotations < ENOUGH || began.elapsed() < at_least {
            assert!(began.elapsed() < at_least + Duration::from_mins(2), "only {rotations} rotations in {:?}", began.elapsed());
            // An empty log is no rotation.
            support::wait_until("lines", Duration::from_secs(10), || fs::metadata(&log).is_ok_and(|meta| meta.len() > 0));
            let ran = scene.run(&["--format", "json", "rotate", "--force"]).exits(0);
            rotations += ran.steps(act, "done").len();
        }
        (rotations, began.elapsed())
    }
}
