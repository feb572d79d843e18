//! The power fails at any moment of a run that ships without an archive here: what is not in the store, and named there, is here. Nothing
//! remembers under which key a log went that was sent and not recorded, so the settings stay what they are.

use std::fs;

use super::{Machine, ROTATE, Story, is_named, power_cuts, rotated};
use crate::support::scenario::Scenario;

const DIRECT: &[&str] = &["--format", "json", "direct"];

/// Two logs wait for the store, and one to be rotated.
const FIRST: Story = Story {
    name: "ships directly",
    run: DIRECT,
    words: "ship = \"direct\"",
    turns: 3,
    past: |scene, machine, texts| {
        rotated(scene, &texts[..2]);
        scene.append("app.log", &texts[2]);
        machine.disks.settle();
    },
    held: nothing_is_missing,
    turn: [ROTATE, DIRECT],
    left: 0,
    renamed: false,
    goes_on: false,
};

#[test]
fn power_cuts_while_logs_are_shipped_directly() {
    power_cuts(FIRST);
}

#[test]
fn power_cuts_while_more_is_shipped_directly() {
    let past = |scene: &Scenario, machine: &Machine, texts: &[Vec<u8>]| {
        rotated(scene, &texts[..1]);
        scene.direct().exits(0);
        rotated(scene, &texts[1..2]);
        machine.disks.settle();
    };
    power_cuts(Story { name: "ships more directly", turns: 2, past, ..FIRST });
}

#[test]
fn power_cuts_while_what_was_shipped_directly_before_is_removed() {
    let past = |scene: &Scenario, machine: &Machine, texts: &[Vec<u8>]| {
        rotated(scene, texts);
        let writers: Vec<_> = scene.archives("app.log").iter().map(|name| scene.writer(name)).collect();
        scene.direct().exits(0);
        drop(writers);
        machine.disks.settle();
    };
    power_cuts(Story { name: "removes what it shipped", turns: 2, past, ..FIRST });
}

/// What the store does not have, under a name that a segment says, is here.
fn nothing_is_missing(scene: &Scenario, texts: &[Vec<u8>], story: &str) {
    let segments = scene.segments();
    let stored = scene.objects().into_iter().filter(|(key, _)| is_named(&segments, key)).map(|(_, text)| text);
    let files = scene.archives("app.log").into_iter().chain(["app.log".to_owned()]);
    let here = files.map(|name| fs::read(scene.logs().join(name)).expect("it was listed"));
    let all: Vec<Vec<u8>> = stored.chain(here).collect();
    for text in texts {
        assert!(all.iter().any(|one| one.windows(text.len()).any(|part| part == text)), "{story}: neither here nor there");
    }
}
