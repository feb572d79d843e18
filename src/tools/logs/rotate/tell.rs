//! Tells a writer to open its log anew. No shell, no wait without a deadline, and no signal to a process
//! that only a stranger's file names.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal},
};

use crate::{
    failure::{Doing, Failure, Result},
    tools::logs::settings::{Reopen, Signal},
};

/// systemctl answers within this time or is given up.
const SYSTEMCTL: Duration = Duration::from_secs(30);

/// Tells the writer.
pub(super) fn tell(reopen: &Reopen) -> Result<()> {
    match reopen {
        Reopen::Pidfile { path, signal } => signal_pidfile(path, *signal),
        Reopen::Unit { unit, signal } => {
            let signal = format!("--signal={signal}");
            run(&["systemctl", "kill", "--kill-who=main", &signal, "--", unit], SYSTEMCTL)
        }
        Reopen::Reload { unit } => run(&["systemctl", "reload", "--", unit], SYSTEMCTL),
        Reopen::Command { argv, timeout } => {
            let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
            run(&argv, timeout.duration())
        }
    }
}

fn signal_pidfile(path: &Path, signal: Signal) -> Result<()> {
    let fail = |why: String| Failure::new("tell the writer in", path.display()).because(why);
    let mut text = String::new();
    let file = File::open(path).doing("read the pidfile", path.display())?;
    let owner = rustix::fs::fstat(&file).doing("look at the pidfile", path.display())?.st_uid;
    file.take(64).read_to_string(&mut text).doing("read the pidfile", path.display())?;
    let number: i32 = text.trim().parse().map_err(|_| fail(format!("`{}` is no process id", text.trim())))?;
    let pid = (number > 1)
        .then(|| Pid::from_raw(number))
        .flatten()
        .ok_or_else(|| fail(format!("{number} is no process of a writer")))?;
    // From here on the process cannot be exchanged for another one with the same number.
    let process = pidfd_open(pid, PidfdFlags::empty()).map_err(|_| fail(format!("no process {number} is running")))?;
    let proc = format!("/proc/{number}");
    let runs_as = rustix::fs::stat(proc.as_str()).doing("look at", &proc)?.st_uid;
    let us = rustix::process::geteuid().as_raw();
    if us == 0 && owner != 0 && owner != runs_as {
        return Err(fail(format!("user {owner} owns the file but not process {number}: it could name anything"))
            .hint("let the service write its pidfile as root, or name its unit instead"));
    }
    pidfd_send_signal(&process, signal.number()).doing("signal", format!("process {number} of {}", path.display()))
}

/// Runs a program to its end, within `timeout`. What it writes is only shown when it fails.
fn run(argv: &[&str], timeout: Duration) -> Result<()> {
    let shown = argv.join(" ");
    let (program, arguments) = argv.split_first().ok_or_else(|| Failure::new("run", "an empty command"))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().doing("run", &shown)?;
    let mut complaint = child.stderr.take().map(Complaint::of).transpose().doing("run", &shown)?;
    if !ended_within(&child, timeout, complaint.as_mut())? {
        end(&mut child);
        return Err(Failure::new("run", &shown).because(format!("it took longer than {} s and was ended", timeout.as_secs())));
    }
    let status = child.wait().doing("run", &shown)?;
    if status.success() {
        return Ok(());
    }
    let said = complaint.map(Complaint::words).unwrap_or_default();
    let first = said.lines().next().unwrap_or_default().to_owned();
    Err(Failure::new("run", &shown).because(if first.is_empty() { status.to_string() } else { format!("{status}: {first}") }))
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

fn ended_within(child: &Child, timeout: Duration, mut complaint: Option<&mut Complaint>) -> Result<bool> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a child has a positive id");
    let process = pidfd_open(pid, PidfdFlags::empty()).doing("watch", format!("process {}", child.id()))?;
    let deadline = std::time::Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        let timeout = Timespec::try_from(left).ok();
        let mut watched = vec![PollFd::new(&process, PollFlags::IN)];
        watched.extend(complaint.as_deref().map(|complaint| PollFd::new(&complaint.from, PollFlags::IN)));
        let ready = match poll(&mut watched, timeout.as_ref()) {
            Ok(ready) => ready,
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => return Err(errno).doing("watch", format!("process {}", child.id())),
        };
        let over = !watched[0].revents().is_empty();
        // One that never stops talking is no reason to wait longer.
        if over || ready == 0 || left.is_zero() {
            return Ok(over);
        }
        if complaint.as_deref_mut().is_some_and(|complaint| !complaint.take()) {
            complaint = None;
        }
    }
}

/// Ends the command and whatever it started in its group.
fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait();
}

impl Signal {
    fn number(self) -> rustix::process::Signal {
        match self {
            Signal::Hup => rustix::process::Signal::HUP,
            Signal::Usr1 => rustix::process::Signal::USR1,
            Signal::Usr2 => rustix::process::Signal::USR2,
            Signal::Alrm => rustix::process::Signal::ALARM,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::units::Span;

    fn command(argv: &[&str], seconds: u32) -> Result<()> {
        tell(&Reopen::Command { argv: argv.iter().map(|&word| word.to_owned()).collect(), timeout: Span::seconds(seconds) })
    }

    #[test]
    fn a_command_is_judged_by_its_status_and_its_first_words() {
        assert_eq!(command(&["/bin/true"], 10), Ok(()));
        let failure = command(&["/bin/sh", "-c", "echo no such unit >&2; exit 3"], 10).unwrap_err();
        assert!(failure.to_string().ends_with("exit status: 3: no such unit"), "{failure}");
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children() {
        let failure = command(&["/bin/sh", "-c", "sleep 600 & wait"], 1).unwrap_err();
        assert!(failure.to_string().contains("longer than 1 s"), "{failure}");
    }

    #[test]
    fn a_pidfile_with_nonsense_signals_nobody() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "0", "1", "-1", "x", "99999999999999999999", "4194305"] {
            let path = folder.path().join("pid");
            std::fs::write(&path, text).unwrap();
            assert!(tell(&Reopen::Pidfile { path, signal: Signal::Hup }).is_err(), "{text:?}");
        }
    }
}
