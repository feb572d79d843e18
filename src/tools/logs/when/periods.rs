//! Where the present hour, day, week, month and year of a zone begin and end.
//!
//! A beginning in the gap of a clock set forward lies at the end of the gap. Of one that a clock set back shows twice,
//! the first counts, except for hours: those are two. Computed once per zone and instant, not once per log.

use chrono::{DateTime, Datelike, MappedLocalTime, Months, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use super::Moment;
use crate::settings::units::{self, Period};

/// The periods around one instant in one zone.
#[derive(Clone, Debug)]
pub struct Periods {
    zone: Tz,
    now: DateTime<Utc>,
    bounds: [Bounds; Period::ALL.len()],
}

#[derive(Clone, Copy, Debug)]
struct Bounds {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Periods {
    /// The periods around `now` in `zone`.
    pub fn at(zone: Tz, now: DateTime<Utc>) -> Periods {
        Periods { zone, now, bounds: Period::ALL.map(|period| period.around(zone, now)) }
    }

    /// The periods around another instant, in the same zone.
    #[must_use]
    pub fn moved_to(&self, now: DateTime<Utc>) -> Periods {
        Periods::at(self.zone, now)
    }

    /// The instant that these are around.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// When the present period began.
    pub fn start(&self, period: Period) -> DateTime<Utc> {
        self.bounds[period as usize].start
    }

    /// When the next period begins.
    pub fn end(&self, period: Period) -> DateTime<Utc> {
        self.bounds[period as usize].end
    }

    /// An instant to be shown in this zone.
    pub(super) fn moment(&self, at: DateTime<Utc>) -> Moment {
        Moment { at, zone: self.zone }
    }
}

impl Period {
    fn around(self, zone: Tz, now: DateTime<Utc>) -> Bounds {
        let mut bounds = Bounds { start: DateTime::<Utc>::MIN_UTC, end: DateTime::<Utc>::MAX_UTC };
        let shown = self.begin(units::shown(zone, now));
        // A clock set back over midnight shows yesterday although today has begun, so the next beginnings may be past too.
        for begin in (0..=2).filter_map(|steps| self.later(shown, steps)) {
            let (first, second) = instants(zone, begin);
            let again = second.filter(|_| self == Period::Hourly);
            for start in [Some(first), again].into_iter().flatten() {
                if start <= now {
                    bounds.start = bounds.start.max(start);
                } else {
                    bounds.end = bounds.end.min(start);
                }
            }
        }
        bounds
    }

    /// The beginning of the period that a clock shows.
    fn begin(self, shown: NaiveDateTime) -> NaiveDateTime {
        let date = shown.date();
        let midnight = |date: Option<NaiveDate>| date.unwrap_or(NaiveDate::MIN).into();
        match self {
            Period::Hourly => shown.date().and_hms_opt(shown.hour(), 0, 0).unwrap_or(shown),
            Period::Daily => midnight(Some(date)),
            Period::Weekly => midnight(date.checked_sub_signed(TimeDelta::days(date.weekday().num_days_from_monday().into()))),
            Period::Monthly => midnight(date.with_day(1)),
            Period::Yearly => midnight(NaiveDate::from_ymd_opt(date.year(), 1, 1)),
        }
    }

    /// The beginning so many periods later.
    fn later(self, begin: NaiveDateTime, steps: u32) -> Option<NaiveDateTime> {
        match self {
            Period::Hourly => begin.checked_add_signed(TimeDelta::hours(steps.into())),
            Period::Daily => begin.checked_add_signed(TimeDelta::days(steps.into())),
            Period::Weekly => begin.checked_add_signed(TimeDelta::weeks(steps.into())),
            Period::Monthly => begin.checked_add_months(Months::new(steps)),
            Period::Yearly => begin.checked_add_months(Months::new(12 * steps)),
        }
    }
}

/// When the clocks show `shown`: the end of the gap if they skip it, both instants if they show it twice.
fn instants(zone: Tz, shown: NaiveDateTime) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
    match zone.from_local_datetime(&shown) {
        MappedLocalTime::Single(at) => (at.to_utc(), None),
        MappedLocalTime::Ambiguous(one, other) => (one.min(other).to_utc(), Some(one.max(other).to_utc())),
        MappedLocalTime::None => (end_of_gap(zone, shown), None),
    }
}

/// The first second at which the clocks are past `shown`, which they skip. Offsets and gaps are at most a day each.
fn end_of_gap(zone: Tz, shown: NaiveDateTime) -> DateTime<Utc> {
    let second = |offset: i64| shown.and_utc().checked_add_signed(TimeDelta::seconds(offset)).unwrap_or(shown.and_utc());
    let (mut before, mut past) = (-2 * 86_400, 2 * 86_400);
    while past - before > 1 {
        let middle = i64::midpoint(before, past);
        if units::shown(zone, second(middle)) < shown { before = middle } else { past = middle }
    }
    second(past)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_of_a_gap_leads_to_its_end() {
        let begin = NaiveDate::from_ymd_opt(2011, 12, 30).unwrap().and_hms_opt(0, 0, 0).unwrap();
        for second in (0..86_400).step_by(7) {
            let skipped = begin + TimeDelta::seconds(second);
            let end = (begin - TimeDelta::hours(-10)).and_utc();
            assert_eq!(instants(Tz::Pacific__Apia, skipped), (end, None), "{skipped}");
        }
    }
}
