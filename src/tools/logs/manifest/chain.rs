//! What this machine remembers of its manifest in one store: the last segment, and the one that it is about to make. Written
//! before the store is asked to take it, so that whoever is killed goes on with the same words.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    failure::{Failure, Result},
    tools::logs::{
        manifest,
        paper::{self, Paper},
        parcel::{ParcelId, Receipt},
    },
};

/// The end of this machine's chain of segments in one store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    /// The machine.
    pub host: String,
    /// The store.
    pub store: String,
    /// The last segment that the store has; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// The next one, which the store may have or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

impl Paper for Chain {
    const FORMAT: &'static str = "opsbelt.logs.chain";
}

/// A segment that the store has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Which.
    pub number: u64,
    /// SHA-256 of it.
    pub sha256: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
}

/// A segment on its way, and what is to be said once it is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// Its very bytes.
    pub text: String,
    /// The receipts for what it names.
    pub receipts: Vec<Receipt>,
}

impl Chain {
    /// What is remembered; nothing yet where there is no such file.
    pub fn read(state: &Path, host: &str, store: &str) -> Result<Chain> {
        let path = path(state, store);
        let shown = path.display();
        let fresh = Chain { host: host.to_owned(), store: store.to_owned(), ..Chain::default() };
        let Some(text) = paper::kept(&path, 2 * manifest::LONGEST)? else { return Ok(fresh) };
        let hint = "move it away: the store itself then says which segment was the last, and nothing proves that it was";
        let chain: Chain = paper::read(&text).map_err(|why| Failure::new("read", shown).because(why).hint(hint))?;
        // What another machine did, whose disk this one has a copy of, is that machine's.
        Ok(if chain.host == host { chain } else { fresh })
    }

    /// Remembers; it survives a power cut when this returns.
    pub fn write(&self, state: &Path) -> Result<()> {
        paper::keep(&path(state, &self.store), self)
    }
}

/// One file for each store.
pub fn path(state: &Path, store: &str) -> PathBuf {
    let hash = ParcelId::of(store.as_bytes());
    state.join(format!("chain-{}.json", &hash.as_str()[..16]))
}
