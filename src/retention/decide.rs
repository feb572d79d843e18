//! Applies the rules of [`super`], in one pass per rule. Pure: no effect, no clock, no order but its own.

use std::{cmp::Reverse, collections::HashMap};

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::{Calendar, FreeSpace, Item, Keep, Reason, Removable, Verdict, calendar};

/// The verdict on each item, in the order of the items.
pub fn decide<'a>(
    items: &[Item<'a>],
    keep: &'a Keep,
    zone: Tz,
    now: DateTime<Utc>,
    space: Option<&FreeSpace>,
) -> Vec<Verdict<'a>> {
    let mut fates: Vec<Fate<'a>> = items.iter().map(|item| Fate::of(item, now)).collect();
    for group in newest_first_by_group(items).chunk_by(|one, other| one.group == other.group) {
        let past: Vec<usize> = group.iter().map(|place| place.index).filter(|index| items[*index].at <= now).collect();
        if let Some(newest) = past.first() {
            fates[*newest].exempt.get_or_insert(Reason::NewestStays);
        }
        if keep.has_keepers() {
            apply_keepers(items, &past, keep, zone, &mut fates);
        }
    }
    apply_max_age(items, keep, now, &mut fates);
    apply_max_total(items, keep, &mut fates);
    apply_min_free(items, keep, space, &mut fates);
    fates.into_iter().map(Fate::verdict).collect()
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
        keep.calendars().map(|(calendar, periods)| Open { calendar, left: periods.get(), oldest: i64::MAX }).collect();
    for (rank, index) in past.iter().enumerate() {
        let fate = &mut fates[*index];
        if let Some(count) = keep.count.filter(|count| u32::try_from(rank).is_ok_and(|rank| rank < count.get())) {
            fate.wanted.push(Reason::OneOfNewest(count.get()));
        }
        if !calendars.is_empty() {
            let at = items[*index].at;
            let local = calendar::local(at, zone);
            let takers = calendars.iter_mut().filter_map(|open| open.takes(at, local).then_some(open.calendar));
            fate.wanted.extend(takers.map(|calendar| Reason::NewestOf { calendar, at, zone }));
            calendars.retain(|open| open.left > 0);
        }
        if fate.wanted.is_empty() {
            fate.removal = Some(Reason::NotWanted(keep));
        }
    }
}

/// A calendar keeper on its way back through time.
struct Open {
    calendar: Calendar,
    left: u32,
    /// The oldest period that it has an item of.
    oldest: i64,
}

impl Open {
    fn takes(&mut self, at: DateTime<Utc>, local: NaiveDateTime) -> bool {
        let period = self.calendar.period(at, local);
        // A clock set back over midnight shows yesterday again; that is no new period.
        let new = period < self.oldest;
        if new {
            self.oldest = period;
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
    let all: u128 = items.iter().map(|item| u128::from(item.bytes)).sum();
    let total = all - freed(items, fates);
    let excess = total.saturating_sub(limit.0.into());
    let reason = Reason::TotalTooLarge { total: u64::try_from(total).unwrap_or(u64::MAX), limit };
    remove_oldest(items, excess, reason, fates);
}

fn apply_min_free<'a>(items: &[Item<'a>], keep: &Keep, space: Option<&FreeSpace>, fates: &mut [Fate<'a>]) {
    let (Some(wanted), Some(space)) = (keep.min_free, space) else { return };
    let missing = u128::from(wanted.of(space.total)).saturating_sub(u128::from(space.free) + freed(items, fates));
    remove_oldest(items, missing, Reason::TooLittleFree { space: *space, wanted }, fates);
}

/// What the removals decided so far give back.
fn freed(items: &[Item<'_>], fates: &[Fate<'_>]) -> u128 {
    items.iter().zip(fates).filter(|(_, fate)| fate.goes()).map(|(item, _)| u128::from(item.bytes)).sum()
}

/// Removes the oldest over all groups until their bytes reach `missing`, or none is left that may go.
fn remove_oldest<'a>(items: &[Item<'a>], mut missing: u128, reason: Reason<'a>, fates: &mut [Fate<'a>]) {
    if missing == 0 {
        return;
    }
    let mut oldest_first: Vec<usize> = (0..items.len()).filter(|index| fates[*index].removal.is_none()).collect();
    oldest_first.sort_unstable_by(|one, other| {
        let (one, other) = (&items[*one], &items[*other]);
        one.at.cmp(&other.at).then_with(|| rest(one).cmp(&rest(other)))
    });
    for index in oldest_first {
        if missing == 0 {
            break;
        }
        fates[index].removal = Some(reason);
        if fates[index].exempt.is_none() {
            missing = missing.saturating_sub(items[index].bytes.into());
        }
    }
}
