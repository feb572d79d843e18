//! Words that stories about one machine share: one set of logs, other days, other users, what a run said.
//!
//! Only shortcuts over [`Scenario`] and [`Ran`]; whatever they do, a reader could do by hand.

use std::{
    ffi::OsString,
    fs,
    io::{Read, Write},
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use super::{
    files,
    heads::Heads,
    process::Process,
    scenario::{DEADLINE, Ran, Scenario},
    sight, tally,
};

/// The user and the group that own nothing on a machine.
pub const NOBODY: u32 = 65534;
/// A group that is not root's.
pub const DAEMON: u32 = 1;

impl Scenario {
    /// Settings of this machine with one set, `app`, that says `words`.
    #[must_use]
    pub fn set(self, words: &str) -> Scenario {
        self.head("", words)
    }

    /// The same with more lines before the set.
    #[must_use]
    pub fn head(self, head: &str, words: &str) -> Scenario {
        self.settings(&format!("host = \"test\"\nlogrotate = \"\"\n{head}\n[[log]]\nname = \"app\"\n{words}\n"))
    }

    /// Like [`Scenario::set`], for all `*.log` and what is over 1 KiB.
    #[must_use]
    pub fn plain_set(self, words: &str) -> Scenario {
        self.set(&format!("paths = [\"{{logs}}/*.log\"]\nwhen = \"1 KiB\"\n{words}"))
    }

    /// Runs it as if so much later (`+3d`), the machine's clock untouched.
    pub fn run_at(&self, when: &str, args: &[&str]) -> Ran {
        Ran::of(&mut self.command_at(when, args))
    }

    /// The command of [`Scenario::run_at`].
    pub fn command_at(&self, when: &str, args: &[&str]) -> Command {
        Self::later(when, &self.command(args))
    }

    fn later(when: &str, real: &Command) -> Command {
        // Not the wrapper of that name: killed, it leaves a semaphore behind that is called by its process id, and is no more
        // to be had by the next process with that number.
        let clock = ["env", "LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1", &format!("FAKETIME={when}")].map(OsString::from);
        let mut command = sight::before_program(real, &clock);
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
        command
    }

    /// Runs it as somebody else, without further groups.
    pub fn run_as(&self, uid: u32, args: &[&str]) -> Ran {
        Ran::of(&mut Self::by(uid, &self.command(args)))
    }

    /// Runs it as somebody else and as if so much later. What starts it is that user by then, who may not be let through to where
    /// it was built: it is copied into the tree.
    pub fn run_at_as(&self, when: &str, uid: u32, args: &[&str]) -> Ran {
        let copy = self.root().join("ops-logs");
        if !copy.exists() {
            files::copy(super::ops_logs(), &copy).expect("room for the program");
        }
        let real = self.command(args);
        assert_eq!(real.get_program(), super::ops_logs().as_os_str(), "nothing else comes before it");
        let mut there = Command::new(copy);
        there.env_clear().args(real.get_args());
        self.environment(&mut there);
        Ran::of(&mut Self::by(uid, &Self::later(when, &there)))
    }

    fn by(uid: u32, real: &Command) -> Command {
        let (uid, gid) = (format!("--reuid={uid}"), format!("--regid={uid}"));
        sight::before_program(real, &["setpriv", &uid, &gid, "--clear-groups"].map(OsString::from))
    }

    /// Puts it through a shell, which replaces itself: for what happens to its descriptors.
    pub fn run_in_shell(&self, line: &str, args: &[&str]) -> Ran {
        let real = self.command(args);
        let mut command = Command::new("/bin/sh");
        command.env_clear().args(["-c", line, "sh"]).arg(real.get_program()).args(real.get_args());
        self.environment(&mut command);
        Ran::of(&mut command)
    }

    /// Appends to a log, as a writer that opens and closes it.
    pub fn append(&self, name: &str, content: impl AsRef<[u8]>) {
        let appending = |log: &mut fs::File| log.write_all(content.as_ref());
        files::with(fs::File::options().append(true).create(true), self.live(name), appending).expect("room for a line");
    }

    /// A process that has the log open for writing until it is dropped. Not this one: a descriptor of ours lives on in
    /// whatever another test is just starting, until that has become its program.
    pub fn writer(&self, name: &str) -> Process {
        holder(&self.live(name), fs::File::options().append(true))
    }

    /// Gives a name in the tree to a user and group.
    #[must_use]
    pub fn owned(self, path: &str, uid: u32, gid: u32) -> Scenario {
        chown(self.root().join(path), Some(uid), Some(gid)).expect("root may");
        self
    }

    /// Sets the mode of a name in the tree.
    #[must_use]
    pub fn mode(self, path: &str, mode: u32) -> Scenario {
        fs::set_permissions(self.root().join(path), fs::Permissions::from_mode(mode)).expect("our own file");
        self
    }

    /// Lets others pass through to the logs.
    #[must_use]
    pub fn open_root(self) -> Scenario {
        fs::set_permissions(self.root(), fs::Permissions::from_mode(0o755)).expect("our own folder");
        self
    }

    /// Names under the logs' folder that begin with `prefix`, sorted.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        self.files().into_keys().filter(|name| name.starts_with(prefix)).collect()
    }

    /// Names of the archives and rotated files of a log, sorted.
    pub fn archives(&self, log: &str) -> Vec<String> {
        self.names(&format!("{log}."))
    }

    /// All that `log` ever held, archives first.
    pub fn told(&self, log: &str) -> Vec<u8> {
        told(&self.live(log), None)
    }

    /// All that `log` ever held when it is rotated in place: what of it is archived counts once.
    pub fn told_in_place(&self, log: &str, archives: Option<&Path>) -> Vec<u8> {
        let (heads, mut all) = (Heads::of(self.state()), Vec::new());
        for file in tally::history(&self.live(log), archives) {
            heads.rest(&file).read_to_end(&mut all).expect("a readable archive");
        }
        all
    }

    /// What a log that is rotated in place holds and no archive does.
    pub fn rest(&self, log: &str) -> Vec<u8> {
        let mut rest = Vec::new();
        Heads::of(self.state()).rest(&self.live(log)).read_to_end(&mut rest).expect("a readable log");
        rest
    }

    /// The state's ledger.
    pub fn ledger(&self) -> std::path::PathBuf {
        self.state().join("ledger.jsonl")
    }

    /// The ledger as it was written before its lines had checksums.
    pub fn without_sums(&self) -> String {
        let text = fs::read_to_string(self.ledger()).expect("earlier runs wrote it");
        let bare = |line: &str| line.rsplit_once(",\"sum\":").map_or(line, |(bare, _)| bare).to_owned() + "}\n";
        text.lines().map(bare).collect()
    }
}

impl Ran {
    /// The one reason that a step with this action and outcome has for a subject that ends so.
    #[track_caller]
    pub fn reason(&self, action: &str, outcome: &str, subject: &str) -> String {
        let steps = self.steps(action, outcome);
        let found: Vec<_> =
            steps.iter().filter(|step| step["subject"].as_str().is_some_and(|text| text.ends_with(subject))).collect();
        assert_eq!(found.len(), 1, "one step `{action}` {outcome} for {subject}: {self:#?}");
        found[0]["reason"].as_str().expect("a reason is text").to_owned()
    }

    /// `action outcome` of every step, in order.
    #[track_caller]
    pub fn acts(&self) -> Vec<String> {
        let word = |step: &serde_json::Value, key: &str| step[key].as_str().unwrap_or_default().to_owned();
        let json = self.json();
        let steps = json["steps"].as_array().expect("steps are a list");
        steps
            .iter()
            .map(|step| format!("{} {}", word(step, "action"), word(step, "outcome")))
            .filter(|act| !act.ends_with(" kept"))
            .collect()
    }

    /// The summary line.
    #[track_caller]
    pub fn summary(&self) -> String {
        self.json()["summary"].as_str().expect("a summary is text").to_owned()
    }

    /// Panics unless it said this somewhere.
    #[track_caller]
    pub fn says(self, text: &str) -> Ran {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "it does not say {text:?}: {self:#?}");
        self
    }
}

/// All that `log` ever held, archives first.
pub fn told(log: &Path, archives: Option<&Path>) -> Vec<u8> {
    let mut all = Vec::new();
    for file in tally::history(log, archives) {
        tally::plain(&file).read_to_end(&mut all).expect("a readable archive");
    }
    all
}

/// So long ago.
pub fn ago(how_long: Duration) -> SystemTime {
    let fresh = tempfile::tempfile().and_then(|file| file.metadata()).expect("a temporary file");
    fresh.modified().expect("Linux keeps it") - how_long
}

/// A zone in which it is about noon: neither a day nor a week nor a month ends there while a story is told.
pub fn where_it_is_noon() -> String {
    let hour = i64::from(chrono::Timelike::hour(&chrono::DateTime::<chrono::Utc>::from(ago(Duration::ZERO))));
    // The sign says how far one must go to be at Greenwich.
    format!("Etc/GMT{:+}", hour - 12)
}

/// A name that no other file of this machine has, also while these tests run there twice: where a mapping does not show which
/// file it is of, every one of that name counts.
pub fn own_name(name: &str) -> String {
    format!("{name}-{}.log", std::process::id())
}

/// Hours, for ages.
pub fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3600)
}

/// A process that holds a file open, through a descriptor that it inherited, and is the only one that does.
pub fn holder(path: &Path, options: &fs::OpenOptions) -> Process {
    Process::start_into(Command::new("sleep").arg("600"), path, options)
}

/// Runs a system tool on a path; it must succeed.
#[track_caller]
pub fn tool(program: &str, args: &[&str], path: &Path) -> String {
    let args: Vec<&std::ffi::OsStr> = args.iter().map(std::ffi::OsStr::new).chain([path.as_os_str()]).collect();
    super::process::must(program, &args)
}

/// Runs `command` with its answer going to `stdout`.
pub fn run_to(command: &mut Command, stdout: impl Into<Stdio>) -> Ran {
    Process::start_to(command, stdout.into()).end(DEADLINE).into()
}
