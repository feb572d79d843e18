//! The seek table at the end of an archive, in zstd's own seekable format (version 0.1.0): where each frame is.
//!
//! ```text
//! 0x184D2A5E  size | compressed size, plain size (one pair per frame) | number of frames  0  0x8F92EAB1
//! ```
//!
//! All numbers are u32 in little-endian order. Only tables without checksums are read, because ours have none: each frame
//! carries its own. A table is never taken at its word: the reader checks that the frames fill the file.

use std::{
    fs::File,
    io::{BufReader, Read},
};

use super::{damaged, span, span::Span};
use crate::failure::{Doing, Failure, Result};

/// A table is a frame that decoders skip.
pub(super) const MAGIC: u32 = 0x184D_2A5E;
const FOOTER_MAGIC: u32 = 0x8F92_EAB1;
const HEADER: u64 = 8;
const ENTRY: u64 = 8;
const FOOTER: u64 = 9;

/// One frame: its bytes in the archive, and its bytes of plain text (none, when it is skipped).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) stored: u32,
    pub(super) plain: u32,
}

/// The table that lists these frames.
pub(super) fn written(entries: &[Entry]) -> Result<Vec<u8>> {
    let bytes = entries.len() as u64 * ENTRY + FOOTER;
    let (Ok(count), Ok(size)) = (u32::try_from(entries.len()), u32::try_from(bytes)) else {
        return Err(Failure::new("compress", "the log").because("it has more frames than a seek table can list"));
    };
    let mut table = Vec::with_capacity(entries.len() * 8 + 17);
    table.extend(MAGIC.to_le_bytes());
    table.extend(size.to_le_bytes());
    for entry in entries {
        table.extend(entry.stored.to_le_bytes());
        table.extend(entry.plain.to_le_bytes());
    }
    table.extend(count.to_le_bytes());
    table.push(0);
    table.extend(FOOTER_MAGIC.to_le_bytes());
    Ok(table)
}

/// A table that an archive ends with.
pub(super) struct SeekTable {
    /// Where it begins.
    pub(super) at: u64,
    /// Frames that it lists.
    pub(super) frames: u32,
}

impl SeekTable {
    /// The table at the end of a file of `size` bytes, when there is one.
    pub(super) fn find(archive: &File, size: u64) -> Result<Option<SeekTable>> {
        let Some(footer_at) = size.checked_sub(FOOTER) else { return Ok(None) };
        let mut footer = [0; 9];
        exact(archive, &mut footer, footer_at)?;
        let [frames, magic] = [number(&footer[..4]), number(&footer[5..])];
        if magic != FOOTER_MAGIC || footer[4] != 0 {
            return Ok(None);
        }
        let payload = u64::from(frames) * ENTRY + FOOTER;
        let at = size.checked_sub(HEADER + payload).ok_or_else(|| damaged("its seek table is larger than the file"))?;
        let mut header = [0; 8];
        exact(archive, &mut header, at)?;
        if number(&header[..4]) != MAGIC || u64::from(number(&header[4..])) != payload {
            return Err(damaged("its seek table has no beginning"));
        }
        Ok(Some(SeekTable { at, frames }))
    }

    /// Its entries, in the order of the frames.
    pub(super) fn entries<'a>(&self, archive: &'a File) -> impl Iterator<Item = Result<Entry>> + 'a {
        let begin = self.at + HEADER;
        let mut table = BufReader::new(Span::of(archive, begin, begin + u64::from(self.frames) * ENTRY));
        (0..self.frames).map(move |_| {
            let mut entry = [0; 8];
            table.read_exact(&mut entry).doing("read", "the archive")?;
            Ok(Entry { stored: number(&entry[..4]), plain: number(&entry[4..]) })
        })
    }

    /// The entry of the last frame.
    pub(super) fn last(&self, archive: &File) -> Result<Option<Entry>> {
        let Some(before) = self.frames.checked_sub(1) else { return Ok(None) };
        let mut entry = [0; 8];
        exact(archive, &mut entry, self.at + HEADER + u64::from(before) * ENTRY)?;
        Ok(Some(Entry { stored: number(&entry[..4]), plain: number(&entry[4..]) }))
    }
}

/// Fills `into` from `at` on, or the archive has been cut off meanwhile.
pub(super) fn exact(archive: &File, into: &mut [u8], at: u64) -> Result<()> {
    match span::fill(archive, into, at).doing("read", "the archive")? {
        got if got == into.len() => Ok(()),
        got => Err(damaged(format!("it ends after {} bytes, in the middle of a frame", at + got as u64))),
    }
}

/// A number of four bytes.
pub(super) fn number(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
