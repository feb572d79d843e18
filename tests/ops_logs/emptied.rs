//! Logs that somebody empties while they are rotated in place, at the worst of moments: what is written then is another text, and
//! not a line of it is lost.

use std::{collections::BTreeMap, fs, io::Read, path::Path};

use crate::{
    collect::findings,
    support::{
        files,
        filesystem::{Kind, Recipe},
        heads::Heads,
        needs::{self, MOUNTS, TRACES},
        scenario::{Ran, Scenario, text_of},
        strace, tally,
    },
};

const IN_PLACE: &str = "method = \"in-place\"\npunch-hole = true\nkeep = { count = 100 }";

/// How often each line of `text` is in what is kept, in how many lines. Where its text was exchanged, an archive ends in a line.
fn counts(scene: &Scenario, text: &[u8]) -> BTreeMap<usize, usize> {
    let (heads, mut kept) = (Heads::of(scene.state()), Vec::new());
    for file in tally::history(&scene.live("app.log"), None) {
        heads.rest(&file).read_to_end(&mut kept).unwrap();
        kept.push(b'\n');
    }
    let mut times: BTreeMap<&[u8], usize> = BTreeMap::new();
    for line in kept.split(|byte| *byte == b'\n') {
        *times.entry(line).or_default() += 1;
    }
    let mut counts = BTreeMap::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        *counts.entry(times.get(line).copied().unwrap_or(0)).or_default() += 1;
    }
    counts
}

/// What became of the new text.
#[derive(Debug, PartialEq)]
enum Became {
    /// There are fewer such calls.
    NotHeld,
    /// Each line is there, once or told.
    Kept,
    /// Lines are gone, and that was told.
    ToldAsGone,
}

/// A log that begins with what is archived already is emptied and written anew behind one call of a rotation.
fn emptied_behind(disk: &Path, call: &str, rank: usize) -> Became {
    let home = tempfile::tempdir_in(disk).unwrap();
    let scene = Scenario::new().seeing().logs_in(home.path()).plain_set(IN_PLACE);
    scene.append("app.log", text_of("first", 30_000));
    scene.rotate().exits(0);
    scene.append("app.log", text_of("second", 30_000));
    let (log, fresh) = (scene.live("app.log"), text_of("fresh", 61_000));
    let mut held = false;
    let command = scene.command(&["--format", "json", "rotate"]);
    let ended = strace::hold(&command, call, &rank.to_string(), Some(&log), || {
        held = true;
        files::write(&log, &fresh).unwrap();
    });
    if !held {
        return Became::NotHeld;
    }
    let told = findings(&Ran::from(ended), "logs.in-doubt").concat();
    scene.rotate();
    let counts = counts(&scene, &fresh);
    let story = format!("emptied behind {call} {rank}, so many lines so often: {counts:?}, told: {told}");
    let zeros = fs::read(&log).unwrap().iter().skip_while(|byte| **byte == 0).any(|byte| *byte == 0);
    assert!(!zeros, "behind a hole at its beginning there are lines: {story}");
    assert!(counts.keys().eq([&1]) || !told.is_empty(), "{story}");
    if !counts.contains_key(&0) {
        return Became::Kept;
    }
    assert!(told.contains("may be gone"), "{story}");
    Became::ToldAsGone
}

fn emptied_behind_every_call(kind: Kind) {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    let disk = Recipe::new(kind).mount();
    let mut gone = Vec::new();
    for call in ["ioctl", "pread64", "fallocate", "fsync"] {
        let became = (1..200).map(|rank| emptied_behind(&disk.path(), call, rank));
        let became: Vec<_> = became.take_while(|became| *became != Became::NotHeld).collect();
        assert!(!became.is_empty(), "a rotation in place calls {call}");
        gone.extend(became.into_iter().filter(|became| *became == Became::ToldAsGone).map(|_| call));
    }
    // Behind the last look nobody can be kept away.
    assert_eq!(gone, ["ioctl"]);
}

#[test]
fn whatever_it_was_just_doing_on_ext4_no_line_of_the_new_text_is_lost() {
    emptied_behind_every_call(Kind::Ext4);
}

#[test]
fn whatever_it_was_just_doing_on_xfs_no_line_of_the_new_text_is_lost() {
    emptied_behind_every_call(Kind::Xfs);
}

#[test]
fn whatever_it_was_just_doing_on_btrfs_where_a_hole_is_made_no_line_of_the_new_text_is_lost() {
    emptied_behind_every_call(Kind::Btrfs);
}
