//! What S3 takes for it, class by class. Prices change: the date and the region are part of whatever is shown, and the settings may
//! name others.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::StorageClass;

/// Of which day, and where, the prices below are.
const LISTED: &str = "AWS's list prices for us-east-1 as of January 2025";
/// What a segment of the manifest is in.
const USUAL: StorageClass = StorageClass::Standard;

/// Prices that hold instead of those that come with the tool. In dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PriceWords {
    /// Of a thousand requests that put, list or begin something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put: Option<f64>,
    /// Of a thousand others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub get: Option<f64>,
    /// Of a GB kept for a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<f64>,
}

impl PriceWords {
    /// Whether each of them can be a price.
    pub fn are_prices(&self) -> bool {
        [self.put, self.get, self.storage].into_iter().flatten().all(|price| (0.0..=1e9).contains(&price))
    }
}

/// What one class costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Tariff {
    /// The class of archives.
    pub class: StorageClass,
    /// A thousand requests that make objects of that class.
    pub put: f64,
    /// A thousand requests that make or list others.
    pub plain_put: f64,
    /// A thousand other requests for objects of that class.
    pub get: f64,
    /// A thousand other requests for others.
    pub plain_get: f64,
    /// A GB for a month.
    pub storage: f64,
    /// An object for a month, besides its bytes.
    pub each: f64,
    /// Smaller objects are billed as if they had so many bytes.
    pub least: u64,
    /// So many bytes are billed with each object.
    pub added: u64,
    /// What is removed earlier is billed for so many days.
    pub least_days: u32,
    /// Of an object in parts, only the request that completes it is billed as of the class.
    pub stages: bool,
    /// Whose prices these are.
    pub source: Source,
}

/// Whose prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Those that come with the tool.
    Listed,
    /// Some or all are those of the settings.
    Settings,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Listed => f.write_str(LISTED),
            Source::Settings => write!(f, "the settings' prices, else {LISTED}"),
        }
    }
}

impl Tariff {
    /// That of a class, as the settings say otherwise.
    pub fn new(class: Option<StorageClass>, words: PriceWords) -> Tariff {
        const LEAST: u64 = 128 << 10;
        const GLACIER: u64 = 32 << 10;
        const PLAIN_GET: f64 = 0.0004;
        // Of each object in Glacier, 8 KiB are kept in STANDARD.
        const NAMED: f64 = 8.0 / (1024.0 * 1024.0) * 0.023;
        let class = class.unwrap_or(USUAL);
        let (put, get, storage, each, least, added, least_days) = match class {
            StorageClass::Standard => (0.005, PLAIN_GET, 0.023, 0.0, 0, 0, 0),
            StorageClass::StandardIa => (0.01, 0.001, 0.0125, 0.0, LEAST, 0, 30),
            StorageClass::OnezoneIa => (0.01, 0.001, 0.01, 0.0, LEAST, 0, 30),
            StorageClass::IntelligentTiering => (0.005, PLAIN_GET, 0.023, 0.000_002_5, 0, 0, 0),
            StorageClass::GlacierIr => (0.02, 0.01, 0.004, 0.0, LEAST, 0, 90),
            StorageClass::Glacier => (0.03, PLAIN_GET, 0.0036, NAMED, 0, GLACIER, 90),
            StorageClass::DeepArchive => (0.05, PLAIN_GET, 0.000_99, NAMED, 0, GLACIER, 180),
        };
        Tariff {
            class,
            put: words.put.unwrap_or(put),
            plain_put: words.put.unwrap_or(0.005),
            get: words.get.unwrap_or(get),
            plain_get: words.get.unwrap_or(PLAIN_GET),
            storage: words.storage.unwrap_or(storage),
            each,
            least,
            added,
            least_days,
            stages: matches!(class, StorageClass::Glacier | StorageClass::DeepArchive),
            source: if words == PriceWords::default() { Source::Listed } else { Source::Settings },
        }
    }

    /// How many bytes are billed for an object.
    pub fn billed(&self, bytes: u64) -> u64 {
        bytes.max(self.least) + self.added
    }
}
