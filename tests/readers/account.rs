//! Counts what a reader delivered against what was written: which numbered lines came, came again, or never came.

use std::{collections::BTreeSet, fmt, fs, ops::RangeInclusive, path::Path};

use crate::support::line;

/// What one reader delivered.
pub(crate) struct Account {
    written: u64,
    numbers: BTreeSet<u64>,
    /// Lines that came again.
    pub(crate) again: u64,
    /// How many bytes those have.
    pub(crate) again_bytes: u64,
    /// Lines that do not prove themselves.
    pub(crate) garbled: u64,
}

impl Account {
    /// Counts the lines in `output`, the first `written` numbers being those that should be there.
    pub(crate) fn of(output: &Path, written: u64) -> Account {
        let mut account = Account { written, numbers: BTreeSet::new(), again: 0, again_bytes: 0, garbled: 0 };
        let text = fs::read(output).expect("the reader wrote it");
        for line in text.strip_suffix(b"\n").unwrap_or(&text).split(|byte| *byte == b'\n') {
            account.count(line);
        }
        account
    }

    /// Lines that never came.
    pub(crate) fn missing(&self) -> u64 {
        self.written - self.numbers.len() as u64
    }

    fn count(&mut self, line: &[u8]) {
        match line::parse(line) {
            Some((0, number)) if number < self.written => {
                if !self.numbers.insert(number) {
                    self.again += 1;
                    self.again_bytes += line.len() as u64 + 1;
                }
            }
            _ => self.garbled += 1,
        }
    }

    /// The stretches that never came.
    pub(crate) fn gaps(&self) -> Vec<RangeInclusive<u64>> {
        let mut gaps: Vec<RangeInclusive<u64>> = Vec::new();
        for number in (0..self.written).filter(|number| !self.numbers.contains(number)) {
            match gaps.last_mut() {
                Some(gap) if gap.end() + 1 == number => *gap = *gap.start()..=number,
                _ => gaps.push(number..=number),
            }
        }
        gaps
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (there, missing, gaps) = (self.numbers.len(), self.missing(), self.gaps());
        write!(f, "delivered {there}, missing {missing}, again {}, garbled {}", self.again, self.garbled)?;
        let some = &gaps[..gaps.len().min(6)];
        if gaps.is_empty() { Ok(()) } else { write!(f, "; {} gaps: {some:?}", gaps.len()) }
    }
}
