//! One archive of the texts of several, one after the other, in the form that they have all. What is compressed stays as it is: frames of
//! ours and members of gzip are copied. Never alters an archive that it reads.

use std::{
    fs::File,
    io::{Read, Write},
};

use super::{
    Compression, Facts, Label, Stretch, TimeRange, UNCOMPRESSED, each_piece,
    facts::Tally,
    gzip, size_of,
    span::{Sink, Span},
    trailer, zstd,
};
use crate::failure::{Doing, Result};

/// An archive that is joined from others.
pub struct Joint<'a> {
    how: Compression,
    into: Into<'a>,
    tally: Tally,
    /// What compressed them, each once.
    encoders: Vec<String>,
}

enum Into<'a> {
    /// What is compressed can stand one after the other, and so can what is not.
    Bytes(Sink<'a>),
    Frames(zstd::Frames<'a>),
}

impl<'a> Joint<'a> {
    /// Of archives in that form, into an empty file.
    pub fn new(into: &'a File, how: Compression) -> Result<Joint<'a>> {
        let into = match how {
            Compression::Zstd { level } => Into::Frames(zstd::Frames::into(Sink::into(into), level)?),
            Compression::None | Compression::Gzip { .. } => Into::Bytes(Sink::into(into)),
        };
        Ok(Joint { how, into, tally: Tally::default(), encoders: Vec::new() })
    }

    /// This one comes next. Where it cannot be read, what is joined so far is worth nothing.
    pub fn add(&mut self, archive: &File) -> Result<()> {
        let Joint { how, into, tally, encoders } = self;
        let encoder = match into {
            Into::Bytes(sink) => {
                each_piece(archive, *how, &mut |piece| {
                    tally.take(piece);
                    Ok(())
                })?;
                copy(archive, sink)?;
                if let Compression::Gzip { level } = how { gzip::encoder(*level) } else { UNCOMPRESSED.to_owned() }
            }
            Into::Frames(frames) => add_frames(archive, *how, frames, tally)?,
        };
        if !encoders.contains(&encoder) {
            encoders.push(encoder);
        }
        Ok(())
    }

    /// All that there is, and what is true of it. `times` are those of its lines.
    pub fn end(self, label: &Label, times: Option<TimeRange>) -> Result<Facts> {
        let facts = |tally: Tally, stored| tally.facts(stored, self.encoders.join(" + "), times);
        match self.into {
            Into::Bytes(sink) => Ok(facts(self.tally, sink.at)),
            Into::Frames(frames) => {
                let body = frames.end()?;
                let facts = facts(self.tally, 0);
                Ok(Facts { stored: trailer::write(body, label, &facts)?, ..facts })
            }
        }
    }
}

/// Frames of ours as they are, those of others anew; what compressed them.
fn add_frames(archive: &File, how: Compression, frames: &mut zstd::Frames, tally: &mut Tally) -> Result<String> {
    let Some(source) = trailer::find(archive)? else {
        each_piece(archive, how, &mut |piece| {
            tally.take(piece);
            frames.take(piece)
        })?;
        frames.flush()?;
        let Compression::Zstd { level } = how else { return Ok(UNCOMPRESSED.to_owned()) };
        return Ok(zstd::encoder(level));
    };
    let all = Stretch { from: 0, to: u64::MAX };
    zstd::each_own_frame_of(archive, &source, all, &mut |_, packed, plain| {
        tally.take(plain);
        if plain.is_empty() { Ok(()) } else { frames.whole(packed, plain) }
    })?;
    Ok(source.facts.encoder)
}

fn copy(archive: &File, sink: &mut Sink) -> Result<()> {
    const PIECE: usize = 256 << 10;
    let mut from = Span::of(archive, 0, size_of(archive)?);
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(read) => sink.write_all(&piece[..read]).doing("write", "the archive")?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).doing("read", "the archive"),
        }
    }
}

/// A stretch of a text, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// SHA-256 of it.
    pub sha256: String,
    /// Its bytes: fewer than were asked for where the text ends before.
    pub size: u64,
    /// Whether its last line has an end. What has no line has none that lacks one.
    pub ends_line: bool,
}

/// Decompresses all of `archive`, and finds out anew what its text is: all of it, and the stretches of these lengths, one after the other.
pub fn examine_each(archive: &File, how: Compression, sizes: &[u64]) -> Result<(Found, Vec<Found>)> {
    let mut all = Tally::default();
    let mut stretches = vec![Tally::default(); sizes.len()];
    let (mut at, mut left) = (0, sizes.first().copied().unwrap_or(0));
    each_piece(archive, how, &mut |mut piece| {
        all.take(piece);
        while !piece.is_empty() && at < sizes.len() {
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            stretches[at].take(&piece[..length]);
            piece = &piece[length..];
            left -= length as u64;
            if left == 0 {
                at += 1;
                left = sizes.get(at).copied().unwrap_or(0);
            }
        }
        Ok(())
    })?;
    Ok((found(all), stretches.into_iter().map(found).collect()))
}

fn found(tally: Tally) -> Found {
    let ends_line = tally.ends_line();
    let Facts { sha256, size, .. } = tally.facts(0, String::new(), None);
    Found { sha256, size, ends_line }
}
