//! An archive that is nowhere: it is made as somebody takes it, piece by piece, and nothing of it is kept. Made again from the same text it
//! is the same again, and the same that [`super::compress`] would write.
//!
//! One piece of text and what became of it are held at a time. Never writes to any file.

use std::io::Write;

use flate2::write::{GzDecoder, GzEncoder};

use super::{
    Compression, Facts, Label, Progress, Take, Text, TimeRange, UNCOMPRESSED, damaged,
    facts::Tally,
    gzip,
    log::{Log, fitting},
    span::Sink,
    trailer,
    zstd::{self, FRAME, Frames, Unframing},
};
use crate::{
    failure::{Doing, Result},
    files::fingerprint::Fingerprint,
};

/// An archive on its way to whoever takes it.
pub struct Packing<'a> {
    log: Log<'a>,
    label: &'a Label,
    times: Option<TimeRange>,
    progress: Progress<'a>,
    /// None when all text is packed.
    packer: Option<Packer>,
    tally: Tally,
    /// How much of the text is packed.
    at: u64,
    text: Vec<u8>,
    /// What is packed and not all taken yet.
    ready: Vec<u8>,
    given: usize,
    /// Bytes of the archive so far.
    stored: u64,
    facts: Option<Facts>,
}

/// Whatever compresses.
enum Packer {
    Plain,
    Gzip(GzEncoder<Sink<'static>>, u32),
    Zstd(Frames<'static>, i32),
}

/// The archive of this text, from its start. `times` are those of its lines.
pub fn pack<'a>(
    text: impl Into<Text<'a>>,
    how: Compression,
    label: &'a Label,
    times: Option<TimeRange>,
    progress: Progress<'a>,
) -> Result<Packing<'a>> {
    let packer = match how {
        Compression::None => Packer::Plain,
        Compression::Gzip { level } => Packer::Gzip(gzip::member(Sink::held(), level, label), level),
        Compression::Zstd { level } => Packer::Zstd(Frames::into(Sink::held(), level)?, level),
    };
    let log = Log::find(text)?;
    let text = vec![0; fitting(log.size, FRAME)];
    Ok(Packing {
        log,
        label,
        times,
        progress,
        packer: Some(packer),
        tally: Tally::default(),
        at: 0,
        text,
        ready: Vec::new(),
        given: 0,
        stored: 0,
        facts: None,
    })
}

/// Makes the archive once and throws it away: what is true of it, and its SHA-256. What comes out of it when it is decompressed goes to
/// `take`, and was found to be what went in.
pub fn trial<'a>(
    text: impl Into<Text<'a>>,
    how: Compression,
    label: &Label,
    times: Option<TimeRange>,
    (take, progress): (Take, Progress),
) -> Result<(Facts, String)> {
    let text: Text = text.into();
    let mut packing = pack(text, how, label, times, progress)?;
    let mut unpacking = Unpacking::of(how)?;
    let (mut hash, mut back) = (Fingerprint::default(), Tally::default());
    let mut piece = vec![0; 256 << 10];
    let mut both = |plain: &[u8]| {
        back.take(plain);
        take(plain)
    };
    loop {
        let got = packing.fill(&mut piece)?;
        if got == 0 {
            break;
        }
        hash.take(&piece[..got]);
        unpacking.take(&piece[..got], &mut both)?;
    }
    unpacking.end(&mut both)?;
    let facts = packing.facts.ok_or_else(|| damaged("it has no end"))?;
    let back = back.facts(facts.stored, facts.encoder.clone(), facts.times);
    if back == facts { Ok((facts, hash.hex())) } else { Err(damaged("it gives back something else than was compressed")) }
}

impl Packing<'_> {
    /// Fills the buffer, or as much of it as is ready; 0 at the end, and not before.
    pub fn fill(&mut self, into: &mut [u8]) -> Result<usize> {
        while self.given == self.ready.len() {
            self.ready.clear();
            self.given = 0;
            let Some(packer) = self.packer.take() else { return Ok(0) };
            self.next(packer)?;
            self.stored += self.ready.len() as u64;
            if let Some(facts) = &mut self.facts {
                facts.stored = self.stored;
            }
        }
        let given = into.len().min(self.ready.len() - self.given);
        into[..given].copy_from_slice(&self.ready[self.given..self.given + given]);
        self.given += given;
        Ok(given)
    }

    /// Packs one more piece; after the last one, what ends the archive.
    fn next(&mut self, mut packer: Packer) -> Result<()> {
        let length = match &mut packer {
            Packer::Zstd(frames, _) => {
                let length = frames.next(&self.log, self.at, &mut self.text, &mut self.tally)?;
                frames.give(&mut self.ready);
                length
            }
            Packer::Plain => self.read()?,
            Packer::Gzip(member, _) => {
                let length = read(&self.log, self.at, &mut self.text, &mut self.tally)?;
                member.write_all(&self.text[..fitting(length, FRAME)]).doing("compress", "the log")?;
                member.get_mut().give(&mut self.ready);
                length
            }
        };
        self.at += length;
        (self.progress)(length);
        if self.at == self.log.size {
            return self.end(packer);
        }
        self.packer = Some(packer);
        Ok(())
    }

    fn read(&mut self) -> Result<u64> {
        let length = read(&self.log, self.at, &mut self.text, &mut self.tally)?;
        self.ready.extend_from_slice(&self.text[..fitting(length, FRAME)]);
        Ok(length)
    }

    fn end(&mut self, packer: Packer) -> Result<()> {
        self.log.unchanged()?;
        let facts = |encoder: String| self.tally.clone().facts(0, encoder, self.times);
        let facts = match packer {
            Packer::Plain => facts(UNCOMPRESSED.to_owned()),
            Packer::Gzip(member, level) => {
                let mut sink = member.finish().doing("compress", "the log")?;
                sink.give(&mut self.ready);
                facts(gzip::encoder(level))
            }
            Packer::Zstd(frames, level) => {
                let facts = facts(zstd::encoder(level));
                let mut body = frames.end()?;
                body.sink.give(&mut self.ready);
                self.ready.extend(trailer::written(body.frames, self.label, &facts)?);
                facts
            }
        };
        self.facts = Some(facts);
        Ok(())
    }
}

/// The next piece of the log; how long it is.
fn read(log: &Log, at: u64, text: &mut [u8], tally: &mut Tally) -> Result<u64> {
    let piece = &mut text[..fitting(log.size - at, FRAME)];
    log.read(piece, at)?;
    tally.take(piece);
    Ok(piece.len() as u64)
}

/// What comes out of an archive that comes in pieces.
enum Unpacking {
    Plain,
    Gzip(Box<GzDecoder<Vec<u8>>>),
    Zstd(Unframing),
}

impl Unpacking {
    fn of(how: Compression) -> Result<Unpacking> {
        Ok(match how {
            Compression::None => Unpacking::Plain,
            Compression::Gzip { .. } => Unpacking::Gzip(Box::new(GzDecoder::new(Vec::new()))),
            Compression::Zstd { .. } => Unpacking::Zstd(Unframing::new()?),
        })
    }

    fn take(&mut self, packed: &[u8], take: Take) -> Result<()> {
        match self {
            Unpacking::Plain => take(packed),
            Unpacking::Zstd(frames) => frames.take(packed, take),
            Unpacking::Gzip(member) => {
                member.write_all(packed).map_err(|error| damaged(crate::failure::plain(&error)))?;
                take(&std::mem::take(member.get_mut()))
            }
        }
    }

    /// That was all of it.
    fn end(self, take: Take) -> Result<()> {
        match self {
            Unpacking::Plain => Ok(()),
            Unpacking::Zstd(frames) => frames.end(),
            Unpacking::Gzip(member) => take(&member.finish().map_err(|error| damaged(crate::failure::plain(&error)))?),
        }
    }
}
