//! An object holds the text of one archive, or what of it is of one day: then the archive is joined from several. Pure.

use serde::{Deserialize, Serialize};

/// A stretch of the text of an archive. Persisted: fields may be added, never renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where it begins in the archive's text.
    pub from: u64,
    /// Its bytes.
    pub size: u64,
    /// The archive.
    pub whole: Whole,
}

/// An archive, all of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Whole {
    /// SHA-256 of its text.
    pub sha256: String,
    /// Bytes of its text.
    pub size: u64,
    /// SHA-256 of the archive itself, as it was on its machine.
    pub stored_sha256: String,
    /// Bytes of it.
    pub stored: u64,
}

impl Part {
    /// The first byte of the archive's text that is after it.
    pub fn to(&self) -> u64 {
        self.from.saturating_add(self.size)
    }
}

/// Whether these parts of one archive, in any order and some of them perhaps twice, are together all of its text.
pub fn are_whole(parts: &[Part]) -> bool {
    let mut parts: Vec<&Part> = parts.iter().collect();
    parts.sort_by_key(|part| part.from);
    let reached = parts.iter().fold(0, |at, part| if part.from <= at { part.to().max(at) } else { at });
    parts.first().is_some_and(|part| reached >= part.whole.size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_whole_when_no_byte_is_missing() {
        let whole = Whole { sha256: String::new(), size: 10, stored_sha256: String::new(), stored: 1 };
        let part = |(from, to): &(u64, u64)| Part { from: *from, size: to - from, whole: whole.clone() };
        let of = |stretches: &[(u64, u64)]| are_whole(&stretches.iter().map(part).collect::<Vec<_>>());
        for whole in [&[(0, 10)][..], &[(0, 4), (4, 10)], &[(4, 10), (0, 4)], &[(0, 4), (0, 4), (4, 10)], &[(0, 6), (3, 10)]] {
            assert!(of(whole), "{whole:?}");
        }
        for less in [&[][..], &[(0, 9)], &[(1, 10)], &[(0, 4), (5, 10)], &[(0, 4), (0, 4)]] {
            assert!(!of(less), "{less:?}");
        }
    }

    #[test]
    fn what_is_written_of_a_part_keeps_its_names() {
        let text = r#"{"from":1,"size":2,"whole":{"sha256":"a","size":3,"stored_sha256":"b","stored":4}}"#;
        let part: Part = serde_json::from_str(text).unwrap();
        assert_eq!((part.to(), serde_json::to_string(&part).unwrap().as_str()), (3, text));
    }
}
