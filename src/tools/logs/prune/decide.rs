//! Which objects go, and why; the kept ones too. Pure.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{
    Prune,
    facts::{Machine, World},
};
use crate::{
    report::{Outcome, Step},
    retention::{self, Item, Keep, Lot, Reason, Removable, Verdict},
    tools::logs::manifest::{Object, links::Links, tombs::Tomb},
};

/// Why an object stays whose set nobody has rules for.
const NO_SET: &str = "the settings have no set of that name";

/// What becomes of all objects.
#[derive(Debug, Default)]
pub(super) struct Decision {
    /// Those that a manifest names and that are there.
    pub(super) items: Vec<Decided>,
    /// Those that are there and that no manifest names, with their sizes.
    pub(super) unknown: Vec<(String, u64)>,
    /// How many stay that would be too old, if the clock were believed.
    pub(super) doubted: u64,
}

/// An object, and what becomes of it.
#[derive(Clone, Debug)]
pub(super) struct Decided {
    /// Whose it is.
    pub(super) host: String,
    /// The last segment that names it.
    pub(super) segment: u64,
    /// What it is.
    pub(super) object: Object,
    /// What becomes of it.
    pub(super) fate: Fate,
    /// When it came to the store, as far as a segment says it that no tombstone is about.
    pub(super) came: Option<DateTime<Utc>>,
    /// Why and when somebody was about to remove it, if the manifests say so.
    pub(super) tomb: Option<(String, DateTime<Utc>)>,
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
    /// It has a tombstone, and the rules want it to stay: it is named anew, which takes the tombstone back.
    Name(String),
}

impl Decided {
    pub(super) fn step(&self, outcome: Outcome, why: impl Into<String>) -> Step {
        let action = if matches!(self.fate, Fate::Name(_)) { "name" } else { "remove" };
        let step = Step::new(action, self.object.key.clone(), outcome, why);
        step.with("bytes", self.object.stored).with("host", self.host.clone())
    }

    /// A tombstone holds as long as the rules say the same. Only what is in its own manifest a machine can name anew.
    fn settle(&mut self, own: bool) {
        let Some((why, at)) = self.tomb.clone() else { return };
        match &self.fate {
            Fate::Remove(_) => self.fate = Fate::Finish { why, at },
            Fate::Keep(reason) if own => self.fate = Fate::Name(reason.clone()),
            _ => {}
        }
    }
}

impl Decision {
    /// How many objects go, and how many bytes they have.
    pub(super) fn going(&self) -> (u64, u64) {
        let going = self.items.iter().filter(|item| matches!(item.fate, Fate::Remove(_) | Fate::Finish { .. }));
        going.fold((0, 0), |(objects, bytes): (u64, u64), item| (objects + 1, bytes.saturating_add(item.object.stored)))
    }
}

/// Decides for every object of the machines that are asked about.
pub(super) fn decide(prune: &Prune, world: World, now: DateTime<Utc>) -> Decision {
    let World { machines, tombs, there, doubt } = world;
    let mut decision = Decision::default();
    let mut named: HashSet<String> = HashSet::new();
    let clear = machines.iter().all(|machine| machine.unclear.is_none());
    for Machine { host, objects, made, unclear } in machines {
        let mut came: HashMap<String, DateTime<Utc>> = HashMap::new();
        for (segment, object) in objects.iter().filter(|(segment, object)| tombs.of(&host, &object.key, *segment).is_none()) {
            if let Some(made) = made.get(segment) {
                came.entry(object.key.clone()).or_insert(*made);
            }
        }
        named.extend(objects.iter().map(|(_, object)| object.key.clone()));
        let wanted = |object: &Object| prune.chosen.as_ref().is_none_or(|chosen| chosen.contains(&object.set));
        let of_it = Links::named(objects).into_iter().filter(|(_, object)| wanted(object) && there.contains_key(&object.key));
        let fated = |(segment, object): (u64, Object)| {
            let tomb = tombs.of(&host, &object.key, segment).map(|Tomb { removed, .. }| (removed.why.clone(), removed.at));
            let fate = Fate::Keep(unclear.clone().unwrap_or_else(|| NO_SET.to_owned()));
            let came = came.get(&object.key).copied();
            Decided { host: host.clone(), segment, object, fate, came, tomb }
        };
        let mut items: Vec<Decided> = of_it.map(fated).collect();
        if unclear.is_none() {
            decision.doubted += apply_rules(prune, &mut items, now, doubt);
            // While ages are in doubt, nobody knows what the rules say.
            let own = host == prune.host && doubt.is_none();
            for item in &mut items {
                item.settle(own);
            }
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
fn order(item: &Decided) -> (DateTime<Utc>, &str, &str) {
    (item.object.rotated_at, &item.host, &item.object.key)
}

/// What the rules of the sets say of one machine's objects; how many are too old by a clock that may be wrong, and stay.
fn apply_rules(prune: &Prune, items: &mut [Decided], now: DateTime<Utc>, doubt: Option<DateTime<Utc>>) -> u64 {
    let mut by_set: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        by_set.entry(item.object.set.clone()).or_default().push(index);
    }
    let mut doubted = 0;
    for (set, indices) in by_set {
        let Some(set) = prune.sets.get(&set) else { continue };
        let mut archives: BTreeMap<Archive, Vec<usize>> = BTreeMap::new();
        for index in &indices {
            archives.entry(archive(&items[*index].object)).or_default().push(*index);
        }
        let parted = |object: &Object| archives.get(&archive(object)).is_some_and(|parts| parts.len() > 1);
        let of_set = || indices.iter().map(|index| &items[*index].object);
        let decided = |keep: &Keep| -> Vec<Fate> {
            let lot = Lot { items: of_set().map(|object| item(object, parted(object))).collect(), keep, zone: set.zone };
            let verdicts = retention::decide(&[lot], &[], now).pop().unwrap_or_default();
            indices.iter().zip(verdicts).map(|(index, verdict)| fate(verdict, items[*index].came, now)).collect()
        };
        let mut fates: BTreeMap<usize, Fate> = indices.iter().copied().zip(decided(&set.store_keep)).collect();
        if let Some(until) = doubt {
            // So is every age.
            let without_age = decided(&Keep { max_age: None, ..set.store_keep });
            for (fate, without_age) in fates.values_mut().zip(without_age) {
                if matches!((&*fate, &without_age), (Fate::Remove(_), Fate::Keep(_))) {
                    doubted += 1;
                    let until = until.format("%Y-%m-%d");
                    *fate = Fate::Keep(format!("too old by a clock that may be wrong: nothing vouches for it since {until}"));
                } else {
                    *fate = without_age;
                }
            }
        }
        // A part of an archive without the others helps nobody: where a rule takes one, all go.
        for parts in archives.into_values() {
            let taken = parts.iter().find_map(|index| fates.get(index).filter(|fate| matches!(fate, Fate::Remove(_))).cloned());
            fates.extend(taken.into_iter().flat_map(|taken| parts.iter().map(move |index| (*index, taken.clone()))));
        }
        for (index, fate) in fates {
            items[index].fate = fate;
        }
    }
    doubted
}

/// What an object holds all or a part of: the log, the archive's name, its text.
pub(super) type Archive = (String, String, String);

pub(super) fn archive(object: &Object) -> Archive {
    (object.log.clone(), object.name.clone(), object.part().whole.sha256)
}

/// In batches of so many at most, as long as no archive has more parts: those of one archive are looked at, and go, together.
pub(super) fn batches(going: &[Decided], most: usize) -> Vec<Vec<&Decided>> {
    let mut known: HashMap<(&str, Archive), usize> = HashMap::new();
    let mut archives: Vec<Vec<&Decided>> = Vec::new();
    for item in going {
        let at = *known.entry((&item.host, archive(&item.object))).or_insert(archives.len());
        if at == archives.len() {
            archives.push(Vec::new());
        }
        archives[at].push(item);
    }
    let mut batches: Vec<Vec<&Decided>> = Vec::new();
    for parts in archives {
        match batches.last_mut() {
            Some(batch) if batch.len() + parts.len() <= most => batch.extend(parts),
            _ => batches.push(parts),
        }
    }
    batches
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

fn fate(verdict: Verdict, came: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Fate {
    match (verdict, came) {
        // A machine whose clock was behind when it rotated made it old from its first day on.
        (Verdict::Remove(Reason::TooOld { limit, .. }), Some(came)) if came <= now && now - came <= limit.chrono() => {
            Fate::Keep(format!("old by its own time, and in the store only since {}", came.format("%Y-%m-%d")))
        }
        (verdict, _) => of_verdict(verdict),
    }
}

fn of_verdict(verdict: Verdict) -> Fate {
    match verdict {
        Verdict::Keep(reasons) => Fate::Keep(reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        Verdict::Remove(reason) => Fate::Remove(reason.to_string()),
    }
}
