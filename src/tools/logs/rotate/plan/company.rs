//! Which archives go to the store together as one object, and which wait for company. Pure.
//!
//! Only those of one log, of one day (UTC) and in one form come together. What was decided stays decided, in the ledger: whoever hands
//! them over again makes the same object, and the store has no line twice.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::{
    files::{
        archive_name::{ArchiveName, Extension},
        compress::{Facts, TimeSource},
    },
    report::Size,
    tools::logs::{
        containers::Labels,
        ledger::{Entry, EntryId},
        parcel::key,
    },
};

/// How small archives wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Company {
    /// So many bytes go at once.
    pub enough: u64,
    /// None waits longer.
    pub delay: TimeDelta,
}

/// Archives that become one object, the oldest first; mostly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Which.
    pub entries: Vec<EntryId>,
    /// Why now.
    pub why: Why,
}

/// Why archives go now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It waits for nobody.
    Alone,
    /// An earlier run decided so.
    Decided,
    /// They are large enough.
    Enough(u64),
    /// One parcel takes no more of them.
    Many,
    /// The oldest waited long enough.
    Waited,
    /// Nothing waits in this run.
    AtOnce,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Alone => f.write_str("it is to go to the store"),
            Why::Decided => f.write_str("it is to go to the store, as an earlier run decided"),
            Why::Enough(bytes) => write!(f, "it is to go to the store: with its company it has {}", Size(*bytes)),
            Why::Many => f.write_str("it is to go to the store: one parcel takes no more company"),
            Why::Waited => f.write_str("it is to go to the store: it waited for company as long as it may (max-delay)"),
            Why::AtOnce => f.write_str("it is to go to the store: this run lets nothing wait for company"),
        }
    }
}

/// Archives that wait for company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathering {
    /// The log that they are of.
    pub log: String,
    /// How many they are.
    pub archives: u64,
    /// Their bytes.
    pub bytes: u64,
    /// So many would be enough.
    pub enough: u64,
    /// They wait no longer.
    pub until: DateTime<Utc>,
}

/// What comes together.
#[derive(PartialEq, Eq, Hash)]
struct Kin<'a> {
    set: &'a str,
    log: String,
    labels: &'a Labels,
    day: NaiveDate,
    form: Extension,
}

/// Some of them, in a row.
#[derive(Default)]
struct Row<'a> {
    entries: Vec<&'a Entry>,
    bytes: u64,
    /// What they take in a ticket.
    ticket: usize,
}

/// A ticket has 64 KiB at most.
const TICKET: usize = 40 << 10;

/// Decides for archives that are to go to the store, the oldest first; None: nobody waits, and else those that `waits` says. Where the clock is behind the oldest, nobody
/// can tell how long it waited, and it goes.
pub(super) fn decide(
    entries: &[&Entry],
    company: Option<Company>,
    waits: &dyn Fn(&Entry) -> bool,
    at_once: bool,
    now: DateTime<Utc>,
) -> (Vec<Batch>, Vec<Gathering>) {
    let mut due: Vec<(usize, Batch)> = Vec::new();
    let places: HashMap<EntryId, usize> = entries.iter().enumerate().map(|(place, entry)| (entry.id, place)).collect();
    let mut go = |entries: Vec<&Entry>, why: Why| {
        let place = entries.first().and_then(|entry| places.get(&entry.id)).copied().unwrap_or(0);
        due.push((place, Batch { entries: entries.iter().map(|entry| entry.id).collect(), why }));
    };
    let mut decided: BTreeMap<EntryId, Vec<&Entry>> = BTreeMap::new();
    let mut rows: HashMap<Kin, Row> = HashMap::new();
    for entry in entries.iter().copied() {
        let kin = kin(entry);
        match (entry.company, company.filter(|_| waits(entry)), kin) {
            (Some(oldest), _, _) => decided.entry(oldest).or_default().push(entry),
            (None, Some(company), Some(kin)) => {
                let row = rows.entry(kin).or_default();
                if row.ticket + told(entry) > TICKET {
                    go(std::mem::take(row).entries, Why::Many);
                }
                row.bytes += entry.stored();
                row.ticket += told(entry);
                row.entries.push(entry);
                if row.bytes >= company.enough {
                    let Row { entries, bytes, .. } = std::mem::take(row);
                    go(entries, Why::Enough(bytes));
                }
            }
            _ => go(vec![entry], Why::Alone),
        }
    }
    for entries in decided.into_values() {
        go(entries, Why::Decided);
    }
    let mut gathering = Vec::new();
    for (kin, Row { entries, bytes, .. }) in rows {
        let (Some(oldest), Some(company)) = (entries.first(), company) else { continue };
        let waited = now - oldest.at;
        if at_once {
            go(entries, Why::AtOnce);
        } else if waited >= company.delay || waited < TimeDelta::zero() {
            go(entries, Why::Waited);
        } else {
            let (archives, until) = (entries.len() as u64, oldest.at + company.delay);
            gathering.push(Gathering { log: kin.log, archives, bytes, enough: company.enough, until });
        }
    }
    due.sort_by_key(|(place, _)| *place);
    gathering.sort_by(|one, other| (&one.log, one.until).cmp(&(&other.log, other.until)));
    (due.into_iter().map(|(_, batch)| batch).collect(), gathering)
}

/// Of what it is; None where it goes alone, because each of its days becomes an object.
fn kin(entry: &Entry) -> Option<Kin<'_>> {
    let archive = entry.archive.as_ref().filter(|archive| is_of_one_day(&archive.facts))?;
    Some(Kin {
        set: &entry.set,
        log: entry.log_path(),
        labels: &entry.labels,
        day: key::day(entry, &archive.facts),
        form: ArchiveName::parse(&archive.file)?.extension(),
    })
}

/// Whether its lines are of one day (UTC), as far as they say.
pub fn is_of_one_day(facts: &Facts) -> bool {
    let several = |times: crate::files::compress::TimeRange| {
        times.source == TimeSource::Lines && times.from.date_naive() < times.until.date_naive()
    };
    !facts.times.is_some_and(several)
}

/// About what a ticket needs to tell of it, at most: a name may be all control characters.
fn told(entry: &Entry) -> usize {
    600 + 6 * entry.name.len()
}

#[cfg(test)]
mod tests;
