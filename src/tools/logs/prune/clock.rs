//! Whether the clock is believed where it decides what leaves a store for good: by what the manifests say of their own times. Pure.

use chrono::{DateTime, TimeDelta, Utc};

/// A machine that ships says something every day.
const USUAL: TimeDelta = TimeDelta::days(7);
/// After so long a leap is believed: the machine, or its store, was only away.
const PROBATION: TimeDelta = TimeDelta::days(1);
/// Two runs of one machine may disagree by as much as that.
const SLACK: TimeDelta = TimeDelta::days(1);

/// Until when anything vouches for the clock, where that is so long ago that it may be wrong. `chains` are the times at which segments were
/// made, one machine after the other, in the order of their numbers.
pub(super) fn doubt(now: DateTime<Utc>, chains: &[Vec<DateTime<Utc>>]) -> Option<DateTime<Utc>> {
    let mut times: Vec<DateTime<Utc>> = chains.iter().flat_map(|chain| credible(chain)).filter(|at| *at <= now).collect();
    times.sort_unstable_by(|one, other| other.cmp(one));
    let mut since = *times.first()?;
    if now - since > USUAL {
        return Some(since);
    }
    for before in times {
        if since - before > USUAL {
            return (now - since < PROBATION).then_some(before);
        }
        since = before;
    }
    None
}

/// Whether another machine's newest segment, made at that time, vouches for the clock.
pub(super) fn is_vouched(now: DateTime<Utc>, newest: DateTime<Utc>) -> bool {
    newest <= now + SLACK && now - newest <= USUAL
}

/// The times that the machine did not take back by naming an earlier one later: then the clock had leapt.
fn credible(chain: &[DateTime<Utc>]) -> impl Iterator<Item = DateTime<Utc>> {
    let mut least = DateTime::<Utc>::MAX_UTC;
    chain.iter().rev().copied().filter(move |at| {
        least = least.min(*at);
        *at - least <= SLACK
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(480_000 + number)
    }

    fn days(from: i64, to: i64) -> Vec<DateTime<Utc>> {
        (from..to).map(|day| hour(24 * day)).collect()
    }

    #[test]
    fn a_clock_that_leaps_is_doubted_until_the_machine_has_said_something_under_it_for_a_day() {
        assert_eq!(doubt(hour(0), &[]), None);
        let before = days(0, 10);
        let last = *before.last().unwrap();
        for (now, told) in [(hour(24 * 10), None), (hour(24 * 16), None), (hour(24 * 17), Some(last)), (hour(50_000), Some(last))]
        {
            assert_eq!(doubt(now, std::slice::from_ref(&before)), told, "{now}");
        }
        let leapt = |more: i64| before.iter().copied().chain([hour(50_000), hour(50_000 + more)]).collect::<Vec<_>>();
        assert_eq!(doubt(hour(50_023), &[leapt(20)]), Some(last));
        assert_eq!(doubt(hour(50_024), &[leapt(20)]), None, "it goes on");
        assert_eq!(doubt(hour(50_010), &[before.clone(), vec![hour(50_001)]]), Some(last), "whoever says so");
    }

    #[test]
    fn what_was_said_under_a_wrong_clock_vouches_for_nothing_once_it_is_right_again() {
        let mut chain = days(0, 5);
        chain.extend([hour(50_000), hour(50_100)]);
        chain.extend(days(5, 9));
        assert_eq!(doubt(hour(24 * 9), &[chain.clone()]), None);
        assert_eq!(doubt(hour(50_200), &[chain]), Some(hour(24 * 8)), "each wrong start is doubted anew");
    }

    #[test]
    fn another_machine_vouches_by_what_it_said_in_the_last_days() {
        for (newest, vouches) in [(0, true), (12, true), (-160, true), (-200, false), (30, false)] {
            assert_eq!(is_vouched(hour(0), hour(newest)), vouches, "{newest}");
        }
    }
}
