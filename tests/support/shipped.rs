//! What must be true of any store in the end, a folder or a bucket: each text once, and one chain of segments.

use std::collections::BTreeMap;

use serde_json::Value;

/// Panics unless these objects hold these texts, each once.
#[track_caller]
pub fn assert_texts(objects: &BTreeMap<String, Vec<u8>>, texts: &[Vec<u8>], story: &str) {
    let (mut found, mut meant): (Vec<_>, Vec<_>) = (objects.values().collect(), texts.iter().collect());
    found.sort();
    meant.sort();
    assert!(found == meant, "{story}: {} texts, and these objects: {:?}", meant.len(), objects.keys());
}

/// Panics unless each segment has its number and the SHA-256 of the one before, which `hash` says of a key; the keys that they name,
/// sorted.
#[track_caller]
pub fn assert_chain(segments: Vec<Value>, hash: impl Fn(&str) -> String, story: &str) -> Vec<String> {
    let (mut named, mut previous) = (Vec::new(), Value::Null);
    for (number, segment) in (1_u64..).zip(segments) {
        assert_eq!((&segment["number"], &segment["previous"]), (&number.into(), &previous), "{story}: {segment:#}");
        previous = hash(&format!("_opsbelt/manifests/test/{number:010}.json")).into();
        let objects = segment["objects"].as_array().into_iter().flatten();
        named.extend(objects.map(|object| object["key"].as_str().expect("each has a key").to_owned()));
    }
    named.sort();
    named
}
