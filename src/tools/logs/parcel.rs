//! What goes to the store as one object, on its way there: the parcel with all that is true of it, and the receipt for it.
//!
//! A parcel is written by the side that may remove logs, and a receipt by the side that has the network. So a receipt is not
//! believed: it carries no path, only what can be compared with what is known anyway.

pub mod about;
pub mod key;
pub mod part;
pub mod several;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::{
    part::{Part, Whole},
    several::Member,
};
use super::{
    containers::Labels,
    ledger::{Entry, EntryId},
    paper::Paper,
};
use crate::{
    files::{compress::Facts, fingerprint},
    store::Key,
};

/// One archive on its way into the store, or what of its text is of one day, or several together. Persisted: fields may be added, never renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parcel {
    /// The name of its object.
    pub key: String,
    /// The machine that it is of.
    pub host: String,
    /// The set that rotated it.
    pub set: String,
    /// Who wrote it.
    pub service: String,
    /// The live log's path.
    pub log: String,
    /// The archive's name there; of several the newest one's.
    pub name: String,
    /// Its entry in the ledger.
    pub entry: EntryId,
    /// When it was rotated.
    pub rotated_at: DateTime<Utc>,
    /// When its first line may have been written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<DateTime<Utc>>,
    /// What people call its writer.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// What is true of its text and of what waits.
    pub facts: Facts,
    /// SHA-256 of what waits: the archive itself, or one of a part of its text.
    pub stored_sha256: String,
    /// Which part of the archive's text it is, when it is not all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The archives that it is joined from, the oldest first, when it is more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub several: Vec<Member>,
    /// When it was handed over: no two are the same.
    pub handed_at: DateTime<Utc>,
}

impl Paper for Parcel {
    const FORMAT: &'static str = "opsbelt.logs.parcel";
}

/// Which parcel: SHA-256 of what is written of it. So whatever bears the name of a parcel can be told from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ParcelId(String);

impl ParcelId {
    /// That of this text.
    pub fn of(text: &[u8]) -> ParcelId {
        ParcelId(fingerprint::of(text))
    }

    /// The one that `hex` says, if it can be one.
    pub fn parse(hex: &str) -> Option<ParcelId> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (hex.len() == 64 && hex.bytes().all(digit)).then(|| ParcelId(hex.to_owned()))
    }

    /// As hex.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Parcel {
    /// The archive of an entry, or a part of it, on its way to that object, as that service's log of that machine.
    pub fn of(
        entry: &Entry,
        (key, host, service): (&Key, &str, &str),
        facts: Facts,
        stored_sha256: String,
        part: Option<Part>,
        handed_at: DateTime<Utc>,
    ) -> Parcel {
        Parcel {
            key: key.to_string(),
            host: host.to_owned(),
            set: entry.set.clone(),
            service: service.to_owned(),
            log: entry.log_path(),
            name: entry.name.clone(),
            entry: entry.id,
            rotated_at: entry.at,
            begun_at: entry.begun,
            labels: entry.labels.clone(),
            facts,
            stored_sha256,
            part,
            several: Vec::new(),
            handed_at,
        }
    }

    /// The name of its object; none where what is written is no name.
    pub fn key(&self) -> Option<Key> {
        Key::new(self.key.clone())
    }

    /// What it has of which archives, each with its name.
    pub fn archives(&self) -> Vec<(&str, Part)> {
        if self.several.is_empty() {
            return vec![(&self.name, self.part())];
        }
        self.several.iter().map(|member| (member.name.as_str(), member.part())).collect()
    }

    /// Where the archive of that name was rotated to; it may lie elsewhere.
    pub fn path(&self, name: &str) -> String {
        let folder = self.log.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{folder}/{name}")
    }

    /// Which part of the archive's text it is; of several archives, all of them as if they were one.
    pub fn part(&self) -> Part {
        let whole = || {
            let Facts { sha256, size, stored, .. } = self.facts.clone();
            Part { from: 0, size, whole: Whole { sha256, size, stored_sha256: self.stored_sha256.clone(), stored } }
        };
        self.part.clone().unwrap_or_else(whole)
    }
}

/// That the store has a parcel. Persisted, and not believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Which parcel.
    pub parcel: ParcelId,
    /// Which store.
    pub store: String,
    /// The object.
    pub key: String,
    /// SHA-256 of the text that it holds.
    pub sha256: String,
    /// SHA-256 of the object itself: of another archive of that text, perhaps.
    pub stored_sha256: String,
    /// The object's bytes.
    pub stored: u64,
    /// The segment of the manifest that names it.
    pub segment: u64,
    /// When the store had it.
    pub shipped_at: DateTime<Utc>,
}

impl Receipt {
    /// Whether it is for this parcel, from this store; if not, why. The parcel is believed.
    pub fn answers(&self, parcel: &Parcel, store: &str) -> Result<(), String> {
        let compared = [
            ("store", self.store.as_str(), store),
            ("object", &self.key, &parcel.key),
            ("text", &self.sha256, &parcel.facts.sha256),
        ];
        match compared.into_iter().find(|(_, told, known)| told != known) {
            Some((what, _, known)) => Err(format!("it names another {what} than {known}")),
            None => Ok(()),
        }
    }
}

impl Paper for Receipt {
    const FORMAT: &'static str = "opsbelt.logs.receipt";
}
