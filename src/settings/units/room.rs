//! Free space to leave: a share of the disk, or a size.

use std::{fmt, str::FromStr};

use super::{Bytes, Misread, Quantity, Share, quantity};

/// How much of a disk: so many percent, or so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Room {
    /// A part of the whole disk.
    Share(Share),
    /// A size, however large the disk is.
    Bytes(Bytes),
}

quantity!(Room, {
    "description": "Room on a disk: a share of it, or a size.",
    "type": ["string", "integer"],
    "minimum": 0,
    "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*([KMGT]i?B|kB|B|%)?\s*$",
    "examples": ["10%", "5 GiB"]
});

impl Quantity for Room {
    const EXPECTED: &'static str = "a share such as \"10%\" or a size such as \"5 GiB\"";

    fn from_integer(number: u64) -> Option<Room> {
        Some(Room::Bytes(Bytes(number)))
    }
}

impl Room {
    /// The bytes that this is on a disk of `total` bytes.
    pub fn of(self, total: u64) -> u64 {
        match self {
            Room::Share(share) => share.of(total),
            Room::Bytes(bytes) => bytes.0,
        }
    }
}

impl FromStr for Room {
    type Err = Misread;

    fn from_str(text: &str) -> Result<Room, Misread> {
        if text.trim_end().ends_with('%') { text.parse().map(Room::Share) } else { text.parse().map(Room::Bytes) }
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Room::Share(share) => share.fmt(f),
            Room::Bytes(bytes) => bytes.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_a_share_or_a_size() {
        assert_eq!("10%".parse::<Room>().unwrap().of(5000), 500);
        assert_eq!("5 GiB".parse::<Room>().unwrap().of(5000), 5 << 30);
        assert!("10 %%".parse::<Room>().unwrap_err().to_string().contains("percentage"));
    }
}
