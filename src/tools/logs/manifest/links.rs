//! One machine's segments as a chain: each must follow the one before. What is wrong with it is told, and what can be read
//! counts.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};

use super::{
    Object, Removed, Segment, Written,
    stored::Reading,
    tombs::{Tomb, Tombs},
};
use crate::{
    failure::Exit,
    report::{Finding, Report, Severity},
    store::Key,
};

/// One machine's chain, as far as it could be read.
#[derive(Debug, Default)]
pub struct Links {
    /// The machine.
    pub host: Option<String>,
    /// The number of the last segment that is there, whether it could be read or not.
    pub last: u64,
    /// The hash of each segment, by its number.
    pub hashes: BTreeMap<u64, String>,
    /// All that its segments name, and which does.
    pub objects: Vec<(u64, Object)>,
    /// All that they say was taken out of the store.
    pub removed: Vec<Removed>,
    /// When each segment was made.
    pub made: BTreeMap<u64, DateTime<Utc>>,
    /// Whether no segment is missing, damaged or altered, but for what may be missing at the end.
    pub unbroken: bool,
}

impl Links {
    /// Follows the chain; what is wrong with it is told. None when somebody asked to stop before all of it was read: of half a chain nobody
    /// says where it ends.
    pub fn read(reading: &Reading, segments: BTreeMap<u64, Key>, report: &mut Report) -> Option<Links> {
        let last = segments.last_key_value().map_or(0, |(number, _)| *number);
        let mut links = Links { unbroken: true, last, ..Links::default() };
        // The hash of the segment before: None where nobody knows it, and of the first there is none.
        let (mut expected, mut before) = (1, Some(None));
        for (number, key, read) in reading.each(segments) {
            let (read, shown) = (read?, reading.shown(&key));
            if number > expected {
                let missing = if number - expected == 1 { expected.to_string() } else { format!("{expected} to {}", number - 1) };
                report.findings.push(danger("logs.segment-missing", &shown, format!("segment {missing} before it is not there")));
                links.unbroken = false;
                before = None;
            }
            expected = number.saturating_add(1);
            match read {
                Ok(Some(written)) => {
                    let hash = written.sha256.clone();
                    links.follow(written, before.as_ref(), &shown, report);
                    before = Some(Some(hash));
                    continue;
                }
                Ok(None) => {
                    let message = "it was listed, and is not there".to_owned();
                    report.findings.push(danger("logs.segment-missing", &shown, message));
                }
                Err(failure) if failure.exit == Exit::PersonNeeded => {
                    report.findings.push(danger("logs.segment-differs", &shown, failure.to_string()));
                }
                Err(failure) => report.incomplete.push((&failure).into()),
            }
            // What it says, and whether the next one follows it, nobody knows.
            links.unbroken = false;
            before = None;
        }
        Some(links)
    }

    fn follow(&mut self, written: Written, before: Option<&Option<String>>, shown: &str, report: &mut Report) {
        let Written { segment, sha256, .. } = written;
        // What is missing or damaged before it was told.
        if before.is_some_and(|before| segment.previous != *before) {
            let message = "it does not follow the segment before it: one of the two was altered, or two machines have that name";
            report.findings.push(danger("logs.segment-differs", shown, message.to_owned()));
            self.unbroken = false;
        }
        self.hashes.insert(segment.number, sha256);
        self.take(segment);
    }
}

impl Links {
    /// Takes in what a segment says, wherever it is.
    pub fn take(&mut self, segment: Segment) {
        let Segment { host, number, objects, removed, made_at, .. } = segment;
        self.host = Some(host);
        self.made.insert(number, made_at);
        self.objects.extend(objects.into_iter().map(|object| (number, object)));
        self.removed.extend(removed);
    }

    /// All that it names, each as it was named last, in order.
    pub fn named(objects: Vec<(u64, Object)>) -> Vec<(u64, Object)> {
        let mut seen = HashSet::new();
        let is_last: Vec<bool> = objects.iter().rev().map(|(_, object)| seen.insert(object.key.as_str())).collect();
        let last = objects.into_iter().zip(is_last.into_iter().rev()).filter(|(_, is_last)| *is_last);
        last.map(|(object, _)| object).collect()
    }

    /// What the store should have of it, and which segment names it; and the tombstone of each other object.
    pub fn parted(self, tombs: &Tombs) -> (Vec<(u64, Object)>, Vec<Tomb>) {
        let host = self.host.unwrap_or_default();
        let (mut there, mut gone) = (Vec::new(), Vec::new());
        for (segment, object) in Links::named(self.objects) {
            match tombs.of(&host, &object.key, segment) {
                Some(tomb) => gone.push(tomb.clone()),
                None => there.push((segment, object)),
            }
        }
        (there, gone)
    }
}

pub(in crate::tools::logs) fn danger(id: &'static str, subject: &str, message: String) -> Finding {
    Finding::new(id, Severity::Danger, subject, message)
        .hint("restore it from a copy of the store, or find out who may write there")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::logs::manifest::tests::object;

    #[test]
    fn of_what_is_named_twice_the_last_naming_counts() {
        let named = |key: &str, stored: u64| Object { key: key.to_owned(), stored, ..object("app", 1) };
        let all = vec![(1, named("a", 1)), (1, named("b", 2)), (3, named("a", 3)), (4, named("c", 4))];
        let last: Vec<(u64, u64)> = Links::named(all).into_iter().map(|(segment, object)| (segment, object.stored)).collect();
        assert_eq!(last, [(1, 2), (3, 3), (4, 4)]);
    }
}
