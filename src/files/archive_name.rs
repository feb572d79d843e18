//! The name of a rotated file: `app.log` becomes `app.log.20261121T031500Z-0001`, then `….zst` or `….gz`.
//!
//! Owns the mapping between such a name and its parts. Among the archives of one log, byte order of the names is order
//! of time, whatever the compressor. Parsing is strict: what this module would not have written is a foreign file, and
//! foreign files are never touched. Never looks at a disk.

#[cfg(test)]
mod tests;

use std::fmt;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::failure::{Failure, Result};

/// The longest name that Linux file systems take, in bytes.
const LONGEST_NAME: usize = 255;
const PART_PREFIX: &str = ".";
const PART_SUFFIX: &str = ".part";
/// `20261121T031500Z-0001`
const STAMP_LENGTH: usize = 21;
/// A name is made before its compressor is done, so every archive leaves room for the longest extension and for `.….part`.
const LONGEST_LOG: usize =
    LONGEST_NAME - 1 - STAMP_LENGTH - Extension::Zstd.suffix().len() - PART_PREFIX.len() - PART_SUFFIX.len();

/// The name of one archive of one log. Its order is the order of the names among the archives of a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArchiveName {
    log: String,
    stamp: Stamp,
    extension: Extension,
}

/// When a log was rotated, to the second, and which rotation of that second it was (1 to 9999).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    at: DateTime<Utc>,
    sequence: u16,
}

/// What the compressor added to the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extension {
    /// Not compressed.
    Plain,
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstd,
}

impl ArchiveName {
    /// The name for an archive of `log` that is made now: it sorts after `newest`, even if the clock went back or the
    /// second is used up.
    pub fn after(log: &str, now: DateTime<Utc>, newest: Option<Stamp>) -> Result<ArchiveName> {
        let nameless = |cause: String| Failure::new("name an archive of", format_args!("{log:?}")).because(cause);
        check_log(log).map_err(nameless)?;
        let stamp = Stamp::after(now, newest).ok_or_else(|| {
            let cause = match newest {
                Some(newest) => format!("no name of a year up to 9999 sorts after {newest}"),
                None => format!("the clock says {now}, and names need a year from 0 to 9999"),
            };
            nameless(cause).hint("set the clock, or move archives with such dates away")
        })?;
        Ok(ArchiveName { log: log.to_owned(), stamp, extension: Extension::Plain })
    }

    /// Reads a file's name; nothing when it is not exactly what this module writes.
    pub fn parse(name: &str) -> Option<ArchiveName> {
        let (stem, extension) = [Extension::Zstd, Extension::Gzip]
            .into_iter()
            .find_map(|extension| Some((name.strip_suffix(extension.suffix())?, extension)))
            .unwrap_or((name, Extension::Plain));
        let (rest, stamp) = stem.split_at_checked(stem.len().checked_sub(STAMP_LENGTH)?)?;
        let log = rest.strip_suffix('.')?;
        check_log(log).ok()?;
        Some(ArchiveName { log: log.to_owned(), stamp: Stamp::parse(stamp)?, extension })
    }

    /// Whether this is the name of one of our compressions under way, [`ArchiveName::part_name`].
    pub fn is_part(name: &str) -> bool {
        let archive = name.strip_prefix(PART_PREFIX).and_then(|rest| rest.strip_suffix(PART_SUFFIX));
        archive.and_then(ArchiveName::parse).is_some()
    }

    /// The hidden name under which this archive is written before it is verified.
    pub fn part_name(&self) -> String {
        format!("{PART_PREFIX}{self}{PART_SUFFIX}")
    }

    /// The same archive in another form.
    #[must_use]
    pub fn with(mut self, extension: Extension) -> ArchiveName {
        self.extension = extension;
        self
    }

    /// The name of the log that was rotated.
    pub fn log(&self) -> &str {
        &self.log
    }

    /// When, and which of that second.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// When the log was rotated, to the second.
    pub fn at(&self) -> DateTime<Utc> {
        self.stamp.at
    }

    /// What the compressor added.
    pub fn extension(&self) -> Extension {
        self.extension
    }
}

impl fmt::Display for ArchiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}{}", self.log, self.stamp, self.extension.suffix())
    }
}

impl Stamp {
    /// The instant (cut to the second) and sequence, when they fit a name.
    pub fn new(at: DateTime<Utc>, sequence: u16) -> Option<Stamp> {
        let at = DateTime::from_timestamp(at.timestamp(), 0)?;
        let four_digits = NaiveDate::from_ymd_opt(0, 1, 1)?..=NaiveDate::from_ymd_opt(9999, 12, 31)?;
        let fits = four_digits.contains(&at.date_naive()) && (1..=9999).contains(&sequence);
        fits.then_some(Stamp { at, sequence })
    }

    /// When, to the second.
    pub fn at(self) -> DateTime<Utc> {
        self.at
    }

    /// The first stamp from `now` on that sorts after `newest`.
    fn after(now: DateTime<Utc>, newest: Option<Stamp>) -> Option<Stamp> {
        let fresh = Stamp::new(now, 1)?;
        match newest {
            Some(newest) if newest >= fresh => {
                Stamp::new(newest.at, newest.sequence + 1).or_else(|| Stamp::new(newest.at + TimeDelta::seconds(1), 1))
            }
            _ => Some(fresh),
        }
    }

    /// Reads `20261121T031500Z-0001`, every byte of it.
    fn parse(text: &str) -> Option<Stamp> {
        let bytes = text.as_bytes();
        let marks = bytes.len() == STAMP_LENGTH && bytes[8] == b'T' && bytes[15] == b'Z' && bytes[16] == b'-';
        if !marks {
            return None;
        }
        let (year, month, day) = (number(&bytes[..4])?, number(&bytes[4..6])?, number(&bytes[6..8])?);
        let (hour, minute, second) = (number(&bytes[9..11])?, number(&bytes[11..13])?, number(&bytes[13..15])?);
        let date = NaiveDate::from_ymd_opt(i32::from(year), month.into(), day.into())?;
        Stamp::new(date.and_hms_opt(hour.into(), minute.into(), second.into())?.and_utc(), number(&bytes[17..])?)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:04}", self.at.format("%Y%m%dT%H%M%SZ"), self.sequence)
    }
}

impl Extension {
    /// What stands at the end of the name, with its dot.
    pub const fn suffix(self) -> &'static str {
        match self {
            Extension::Plain => "",
            Extension::Gzip => ".gz",
            Extension::Zstd => ".zst",
        }
    }
}

/// Up to four ASCII digits; `str::parse` would take a sign too.
fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u16::from(digit - b'0')))
}

fn check_log(log: &str) -> std::result::Result<(), String> {
    if matches!(log, "" | "." | "..") || log.contains(['/', '\0']) {
        return Err("this is not a file's name".to_owned());
    }
    if log.len() > LONGEST_LOG {
        return Err(format!("the name has {} bytes, and its archives' names leave room for {LONGEST_LOG}", log.len()));
    }
    Ok(())
}
