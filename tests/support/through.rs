//! A machine that ships into a bucket of its own through a story ([`Between`]).

use super::{
    between::{Between, Fate, Request},
    needs,
    scenario::{Ran, Scenario},
    seaweed::{Bucket, SEAWEED, Seaweed},
};

/// With these logs to ship, uncompressed; none where there is no bucket to be had. `words` are more of its store.
pub fn through(
    logs: &[(&str, usize)],
    words: &str,
    story: impl Fn(&Request, usize) -> Fate + Send + Sync + 'static,
) -> Option<(Scenario, Bucket, Between)> {
    through_set(logs, words, "compress = \"none\"", story)
}

/// The same of a set of these words.
pub fn through_set(
    logs: &[(&str, usize)],
    words: &str,
    set: &str,
    story: impl Fn(&Request, usize) -> Fate + Send + Sync + 'static,
) -> Option<(Scenario, Bucket, Between)> {
    if !needs::met(SEAWEED) {
        return None;
    }
    let bucket = Seaweed::of_this_program().bucket();
    let between = Between::before(bucket.server.port(), story);
    let mut scene = bucket.scene(words, set);
    for (name, size) in logs {
        scene = scene.log_of(name, *size);
    }
    scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
    scene.rotate().exits(0);
    Some((scene, bucket, between))
}

/// `ship`, which asks for nothing a second time.
pub fn try_once(scene: &Scenario) -> Ran {
    Ran::of(scene.command(&["--format", "json", "ship"]).env("AWS_MAX_ATTEMPTS", "1"))
}
