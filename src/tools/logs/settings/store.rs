//! Where archives go for good, as `[store]` says it.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{settings::units::Bytes, store::Address};

/// Where the spool of a machine is, unless the settings say.
const SPOOL: &str = "/var/spool/opsbelt/logs";
/// How much waits in it at most, unless the settings say.
const SPOOL_MAX: Bytes = Bytes(1 << 30);

/// What may be said of the store.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StoreWords {
    /// Where archives go for good: `file:///srv/archive`. The folder must be there.
    pub url: Address,
    /// Where `rotate` puts what `ship` is to take. /var/spool/opsbelt/logs when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spool: Option<PathBuf>,
    /// How much may wait there; the rest waits where it is. 1 GiB when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spool_max: Option<Bytes>,
}

impl StoreWords {
    /// Where the spool is.
    pub fn spool(&self) -> &Path {
        self.spool.as_deref().unwrap_or(Path::new(SPOOL))
    }

    /// How many bytes may wait in it.
    pub fn spool_max(&self) -> u64 {
        self.spool_max.unwrap_or(SPOOL_MAX).0
    }

    /// The same without gaps.
    pub(super) fn whole(&self) -> StoreWords {
        StoreWords { spool: Some(self.spool().to_owned()), spool_max: Some(self.spool_max.unwrap_or(SPOOL_MAX)), ..self.clone() }
    }
}
