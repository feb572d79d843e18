//! What is remembered of an object that is made of parts, so that a run that was stopped in the middle of it is gone on with by the next
//! one. Knows no file: whoever ships keeps the notes.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use super::{ChecksumKind, Key};
use crate::failure::Result;

/// An object that was begun. Persisted: fields may be added, never renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Its key.
    pub key: String,
    /// What the store calls it; none before the store was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// Bytes of each part but the last.
    pub part: u64,
    /// How each part is proven.
    pub checksum: ChecksumKind,
    /// SHA-256 of what the object is to hold.
    pub stored_sha256: String,
    /// How long that is.
    pub stored: u64,
    /// What made it.
    pub encoder: String,
}

impl Begun {
    /// Whether what was begun is the very thing that `self` is about to begin, so that parts of the one are parts of the other.
    pub fn is(&self, earlier: &Begun) -> bool {
        *self == Begun { upload: self.upload.clone(), ..earlier.clone() }
    }
}

/// Where notes are kept, across runs.
pub trait Notes: Debug + Sync {
    /// What was begun under that key; None when nothing was, or nobody can tell any more.
    fn recall(&self, key: &Key) -> Result<Option<Begun>>;
    /// Remembers; it survives a power cut when this returns.
    fn remember(&self, begun: &Begun) -> Result<()>;
    /// It was ended, one way or the other.
    fn forget(&self, key: &Key) -> Result<()>;
    /// Whether whoever keeps them was asked to stop: what is not there soon is the next run's.
    fn stops(&self) -> bool;
}

/// The notes on a body.
#[derive(Clone, Copy, Debug)]
pub struct Noted<'a> {
    /// Where they are.
    pub notes: &'a dyn Notes,
    /// What made the body.
    pub encoder: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_same_thing_is_gone_on_with() {
        let begun = Begun {
            key: "a".to_owned(),
            upload: None,
            part: 8,
            checksum: ChecksumKind::Crc64nvme,
            stored_sha256: "x".to_owned(),
            stored: 9,
            encoder: "zstd".to_owned(),
        };
        let earlier = Begun { upload: Some("id".to_owned()), ..begun.clone() };
        assert!(begun.is(&earlier));
        for other in [
            Begun { part: 9, ..earlier.clone() },
            Begun { checksum: ChecksumKind::Crc32, ..earlier.clone() },
            Begun { stored_sha256: "y".to_owned(), ..earlier.clone() },
            Begun { stored: 8, ..earlier.clone() },
            Begun { encoder: "gzip".to_owned(), ..earlier.clone() },
        ] {
            assert!(!begun.is(&other), "{other:?}");
        }
    }
}
