//! What a store says of an object besides its bytes: whether they can be read now, what forbids to remove it, and what came of the wish to.
//! Plain data: no SDK here.

use std::fmt;

use chrono::{DateTime, Utc};
use clap::ValueEnum;

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its size.
    pub size: u64,
    /// SHA-256 that was written down when it was put there; only a bucket remembers one.
    pub sha256: Option<String>,
    /// When it came there.
    pub made_at: Option<DateTime<Utc>>,
    /// Whether it can be read.
    pub access: Access,
}

/// Whether the bytes of an object can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// At once.
    Ready,
    /// Not before somebody asks for it: it is in this class.
    Frozen(Cold),
    /// Somebody asked for it, and it is on its way.
    Thawing(Cold),
}

/// A class whose objects must be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cold {
    /// GLACIER.
    Glacier,
    /// `DEEP_ARCHIVE`.
    DeepArchive,
    /// The archive tier of `INTELLIGENT_TIERING`.
    ArchiveAccess,
    /// The deep archive tier of `INTELLIGENT_TIERING`.
    DeepArchiveAccess,
}

/// How fast an object is to be brought back, and at which price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Tier {
    /// The cheapest, the slowest
    Bulk,
    /// Hours
    #[default]
    Standard,
    /// Minutes, and dear; not for deep archives
    Expedited,
}

/// What forbids to remove an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It is locked until then.
    Until(DateTime<Utc>),
    /// A legal hold, which has no end.
    Legal,
    /// It is locked until somebody says that something happened, and perhaps for a time after that.
    Event,
    /// Its file may not be altered.
    Immutable,
}

/// What came of the wish to remove an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Gone,
    /// A marker hides it: the bucket keeps versions.
    Hidden,
    /// The store refused, because it is locked or held; its words.
    Refused(String),
}

impl Cold {
    /// How long it takes, for people; None where there is no such way.
    pub fn takes(self, tier: Tier) -> Option<&'static str> {
        match (self, tier) {
            (Cold::Glacier | Cold::ArchiveAccess, Tier::Expedited) => Some("1 to 5 minutes"),
            (Cold::Glacier | Cold::ArchiveAccess, Tier::Standard) => Some("3 to 5 hours"),
            (Cold::Glacier | Cold::ArchiveAccess, Tier::Bulk) => Some("5 to 12 hours"),
            (Cold::DeepArchive | Cold::DeepArchiveAccess, Tier::Expedited) => None,
            (Cold::DeepArchive | Cold::DeepArchiveAccess, Tier::Standard) => Some("12 hours"),
            (Cold::DeepArchive | Cold::DeepArchiveAccess, Tier::Bulk) => Some("48 hours"),
        }
    }

    /// Whether what is brought back is a copy that goes after some days; else the object itself moves.
    pub fn lends(self) -> bool {
        matches!(self, Cold::Glacier | Cold::DeepArchive)
    }
}

impl fmt::Display for Cold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cold::Glacier => "GLACIER",
            Cold::DeepArchive => "DEEP_ARCHIVE",
            Cold::ArchiveAccess => "ARCHIVE_ACCESS",
            Cold::DeepArchiveAccess => "DEEP_ARCHIVE_ACCESS",
        })
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tier::Bulk => "bulk",
            Tier::Standard => "standard",
            Tier::Expedited => "expedited",
        })
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hold::Until(until) => write!(f, "it is locked until {}", until.format("%Y-%m-%d %H:%M:%S UTC")),
            Hold::Legal => f.write_str("a legal hold is on it"),
            Hold::Event => f.write_str("an event hold is on it"),
            Hold::Immutable => f.write_str("its file may not be altered (`chattr -i -a` would allow it)"),
        }
    }
}
