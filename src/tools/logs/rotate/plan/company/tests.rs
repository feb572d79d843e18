//! Which archives go together, and which wait.

use proptest::prelude::*;

use super::*;
use crate::{
    files::compress::TimeRange,
    tools::logs::ledger::{Archive, Stage},
};

const RULE: Option<Company> = Some(Company { enough: 1000, delay: TimeDelta::hours(6) });

fn hour(number: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_012_800, 0).unwrap() + TimeDelta::hours(number)
}

/// An archive of `log`, of that hour.
fn entry(id: u64, log: &str, at: i64, stored: u64) -> Entry {
    let times = TimeRange { from: hour(at - 1), until: hour(at - 1), source: TimeSource::Lines };
    let facts = Facts { sha256: id.to_string(), size: stored * 10, lines: 1, stored, encoder: String::new(), times: Some(times) };
    let name = format!("{log}.{}-0001", hour(at).format("%Y%m%dT%H%M%SZ"));
    Entry {
        id: EntryId(id),
        set: "app".to_owned(),
        folder: "/logs".to_owned(),
        log: log.to_owned(),
        archives: None,
        at: hour(at),
        begun: None,
        file: None,
        cut: None,
        piece: false,
        taken: None,
        volumes: None,
        inherited: None,
        labels: Labels::default(),
        stage: Stage::Stored,
        archive: Some(Archive { file: format!("{name}.zst"), facts }),
        name,
        company: None,
        shipped: None,
    }
}

/// The batches of `entries`, and how many archives wait.
fn decided(entries: &[Entry], at_once: bool, now: i64) -> (Vec<(Vec<u64>, Why)>, u64) {
    let entries: Vec<&Entry> = entries.iter().collect();
    let (due, gathering) = decide(&entries, RULE, &|entry| entry.set != "direct", at_once, hour(now));
    let due = due.into_iter().map(|batch| (batch.entries.into_iter().map(|id| id.0).collect(), batch.why));
    (due.collect(), gathering.iter().map(|gathering| gathering.archives).sum())
}

#[test]
fn they_wait_until_they_are_enough_or_the_oldest_waited_long_enough() {
    let small = || (1..=3).map(|id| entry(id, "a.log", i64::try_from(id).unwrap(), 400)).collect::<Vec<_>>();
    assert_eq!(decided(&small()[..2], false, 6), (vec![], 2));
    assert_eq!(decided(&small(), false, 6), (vec![(vec![1, 2, 3], Why::Enough(1200))], 0));
    assert_eq!(decided(&small()[..2], false, 7), (vec![(vec![1, 2], Why::Waited)], 0));
    assert_eq!(decided(&small()[..2], true, 2), (vec![(vec![1, 2], Why::AtOnce)], 0));
    assert_eq!(decided(&small()[..2], false, 0), (vec![(vec![1, 2], Why::Waited)], 0), "the clock is behind");
    assert_eq!(decided(&[entry(1, "a.log", 1, 1000)], false, 1), (vec![(vec![1], Why::Enough(1000))], 0));
}

#[test]
fn what_its_set_ships_directly_waits_for_nobody() {
    let direct = |id| Entry { set: "direct".to_owned(), ..entry(id, "a.log", i64::try_from(id).unwrap(), 400) };
    assert_eq!(decided(&[direct(1), direct(2)], false, 2), (vec![(vec![1], Why::Alone), (vec![2], Why::Alone)], 0));
}

#[test]
fn what_differs_in_log_day_form_or_labels_has_no_company() {
    let one = entry(1, "a.log", 20, 400);
    let other = |change: &dyn Fn(&mut Entry)| {
        let mut other = entry(2, "a.log", 21, 400);
        change(&mut other);
        decided(&[one.clone(), other], true, 21).0.len()
    };
    assert_eq!(other(&|_| ()), 1);
    assert_eq!(other(&|entry| entry.log = "b.log".to_owned()), 2);
    assert_eq!(other(&|entry| entry.set = "b".to_owned()), 2);
    assert_eq!(other(&|entry| entry.labels = Labels::from([("a".to_owned(), "b".to_owned())])), 2);
    let archive = |entry: &mut Entry, change: &dyn Fn(&mut Archive)| entry.archive.iter_mut().for_each(change);
    assert_eq!(other(&|entry| archive(entry, &|archive| archive.file = archive.file.replace(".zst", ".gz"))), 2);
    let times = |from: i64, until: i64, source| Some(TimeRange { from: hour(from), until: hour(until), source });
    assert_eq!(other(&|entry| archive(entry, &|archive| archive.facts.times = times(24, 24, TimeSource::Lines))), 2);
    assert_eq!(other(&|entry| archive(entry, &|archive| archive.facts.times = times(20, 24, TimeSource::File))), 1);
    let mut days = entry(1, "a.log", 20, 400);
    archive(&mut days, &|archive| archive.facts.times = times(20, 24, TimeSource::Lines));
    assert_eq!(decided(&[days], false, 20), (vec![(vec![1], Why::Alone)], 0), "each of its days is an object, at once");
}

#[test]
fn what_was_decided_stays_decided() {
    let mut entries: Vec<Entry> = (1..=4).map(|id| entry(id, "a.log", i64::try_from(id).unwrap(), 400)).collect();
    entries[1].company = Some(EntryId(2));
    entries[3].company = Some(EntryId(2));
    assert_eq!(decided(&entries, false, 5), (vec![(vec![2, 4], Why::Decided)], 2));
    let (due, waiting) = decide(&entries.iter().collect::<Vec<_>>(), None, &|_| true, false, hour(5));
    let ids: Vec<Vec<u64>> = due.iter().map(|batch| batch.entries.iter().map(|id| id.0).collect()).collect();
    assert_eq!((ids, waiting.len()), (vec![vec![1], vec![2, 4], vec![3]], 0), "nobody waits");
}

#[test]
fn a_ticket_holds_all_that_it_tells() {
    let entries: Vec<Entry> = (0..100).map(|id| entry(id, "a.log", 2, 1)).collect();
    let (due, waiting) = decided(&entries, false, 2);
    assert!(due.len() == 1 && due[0].1 == Why::Many && due[0].0.len() as u64 + waiting == 100, "{due:?}");
}

proptest! {
    #[test]
    fn each_goes_once_or_waits_and_what_waits_is_small_and_young(
        archives in proptest::collection::vec((0..3_u8, 0..60_i64, 1..900_u64), 0..60),
        now in 0..80_i64,
        at_once: bool,
    ) {
        let mut entries: Vec<Entry> = (0..)
            .zip(&archives)
            .map(|(id, (log, at, stored))| entry(id, &format!("{log}.log"), *at, *stored))
            .collect();
        entries.sort_by_key(|entry| entry.at);
        let all: Vec<&Entry> = entries.iter().collect();
        let (due, gathering) = decide(&all, RULE, &|_| true, at_once, hour(now));
        let mut ids: Vec<u64> = due.iter().flat_map(|batch| batch.entries.iter().map(|id| id.0)).collect();
        let waiting: u64 = gathering.iter().map(|gathering| gathering.archives).sum();
        prop_assert_eq!(ids.len() as u64 + waiting, entries.len() as u64);
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len() as u64 + waiting, entries.len() as u64);
        prop_assert!(gathering.iter().all(|one| one.bytes < 1000 && one.until > hour(now) && !at_once));
        let known: HashMap<EntryId, &Entry> = entries.iter().map(|entry| (entry.id, entry)).collect();
        for batch in &due {
            let of: Vec<&Entry> = batch.entries.iter().map(|id| known[id]).collect();
            prop_assert!(of.windows(2).all(|pair| kin(pair[0]) == kin(pair[1]) && pair[0].at <= pair[1].at));
            let bytes: u64 = of.iter().map(|entry| entry.stored()).sum();
            prop_assert!(bytes - of.last().map_or(0, |entry| entry.stored()) < 1000, "no more than is enough");
        }
    }
}
