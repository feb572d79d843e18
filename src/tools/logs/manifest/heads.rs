//! Signed heads: what the end of a machine's manifest was at a time, signed with a key that no machine holds. Made once, below the number
//! of the segment, and never replaced.
//!
//! Whoever may write to the store and may not use the key cannot alter what a head says, nor put anything before the segment that it names.
//! They can take away the newest head together with its segment: so each says when it was signed, and nothing after that is proven.
//!
//! Persisted: fields may be added, never renamed. What is signed is the very text in `statement`.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    failure::{Exit, Failure, Result},
    store::{
        Key, Store,
        signer::{PublicKey, Signature},
    },
    tools::logs::{
        manifest::stored::{self, Asking, Folders},
        paper::{self, Paper},
        parcel::key::word,
    },
};

/// Where heads are: no query engine looks below a name that begins like this.
const HEADS: &str = "_opsbelt/heads";

/// What is said, and signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The machine.
    pub host: String,
    /// The store that the segment was put into.
    pub store: String,
    /// The last segment of its manifest at that time.
    pub number: u64,
    /// SHA-256 of that segment.
    pub sha256: String,
    /// When that segment was made.
    pub made_at: DateTime<Utc>,
    /// When this was said.
    pub signed_at: DateTime<Utc>,
}

impl Paper for Statement {
    const FORMAT: &'static str = "opsbelt.logs.head-statement";
}

/// A statement with its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedHead {
    /// The text of the statement, as it was signed.
    pub statement: String,
    /// The key, as KMS calls it; nobody believes it.
    pub key: String,
    /// How it was signed, as KMS calls it; nobody believes it.
    pub algorithm: String,
    /// In base64.
    pub signature: String,
}

impl Paper for SignedHead {
    const FORMAT: &'static str = "opsbelt.logs.head";
}

impl SignedHead {
    /// The head, signed.
    pub fn of(text: &[u8], Signature { key, algorithm, value }: Signature) -> SignedHead {
        SignedHead { statement: String::from_utf8_lossy(text).into_owned(), key, algorithm, signature: value }
    }

    /// What it says, if one of these keys says so.
    fn proven(&self, keys: &[Arc<dyn PublicKey>]) -> std::result::Result<Statement, String> {
        let text = self.statement.as_bytes();
        if !keys.iter().any(|key| key.proves(text, &self.signature)) {
            return Err(format!("it is signed with none of the keys that are asked for (it says: with {})", self.key));
        }
        paper::read(text)
    }
}

/// Where the heads of a machine are.
pub fn folder(host: &str) -> Option<Key> {
    Key::new(format!("{HEADS}/{}", word(host, 100)))
}

/// The key of the head that names this segment.
pub fn key(host: &str, number: u64) -> Option<Key> {
    folder(host)?.join(&format!("{number:010}.json"))
}

/// The keys of the heads of these machines, or of all where none is named, by the folder of their machine, in order.
pub fn of(asking: Asking, hosts: &[String]) -> Result<Folders> {
    if hosts.is_empty() {
        stored::by_machine(asking, HEADS)
    } else {
        stored::in_folders(asking, hosts.iter().filter_map(|host| folder(host)))
    }
}

/// What the head under that key says, if one of these keys signed it; None when there is none. A failure that needs a person: it is
/// not what it should be.
pub fn read(store: &dyn Store, at: &Key, keys: &[Arc<dyn PublicKey>]) -> Result<Option<Statement>> {
    let wrong = |why: &str| Failure::new("believe", store.shown(at)).because(why).exit(Exit::PersonNeeded);
    let mut text = Vec::new();
    let read = store.read(at, &mut |piece| {
        text.extend_from_slice(piece);
        if text.len() as u64 > paper::LONGEST { Err(wrong("it is too long to be a head")) } else { Ok(()) }
    });
    match read {
        Err(failure) if failure.is_absence() => return Ok(None),
        read => read?,
    }
    let head: SignedHead = paper::read(&text).map_err(|why| wrong(&why))?;
    let statement = head.proven(keys).map_err(|why| wrong(&why))?;
    if key(&statement.host, statement.number).as_ref() == Some(at) {
        Ok(Some(statement))
    } else {
        Err(wrong("it is the head of another name"))
    }
}
