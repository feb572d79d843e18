//! Which objects go, and why; the kept ones too. Pure.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};

use super::{
    Prune,
    facts::{Machine, World},
};
use crate::{
    report::{Outcome, Step},
    retention::{self, Item, Lot, Removable, Verdict},
    tools::logs::manifest::{Object, tombs::Tomb},
};

/// Why an object stays whose set nobody has rules for.
const NO_SET: &str = "the settings have no set of that name";

/// What becomes of all objects.
#[derive(Debug, Default)]
pub(super) struct Decision {
    /// Those that a manifest names and that are there.
    pub(super) items: Vec<Buried>,
    /// Those that are there and that no manifest names, with their sizes.
    pub(super) unknown: Vec<(String, u64)>,
}

/// An object, and what becomes of it.
#[derive(Clone, Debug)]
pub(super) struct Buried {
    /// Whose it is.
    pub(super) host: String,
    /// The last segment that names it.
    pub(super) segment: u64,
    /// What it is.
    pub(super) object: Object,
    /// What becomes of it.
    pub(super) fate: Fate,
}

/// Whether an object stays; the reasons in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Keep(String),
    Remove(String),
    /// It has a tombstone of that time already.
    Finish {
        why: String,
        at: DateTime<Utc>,
    },
}

impl Buried {
    pub(super) fn step(&self, outcome: Outcome, why: impl Into<String>) -> Step {
        let step = Step::new("remove", self.object.key.clone(), outcome, why);
        step.with("bytes", self.object.stored).with("host", self.host.clone())
    }
}

impl Decision {
    /// How many objects go, and how many bytes they have.
    pub(super) fn going(&self) -> (u64, u64) {
        let going = self.items.iter().filter(|item| !matches!(item.fate, Fate::Keep(_)));
        going.fold((0, 0), |(objects, bytes), item| (objects + 1, bytes + item.object.stored))
    }
}

/// Decides for every object of the machines that are asked about.
pub(super) fn decide(prune: &Prune, world: World, now: DateTime<Utc>) -> Decision {
    let World { machines, tombs, there } = world;
    let mut decision = Decision::default();
    let mut named: HashSet<String> = HashSet::new();
    let clear = machines.iter().all(|machine| machine.unclear.is_none());
    for Machine { host, objects, unclear } in machines {
        named.extend(objects.iter().map(|(_, object)| object.key.clone()));
        let wanted = |object: &Object| prune.chosen.as_ref().is_none_or(|chosen| chosen.contains(&object.set));
        let of_it = last_named(objects).filter(|(_, object)| wanted(object) && there.contains_key(&object.key));
        let fated = |(segment, object): (u64, Object)| {
            let fate = match (&unclear, tombs.of(&host, &object.key, segment)) {
                (Some(why), _) => Fate::Keep(why.clone()),
                (None, Some(Tomb { removed, .. })) => Fate::Finish { why: removed.why.clone(), at: removed.at },
                (None, None) => Fate::Keep(NO_SET.to_owned()),
            };
            Buried { host: host.clone(), segment, object, fate }
        };
        let mut items: Vec<Buried> = of_it.map(fated).collect();
        if unclear.is_none() {
            apply_rules(prune, &mut items, now);
        }
        decision.items.extend(items);
    }
    decision.items.sort_by(|one, other| order(one).cmp(&order(other)));
    // What a missing segment named nobody knows.
    if clear {
        decision.unknown = there.into_iter().filter(|(key, _)| !named.contains(key)).collect();
        decision.unknown.sort();
    }
    decision
}

/// The oldest first.
fn order(item: &Buried) -> (DateTime<Utc>, &str, &str) {
    (item.object.rotated_at, &item.host, &item.object.key)
}

/// Each object as the last segment says it that names it.
fn last_named(objects: Vec<(u64, Object)>) -> impl Iterator<Item = (u64, Object)> {
    let by_key: BTreeMap<String, (u64, Object)> =
        objects.into_iter().map(|(at, object)| (object.key.clone(), (at, object))).collect();
    by_key.into_values()
}

/// What the rules of the sets say of one machine's objects that have no tombstone.
fn apply_rules(prune: &Prune, items: &mut [Buried], now: DateTime<Utc>) {
    let mut by_set: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate().filter(|(_, item)| matches!(item.fate, Fate::Keep(_))) {
        by_set.entry(item.object.set.clone()).or_default().push(index);
    }
    for (set, indices) in by_set {
        let Some(set) = prune.sets.get(&set) else { continue };
        let objects: Vec<&Object> = indices.iter().map(|index| &items[*index].object).collect();
        let mut archives: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for object in &objects {
            *archives.entry((&object.log, &object.name)).or_default() += 1;
        }
        let parted = |object: &Object| archives.get(&(object.log.as_str(), object.name.as_str())).is_some_and(|parts| *parts > 1);
        let lot = Lot {
            items: objects.iter().map(|object| item(object, parted(object))).collect(),
            keep: &set.store_keep,
            zone: set.zone,
        };
        let verdicts = retention::decide(&[lot], &[], now).pop().unwrap_or_default();
        let fates: Vec<Fate> = verdicts.into_iter().map(fate).collect();
        for (index, fate) in indices.into_iter().zip(fates) {
            items[index].fate = fate;
        }
    }
}

/// Several objects of one archive, which were parted by the day, are kept or go together.
fn item(object: &Object, piece: bool) -> Item<'_> {
    Item {
        group: &object.log,
        name: &object.name,
        at: object.rotated_at,
        bytes: object.stored,
        disk: None,
        removable: Removable::Yes,
        piece,
    }
}

fn fate(verdict: Verdict) -> Fate {
    match verdict {
        Verdict::Keep(reasons) => Fate::Keep(reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        Verdict::Remove(reason) => Fate::Remove(reason.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::{
        store::Terms,
        tools::logs::{
            containers::Labels,
            manifest::tombs::{Removed, Tombs},
            settings::Settings,
            spool::Spool,
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
            spool: Spool::at(""),
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
        World { machines: vec![Machine { host: "i".to_owned(), objects, unclear: None }], tombs, there }
    }

    /// The keys that go on day 100, and why.
    fn goes(rules: &str, world: World) -> Vec<(String, String)> {
        let decision = decide(&prune(rules), world, day(100));
        let going = decision.items.into_iter().filter_map(|item| match item.fate {
            Fate::Keep(_) => None,
            Fate::Remove(why) => Some((item.object.key, why)),
            Fate::Finish { why, .. } => Some((item.object.key, format!("again: {why}"))),
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
        let again = || vec![object("", 1), object("", 1)];
        assert_eq!(goes("", world(again(), &[removed(2)])), [("logs/i_1".to_owned(), "again: old".to_owned())]);
        assert_eq!(goes("", world(again(), &[removed(1)])), []);
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
}
