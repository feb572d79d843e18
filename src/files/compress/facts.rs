//! What is true of a log's plain text and of its archive, and what an archive says it is.
//!
//! These are persisted, in the ledger and at the end of every zstd archive: fields may be added, never renamed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::damaged;
use crate::{failure::Result, files::fingerprint::Fingerprint};

/// What is true of the plain text and its archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// SHA-256 of the plain bytes, in lower-case hex.
    pub sha256: String,
    /// Plain bytes.
    pub size: u64,
    /// Lines, as a person counts them: a last line without its newline is one too.
    pub lines: u64,
    /// Bytes of the archive.
    pub stored: u64,
    /// What compressed it, and with which settings: `zstd 1.5.7 level 6, match 6, search 4, hash 19`.
    pub encoder: String,
    /// The time that its lines are from, when it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<TimeRange>,
}

/// From when until when the lines of a log are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeRange {
    /// The first line's time, or earlier.
    pub from: DateTime<Utc>,
    /// The last line's time, or later.
    pub until: DateTime<Utc>,
    /// Where the two come from.
    pub source: TimeSource,
}

/// Where a [`TimeRange`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeSource {
    /// The first and the last line. A writer that logs out of order may be a little outside.
    Lines,
    /// When the file was begun and when it was last written to: the lines bear no time that can be trusted.
    File,
}

/// What an archive says it is, so that lost state can be rebuilt from the archives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The set that the log belongs to.
    pub set: String,
    /// The path of the live log.
    pub log: String,
    /// The host that it was written on.
    pub host: String,
    /// When it was rotated.
    pub rotated_at: DateTime<Utc>,
    /// When the file was begun, by its birth or the rotation before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<DateTime<Utc>>,
    /// What people call its writer, by the label's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// What is found in an archive that was decompressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// SHA-256 of the plain bytes, in lower-case hex.
    pub sha256: String,
    /// Plain bytes.
    pub size: u64,
    /// Lines, counted as in [`Facts`].
    pub lines: u64,
    /// What the archive says of itself, found to be true; a zstd archive of ours without it has lost its end.
    pub carried: Option<(Label, Facts)>,
}

/// Plain text on its way past: hashed and counted.
#[derive(Clone, Default)]
pub(super) struct Tally {
    hash: Fingerprint,
    size: u64,
    newlines: u64,
    open_line: bool,
}

impl Tally {
    /// The next piece of the text.
    pub(super) fn take(&mut self, piece: &[u8]) {
        let Some(last) = piece.last() else { return };
        self.hash.take(piece);
        self.size += piece.len() as u64;
        self.newlines += newlines(piece);
        self.open_line = *last != b'\n';
    }

    /// What is true now that all has passed.
    pub(super) fn facts(self, stored: u64, encoder: String, times: Option<TimeRange>) -> Facts {
        let (size, lines) = (self.size, self.lines());
        Facts { sha256: self.hash.hex(), size, lines, stored, encoder, times }
    }

    /// The same for an archive, unless it says otherwise itself.
    pub(super) fn examined(self, carried: Option<(Label, Facts)>) -> Result<Examined> {
        let (size, lines, sha256) = (self.size, self.lines(), self.hash.hex());
        match &carried {
            Some((_, facts)) if (&facts.sha256, facts.size, facts.lines) != (&sha256, size, lines) => {
                Err(damaged("its content is not what it says of itself"))
            }
            _ => Ok(Examined { sha256, size, lines, carried }),
        }
    }

    /// Whether the last line has an end.
    pub(super) fn ends_line(&self) -> bool {
        !self.open_line
    }

    fn lines(&self) -> u64 {
        self.newlines + u64::from(self.open_line)
    }
}

/// A byte holds the count of so few bytes, and the compiler then counts many at once.
fn newlines(piece: &[u8]) -> u64 {
    piece.chunks(255).map(|chunk| u64::from(chunk.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>())).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tallied(pieces: &[&[u8]]) -> Facts {
        let mut tally = Tally::default();
        for piece in pieces {
            tally.take(piece);
        }
        tally.facts(0, String::new(), None)
    }

    #[test]
    fn the_hash_is_the_one_that_sha256sum_prints() {
        assert_eq!(tallied(&[]).sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(tallied(&[b"ab", b"", b"c"]).sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_last_line_without_its_newline_is_a_line() {
        let lines = |text: &[u8]| tallied(&[text]).lines;
        assert_eq!([lines(b""), lines(b"a"), lines(b"a\n"), lines(b"a\nb"), lines(b"\n\n")], [0, 1, 1, 2, 2]);
        assert_eq!(lines(&[b'\n'; 1000]), 1000);
    }

    proptest! {
        #[test]
        fn pieces_tell_the_same_as_the_whole(text in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..900), cut in 0..900usize) {
            let (one, other) = text.split_at(cut.min(text.len()));
            let whole = tallied(&[&text]);
            prop_assert_eq!(&whole, &tallied(&[one, other]));
            prop_assert_eq!(whole.lines, text.split_inclusive(|byte| *byte == b'\n').count() as u64);
        }
    }
}
