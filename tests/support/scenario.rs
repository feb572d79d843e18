//! A tree to rotate, settings for it, and the real binary run on it.
//!
//! A scenario owns `logs/`, `state/` and `settings.toml` under one root; the first two may be
//! put elsewhere, onto other file systems. `{logs}`, `{state}` and `{root}` in the settings are their paths.

use std::{
    collections::BTreeMap,
    fs::{self, File, FileTimes},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

use super::{files, ops_logs, process, sight};

/// A run that takes longer than this hangs. It gives way to everybody, so on a busy machine seconds become a minute.
pub const DEADLINE: Duration = Duration::from_mins(3);

/// Where a story plays.
#[derive(Debug)]
pub struct Scenario {
    home: TempDir,
    logs: PathBuf,
    state: PathBuf,
    settings: String,
    sight: Option<PathBuf>,
}

/// How one run of the binary ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub killed: bool,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Scenario {
    /// An empty tree in the system's temporary folder.
    pub fn new() -> Scenario {
        Scenario::below(&std::env::temp_dir())
    }

    /// An empty tree below this folder.
    pub fn below(folder: &Path) -> Scenario {
        let home = tempfile::Builder::new().prefix("opsbelt-").tempdir_in(folder).expect("a writable folder");
        let (logs, state) = (home.path().join("logs"), home.path().join("state"));
        Scenario { home, logs, state, settings: String::new(), sight: None }.with_folders()
    }

    /// Logs live here instead.
    #[must_use]
    pub fn logs_in(mut self, folder: impl Into<PathBuf>) -> Scenario {
        self.logs = folder.into().join("logs");
        self.with_folders()
    }

    /// State lives here instead.
    #[must_use]
    pub fn state_in(mut self, folder: impl Into<PathBuf>) -> Scenario {
        self.state = folder.into().join("state");
        self.with_folders()
    }

    /// Each run may look into every process.
    #[must_use]
    pub fn seeing(mut self) -> Scenario {
        self.sight = sight::prepare(self.root());
        self
    }

    /// What `settings.toml` says; `{logs}`, `{state}` and `{root}` become paths.
    #[must_use]
    pub fn settings(mut self, text: &str) -> Scenario {
        self.settings = text
            .replace("{logs}", &self.logs.display().to_string())
            .replace("{state}", &self.state.display().to_string())
            .replace("{root}", &self.root().display().to_string());
        files::write(self.root().join("settings.toml"), &self.settings).expect("a writable tree");
        self
    }

    /// Replaces `from` by `to` in the settings, as somebody does between two runs.
    pub fn change_settings(&self, from: &str, to: &str) {
        let path = self.root().join("settings.toml");
        let text = fs::read_to_string(&path).expect("the scenario has settings");
        assert!(text.contains(from), "the settings do not say {from}");
        files::write(path, text.replace(from, to)).expect("our own tree");
    }

    /// A log with this content.
    #[must_use]
    pub fn log(self, name: &str, content: impl AsRef<[u8]>) -> Scenario {
        files::write(self.logs.join(name), content).expect("a writable tree");
        self
    }

    /// A log with so many bytes of text.
    #[must_use]
    pub fn log_of(self, name: &str, bytes: usize) -> Scenario {
        let content = text_of(name, bytes);
        self.log(name, content)
    }

    /// Sets when a log was last written.
    #[must_use]
    pub fn written(self, name: &str, when: SystemTime) -> Scenario {
        let times = FileTimes::new().set_modified(when);
        files::with(File::options().append(true), self.logs.join(name), |file| file.set_times(times)).expect("our own log");
        self
    }

    /// The root of the tree.
    pub fn root(&self) -> &Path {
        self.home.path()
    }

    /// Where the logs are.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// Where the state is.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The live file of this name.
    pub fn live(&self, name: &str) -> PathBuf {
        self.logs.join(name)
    }

    /// The binary with this scenario's settings and state, and these arguments.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(ops_logs());
        command.env_clear().args(["--config".as_ref(), self.root().join("settings.toml").as_os_str()]).args(args);
        self.environment(&mut command);
        match &self.sight {
            Some(blank) => sight::lend(&command, blank),
            None => command,
        }
    }

    /// What the binary needs to find this scenario's state.
    pub fn environment(&self, command: &mut Command) {
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin").env("HOME", self.root()).env("LC_ALL", "C");
        command.env("STATE_DIRECTORY", &self.state);
    }

    /// Runs the binary to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// `rotate`, as a timer would.
    pub fn rotate(&self) -> Ran {
        self.run(&["--format", "json", "rotate"])
    }

    /// Every file under the logs' folder with its size.
    pub fn files(&self) -> BTreeMap<String, u64> {
        files_under(&self.logs)
    }

    fn with_folders(self) -> Scenario {
        for folder in [&self.logs, &self.state] {
            fs::create_dir_all(folder).expect("a writable tree");
        }
        fs::set_permissions(&self.state, fs::Permissions::from_mode(0o700)).expect("our own folder");
        self
    }
}

impl Ran {
    /// Runs `command` to its end, within the deadline.
    pub fn of(command: &mut Command) -> Ran {
        process::Process::start(command).end(DEADLINE).into()
    }

    /// Panics, with what the run said, unless it ended with `code`.
    #[track_caller]
    pub fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "expected exit {code}: {self:#?}");
        self
    }

    /// The envelope of `--format json`.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self:#?}"))
    }

    /// The steps with this action and outcome.
    #[track_caller]
    pub fn steps(&self, action: &str, outcome: &str) -> Vec<serde_json::Value> {
        let json = self.json();
        let steps = json["steps"].as_array().cloned().unwrap_or_default();
        steps.into_iter().filter(|step| step["action"] == action && step["outcome"] == outcome).collect()
    }
}

impl From<process::Ended> for Ran {
    fn from(ended: process::Ended) -> Ran {
        Ran { code: ended.code(), killed: ended.was_killed(), stdout: ended.stdout, stderr: ended.stderr, took: ended.took }
    }
}

/// Text of about `bytes` bytes in lines, different for each name.
pub fn text_of(name: &str, bytes: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes + 100);
    let mut state = name.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    while text.len() < bytes {
        let word = super::line::mix(&mut state);
        text.extend_from_slice(format!("{name} line at {} says {word:x}\n", text.len()).as_bytes());
    }
    text
}

/// A line of each of the first so many days of a year: in a store each is an object of its own.
pub fn days_of(year: i32, days: usize) -> Vec<u8> {
    let first = chrono::NaiveDate::from_yo_opt(year, 1).expect("each year has one");
    first.iter_days().take(days).flat_map(|day| format!("{day}T01:00:00Z says something\n").into_bytes()).collect()
}

/// Every file under `folder`, by its path from there, with its size. The spool's link to the state
/// is none.
pub fn files_under(folder: &Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|error| panic!("cannot list {}: {error}", next.display())) {
            let path = entry.expect("a listed entry").path();
            let meta = fs::symlink_metadata(&path).expect("a listed entry");
            if meta.is_dir() {
                open.push(path);
            } else if !(meta.is_symlink() && path.ends_with("state")) {
                let name = path.strip_prefix(folder).expect("found below it").display().to_string();
                found.insert(name, meta.len());
            }
        }
    }
    found
}
