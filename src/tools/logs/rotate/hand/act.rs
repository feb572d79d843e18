//! The acts a hand can perform and what they give, as data: they also cross a socket to a child.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Compress;
use crate::files::{compress::Facts, dir::FileId, writers::Writers};

/// One thing to do in one folder. Names only: an act cannot leave its folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Act {
    /// See [`super::Hand::swap`].
    Swap {
        /// The live log.
        live: String,
        /// The name it gets.
        archive: String,
        /// Which file it must be.
        file: FileId,
    },
    /// See [`super::Hand::writers`].
    Await {
        /// The rotated file.
        name: String,
        /// Which file it must be.
        file: FileId,
        /// How long to wait.
        patience: Duration,
    },
    /// See [`super::Hand::compress`].
    Compress(Compress),
    /// See [`super::Hand::settle`].
    Settle {
        /// The hidden names.
        parts: Vec<String>,
    },
    /// See [`super::Hand::publish`].
    Publish {
        /// The hidden name.
        part: String,
        /// The final one.
        archive: String,
    },
    /// See [`super::Hand::sync_names`].
    SyncNames,
    /// See [`super::Hand::release`].
    Release {
        /// The rotated file.
        name: String,
        /// Which file it must be.
        file: FileId,
        /// The size that was archived.
        size: u64,
    },
    /// See [`super::Hand::discard_empty`].
    DiscardEmpty {
        /// The rotated name.
        name: String,
    },
    /// See [`super::Hand::remove_archive`].
    RemoveArchive {
        /// The archive.
        name: String,
    },
}

/// What came of an act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Acted {
    /// It is done.
    Done,
    /// Who can still write.
    Writers(Writers),
    /// What was archived.
    Facts(Facts),
    /// Whether there was something to remove.
    Removed(bool),
}
