//! What was taken out of a store on purpose, as the manifests say it: tombstones. One is about an object as one segment names it, and as
//! every earlier one does; named again later, it is there again.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The tombstone of one object. Persisted: fields may be added, never renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// The machine whose object it was; any may have removed it.
    pub host: String,
    /// The last segment of that machine's manifest that names it.
    pub segment: u64,
    /// Its key.
    pub key: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// By which rule it went.
    pub why: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// All tombstones of the manifests that were read.
#[derive(Debug, Default)]
pub struct Tombs(HashMap<String, HashMap<String, Tomb>>);

/// The tombstone that reaches furthest, and who made it.
#[derive(Clone, Debug)]
pub struct Tomb {
    /// What it says.
    pub removed: Removed,
    /// Who says it.
    pub by: String,
}

impl Tombs {
    /// Takes in what the machine `by` says.
    pub fn add(&mut self, by: &str, removed: &[Removed]) {
        for one in removed {
            let of_host = self.0.entry(one.host.clone()).or_default();
            if of_host.get(&one.key).is_none_or(|known| known.removed.segment < one.segment) {
                of_host.insert(one.key.clone(), Tomb { removed: one.clone(), by: by.to_owned() });
            }
        }
    }

    /// The tombstone of an object as segment number `segment` of its machine names it.
    pub fn of(&self, host: &str, key: &str, segment: u64) -> Option<&Tomb> {
        self.0.get(host)?.get(key).filter(|tomb| segment <= tomb.removed.segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removed(host: &str, key: &str, segment: u64) -> Removed {
        let (sha256, why) = (String::new(), String::new());
        Removed { host: host.to_owned(), segment, key: key.to_owned(), sha256, why, at: DateTime::UNIX_EPOCH }
    }

    #[test]
    fn a_tombstone_is_about_what_was_named_until_then_and_not_about_what_is_named_later() {
        let mut tombs = Tombs::default();
        tombs.add("p", &[removed("a", "x", 3)]);
        let covers = |tombs: &Tombs, host: &str, key: &str, segment| tombs.of(host, key, segment).is_some();
        assert!(covers(&tombs, "a", "x", 1) && covers(&tombs, "a", "x", 3));
        assert!(!covers(&tombs, "a", "x", 4) && !covers(&tombs, "b", "x", 1) && !covers(&tombs, "a", "y", 1));
        tombs.add("a", &[removed("a", "x", 5), removed("a", "x", 2)]);
        assert!(covers(&tombs, "a", "x", 5) && !covers(&tombs, "a", "x", 6));
        assert_eq!(tombs.of("a", "x", 1).map(|tomb| tomb.by.as_str()), Some("a"));
    }
}
