//! Where the day (UTC) of a text's lines changes for good, so that it can be cut there. Pure, but for reading.
//!
//! A line without a time belongs to the one before, and a time of another day than those between the text's first and last line is
//! something that the line is about. A line that is late, of a day that was over already, draws back the begin of the next day to
//! behind itself: so a text has no more parts than days, however its lines are mixed.

use std::{fs::File, mem};

use chrono::{DateTime, NaiveDate, Utc};

use super::{Compression, TimeRange, TimeSource, read, stamps};
use crate::failure::Result;

/// More days than that are in the last part: nobody's log has them, and each part becomes an object.
const MOST: usize = 100;

/// The lines of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// Where they begin in the text.
    pub from: u64,
    /// Their times.
    pub times: TimeRange,
}

/// The days of an archive's text, whose first and last line are of `times`. One of them where nothing can be told of its lines.
pub fn days(archive: &File, how: Compression, times: TimeRange) -> Result<Vec<Day>> {
    let mut days = Days::from(times);
    if days.last > days.first {
        read(archive, how, &mut |piece| {
            days.take(piece);
            Ok(())
        })?;
    }
    Ok(days.end())
}

/// A text on its way past.
struct Days {
    /// What is asked for lies between these.
    first: NaiveDate,
    last: NaiveDate,
    /// Each later than the one before.
    found: Vec<Day>,
    /// What came so far.
    at: u64,
    /// Where the line began that is passing by.
    begun: u64,
    /// Its first bytes.
    head: Vec<u8>,
    /// Whether its time is known, or known to be missing.
    told: bool,
}

impl From<TimeRange> for Days {
    fn from(times: TimeRange) -> Days {
        let first = times.from.date_naive();
        let last = if times.source == TimeSource::Lines { times.until.date_naive() } else { first };
        let found = vec![Day { from: 0, times: if last > first { TimeRange { until: times.from, ..times } } else { times } }];
        Days { first, last, found, at: 0, begun: 0, head: Vec::with_capacity(stamps::HEAD), told: false }
    }
}

impl Days {
    fn take(&mut self, piece: &[u8]) {
        for line in piece.split_inclusive(|byte| *byte == b'\n') {
            if !self.told {
                let room = stamps::HEAD - self.head.len();
                self.head.extend_from_slice(&line[..line.len().min(room)]);
            }
            self.at += line.len() as u64;
            let ended = line.ends_with(b"\n");
            if !self.told && (ended || self.head.len() == stamps::HEAD) {
                self.tell();
            }
            if ended {
                (self.begun, self.told) = (self.at, false);
            }
        }
    }

    fn tell(&mut self) {
        self.told = true;
        let time = stamps::of_line(&self.head);
        self.head.clear();
        if let Some(time) = time.filter(|time| (self.first..=self.last).contains(&time.date_naive())) {
            self.line(time);
        }
    }

    /// The line that is passing by is of that time.
    fn line(&mut self, time: DateTime<Utc>) {
        let day = |day: &Day| day.times.from.date_naive();
        let mut until = time;
        while let Some(later) = self.found.pop_if(|last| day(last) > time.date_naive()) {
            until = until.max(later.times.until);
        }
        match self.found.last_mut() {
            Some(same) if day(same) == time.date_naive() => same.times.until = same.times.until.max(until),
            before => {
                if let Some(before) = before {
                    before.times.until = before.times.until.max(until);
                }
                let times = TimeRange { from: time, until: time, source: TimeSource::Lines };
                self.found.push(Day { from: self.begun, times });
            }
        }
    }

    fn end(mut self) -> Vec<Day> {
        if !self.told && !self.head.is_empty() {
            self.tell();
        }
        let more = self.found.split_off(self.found.len().min(MOST));
        let mut found = mem::take(&mut self.found);
        if let (Some(last), Some(latest)) = (found.last_mut(), more.last()) {
            last.times.until = last.times.until.max(latest.times.until);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_012_800 + hour * 3600, 0).unwrap()
    }

    /// A line of that hour, or one without a time.
    fn line(hour: Option<i64>) -> String {
        hour.map_or_else(|| "  and more of it\n".to_owned(), |hour| format!("{} line\n", at(hour).format("%Y-%m-%dT%H:%M:%SZ")))
    }

    /// The days of such lines, taken in pieces of so many bytes.
    fn found(lines: &[Option<i64>], piece: usize) -> (String, Vec<Day>) {
        let text: String = lines.iter().map(|hour| line(*hour)).collect();
        let told: Vec<i64> = lines.iter().copied().flatten().collect();
        let (from, until) = (at(told[0]), at(told[told.len() - 1]));
        let mut days = Days::from(TimeRange { from, until, source: TimeSource::Lines });
        text.as_bytes().chunks(piece).for_each(|piece| days.take(piece));
        (text, days.end())
    }

    /// How many lines are in each part.
    fn lines_of(lines: &[Option<i64>]) -> Vec<usize> {
        let (text, days) = found(lines, 7);
        let ends = days.iter().skip(1).map(|day| day.from).chain([text.len() as u64]);
        let part = |from: u64, to: u64| text[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()].lines().count();
        days.iter().zip(ends).map(|(day, end)| part(day.from, end)).collect()
    }

    #[test]
    fn a_text_is_cut_where_its_day_changes_for_good() {
        let (one, two, three) = (Some(1), Some(25), Some(49));
        assert_eq!(lines_of(&[one, one, Some(23)]), [3]);
        assert_eq!(lines_of(&[one, None, two, None, None, two, three]), [2, 4, 1], "what has no time belongs to the line before");
        assert_eq!(lines_of(&[one, two, one, two, two]), [3, 2], "a late line draws the next day back");
        assert_eq!(lines_of(&[one, three, two, three]), [2, 1, 1], "and what came too early stays before it");
        assert_eq!(lines_of(&[one, Some(-200), Some(900), two]), [3, 1], "other days are what a line is about");
        assert_eq!(lines_of(&[one, two, one]), [3]);
    }

    #[test]
    fn what_is_known_of_the_file_alone_is_not_cut() {
        let times = TimeRange { from: at(0), until: at(90), source: TimeSource::File };
        let mut days = Days::from(times);
        days.take(line(Some(30)).as_bytes());
        assert_eq!(days.end(), [Day { from: 0, times }]);
    }

    #[test]
    fn a_text_of_very_many_days_is_in_no_more_parts_than_there_may_be() {
        let lines: Vec<Option<i64>> = (0..400).map(|day| Some(day * 24)).collect();
        let (_, days) = found(&lines, 100);
        assert_eq!((days.len(), days[MOST - 1].times.until), (MOST, at(399 * 24)));
    }

    proptest! {
        #[test]
        fn every_part_begins_on_its_own_day_and_after_it_comes_no_earlier_one(
            hours in proptest::collection::vec(proptest::option::weighted(0.8, 0..120_i64), 1..40), piece in 1..300_usize,
        ) {
            let lines: Vec<Option<i64>> = [Some(0)].into_iter().chain(hours).chain([Some(119)]).collect();
            let (_, days) = found(&lines, piece);
            let mut begins = 0;
            let places: Vec<(u64, Option<i64>)> = lines.iter().map(|hour| {
                let place = (begins, *hour);
                begins += line(*hour).len() as u64;
                place
            }).collect();
            prop_assert_eq!(days[0].from, 0);
            prop_assert!(days.len() <= 5 && days.windows(2).all(|pair| pair[0].from < pair[1].from));
            for day in &days {
                let date = day.times.from.date_naive();
                let here = places.iter().find(|(from, _)| *from == day.from).and_then(|(_, hour)| *hour);
                prop_assert_eq!(here.map(at), Some(day.times.from), "it begins with a line of its day");
                let mut later = places.iter().filter(|(from, _)| *from >= day.from).filter_map(|(_, hour)| *hour);
                prop_assert!(later.all(|hour| at(hour).date_naive() >= date));
            }
        }

        #[test]
        fn lines_in_order_have_one_day_in_each_part(mut hours in proptest::collection::vec(0..200_i64, 1..40)) {
            hours.sort_unstable();
            let lines: Vec<Option<i64>> = hours.iter().copied().map(Some).collect();
            let mut each: Vec<usize> = Vec::new();
            for same in hours.chunk_by(|one, other| one / 24 == other / 24) {
                each.push(same.len());
            }
            prop_assert_eq!(lines_of(&lines), each);
        }
    }
}
