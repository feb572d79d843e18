//! What goes from a store, and what stays.

use chrono::TimeDelta;

use super::*;
use crate::{
    store::Terms,
    tools::logs::{
        containers::Labels,
        manifest::tombs::{Removed, Tombs},
        settings::Settings,
    },
};

fn day(number: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + number)
}

fn prune(rules: &str) -> Prune {
    let text = format!("[store]\nurl = \"file:///a\"\n[[log]]\nname = \"app\"\npaths = [\"/a.log\"]\n{rules}");
    let settings: Settings = toml::from_str(&text).unwrap();
    Prune {
        store: "file:///a".parse().unwrap(),
        terms: Terms::default(),
        lock: None,
        sign_key: None,
        spool: None,
        host: "i".to_owned(),
        hosts: Vec::new(),
        sets: settings.sets().unwrap().into_iter().map(|set| (set.name.clone(), set)).collect(),
        chosen: None,
        parallel: 1,
    }
}

/// An object of 10 bytes of the archive that was made on that day.
fn object(part: &str, made: i64) -> Object {
    Object {
        key: format!("logs/i_{made}{part}"),
        set: "app".to_owned(),
        service: "app".to_owned(),
        log: "/a.log".to_owned(),
        name: format!("a.log.{made:03}"),
        rotated_at: day(made),
        times: None,
        labels: Labels::new(),
        sha256: String::new(),
        size: 0,
        lines: 0,
        stored_sha256: String::new(),
        stored: 10,
        encoder: String::new(),
        part: None,
        several: Vec::new(),
        stretch: None,
    }
}

fn world(objects: Vec<Object>, removed: &[Removed]) -> World {
    let mut tombs = Tombs::default();
    tombs.add("i", removed);
    let there = objects.iter().map(|object| (object.key.clone(), object.stored)).collect();
    let objects = (1..).zip(objects).collect();
    World {
        machines: vec![Machine { host: "i".to_owned(), objects, made: BTreeMap::new(), unclear: None }],
        tombs,
        there,
        doubt: None,
    }
}

/// The keys that go on day 100, and why.
fn goes(rules: &str, world: World) -> Vec<(String, String)> {
    let decision = decide(&prune(rules), world, day(100));
    let going = decision.items.into_iter().filter_map(|item| match item.fate {
        Fate::Keep(_) => None,
        Fate::Remove(why) => Some((item.object.key, why)),
        Fate::Finish { why, .. } => Some((item.object.key, format!("again: {why}"))),
        Fate::Name(why) => Some((item.object.key, format!("back: {why}"))),
    });
    going.collect()
}

#[test]
fn rules_are_those_of_archives_here_and_without_one_nothing_goes() {
    let objects = || [1, 50, 99].map(|made| object("", made)).to_vec();
    assert_eq!(goes("", world(objects(), &[])), []);
    let keys = |rules| goes(rules, world(objects(), &[])).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys("store-keep = { max-age = \"30d\" }"), ["logs/i_1", "logs/i_50"]);
    assert_eq!(keys("store-keep = { max-total = \"20\" }"), ["logs/i_1"]);
    assert_eq!(keys("store-keep = { count = 1 }\nkeep = { count = 3 }"), ["logs/i_1", "logs/i_50"]);
    assert_eq!(goes("store-keep = { max-age = \"1h\" }", world(vec![object("", 1)], &[])), [], "the newest stays");
}

#[test]
fn the_parts_of_one_archive_stay_or_go_together() {
    let objects = vec![object("", 1), object("a", 2), object("b", 2), object("", 3)];
    let keys: Vec<_> = goes("store-keep = { count = 2 }", world(objects, &[])).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["logs/i_1"]);
}

#[test]
fn a_tombstone_is_carried_out_and_what_is_named_after_it_is_decided_about() {
    let removed = |segment| Removed {
        host: "i".to_owned(),
        segment,
        key: "logs/i_1".to_owned(),
        sha256: String::new(),
        why: "old".to_owned(),
        at: day(90),
    };
    let again = || vec![object("", 1), object("", 1), object("", 3)];
    let fate = |rules: &str, world| goes(rules, world).into_iter().map(|(_, why)| why).collect::<Vec<_>>();
    let rule = "store-keep = { count = 1 }";
    assert_eq!(fate(rule, world(again(), &[removed(2)])), ["again: old"]);
    assert!(fate(rule, world(again(), &[removed(1)]))[0].starts_with("not among"));
    let back = fate("", world(again(), &[removed(2)]));
    assert!(back.len() == 1 && back[0].starts_with("back: "), "the rules changed meanwhile: {back:?}");
    assert_eq!(fate("", world(again(), &[removed(1)])), [""; 0]);
    let machine = Machine { host: "i2".to_owned(), objects: vec![(1, object("", 1))], made: BTreeMap::new(), unclear: None };
    let tomb = Removed { host: "i2".to_owned(), ..removed(2) };
    let of_another = World { machines: vec![machine], ..world(again(), &[tomb]) };
    assert_eq!(fate("", of_another), [""; 0], "nobody names another one's objects");
    let doubtful = World { doubt: Some(day(1)), ..world(again(), &[removed(2)]) };
    assert_eq!(fate("store-keep = { max-age = \"1d\" }", doubtful), [""; 0], "nobody knows what the rules say");
}

#[test]
fn while_the_clock_is_in_doubt_nothing_goes_for_its_age() {
    let rule = "store-keep = { max-age = \"30d\", count = 2 }";
    let doubtful = || World { doubt: Some(day(4)), ..world([1, 2, 3].map(|made| object("", made)).to_vec(), &[]) };
    let keys: Vec<_> = goes(rule, doubtful()).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["logs/i_1"], "by the number it does");
    assert_eq!(decide(&prune(rule), doubtful(), day(100)).doubted, 1, "the newest stays anyhow");
    assert_eq!(decide(&prune(rule), World { doubt: None, ..doubtful() }, day(100)).doubted, 0);
}

#[test]
fn what_a_clock_that_was_behind_made_old_stays_as_long_as_it_would_from_its_first_day_in_the_store() {
    let rule = "store-keep = { max-age = \"30d\" }";
    let mut late = world([1, 2, 99].map(|made| object("", made)).to_vec(), &[]);
    late.machines[0].made = [(1, day(75)), (2, day(65)), (3, day(99))].into();
    assert_eq!(goes(rule, late).into_iter().map(|(key, _)| key).collect::<Vec<_>>(), ["logs/i_2"]);
}

#[test]
fn where_room_takes_one_part_of_an_archive_it_takes_all() {
    let objects = vec![object("a", 1), object("b", 1), object("", 3)];
    let goes = goes("store-keep = { max-total = \"25\" }", world(objects, &[]));
    assert_eq!(goes.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), ["logs/i_1a", "logs/i_1b"]);
}

#[test]
fn what_is_of_an_unclear_machine_or_of_no_set_stays_and_what_nobody_names_is_told() {
    let rule = "store-keep = { count = 1 }";
    let mut unclear = world(vec![object("", 1), object("", 2)], &[]);
    unclear.machines[0].unclear = Some("why".to_owned());
    assert_eq!(goes(rule, unclear), []);
    let of_none = |made| Object { set: "gone".to_owned(), ..object("", made) };
    assert_eq!(goes(rule, world(vec![of_none(1), of_none(2)], &[])), []);
    let mut more = world(vec![object("", 1)], &[]);
    more.there.insert("logs/i_x".to_owned(), 7);
    assert_eq!(decide(&prune(rule), more, day(100)).unknown, [("logs/i_x".to_owned(), 7)]);
}

#[test]
fn parts_of_one_archive_come_in_one_batch_however_many_lie_between_them() {
    // As keys sort archives of one second: all their first days, and then all their second ones.
    let of = |part: &str, log: i64| Object { rotated_at: day(1), ..object(part, log) };
    let objects = (1..=3).map(|log| of("a", log)).chain((1..=3).map(|log| of("b", log))).chain([object("", 9)]);
    let bury =
        |object| Decided { host: "i".to_owned(), segment: 1, object, fate: Fate::Remove(String::new()), came: None, tomb: None };
    let going: Vec<Decided> = objects.map(bury).collect();
    for most in 1..8 {
        let batches: Vec<Vec<&str>> =
            batches(&going, most).iter().map(|batch| batch.iter().map(|item| item.object.key.as_str()).collect()).collect();
        assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), going.len());
        for log in 1..=3 {
            let [first, second] = ["a", "b"].map(|part| format!("logs/i_{log}{part}"));
            assert!(batches.iter().any(|batch| batch.contains(&&*first) && batch.contains(&&*second)), "{most}: {batches:?}");
        }
        assert!(batches.iter().all(|batch| batch.len() <= most.max(2)), "{most}: {batches:?}");
    }
}
