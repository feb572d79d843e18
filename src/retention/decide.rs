//! Applies the rules of [`super`], in one pass per rule. Pure: no effect, no clock, no order but its own.

use std::{cmp::Reverse, collections::HashMap};

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::{Item, Keep, Lot, Reason, Removable, Verdict};
use crate::{
    files::space::Space,
    settings::units::{self, Period},
};

/// The verdict on each item, lot by lot, in the order of the items.
pub fn decide<'a>(lots: &[Lot<'a>], disks: &[Space], now: DateTime<Utc>) -> Vec<Vec<Verdict<'a>>> {
    let mut fates: Vec<Vec<Fate<'a>>> = lots.iter().map(|lot| apart(lot, now)).collect();
    for (disk, space) in disks.iter().enumerate() {
        apply_min_free(lots, disk, *space, &mut fates);
    }
    fates.into_iter().map(|fates| fates.into_iter().map(Fate::verdict).collect()).collect()
}

/// What all rules say that look at one lot alone.
fn apart<'a>(lot: &Lot<'a>, now: DateTime<Utc>) -> Vec<Fate<'a>> {
    let Lot { items, keep, zone } = lot;
    let mut fates: Vec<Fate<'a>> = items.iter().map(|item| Fate::of(item, now)).collect();
    for group in newest_first_by_group(items).chunk_by(|one, other| one.group == other.group) {
        let past: Vec<usize> = group.iter().map(|place| place.index).filter(|index| items[*index].at <= now).collect();
        for newest in past.chunk_by(|one, other| items[*one].belongs_to(&items[*other])).next().unwrap_or_default() {
            fates[*newest].exempt.get_or_insert(Reason::NewestStays);
        }
        if keep.has_keepers() {
            apply_keepers(items, &past, keep, *zone, &mut fates);
        }
    }
    apply_max_age(items, keep, now, &mut fates);
    apply_max_total(items, keep, &mut fates);
    fates
}

/// What is known of an item's end so far.
struct Fate<'a> {
    /// The keepers that want it.
    wanted: Vec<Reason<'a>>,
    /// The first rule that removes it.
    removal: Option<Reason<'a>>,
    /// What saves it from any rule.
    exempt: Option<Reason<'a>>,
}

impl<'a> Fate<'a> {
    fn of(item: &Item<'a>, now: DateTime<Utc>) -> Fate<'a> {
        let exempt = match item.removable {
            Removable::No(why) => Some(Reason::MustStay(why)),
            Removable::Yes if item.at > now => Some(Reason::InFuture),
            Removable::Yes => None,
        };
        Fate { wanted: Vec::new(), removal: None, exempt }
    }

    fn goes(&self) -> bool {
        self.removal.is_some() && self.exempt.is_none()
    }

    /// Removes the item, unless it is exempt; tells what that frees.
    fn remove(&mut self, item: &Item<'_>, reason: Reason<'a>) -> u128 {
        self.removal = Some(reason);
        if self.exempt.is_none() { item.bytes.into() } else { 0 }
    }

    fn verdict(self) -> Verdict<'a> {
        match (self.removal, self.exempt) {
            (Some(removal), None) => Verdict::Remove(removal),
            (Some(_), Some(exempt)) => Verdict::Keep(vec![exempt]),
            (None, exempt) => {
                let mut reasons = self.wanted;
                // That the newest is safe is worth a word only where it saved something.
                reasons.extend(exempt.filter(|exempt| *exempt != Reason::NewestStays));
                if reasons.is_empty() {
                    reasons.push(Reason::NothingRemovesIt);
                }
                Verdict::Keep(reasons)
            }
        }
    }
}

/// An item's place in the order of its group; numbers stand for group names because they compare faster.
struct Place {
    group: usize,
    at: DateTime<Utc>,
    index: usize,
}

fn newest_first_by_group(items: &[Item<'_>]) -> Vec<Place> {
    let mut numbers = HashMap::new();
    let mut places = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let next = numbers.len();
        places.push(Place { group: *numbers.entry(item.group).or_insert(next), at: item.at, index });
    }
    places.sort_unstable_by(|one, other| {
        let place = |place: &Place| (place.group, Reverse(place.at));
        place(one).cmp(&place(other)).then_with(|| rest(&items[other.index]).cmp(&rest(&items[one.index])))
    });
    places
}

/// What orders items of the same time.
fn rest<'a>(item: &Item<'a>) -> (&'a str, &'a str, u64, Removable<'a>) {
    (item.group, item.name, item.bytes, item.removable)
}

/// `past` is one group, newest first, without the future.
fn apply_keepers<'a>(items: &[Item<'a>], past: &[usize], keep: &'a Keep, zone: Tz, fates: &mut [Fate<'a>]) {
    let mut calendars: Vec<Open> =
        keep.calendars().map(|(period, count)| Open { period, left: count.get(), oldest: i64::MAX }).collect();
    for (rank, pieces) in past.chunk_by(|one, other| items[*one].belongs_to(&items[*other])).enumerate() {
        let at = items[pieces[0]].at;
        let mut wanted = Vec::new();
        if let Some(count) = keep.count.filter(|count| u32::try_from(rank).is_ok_and(|rank| rank < count.get())) {
            wanted.push(Reason::OneOfNewest(count.get()));
        }
        if !calendars.is_empty() {
            let local = units::shown(zone, at);
            let takers = calendars.iter_mut().filter_map(|open| open.takes(at, local).then_some(open.period));
            wanted.extend(takers.map(|period| Reason::NewestOf { period, at, zone }));
            calendars.retain(|open| open.left > 0);
        }
        for index in pieces {
            let fate = &mut fates[*index];
            fate.wanted.extend(wanted.iter().copied());
            if wanted.is_empty() {
                fate.removal = Some(Reason::NotWanted(keep));
            }
        }
    }
}

/// A calendar keeper on its way back through time.
struct Open {
    period: Period,
    left: u32,
    /// The number of the oldest period that it has an item of.
    oldest: i64,
}

impl Open {
    fn takes(&mut self, at: DateTime<Utc>, local: NaiveDateTime) -> bool {
        let number = self.period.number(at, local);
        // A clock set back over midnight shows yesterday again; that is no new period.
        let new = number < self.oldest;
        if new {
            self.oldest = number;
            self.left -= 1;
        }
        new
    }
}

fn apply_max_age<'a>(items: &[Item<'a>], keep: &Keep, now: DateTime<Utc>, fates: &mut [Fate<'a>]) {
    let Some(limit) = keep.max_age else { return };
    for (item, fate) in items.iter().zip(fates) {
        let age = now.signed_duration_since(item.at);
        if age > limit.chrono() {
            fate.removal.get_or_insert(Reason::TooOld { age, limit });
        }
    }
}

fn apply_max_total<'a>(items: &[Item<'a>], keep: &Keep, fates: &mut [Fate<'a>]) {
    let Some(limit) = keep.max_total else { return };
    let left = |(item, fate): (&Item, &Fate)| if fate.goes() { 0 } else { u128::from(item.bytes) };
    let total: u128 = items.iter().zip(fates.iter()).map(left).sum();
    let mut excess = total.saturating_sub(limit.0.into());
    let reason = Reason::TotalTooLarge { total: u64::try_from(total).unwrap_or(u64::MAX), limit };
    let mut oldest_first: Vec<usize> = (0..items.len()).filter(|index| fates[*index].removal.is_none()).collect();
    oldest_first.sort_unstable_by(|one, other| age(&items[*one]).cmp(&age(&items[*other])));
    for index in oldest_first {
        if excess == 0 {
            break;
        }
        excess = excess.saturating_sub(fates[index].remove(&items[index], reason));
    }
}

/// All lots share the disk: what the removal of any item frees counts for every lot, and each lot that names a goal
/// gives its oldest until that goal is reached.
fn apply_min_free<'a>(lots: &[Lot<'a>], disk: usize, space: Space, fates: &mut [Vec<Fate<'a>>]) {
    let mut free = u128::from(space.free);
    let mut oldest_first = Vec::new();
    for (lot, Lot { items, keep, .. }) in lots.iter().enumerate() {
        for (index, item) in items.iter().enumerate().filter(|(_, item)| item.disk == Some(disk)) {
            let fate = &fates[lot][index];
            free += if fate.goes() { item.bytes.into() } else { 0 };
            if let (Some(wanted), None) = (keep.min_free, fate.removal) {
                oldest_first.push((age(item), wanted, (lot, index)));
            }
        }
    }
    oldest_first.sort_unstable_by_key(|(age, ..)| *age);
    for (_, wanted, (lot, index)) in oldest_first {
        if free < u128::from(wanted.of(space.total)) {
            free += fates[lot][index].remove(&lots[lot].items[index], Reason::TooLittleFree { space, wanted });
        }
    }
}

/// What orders items from the oldest to the newest.
fn age<'a>(item: &Item<'a>) -> (DateTime<Utc>, (&'a str, &'a str, u64, Removable<'a>)) {
    (item.at, rest(item))
}
