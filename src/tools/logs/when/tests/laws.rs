//! What holds in every zone and at every time.

use chrono::{NaiveDateTime, Timelike};
use proptest::prelude::*;

use super::*;

fn zones() -> impl Strategy<Value = Tz> {
    let restless = vec![
        Tz::Europe__Berlin,
        Tz::America__New_York,
        Tz::Australia__Lord_Howe,
        Tz::America__Sao_Paulo,
        Tz::America__Havana,
        Tz::America__St_Johns,
        Tz::Asia__Kolkata,
        Tz::Africa__Casablanca,
    ];
    prop_oneof![prop::sample::select(restless), prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec())]
}

/// Whole minutes from 1980 to 2037, half of them near a change of the zone's clocks.
fn places() -> impl Strategy<Value = (Tz, DateTime<Utc>)> {
    (zones(), 5_260_000..35_000_000_i64, any::<bool>(), 0..3_000_i64).prop_map(|(zone, minute, near, back)| {
        let at = |minute: i64| DateTime::from_timestamp(minute * 60, 0).unwrap();
        let offset = |minute| at(minute).with_timezone(&zone).naive_local() - at(minute).naive_utc();
        let change = (0..400).map(|day| minute + day * 1440).find(|minute| offset(*minute) != offset(minute + 1440));
        (zone, at(if near { change.map_or(minute, |change| change + 1440 - back) } else { minute }))
    })
}

/// What a clock shows of a period: the same text in the same period, mostly.
fn face(period: Period, shown: NaiveDateTime) -> String {
    let format = match period {
        Period::Hourly => "%Y%m%d%H",
        Period::Daily => "%Y%m%d",
        Period::Weekly => "%G%V",
        Period::Monthly => "%Y%m",
        Period::Yearly => "%Y",
    };
    shown.format(format).to_string()
}

/// A clock on a wall that is looked at every minute: when does it show a new period, never counting one twice?
struct Wall {
    zone: Tz,
    period: Period,
    latest: String,
}

impl Wall {
    /// It has hung there for a day: what it showed before it was set back over midnight is not new when it shows it again.
    fn hung(zone: Tz, period: Period, at: DateTime<Utc>) -> Wall {
        let face = |minutes| face(period, (at - TimeDelta::minutes(minutes)).with_timezone(&zone).naive_local());
        Wall { zone, period, latest: (0..=24 * 60).map(face).max().expect("a day has minutes") }
    }

    fn shows_new(&mut self, at: DateTime<Utc>) -> bool {
        let shown = at.with_timezone(&self.zone).naive_local();
        let face = face(self.period, shown);
        // An hour that comes again after the clock was set back is a new one, from its minute zero.
        let struck = self.period == Period::Hourly && shown.minute() == 0;
        let new = face > self.latest || struck;
        self.latest = face.max(std::mem::take(&mut self.latest));
        new
    }
}

fn triggers() -> impl Strategy<Value = Trigger> {
    prop_oneof![
        prop::sample::select(Period::ALL.to_vec()).prop_map(Trigger::Every),
        (1..200u64).prop_map(|size| Trigger::Size(Bytes(size))),
        (1..3_000_000u32).prop_map(|seconds| Trigger::Age(Span::seconds(seconds))),
    ]
}

fn whens() -> impl Strategy<Value = When> {
    let list = prop::collection::vec(triggers(), 1..4);
    let guards = (prop::option::of(0..100u64), prop::option::of(0..900_000u32), any::<bool>());
    (list, any::<bool>(), guards).prop_map(|(list, any, (size, age, skip_empty))| When {
        triggers: if any { Triggers::Any(list) } else { Triggers::All(list) },
        min_size: size.map(Bytes),
        min_age: age.map(Span::seconds),
        skip_empty,
    })
}

proptest! {
    #[test]
    fn a_log_looked_at_every_ten_minutes_rotates_once_per_period(
        (zone, begin) in places(), period in prop::sample::select(Period::ALL.to_vec()),
    ) {
        let when = When::from(Triggers::Any(vec![Trigger::Every(period)]));
        let mut wall = Wall::hung(zone, period, begin);
        let mut log = Log { size: 1, since: begin };
        for tick in 1..=500 {
            let now = begin + TimeDelta::minutes(10 * tick);
            let fresh = (1..=10).filter(|minute| wall.shows_new(now - TimeDelta::minutes(10 - minute))).count() > 0;
            let due = due(&when, &log, &Periods::at(zone, now));
            prop_assert_eq!(due.is_now(), fresh, "{} {} {}: {}", zone, period, now, due.reason());
            if due.is_now() {
                log.since = now;
            }
        }
    }

    #[test]
    fn periods_follow_one_another_without_gap((zone, now) in places(), period in prop::sample::select(Period::ALL.to_vec())) {
        let periods = Periods::at(zone, now);
        let (start, end) = (periods.start(period), periods.end(period));
        prop_assert!(start <= now && now < end);
        prop_assert_eq!(periods.moved_to(end).start(period), end);
        let inside = |at: DateTime<Utc>| (periods.moved_to(at).start(period), periods.moved_to(at).end(period));
        prop_assert_eq!(inside(start), (start, end));
        prop_assert_eq!(inside(end - TimeDelta::nanoseconds(1)), (start, end));
    }

    #[test]
    fn next_is_the_first_instant_that_is_due(
        when in whens(), size in 0..200u64, age in -900_000..9_000_000_i64, (zone, now) in places(),
        part in 0.0..1.0f64,
    ) {
        let log = Log { size, since: now - TimeDelta::seconds(age) };
        let is_due = |at: DateTime<Utc>| due(&when, &log, &Periods::at(zone, at)).is_now();
        let from_now = Periods::at(zone, now);
        match next(&when, &log, &from_now) {
            Some(at) => {
                prop_assert!(at >= now);
                prop_assert!(is_due(at));
                prop_assert_eq!(at == now, is_due(now));
                if at > now {
                    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any instant between will do")]
                    let between = now + TimeDelta::seconds(((at - now).num_seconds() as f64 * part) as i64);
                    prop_assert!(!is_due(between.min(at - TimeDelta::nanoseconds(1))));
                    prop_assert!(!is_due(at - TimeDelta::nanoseconds(1)));
                }
            }
            None => {
                for days in [0, 1, 31, 366, 1000] {
                    prop_assert!(!is_due(now + TimeDelta::days(days)));
                }
            }
        }
    }

    #[test]
    fn what_waits_says_until_when(trigger in triggers(), age in 0..9_000_000_i64, (zone, now) in places()) {
        let when = When::from(Triggers::Any(vec![trigger]));
        let log = Log { size: 1, since: now - TimeDelta::seconds(age) };
        let periods = Periods::at(zone, now);
        if let Due::NotYet(Reason::Waiting { at, .. }) = due(&when, &log, &periods) {
            prop_assert_eq!(at.map(|moment| moment.at), next(&when, &log, &periods));
        }
    }

    #[test]
    fn every_when_reads_back(when in whens()) {
        let text = serde_json::to_string(&when).unwrap();
        prop_assert_eq!(serde_json::from_str::<When>(&text).unwrap(), when);
    }
}
