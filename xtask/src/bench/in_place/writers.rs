//! The writers that a log is rotated under: processes of the tests' `log-writer`, which are never told to reopen.
//!
//! They run until what is done meanwhile is done, however it ends; nothing else is ever signalled.

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use super::super::Bench;
use crate::{Outcome, child, failed, place};

/// Who writes, and how fast.
pub(super) struct Load {
    pub(super) name: &'static str,
    pub(super) writers: u32,
    /// Lines a second; 0: as fast as it can.
    pub(super) rate: u64,
}

/// What a writer says of itself.
#[derive(Debug, PartialEq)]
pub(super) struct Account {
    pub(super) lines: u64,
    /// How long its slowest write took.
    pub(super) longest: Duration,
}

/// Longer than any trial takes.
const DEADLINE: Duration = Duration::from_mins(30);
/// Bytes in the live file from which on a writer only trickles: a rotation that hangs must not fill the disk.
const MOST: u64 = 1 << 30;
/// For a writer to start.
const PATIENCE: Duration = Duration::from_secs(10);

impl Load {
    /// Does `work` while all write to `log`; then ends them and asks what they did. `home` gets their pid files.
    pub(super) fn during<T>(
        &self,
        bench: &Bench,
        home: &Path,
        log: &Path,
        work: impl FnOnce() -> Outcome<T>,
    ) -> Outcome<(T, Vec<Account>)> {
        thread::scope(|scope| {
            let write = |id: u32| {
                let mut writer = Command::new(bench.example("log-writer"));
                writer.arg("--file").arg(log).arg("--pidfile").arg(home.join(format!("{id}.pid")));
                writer.args(["--id", &id.to_string(), "--rate", &self.rate.to_string(), "--most", &MOST.to_string()]);
                move || account(&mut writer)
            };
            let running: Vec<_> = (0..self.writers).map(|id| scope.spawn(write(id))).collect();
            let pids = self.started(home);
            let worked = if pids.len() == running.len() { work() } else { Err(failed("not all writers have started")) };
            // One that failed on its own is no longer there to be told.
            let there = pids.iter().zip(&running).filter(|(_, running)| !running.is_finished()).map(|(pid, _)| pid);
            let told = stop(there);
            let accounts = running.into_iter().map(|one| one.join().expect("it does not panic"));
            let accounts: Vec<Account> = accounts.collect::<Outcome<_>>()?;
            told?;
            Ok((worked?, accounts))
        })
    }

    /// The writers' process ids, as many as there are when the time is up.
    fn started(&self, home: &Path) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let read = |id| fs::read_to_string(home.join(format!("{id}.pid")));
            let pids: Vec<String> = (0..self.writers).map_while(|id| Some(read(id).ok()?.trim().to_owned())).collect();
            if pids.len() as u64 == u64::from(self.writers) || Instant::now() > until {
                return pids;
            }
            thread::park_timeout(Duration::from_millis(5));
        }
    }
}

fn stop<'a>(pids: impl Iterator<Item = &'a String>) -> Outcome {
    let script = "for pid; do kill -s TERM \"$pid\"; done";
    place::said(Command::new("sh").args(["-c", script, "sh"]).args(pids)).map(drop)
}

fn account(writer: &mut Command) -> Outcome<Account> {
    let mut said = Vec::new();
    let end = child::stream(writer, DEADLINE, &mut |_, line| said.push(line.to_owned())).map_err(failed)?;
    let said = said.join("\n");
    let account = if end.is_good() { read_account(&said) } else { None };
    account.ok_or_else(|| failed(format!("a writer ended with {end:?}: {said}")))
}

fn read_account(said: &str) -> Option<Account> {
    let (lines, longest) = said.split_once('\n')?;
    let longest = longest.strip_prefix("longest write ")?.strip_suffix(" us")?;
    Some(Account { lines: lines.parse().ok()?, longest: Duration::from_micros(longest.parse().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read() {
        let account = Account { lines: 12, longest: Duration::from_micros(345) };
        assert_eq!(read_account("12\nlongest write 345 us"), Some(account));
        assert_eq!(read_account("12"), None);
    }
}
