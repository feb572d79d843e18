//! gzip: one ordinary member with the log's name and the time of its rotation, read back to the last byte.
//!
//! Its header bears no checksum, and so the name and the time in it are not proven; the text is.

use std::{
    fs::File,
    io::{BufReader, ErrorKind, Read, Write},
};

use flate2::{GzBuilder, bufread::MultiGzDecoder, write::GzEncoder};

use super::{
    Progress, Take, damaged,
    facts::{Label, Tally},
    log::Log,
    size_of,
    span::{Sink, Span},
};
use crate::failure::{Doing, Failure, Result};

/// Bytes of plain text or archive that are held at once.
const PIECE: usize = 128 << 10;

/// Writes the log as one member, and returns the archive's size and what wrote it.
pub(super) fn write(
    log: &Log,
    into: &File,
    level: u32,
    label: &Label,
    tally: &mut Tally,
    progress: Progress,
) -> Result<(u64, String)> {
    let mut member = member(Sink::into(into), level, label);
    log.each_piece(&mut |piece| {
        tally.take(piece);
        member.write_all(piece).doing("write", "the archive")?;
        progress(piece.len() as u64);
        Ok(())
    })?;
    let sink = member.finish().doing("write", "the archive")?;
    Ok((sink.at, encoder(level)))
}

/// A member that is begun.
pub(super) fn member<'a>(into: Sink<'a>, level: u32, label: &Label) -> GzEncoder<Sink<'a>> {
    GzBuilder::new()
        .mtime(u32::try_from(label.rotated_at.timestamp()).unwrap_or(0))
        .filename(name_of(&label.log))
        .write(into, flate2::Compression::new(level.clamp(1, 9)))
}

/// What compresses, as facts name it.
pub(super) fn encoder(level: u32) -> String {
    format!("gzip level {}, zlib-rs", level.clamp(1, 9))
}

/// The last part of the path. A NUL would end the name in the header.
fn name_of(path: &str) -> Vec<u8> {
    path.rsplit('/').next().unwrap_or(path).bytes().filter(|byte| *byte != 0).collect()
}

/// The plain text of all members, piece by piece; anything else in the file is an error.
pub(super) fn each_piece(archive: &File, take: Take) -> Result<()> {
    let size = size_of(archive)?;
    let mut members = MultiGzDecoder::new(BufReader::with_capacity(PIECE, Span::of(archive, 0, size)));
    let mut plain = vec![0; PIECE];
    loop {
        match members.read(&mut plain) {
            Ok(0) => return Ok(()),
            Ok(length) => take(&plain[..length])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(&error)),
        }
    }
}

/// The disk's trouble is no damage and keeps its words; the decoder's are made a sentence.
fn unreadable(error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::UnexpectedEof => damaged("it is cut off, or has something after its end"),
        _ if error.raw_os_error().is_some() => Failure::of_system("read", "the archive", error),
        _ => damaged(crate::failure::plain(error)),
    }
}
