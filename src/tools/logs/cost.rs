//! What it costs a month to ship what a machine archives. Pure, and an estimate: from the archives that are known, at prices that are
//! written here or in the settings.
//!
//! Counts what `ship` asks of a bucket and what it puts there. It knows nothing of discounts, taxes, transfer, KMS, or of what reads the store.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

pub use self::tariff::{PriceWords, Tariff};
use crate::{
    report::{Cell, Finding, Severity, Size, Table, count},
    store::pace::{PART, part_size},
    tools::logs::rotate::plan::company::Company,
};

mod tariff;

/// Days of a month.
const MONTH: f64 = 30.0;
/// Bytes of what S3 calls a GB.
const GB: f64 = 1024.0 * 1024.0 * 1024.0;

/// One archive that was shipped, or is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// Of which log.
    pub log: String,
    /// When it was rotated.
    pub at: DateTime<Utc>,
    /// Its bytes.
    pub bytes: u64,
    /// The day whose others it may be joined with; None: it goes alone.
    pub day: Option<NaiveDate>,
}

/// What a month is taken to be like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Month {
    /// Objects that hold logs.
    pub objects: f64,
    /// Bytes of them.
    pub bytes: f64,
    /// Bytes that are billed for them, in their class.
    pub billed: f64,
    /// Requests for objects that are billed as PUT, in their class.
    pub puts: f64,
    /// All others for them.
    pub gets: f64,
    /// Requests that are billed as PUT, and as of no class: lists, segments of the manifest, parts of what goes to Glacier.
    pub plain_puts: f64,
    /// All others of that kind.
    pub plain_gets: f64,
    /// How many archives that is concluded from.
    pub archives: u64,
    /// Which ones.
    pub basis: Basis,
}

/// What an estimate is made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Basis {
    /// Archives of the last month.
    #[default]
    Archives,
    /// What is due now, as long as it is before it is compressed.
    Due,
    /// What waits to be shipped by one run: no month at all.
    Shipment,
}

/// What one run asks besides its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Besides {
    /// Lists, and segments that are made.
    pub puts: u64,
    /// Segments that are read.
    pub gets: u64,
}

impl Besides {
    /// Goes on after a segment: looks whether the bucket answers and what that segment is.
    pub fn goes_on(segments: u64) -> Besides {
        Besides { puts: 1 + segments, gets: 1 }
    }

    /// The first of a machine: whether the bucket answers, which segments there are, perhaps which uploads; and the first segment twice.
    pub fn begins(segments: u64, looks_for_uploads: bool) -> Besides {
        Besides { puts: 2 + u64::from(looks_for_uploads) + segments + 1, gets: 0 }
    }
}

impl Month {
    /// Of a machine whose last archives were these. A log counts with its own pace.
    pub fn of(archives: &[Archive], company: Option<Company>, now: DateTime<Utc>, tariff: &Tariff) -> Month {
        const SEEN: TimeDelta = TimeDelta::days(30);
        let mut logs: BTreeMap<&str, Vec<&Archive>> = BTreeMap::new();
        for archive in archives.iter().filter(|archive| archive.at <= now && now - archive.at <= SEEN) {
            logs.entry(&archive.log).or_default().push(archive);
        }
        let (mut month, mut turns) = (Month::default(), 0.0_f64);
        for archives in logs.values() {
            let times = MONTH / days(archives, now);
            let objects = objects(archives, company);
            for bytes in &objects {
                month.add(*bytes, times, tariff);
            }
            month.archives += archives.len() as u64;
            // Logs that are rotated together are shipped together.
            turns = turns.max(times * float(objects.len() as u64));
        }
        month.with_segments(turns)
    }

    /// Of a machine of which nothing is known but what it is to rotate now: once a day, as much each time.
    pub fn of_a_day(sizes: impl IntoIterator<Item = u64>, tariff: &Tariff) -> Month {
        let mut month = Month { basis: Basis::Due, ..Month::default() };
        for bytes in sizes {
            month.add(bytes, MONTH, tariff);
            month.archives += 1;
        }
        month.with_segments(MONTH)
    }

    /// Of one run that ships this.
    pub fn of_a_shipment(sizes: impl IntoIterator<Item = u64>, besides: Besides, tariff: &Tariff) -> Month {
        let (plain_puts, plain_gets) = (float(besides.puts), float(besides.gets));
        let mut run = Month { basis: Basis::Shipment, plain_puts, plain_gets, ..Month::default() };
        for bytes in sizes {
            run.add(bytes, 1.0, tariff);
            run.archives += 1;
        }
        run
    }

    /// So many objects of that size.
    fn add(&mut self, bytes: u64, times: f64, tariff: &Tariff) {
        // A large one is looked for, begun, sent in parts and completed. Each answer proves what was sent.
        let (before, gets) = if bytes <= PART { (0, 0) } else { (1 + bytes.div_ceil(part_size(bytes)), 1) };
        let (plain_puts, puts) = if tariff.stages { (before, 1) } else { (0, before + 1) };
        self.objects += times;
        self.bytes += times * float(bytes);
        self.billed += times * float(tariff.billed(bytes));
        self.puts += times * float(puts);
        self.plain_puts += times * float(plain_puts);
        self.gets += times * float(gets);
    }

    /// A turn makes a segment; and there is one each day.
    fn with_segments(mut self, turns: f64) -> Month {
        let (Besides { puts, gets }, turns) = (Besides::goes_on(1), turns.max(MONTH));
        self.plain_puts += turns * float(puts);
        self.plain_gets += turns * float(gets);
        self
    }

    /// What its requests cost.
    pub fn requests(&self, tariff: &Tariff) -> f64 {
        let (put, get) = self.dollars(tariff);
        put + get
    }

    /// Of those that are billed as PUT, and of all others.
    fn dollars(&self, tariff: &Tariff) -> (f64, f64) {
        let put = self.puts * tariff.put + self.plain_puts * tariff.plain_put;
        let get = self.gets * tariff.get + self.plain_gets * tariff.plain_get;
        (put / 1000.0, get / 1000.0)
    }

    /// What it costs to keep for a month what a month adds.
    pub fn storage(&self, tariff: &Tariff) -> f64 {
        self.billed / GB * tariff.storage + self.objects * tariff.each
    }

    /// For a person, and for machines.
    pub fn table(&self, store: &str, tariff: &Tariff) -> Table {
        let title = match self.basis {
            Basis::Archives => format!("{store} a month, estimated from {} of the last 30 days", count(self.archives, "archive")),
            Basis::Due => {
                let due = count(self.archives, "log");
                format!("{store} a month, estimated from {due} due now, as if each day, not compressed")
            }
            Basis::Shipment => format!("this shipment to {store}, estimated"),
        };
        let what = if self.basis == Basis::Shipment { "these archives" } else { "a month's archives" };
        let class = tariff.class.as_str();
        let row = |what: String, number: f64, bytes: Cell, dollars: f64| {
            vec![Cell::Text(what), Cell::Count(whole(number)), bytes, Cell::Dollars(dollars)]
        };
        let (put, get) = self.dollars(tariff);
        let kept = if tariff.least_days > 0 { format!(", {} days at least", tariff.least_days) } else { String::new() };
        Table {
            name: "cost",
            title: format!("Cost of {title} ({})", tariff.source),
            columns: vec!["what", "number", "bytes", "dollars"],
            rows: vec![
                row("requests like PUT".to_owned(), self.puts + self.plain_puts, Cell::None, put),
                row("other requests".to_owned(), self.gets + self.plain_gets, Cell::None, get),
                row(
                    format!("{what}, for each month that they are kept ({class}{kept})"),
                    self.objects,
                    Cell::Bytes(Size(whole(self.bytes))),
                    self.storage(tariff),
                ),
            ],
        }
    }

    /// That the class bills more than there is.
    pub fn tiny(&self, store: &str, tariff: &Tariff) -> Option<Finding> {
        let mean = self.bytes / self.objects.max(1.0);
        let message = format!(
            "an object has {} on average, and {} bills such objects as if they had {:.1} times as much",
            Size(whole(mean)),
            tariff.class.as_str(),
            self.billed / self.bytes.max(1.0),
        );
        let finding = Finding::new("logs.tiny-objects", Severity::Note, store, message);
        let wasted = self.objects > 0.0 && self.billed > 1.5 * self.bytes;
        wasted.then(|| {
            finding.hint("let small archives wait for company (min-object, max-delay), rotate less often, or leave storage-class to STANDARD and let a lifecycle rule move what is large")
        })
    }
}

/// The sizes of the objects that a log's archives become, when small ones wait for company.
fn objects(archives: &[&Archive], company: Option<Company>) -> Vec<u64> {
    let Some(company) = company else { return archives.iter().map(|archive| archive.bytes).collect() };
    let mut archives = archives.to_vec();
    archives.sort_by_key(|archive| archive.at);
    let mut sizes = Vec::new();
    // What waits of each day, and since when.
    let mut waiting: BTreeMap<NaiveDate, (u64, DateTime<Utc>)> = BTreeMap::new();
    for archive in archives {
        let Some(day) = archive.day else {
            sizes.push(archive.bytes);
            continue;
        };
        if let Some((bytes, _)) = waiting.get(&day).filter(|(_, since)| archive.at - *since >= company.delay).copied() {
            waiting.remove(&day);
            sizes.push(bytes);
        }
        let (bytes, _) = waiting.entry(day).or_insert((0, archive.at));
        *bytes += archive.bytes;
        if *bytes >= company.enough {
            sizes.push(*bytes);
            waiting.remove(&day);
        }
    }
    sizes.extend(waiting.into_values().map(|(bytes, _)| bytes));
    sizes
}

/// In how many days a log had these archives: a few of them do not make a pace within a day.
fn days(archives: &[&Archive], now: DateTime<Utc>) -> f64 {
    const FEW: usize = 4;
    let first = archives.iter().map(|archive| archive.at).min().unwrap_or(now);
    let least = if archives.len() < FEW { TimeDelta::days(1) } else { TimeDelta::hours(1) };
    #[expect(clippy::cast_precision_loss, reason = "seconds of a month")]
    let seconds = (now - first).max(least).num_seconds() as f64;
    seconds / 86_400.0
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn float(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate, never negative")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
mod tests;
