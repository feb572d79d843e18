//! What holds for all items and all rules.

use proptest::prelude::*;

use super::*;

/// An item to be: group, minutes before the start, name, bytes, removable.
type Seed = (u8, i64, u8, u64, bool);

fn start() -> DateTime<Utc> {
    time("2026-11-21T12:00:00Z")
}

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    let minutes = prop_oneof![-2_000..20_000_i64, 0..2_000_000_i64, prop::sample::select(vec![0, 60, 1440])];
    prop::collection::vec((0..3u8, minutes, 0..3u8, 0..50u64, prop::bool::weighted(0.9)), 1..40)
}

fn planted(seeds: &[Seed]) -> Vec<Item<'static>> {
    seeds
        .iter()
        .map(|&(group, minutes, name, bytes, removable)| Item {
            group: ["a", "b", "c"][usize::from(group)],
            name: ["x", "y", "z"][usize::from(name)],
            at: start() - chrono::TimeDelta::minutes(minutes),
            bytes,
            disk: Some(0),
            removable: if removable { Removable::Yes } else { Removable::No("held") },
            piece: false,
        })
        .collect()
}

fn keepers() -> impl Strategy<Value = Keep> {
    let some = || prop::option::weighted(0.3, (1..6u32).prop_map(|count| NonZeroU32::new(count).unwrap()));
    (some(), some(), some(), some(), some(), some()).prop_map(|(count, hourly, daily, weekly, monthly, yearly)| Keep {
        count,
        hourly,
        daily,
        weekly,
        monthly,
        yearly,
        ..Keep::default()
    })
}

fn keeps() -> impl Strategy<Value = Keep> {
    let limits = (prop::option::of(1..60u16), prop::option::of(0..800u64), prop::option::of(0..=100u8));
    (keepers(), limits).prop_map(|(keep, (age, total, free))| Keep {
        max_age: age.map(Span::days),
        max_total: total.map(Bytes),
        min_free: free.map(|percent| format!("{percent}%").parse().unwrap()),
        ..keep
    })
}

fn spaces() -> impl Strategy<Value = Space> {
    (0..2000u64).prop_map(|free| Space { total: 2000, free })
}

/// Items to be, with their disks, and their rules.
type LotSeed = (Vec<(Seed, Option<usize>)>, Keep);

/// Several lots whose items lie on two known disks and an unknown one.
fn shared() -> impl Strategy<Value = Vec<LotSeed>> {
    let place = prop::sample::select(vec![Some(0), Some(0), Some(1), None]);
    let items = seeds().prop_flat_map(move |seeds| {
        let places = prop::collection::vec(place.clone(), seeds.len());
        (Just(seeds), places).prop_map(|(seeds, places)| seeds.into_iter().zip(places).collect::<Vec<_>>())
    });
    prop::collection::vec((items, keeps()), 1..4)
}

fn lots(seeds: &[LotSeed]) -> Vec<Lot<'_>> {
    let lot = |(seeds, _): &LotSeed| {
        let (items, disks): (Vec<Seed>, Vec<_>) = seeds.iter().copied().unzip();
        planted(&items).into_iter().zip(disks).map(|(item, disk)| Item { disk, ..item }).collect()
    };
    seeds.iter().map(|seeds| Lot { items: lot(seeds), keep: &seeds.1, zone: UTC }).collect()
}

fn zones() -> impl Strategy<Value = Tz> {
    prop::sample::select(vec![UTC, Berlin, Tz::Australia__Lord_Howe, Tz::America__Sao_Paulo, Tz::Asia__Kolkata])
}

/// Newer last; the order that the manual promises.
fn rank<'a>(item: &Item<'a>) -> (DateTime<Utc>, &'a str) {
    (item.at, item.name)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_always_kept_are_kept(seeds in seeds(), keep in keeps(), zone in zones(), space in spaces()) {
        let items = planted(&seeds);
        let verdicts = alone(&items, &keep, zone, start(), Some(&space));
        prop_assert_eq!(verdicts.len(), items.len());
        for (item, verdict) in items.iter().zip(&verdicts) {
            if item.removable != Removable::Yes || item.at > start() {
                prop_assert!(!verdict.removes(), "{:?}", item);
            }
            if let Verdict::Keep(reasons) = verdict {
                prop_assert!(!reasons.is_empty());
            }
        }
        for group in ["a", "b", "c"] {
            let past = || items.iter().zip(&verdicts).filter(|(item, _)| item.group == group && item.at <= start());
            let newest = past().map(|(item, _)| rank(item)).max();
            let survives = past().any(|(item, verdict)| Some(rank(item)) == newest && !verdict.removes());
            prop_assert!(newest.is_none() || survives, "the newest of {} is gone", group);
        }
    }

    #[test]
    fn the_order_of_the_items_changes_no_verdict(
        (seeds, shuffled) in seeds().prop_flat_map(|seeds| (Just(seeds.clone()), Just(seeds).prop_shuffle())),
        keep in keeps(), zone in zones(), space in spaces(),
    ) {
        // Items alike in everything may swap verdicts, so compare sorted pairs.
        let outcome = |seeds: &[Seed]| {
            let items = planted(seeds);
            let verdicts = alone(&items, &keep, zone, start(), Some(&space));
            let mut pairs: Vec<String> = items.iter().zip(verdicts).map(|pair| format!("{pair:?}")).collect();
            pairs.sort();
            pairs
        };
        prop_assert_eq!(outcome(&seeds), outcome(&shuffled));
    }

    #[test]
    fn time_alone_changes_nothing_for_keepers(seeds in seeds(), keep in keepers(), zone in zones(), later in 0..5_000_000i64) {
        let items: Vec<Item> = planted(&seeds).into_iter().filter(|item| item.at <= start()).collect();
        let verdicts = alone(&items, &keep, zone, start(), None);
        prop_assert_eq!(alone(&items, &keep, zone, start() + chrono::TimeDelta::seconds(later), None), verdicts);
    }

    #[test]
    fn deciding_again_removes_nothing_more(seeds in seeds(), keep in keeps(), zone in zones(), space in spaces()) {
        let items = planted(&seeds);
        let verdicts = alone(&items, &keep, zone, start(), Some(&space));
        let (gone, left): (Vec<_>, Vec<_>) = items.iter().zip(verdicts).partition(|(_, verdict)| verdict.removes());
        let freed: u64 = gone.iter().map(|(item, _)| item.bytes).sum();
        let left: Vec<Item> = left.into_iter().map(|(item, _)| *item).collect();
        let space = Space { free: space.free + freed, ..space };
        let again = alone(&left, &keep, zone, start(), Some(&space));
        prop_assert!(!again.iter().any(Verdict::removes), "{:?}", again);
    }

    #[test]
    fn a_higher_count_keeps_no_less(seeds in seeds(), keep in keepers(), zone in zones(), count in 1..6u32, more in 0..6u32) {
        let items = planted(&seeds);
        let with = |count| Keep { count: NonZeroU32::new(count), max_age: Some(Span::days(40)), ..keep };
        let (few, many) = (with(count), with(count + more));
        let (few, many) = (alone(&items, &few, zone, start(), None), alone(&items, &many, zone, start(), None));
        for (few, many) in few.iter().zip(&many) {
            prop_assert!(few.removes() || !many.removes());
        }
    }

    #[test]
    fn limits_hold_unless_only_the_exempt_are_left(seeds in seeds(), keep in keeps(), zone in zones(), space in spaces()) {
        let items = planted(&seeds);
        let verdicts = alone(&items, &keep, zone, start(), Some(&space));
        let bytes = |removed| -> u64 {
            items.iter().zip(&verdicts).filter(|(_, verdict)| verdict.removes() == removed).map(|(item, _)| item.bytes).sum()
        };
        let spared = items.iter().zip(&verdicts).any(|(item, verdict)| {
            let saved = |reason: &Reason| matches!(reason, Reason::MustStay(_) | Reason::NewestStays | Reason::InFuture);
            matches!(verdict, Verdict::Keep(reasons) if !reasons.iter().any(saved)) && item.bytes > 0
        });
        if spared {
            prop_assert!(keep.max_total.is_none_or(|limit| bytes(false) <= limit.0));
            prop_assert!(keep.min_free.is_none_or(|wanted| space.free + bytes(true) >= wanted.of(space.total)));
        }
    }

    #[test]
    fn calendars_agree_with_a_plain_model(seeds in seeds(), periods in 1..6u32, zone in zones()) {
        use chrono::Datelike;
        let keep = Keep { daily: NonZeroU32::new(periods), ..Keep::default() };
        let items = planted(&seeds);
        let verdicts = alone(&items, &keep, zone, start(), None);
        for group in ["a", "b", "c"] {
            let mut newest_of_day = std::collections::BTreeMap::new();
            for item in items.iter().filter(|item| item.group == group && item.at <= start()) {
                let local = item.at.with_timezone(&zone);
                let newest = newest_of_day.entry((local.year(), local.ordinal())).or_insert(rank(item));
                *newest = rank(item).max(*newest);
            }
            let wanted: Vec<_> = newest_of_day.values().rev().take(periods as usize).collect();
            for (item, verdict) in items.iter().zip(&verdicts).filter(|(item, _)| item.group == group) {
                let kept = !verdict.removes();
                let expected = item.at > start() || item.removable != Removable::Yes || wanted.contains(&&rank(item));
                // Twins in time and name: one of them stands for both.
                prop_assert!(!kept || expected, "{:?} {:?}", item, verdict);
            }
            for wanted in wanted {
                let stands = |(item, verdict): (&Item, &Verdict)| item.group == group && rank(item) == *wanted && !verdict.removes();
                prop_assert!(items.iter().zip(&verdicts).any(stands), "{:?}", wanted);
            }
        }
    }

    #[test]
    fn a_full_disk_costs_no_archive_more_than_it_must(seeds in shared(), one in spaces(), other in spaces()) {
        let (lots, disks) = (lots(&seeds), [one, other]);
        let verdicts = decide(&lots, &disks, start());
        let all = || lots.iter().zip(&verdicts).flat_map(|(lot, verdicts)| lot.items.iter().zip(verdicts).map(move |(item, verdict)| (lot, item, verdict)));
        let for_space = |verdict: &Verdict| matches!(verdict, Verdict::Remove(Reason::TooLittleFree { .. }));
        for (lot, item, verdict) in all().filter(|(_, _, verdict)| for_space(verdict)) {
            prop_assert!(lot.keep.min_free.is_some() && item.disk.is_some(), "{:?} {:?}", item, verdict);
        }
        for (disk, space) in disks.iter().enumerate() {
            let here = || all().filter(|(_, item, _)| item.disk == Some(disk));
            let freed: u64 = here().filter(|(_, _, verdict)| verdict.removes()).map(|(_, item, _)| item.bytes).sum();
            let goal = |lot: &Lot| lot.keep.min_free.map_or(0, |wanted| wanted.of(space.total));
            // Without the last one that went, a goal would not be met.
            let last = here().filter(|(_, _, verdict)| for_space(verdict)).max_by_key(|(lot, item, _)| (item.at, item.group, item.name, item.bytes, goal(lot)));
            if let Some((_, item, _)) = last {
                let goals = here().filter(|(_, _, verdict)| for_space(verdict)).map(|(lot, ..)| goal(lot));
                prop_assert!(space.free + freed - item.bytes < goals.max().unwrap_or(0), "{} more than needed", item.bytes);
            }
            // Who asks for more than there is now has nothing left to give.
            for (lot, item, verdict) in here().filter(|(lot, ..)| space.free + freed < goal(lot)) {
                let saved = |reason: &Reason| matches!(reason, Reason::MustStay(_) | Reason::NewestStays | Reason::InFuture);
                let spared = matches!(verdict, Verdict::Keep(reasons) if !reasons.iter().any(saved));
                prop_assert!(!spared, "{:?} could go for {:?}", item, lot.keep);
            }
            // The oldest first, over all lots with the same goal.
            for (lot, item, _) in here().filter(|(_, _, verdict)| for_space(verdict)) {
                let older = here().filter(|(other, old, verdict)| {
                    let saved = |reason: &Reason| matches!(reason, Reason::MustStay(_) | Reason::NewestStays | Reason::InFuture);
                    let spared = matches!(verdict, Verdict::Keep(reasons) if !reasons.iter().any(saved));
                    goal(other) >= goal(lot) && old.at < item.at && spared
                });
                prop_assert_eq!(older.count(), 0, "something older than {:?} was spared", item);
            }
        }
    }

    #[test]
    fn who_does_not_ask_for_space_gives_none(seeds in shared(), one in spaces(), other in spaces()) {
        let lots = lots(&seeds);
        let (with, without) = (decide(&lots, &[one, other], start()), decide(&lots, &[], start()));
        for (lot, (with, without)) in lots.iter().zip(with.iter().zip(&without)) {
            if lot.keep.min_free.is_none() {
                prop_assert_eq!(with, without);
            }
            // Space is the last word: it takes nothing back that another rule removes.
            for (with, without) in with.iter().zip(without) {
                prop_assert!(with.removes() || !without.removes());
            }
        }
    }

    #[test]
    fn the_newest_of_each_log_stays_in_every_lot(seeds in shared(), one in spaces(), other in spaces()) {
        let lots = lots(&seeds);
        for (lot, verdicts) in lots.iter().zip(decide(&lots, &[one, other], start())) {
            for group in ["a", "b", "c"] {
                let past = || lot.items.iter().zip(&verdicts).filter(|(item, _)| item.group == group && item.at <= start());
                let newest = past().map(|(item, _)| rank(item)).max();
                let survives = past().any(|(item, verdict)| Some(rank(item)) == newest && !verdict.removes());
                prop_assert!(newest.is_none() || survives, "the newest of {} is gone", group);
            }
        }
    }
}
