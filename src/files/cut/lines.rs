//! Where lines end in a log that goes on growing. Reads only what was there when it was asked.

use std::{fs::File, os::unix::fs::FileExt};

use crate::{
    failure::{Failure, Result},
    files::fingerprint::Fingerprint,
};

const PIECE: usize = 64 << 10;

/// The place behind the last line's end in `from..to`.
pub(super) fn last_end(file: &File, from: u64, to: u64) -> Result<Option<u64>> {
    let mut buffer = vec![0; PIECE];
    let mut end = to;
    while end > from {
        let begin = end.saturating_sub(PIECE as u64).max(from);
        let piece = &mut buffer[..short(end - begin)];
        fill(file, piece, begin)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(Some(begin + at as u64 + 1));
        }
        end = begin;
    }
    Ok(None)
}

/// The place behind the first line's end in `from..to`.
pub(super) fn next_end(file: &File, from: u64, to: u64) -> Result<Option<u64>> {
    let mut buffer = vec![0; PIECE];
    let mut begin = from;
    while begin < to {
        let piece = &mut buffer[..short((to - begin).min(PIECE as u64))];
        fill(file, piece, begin)?;
        if let Some(at) = piece.iter().position(|byte| *byte == b'\n') {
            return Ok(Some(begin + at as u64 + 1));
        }
        begin += piece.len() as u64;
    }
    Ok(None)
}

/// So many zeros, or more, in `from..to`, and nothing else between them: where the first such stretch begins and ends.
pub(super) fn zeros(file: &File, from: u64, to: u64, least: u64) -> Result<Option<(u64, u64)>> {
    let mut buffer = vec![0; PIECE];
    let (mut begin, mut at) = (from, from);
    while at < to {
        let piece = &mut buffer[..short((to - at).min(PIECE as u64))];
        fill(file, piece, at)?;
        for byte in piece {
            if *byte != 0 {
                if at - begin >= least {
                    return Ok(Some((begin, at)));
                }
                begin = at + 1;
            }
            at += 1;
        }
    }
    Ok((to - begin >= least).then_some((begin, to)))
}

/// The fingerprint of the bytes `from..to`, in hex.
pub(super) fn sha256(file: &File, from: u64, to: u64) -> Result<String> {
    let mut buffer = vec![0; PIECE];
    let mut print = Fingerprint::default();
    let mut at = from;
    while at < to {
        let piece = &mut buffer[..short((to - at).min(PIECE as u64))];
        fill(file, piece, at)?;
        print.take(piece);
        at += piece.len() as u64;
    }
    Ok(print.hex())
}

fn fill(file: &File, into: &mut [u8], at: u64) -> Result<()> {
    file.read_exact_at(into, at).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Failure::new("read", "the log").because("somebody else emptied it meanwhile"),
        _ => Failure::of_system("read", "the log", &error),
    })
}

fn short(length: u64) -> usize {
    usize::try_from(length).expect("a piece at most")
}
