//! Where archives live for good: objects under keys, behind one narrow interface over a folder (`file://`) or a bucket (`s3://`).
//!
//! An object is made once, whole, and never altered: what `put` says was made is durable, and was proven to hold every byte. It
//! never overwrites, knows nothing of logs, names no local path that it was not given, and removes only what it is told to.

mod address;
mod body;
mod file;
mod key;
pub mod notes;
#[cfg(feature = "s3")]
mod s3;
pub mod signer;
#[cfg(feature = "s3")]
mod tally;

use self::notes::Begun;
pub use self::{
    address::Address,
    body::{Body, Maker, Making},
    key::Key,
};
pub use crate::aws::{
    pace,
    standing::{Access, Cold, Hold, Removal, Standing, Tier},
    terms::{ChecksumKind, Lock, LockMode, StorageClass, Terms},
};
use crate::{
    failure::{Exit, Failure, Result},
    files::fingerprint::Fingerprint,
};

/// A place for objects.
pub trait Store: Send + Sync {
    /// Makes an object, unless there is one of that key: then nothing is altered.
    fn put(&self, key: &Key, body: &Body, moved: Moved) -> Result<Put>;
    /// All of an object, piece by piece.
    fn read(&self, key: &Key, take: Take) -> Result<()>;
    /// SHA-256 of all of an object, which is read for it and should have this size.
    fn sha256(&self, key: &Key, size: u64) -> Result<String> {
        let (mut hash, mut got) = (Fingerprint::default(), 0);
        self.read(key, &mut |piece| {
            hash.take(piece);
            got += piece.len() as u64;
            let long =
                || Failure::new("read", self.shown(key)).because(format!("it has more than the {size} bytes that it should"));
            if got > size { Err(long().exit(Exit::PersonNeeded)) } else { Ok(()) }
        })?;
        Ok(hash.hex())
    }
    /// Everything that lies below `folder` with its size, in no order; also what has a name that is no key, and so is nobody's object.
    fn walk(&self, folder: &Key, visit: &mut dyn FnMut(Name, u64) -> Result<()>) -> Result<()>;
    /// Every object of it whose key can be one.
    fn list(&self, folder: &Key, visit: &mut dyn FnMut(Key, u64) -> Result<()>) -> Result<()> {
        self.walk(folder, &mut |name, size| if let Name::Key(key) = name { visit(key, size) } else { Ok(()) })
    }
    /// What is known of an object without reading it; None when there is none.
    fn look(&self, key: &Key) -> Result<Option<Standing>>;
    /// What forbids to remove an object; fails where nobody can tell.
    fn held(&self, key: &Key) -> Result<Option<Hold>>;
    /// Removes objects; what came of each, in their order. One that is not there is as good as gone.
    fn remove(&self, keys: &[Key]) -> Vec<Result<Removal>>;
    /// Asks for an object that cannot be read as it is, for so many days.
    fn thaw(&self, key: &Key, cold: Cold, tier: Tier, days: u16) -> Result<()>;
    /// Whether the store itself says that it has an object of exactly these bytes; not, where it cannot say. Less than to read it: for what
    /// cannot be read.
    fn says_it_has(&self, _: &Key, _: &Body) -> Result<bool> {
        Ok(false)
    }
    /// The place of a key, for messages.
    fn shown(&self, key: &Key) -> String;

    /// Whether it may be one that replaces an object although it is asked not to: nobody knows before it was tried.
    fn may_replace(&self) -> bool {
        false
    }

    /// How many objects it takes, or is asked about, at a time, where that is the store's own matter.
    fn at_once(&self) -> Option<usize> {
        None
    }

    /// Ends what was begun, and that nobody goes on with.
    fn end(&self, _: &Begun) -> Result<()> {
        Ok(())
    }

    /// Ends everything that somebody began below `folder` and nobody ended, of the keys that are `given_up`: what no note tells of.
    fn end_all(&self, _folder: &Key, _given_up: &dyn Fn(&Key) -> bool) -> Result<()> {
        Ok(())
    }
}

/// What something in a store is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// As an object is.
    Key(Key),
    /// As no object of ours can be; or it is none, but a link, say.
    Other(String),
}

/// Told how many more bytes are there.
pub type Moved<'a> = &'a (dyn Fn(u64) + Sync);

/// Takes an object piece by piece, and may refuse.
pub type Take<'a> = &'a mut dyn FnMut(&[u8]) -> Result<()>;

/// What came of a wish to make an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is made.
    Made,
    /// There is one of that key already; whether it is the same, nobody looked.
    Taken,
}

/// The store at `address`; a bucket on these terms.
pub fn open(address: &Address, terms: &Terms) -> Result<Box<dyn Store>> {
    match address {
        Address::Folder(path) => Ok(Box::new(file::Folder::open(path)?)),
        #[cfg(feature = "s3")]
        Address::Bucket { bucket, prefix } => Ok(Box::new(s3::Objects::open(bucket, prefix.as_ref(), terms)?)),
        #[cfg(not(feature = "s3"))]
        Address::Bucket { .. } => {
            let _ = terms;
            let failure = crate::failure::Failure::new("open", address).because("this ops-logs was built without buckets");
            Err(failure.hint("build it with the feature s3").exit(crate::failure::Exit::BadInput))
        }
    }
}
