//! An archive of a part of another one's text, in the same form. Frames of ours that lie wholly in the part are copied as they are;
//! only where it begins or ends within one something is compressed anew. Never alters the archive that it reads.

use std::{fs::File, io::Write};

use flate2::write::GzEncoder;

use super::{
    Compression, Facts, Label, Stretch, Take, TimeRange, UNCOMPRESSED, each_piece, facts::Tally, gzip, span::Sink, trailer, zstd,
};
use crate::failure::{Doing, Failure, Result};

/// Writes the part into `into`, which must be empty, and returns what is true of it. `times` are those of its lines.
pub fn part(
    archive: &File,
    how: Compression,
    part: Stretch,
    into: &File,
    label: &Label,
    times: Option<TimeRange>,
) -> Result<Facts> {
    let mut tally = Tally::default();
    if let (Compression::Zstd { level }, Some(source)) = (how, trailer_of(archive, how)?) {
        let mut frames = zstd::Frames::into(Sink::into(into), level)?;
        zstd::each_own_frame_of(archive, &source, part, &mut |at, packed, plain| {
            let wanted = within(part, at, plain);
            tally.take(wanted);
            if wanted.len() == plain.len() { frames.whole(packed, plain) } else { frames.take(wanted) }
        })?;
        return described(frames, tally, label, source.facts.encoder, times);
    }
    let mut packer = Packer::new(into, how, label)?;
    let mut at = 0;
    each_piece(archive, how, &mut |piece| {
        let wanted = within(part, at, piece);
        at += piece.len() as u64;
        tally.take(wanted);
        packer.take(wanted)
    })?;
    match packer {
        Packer::Plain(sink) => Ok(tally.facts(sink.at, UNCOMPRESSED.to_owned(), times)),
        Packer::Gzip(member, level) => {
            let sink = member.finish().doing("write", "the archive")?;
            Ok(tally.facts(sink.at, gzip::encoder(level), times))
        }
        Packer::Zstd(frames, level) => described(frames, tally, label, zstd::encoder(level), times),
    }
}

/// Hands the part of the archive's text on, piece by piece; frames of ours that have nothing of it are passed over.
pub fn read_part(archive: &File, how: Compression, part: Stretch, take: Take) -> Result<()> {
    if let Some(source) = trailer_of(archive, how)? {
        return zstd::each_own_frame_of(archive, &source, part, &mut |at, _, plain| take(within(part, at, plain)));
    }
    // What lies behind is nobody's here, however much a few bytes can be made to hold.
    let (mut at, mut enough) = (0, false);
    let read = each_piece(archive, how, &mut |piece| {
        let wanted = within(part, at, piece);
        at += piece.len() as u64;
        take(wanted)?;
        enough = at > part.to;
        if enough { Err(Failure::new("read", "more than was asked for")) } else { Ok(()) }
    });
    if enough { Ok(()) } else { read.map(drop) }
}

fn trailer_of(archive: &File, how: Compression) -> Result<Option<trailer::Trailer>> {
    if matches!(how, Compression::Zstd { .. }) { trailer::find(archive) } else { Ok(None) }
}

/// Ends an archive of frames with what it says of itself.
fn described(frames: zstd::Frames, tally: Tally, label: &Label, encoder: String, times: Option<TimeRange>) -> Result<Facts> {
    let body = frames.end()?;
    let facts = tally.facts(0, encoder, times);
    Ok(Facts { stored: trailer::write(body, label, &facts)?, ..facts })
}

/// What of the text that begins at `at` is in the part.
fn within(part: Stretch, at: u64, text: &[u8]) -> &[u8] {
    let place = |byte: u64| usize::try_from(byte.saturating_sub(at)).unwrap_or(usize::MAX).min(text.len());
    &text[place(part.from)..place(part.to)]
}

/// Whatever compresses.
enum Packer<'a> {
    Plain(Sink<'a>),
    Gzip(GzEncoder<Sink<'a>>, u32),
    Zstd(zstd::Frames<'a>, i32),
}

impl<'a> Packer<'a> {
    fn new(into: &'a File, how: Compression, label: &Label) -> Result<Packer<'a>> {
        Ok(match how {
            Compression::None => Packer::Plain(Sink::into(into)),
            Compression::Gzip { level } => Packer::Gzip(gzip::member(Sink::into(into), level, label), level),
            Compression::Zstd { level } => Packer::Zstd(zstd::Frames::into(Sink::into(into), level)?, level),
        })
    }

    fn take(&mut self, text: &[u8]) -> Result<()> {
        match self {
            Packer::Plain(sink) => sink.write_all(text).doing("write", "the archive"),
            Packer::Gzip(member, _) => member.write_all(text).doing("write", "the archive"),
            Packer::Zstd(frames, _) => frames.take(text),
        }
    }
}
