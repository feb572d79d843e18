//! What became of the lines: all archives of a log and the live file are read back by the tests' own `log-tally`.
//!
//! The head of the live file that an archive holds already is skipped, by exactly as many bytes as our ledger tells.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{super::Bench, writers::Account};
use crate::{Outcome, failed, place};

/// What was written, and what of it is wrong.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) rotations: usize,
    pub(super) written: u64,
    pub(super) lost: u64,
    pub(super) twice: u64,
    pub(super) garbled: u64,
    pub(super) longest: Duration,
}

/// Counts, when nobody writes any more.
pub(super) fn count(bench: &Bench, home: &Path, log: &Path, accounts: &[Account]) -> Outcome<Lines> {
    let ledger = fs::read_to_string(home.join("state/ledger.jsonl")).unwrap_or_default();
    let archives = archives(log)?;
    let mut tally = Command::new(bench.example("log-tally"));
    tally.args(["--head", &head(&ledger)?.to_string()]);
    for (id, account) in accounts.iter().enumerate() {
        tally.args(["--writer", &format!("{id}={}", account.lines)]);
    }
    let said = place::said(tally.args(&archives).arg(log))?;
    let [intact, lost, twice, garbled] = read(&said).ok_or_else(|| failed(format!("log-tally said {said:?}")))?;
    let written = accounts.iter().map(|account| account.lines).sum();
    if intact + lost != written {
        return Err(failed(format!("{written} lines were written, yet {said}")));
    }
    let longest = accounts.iter().map(|account| account.longest).max().unwrap_or_default();
    Ok(Lines { rotations: archives.len(), written, lost, twice, garbled, longest })
}

/// Everything beside the log; the tally looks for each line wherever it is, so their order does not matter.
fn archives(log: &Path) -> Outcome<Vec<PathBuf>> {
    let folder = log.parent().ok_or_else(|| failed("a log lies in a folder"))?;
    let entries = fs::read_dir(folder).map_err(failed)?;
    let paths: Vec<PathBuf> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(failed)?;
    Ok(paths.into_iter().filter(|path| path != log).collect())
}

/// How many bytes at the head of the live file are archived, by the last line that our ledger has about it. There is
/// one log only, and logrotate leaves no ledger.
fn head(ledger: &str) -> Outcome<u64> {
    const FIELD: &str = "\"archived\":";
    let Some(line) = ledger.lines().rfind(|line| line.contains("\"line\":\"head\"")) else { return Ok(0) };
    let number = line.split_once(FIELD).map(|(_, rest)| rest.split([',', '}']).next().unwrap_or_default());
    number.and_then(|number| number.parse().ok()).ok_or_else(|| failed(format!("the ledger says {line}")))
}

fn read(said: &str) -> Option<[u64; 4]> {
    let words: Vec<&str> = said.split_whitespace().collect();
    let ["intact", intact, "lost", lost, "twice", twice, "garbled", garbled] = words[..] else { return None };
    Some([intact.parse().ok()?, lost.parse().ok()?, twice.parse().ok()?, garbled.parse().ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_about_the_head_counts() {
        let ledger = "{\"line\":\"head\",\"log\":\"/a.log\",\"archived\":17,\"sum\":\"x\"}\n\
                      {\"line\":\"head\",\"log\":\"/a.log\",\"inode\":3,\"archived\":4095}\n{\"line\":\"archived\",\"id\":1}\n";
        assert_eq!(head(ledger).ok(), Some(4095));
        assert_eq!(head("").ok(), Some(0));
        assert!(head("{\"line\":\"head\",\"archived\":\"many\"}").is_err());
    }

    #[test]
    fn what_the_tally_says_is_read() {
        assert_eq!(read("intact 5 lost 1 twice 2 garbled 0"), Some([5, 1, 2, 0]));
        assert_eq!(read("intact 5"), None);
    }
}
