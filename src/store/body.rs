//! What an object is to hold. Whoever reads it gets no more than was recorded of it, and is told at its end when it was something else.

use std::{
    fmt::{self, Debug},
    fs::File,
    io::ErrorKind,
    os::unix::fs::FileExt,
};

use super::{Take, notes::Noted};
use crate::{
    failure::{Doing, Failure, Result},
    files::fingerprint::{self, Fingerprint},
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
    noted: Option<Noted<'a>>,
}

/// Makes a body, the same each time: it lies nowhere.
pub trait Maker: Sync {
    /// From its start.
    fn begin(&self) -> Result<Box<dyn Making + '_>>;
}

/// A body that is being made.
pub trait Making {
    /// Fills the buffer, or as much of it as is ready; 0 at the end, and not before.
    fn fill(&mut self, into: &mut [u8]) -> Result<usize>;
}

enum Content<'a> {
    File(&'a File),
    Bytes(&'a [u8]),
    Made(&'a dyn Maker),
}

impl Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Content::File(_) => "a file",
            Content::Bytes(_) => "bytes",
            Content::Made(_) => "made anew",
        })
    }
}

impl<'a> Body<'a> {
    /// These bytes: a record that is read again and again.
    pub fn of(bytes: &'a [u8]) -> Body<'a> {
        let sha256 = fingerprint::of(bytes);
        Body { content: Content::Bytes(bytes), size: bytes.len() as u64, sha256, about: Vec::new(), noted: None }
    }

    /// All of an open file, which must be what was recorded of it; rarely read again.
    pub fn of_file(file: &'a File, size: u64, sha256: impl Into<String>) -> Body<'a> {
        Body { content: Content::File(file), size, sha256: sha256.into(), about: Vec::new(), noted: None }
    }

    /// What is made anew each time that it is read, and must be what was recorded of it; rarely read again.
    pub fn of_made(maker: &'a dyn Maker, size: u64, sha256: impl Into<String>) -> Body<'a> {
        Body { content: Content::Made(maker), size, sha256: sha256.into(), about: Vec::new(), noted: None }
    }

    /// The same, and what a store that can say something about an object is to say of it.
    #[must_use]
    pub fn about(self, about: Vec<(String, String)>) -> Body<'a> {
        Body { about, ..self }
    }

    /// Whoever is stopped in the middle of it goes on from these notes.
    #[must_use]
    pub fn noted(self, noted: Noted<'a>) -> Body<'a> {
        Body { noted: Some(noted), ..self }
    }

    /// Where it is noted how far it got.
    pub fn notes(&self) -> Option<Noted<'a>> {
        self.noted
    }

    /// Whether what is not there soon is left to the next run.
    #[cfg(feature = "s3")]
    pub(super) fn stops(&self) -> bool {
        self.noted.is_some_and(|noted| noted.notes.stops())
    }

    /// Whether it will hardly be read again, so that a store may keep it where reading costs more.
    #[cfg(feature = "s3")]
    pub(super) fn is_cold(&self) -> bool {
        !matches!(self.content, Content::Bytes(_))
    }

    /// All of it, piece by piece. Fails at the end, and not later than where it gets longer, when it is not what was recorded.
    pub(super) fn read(&self, shown: &str, take: Take) -> Result<()> {
        let mut buffer = vec![0; PIECE];
        let mut reader = self.reader(shown);
        while reader.left() > 0 {
            let got = reader.fill(&mut buffer)?;
            take(&buffer[..got])?;
        }
        reader.end()
    }

    /// Reads it from its start, once.
    pub(super) fn reader(&'a self, shown: &'a str) -> Reader<'a> {
        Reader { body: self, shown, at: 0, making: None, hash: Fingerprint::default() }
    }
}

/// A body that is being read; what it holds is worth nothing before its end.
pub(super) struct Reader<'a> {
    body: &'a Body<'a>,
    shown: &'a str,
    at: u64,
    /// Where it must be made; begun when it is first read.
    making: Option<Box<dyn Making + 'a>>,
    hash: Fingerprint,
}

impl Reader<'_> {
    /// How much of what was recorded is not read yet.
    pub(super) fn left(&self) -> u64 {
        self.body.size - self.at
    }

    /// Fills the buffer as far as there is something left; fails where there is less than was recorded.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let wanted = usize::try_from(self.left()).map_or(buffer.len(), |left| left.min(buffer.len()));
        let mut got = 0;
        while got < wanted {
            match self.read_on(&mut buffer[got..wanted], self.at + got as u64)? {
                0 => return Err(self.altered()),
                more => got += more,
            }
        }
        self.hash.take(&buffer[..got]);
        self.at += got as u64;
        Ok(got)
    }

    /// Fails when it was not what was recorded.
    pub(super) fn end(mut self) -> Result<()> {
        let ended = self.read_on(&mut [0], self.at)? == 0;
        if ended && self.left() == 0 && self.hash.clone().hex() == self.body.sha256 { Ok(()) } else { Err(self.altered()) }
    }

    /// What comes at `at`, which is where it was read to.
    fn read_on(&mut self, into: &mut [u8], at: u64) -> Result<usize> {
        loop {
            let read = match self.body.content {
                Content::File(file) => file.read_at(into, at),
                Content::Bytes(bytes) => Ok(copied(bytes, into, at)),
                Content::Made(maker) => {
                    let making = self.making.take().map_or_else(|| maker.begin(), Ok)?;
                    return self.making.insert(making).fill(into);
                }
            };
            match read {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read.doing("read", self.shown),
            }
        }
    }

    fn altered(&self) -> Failure {
        Failure::new("store", self.shown).because("what is to be stored is not what was recorded of it any more")
    }
}

fn copied(bytes: &[u8], into: &mut [u8], at: u64) -> usize {
    let rest = usize::try_from(at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    let got = rest.len().min(into.len());
    into[..got].copy_from_slice(&rest[..got]);
    got
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
