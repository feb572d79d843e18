//! Runs a command with a deadline, handing out what it prints line by line as it comes.
//!
//! The command gets a process group of its own. Whatever happens to us (the deadline, Ctrl-C, a kill), that
//! group ends with us: a small shell holds a pipe from this process and kills the group when the pipe closes.

use std::{
    io::{self, BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself.
    Exited(ExitStatus),
    /// It was still running at its deadline, and was killed.
    TooSlow,
    /// It ended, but something that it started still held its output, and was killed.
    LeftBehind,
}

impl End {
    /// Whether all is well.
    pub(crate) fn is_good(self) -> bool {
        matches!(self, End::Exited(status) if status.success())
    }
}

/// How long output may stay open after the command itself ended.
const AFTERMATH: Duration = Duration::from_secs(5);
/// How long a killed process may take to be gone.
const DYING: Duration = Duration::from_secs(10);

/// Where a line was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Prints a line to where it came from.
pub(crate) fn echo(stream: Stream, line: &str) {
    match stream {
        Stream::Out => println!("{line}"),
        Stream::Err => eprintln!("{line}"),
    }
}

enum Event {
    Line(Stream, String),
    Closed,
    Exited(io::Result<ExitStatus>),
}

/// Runs `command` and hands each line that it prints to `each_line`.
pub(crate) fn stream(command: &mut Command, deadline: Duration, each_line: &mut dyn FnMut(Stream, &str)) -> io::Result<End> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn()?;
    let guard = Guard::of(&child)?;
    let (sender, events) = mpsc::channel();
    let (out, err) = (child.stdout.take().expect("it is piped"), child.stderr.take().expect("it is piped"));
    let (sender_of_out, sender_of_err) = (sender.clone(), sender.clone());
    thread::spawn(move || read(out, Stream::Out, &sender_of_out));
    thread::spawn(move || read(err, Stream::Err, &sender_of_err));
    thread::spawn(move || sender.send(Event::Exited(child.wait())));

    let mut status = None;
    let mut open = 2;
    let mut until = Instant::now() + deadline;
    loop {
        match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Event::Line(stream, line)) => each_line(stream, line.trim_end_matches('\n')),
            Ok(Event::Closed) => open -= 1,
            Ok(Event::Exited(ended)) => {
                status = Some(ended?);
                until = Instant::now() + AFTERMATH;
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                guard.strike();
                if status.is_some() {
                    return Ok(End::LeftBehind);
                }
                await_death(&events);
                return Ok(End::TooSlow);
            }
        }
        if let (0, Some(status)) = (open, status) {
            guard.dismiss();
            return Ok(End::Exited(status));
        }
    }
}

fn read(output: impl io::Read, stream: Stream, sender: &Sender<Event>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while matches!(output.read_until(b'\n', &mut line), Ok(1..)) {
        if sender.send(Event::Line(stream, String::from_utf8_lossy(&line).into_owned())).is_err() {
            return;
        }
        line.clear();
    }
    // The receiver is gone once the deadline struck; nobody needs to hear it then.
    let _ = sender.send(Event::Closed);
}

fn await_death(events: &mpsc::Receiver<Event>) {
    let until = Instant::now() + DYING;
    while let Ok(event) = events.recv_timeout(until.saturating_duration_since(Instant::now())) {
        if matches!(event, Event::Exited(_)) {
            return;
        }
    }
}

/// Kills a process group when its pipe closes, for whatever reason.
struct Guard(Child);

impl Guard {
    fn of(child: &Child) -> io::Result<Guard> {
        let mut shell = Command::new("sh");
        shell.args(["-c", "read line; kill -s KILL -- \"-$1\" 2>/dev/null", "sh", &child.id().to_string()]);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().map(Guard)
    }

    /// Ends the group now.
    fn strike(mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }

    /// The group ended by itself.
    fn dismiss(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, deadline: Duration) -> (End, Vec<String>) {
        let mut lines = Vec::new();
        let end = stream(Command::new("sh").args(["-c", script]), deadline, &mut |_, line| lines.push(line.to_owned()));
        (end.expect("sh starts"), lines)
    }

    #[test]
    fn lines_arrive_and_the_status_is_the_commands_own() {
        let (end, lines) = shell("echo one; printf two >&2; exit 3", Duration::from_secs(20));
        // Two pipes: which line comes first is nobody's promise.
        assert!(lines.len() == 2 && lines.contains(&"one".to_owned()) && lines.contains(&"two".to_owned()), "{lines:?}");
        assert!(matches!(end, End::Exited(status) if status.code() == Some(3)));
    }

    #[test]
    fn at_the_deadline_the_grandchildren_end_too() {
        let (end, lines) = shell("sleep 600 & echo $!; wait", Duration::from_millis(300));
        assert_eq!(end, End::TooSlow);
        assert_ends(&lines[0]);
    }

    #[test]
    fn what_stays_behind_with_the_output_is_ended_and_told() {
        let (end, lines) = shell("sleep 600 & echo $!", Duration::from_mins(1));
        assert_eq!(end, End::LeftBehind);
        assert_ends(&lines[0]);
    }

    /// Killed is not gone: the process lingers until its new parent has taken notice.
    fn assert_ends(pid: &str) {
        let stat = format!("/proc/{pid}/stat");
        let until = Instant::now() + DYING;
        while let Ok(text) = std::fs::read_to_string(&stat) {
            if text.contains(") Z ") {
                return;
            }
            assert!(Instant::now() < until, "{pid} still runs: {text}");
            thread::yield_now();
        }
    }
}
