//! Scenarios and laws of the keep-rules.

use super::*;
use crate::files::space::Space;
use chrono_tz::{
    America::St_Johns,
    Europe::Berlin,
    Tz::{self, UTC},
};

mod laws;

impl Verdict<'_> {
    fn removes(&self) -> bool {
        matches!(self, Verdict::Remove(_))
    }
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn keep(toml: &str) -> Keep {
    toml::from_str(toml).unwrap()
}

/// An archive of `app.log`, 1 MiB, named by its time.
fn archive(at: &str) -> Item<'_> {
    Item { group: "app.log", name: at, at: time(at), bytes: 1 << 20, disk: Some(0), removable: Removable::Yes, piece: false }
}

fn days(days: &[&'static str]) -> Vec<Item<'static>> {
    days.iter().map(|day| archive(Box::leak(format!("2026-{day}T12:00:00Z").into_boxed_str()))).collect()
}

/// The verdicts on one lot whose items all are on the one disk that is known.
fn alone<'a>(items: &[Item<'a>], keep: &'a Keep, zone: Tz, now: DateTime<Utc>, space: Option<&Space>) -> Vec<Verdict<'a>> {
    let lot = Lot { items: items.to_vec(), keep, zone };
    decide(&[lot], space.map_or(&[], std::slice::from_ref), now).remove(0)
}

/// What happens to each item, in words: `+` for kept, `-` for removed.
fn verdicts(items: &[Item<'_>], keep: &Keep, zone: Tz, now: &str, space: Option<&Space>) -> Vec<String> {
    in_words(&alone(items, keep, zone, time(now), space))
}

fn in_words(verdicts: &[Verdict<'_>]) -> Vec<String> {
    let word = |verdict: &Verdict| match verdict {
        Verdict::Keep(reasons) => format!("+ {}", reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        Verdict::Remove(reason) => format!("- {reason}"),
    };
    verdicts.iter().map(word).collect()
}

fn kept<'a>(items: &[Item<'a>], keep: &Keep, zone: Tz, now: &str) -> Vec<&'a str> {
    let verdicts = alone(items, keep, zone, time(now), None);
    items.iter().zip(verdicts).filter(|(_, verdict)| !verdict.removes()).map(|(item, _)| item.name).collect()
}

const NOW: &str = "2026-11-21T13:00:00Z";

#[test]
fn without_rules_everything_stays() {
    let shown = verdicts(&days(&["01-01", "11-20"]), &Keep::default(), UTC, NOW, None);
    assert_eq!(shown, ["+ no rule removes it", "+ no rule removes it"]);
}

#[test]
fn count_keeps_the_newest_of_each_group() {
    let mut items = days(&["11-18", "11-19", "11-20"]);
    items.push(Item { group: "other.log", ..archive("2026-01-01T00:00:00Z") });
    let shown = verdicts(&items, &keep("count = 2"), UTC, NOW, None);
    let two = "+ one of the newest 2";
    assert_eq!(shown, ["- not among the newest 2", two, two, two]);
}

#[test]
fn pieces_of_one_thing_stay_or_go_together() {
    let piece = |name: &'static str, at: &'static str| Item { name, piece: true, ..archive(at) };
    let (new, old) = ("2026-11-21T03:00:00Z", "2026-11-20T03:00:00Z");
    let items =
        [piece("b-0002", new), piece("a-0002", old), piece("b-0001", new), piece("a-0001", old), archive("2026-11-19T03:00:00Z")];
    assert_eq!(kept(&items, &keep("count = 2"), UTC, NOW).len(), 4, "the third one goes");
    assert_eq!(kept(&items, &keep("daily = 1"), UTC, NOW), ["b-0002", "b-0001"]);
}

#[test]
fn of_one_second_the_later_name_is_newer() {
    let at = "2026-11-20T12:00:00Z";
    let items = ["a-0002", "a-0003", "a-0001"].map(|name| Item { name, ..archive(at) });
    assert_eq!(kept(&items, &keep("count = 1"), UTC, NOW), ["a-0003"]);
}

#[test]
fn calendars_keep_the_newest_of_each_period_that_has_one() {
    let items = [
        "2024-12-31T12:00:00Z", // the only one of 2024
        "2025-03-01T12:00:00Z",
        "2026-09-30T12:00:00Z", // the newest of September
        "2026-11-08T12:00:00Z", // Sunday of week 45
        "2026-11-09T12:00:00Z", // Monday of week 46
        "2026-11-20T08:00:00Z",
        "2026-11-20T09:10:00Z",
        "2026-11-20T09:50:00Z",
    ]
    .map(archive);
    let rules = keep("hourly = 2\ndaily = 2\nweekly = 3\nmonthly = 2\nyearly = 2");
    let shown = verdicts(&items, &rules, UTC, NOW, None);
    let unwanted = "- not among the newest 2 hourly, 2 daily, 3 weekly, 2 monthly, 2 yearly";
    assert_eq!(
        shown,
        [
            unwanted,
            "+ newest of 2025",
            "+ newest of 2026-09",
            "+ newest of week 2026-W45",
            "+ newest of 2026-11-09; newest of week 2026-W46",
            "+ newest of 2026-11-20 08:00 UTC",
            unwanted,
            "+ newest of 2026-11-20 09:00 UTC; newest of 2026-11-20; newest of week 2026-W47; newest of 2026-11; newest of 2026",
        ]
    );
}

#[test]
fn a_week_belongs_to_the_year_of_its_thursday() {
    let items = ["2026-12-28T12:00:00Z", "2027-01-03T12:00:00Z", "2027-01-04T12:00:00Z"].map(archive);
    let shown = verdicts(&items, &keep("weekly = 9"), UTC, "2027-02-01T00:00:00Z", None);
    assert_eq!(shown, ["- not among the newest 9 weekly", "+ newest of week 2026-W53", "+ newest of week 2027-W01"]);
}

#[test]
fn months_go_on_over_the_turn_of_the_year() {
    let items = ["2024-12-31T12:00:00Z", "2025-12-30T12:00:00Z", "2025-12-31T12:00:00Z", "2026-01-01T12:00:00Z"].map(archive);
    let shown = verdicts(&items, &keep("monthly = 9"), UTC, NOW, None);
    let unwanted = "- not among the newest 9 monthly";
    assert_eq!(shown, ["+ newest of 2024-12", unwanted, "+ newest of 2025-12", "+ newest of 2026-01"]);
}

#[test]
fn a_day_is_a_day_of_the_zone() {
    let items = ["2026-06-01T21:59:59Z", "2026-06-01T22:00:00Z"].map(archive);
    assert_eq!(kept(&items, &keep("daily = 9"), UTC, NOW), ["2026-06-01T22:00:00Z"]);
    let shown = verdicts(&items, &keep("daily = 9"), Berlin, NOW, None);
    assert_eq!(shown, ["+ newest of 2026-06-01", "+ newest of 2026-06-02"]);
}

#[test]
fn a_day_with_a_changed_clock_is_one_day() {
    // Berlin: 23 hours on 2026-03-29, 25 on 2026-10-25.
    let items = [
        "2026-03-28T23:00:00Z",
        "2026-03-29T21:59:59Z",
        "2026-03-29T22:00:00Z",
        "2026-10-24T22:00:00Z",
        "2026-10-25T22:59:59Z",
        "2026-10-25T23:00:00Z",
    ]
    .map(archive);
    let newest = ["2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"];
    assert_eq!(kept(&items, &keep("daily = 9"), Berlin, NOW), newest);
}

#[test]
fn an_hour_shown_twice_is_two_hours() {
    let items = ["2026-10-25T00:10:00Z", "2026-10-25T00:50:00Z", "2026-10-25T01:10:00Z"].map(archive);
    let shown = verdicts(&items, &keep("hourly = 9"), Berlin, NOW, None);
    let (first, second) = ("+ newest of 2026-10-25 02:00 CEST", "+ newest of 2026-10-25 02:00 CET");
    assert_eq!(shown, ["- not among the newest 9 hourly", first, second]);
}

#[test]
fn a_clock_set_back_over_midnight_makes_no_extra_day() {
    // St John's, 2006-10-29: at 00:01 the clock went back to 23:01 of the 28th.
    let items = ["2006-10-29T02:30:30Z", "2006-10-29T02:40:00Z", "2006-10-29T03:40:00Z"].map(archive);
    let shown = verdicts(&items, &keep("daily = 9"), St_Johns, NOW, None);
    assert_eq!(shown, ["- not among the newest 9 daily", "+ newest of 2006-10-28", "+ newest of 2006-10-29"]);
}

#[test]
fn max_age_takes_even_what_a_keeper_wants() {
    let shown = verdicts(&days(&["08-22", "08-23", "11-20"]), &keep("count = 9\nmax-age = \"90d\""), UTC, NOW, None);
    let newest = "+ one of the newest 9";
    assert_eq!(shown, ["- older than 90d (91d1h)", "- older than 90d (90d1h)", newest]);
    let exactly = verdicts(&days(&["08-23", "11-20"]), &keep("max-age = \"90d\""), UTC, "2026-11-21T12:00:00Z", None);
    assert_eq!(exactly, ["+ no rule removes it", "+ no rule removes it"]);
}

#[test]
fn the_newest_survives_even_when_expired() {
    let shown = verdicts(&days(&["01-01", "01-02"]), &keep("max-age = \"90d\"\nmax-total = \"0 B\""), UTC, NOW, None);
    assert_eq!(shown, ["- older than 90d (324d1h)", "+ the newest is always kept"]);
}

#[test]
fn max_total_takes_the_oldest_of_all_groups() {
    let mut items = days(&["11-10", "11-12", "11-20"]);
    items.extend(days(&["11-11", "11-13"]).into_iter().map(|item| Item { group: "other.log", ..item }));
    let shown = verdicts(&items, &keep("max-total = \"3 MiB\""), UTC, NOW, None);
    let (gone, stays) = ("- set is 5.0 MiB, limit 3.0 MiB", "+ no rule removes it");
    assert_eq!(shown, [gone, stays, stays, gone, stays]);
}

#[test]
fn max_total_does_not_count_what_other_rules_remove() {
    let shown = verdicts(&days(&["11-10", "11-11", "11-12"]), &keep("count = 2\nmax-total = \"2 MiB\""), UTC, NOW, None);
    assert_eq!(shown, ["- not among the newest 2", "+ one of the newest 2", "+ one of the newest 2"]);
}

#[test]
fn what_must_stay_stays_and_counts() {
    let mut items = days(&["01-01", "11-10", "11-11", "11-12"]);
    items[0].removable = Removable::No("not archived yet");
    items[3].removable = Removable::No("not compressed yet");
    let shown = verdicts(&items, &keep("count = 3\nmax-total = \"2 MiB\""), UTC, NOW, None);
    let gone = "- set is 4.0 MiB, limit 2.0 MiB";
    assert_eq!(shown, ["+ not archived yet", gone, gone, "+ one of the newest 3; not compressed yet"]);
}

#[test]
fn min_free_removes_the_oldest_until_it_suffices() {
    let items = days(&["11-10", "11-11", "11-12", "11-13"]);
    let full = Space { total: 100 << 20, free: 8 << 20 };
    let shown = verdicts(&items, &keep("min-free = \"10%\""), UTC, NOW, Some(&full));
    let (gone, stays) = ("- free space 8%, wanted 10%", "+ no rule removes it");
    assert_eq!(shown, [gone, gone, stays, stays]);
    let shown = verdicts(&items, &keep("min-free = \"9.5 MiB\"\ncount = 3"), UTC, NOW, Some(&full));
    let counted = "+ one of the newest 3";
    assert_eq!(shown, ["- not among the newest 3", "- free space 8.0 MiB, wanted 9.5 MiB", counted, counted]);
}

#[test]
fn lots_on_one_disk_share_its_free_space() {
    let lot = |days_of: &[&'static str], keep| Lot { items: days(days_of), keep, zone: UTC };
    let shown = |lots: &[Lot], disks: &[Space]| -> Vec<Vec<String>> {
        decide(lots, disks, time(NOW)).iter().map(|verdicts| in_words(verdicts)).collect()
    };
    let (modest, greedy) = (keep("min-free = \"10%\""), keep("min-free = \"12%\""));
    let (counting, silent) = (keep("count = 1"), Keep::default());
    let full = Space { total: 100 << 20, free: 8 << 20 };
    let (gone, stays) = ("- free space 8%, wanted 10%", "+ no rule removes it");
    // Two are missing: the two oldest of all go, not two of each, and nothing of a lot without the rule.
    let lots = [lot(&["11-10", "11-13", "11-15"], &modest), lot(&["11-11", "11-14"], &modest), lot(&["11-01", "11-16"], &silent)];
    assert_eq!(shown(&lots, &[full]), [vec![gone, stays, stays], vec![gone, stays], vec![stays, stays]]);
    // What any rule of any lot frees counts.
    let lots = [lot(&["11-10", "11-13", "11-15"], &modest), lot(&["11-11", "11-12", "11-14"], &counting)];
    let counted = "- not among the newest 1";
    assert_eq!(shown(&lots, &[full]), [vec![stays; 3], vec![counted, counted, "+ the newest"]]);
    // Each lot gives no more than its own goal asks for.
    let lots = [lot(&["11-12", "11-13", "11-15"], &modest), lot(&["11-10", "11-11", "11-14", "11-16", "11-17"], &greedy)];
    let more = "- free space 8%, wanted 12%";
    assert_eq!(shown(&lots, &[full]), [vec![stays; 3], vec![more, more, more, more, stays]]);
    // Another disk's room is none of ours.
    let mut lots = [lot(&["11-10", "11-13", "11-15"], &modest), lot(&["11-11", "11-14"], &modest)];
    lots[1].items.iter_mut().for_each(|item| item.disk = Some(1));
    let roomy = Space { total: 100 << 20, free: 90 << 20 };
    assert_eq!(shown(&lots, &[full, roomy]), [vec![gone, gone, stays], vec![stays, stays]]);
}

#[test]
fn unknown_free_space_removes_nothing() {
    let shown = verdicts(&days(&["11-10", "11-11"]), &keep("min-free = \"10%\""), UTC, NOW, None);
    assert_eq!(shown, ["+ no rule removes it", "+ no rule removes it"]);
}

#[test]
fn a_date_in_the_future_is_kept_and_pushes_nothing_out() {
    let shown = verdicts(&days(&["11-10", "11-11", "12-30", "12-31"]), &keep("count = 1"), UTC, NOW, None);
    let future = "+ its time lies in the future";
    assert_eq!(shown, ["- not among the newest 1", "+ the newest", future, future]);
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let items = [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, time(NOW)].map(|at| Item { at, ..archive(NOW) });
    let rules = keep("hourly = 1\nweekly = 1\nmax-age = \"1d\"");
    let age = time(NOW) - DateTime::<Utc>::MIN_UTC;
    assert_eq!(Reason::TooOld { age, limit: Span::days(1) }.to_string(), "older than 1d (over a thousand years)");
    for zone in [UTC, Tz::Pacific__Kiritimati, Tz::Pacific__Niue] {
        let removed: Vec<bool> = alone(&items, &rules, zone, time(NOW), None).iter().map(Verdict::removes).collect();
        assert_eq!(removed, [true, false, false]);
        let end = verdicts(&items, &rules, zone, "+262142-12-31T23:59:59Z", None);
        assert!(end[1].starts_with("+ its time") || end[1].starts_with("+ newest of"), "{end:?}");
    }
}

#[test]
fn settings_are_strict() {
    let wrong = |toml: &str| toml::from_str::<Keep>(toml).unwrap_err().to_string();
    assert!(wrong("max_age = \"90d\"").contains("unknown field `max_age`"));
    assert!(wrong("count = 0").contains("nonzero"), "{}", wrong("count = 0"));
    assert!(wrong("count = -1").contains("-1"));
    let all = "count = 14\nhourly = 24\ndaily = 7\nweekly = 4\nmonthly = 12\nyearly = 3\nmax-age = \"90d\"\nmax-total = \"20 GiB\"\nmin-free = \"10%\"\n";
    assert_eq!(toml::to_string(&keep(all)).unwrap(), all);
}
