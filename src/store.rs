//! Where archives live for good: objects under keys, behind one narrow interface over a folder (`file://`).
//!
//! An object is made once, whole, and never altered: what `put` says was made is durable, and was proven to hold every byte. It
//! never overwrites, knows nothing of logs, and names no local path that it was not given.

mod address;
mod file;
mod key;

use std::fs::File;

pub use self::{address::Address, key::Key};
use crate::{failure::Result, files::fingerprint::Fingerprint};

/// A place for objects.
pub trait Store: Send + Sync {
    /// Makes an object, unless there is one of that key: then nothing is altered.
    fn put(&self, key: &Key, body: &Body, moved: Moved) -> Result<Put>;
    /// The object's size; None when there is none.
    fn size(&self, key: &Key) -> Result<Option<u64>>;
    /// All of an object, piece by piece.
    fn read(&self, key: &Key, take: Take) -> Result<()>;
    /// Every object whose key lies below `folder`, in no order.
    fn list(&self, folder: &Key, visit: &mut dyn FnMut(Key, u64) -> Result<()>) -> Result<()>;
    /// The place of a key, for messages.
    fn shown(&self, key: &Key) -> String;
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

/// What an object is to hold, and what it must turn out to be.
#[derive(Debug)]
pub struct Body<'a> {
    content: Content<'a>,
    /// How long it is.
    pub size: u64,
    /// SHA-256 of all of it, in lower-case hex.
    pub sha256: String,
}

#[derive(Debug)]
enum Content<'a> {
    File(&'a File),
    Bytes(&'a [u8]),
}

impl<'a> Body<'a> {
    /// These bytes.
    pub fn of(bytes: &'a [u8]) -> Body<'a> {
        let mut hash = Fingerprint::default();
        hash.take(bytes);
        Body { content: Content::Bytes(bytes), size: bytes.len() as u64, sha256: hash.hex() }
    }

    /// All of an open file, which must be what was recorded of it.
    pub fn of_file(file: &'a File, size: u64, sha256: impl Into<String>) -> Body<'a> {
        Body { content: Content::File(file), size, sha256: sha256.into() }
    }
}

/// The store at `address`.
pub fn open(address: &Address) -> Result<Box<dyn Store>> {
    match address {
        Address::Folder(path) => Ok(Box::new(file::Folder::open(path)?)),
    }
}
