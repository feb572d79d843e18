//! Counts tests from what cargo prints.
//!
//! The harness is called with `--show-output`, so what a test printed comes back after the run as a block of
//! its own under `---- name stdout ----`: never torn by another thread. A test that could not run prints a line
//! that begins with `skipped:` and passes; here it is counted as skipped instead. An ignored one was not run
//! either.

/// How many tests did what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
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
    total: Tally,
    skips: u64,
    in_block: bool,
    /// Blocks of failed tests come again under `failures:`; what failed is no skip.
    in_failures: bool,
}

impl Reader {
    /// Takes one line.
    pub(crate) fn line(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.end_of_binary(counts);
        } else if line == "successes:" || line == "failures:" {
            self.in_failures = line == "failures:";
            self.in_block = false;
        } else if line.starts_with("---- ") && line.ends_with(" ----") {
            self.in_block = true;
        } else if line.starts_with("skipped:") && self.in_block && !self.in_failures {
            self.skips += 1;
            // One test is skipped once, however often it says so.
            self.in_block = false;
        }
    }

    fn end_of_binary(&mut self, counts: &str) {
        let count = |what: &str| {
            let part = counts.split([';', '.']).find_map(|part| part.trim().strip_suffix(what));
            part.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0)
        };
        self.total.add(Tally {
            passed: count(" passed").saturating_sub(self.skips),
            failed: count(" failed"),
            skipped: count(" ignored") + self.skips,
        });
        *self = Reader { total: self.total, ..Reader::default() };
    }

    /// The sum over all binaries read.
    pub(crate) fn tally(&self) -> Tally {
        self.total
    }
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
        TWO_BINARIES.lines().for_each(|line| reader.line(line));
        assert_eq!(reader.tally(), Tally { passed: 4, failed: 1, skipped: 2 });
    }
}
