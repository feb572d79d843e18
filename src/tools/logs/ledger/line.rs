//! One line of the ledger as text: JSON that ends in a checksum of all the rest. A line that does not agree with its
//! checksum says nothing; one without it was written before there were any, and must have no field that is not ours.

use std::io::Write;

use serde::Deserialize;
use serde_json::Value;

use super::{FORMAT, Line, VERSION};

const BEFORE: &[u8] = b",\"sum\":\"";
const DIGITS: usize = 8;
const AFTER: &[u8] = b"\"}";

/// What a line turned out to be.
pub(super) enum Parsed {
    Line(Box<Line>),
    Newer(u32),
    Foreign,
}

/// Appends the line, its checksum and the line's end.
pub(super) fn write(text: &mut Vec<u8>, line: &Line) {
    let begin = text.len();
    serde_json::to_writer(&mut *text, line).expect("a ledger line has string keys only");
    let sum = sum(&[&text[begin..]]);
    text.pop();
    text.extend_from_slice(BEFORE);
    write!(text, "{sum}").expect("memory takes it");
    text.extend_from_slice(AFTER);
    text.push(b'\n');
}

/// Reads a line with its end, the `first` of its file or a later one.
pub(super) fn parse(text: &[u8], first: bool) -> Parsed {
    #[derive(Deserialize)]
    struct Version {
        format: String,
        version: u32,
    }
    let text = text.trim_ascii_end();
    if first {
        match serde_json::from_slice::<Version>(text) {
            Ok(header) if header.format == FORMAT && header.version > VERSION => return Parsed::Newer(header.version),
            Ok(header) if header.format == FORMAT => {}
            _ => return Parsed::Foreign,
        }
    }
    let Ok(line) = serde_json::from_slice::<Line>(text) else { return Parsed::Foreign };
    let sound = match agrees(text) {
        Some(agrees) => agrees,
        // A checksum whose name is damaged is a field that is not ours.
        None => {
            serde_json::from_slice::<Value>(text).is_ok_and(|told| serde_json::to_value(&line).is_ok_and(|known| told == known))
        }
    };
    if sound { Parsed::Line(Box::new(line)) } else { Parsed::Foreign }
}

/// Whether what stands at the file's end is a whole line whose end became another character. A crash cannot do that.
pub(super) fn lost_its_end(text: &[u8]) -> bool {
    text.split_last().is_some_and(|(_, whole)| agrees(whole) == Some(true))
}

/// Whether a line agrees with its checksum, when it has one.
fn agrees(text: &[u8]) -> Option<bool> {
    let rest = text.strip_suffix(AFTER)?;
    let (rest, digits) = rest.split_at(rest.len().checked_sub(DIGITS)?);
    let body = rest.strip_suffix(BEFORE)?;
    Some(sum(&[body, b"}"]).as_bytes() == digits)
}

fn sum(parts: &[&[u8]]) -> String {
    let mut crc = flate2::Crc::new();
    for part in parts {
        crc.update(part);
    }
    format!("{:08x}", crc.sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::logs::ledger::{EntryId, Stage};

    fn written() -> Vec<u8> {
        let mut text = Vec::new();
        write(&mut text, &Line::Reached { id: EntryId(7), stage: Stage::Stored });
        text
    }

    #[test]
    fn a_line_ends_in_its_checksum() {
        // The same as `printf '{"line":"reached","id":7,"stage":"stored"}' | crc32 /dev/stdin`.
        assert_eq!(
            String::from_utf8(written()).unwrap(),
            "{\"line\":\"reached\",\"id\":7,\"stage\":\"stored\",\"sum\":\"c2052c58\"}\n"
        );
    }

    #[test]
    fn no_flipped_bit_passes() {
        let text = written();
        assert!(matches!(parse(&text, false), Parsed::Line(_)));
        // The line's end is no part of the line.
        for at in 0..(text.len() - 1) * 8 {
            let mut flipped = text.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert!(matches!(parse(&flipped, false), Parsed::Foreign), "{}", String::from_utf8_lossy(&flipped));
        }
        for bit in 0..8 {
            let mut flipped = text.clone();
            *flipped.last_mut().unwrap() ^= 1 << bit;
            assert!(lost_its_end(&flipped));
        }
    }

    #[test]
    fn a_line_without_a_checksum_is_of_an_older_version() {
        assert!(matches!(parse(b"{\"line\":\"reached\",\"id\":7,\"stage\":\"stored\"}\n", false), Parsed::Line(_)));
        assert!(matches!(
            parse(b"{\"line\":\"reached\",\"id\":7,\"stage\":\"stored\",\"some\":\"00000000\"}\n", false),
            Parsed::Foreign
        ));
    }
}
