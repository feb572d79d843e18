//! Turns a closed log into an archive, and proves that the archive gives every byte back.
//!
//! One stream at a time in bounded memory (at most 12 MiB at every level, whatever the file's size; `zstd`, the default, takes 5), with
//! positioned reads and writes, so that the files' own offsets never matter. It names no path, because it is handed open
//! files: the caller, who knows their names, puts them into the failure. It never syncs, renames or removes.
//!
//! A zstd archive is a row of ordinary frames that any `zstd -d` reads, then what the archive says of itself
//! ([`read_trailer`]), then a seek table. A gzip archive is one ordinary member and says nothing of itself.

mod choice;
mod days;
mod facts;
mod gzip;
mod join;
mod log;
mod pack;
mod part;
mod seek_table;
mod span;
mod stamps;
#[cfg(test)]
mod tests;
mod trailer;
mod zstd;

use std::{fs::File, io::Write};

use crate::failure::{Doing, Exit, Failure, Result};

pub use choice::Compression;
pub use days::{Day, days};
pub use facts::{Examined, Facts, Label, TimeRange, TimeSource};
pub use join::{Found, Joint, examine_each};
pub use log::{Stretch, Text};
pub use pack::{Packing, pack, trial};
pub use part::{part, read_part};

use facts::Tally;
use log::{Comparison, Log};
use span::Sink;

/// What facts call the encoder of a log that is not compressed.
const UNCOMPRESSED: &str = "none";

/// Told how many more bytes of plain text are done.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// Compresses the text into `into`, which must be empty, and returns what is true of both.
pub fn compress<'a>(
    source: impl Into<Text<'a>>,
    into: &File,
    how: Compression,
    label: &Label,
    progress: Progress,
) -> Result<Facts> {
    if into.metadata().doing("look at", "the archive")?.len() != 0 {
        return Err(Failure::new("write", "the archive").because("there is something in it already"));
    }
    let log = Log::find(source)?;
    let mut tally = Tally::default();
    let (stored, encoder) = match how {
        Compression::None => store(&log, into, &mut tally, progress)?,
        Compression::Gzip { level } => gzip::write(&log, into, level, label, &mut tally, progress)?,
        Compression::Zstd { level } => {
            let body = zstd::write(&log, into, level, &mut tally, progress)?;
            log.unchanged()?;
            let facts = tally.facts(0, zstd::encoder(level), log.times(label)?);
            return Ok(Facts { stored: trailer::write(body, label, &facts)?, ..facts });
        }
    };
    log.unchanged()?;
    Ok(tally.facts(stored, encoder, log.times(label)?))
}

/// What is true of a log that stays as it is.
pub fn measure(source: &File, label: &Label, progress: Progress) -> Result<Facts> {
    let log = Log::find(source)?;
    let mut tally = Tally::default();
    log.each_piece(&mut |piece| {
        tally.take(piece);
        progress(piece.len() as u64);
        Ok(())
    })?;
    log.unchanged()?;
    Ok(tally.facts(log.size, UNCOMPRESSED.to_owned(), log.times(label)?))
}

/// Decompresses all of `archive` and compares every byte with the text, read once more, and what the archive says of
/// itself with `facts`: the proof before the source may go. It reads what the kernel gives, so sync as well.
pub fn prove<'a>(archive: &File, source: impl Into<Text<'a>>, how: Compression, facts: &Facts) -> Result<()> {
    let stored = size_of(archive)?;
    if stored != facts.stored {
        return Err(damaged(format!("it has {stored} bytes, and {} were written", facts.stored)));
    }
    let log = Log::find(source)?;
    let mut comparison = Comparison::with(&log);
    match how {
        Compression::None => Log::find(archive)?.each_piece(&mut |piece| comparison.take(piece))?,
        Compression::Gzip { .. } => gzip::each_piece(archive, &mut |piece| comparison.take(piece))?,
        Compression::Zstd { .. } => {
            let trailer = trailer::find(archive)?.ok_or_else(|| damaged("it says nothing of itself"))?;
            if trailer.facts != *facts {
                return Err(damaged("what it says of itself is not what was written"));
            }
            zstd::each_own_frame(archive, &trailer, &mut |frame| comparison.take(frame))?;
        }
    }
    comparison.complete(facts.size)?;
    log.unchanged()
}

/// Decompresses all of `archive` and finds out anew what is in it. A zstd archive need not be ours; one of ours that is
/// not what it says of itself is an error.
pub fn examine(archive: &File, how: Compression, progress: Progress) -> Result<Examined> {
    let mut tally = Tally::default();
    let mut take = |piece: &[u8]| {
        tally.take(piece);
        progress(piece.len() as u64);
        Ok(())
    };
    let carried = each_piece(archive, how, &mut take)?;
    tally.examined(carried)
}

/// Decompresses all of `archive`, and hands its text on piece by piece. Whether it is the right text, only the end tells.
pub fn read(archive: &File, how: Compression, take: Take) -> Result<()> {
    each_piece(archive, how, take).map(drop)
}

/// The same; tells what the archive says of itself.
fn each_piece(archive: &File, how: Compression, take: Take) -> Result<Option<(Label, Facts)>> {
    match how {
        Compression::None => Log::find(archive)?.each_piece(take)?,
        Compression::Gzip { .. } => gzip::each_piece(archive, take)?,
        Compression::Zstd { .. } => match trailer::find(archive)? {
            None => zstd::each_piece(archive, take)?,
            Some(trailer) => {
                zstd::each_own_frame(archive, &trailer, take)?;
                return Ok(Some((trailer.label, trailer.facts)));
            }
        },
    }
    Ok(None)
}

/// What a zstd archive says of itself. `None` when it says nothing (it is not ours, or its end is lost); an error when
/// it cannot be read or was written by a newer version.
pub fn read_trailer(archive: &File) -> Result<Option<(Label, Facts)>> {
    Ok(trailer::find(archive)?.map(|trailer| (trailer.label, trailer.facts)))
}

/// The log byte for byte, for an archive elsewhere.
fn store(log: &Log, into: &File, tally: &mut Tally, progress: Progress) -> Result<(u64, String)> {
    let mut sink = Sink::into(into);
    log.each_piece(&mut |piece| {
        tally.take(piece);
        sink.write_all(piece).doing("write", "the archive")?;
        progress(piece.len() as u64);
        Ok(())
    })?;
    Ok((sink.at, UNCOMPRESSED.to_owned()))
}

/// Takes the plain text piece by piece, and may refuse.
pub type Take<'a> = &'a mut dyn FnMut(&[u8]) -> Result<()>;

fn size_of(archive: &File) -> Result<u64> {
    Ok(archive.metadata().doing("look at", "the archive")?.len())
}

/// The archive is not what we wrote: a person is needed. Whatever else goes wrong only kept us from looking.
fn damaged(cause: impl std::fmt::Display) -> Failure {
    Failure::new("read", "the archive").because(cause).exit(Exit::PersonNeeded)
}
