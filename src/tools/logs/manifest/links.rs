//! One machine's segments as a chain: each must follow the one before. What is wrong with it is told, and what can be read
//! counts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    Object, Removed, Segment, Written,
    stored::{self, Folders},
    tombs::{Tomb, Tombs},
};
use crate::{
    failure::Exit,
    report::{Finding, Incomplete, Report, Severity},
    run::{Bar, Run, side_by_side},
    store::{Key, Store},
};

/// How segments are read: several at the same time, for what they take is the way to the store.
pub struct Reading<'a> {
    run: &'a Run,
    store: &'a dyn Store,
    parallel: usize,
    bar: Bar,
}

impl<'a> Reading<'a> {
    /// All of these, so many at a time unless the store knows better.
    pub fn of(run: &'a Run, store: &'a dyn Store, parallel: usize, folders: &Folders) -> Reading<'a> {
        let segments: usize = folders.values().map(BTreeMap::len).sum();
        let bar = run.progress.items("reading manifests", segments as u64);
        Reading { run, store, parallel: store.at_once().unwrap_or(parallel).max(1), bar }
    }
}

/// One machine's chain, as far as it could be read.
#[derive(Debug, Default)]
pub struct Links {
    /// The machine.
    pub host: Option<String>,
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
    /// Follows the chain; what is wrong with it is told.
    pub fn read(reading: &Reading, segments: BTreeMap<u64, Key>, report: &mut Report) -> Links {
        let Reading { run, store, parallel, bar } = reading;
        let mut links = Links { unbroken: true, ..Links::default() };
        let mut before: Option<(u64, Option<String>)> = Some((0, None));
        let segments: Vec<(u64, Key)> = segments.into_iter().collect();
        // No more of them are in memory than are followed at once.
        let read = segments.chunks(*parallel).flat_map(|few| {
            let read = side_by_side(few, *parallel, &run.shutdown, || (), |(_, key)| stored::segment(*store, key));
            bar.advance(few.len() as u64);
            few.iter().zip(read)
        });
        for ((number, key), read) in read {
            let (number, shown) = (*number, store.shown(key));
            let Some(read) = read else {
                report.incomplete.push(Incomplete::new(shown, "stopped before it and what follows it were read"));
                links.unbroken = false;
                break;
            };
            let expected = before.as_ref().map_or(1, |(last, _)| last.saturating_add(1));
            if number > expected {
                let missing = if number - expected == 1 { expected.to_string() } else { format!("{expected} to {}", number - 1) };
                report.findings.push(danger("logs.segment-missing", &shown, format!("segment {missing} before it is not there")));
                links.unbroken = false;
                before = None;
            }
            match read {
                Ok(Some(written)) => {
                    links.follow(written, before.as_ref(), &shown, report);
                    before = links.hashes.last_key_value().map(|(number, hash)| (*number, Some(hash.clone())));
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
            before = Some((number, None));
        }
        links
    }

    fn follow(&mut self, written: Written, before: Option<&(u64, Option<String>)>, shown: &str, report: &mut Report) {
        let Written { segment, sha256, .. } = written;
        let agrees = match before {
            Some((0, None)) => segment.previous.is_none(),
            Some((_, Some(hash))) => segment.previous.as_ref() == Some(hash),
            // What is before it is missing or damaged, and that was told.
            _ => true,
        };
        if !agrees {
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

    /// What the store should have of it, and which segment names it; and the tombstone of each other object.
    pub fn parted(self, tombs: &Tombs) -> (Vec<(u64, Object)>, Vec<Tomb>) {
        let host = self.host.unwrap_or_default();
        let (mut there, mut gone) = (Vec::new(), BTreeMap::new());
        for (segment, object) in self.objects {
            match tombs.of(&host, &object.key, segment) {
                Some(tomb) => {
                    gone.insert(object.key, tomb.clone());
                }
                None => there.push((segment, object)),
            }
        }
        // What was named again is there again.
        for (_, object) in &there {
            gone.remove(&object.key);
        }
        (there, gone.into_values().collect())
    }
}

pub(in crate::tools::logs) fn danger(id: &'static str, subject: &str, message: String) -> Finding {
    Finding::new(id, Severity::Danger, subject, message)
        .hint("restore it from a copy of the store, or find out who may write there")
}
