//! Runs a command to its end within a time, and ends it with all that it started when it takes longer. No shell; what it
//! writes is only shown when it fails.

use std::{
    io::{ErrorKind, Read},
    os::{fd::AsFd, unix::process::CommandExt},
    process::{Child, ChildStderr, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::{
    failure::{Doing, Failure, Result},
    files::wait,
};

/// Runs a program to its end, within `timeout`. What it writes is only shown when it fails.
pub(super) fn run(argv: &[&str], timeout: Duration) -> Result<()> {
    let shown = argv.join(" ");
    let (program, arguments) = argv.split_first().ok_or_else(|| Failure::new("run", "an empty command"))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().doing("run", &shown)?;
    // Whatever keeps us from watching it must not leave it behind.
    let complaint = match attend(&mut child, timeout, &shown) {
        Ok(complaint) => complaint,
        Err(failure) => {
            end(&mut child);
            return Err(failure);
        }
    };
    let status = child.wait().doing("run", &shown)?;
    if status.success() {
        return Ok(());
    }
    let said = complaint.map(Complaint::words).unwrap_or_default();
    let first = said.lines().next().unwrap_or_default().to_owned();
    Err(Failure::new("run", &shown).because(if first.is_empty() { status.to_string() } else { format!("{status}: {first}") }))
}

/// Waits for the end of a command, and returns what it said; an error when it does not end in time.
fn attend(child: &mut Child, timeout: Duration, shown: &str) -> Result<Option<Complaint>> {
    let mut complaint = child.stderr.take().map(Complaint::of).transpose().doing("run", shown)?;
    if ended_within(child, timeout, complaint.as_mut()).doing("watch", format!("process {}", child.id()))? {
        return Ok(complaint);
    }
    Err(Failure::new("run", shown).because(format!("it took longer than {} s and was ended", timeout.as_secs())))
}

/// What a command says on standard error: read all the time, so that it never waits for us; only the start is kept.
struct Complaint {
    from: ChildStderr,
    start: Vec<u8>,
}

impl Complaint {
    fn of(from: ChildStderr) -> std::io::Result<Complaint> {
        rustix::io::ioctl_fionbio(&from, true)?;
        Ok(Complaint { from, start: Vec::new() })
    }

    /// Takes what is there; says whether there may be more.
    fn take(&mut self) -> bool {
        const KEPT: usize = 400;
        let mut piece = [0; 4096];
        match self.from.read(&mut piece) {
            Ok(0) => false,
            Ok(read) => {
                let room = KEPT - self.start.len();
                self.start.extend_from_slice(&piece[..read.min(room)]);
                true
            }
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        }
    }

    /// The process is over; what its own children still hold open is not waited for.
    fn words(mut self) -> String {
        self.take();
        String::from_utf8_lossy(&self.start).into_owned()
    }
}

/// Whether it ends within the time. What it says meanwhile is taken.
fn ended_within(child: &Child, timeout: Duration, mut complaint: Option<&mut Complaint>) -> std::io::Result<bool> {
    let process = wait::process(child)?;
    let deadline = Instant::now() + timeout;
    loop {
        let mut watched = vec![process.as_fd()];
        watched.extend(complaint.as_deref().map(|complaint| complaint.from.as_fd()));
        let ready = wait::ready(&watched, deadline)?;
        // One that never stops talking is no reason to wait longer.
        if ready[0] || !ready.contains(&true) || Instant::now() >= deadline {
            return Ok(ready[0]);
        }
        if complaint.as_deref_mut().is_some_and(|complaint| !complaint.take()) {
            complaint = None;
        }
    }
}

/// Ends the command and whatever it started in its group.
fn end(child: &mut Child) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    wait::reap(child);
}
