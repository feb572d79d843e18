//! The scene of every crash: three logs with a history, of which the next run rotates each and removes the
//! oldest archive of each.

use std::{fs, path::Path};

use super::{
    aftermath::Before,
    files,
    scenario::{Scenario, text_of},
};

/// A tree, and what must be true of it whatever happens.
#[derive(Debug)]
pub struct Scene {
    pub scenario: Scenario,
    pub before: Before,
}

/// How to make it.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    pub compress: &'a str,
    /// Bytes that each log gets before each rotation.
    pub bytes: usize,
    pub logs: usize,
    /// Rotations that earlier runs made.
    pub history: usize,
    /// Logs live below this folder, else in the temporary one.
    pub logs_in: Option<&'a Path>,
    /// State lives below this folder.
    pub state_in: Option<&'a Path>,
    /// Archives go below this folder, else beside the logs.
    pub archives_in: Option<&'a Path>,
    /// More lines for the head of the settings.
    pub head: &'a str,
    pub method: &'a str,
    /// So many archives are kept; the next run makes one more.
    pub kept: usize,
    /// What is written to a log, by a name and a length.
    pub text: fn(&str, usize) -> Vec<u8>,
}

impl Scene {
    /// A line in the middle of the ledger that is none: the next run keeps a copy and rewrites it.
    pub fn damage_ledger(&self) {
        let ledger = self.scenario.state().join("ledger.jsonl");
        let text = fs::read_to_string(&ledger).expect("earlier runs wrote it");
        let (head, tail) = text.split_once('\n').expect("it has lines");
        files::write(&ledger, format!("{head}\nnot a record\n{tail}")).expect("our own tree");
    }

    /// So many dead lines in the ledger that the next run rewrites it at its end.
    pub fn lengthen_ledger(&self) {
        let ledger = self.scenario.state().join("ledger.jsonl");
        let mut text = fs::read_to_string(&ledger).expect("earlier runs wrote it");
        text.push_str(&"{\"line\":\"gone\",\"id\":99999,\"why\":\"long ago\"}\n".repeat(1500));
        files::write(&ledger, text).expect("our own tree");
    }
}

/// So many archives are kept, unless a script says otherwise.
const KEPT: usize = 2;

impl Default for Script<'_> {
    fn default() -> Self {
        Script {
            compress: "zstd",
            bytes: 6000,
            logs: 3,
            history: KEPT,
            logs_in: None,
            state_in: None,
            archives_in: None,
            head: "parallel = 1",
            method: "rename",
            kept: KEPT,
            text: text_of,
        }
    }
}

impl Script<'_> {
    /// Makes the tree, with the history that earlier runs leave and fresh lines in every log.
    pub fn play(&self) -> Scene {
        let (scenario, mut before) = self.stage();
        let mut told = vec![Vec::new(); self.logs];
        for turn in 0..=self.history {
            for (number, told) in told.iter_mut().enumerate() {
                let text = (self.text)(&format!("turn {turn} of log {number}"), self.bytes);
                scenario.append(&name(number), &text);
                told.extend_from_slice(&text);
                if turn + self.kept <= self.history {
                    // One of the first few.
                    before = before.of_which_may_go(scenario.live(&name(number)), text.len());
                }
            }
            if turn < self.history {
                scenario.rotate().exits(0);
            }
        }
        for (number, told) in told.into_iter().enumerate() {
            before = before.log(scenario.live(&name(number)), told);
        }
        Scene { scenario, before }
    }

    fn stage(&self) -> (Scenario, Before) {
        let (mut scenario, mut before, archive_dir) = staged(self.logs_in, self.state_in, self.archives_in);
        if self.method == "in-place" {
            scenario = scenario.seeing();
            before = before.in_place(scenario.state());
        }
        if self.compress == "none" {
            before = before.uncompressed();
        }
        let settings = format!(
            "host = \"test\"\nlogrotate = \"\"\n{}\n[defaults]\ncompress = \"{}\"\n[[log]]\nname = \"app\"\npaths = [\"{{logs}}/*.log\"]\n\
             when = {{ any = [\"1 KiB\"] }}\nkeep = {{ count = {} }}\nclose-wait = \"2s\"\nmethod = \"{}\"\n{archive_dir}",
            self.head, self.compress, self.kept, self.method
        );
        (scenario.settings(&settings), before)
    }
}

/// A scenario whose logs, state and archives lie below these folders, each in one of its own there, and the setting that says
/// where archives go.
pub fn staged(logs_in: Option<&Path>, state_in: Option<&Path>, archives_in: Option<&Path>) -> (Scenario, Before, String) {
    let mut scenario = Scenario::new();
    let unique = scenario.root().file_name().expect("a named folder").to_owned();
    let below = |folder: &Path| {
        let own = folder.join(&unique);
        fs::create_dir_all(&own).expect("a writable folder");
        own
    };
    if let Some(folder) = logs_in {
        scenario = scenario.logs_in(below(folder));
    }
    if let Some(folder) = state_in {
        scenario = scenario.state_in(below(folder));
    }
    let Some(folder) = archives_in else { return (scenario, Before::nothing(), String::new()) };
    let archives = below(folder).join("archives");
    fs::create_dir_all(&archives).expect("a writable folder");
    let archive_dir = format!("archive-dir = \"{}\"\n", archives.display());
    (scenario, Before::nothing().archives(archives), archive_dir)
}

/// Lines that are all alike, so many bytes of them: what they hold proves nothing.
pub fn all_alike(_: &str, bytes: usize) -> Vec<u8> {
    const LINE: &[u8; 50] = b"2026-01-01T00:00:00Z WARN the queue is still full\n";
    LINE.repeat(bytes / LINE.len())
}

fn name(number: usize) -> String {
    format!("log{number}.log")
}
