//! zstd frames: written of at most 1 MiB of plain text each, cut after a line's end where there is one, and read back.
//!
//! Each frame has its content's size and checksum, so that it stands for itself: a reader may begin at any of them, and
//! damage costs one. What is read is never believed: a frame of ours gives at most 1 MiB, any other archive is streamed
//! through a window of at most 8 MiB.

use std::{fs::File, io::Write};

use ::zstd::zstd_safe::{self as safe, CCtx, CParameter, DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

use super::{
    Progress, Stretch, Take, damaged,
    facts::Tally,
    log::{Log, fitting},
    seek_table::{Entry, exact, number},
    size_of,
    span::{Preview, Sink, Span},
    trailer::{self, Body, Trailer},
};
use crate::failure::{Doing, Failure, Result};

/// Plain bytes in a frame, at most.
pub(super) const FRAME: usize = 1 << 20;
/// The largest window that a stranger's archive may ask for: what `zstd -19` uses.
const WINDOW_LOG: u32 = 23;
const MAGIC: u32 = 0xFD2F_B528;
/// The lowest nibble of the magic of a frame that decoders skip is free.
const SKIPPED: u32 = 0x184D_2A50;

/// Frames on their way into an archive.
pub(super) struct Frames<'a> {
    context: CCtx<'static>,
    body: Body<'a>,
    packed: Vec<u8>,
    /// Plain text that is no frame yet.
    open: Vec<u8>,
}

impl<'a> Frames<'a> {
    /// None yet.
    pub(super) fn into(sink: Sink<'a>, level: i32) -> Result<Frames<'a>> {
        let body = Body { sink, frames: Vec::new() };
        Ok(Frames { context: context(level)?, body, packed: Vec::new(), open: Vec::new() })
    }

    /// What of the log begins at `at` comes next, as one frame; how much that is. `text` is room for it.
    pub(super) fn next(&mut self, log: &Log, at: u64, text: &mut [u8], tally: &mut Tally) -> Result<u64> {
        let piece = &mut text[..fitting(log.size - at, FRAME)];
        log.read(piece, at)?;
        let frame = &piece[..cut(piece, at + piece.len() as u64 == log.size)];
        tally.take(frame);
        self.frame(frame)?;
        Ok(frame.len() as u64)
    }

    /// Moves what is ready behind what is in `into`, where nothing else takes it.
    pub(super) fn give(&mut self, into: &mut Vec<u8>) {
        self.body.sink.give(into);
    }

    /// This text comes next.
    pub(super) fn take(&mut self, mut text: &[u8]) -> Result<()> {
        while !text.is_empty() {
            let (fits, rest) = text.split_at(text.len().min(FRAME - self.open.len()));
            self.open.extend_from_slice(fits);
            text = rest;
            if self.open.len() == FRAME {
                let open = std::mem::take(&mut self.open);
                let (frame, rest) = open.split_at(cut(&open, false));
                self.frame(frame)?;
                self.open.extend_from_slice(rest);
            }
        }
        Ok(())
    }

    /// This frame of ours comes next.
    pub(super) fn whole(&mut self, packed: &[u8], plain: &[u8]) -> Result<()> {
        self.flush()?;
        self.put(packed, plain.len())
    }

    /// All that there is; of nothing one empty frame.
    pub(super) fn end(mut self) -> Result<Body<'a>> {
        self.flush()?;
        if self.body.frames.is_empty() {
            self.frame(&[])?;
        }
        Ok(self.body)
    }

    /// What is open becomes a frame: what comes next begins another one.
    pub(super) fn flush(&mut self) -> Result<()> {
        let open = std::mem::take(&mut self.open);
        if open.is_empty() { Ok(()) } else { self.frame(&open) }
    }

    fn frame(&mut self, plain: &[u8]) -> Result<()> {
        let mut packed = std::mem::take(&mut self.packed);
        packed.clear();
        packed.reserve(safe::compress_bound(plain.len()));
        self.context
            .compress2(&mut packed, plain)
            .map_err(|code| Failure::new("compress", "the log").because(safe::get_error_name(code)))?;
        self.put(&packed, plain.len())?;
        self.packed = packed;
        Ok(())
    }

    fn put(&mut self, packed: &[u8], plain: usize) -> Result<()> {
        self.body.sink.write_all(packed).doing("write", "the archive")?;
        self.body.frames.push(Entry { stored: short(packed.len()), plain: short(plain) });
        Ok(())
    }
}

/// Writes the log's text as frames; an empty log is one empty frame.
pub(super) fn write<'a>(log: &Log, into: &'a File, level: i32, tally: &mut Tally, progress: Progress) -> Result<Body<'a>> {
    let mut frames = Frames::into(Sink::into(into), level)?;
    let mut text = vec![0; fitting(log.size, FRAME)];
    let mut at = 0;
    loop {
        let length = frames.next(log, at, &mut text, tally)?;
        at += length;
        progress(length);
        if at == log.size {
            return frames.end();
        }
    }
}

/// What compresses, as facts name it.
pub(super) fn encoder(level: i32) -> String {
    let Tuning { match_length, search, hash } = Tuning::of(level);
    let named = |name: &str, value: Option<u32>| value.map(|value| format!(", {name} {value}")).unwrap_or_default();
    let tuned = [named("match", match_length), named("search", search), named("hash", hash)].concat();
    format!("zstd {} level {level}{tuned}", safe::version_string())
}

/// What a level's own parameters are replaced with, for logs in frames of 1 MiB, as measured on
/// access logs, JSON lines and system logs.
#[derive(Clone, Copy, Default)]
struct Tuning {
    match_length: Option<u32>,
    search: Option<u32>,
    hash: Option<u32>,
}

impl Tuning {
    fn of(level: i32) -> Tuning {
        match level {
            // Fields of a log are long: not to look at matches below 6 bytes saves 2 to 7 % of size, at the same cost.
            // 2^19 places are enough for 2^20 bytes and keep all of these levels at 3 MiB.
            6 => Tuning { match_length: Some(6), search: Some(4), hash: Some(19) },
            5..=12 => Tuning { match_length: Some(6), search: None, hash: Some(19) },
            // The trees do the work here; a smaller hash costs nothing and saves 7 MiB.
            13.. => Tuning { match_length: None, search: None, hash: Some(18) },
            _ => Tuning::default(),
        }
    }
}

fn context(level: i32) -> Result<CCtx<'static>> {
    let mut context = CCtx::try_create().ok_or_else(|| no_context("there is no memory"))?;
    let Tuning { match_length, search, hash } = Tuning::of(level);
    let tuned = [match_length.map(CParameter::MinMatch), search.map(CParameter::SearchLog), hash.map(CParameter::HashLog)];
    // A window as large as the frame makes it one segment, which needs no buffer to be read.
    let parameters = [CParameter::CompressionLevel(level), CParameter::ChecksumFlag(true), CParameter::WindowLog(20)];
    for parameter in parameters.into_iter().chain(tuned.into_iter().flatten()) {
        context.set_parameter(parameter).map_err(|code| no_context(safe::get_error_name(code)))?;
    }
    Ok(context)
}

fn no_context(cause: &str) -> Failure {
    Failure::new("set up", "zstd").because(cause)
}

/// How much of the piece becomes a frame: up to its last newline; all of it, when it has none or is the end of the log.
fn cut(piece: &[u8], is_end: bool) -> usize {
    let line_end = || piece.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
    if is_end { piece.len() } else { line_end().unwrap_or(piece.len()) }
}

fn short(length: usize) -> u32 {
    u32::try_from(length).expect("a frame is about 1 MiB at most")
}

/// The plain text of an archive of ours, frame by frame; anything that we would not have written is an error.
pub(super) fn each_own_frame(archive: &File, trailer: &Trailer, take: Take) -> Result<()> {
    each_own_frame_of(archive, trailer, Stretch { from: 0, to: u64::MAX }, &mut |_, _, plain| take(plain))
}

/// Takes a frame: where its text begins, its bytes, its text.
pub(super) type TakeFrame<'a> = &'a mut dyn FnMut(u64, &[u8], &[u8]) -> Result<()>;

/// The same of the frames that have something of a part of the text; the others are passed over.
pub(super) fn each_own_frame_of(archive: &File, trailer: &Trailer, part: Stretch, take: TakeFrame) -> Result<()> {
    let mut context = DCtx::try_create().ok_or_else(|| no_context("there is no memory"))?;
    let mut packed = Vec::new();
    let mut plain = Vec::with_capacity(FRAME);
    let (mut at, mut text) = (0, 0);
    let data = trailer.table.frames.saturating_sub(1);
    for entry in trailer.table.entries(archive).take(data as usize) {
        let Entry { stored, plain: size } = entry?;
        let wrong = |cause: &str| damaged(format!("its frame at byte {at} is damaged: {cause}"));
        if size as usize > FRAME || stored as usize > safe::compress_bound(FRAME) || at + u64::from(stored) > trailer.at {
            return Err(wrong("the seek table gives it an impossible size"));
        }
        let begins = text;
        text += u64::from(size);
        if part.from > 0 && text <= part.from || begins >= part.to {
            at += u64::from(stored);
            continue;
        }
        packed.resize(stored as usize, 0);
        exact(archive, &mut packed, at)?;
        if !is_own_frame(&packed, size) {
            return Err(wrong("its header is not one that we write"));
        }
        plain.clear();
        context.decompress(&mut plain, &packed).map_err(|code| wrong(safe::get_error_name(code)))?;
        if plain.len() != size as usize {
            return Err(wrong("it has another size than its header tells"));
        }
        take(begins, &packed, &plain)?;
        at += u64::from(stored);
    }
    if data == 0 || at != trailer.at {
        return Err(damaged(format!("its seek table lists {at} bytes of data, and there are {}", trailer.at)));
    }
    Ok(())
}

/// One segment with checksum and without dictionary, holding so many plain bytes.
fn is_own_frame(packed: &[u8], size: u32) -> bool {
    let described = packed.get(4).is_some_and(|descriptor| descriptor & 0b0011_1111 == 0b0010_0100);
    described
        && number(&packed[..4]) == MAGIC
        && matches!(safe::get_frame_content_size(packed), Ok(Some(told)) if told == u64::from(size))
}

/// The plain text of any zstd archive, piece by piece.
pub(super) fn each_piece(archive: &File, take: Take) -> Result<()> {
    let size = size_of(archive)?;
    let mut input = Preview::of(Span::of(archive, 0, size));
    let mut context = DCtx::try_create().ok_or_else(|| no_context("there is no memory"))?;
    let limit = DParameter::WindowLogMax(WINDOW_LOG);
    context.set_parameter(limit).map_err(|code| no_context(safe::get_error_name(code)))?;
    let mut plain = Vec::with_capacity(DCtx::out_size());
    let mut frames = 0u64;
    loop {
        let next = input.look(8).doing("read", "the archive")?;
        match (next.len(), next.get(..4).map(number)) {
            (0, _) if frames > 0 => return Ok(()),
            (0, _) => return Err(damaged("it is empty")),
            (_, Some(MAGIC)) => one_frame(&mut context, &mut input, &mut plain, take)?,
            (_, Some(trailer::MAGIC)) => return Err(damaged("its end is lost or damaged, and with it what it says of itself")),
            (8.., Some(magic)) if magic & !0xF == SKIPPED => {
                let length = u64::from(number(&next[4..8]));
                if !input.skip(8 + length) {
                    return Err(damaged("it ends in the middle of a frame"));
                }
            }
            _ if frames > 0 => return Err(damaged("there is something after its last frame that is no zstd")),
            _ => return Err(damaged("it is no zstd archive")),
        }
        frames += 1;
    }
}

fn one_frame(context: &mut DCtx, input: &mut Preview, plain: &mut Vec<u8>, take: Take) -> Result<()> {
    let spoiled = |code| damaged(safe::get_error_name(code));
    context.reset(ResetDirective::SessionOnly).map_err(spoiled)?;
    loop {
        let packed = input.look(1).doing("read", "the archive")?;
        let is_end = packed.is_empty();
        let mut from = InBuffer::around(packed);
        plain.clear();
        let mut into = OutBuffer::around(plain);
        let left = context.decompress_stream(&mut into, &mut from).map_err(spoiled)?;
        let (taken, written) = (from.pos(), into.pos());
        input.take(taken);
        take(plain)?;
        if left == 0 {
            return Ok(());
        }
        if is_end && written == 0 {
            return Err(damaged("it ends in the middle of a frame"));
        }
    }
}

/// Frames that come in pieces, of any length, and the text that comes out of them.
pub(super) struct Unframing {
    context: DCtx<'static>,
    plain: Vec<u8>,
    /// Whether the last frame so far is not over.
    open: bool,
}

impl Unframing {
    pub(super) fn new() -> Result<Unframing> {
        let context = DCtx::try_create().ok_or_else(|| no_context("there is no memory"))?;
        Ok(Unframing { context, plain: Vec::with_capacity(DCtx::out_size()), open: false })
    }

    /// These bytes come next.
    pub(super) fn take(&mut self, packed: &[u8], take: Take) -> Result<()> {
        let mut from = InBuffer::around(packed);
        loop {
            self.plain.clear();
            let mut into = OutBuffer::around(&mut self.plain);
            let left = self.context.decompress_stream(&mut into, &mut from);
            self.open = left.map_err(|code| damaged(safe::get_error_name(code)))? > 0;
            let is_full = into.pos() == into.capacity();
            take(&self.plain)?;
            if from.pos() == packed.len() && !is_full {
                return Ok(());
            }
        }
    }

    /// That was all.
    pub(super) fn end(self) -> Result<()> {
        if self.open { Err(damaged("it ends in the middle of a frame")) } else { Ok(()) }
    }
}
