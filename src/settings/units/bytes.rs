//! Sizes: `100 MiB`, `20GB`, or a bare number of bytes.

use std::{fmt, str::FromStr};

use super::{Misread, Quantity, digits, quantity};

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

quantity!(Bytes, {
    "description": "A size: a number and a unit (B, KiB, MiB, GiB, TiB, KB, MB, GB, TB), or a bare number of bytes.",
    "type": ["string", "integer"],
    "minimum": 0,
    "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*([KMGT]i?B|kB|B)?\s*$",
    "examples": ["100 MiB", "1.5 GiB", "20GB", 4096]
});

impl Quantity for Bytes {
    const EXPECTED: &'static str = "a size such as \"100 MiB\"";

    fn from_integer(number: u64) -> Option<Bytes> {
        Some(Bytes(number))
    }
}

impl FromStr for Bytes {
    type Err = Misread;

    fn from_str(text: &str) -> Result<Bytes, Misread> {
        let misread = |why: &str| Misread::new(text, why);
        let (whole, rest) = digits(text.trim());
        if whole.is_empty() {
            return Err(misread(if rest.starts_with('-') {
                "a size cannot be negative"
            } else {
                "write a number and a unit, such as `100 MiB`"
            }));
        }
        let (fraction, unit) = match rest.strip_prefix('.') {
            Some(rest) => digits(rest),
            None => ("", rest),
        };
        if rest.starts_with('.') && !(1..=9).contains(&fraction.len()) {
            return Err(misread("write one to nine digits after the point"));
        }
        let factor = factor(unit.trim()).map_err(|why| match meant(text) {
            Some(meant) => Misread::new(text, format_args!("unknown unit `{}`, write `{meant}`", unit.trim())),
            None => Misread::new(text, why),
        })?;
        if factor == 1 && !fraction.is_empty() {
            return Err(misread("a byte cannot be divided"));
        }
        amount(whole, fraction, factor).map(Bytes).ok_or_else(|| misread("more than 16 EiB is too much"))
    }
}

fn factor(unit: &str) -> Result<u64, String> {
    match UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => Ok(*factor),
        None if unit.is_empty() => Ok(1),
        None if unit == "kB" => Ok(1_000),
        None => Err(format!("unknown unit `{unit}`, use {}", UNITS.map(|(name, _)| name).join(", "))),
    }
}

/// A size in the units of logrotate and `ls -h`, or in the wrong case, as it is written here.
pub(super) fn meant(text: &str) -> Option<String> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.')?);
    // Then only the unit can have been wrong, and reading what comes of this does not lead here again.
    if number.matches('.').count() > 1 {
        return None;
    }
    let unit = match unit.trim().to_ascii_uppercase().as_str() {
        letter @ ("K" | "M" | "G" | "T") => format!("{letter}iB"),
        "BYTE" | "BYTES" => "B".to_owned(),
        other => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(other))?.0.to_owned(),
    };
    let meant = format!("{number} {unit}");
    meant.parse::<Bytes>().is_ok().then_some(meant)
}

/// `whole.fraction` times `factor`, rounded down. Nine digits of fraction times a TiB stay far below `u128`.
fn amount(whole: &str, fraction: &str, factor: u64) -> Option<u64> {
    let whole = u128::from(whole.parse::<u64>().ok()?) * u128::from(factor);
    let scale = 10u128.pow(u32::try_from(fraction.len()).ok()?);
    let part = if fraction.is_empty() { 0 } else { fraction.parse::<u128>().ok()? };
    u64::try_from(whole + part * u128::from(factor) / scale).ok()
}

impl fmt::Display for Bytes {
    /// In the unit that gives the smallest whole number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = UNITS.iter().filter(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor));
        let (name, factor) = exact.max_by_key(|(_, factor)| *factor).unwrap_or(&UNITS[0]);
        write!(f, "{} {name}", self.0 / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown_in_their_own_kind_of_unit() {
        let cases = [
            ("100 MiB", 100 << 20, "100 MiB"),
            ("20GiB", 20 << 30, "20 GiB"),
            ("1.5 GiB", 3 << 29, "1536 MiB"),
            (" 20 GB ", 20_000_000_000, "20 GB"),
            ("3kB", 3000, "3 KB"),
            ("0", 0, "0 B"),
            ("4096", 4096, "4 KiB"),
            ("0.0015 KB", 1, "1 B"),
            ("18446744073709551615", u64::MAX, "18446744073709551615 B"),
        ];
        for (text, bytes, shown) in cases {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
            assert_eq!(Bytes(bytes).to_string(), shown);
        }
    }

    #[test]
    fn nonsense_says_what_to_write() {
        let cases = [
            ("10 MBs", "`10 MBs`: unknown unit `MBs`, use B, KiB, MiB, GiB, TiB, KB, MB, GB, TB"),
            ("10 mib", "unknown unit `mib`, write `10 MiB`"),
            ("10M", "`10M`: unknown unit `M`, write `10 MiB`"),
            ("1.5 g", "unknown unit `g`, write `1.5 GiB`"),
            ("100 bytes", "write `100 B`"),
            ("99999999999G", "unknown unit `G`, use B"),
            ("", "``: write a number and a unit, such as `100 MiB`"),
            ("-1 MiB", "cannot be negative"),
            ("1.5", "a byte cannot be divided"),
            ("1. MiB", "after the point"),
            ("1.5.5 MiB", "unknown unit"),
            ("1e9", "unknown unit `e9`"),
            ("16777216 TiB", "too much"),
            ("99999999999999999999 B", "too much"),
        ];
        for (text, expected) in cases {
            let message = text.parse::<Bytes>().unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
