//! The text that is archived: all of a closed log, or a stretch of one that goes on growing. Read in pieces, compared with
//! its archive, and expected to stay as it is.
//!
//! Never writes. A closed log that grows or shrinks meanwhile is an error, because its archive would be a guess; of a
//! stretch nobody takes anything away.

use std::{
    fs::{File, Metadata},
    os::unix::fs::MetadataExt,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    Take, damaged,
    facts::{Label, TimeRange, TimeSource},
    span, stamps,
};
use crate::failure::{Doing, Failure, Result};

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;

/// What is to be archived.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    file: &'a File,
    stretch: Option<Stretch>,
}

/// The bytes `from..to` of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// The first one.
    pub from: u64,
    /// The first one that does not belong to it.
    pub to: u64,
}

impl Stretch {
    /// How long it is.
    pub fn length(self) -> u64 {
        self.to.saturating_sub(self.from)
    }
}

impl<'a> Text<'a> {
    /// These bytes of a log that others go on appending to; all of it, which nobody may write to any more, when there is
    /// no stretch.
    pub fn of(file: &'a File, stretch: Option<Stretch>) -> Text<'a> {
        Text { file, stretch }
    }
}

impl<'a> From<&'a File> for Text<'a> {
    fn from(file: &'a File) -> Text<'a> {
        Text { file, stretch: None }
    }
}

/// An open log and what was found when we began.
pub(super) struct Log<'a> {
    file: &'a File,
    /// Where its text begins.
    begin: u64,
    /// How long it is.
    pub(super) size: u64,
    written: Written,
    /// Whether others go on appending to the file.
    grows: bool,
}

/// When a file was last written to: seconds and nanoseconds.
type Written = (i64, i64);

impl<'a> Log<'a> {
    /// Looks at the file.
    pub(super) fn find(text: impl Into<Text<'a>>) -> Result<Log<'a>> {
        let Text { file, stretch } = text.into();
        let found = look(file)?;
        if !found.is_file() {
            return Err(Failure::new("read", "the log").because("it is no ordinary file"));
        }
        let Stretch { from, to } = stretch.unwrap_or(Stretch { from: 0, to: found.len() });
        if from > to || to > found.len() {
            return Err(changed(format!("it has {} bytes, and those from {from} to {to} were meant", found.len())));
        }
        let written = (found.mtime(), found.mtime_nsec());
        Ok(Log { file, begin: from, size: to - from, written, grows: stretch.is_some() })
    }

    /// Fills `into` from `at` on.
    pub(super) fn read(&self, into: &mut [u8], at: u64) -> Result<()> {
        let got = span::fill(self.file, into, self.begin + at).doing("read", "the log")?;
        if got < into.len() {
            let (had, ends) = (self.begin + self.size, self.begin + at + got as u64);
            return Err(changed(format!("it had {had} bytes and now ends at {ends}")));
        }
        Ok(())
    }

    /// All of it, in order.
    pub(super) fn each_piece(&self, take: Take) -> Result<()> {
        let mut buffer = vec![0; fitting(self.size, PIECE)];
        let mut at = 0;
        while at < self.size {
            let piece = &mut buffer[..fitting(self.size - at, PIECE)];
            self.read(piece, at)?;
            take(piece)?;
            at += piece.len() as u64;
        }
        Ok(())
    }

    /// Nobody wrote to it since we began.
    pub(super) fn unchanged(&self) -> Result<()> {
        let found = look(self.file)?;
        if self.grows {
            let end = self.begin + self.size;
            let emptied = || changed(format!("it had {end} bytes and now has {}", found.len()));
            return if found.len() < end { Err(emptied()) } else { Ok(()) };
        }
        if found.len() != self.size {
            return Err(changed(format!("it had {} bytes and now has {}", self.size, found.len())));
        }
        if (found.mtime(), found.mtime_nsec()) != self.written {
            return Err(changed("it was written to"));
        }
        Ok(())
    }

    /// From when its lines are: by the first and the last line, else by the file's own times, else unknown.
    pub(super) fn times(&self, label: &Label) -> Result<Option<TimeRange>> {
        Ok(self.times_of_lines(label)?.or_else(|| self.times_of_file(label)))
    }

    fn times_of_lines(&self, label: &Label) -> Result<Option<TimeRange>> {
        /// A date far ahead is something that the line is about, such as a certificate's end.
        const AHEAD: TimeDelta = TimeDelta::hours(1);
        let mut head = [0; stamps::HEAD];
        let head = &mut head[..fitting(self.size, stamps::HEAD)];
        self.read(head, 0)?;
        let Some(from) = stamps::of_line(head) else { return Ok(None) };
        let Some(until) = self.last_line()?.and_then(|line| stamps::of_line(&line)) else { return Ok(None) };
        let plausible = from <= until && until.signed_duration_since(label.rotated_at) <= AHEAD;
        Ok(plausible.then_some(TimeRange { from, until, source: TimeSource::Lines }))
    }

    /// The last line, unless it is so long that it would be no line of a log.
    fn last_line(&self) -> Result<Option<Vec<u8>>> {
        const LONGEST: usize = 64 << 10;
        let mut tail = vec![0; fitting(self.size, LONGEST)];
        let begin = self.size - tail.len() as u64;
        self.read(&mut tail, begin)?;
        let text = tail.strip_suffix(b"\n").unwrap_or(&tail);
        Ok(match text.iter().rposition(|byte| *byte == b'\n') {
            Some(before) => Some(text[before + 1..].to_vec()),
            None if begin == 0 => Some(text.to_vec()),
            None => None,
        })
    }

    fn times_of_file(&self, label: &Label) -> Option<TimeRange> {
        let (seconds, nanoseconds) = self.written;
        let until = DateTime::<Utc>::from_timestamp(seconds, u32::try_from(nanoseconds).ok()?)?;
        let from = label.begun_at?;
        let plausible = from <= until && stamps::is_sensible(from) && stamps::is_sensible(until);
        plausible.then_some(TimeRange { from, until, source: TimeSource::File })
    }
}

/// An archive's plain text, compared with the log piece by piece.
pub(super) struct Comparison<'a> {
    log: &'a Log<'a>,
    at: u64,
    buffer: Vec<u8>,
}

impl<'a> Comparison<'a> {
    /// Nothing compared yet.
    pub(super) fn with(log: &'a Log<'a>) -> Comparison<'a> {
        Comparison { log, at: 0, buffer: vec![0; fitting(log.size, PIECE)] }
    }

    /// The archive says that these come next.
    pub(super) fn take(&mut self, frame: &[u8]) -> Result<()> {
        if frame.len() as u64 > self.log.size - self.at {
            return Err(damaged("there is more in it than in the log"));
        }
        for piece in frame.chunks(PIECE) {
            let original = &mut self.buffer[..piece.len()];
            self.log.read(original, self.at)?;
            if original != piece {
                let same = original.iter().zip(piece).take_while(|(one, other)| one == other).count() as u64;
                return Err(damaged(format!("it differs from the log at byte {}", self.at + same)));
            }
            self.at += piece.len() as u64;
        }
        Ok(())
    }

    /// The archive says that this was all, and the log had `size` bytes when it was compressed.
    pub(super) fn complete(&self, size: u64) -> Result<()> {
        if self.log.size != size {
            return Err(changed(format!("it had {size} bytes when it was compressed and now has {}", self.log.size)));
        }
        if self.at != size {
            return Err(damaged(format!("it ends after {} of {size} bytes", self.at)));
        }
        Ok(())
    }
}

/// The smaller of both, for a buffer.
pub(super) fn fitting(size: u64, most: usize) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX).min(most)
}

fn look(file: &File) -> Result<Metadata> {
    file.metadata().doing("look at", "the log")
}

fn changed(cause: impl std::fmt::Display) -> Failure {
    Failure::new("archive", "the log").because(cause).hint("somebody still writes to it; it is kept and tried again")
}
