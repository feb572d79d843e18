//! Real writers that rotate by themselves and delete their oldest, and runs that collect meanwhile: each line is kept once,
//! and where runs are slower than the writer, what is told covers exactly what is missing.

mod support;

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
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
    /// When the first run had looked.
    seen: f64,
    /// Whether no finished file was there for a shorter time than two runs took.
    in_time: bool,
}

impl Story {
    fn is_kept_whole(&self) {
        let Some(outcome) = self.tell() else { return };
        if !outcome.in_time {
            // A disk may stand still for longer than the writer keeps its files: then what is missing must be told.
            let lost = self.lost_and_told(&outcome);
            support::say(&format!("{}: runs were slow here: {lost} lines lost, {} gaps told", self.writer, outcome.gaps.len()));
            return;
        }
        assert_eq!(outcome.gaps, [], "{}: runs were fast enough", self.writer);
        let lost: Vec<u64> = (0..outcome.written).filter(|number| !outcome.kept.contains_key(number)).collect();
        assert_eq!(lost, [0_u64; 0], "{}: lost", self.writer);
    }

    fn is_told_exactly(&self) {
        let Some(outcome) = self.tell() else { return };
        assert!(!outcome.gaps.is_empty(), "{}: runs were slow, and nothing is told", self.writer);
        let lost = self.lost_and_told(&outcome);
        support::say(&format!("{}: {lost} of {} lines lost, {} gaps told", self.writer, outcome.written, outcome.gaps.len()));
        assert!(lost > 0, "{}: gaps were told, and nothing is missing", self.writer);
    }

    /// How many lines are lost; each of them is told, and none that is kept.
    fn lost_and_told(&self, outcome: &Outcome) -> u64 {
        let (mut lost, mut lines) = (0, outcome.kept.iter().peekable());
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
                // Of what was before the first sight nobody can tell anything.
                let unseen = before == 0.0 && after <= outcome.seen + TICK;
                let told = unseen || outcome.gaps.iter().any(|(from, until)| *from <= after + TICK && *until + TICK >= before);
                assert!(told, "{}: line {number}, after {before}, is lost and not told: {:?}", self.writer, outcome.gaps);
            }
        }
        lost
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
        let mut begun = vec![Instant::now()];
        let first = self.run(&scene);
        let (seen, mut gaps) = (ended(&first), gaps(&first));
        while !writer.ends_within(self.pause) {
            begun.push(Instant::now());
            gaps.extend(self::gaps(&self.run(&scene)));
        }
        begun.push(Instant::now());
        let ended = writer.end(Duration::from_secs(20));
        assert_eq!(ended.code(), Some(0), "{}: {}", self.writer, ended.stderr);
        for _ in 0..2 {
            gaps.extend(self::gaps(&self.run(&scene)));
        }
        assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
        scene.run(&["verify"]).exits(0);
        let archives: Vec<PathBuf> = tally::history(&scene.live("app.log"), None);
        let archives =
            archives.into_iter().filter(|path| path.extension().is_some_and(|end| end == "zst" || end == "gz") && is_ours(path));
        let (mut kept, mut bytes) = (BTreeMap::new(), 0);
        for file in archives.chain([scene.live("app.log")]) {
            bytes += self.read(&file, &mut kept);
        }
        let written = ended.stdout.trim().parse().expect("a writer tells its lines");
        // A file that is finished when a run has just looked is there until the end of the next one, or that one was too late.
        let slowest = begun.windows(3).map(|three| three[2] - three[0]).max().unwrap_or_default();
        let life = self.life(bytes / kept.len().max(1) as u64);
        Some(Outcome { written, kept, gaps, seen, in_time: slowest < life })
    }

    /// How long a finished file is there: as long as it takes to write those after it that are kept as well.
    fn life(&self, line: u64) -> Duration {
        let lines = u64::from(self.keeps) * u64::from(self.size) / line.max(1);
        Duration::from_millis(1000 * lines / u64::from(self.rate))
    }

    fn start(&self, scene: &Scenario) -> Process {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/self_rotating.py");
        let mut command = Command::new("python3");
        command.arg(script).arg(self.writer).arg(scene.live("app.log"));
        command.args([self.keeps, SECONDS, self.rate, self.size].map(|number| number.to_string()));
        Process::start(&mut command)
    }

    /// One run. A file may be deleted under its eyes: then the next one tells.
    fn run(&self, scene: &Scenario) -> Ran {
        let ran = scene.rotate();
        assert!(matches!(ran.code, Some(0 | 1 | 3)), "{}: {ran:#?}", self.writer);
        if ran.code == Some(3) {
            assert!(ran.stdout.contains("removed it a moment ago"), "{}: {ran:#?}", self.writer);
        }
        ran
    }

    /// Its lines, and how many bytes they are.
    fn read(&self, file: &Path, kept: &mut BTreeMap<u64, f64>) -> u64 {
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
        text.len() as u64
    }
}

fn is_ours(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.contains("Z-0"))
}

/// When it had ended.
fn ended(ran: &Ran) -> f64 {
    let run = &ran.json()["run"];
    let started: chrono::DateTime<chrono::Utc> = run["started"].as_str().expect("text").parse().expect("a time");
    let started: f64 = started.format("%s%.3f").to_string().parse().expect("a number");
    started + run["seconds"].as_f64().expect("a number")
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
