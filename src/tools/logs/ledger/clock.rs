//! Whether the clock is believed: by what the ledger knows of earlier runs, never by another clock.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Content, Line};

impl Content {
    /// How far the clock is ahead of when it was last believed, when that is so far that it may be wrong. A later run that
    /// finds it going on believes it: a machine may just have been off.
    pub fn leap(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        const USUAL: TimeDelta = TimeDelta::days(7);
        const PROBATION: TimeDelta = TimeDelta::hours(1);
        let gap = now - self.clock?;
        match self.doubted.filter(|doubted| *doubted <= now) {
            Some(doubted) => (now - doubted < PROBATION).then_some(gap),
            None => (gap > USUAL).then_some(gap),
        }
    }

    /// What a run at `now` notes of its clock: that it doubts it or, once a day, that it believes it.
    pub fn clock_line(&self, now: DateTime<Utc>) -> Option<Line> {
        const A_DAY: TimeDelta = TimeDelta::days(1);
        let known = self.clock.is_some_and(|clock| (now - clock).abs() < A_DAY);
        match self.leap(now) {
            Some(_) => self.doubted.is_none_or(|doubted| doubted > now).then_some(Line::Doubt { at: now }),
            None => (self.doubted.is_some() || !known).then_some(Line::Clock { at: now }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + number)
    }

    /// A run that notes what it thinks of the clock, and whether it doubts it.
    fn run(content: &mut Content, now: DateTime<Utc>) -> bool {
        let leapt = content.leap(now).is_some();
        if let Some(line) = content.clock_line(now) {
            content.take(line);
        }
        leapt
    }

    #[test]
    fn a_clock_that_leaps_is_doubted_until_it_has_gone_on_for_an_hour() {
        let mut content = Content::default();
        assert!(!run(&mut content, day(0)) && !run(&mut content, day(7)));
        let wrong = day(30_000);
        assert!(run(&mut content, wrong) && run(&mut content, wrong + TimeDelta::minutes(59)));
        assert!(!run(&mut content.clone(), wrong + TimeDelta::minutes(61)), "it was right: the machine was off");
        for start in 8..12 {
            assert!(!run(&mut content, day(start)), "back to where it was");
            assert!(run(&mut content, wrong + TimeDelta::days(start)), "each wrong start is doubted anew");
        }
    }

    #[test]
    fn rare_runs_are_delayed_and_do_not_stop_all() {
        let mut content = Content::default();
        let leaps: Vec<bool> = (0..6).map(|month| run(&mut content, day(month * 31))).collect();
        assert_eq!(leaps, [false, true, false, true, false, true]);
    }

    #[test]
    fn the_clock_is_noted_once_a_day() {
        let mut content = Content::default();
        let lines = (0..72).filter(|hour| {
            let line = content.clock_line(day(0) + TimeDelta::hours(*hour));
            line.into_iter().map(|line| content.take(line)).count() > 0
        });
        assert_eq!(lines.count(), 3);
    }
}
