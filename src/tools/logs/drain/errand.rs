//! A run of one of our own commands, as the user whose work it is, until it ends or its time is over. It may be killed at
//! any moment, as every run may; what it says is read within limits, and only told.

use std::{
    io::{self, ErrorKind, Read},
    os::{fd::AsFd, unix::process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::Deserialize;

use super::shares::Share;
use crate::{
    failure::{Doing, Failure, Result},
    files::{kernel, wait},
    report::{Finding, Incomplete, Step},
    run::Shutdown,
    tools::logs::spool::Shipper,
};

/// No answer of ours is longer.
const LONGEST: usize = 64 << 20;
/// So often somebody may have asked us to stop.
const BEAT: Duration = Duration::from_millis(200);
/// What one that is asked to stop because we were has for it.
const GRACE: Duration = Duration::from_secs(10);
/// What a killed one has to end. One that hangs in the kernel is left behind.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// A command of ours to be run.
pub(super) struct Errand<'a> {
    pub(super) what: &'static str,
    /// More of its flags.
    pub(super) flags: Vec<String>,
    pub(super) sets: Vec<&'a str>,
    pub(super) config: Option<&'a Path>,
    /// Where it remembers.
    pub(super) state: PathBuf,
    /// Whose rights it gets, when not ours.
    pub(super) user: Option<Shipper>,
}

/// What came of it.
pub(super) struct Answer {
    /// What was run: `rotate --force`.
    pub(super) what: String,
    /// What it said.
    pub(super) said: Said,
    /// What kept it from saying more.
    pub(super) trouble: Option<Incomplete>,
}

/// What a run says of itself, as far as it matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    pub(super) steps: Vec<Step>,
    pub(super) findings: Vec<Finding>,
    pub(super) incomplete: Vec<Incomplete>,
    pub(super) failure: Option<Failure>,
}

/// How a run ended.
enum Ended {
    Itself(ExitStatus),
    Killed,
}

impl Errand<'_> {
    /// Runs it.
    pub(super) fn run(&self, share: &Share, shutdown: &Shutdown) -> Answer {
        let what = self.what.to_owned();
        let trouble = |why: String| Incomplete::new(what.clone(), why);
        let (said, trouble) = if share.is_over() || shutdown.asked() {
            (Said::default(), Some(trouble("there was no time left for it".to_owned())))
        } else {
            match self.attended(share, shutdown) {
                Ok((Ended::Killed, _)) => {
                    (Said::default(), Some(trouble("it did not end in its time, and was killed".to_owned())))
                }
                Ok((Ended::Itself(status), text)) => match serde_json::from_slice(&text) {
                    Ok(said) => (said, None),
                    Err(_) => (Said::default(), Some(trouble(format!("it said nothing that can be read ({status})")))),
                },
                Err(failure) => (Said::default(), Some((&failure).into())),
            }
        };
        Answer { what, said, trouble }
    }

    fn attended(&self, share: &Share, shutdown: &Shutdown) -> Result<(Ended, Vec<u8>)> {
        kernel::keep_descriptors().doing("run", self.what)?;
        let mut child = self.command(share).spawn().doing("run", self.what)?;
        let ended = attend(&mut child, share, shutdown).doing("watch", self.what);
        if !matches!(ended, Ok((Ended::Itself(_), _))) {
            kill(&mut child);
        }
        ended
    }

    fn command(&self, share: &Share) -> Command {
        let mut command = Command::new("/proc/self/exe");
        let wait = share.ask.saturating_duration_since(Instant::now()).as_millis();
        command.args(["--format", "json", "--no-progress", "--wait", &format!("{wait}ms")]);
        if let Some(config) = self.config {
            command.arg("--config").arg(config);
        }
        command.args(self.what.split(' ')).args(&self.flags);
        if !self.sets.is_empty() {
            command.arg("--").args(&self.sets);
        }
        command.env("STATE_DIRECTORY", &self.state);
        if let Some(user) = &self.user {
            // It is nobody's login: what is at home there is the caller's.
            for theirs in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "RUNTIME_DIRECTORY"] {
                command.env_remove(theirs);
            }
            command.current_dir("/").uid(user.uid).gid(user.gid);
        }
        // A group of its own: who interrupts us on a terminal tells us, and we tell it.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        command
    }
}

fn attend(child: &mut Child, share: &Share, shutdown: &Shutdown) -> io::Result<(Ended, Vec<u8>)> {
    let process = wait::process(child)?;
    let mut from = child.stdout.take();
    from.as_ref().map_or(Ok(()), |from| rustix::io::ioctl_fionbio(from, true))?;
    let (mut text, mut end, mut asked) = (Vec::new(), share.end, false);
    loop {
        let now = Instant::now();
        if now >= end {
            return Ok((Ended::Killed, text));
        }
        if !asked && (now >= share.ask || shutdown.asked()) {
            asked = true;
            end = if shutdown.asked() { end.min(now + GRACE) } else { end };
            // One that has ended meanwhile cannot be told, and need not be.
            let _ = kill_process(Pid::from_child(child), Signal::TERM);
        }
        let next = if asked { end } else { share.ask };
        let mut watched = vec![process.as_fd()];
        watched.extend(from.as_ref().map(AsFd::as_fd));
        let ready = wait::ready(&watched, next.min(now + BEAT))?;
        if from.as_mut().is_some_and(|from| !take(from, &mut text)) {
            from = None;
        }
        if ready[0] {
            return Ok((Ended::Itself(child.wait()?), text));
        }
    }
}

/// Takes what is there; says whether there may be more.
fn take(from: &mut ChildStdout, text: &mut Vec<u8>) -> bool {
    let mut piece = [0; 16 << 10];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return false,
            Ok(_) if text.len() > LONGEST => return false,
            Ok(read) => text.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
}

fn kill(child: &mut Child) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    if let Ok(process) = wait::process(child) {
        let _ = wait::ready(&[process.as_fd()], Instant::now() + LAST_BREATH);
    }
    let _ = child.try_wait();
}
