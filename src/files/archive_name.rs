//! The name of a rotated file: `app.log` becomes `app.log.20261121T031500Z-0001`, then `….zst` or `….gz`.
//!
//! Owns the mapping between such a name and its parts. Among the archives of one log, byte order of the names is order
//! of time, whatever the compressor. Parsing is strict: what this module would not have written is a foreign file, and
//! foreign files are never touched. Never looks at a disk.

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

    /// Reads the name of a compression under way, [`ArchiveName::part_name`].
    pub fn parse_part(name: &str) -> Option<ArchiveName> {
        ArchiveName::parse(name.strip_prefix(PART_PREFIX)?.strip_suffix(PART_SUFFIX)?)
    }

    /// Whether this is the name of one of our compressions under way.
    pub fn is_part(name: &str) -> bool {
        ArchiveName::parse_part(name).is_some()
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

    /// Which rotation of its second, from 1.
    pub fn sequence(self) -> u16 {
        self.sequence
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

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn stamp(text: &str, sequence: u16) -> Stamp {
        Stamp::new(time(text), sequence).unwrap()
    }

    #[test]
    fn a_rotated_log_is_named_by_time_and_sequence() {
        let name = ArchiveName::after("app.log", time("2026-11-21T03:15:00.987Z"), None).unwrap();
        assert_eq!(name.to_string(), "app.log.20261121T031500Z-0001");
        assert_eq!(name.clone().with(Extension::Zstd).to_string(), "app.log.20261121T031500Z-0001.zst");
        assert_eq!(name.clone().with(Extension::Gzip).part_name(), ".app.log.20261121T031500Z-0001.gz.part");
        assert_eq!((name.log(), name.at(), name.stamp().sequence()), ("app.log", time("2026-11-21T03:15:00Z"), 1));
    }

    #[test]
    fn foreign_names_are_not_ours() {
        for foreign in [
            "app.log",
            "app.log.1",
            "app.log.1.zst",
            "app.log-20261121",
            "app.log.20261121T031500Z",
            "app.log.20261121T031500Z-0000",
            "app.log.20261121T031500Z-001",
            "app.log.20261121T031500Z-00001",
            "app.log.20261121T031500Z-+001",
            "app.log.20261121T031500Z-0001.zst.bak",
            "app.log.20261121T031500Z-0001.zst.gz",
            "app.log.20261121T031500Z-0001.xz",
            "app.log.20261121T031500Z-0001.",
            "app.log.20261121T031500Z-0001.ZST",
            "app.log.20261321T031500Z-0001",
            "app.log.20260229T031500Z-0001",
            "app.log.20261121T240000Z-0001",
            "app.log.20261121T031560Z-0001",
            "app.log.20261121t031500Z-0001",
            "app.log.20261121T031500z-0001",
            "app.log.20261121T031500+-0001",
            "app.log.٢٠261121T0315Z-0001",
            "app.log-20261121T031500Z-0001",
            ".20261121T031500Z-0001",
            "..20261121T031500Z-0001",
            "a/b.20261121T031500Z-0001",
            ".app.log.20261121T031500Z-0001.part",
            "20261121T031500Z-0001",
            "é0261121T031500Z-0001",
            "",
        ] {
            assert_eq!(ArchiveName::parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn only_our_own_compressions_are_parts() {
        assert!(ArchiveName::is_part(".app.log.20261121T031500Z-0001.zst.part"));
        for foreign in ["app.log.20261121T031500Z-0001.zst.part", ".app.log.part", ".app.log.20261121T031500Z-0001.zst", ".part"]
        {
            assert!(!ArchiveName::is_part(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_clock_that_went_back_does_not_disturb_the_order() {
        let newest = stamp("2026-11-21T03:15:00Z", 7);
        let name = ArchiveName::after("app.log", time("2026-11-20T00:00:00Z"), Some(newest)).unwrap();
        assert_eq!(name.to_string(), "app.log.20261121T031500Z-0008");
    }

    #[test]
    fn the_ten_thousandth_rotation_of_a_second_takes_the_next() {
        let now = time("2026-12-31T23:59:59Z");
        let name = ArchiveName::after("app.log", now, Some(stamp("2026-12-31T23:59:59Z", 9999))).unwrap();
        assert_eq!(name.to_string(), "app.log.20270101T000000Z-0001");
    }

    #[test]
    fn the_end_of_all_names_is_an_error() {
        let failure = ArchiveName::after("a", time("2026-11-21T00:00:00Z"), Some(stamp("9999-12-31T23:59:59Z", 9999)));
        let cause = "no name of a year up to 9999 sorts after 99991231T235959Z-9999";
        assert_eq!(failure.unwrap_err().cause.as_deref(), Some(cause));
        for mad in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC, Utc.with_ymd_and_hms(10_000, 1, 1, 0, 0, 0).unwrap()] {
            assert!(ArchiveName::after("a", mad, None).is_err());
        }
    }

    #[test]
    fn the_longest_log_leaves_room_for_every_form_of_its_archive() {
        let now = time("2026-11-21T03:15:00Z");
        let name = ArchiveName::after(&"x".repeat(LONGEST_LOG), now, None).unwrap().with(Extension::Zstd);
        assert_eq!(name.part_name().len(), 255);
        let long = ArchiveName::after(&"x".repeat(LONGEST_LOG + 1), now, None).unwrap_err();
        assert_eq!(long.cause.as_deref(), Some("the name has 224 bytes, and its archives' names leave room for 223"));
        assert_eq!(ArchiveName::parse(&format!("{}.20261121T031500Z-0001", "x".repeat(LONGEST_LOG + 1))), None);
    }

    #[test]
    fn what_is_no_file_name_has_no_archive() {
        for log in ["", ".", "..", "a/b", "a\0b"] {
            assert!(ArchiveName::after(log, time("2026-11-21T03:15:00Z"), None).is_err(), "{log:?}");
        }
    }

    fn stamps() -> impl Strategy<Value = Stamp> {
        (-62_167_219_200..=253_402_300_799_i64, 1..=9999_u16)
            .prop_map(|(second, sequence)| Stamp::new(DateTime::from_timestamp(second, 0).unwrap(), sequence).unwrap())
    }

    fn extensions() -> impl Strategy<Value = Extension> {
        prop::sample::select(vec![Extension::Plain, Extension::Gzip, Extension::Zstd])
    }

    fn logs() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z.]{1,12}",
            "[^/\0]{1,40}",
            Just("x.20261121T031500Z-0001.zst".to_owned()),
            Just(".x.20261121T031500Z-0001.part".to_owned()),
        ]
        .prop_filter("a file's name", |log| check_log(log).is_ok())
    }

    proptest! {
        #[test]
        fn every_name_reads_back_as_itself(log in logs(), stamp in stamps(), extension in extensions()) {
            let name = ArchiveName { log, stamp, extension };
            prop_assert_eq!(ArchiveName::parse(&name.to_string()), Some(name.clone()));
            prop_assert_eq!(ArchiveName::parse_part(&name.part_name()), Some(name.clone()));
            prop_assert_eq!(ArchiveName::parse(&name.part_name()), None);
            prop_assert!(name.part_name().len() <= 255);
        }

        #[test]
        fn what_reads_as_ours_is_written_the_same(
            stamp in stamps(), extension in extensions(), at in 0..40_usize, byte in prop::sample::select(b"0123456789TZ-.+gzst a".to_vec()),
        ) {
            let mut bytes = ArchiveName { log: "app.log".to_owned(), stamp, extension }.to_string().into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            let name = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(ArchiveName::parse(&name).map_or(name.clone(), |ours| ours.to_string()), name);
        }

        #[test]
        fn names_sort_as_time_whatever_the_extension(
            log in logs(), one in stamps(), other in stamps(), extension in extensions(), another in extensions(),
        ) {
            let one = ArchiveName { log: log.clone(), stamp: one, extension };
            let other = ArchiveName { log, stamp: other, extension: another };
            prop_assert_eq!(one.to_string().cmp(&other.to_string()), one.cmp(&other));
        }

        #[test]
        fn every_new_name_sorts_after_all_before(
            seconds in prop::collection::vec(1_790_000_000..1_790_000_004_i64, 1..40), start in 9_990..=9_999_u16,
        ) {
            let mut newest = Stamp::new(DateTime::from_timestamp(seconds[0], 0).unwrap(), start).unwrap();
            let mut last = ArchiveName { log: "a".to_owned(), stamp: newest, extension: Extension::Zstd };
            for second in seconds {
                let now = DateTime::from_timestamp(second, 500_000_000).unwrap();
                let name = ArchiveName::after("a", now, Some(newest)).unwrap();
                prop_assert!(name.to_string() > last.to_string());
                prop_assert!(name.at().timestamp() >= second);
                newest = name.stamp();
                last = name.with(Extension::Zstd);
            }
        }
    }
}
