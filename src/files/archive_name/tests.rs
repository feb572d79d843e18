//! What is and what is not the name of an archive.

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
    assert_eq!((name.log(), name.at(), name.stamp().sequence), ("app.log", time("2026-11-21T03:15:00Z"), 1));
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
    for foreign in ["app.log.20261121T031500Z-0001.zst.part", ".app.log.part", ".app.log.20261121T031500Z-0001.zst", ".part"] {
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
        prop_assert!(ArchiveName::is_part(&name.part_name()));
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
