//! Counts tests from what cargo and the tests print.
//!
//! A test that could not run says so in a line that begins with `skipped:`, and passes; here it is counted as
//! skipped instead. The line may come in two ways, neither of which another thread can tear apart. Written straight
//! to standard error, which has a pipe of its own here, it comes at once. Printed with `println!`, the harness
//! keeps it and shows it after the run (`--show-output`) in a block under `---- name stdout ----`. An ignored test
//! was not run either.

use crate::child::Stream;

/// How many tests did what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// All of them.
    pub(crate) fn sum(&self) -> u64 {
        self.passed + self.failed + self.skipped
    }

    /// Adds another one's counts.
    pub(crate) fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Reads the lines of one or more test binaries, one after another.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// As the harness counts: a test that skipped itself passed.
    counted: Tally,
    skips: u64,
    block: Block,
}

/// Where in a binary's summary a line stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Block {
    #[default]
    Elsewhere,
    /// What a passed test printed.
    Passed,
    /// What a failed test printed: it failed, whatever it left out.
    Failed,
}

impl Reader {
    /// Takes one line.
    pub(crate) fn line(&mut self, stream: Stream, line: &str) {
        let says_skipped = line.starts_with("skipped:");
        match stream {
            Stream::Err => self.skips += u64::from(says_skipped),
            Stream::Out if says_skipped && self.block == Block::Passed => {
                self.skips += 1;
                // One test is skipped once, however often it says so.
                self.block = Block::Elsewhere;
            }
            Stream::Out => self.summary(line),
        }
    }

    fn summary(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.counted.add(read(counts));
            self.block = Block::Elsewhere;
        } else if line == "failures:" {
            self.block = Block::Failed;
        } else if line.starts_with("---- ") && line.ends_with(" ----") && self.block != Block::Failed {
            self.block = Block::Passed;
        }
    }

    /// The sum over all binaries read.
    pub(crate) fn tally(&self) -> Tally {
        let Tally { passed, failed, skipped } = self.counted;
        Tally { passed: passed.saturating_sub(self.skips), failed, skipped: skipped + self.skips }
    }
}

/// `ok. 3 passed; 0 failed; 1 ignored; ...`
fn read(counts: &str) -> Tally {
    let count = |what: &str| {
        let part = counts.split([';', '.']).find_map(|part| part.trim().strip_suffix(what));
        part.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    Tally { passed: count(" passed"), failed: count(" failed"), skipped: count(" ignored") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_BINARIES: &str = "\
running 3 tests
test a ... ok
test b ... ok
test c ... FAILED

successes:

---- a stdout ----
some words
skipped: no strace here
skipped: and no mount either


successes:
    a
    b

failures:

---- c stdout ----
skipped: half of it
thread 'c' panicked

failures:
    c

test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s

running 4 tests
skipped: not inside the block of a test
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn a_skip_counts_once_for_each_test_and_never_for_a_failed_one() {
        let mut reader = Reader::default();
        TWO_BINARIES.lines().for_each(|line| reader.line(Stream::Out, line));
        assert_eq!(reader.tally(), Tally { passed: 4, failed: 1, skipped: 2 });
    }

    #[test]
    fn a_skip_told_at_once_counts_too() {
        let mut reader = Reader::default();
        for line in ["skipped: it needs root", "warning: skipped: no", "     Running tests/x.rs"] {
            reader.line(Stream::Err, line);
        }
        TWO_BINARIES.lines().for_each(|line| reader.line(Stream::Out, line));
        assert_eq!(reader.tally(), Tally { passed: 3, failed: 1, skipped: 3 });
    }
}
