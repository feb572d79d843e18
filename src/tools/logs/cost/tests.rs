//! What a month comes to, for machines whose archives are known.

use super::*;
use crate::store::StorageClass;

fn standard() -> Tariff {
    Tariff::new(None, PriceWords::default())
}

fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// One log, rotated every so many hours, so often.
fn steady(log: &str, hours: i64, number: i64, bytes: u64) -> Vec<Archive> {
    (1..=number)
        .map(|turn| Archive { log: log.to_owned(), at: now() - TimeDelta::hours(hours * turn), bytes, day: None })
        .collect()
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 0.005 * other.abs()
}

#[test]
fn four_hundred_machines_of_ten_logs_by_the_hour_pay_fourteen_dollars_for_their_puts() {
    let archives: Vec<Archive> = (0..10).flat_map(|log| steady(&format!("{log}"), 1, 48, 4096)).collect();
    let month = Month::of(&archives, None, now(), &standard());
    assert!(close(month.objects * 400.0 / MONTH, 96_000.0), "{month:?}");
    assert!(close(month.puts * 400.0 * standard().put / 1000.0, 14.40), "{month:?}");
}

#[test]
fn small_archives_that_wait_for_company_a_day_long_cost_sixty_cents() {
    let midnight: DateTime<Utc> = "2026-11-21T00:00:00Z".parse().unwrap();
    let hourly = |log: i64| {
        (1..=30 * 24).map(move |hour| {
            let at = midnight - TimeDelta::hours(hour);
            Archive { log: log.to_string(), at, bytes: 4096, day: Some(at.date_naive()) }
        })
    };
    let archives: Vec<Archive> = (0..10).flat_map(hourly).collect();
    let month = |company| Month::of(&archives, Some(company), midnight, &standard());
    let days = month(Company { enough: 8 << 20, delay: TimeDelta::hours(24) });
    assert!(close(days.objects * 400.0 / MONTH, 4_000.0) && days.archives == 7200, "{days:?}");
    assert!(close(days.puts * 400.0 * standard().put / 1000.0, 0.60), "{days:?}");
    assert!(close(days.bytes, Month::of(&archives, None, midnight, &standard()).bytes));
    let hours = month(Company { enough: 8 << 20, delay: TimeDelta::hours(6) });
    assert!(close(hours.objects, 4.0 * days.objects), "{hours:?}");
    assert!(close(month(Company { enough: 8 << 10, delay: TimeDelta::hours(24) }).objects, 12.0 * days.objects));
}

#[test]
fn a_pace_is_seen_although_keep_leaves_few_archives() {
    let month = Month::of(&steady("a", 1, 14, 1000), None, now(), &standard());
    assert!(close(month.objects, 24.0 * MONTH), "{month:?}");
}

#[test]
fn who_tries_it_twice_does_not_rotate_every_minute() {
    let at = now() - TimeDelta::seconds(5);
    let tried = vec![Archive { log: "a".to_owned(), at, bytes: 1, day: None }; 2];
    assert!(close(Month::of(&tried, None, now(), &standard()).objects, 2.0 * MONTH));
}

#[test]
fn what_is_old_or_in_the_future_tells_nothing_of_the_pace() {
    let other = [-1, 31].map(|days| Archive { log: "a".to_owned(), at: now() - TimeDelta::days(days), bytes: 1, day: None });
    assert_eq!(Month::of(&other, None, now(), &standard()).archives, 0);
}

#[test]
fn a_large_object_is_many_requests() {
    let month = Month::of_a_day([20 << 20], &standard());
    assert!(close(month.puts, 5.0 * MONTH) && close(month.objects, MONTH), "{month:?}");
    // A very large one has larger parts: of 16 MiB each.
    let month = Month::of_a_day([160_000 << 20], &standard());
    assert!(close(month.puts, 10_002.0 * MONTH), "{month:?}");
}

#[test]
fn a_day_without_archives_has_a_segment() {
    let month = Month::of(&[], None, now(), &standard());
    assert!(month.archives == 0 && close(month.plain_puts, 2.0 * MONTH) && close(month.plain_gets, MONTH), "{month:?}");
    assert!(month.requests(&standard()) > 0.0 && month.storage(&standard()) <= 0.0);
}

#[test]
fn tiny_objects_are_billed_as_larger_ones_in_other_classes() {
    let archives = steady("a", 24, 30, 1024);
    for (class, billed) in [(StorageClass::StandardIa, 128), (StorageClass::GlacierIr, 128), (StorageClass::DeepArchive, 33)] {
        let tariff = Tariff::new(Some(class), PriceWords::default());
        let month = Month::of(&archives, None, now(), &tariff);
        assert!(close(month.billed / month.bytes, f64::from(billed)), "{class:?} {month:?}");
        assert!(month.tiny("s3://logs", &tariff).is_some());
    }
    let month = Month::of(&archives, None, now(), &standard());
    assert_eq!(month.tiny("s3://logs", &standard()), None);
    let large = Tariff::new(Some(StorageClass::StandardIa), PriceWords::default());
    assert_eq!(Month::of(&steady("a", 24, 30, 1 << 20), None, now(), &large).tiny("s3://logs", &large), None);
}

#[test]
fn of_a_large_object_only_what_completes_it_costs_what_glacier_does() {
    let nothing = Besides { puts: 0, gets: 0 };
    for (class, dear) in [(StorageClass::Glacier, 0.03), (StorageClass::DeepArchive, 0.05)] {
        let tariff = Tariff::new(Some(class), PriceWords::default());
        let get = tariff.get / 1000.0;
        let run = Month::of_a_shipment([20 << 20], nothing, &tariff);
        assert!(close(run.requests(&tariff), (4.0 * 0.005 + dear) / 1000.0 + get), "{run:?}");
        let run = Month::of_a_shipment([4096], nothing, &tariff);
        assert!(close(run.requests(&tariff), dear / 1000.0), "{run:?}");
    }
    let tariff = Tariff::new(Some(StorageClass::GlacierIr), PriceWords::default());
    let run = Month::of_a_shipment([20 << 20], nothing, &tariff);
    assert!(close(run.requests(&tariff), (5.0 * 0.02 + 0.01) / 1000.0), "{run:?}");
}

#[test]
fn what_the_settings_say_of_prices_holds() {
    let words = PriceWords { put: Some(1.0), get: Some(0.0), storage: Some(2.0) };
    let tariff = Tariff::new(Some(StorageClass::Standard), words);
    let month = Month::of_a_day([1 << 30], &tariff);
    assert!(close(month.storage(&tariff), 2.0 * MONTH), "{month:?}");
    assert!(close(month.requests(&tariff), (month.puts + month.plain_puts) / 1000.0));
    assert!(month.table("s3://logs", &tariff).title.contains("the settings' prices"));
    assert!(!PriceWords { put: Some(-1.0), ..words }.are_prices() && !PriceWords { get: Some(f64::NAN), ..words }.are_prices());
    assert!(!PriceWords { storage: Some(1e308), ..words }.are_prices());
}

#[test]
fn a_shipment_costs_its_objects_and_the_segments_that_name_them() {
    let (ia, small, large) = (Tariff::new(Some(StorageClass::StandardIa), PriceWords::default()), 4096, 20 << 20);
    let run = Month::of_a_shipment([small, large], Besides::goes_on(1), &ia);
    assert!(close(run.objects, 2.0) && close(run.bytes, 4096.0 + 20.0 * 1024.0 * 1024.0), "{run:?}");
    // One PUT, and what a large object takes; a list and a segment. Those of the class cost as the class does.
    assert!(
        close(run.puts, 1.0 + 5.0) && close(run.gets, 1.0) && close(run.plain_puts, 2.0) && close(run.plain_gets, 1.0),
        "{run:?}"
    );
    let put = 6.0 * 0.01 + 2.0 * 0.005;
    let get = 0.001 + 0.0004;
    assert!(close(run.requests(&ia), (put + get) / 1000.0), "{run:?}");
    assert!(run.table("s3://bucket", &ia).title.starts_with("Cost of this shipment to s3://bucket, estimated (AWS's list"));
}
