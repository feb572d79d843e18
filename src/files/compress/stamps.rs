//! The time that a line of a log bears, when it bears one that means the same everywhere.
//!
//! Known are ISO 8601 with a zone (RFC 3339, JSON fields, the `... UTC` of Postgres) and the common log format's
//! `[10/Oct/2000:13:55:36 -0700]`. A date without a zone or without a year is not guessed at. Never panics on any bytes.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};

/// Where in a line its time must begin and end: among so many bytes.
pub(super) const HEAD: usize = 200;

/// The time of the line that `text` begins with.
///
/// The first thing that looks like a date decides: what comes after a local time may be a date that the line is about.
pub(super) fn of_line(text: &[u8]) -> Option<DateTime<Utc>> {
    let head = &text[..text.len().min(HEAD)];
    let line = head.split(|byte| *byte == b'\n').next()?;
    let begins =
        |at: usize| line[at].is_ascii_digit() && at.checked_sub(1).is_none_or(|before| !line[before].is_ascii_alphanumeric());
    let stamp = (0..line.len())
        .filter(|at| begins(*at))
        .find_map(|at| stamp(&line[at..], at.checked_sub(1).map(|before| line[before])))?;
    match stamp {
        Stamp::Exact(time) if is_sensible(time) => Some(time),
        Stamp::Exact(_) | Stamp::Vague => None,
    }
}

/// A year that a log can be from, and that JSON can hold.
pub(super) fn is_sensible(time: DateTime<Utc>) -> bool {
    (1970..=9999).contains(&time.year())
}

/// What looks like a date.
enum Stamp {
    Exact(DateTime<Utc>),
    /// It has no zone, or is none after all.
    Vague,
}

fn stamp(text: &[u8], before: Option<u8>) -> Option<Stamp> {
    let looked_at = if before == Some(b'[') { common(text) } else { None };
    looked_at.or_else(|| iso(text))
}

/// `10/Oct/2000:13:55:36 -0700]`
fn common(text: &[u8]) -> Option<Stamp> {
    let mut words = Words(text);
    let day = words.number(2)?;
    words.sign(b'/')?;
    let month = words.month()?;
    words.sign(b'/')?;
    let year = words.number(4)?;
    words.sign(b':')?;
    let exact = |words: &mut Words| {
        let time = words.clock()?;
        words.sign(b' ')?;
        let zone = words.offset()?;
        words.sign(b']')?;
        instant(date(year, month, day)?.and_time(time), zone)
    };
    Some(exact(&mut words).map_or(Stamp::Vague, Stamp::Exact))
}

/// `2000-10-10T13:55:36.123-07:00`, with a space for the `T`, a comma for the point, `Z` or ` UTC` for the zone.
fn iso(text: &[u8]) -> Option<Stamp> {
    let mut words = Words(text);
    let year = words.number(4)?;
    words.sign(b'-')?;
    let month = words.number(2)?;
    words.sign(b'-')?;
    let day = words.number(2)?;
    let exact = |words: &mut Words| {
        words.sign(b'T').or_else(|| words.sign(b't')).or_else(|| words.sign(b' '))?;
        let time = words.clock()?;
        let zone = words.zone()?;
        instant(date(year, month, day)?.and_time(time), zone)
    };
    Some(exact(&mut words).map_or(Stamp::Vague, Stamp::Exact))
}

fn date(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

fn instant(local: NaiveDateTime, zone: FixedOffset) -> Option<DateTime<Utc>> {
    Some(local.and_local_timezone(zone).single()?.to_utc())
}

/// What is left of a line, taken word by word.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn sign(&mut self, sign: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[sign])?;
        Some(())
    }

    /// Exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<u32> {
        let (word, rest) = self.0.split_at_checked(digits)?;
        if !word.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = rest;
        Some(word.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
    }

    fn month(&mut self) -> Option<u32> {
        const NAMES: [&[u8; 3]; 12] =
            [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
        let (word, rest) = self.0.split_at_checked(3)?;
        let month = (1..).zip(NAMES).find(|(_, name)| name.as_slice() == word)?.0;
        self.0 = rest;
        Some(month)
    }

    /// `13:55:36`, and a fraction when there is one.
    fn clock(&mut self) -> Option<NaiveTime> {
        let hour = self.number(2)?;
        self.sign(b':')?;
        let minute = self.number(2)?;
        self.sign(b':')?;
        let second = self.number(2)?;
        let nanoseconds = match self.sign(b'.').or_else(|| self.sign(b',')) {
            Some(()) => self.fraction()?,
            None => 0,
        };
        NaiveTime::from_hms_nano_opt(hour, minute, second, nanoseconds)
    }

    /// Digits after the point, as nanoseconds; what is finer is dropped.
    fn fraction(&mut self) -> Option<u32> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (word, rest) = self.0.split_at(digits);
        self.0 = rest;
        let nanoseconds = word.iter().chain(b"000000000").take(9).fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
        (digits > 0).then_some(nanoseconds)
    }

    /// `Z`, `UTC`, `GMT` or an offset, after a space or none.
    fn zone(&mut self) -> Option<FixedOffset> {
        let text = self.0.strip_prefix(b" ").unwrap_or(self.0);
        for name in [b"Z".as_slice(), b"z", b"UTC", b"GMT"] {
            if let Some(rest) = text.strip_prefix(name) {
                let whole = !rest.first().is_some_and(|next| next.is_ascii_alphanumeric() || matches!(next, b'+' | b'-'));
                return if whole { FixedOffset::east_opt(0) } else { None };
            }
        }
        self.0 = text;
        self.offset()
    }

    /// `-0700` or `-07:00`.
    fn offset(&mut self) -> Option<FixedOffset> {
        let east = match self.sign(b'+') {
            Some(()) => 1,
            None => self.sign(b'-').map(|()| -1)?,
        };
        let hours = self.number(2).filter(|hours| *hours <= 15)?;
        let _ = self.sign(b':');
        let minutes = self.number(2).filter(|minutes| *minutes < 60)?;
        if self.0.first().is_some_and(u8::is_ascii_digit) {
            return None;
        }
        FixedOffset::east_opt(east * i32::try_from(hours * 3600 + minutes * 60).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn read(line: &str) -> Option<String> {
        of_line(line.as_bytes()).map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }

    #[test]
    fn a_time_with_its_zone_is_read_wherever_it_stands() {
        for (line, time) in [
            ("2026-11-21T03:10:37Z up", "2026-11-21T03:10:37Z"),
            ("2026-11-21T03:10:37.5+01:00 up", "2026-11-21T02:10:37.500Z"),
            ("2026-11-21 03:10:37,123 +0530 up", "2026-11-20T21:40:37.123Z"),
            ("2026-11-21 03:10:37.123456 UTC [7] LOG:  ready", "2026-11-21T03:10:37.123456Z"),
            ("[2026-11-21T03:10:37.1234567891Z] up", "2026-11-21T03:10:37.123456789Z"),
            (r#"{"level":"info","n":4711,"ts":"2026-11-21T03:10:37Z"}"#, "2026-11-21T03:10:37Z"),
            (r#"10.1.2.3 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326"#, "2000-10-10T20:55:36Z"),
            ("::1 - - [01/Feb/2026:00:00:00 +0000] \"-\"\nsecond line 2027-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        ] {
            assert_eq!(read(line).as_deref(), Some(time), "{line}");
        }
    }

    #[test]
    fn what_is_not_certain_is_not_used() {
        for line in [
            "",
            "\n2026-11-21T03:10:37Z second line",
            "Nov 21 03:10:37 web1 sshd[7]: up",
            "2026-11-21 03:10:37 up",
            "2026-11-21 03:10:37 the certificate ends 2030-01-01T00:00:00Z",
            "2026-11-21 03:10:37.123 CET up",
            "2026-11-21T03:10:37GMT+1 up",
            "2026-11-21T03:10:37+0 up",
            "2026-11-21T03:10:37+99:00 up",
            "2026-13-21T03:10:37Z no such month",
            "2026-02-30T03:10:37Z no such day",
            "2026-11-21T24:10:37Z no such hour",
            "2026-11-21T03:10:37.Z no fraction",
            "0001-11-21T03:10:37Z no such logs",
            "12026-11-21T03:10:37Z five digits",
            "build-a2026-11-21T03:10:37Z part of a word",
            "[10/Oct/2000:13:55:36] no zone",
            "[10/Okt/2000:13:55:36 -0700] no such month",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
        assert_eq!(read(&format!("{} 2026-11-21T03:10:37Z", "x".repeat(HEAD))), None, "too far in");
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at_without_harm(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            of_line(&line);
        }

        #[test]
        fn nearly_a_time_is_looked_at_without_harm(line in r"[ \[]?[0-9]{0,4}[-/](Oct|[0-9]{2})[-/][0-9]{2,4}[T: ][0-9:.,]{0,12}[ Z+-][0-9:]{0,6}\]?") {
            of_line(line.as_bytes());
        }

        #[test]
        fn every_time_that_is_written_is_read(seconds in 0..253_402_300_800i64, nanoseconds in 0..1_000_000_000u32, offset in -14 * 60..=14 * 60i32) {
            let time = Utc.timestamp_opt(seconds, nanoseconds).unwrap();
            let local = time.with_timezone(&FixedOffset::east_opt(offset * 60).unwrap());
            prop_assume!((1970..=9999).contains(&local.year()));
            prop_assert_eq!(of_line(local.to_rfc3339().as_bytes()), Some(time));
            let clf = local.format("1.2.3.4 - - [%d/%b/%Y:%H:%M:%S %z] x").to_string();
            prop_assert_eq!(of_line(clf.as_bytes()).map(|time| time.timestamp()), Some(seconds));
        }
    }
}
