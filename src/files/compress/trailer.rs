//! What a zstd archive says of itself, after its data: one frame that decoders skip, then the seek table.
//!
//! ```text
//! 0x184D2A5B  size | {"format":"opsbelt.logs.archive","version":1,"label":{...},"facts":{...}}\n | CRC-32 of that, in hex \n
//! ```
//!
//! The magic, the two lines, `format` and `version` stay in all versions, so that an older program can refuse a newer
//! archive instead of misreading it. Fields are only added within a version. A size is never believed before it is limited.

use std::{fs::File, io::Write};

use serde::Serialize;
use serde_json::Value;

use super::{
    damaged,
    facts::{Facts, Label},
    seek_table::{self, Entry, SeekTable, exact, number},
    size_of,
    span::Sink,
};
use crate::failure::{Doing, Exit, Failure, Result};

/// Of the sixteen magics for frames that decoders skip, the one that we use: B as in belt.
pub(super) const MAGIC: u32 = 0x184D_2A5B;
const FORMAT: &str = "opsbelt.logs.archive";
const VERSION: u64 = 1;
/// How the text begins in every version.
const BEGIN: &[u8] = br#"{"format":"opsbelt.logs.archive","version":"#;
/// Far more than paths and names of the longest kind need.
const LARGEST: usize = 64 << 10;
const HEADER: u64 = 8;

/// An archive's data, written; what it says of itself comes next.
pub(super) struct Body<'a> {
    pub(super) sink: Sink<'a>,
    pub(super) frames: Vec<Entry>,
}

/// The text, in the order that it is written.
#[derive(Serialize)]
struct Text<'a> {
    format: &'static str,
    version: u64,
    label: &'a Label,
    facts: Value,
}

/// Ends the archive, and returns its final size. `facts.stored` is left out: it is the file's size.
pub(super) fn write(body: Body, label: &Label, facts: &Facts) -> Result<u64> {
    let Body { mut sink, frames } = body;
    sink.write_all(&written(frames, label, facts)?).doing("write", "the archive")?;
    Ok(sink.at)
}

/// What ends an archive of these frames.
pub(super) fn written(mut frames: Vec<Entry>, label: &Label, facts: &Facts) -> Result<Vec<u8>> {
    let text = text(label, facts)?;
    let size = u32::try_from(text.len()).expect("it was limited");
    frames.push(Entry { stored: size + 8, plain: 0 });
    let table = seek_table::written(&frames)?;
    Ok([&MAGIC.to_le_bytes(), &size.to_le_bytes(), text.as_bytes(), &table].concat())
}

fn text(label: &Label, facts: &Facts) -> Result<String> {
    let unwritable = |cause: &dyn std::fmt::Display| Failure::new("describe", "the archive").because(cause);
    let mut facts = serde_json::to_value(facts).map_err(|error| unwritable(&error))?;
    facts.as_object_mut().expect("a struct is an object").remove("stored");
    let text = Text { format: FORMAT, version: VERSION, label, facts };
    let line = serde_json::to_string(&text).map_err(|error| unwritable(&error))? + "\n";
    let text = format!("{line}{}", checksum(&line));
    if text.len() > LARGEST {
        return Err(unwritable(&format!("its names take more than {LARGEST} bytes")));
    }
    Ok(text)
}

fn checksum(line: &str) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(line.as_bytes());
    format!("{:08x}\n", crc.sum())
}

/// What was found at the end of an archive of ours.
pub(super) struct Trailer {
    pub(super) label: Label,
    pub(super) facts: Facts,
    /// Where it begins, and so where the data ends.
    pub(super) at: u64,
    /// All frames; the last one is the trailer.
    pub(super) table: SeekTable,
}

/// The trailer, when the archive is ours and whole at its end.
pub(super) fn find(archive: &File) -> Result<Option<Trailer>> {
    let stored = size_of(archive)?;
    let Some(table) = SeekTable::find(archive, stored)? else { return Ok(None) };
    let Some(Entry { stored: length, plain: 0 }) = table.last(archive)? else { return Ok(None) };
    let Some(at) = table.at.checked_sub(u64::from(length)) else { return Err(damaged("its seek table does not fit the file")) };
    let limited =
        u64::from(length).checked_sub(HEADER).and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= LARGEST);
    let Some(size) = limited else { return Ok(None) };
    let mut frame = vec![0; size + 8];
    exact(archive, &mut frame, at)?;
    let (header, text) = frame.split_at(8);
    // Either of the two marks is enough, so that one flipped bit does not turn an archive of ours into a stranger's.
    match (number(&header[..4]) == MAGIC, text.starts_with(BEGIN)) {
        (false, false) => return Ok(None),
        (true, true) if number(&header[4..]) as usize == size => {}
        _ => return Err(damaged("what it says of itself is damaged at its beginning")),
    }
    let (label, facts) = read(text, stored)?;
    Ok(Some(Trailer { label, facts, at, table }))
}

fn read(text: &[u8], stored: u64) -> Result<(Label, Facts)> {
    let spoiled = |cause: &dyn std::fmt::Display| damaged(format!("what it says of itself is damaged: {cause}"));
    let text = str::from_utf8(text).map_err(|error| spoiled(&error))?;
    let (line, sum) = text.split_at(text.find('\n').map_or(text.len(), |end| end + 1));
    if sum != checksum(line) {
        return Err(spoiled(&"its checksum is wrong"));
    }
    let mut json: Value = serde_json::from_str(line).map_err(|error| spoiled(&error))?;
    if json["format"] != FORMAT {
        return Err(spoiled(&format!("it is no {FORMAT}")));
    }
    match json["version"].as_u64() {
        Some(VERSION) => {}
        Some(newer) if newer > VERSION => {
            return Err(damaged(format!(
                "it was written by a newer opsbelt (version {newer} of its format, and this one reads up to {VERSION})"
            ))
            .hint("install that version, or a newer one")
            .exit(Exit::CouldNotRun));
        }
        _ => return Err(spoiled(&"it has no version")),
    }
    let facts = json["facts"].as_object_mut().ok_or_else(|| spoiled(&"it has no facts"))?;
    facts.insert("stored".to_owned(), stored.into());
    let label = serde_json::from_value(json["label"].take()).map_err(|error| spoiled(&error))?;
    let facts = serde_json::from_value(json["facts"].take()).map_err(|error| spoiled(&error))?;
    Ok((label, facts))
}
