//! What this machine remembers of its manifest in one store: the last segment, and the one that it is about to make. Written
//! before the store is asked to take it, so that whoever is killed goes on with the same words. Where, `memory` says.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::Written;
use crate::{
    failure::{Failure, Result},
    tools::logs::{paper::Paper, parcel::Receipt},
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
    /// The last segment whose head the store has signed; none where nothing signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<u64>,
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

impl Pending {
    /// The segment itself.
    pub fn written(&self) -> Result<Written> {
        let began = |why| Failure::new("go on with", "the segment that an earlier run began").because(why);
        Written::read(self.text.clone().into_bytes()).map_err(began)
    }
}

impl Chain {
    /// Whether nothing is to be said of it today, if it `signs`.
    pub fn is_silent(&self, signs: bool, today: NaiveDate) -> bool {
        let said = self.head.as_ref().is_none_or(|head| head.made_at.date_naive() == today);
        said && self.pending.is_none() && !(signs && self.unsigned().is_some())
    }

    /// Why a manifest that ends with segment `last` is not this machine's alone. One more may be there than its maker came to remember.
    pub fn goes_beyond(&self, last: u64) -> Option<String> {
        let newest = self.head.as_ref()?.number.saturating_add(u64::from(self.pending.is_some()));
        (last > newest).then(|| format!("it goes on to segment {last}, and this machine made {newest}: another one has its name"))
    }

    /// The last segment, if nobody signed that it is.
    pub fn unsigned(&self) -> Option<&Head> {
        self.head.as_ref().filter(|head| self.signed.is_none_or(|signed| signed < head.number))
    }
}
