//! What a machine has put into a store, in its own words: segments, numbered from 1 on, each made once and each with the
//! SHA-256 of the one before. So nobody can take an object away, put one in or alter one without a segment that says otherwise,
//! nor a segment without the next one. The last one is proven by whoever knows its hash.
//!
//! Persisted: fields may be added, never renamed.

pub mod archived;
pub mod chain;
pub mod heads;
pub mod links;
pub mod memory;
pub mod register;
pub mod stored;
pub mod tombs;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::tombs::Removed;
use super::{
    containers::Labels,
    paper::{self, Paper},
    parcel::{
        Parcel,
        key::word,
        part::{Part, Whole},
        several::{self, Member},
    },
};
use crate::{
    files::{
        compress::{Stretch, TimeRange},
        fingerprint,
    },
    store::Key,
};

/// Where manifests are: no query engine looks below a name that begins like this.
const MANIFESTS: &str = "_opsbelt/manifests";
/// No segment is longer.
pub const LONGEST: u64 = 16 << 20;

/// One segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// The machine that made it.
    pub host: String,
    /// Which: the first one is 1.
    pub number: u64,
    /// SHA-256 of the one before; none of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// What was put into the store since the one before. None of it on a day when nothing was.
    pub objects: Vec<Object>,
    /// What was taken out of the store since the one before, by this machine: of its own, or of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Removed>,
}

impl Paper for Segment {
    const FORMAT: &'static str = "opsbelt.logs.manifest";
}

/// One object that holds a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// The set that rotated it.
    pub set: String,
    /// Who wrote it.
    pub service: String,
    /// The live log's path.
    pub log: String,
    /// The archive's name there; of several the newest one's.
    pub name: String,
    /// When it was rotated.
    pub rotated_at: DateTime<Utc>,
    /// The time that its lines are from, when it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<TimeRange>,
    /// What people call its writer.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// SHA-256 of the text.
    pub sha256: String,
    /// Bytes of the text.
    pub size: u64,
    /// Its lines.
    pub lines: u64,
    /// SHA-256 of the object.
    pub stored_sha256: String,
    /// Bytes of the object.
    pub stored: u64,
    /// What compressed the archive that was shipped.
    pub encoder: String,
    /// Which part of the archive's text it is, when it is not all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The archives that it is joined from, the oldest first, when it is more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub several: Vec<Member>,
    /// Where in its text the archive lies that is meant, of several; never written.
    #[serde(skip)]
    pub stretch: Option<Stretch>,
}

impl Object {
    /// The object that a parcel became.
    pub fn of(parcel: &Parcel, stored: u64, stored_sha256: &str) -> Object {
        Object {
            key: parcel.key.clone(),
            set: parcel.set.clone(),
            service: parcel.service.clone(),
            log: parcel.log.clone(),
            name: parcel.name.clone(),
            rotated_at: parcel.rotated_at,
            times: parcel.facts.times,
            labels: parcel.labels.clone(),
            sha256: parcel.facts.sha256.clone(),
            size: parcel.facts.size,
            lines: parcel.facts.lines,
            stored_sha256: stored_sha256.to_owned(),
            stored,
            encoder: parcel.facts.encoder.clone(),
            part: parcel.part.clone(),
            several: parcel.several.clone(),
            stretch: None,
        }
    }

    /// The archives that it holds, each as if it had it alone. Where what is said of several of them cannot be, they stay one.
    pub fn each(self) -> Vec<Object> {
        let Some(stretches) = several::stretches(&self.several, self.size).filter(|each| each.len() > 1) else {
            return vec![self];
        };
        let one = |(member, stretch): (&Member, Stretch)| Object {
            name: member.name.clone(),
            rotated_at: member.rotated_at,
            times: member.times,
            sha256: member.whole.sha256.clone(),
            size: member.whole.size,
            lines: member.lines,
            several: Vec::new(),
            stretch: Some(stretch),
            ..self.clone()
        };
        self.several.iter().zip(stretches).map(one).collect()
    }

    /// Which part of the archive's text it is.
    pub fn part(&self) -> Part {
        let whole = || {
            let (sha256, stored_sha256) = (self.sha256.clone(), self.stored_sha256.clone());
            Part { from: 0, size: self.size, whole: Whole { sha256, size: self.size, stored_sha256, stored: self.stored } }
        };
        self.part.clone().unwrap_or_else(whole)
    }
}

/// A segment as it is in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// What it says.
    pub segment: Segment,
    /// Its bytes.
    pub text: Vec<u8>,
    /// SHA-256 of them.
    pub sha256: String,
}

impl Written {
    /// As it will be.
    pub fn of(segment: Segment) -> Written {
        let text = paper::text(&segment);
        let sha256 = fingerprint::of(&text);
        Written { segment, text, sha256 }
    }

    /// As it was read, or why it is none.
    pub fn read(text: Vec<u8>) -> Result<Written, String> {
        let segment = paper::read(&text)?;
        let sha256 = fingerprint::of(&text);
        Ok(Written { segment, text, sha256 })
    }
}

/// Where the segments of a machine are.
pub fn folder(host: &str) -> Option<Key> {
    Key::new(format!("{MANIFESTS}/{}", word(host, 100)))
}

/// Whether the folder of that name is where the segments of a machine are.
pub fn is_of(name: &str, host: &str) -> bool {
    name == word(host, 100)
}

/// The key of one of them.
pub fn key(host: &str, number: u64) -> Option<Key> {
    folder(host)?.join(&format!("{number:010}.json"))
}

/// The number of the segment that a key in that folder is of.
pub fn number(key: &Key) -> Option<u64> {
    let digits = key.parts().1.strip_suffix(".json")?;
    (digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

#[cfg(test)]
pub(in crate::tools::logs) mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::files::compress::TimeSource;

    pub(in crate::tools::logs) fn hour(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(400_000 + number)
    }

    pub(in crate::tools::logs) fn object(set: &str, from: i64) -> Object {
        let times = TimeRange { from: hour(from), until: hour(from + 1), source: TimeSource::Lines };
        Object {
            key: "logs/x".to_owned(),
            set: set.to_owned(),
            service: format!("{set}-service"),
            log: "/a.log".to_owned(),
            name: "a".to_owned(),
            rotated_at: hour(from + 2),
            times: Some(times),
            labels: Labels::new(),
            sha256: String::new(),
            size: 0,
            lines: 0,
            stored_sha256: String::new(),
            stored: 0,
            encoder: String::new(),
            part: None,
            several: Vec::new(),
            stretch: None,
        }
    }
}
