//! A run that ships without an archive here is cut off at each call to S3 in turn, before the server hears of it and after it did what was
//! asked, and killed at each of these moments: nothing is missing then, and after one more run each log is in the bucket once, named once,
//! in one chain, no upload is left, and no log is here any more.
#![expect(clippy::unwrap_used, reason = "a story fails loudly")]

mod support;

use std::fs;

use support::{
    ambush::Moment,
    by_tier,
    scenario::{Ran, Scenario, files_under, text_of},
    seaweed::Bucket,
    waylaid::{Sweep, Waylaid, Ways},
};

const DIRECT: &[&str] = &["--format", "json", "direct"];
/// Two parts.
const LARGE: usize = (8 << 20) + 1000;
const SEGMENT: &str = "PUT 0000000001.json";

/// A machine that ships without an archive here.
fn machine() -> Waylaid {
    Waylaid::new("compress = \"none\"\nship = \"direct\"", DIRECT)
}

/// What is not in the bucket, and named there, is here.
fn nothing_is_missing(Waylaid { scene, bucket, texts, .. }: &Waylaid, story: &str) {
    let named = bucket.named();
    let there = bucket.objects().into_iter().filter(|(key, _)| named.contains(key)).map(|(_, text)| text);
    let here = scene.files().into_keys().map(|name| fs::read(scene.logs().join(name)).unwrap());
    let all: Vec<Vec<u8>> = there.chain(here).collect();
    assert!(texts.iter().all(|text| all.contains(text)), "{story}: neither here nor there");
}

/// Once more, undisturbed; and one more turn, which goes on with the chain.
fn ends_well(Waylaid { scene, bucket, mut texts, .. }: Waylaid, story: &str) {
    let well = |ran: Ran| assert_eq!(ran.code, Some(0), "{story}: {ran:#?}");
    well(scene.direct());
    assert_there_alone(&scene, &bucket, &texts, story);
    texts.push(text_of("one more turn", 2000));
    scene.append("small.log", texts.last().unwrap());
    well(scene.rotate());
    well(scene.direct());
    assert_there_alone(&scene, &bucket, &texts, story);
    well(scene.run(&["--format", "json", "verify", &bucket.url()]));
    bucket.leave();
}

/// Each is in the bucket once, and nothing is here, nor remembered of an upload.
fn assert_there_alone(scene: &Scenario, bucket: &Bucket, texts: &[Vec<u8>], story: &str) {
    bucket.assert_shipped(texts, story);
    assert_eq!(scene.files().into_values().sum::<u64>(), 0, "{story}: what the store has goes");
    let noted: Vec<String> = files_under(scene.state()).into_keys().filter(|name| name.starts_with("upload-")).collect();
    assert_eq!(noted, [""; 0], "{story}: an upload is over, and remembered");
}

fn sweep(name: &str, least: usize, ways: Ways, story: &(dyn Fn() -> Waylaid + Sync)) {
    Sweep { name, least, ways, story, held: &nothing_is_missing, ends_well: &ends_well }.run();
}

#[test]
fn cut_at_any_call_of_a_first_run() {
    sweep("direct, first", 9, by_tier(Ways::ByTurns, Ways::All), &|| machine().waiting(&[("small", 3000), ("large", LARGE)]));
}

#[test]
fn cut_at_any_call_of_a_run_that_goes_on_with_a_chain() {
    sweep("direct, goes on", 8, by_tier(Ways::KilledAfter, Ways::All), &|| {
        let before = machine().waiting(&[("small", 3000)]);
        before.scene.direct().exits(0);
        before.waiting(&[("small", 4000), ("large", LARGE)])
    });
}

#[test]
fn cut_at_any_call_of_a_run_that_goes_on_with_what_a_killed_run_was_about_to_say() {
    sweep("direct, concludes", 4, by_tier(Ways::KilledAfter, Ways::All), &|| {
        machine().waiting(&[("small", 3000)]).killed_at(SEGMENT, Moment::Before).waiting(&[("other", 2000)])
    });
}

#[test]
fn cut_at_any_call_of_a_run_that_follows_a_killed_upload() {
    sweep("direct, anew", 8, by_tier(Ways::KilledAfter, Ways::All), &|| {
        machine().waiting(&[("large", LARGE)]).killed_at("POST test_large uploadId", Moment::Before)
    });
}
