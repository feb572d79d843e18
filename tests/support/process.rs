//! A child process with a deadline, killed by its own id when the test ends, however it ends.
//!
//! Output goes to unlinked files, so no child can hang on a full pipe. Nothing here ever signals a
//! process that it did not start.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek},
    os::{
        fd::OwnedFd,
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use super::files;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open},
};

/// A child in its own process group, and where its output went.
pub struct Process {
    child: Child,
    pidfd: OwnedFd,
    stdout: File,
    stderr: File,
    began: Instant,
    /// Killed as a group, so that a tracer takes its tracees along.
    group: Pid,
}

/// How a process ended and what it said.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Process {
    /// Starts `command` in a process group of its own.
    pub fn start(command: &mut Command) -> Process {
        let stdout = tempfile::tempfile().expect("a temporary file");
        let to = stdout.try_clone().expect("a second descriptor");
        Process::start_with(command, stdout, || to.into())
    }

    /// The same with its standard output going elsewhere.
    pub fn start_to(command: &mut Command, stdout: Stdio) -> Process {
        Process::start_with(command, tempfile::tempfile().expect("a temporary file"), || stdout)
    }

    /// The same with its standard output going to a file that it alone has open: no other child was started meanwhile.
    pub fn start_into(command: &mut Command, path: &Path, options: &OpenOptions) -> Process {
        let open = || options.open(path).unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()));
        Process::start_with(command, tempfile::tempfile().expect("a temporary file"), || open().into())
    }

    fn start_with(command: &mut Command, stdout: File, to: impl FnOnce() -> Stdio) -> Process {
        let stderr = tempfile::tempfile().expect("a temporary file");
        command.stdin(Stdio::null()).process_group(0);
        command.stderr(stderr.try_clone().expect("a second descriptor"));
        let nobody_writes = files::nobody_writes();
        let child = command.stdout(to()).spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        // It was the command's, too.
        command.stdout(Stdio::null());
        drop(nobody_writes);
        let group = Pid::from_child(&child);
        let pidfd = pidfd_open(group, PidfdFlags::empty()).expect("the child exists until we reap it");
        Process { child, pidfd, stdout, stderr, began: Instant::now(), group }
    }

    /// The process id, for a pid file.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended yet.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("our own child").is_none()
    }

    /// Sends `signal` to the process alone.
    pub fn signal(&self, signal: Signal) {
        // It may have ended already; then there is nobody to tell.
        let _ = kill_process(self.group, signal);
    }

    /// The same, and waits until it has taken it: the same signal once more would else be none.
    pub fn deliver(&self, signal: Signal) {
        self.signal(signal);
        let status = || fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let mask =
            |status: &str| u64::from_str_radix(status.lines().find_map(|line| line.strip_prefix("ShdPnd:"))?.trim(), 16).ok();
        let pending = || mask(&status()).is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1);
        super::wait_until("the signal to be taken", Duration::from_secs(20), || !pending());
    }

    /// Sends SIGKILL to the process and to all that it started.
    pub fn kill_all(&self) {
        let _ = kill_process_group(self.group, Signal::KILL);
    }

    /// The same, and waits until none of them runs any more: what one of them has open it has until it is gone.
    pub fn kill_whole(&self) {
        self.kill_all();
        super::wait_until("all that were killed to be gone", Duration::from_secs(20), || !group_runs(self.group));
    }

    /// Waits at most `deadline`; panics, after killing it, when it has not ended by then.
    pub fn end(mut self, deadline: Duration) -> Ended {
        let ended = self.ends_within(deadline);
        if !ended {
            self.kill_all();
        }
        let status = self.child.wait().expect("our own child");
        let took = self.began.elapsed();
        let (stdout, stderr) = (text(&mut self.stdout), text(&mut self.stderr));
        assert!(ended, "still running after {deadline:?}; it said:\n{stdout}\n{stderr}");
        Ended { status, stdout, stderr, took }
    }

    /// Whether it ends within `deadline`.
    pub fn ends_within(&mut self, deadline: Duration) -> bool {
        let end = Instant::now() + deadline;
        loop {
            if !self.runs() {
                return true;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let timeout = Timespec::try_from(left).expect("seconds, not ages");
            // An interrupted poll is only another turn of the loop.
            let _ = poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], Some(&timeout));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_all();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// The exit code; none when a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Whether SIGKILL ended it. A tracer ends the way that its tracee did.
    pub fn was_killed(&self) -> bool {
        self.status.signal() == Some(Signal::KILL.as_raw())
    }
}

/// Whether any process of the group is more than a number that its parent did not ask for yet.
fn group_runs(group: Pid) -> bool {
    let group = group.as_raw_nonzero().to_string();
    let processes = fs::read_dir("/proc").expect("Linux has it").flatten();
    let mut told = processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    told.any(|stat| {
        let mut fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ');
        let (state, of) = (fields.next(), fields.nth(1));
        of == Some(&group) && !matches!(state, Some("Z" | "X"))
    })
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().expect("a regular file");
    file.take(16 << 20).read_to_end(&mut bytes).expect("a regular file");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Runs a system tool that must succeed, and returns what it printed.
pub fn must(program: &str, args: &[&std::ffi::OsStr]) -> String {
    match try_run(program, args) {
        Ok(said) => said,
        Err(why) => panic!("{why}"),
    }
}

/// Runs a system tool; tells what it said when it did not succeed.
pub fn try_run(program: &str, args: &[&std::ffi::OsStr]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(args).env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    let ended = Process::start(&mut command).end(Duration::from_mins(1));
    if ended.status.success() { Ok(ended.stdout) } else { Err(format!("{program} {args:?}: {}{}", ended.stdout, ended.stderr)) }
}
