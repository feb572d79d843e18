//! What an object is to hold. Whoever reads it gets no more than was recorded of it, and is told at its end when it was something else.

use std::{fs::File, io::ErrorKind, os::unix::fs::FileExt};

use super::Take;
use crate::{
    failure::{Doing, Failure, Result},
    files::fingerprint::Fingerprint,
};

/// Read at a time.
const PIECE: usize = 256 << 10;

/// What an object is to hold, and what it must turn out to be.
#[derive(Debug)]
pub struct Body<'a> {
    content: Content<'a>,
    /// How long it is.
    pub size: u64,
    /// SHA-256 of all of it, in lower-case hex.
    pub sha256: String,
    /// What a store that can say something about an object says of it.
    pub about: Vec<(String, String)>,
}

#[derive(Debug)]
enum Content<'a> {
    File(&'a File),
    Bytes(&'a [u8]),
}

impl<'a> Body<'a> {
    /// These bytes: a record that is read again and again.
    pub fn of(bytes: &'a [u8]) -> Body<'a> {
        let mut hash = Fingerprint::default();
        hash.take(bytes);
        Body { content: Content::Bytes(bytes), size: bytes.len() as u64, sha256: hash.hex(), about: Vec::new() }
    }

    /// All of an open file, which must be what was recorded of it; rarely read again.
    pub fn of_file(file: &'a File, size: u64, sha256: impl Into<String>) -> Body<'a> {
        Body { content: Content::File(file), size, sha256: sha256.into(), about: Vec::new() }
    }

    /// The same, and what a store that can say something about an object is to say of it.
    #[must_use]
    pub fn about(self, about: Vec<(String, String)>) -> Body<'a> {
        Body { about, ..self }
    }

    /// Whether it will hardly be read again, so that a store may keep it where reading costs more.
    #[cfg(feature = "s3")]
    pub(super) fn is_cold(&self) -> bool {
        matches!(self.content, Content::File(_))
    }

    /// All of it, piece by piece. Fails at the end, and not later than where it gets longer, when it is not what was recorded.
    pub(super) fn read(&self, shown: &str, take: Take) -> Result<()> {
        let mut hash = Fingerprint::default();
        let mut size = 0;
        let mut checked = |piece: &[u8]| {
            hash.take(piece);
            size += piece.len() as u64;
            if size > self.size { Err(altered(shown)) } else { take(piece) }
        };
        match self.content {
            Content::Bytes(bytes) => checked(bytes)?,
            Content::File(file) => each_piece(file, shown, &mut checked)?,
        }
        if size == self.size && hash.hex() == self.sha256 { Ok(()) } else { Err(altered(shown)) }
    }
}

fn altered(shown: &str) -> Failure {
    Failure::new("store", shown).because("what is to be stored is not what was recorded of it any more")
}

/// All of a file from its start to its end, wherever it stands.
pub(super) fn each_piece(file: &File, shown: &str, take: Take) -> Result<()> {
    let mut buffer = vec![0; PIECE];
    let mut at = 0;
    loop {
        match file.read_at(&mut buffer, at) {
            Ok(0) => return Ok(()),
            Ok(got) => {
                take(&buffer[..got])?;
                at += got as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error).doing("read", shown),
        }
    }
}
