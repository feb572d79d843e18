//! Real writers that rotate by themselves and delete their oldest, and runs that collect meanwhile: each line is kept once,
//! and where runs are slower than the writer, what is told covers exactly what is missing.

mod support;

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use support::{
    needs::{self, Need},
    process::Process,
    scenario::{Ran, Scenario},
    tally,
};

/// A writer, and how it is collected from.
struct Story {
    writer: &'static str,
    finished: &'static str,
    /// Finished files that it keeps.
    keeps: u32,
    rate: u32,
    /// Bytes of one file.
    size: u32,
    /// Between two runs.
    pause: Duration,
}

/// Long enough for some twenty files.
const SECONDS: u32 = 6;
/// How far a line's own time and the kernel's may lie apart.
const TICK: f64 = 0.05;

const PATIENT: Story =
    Story { writer: "", finished: "{name}.*", keeps: 4, rate: 300, size: 4000, pause: Duration::from_millis(40) };
/// A file lasts a tenth of a second, and a run comes each second.
const HASTY: Story =
    Story { writer: "", finished: "{name}.*", keeps: 2, rate: 1000, size: 4000, pause: Duration::from_millis(900) };

#[test]
fn pythons_rotating_file_handler() {
    Story { writer: "rotating", ..PATIENT }.is_kept_whole();
}

#[test]
fn pythons_timed_rotating_file_handler() {
    Story { writer: "timed", ..PATIENT }.is_kept_whole();
}

#[test]
fn pythons_rotating_file_handler_that_compresses() {
    Story { writer: "gzip", ..PATIENT }.is_kept_whole();
}

#[test]
fn a_rolling_policy_with_times_in_its_names() {
    Story { writer: "logback", finished: "{stem}-*.log", ..PATIENT }.is_kept_whole();
}

#[test]
fn a_container_engine_with_a_largest_size() {
    Story { writer: "docker", ..PATIENT }.is_kept_whole();
}

#[test]
fn what_a_hasty_python_deletes_is_told_exactly() {
    Story { writer: "rotating", ..HASTY }.is_told_exactly();
}

#[test]
fn what_a_hasty_rolling_policy_deletes_is_told_exactly() {
    Story { writer: "logback", finished: "{stem}-*.log", ..HASTY }.is_told_exactly();
}

#[test]
fn what_a_hasty_container_engine_deletes_is_told_exactly() {
    Story { writer: "docker", ..HASTY }.is_told_exactly();
}

/// What came of a story.
struct Outcome {
    /// Lines that the writer wrote.
    written: u64,
    /// When each line that is kept or still live was written.
    kept: BTreeMap<u64, f64>,
    /// Times between which nothing is kept, as told.
    gaps: Vec<(f64, f64)>,
}

impl Story {
    fn is_kept_whole(&self) {
        let Some(outcome) = self.tell() else { return };
        assert_eq!(outcome.gaps, [], "{}: runs were fast enough", self.writer);
        let lost: Vec<u64> = (0..outcome.written).filter(|number| !outcome.kept.contains_key(number)).collect();
        assert_eq!(lost, [0_u64; 0], "{}: lost", self.writer);
    }

    fn is_told_exactly(&self) {
        let Some(outcome) = self.tell() else { return };
        let (mut lost, mut lines) = (0, outcome.kept.iter().peekable());
        assert!(!outcome.gaps.is_empty(), "{}: runs were slow, and nothing is told", self.writer);
        let mut before = 0.0;
        for number in 0..outcome.written {
            if lines.peek().is_some_and(|(kept, _)| **kept == number) {
                before = *lines.next().expect("it was peeked").1;
                let within = outcome.gaps.iter().find(|(from, until)| from + TICK < before && before < until - TICK);
                assert!(within.is_none(), "{}: line {number} of {before} is kept, and told as lost: {within:?}", self.writer);
            } else {
                // Its time is between that of the line before and that of the next one that is kept.
                lost += 1;
                let after = lines.peek().map_or(f64::MAX, |(_, at)| **at);
                let told = outcome.gaps.iter().any(|(from, until)| *from <= after + TICK && *until + TICK >= before);
                assert!(told, "{}: line {number}, after {before}, is lost and not told: {:?}", self.writer, outcome.gaps);
            }
        }
        support::say(&format!("{}: {lost} of {} lines lost, {} gaps told", self.writer, outcome.written, outcome.gaps.len()));
        assert!(lost > 0, "{}: gaps were told, and nothing is missing", self.writer);
    }

    fn tell(&self) -> Option<Outcome> {
        if !needs::met(&[Need::Program("python3")]) {
            return None;
        }
        let words =
            format!("method = \"collect\"\npaths = [\"{{logs}}/app.log\"]\nfinished = [\"{}\"]\noptional = true", self.finished);
        let scene = Scenario::new().set(&words);
        let mut writer = self.start(&scene);
        // Of what was before the first sight nobody can tell anything.
        support::wait_until("the writer", Duration::from_secs(10), || scene.live("app.log").exists());
        let mut gaps = self.run(&scene);
        while !writer.ends_within(self.pause) {
            gaps.extend(self.run(&scene));
        }
        let ended = writer.end(Duration::from_secs(20));
        assert_eq!(ended.code(), Some(0), "{}: {}", self.writer, ended.stderr);
        for _ in 0..2 {
            gaps.extend(self.run(&scene));
        }
        assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
        scene.run(&["verify"]).exits(0);
        let archives: Vec<PathBuf> = tally::history(&scene.live("app.log"), None);
        let archives =
            archives.into_iter().filter(|path| path.extension().is_some_and(|end| end == "zst" || end == "gz") && is_ours(path));
        let mut kept = BTreeMap::new();
        for file in archives.chain([scene.live("app.log")]) {
            self.read(&file, &mut kept);
        }
        Some(Outcome { written: ended.stdout.trim().parse().expect("a writer tells its lines"), kept, gaps })
    }

    fn start(&self, scene: &Scenario) -> Process {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/self_rotating.py");
        let mut command = Command::new("python3");
        command.arg(script).arg(self.writer).arg(scene.live("app.log"));
        command.args([self.keeps, SECONDS, self.rate, self.size].map(|number| number.to_string()));
        Process::start(&mut command)
    }

    /// One run, and the gaps that it tells. A file may be deleted under its eyes: then the next one tells.
    fn run(&self, scene: &Scenario) -> Vec<(f64, f64)> {
        let ran = scene.rotate();
        assert!(matches!(ran.code, Some(0 | 1 | 3)), "{}: {ran:#?}", self.writer);
        if ran.code == Some(3) {
            assert!(ran.stdout.contains("removed it a moment ago"), "{}: {ran:#?}", self.writer);
        }
        gaps(&ran)
    }

    fn read(&self, file: &Path, kept: &mut BTreeMap<u64, f64>) {
        let mut text = String::new();
        tally::plain(file).read_to_string(&mut text).expect("an archive that verifies");
        for line in text.lines() {
            let line = line.strip_prefix("{\"log\": \"").unwrap_or(line);
            let mut words = line.split(' ');
            let number = words.next().and_then(|word| word.parse().ok());
            let at = words.next().and_then(|word| word.parse().ok());
            let (Some(number), Some(at)) = (number, at) else { panic!("{}: garbled: {line}", self.writer) };
            assert_eq!(kept.insert(number, at), None, "{}: line {number} is kept twice: {}", self.writer, file.display());
        }
    }
}

fn is_ours(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.contains("Z-0"))
}

/// From when until when nothing is kept, as the run says.
fn gaps(ran: &Ran) -> Vec<(f64, f64)> {
    let time = |text: &str| {
        let time = chrono::NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%d %H:%M:%S%.3f UTC").expect(text);
        time.and_utc().format("%s%.3f").to_string().parse::<f64>().expect("a number")
    };
    let json = ran.json();
    let findings = json["findings"].as_array().cloned().unwrap_or_default();
    let told = findings.iter().filter(|one| one["id"] == "logs.gap").map(|one| one["message"].as_str().expect("text").to_owned());
    let span = |message: String| {
        let (_, span) = message.split_once("nothing is kept from ")?;
        let (from, until) = span.split_once(" until ")?;
        Some((time(from), if until == "now" { f64::MAX } else { time(until) }))
    };
    told.map(|message| span(message.clone()).unwrap_or_else(|| panic!("no times: {message}"))).collect()
}
