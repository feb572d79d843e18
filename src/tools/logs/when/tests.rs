//! Scenarios of triggers and guards, and of clocks that are set forward and back.

use chrono::TimeDelta;
use chrono_tz::Tz::{self, UTC};

use super::*;

mod laws;

const NOW: &str = "2026-11-21T03:15:00Z";

impl Due {
    fn is_now(&self) -> bool {
        matches!(self, Due::Now(_))
    }

    fn reason(&self) -> &Reason {
        let (Due::Now(reason) | Due::NotYet(reason)) = self;
        reason
    }
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn when(toml: &str) -> When {
    #[derive(serde::Deserialize)]
    struct Settings {
        when: When,
    }
    toml::from_str::<Settings>(&format!("when = {toml}")).unwrap().when
}

fn log(size: u64, since: &str) -> Log {
    Log { size, since: time(since) }
}

/// The decision in words: `+` for now, `-` for not yet.
fn said(when: &When, log: &Log, zone: Tz) -> String {
    let due = due(when, log, &Periods::at(zone, time(NOW)));
    format!("{} {}", if due.is_now() { '+' } else { '-' }, due.reason())
}

const MIB: u64 = 1 << 20;

#[test]
fn the_first_trigger_that_holds_is_the_reason() {
    let when = When::default();
    assert_eq!(said(&when, &log(1, "2026-11-20T03:10:00Z"), UTC), "+ daily: not rotated since 2026-11-20 03:10 UTC");
    assert_eq!(said(&when, &log(100 * MIB, "2026-11-21T03:10:00Z"), UTC), "+ 100.0 MiB, limit 100.0 MiB");
    let waiting = "- next at 2026-11-22 00:00 UTC, or at 100.0 MiB";
    assert_eq!(said(&when, &log(100 * MIB - 1, "2026-11-21T03:10:00Z"), UTC), waiting);
}

#[test]
fn a_rotation_at_the_stroke_of_midnight_was_the_one_of_the_day() {
    let when = when("\"daily\"");
    assert_eq!(said(&when, &log(1, "2026-11-21T00:00:00Z"), UTC), "- next at 2026-11-22 00:00 UTC");
    assert_eq!(said(&when, &log(1, "2026-11-20T23:59:59Z"), UTC), "+ daily: not rotated since 2026-11-20 23:59 UTC");
}

#[test]
fn a_rotation_by_size_at_noon_leaves_the_next_day_its_own() {
    let log = log(100 * MIB, "2026-11-20T12:00:00Z");
    assert_eq!(said(&When::default(), &log, UTC), "+ daily: not rotated since 2026-11-20 12:00 UTC");
}

#[test]
fn all_triggers_must_hold() {
    let when = when("{ all = [\"daily\", \"1 MiB\", \"2d\"] }");
    let cases = [
        (
            MIB,
            "2026-11-19T03:15:00Z",
            "+ daily: not rotated since 2026-11-19 03:15 UTC; 1.0 MiB, limit 1.0 MiB; 2d: not rotated since 2026-11-19 03:15 UTC",
        ),
        (MIB - 1, "2026-11-19T03:15:00Z", "- 1.0 MiB, next at 1.0 MiB"),
        (MIB, "2026-11-20T03:15:00Z", "- next at 2026-11-22 03:15 UTC"),
        (1024, "2026-11-21T03:15:00Z", "- next after 2026-11-23 03:15 UTC, and at 1.0 MiB"),
        (1024, "2026-11-20T03:15:00Z", "- next after 2026-11-22 03:15 UTC, and at 1.0 MiB"),
    ];
    for (size, since, expected) in cases {
        assert_eq!(said(&when, &log(size, since), UTC), expected);
    }
    let sizes = self::when("{ all = [\"1 KiB\", \"1 MiB\"] }");
    assert_eq!(said(&sizes, &log(1, NOW), UTC), "- 1 B, next at 1.0 MiB");
}

#[test]
fn an_age_counts_from_the_last_rotation() {
    let when = when("\"7d\"");
    assert_eq!(said(&when, &log(1, "2026-11-14T03:15:00Z"), UTC), "+ 7d: not rotated since 2026-11-14 03:15 UTC");
    assert_eq!(said(&when, &log(1, "2026-11-14T03:15:01Z"), UTC), "- next at 2026-11-21 03:15 UTC");
}

#[test]
fn guards_hold_back_what_is_due() {
    let when = when("{ any = [\"daily\", \"100 B\"], min-size = \"50 B\", min-age = \"1h\" }");
    assert_eq!(said(&when, &log(0, "2026-11-01T00:00:00Z"), UTC), "- empty");
    assert_eq!(said(&when, &log(49, "2026-11-01T00:00:00Z"), UTC), "- 49 B, below min-size 50 B");
    assert_eq!(said(&when, &log(50, "2026-11-01T00:00:00Z"), UTC), "+ daily: not rotated since 2026-11-01 00:00 UTC");
    assert_eq!(said(&when, &log(100, "2026-11-21T02:15:01Z"), UTC), "- fresh since 2026-11-21 02:15 UTC, min-age 1h");
    assert_eq!(said(&when, &log(100, "2026-11-21T02:15:00Z"), UTC), "+ 100 B, limit 100 B");
}

#[test]
fn an_empty_log_can_be_rotated_if_asked_for() {
    let when = when("{ any = [\"daily\"], skip-empty = false }");
    assert_eq!(said(&when, &log(0, "2026-11-20T00:00:00Z"), UTC), "+ daily: not rotated since 2026-11-20 00:00 UTC");
}

#[test]
fn after_the_clock_went_back_only_size_counts() {
    let when = when("{ any = [\"hourly\", \"1h\", \"100 B\"], min-age = \"1h\" }");
    let future = "2099-01-01T00:00:00Z";
    let waits = "- its last rotation, 2099-01-01 00:00 UTC, lies in the future; next at 100 B";
    assert_eq!(said(&when, &log(99, future), UTC), waits);
    assert_eq!(said(&when, &log(100, future), UTC), "+ 100 B, limit 100 B");
    let periods = Periods::at(UTC, time(NOW));
    assert_eq!(next(&when, &log(99, future), &periods), Some(time("2099-01-01T01:00:00Z")));
    assert_eq!(next(&when, &log(100, future), &periods), Some(time(NOW)));
}

#[test]
fn times_are_told_in_the_zone_of_the_set() {
    let when = when("\"daily\"");
    assert_eq!(said(&when, &log(1, NOW), Tz::Europe__Berlin), "- next at 2026-11-22 00:00 CET");
    assert_eq!(said(&when, &log(1, NOW), Tz::Australia__Lord_Howe), "- next at 2026-11-22 00:00 +11");
}

#[test]
fn next_is_known_only_where_time_is_enough() {
    let periods = Periods::at(UTC, time(NOW));
    let at = |toml: &str, size| next(&when(toml), &log(size, NOW), &periods);
    assert_eq!(at("\"weekly\"", 1), Some(time("2026-11-23T00:00:00Z")));
    assert_eq!(at("\"monthly\"", 1), Some(time("2026-12-01T00:00:00Z")));
    assert_eq!(at("\"yearly\"", 1), Some(time("2027-01-01T00:00:00Z")));
    assert_eq!(at("\"1 MiB\"", 1), None);
    assert_eq!(at("\"1 MiB\"", MIB), Some(time(NOW)));
    assert_eq!(at("\"daily\"", 0), None);
    assert_eq!(at("{ all = [\"daily\", \"7d\"] }", 1), Some(time("2026-11-28T03:15:00Z")));
    assert_eq!(at("{ all = [\"daily\", \"1 MiB\"] }", 1), None);
    assert_eq!(at("{ any = [\"hourly\"], min-age = \"2d\" }", 1), Some(time("2026-11-23T03:15:00Z")));
    assert_eq!(at("{ any = [\"1 B\"], min-age = \"1h\" }", 1), Some(time("2026-11-21T04:15:00Z")));
    assert_eq!(at("{ any = [\"hourly\"], min-size = \"2 B\" }", 1), None);
}

/// Zone, calendar word, an instant, and the bounds of the period that it is in.
const CLOCKS: [(Tz, Period, &str, &str, &str); 28] = [
    // Set forward on 2026-03-29 at 01:00 UTC, from 02:00 to 03:00.
    (Tz::Europe__Berlin, Period::Daily, "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
    (Tz::Europe__Berlin, Period::Hourly, "2026-03-29T00:30:00Z", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"),
    (Tz::Europe__Berlin, Period::Hourly, "2026-03-29T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"),
    // Set back on 2026-10-25 at 01:00 UTC, from 03:00 to 02:00.
    (Tz::Europe__Berlin, Period::Daily, "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    (Tz::Europe__Berlin, Period::Hourly, "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"),
    (Tz::Europe__Berlin, Period::Hourly, "2026-10-25T01:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"),
    (Tz::Europe__Berlin, Period::Weekly, "2026-10-25T12:00:00Z", "2026-10-18T22:00:00Z", "2026-10-25T23:00:00Z"),
    (Tz::Europe__Berlin, Period::Yearly, "2026-10-25T12:00:00Z", "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"),
    (Tz::America__New_York, Period::Daily, "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
    (Tz::America__New_York, Period::Daily, "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
    (Tz::America__New_York, Period::Hourly, "2026-11-01T06:59:59Z", "2026-11-01T06:00:00Z", "2026-11-01T07:00:00Z"),
    (Tz::America__New_York, Period::Monthly, "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"),
    // Set back by half an hour on 2026-04-05, from 02:00 to 01:30: an hour of ninety minutes.
    (Tz::Australia__Lord_Howe, Period::Hourly, "2026-04-04T15:10:00Z", "2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z"),
    (Tz::Australia__Lord_Howe, Period::Daily, "2026-04-05T00:00:00Z", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),
    // Set forward by half an hour on 2026-10-04, from 02:00 to 02:30: an hour of thirty minutes.
    (Tz::Australia__Lord_Howe, Period::Hourly, "2026-10-03T15:40:00Z", "2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z"),
    // Set forward at midnight: the day begins at 01:00.
    (Tz::America__Sao_Paulo, Period::Daily, "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
    (Tz::America__Sao_Paulo, Period::Daily, "2018-11-04T02:59:59Z", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"),
    (Tz::America__Asuncion, Period::Daily, "2023-10-01T12:00:00Z", "2023-10-01T04:00:00Z", "2023-10-02T03:00:00Z"),
    (Tz::Asia__Beirut, Period::Daily, "2026-03-29T12:00:00Z", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"),
    // Set back at midnight to 23:00: the day before has 25 hours.
    (Tz::America__Sao_Paulo, Period::Daily, "2018-02-18T02:30:00Z", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"),
    // Set back at 01:00 to midnight: the day began at the first one.
    (Tz::America__Havana, Period::Daily, "2026-11-01T05:30:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
    (Tz::America__Havana, Period::Hourly, "2026-11-01T05:30:00Z", "2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z"),
    // Set back at 00:01 to 23:01: yesterday shows again after today has begun.
    (Tz::America__St_Johns, Period::Daily, "2006-10-29T02:40:00Z", "2006-10-29T02:30:00Z", "2006-10-30T03:30:00Z"),
    // The whole of 2011-12-30 was skipped.
    (Tz::Pacific__Apia, Period::Daily, "2011-12-30T09:30:00Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
    (Tz::Pacific__Apia, Period::Daily, "2011-12-30T10:30:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
    // Offsets that are no whole hours.
    (Tz::Asia__Kolkata, Period::Hourly, "2026-06-01T00:10:00Z", "2026-05-31T23:30:00Z", "2026-06-01T00:30:00Z"),
    (Tz::Asia__Kolkata, Period::Daily, "2026-06-01T00:10:00Z", "2026-05-31T18:30:00Z", "2026-06-01T18:30:00Z"),
    // An ISO week from Monday over the turn of the year.
    (Tz::UTC, Period::Weekly, "2027-01-03T23:59:59Z", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"),
];

#[test]
fn periods_begin_where_the_clocks_of_the_zone_say() {
    for (zone, period, now, start, end) in CLOCKS {
        let periods = Periods::at(zone, time(now));
        let bounds = (periods.start(period), periods.end(period));
        assert_eq!(bounds, (time(start), time(end)), "{zone} {period} {now}");
    }
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let when = when("{ any = [\"hourly\", \"daily\", \"weekly\", \"monthly\", \"yearly\", \"7d\"], min-age = \"1d\" }");
    for zone in [UTC, Tz::Pacific__Kiritimati, Tz::Pacific__Niue] {
        for instant in [DateTime::<Utc>::MIN_UTC, time(NOW), DateTime::<Utc>::MAX_UTC] {
            let periods = Periods::at(zone, instant);
            for since in [DateTime::<Utc>::MIN_UTC, time(NOW), DateTime::<Utc>::MAX_UTC] {
                let log = Log { size: 1, since };
                assert!(!due(&when, &log, &periods).reason().to_string().is_empty());
                assert!(next(&when, &log, &periods).is_none_or(|next| next >= instant));
            }
        }
    }
}
