//! A store is proven by its manifests: whatever was removed, altered or put there is named, also at the end, where this machine
//! remembers it.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use crate::{
    collect::findings,
    support::{
        files,
        needs::{self, Need},
        process,
        scenario::{Ran, Scenario, files_under, text_of},
        stories::NOBODY,
    },
};

/// So many segments of one object each.
fn shipped(segments: usize) -> Scenario {
    let scene = Scenario::new().shipping("", "");
    for number in 0..segments {
        scene.append("app.log", text_of(&format!("turn-{number}"), 3000));
        scene.rotate().exits(0);
        scene.ship().exits(0);
    }
    scene
}

pub(crate) fn verify(scene: &Scenario, more: &[&str]) -> Ran {
    let url = format!("file://{}", scene.store().display());
    let args: Vec<&str> = ["--format", "json", "verify", &url].iter().chain(more).copied().collect();
    scene.run(&args)
}

/// The ids of all findings, sorted.
pub(crate) fn told(ran: &Ran) -> Vec<String> {
    let json = ran.json();
    let mut ids: Vec<_> = json["findings"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn object(scene: &Scenario, number: usize) -> std::path::PathBuf {
    let segment = &scene.segments()[number - 1];
    scene.store().join(segment["objects"][0]["key"].as_str().unwrap())
}

fn segment(scene: &Scenario, number: usize) -> std::path::PathBuf {
    scene.store().join(format!("_opsbelt/manifests/test/{number:010}.json"))
}

/// A day's lines each, every day shipped by itself.
fn shipped_days() -> Scenario {
    let scene = Scenario::new().shipping("", "");
    for day in 10..13 {
        for minute in 10..50 {
            scene.append("app.log", format!("2026-11-{day}T10:{minute}:00Z line {minute} of that day\n"));
        }
        scene.rotate().exits(0);
        scene.ship().exits(0);
        scene.rotate().exits(0);
    }
    scene
}

#[test]
fn a_whole_day_that_was_removed_is_named_and_nothing_here_goes_for_it() {
    let day = |scene: &Scenario, day: usize| {
        fs::remove_dir_all(scene.store().join(format!("logs/service=app/dt=2026-11-{day}"))).unwrap();
    };
    let cases: [Case; 3] = [
        ("its objects", &|scene| day(scene, 11), &["logs.object-missing"]),
        (
            "its objects and its segment",
            &|scene| {
                day(scene, 11);
                fs::remove_file(segment(scene, 2)).unwrap();
            },
            &["logs.segment-missing"],
        ),
        (
            "the newest day",
            &|scene| {
                day(scene, 12);
                fs::remove_file(segment(scene, 3)).unwrap();
            },
            &["logs.tail-missing"],
        ),
    ];
    for (what, act, ids) in cases {
        let scene = shipped_days();
        act(&scene);
        let here = scene.files();
        assert_eq!(told(&verify(&scene, &[]).exits(1)), ids, "{what}");
        scene.rotate().exits(0);
        assert_eq!(scene.files(), here, "{what}");
    }
}

/// What is done to a store, and what is told of it.
type Case<'a> = (&'a str, &'a dyn Fn(&Scenario), &'a [&'a str]);

const BEFORE_THE_FIRST: &[&str] = &["logs.segment-differs", "logs.segment-missing"];

/// Takes away all that is in a folder.
fn empty(folder: &Path) {
    fs::remove_dir_all(folder).unwrap();
    fs::create_dir(folder).unwrap();
}

#[test]
fn a_store_that_is_as_it_was_made_is_sound() {
    let scene = shipped(3);
    let ran = verify(&scene, &[]).exits(0);
    assert_eq!((told(&ran), ran.summary().starts_with("as named: 3 of 3 objects of 1 machine (")), (vec![], true), "{ran:#?}");
    verify(&scene, &["--quick"]).exits(0).says("by their sizes");
}

#[test]
fn of_a_machine_that_was_asked_for_something_must_be_there() {
    let scene = shipped(1);
    let key = format!("{}/tests/fixtures/head-v1.pem", env!("CARGO_MANIFEST_DIR"));
    let by_key = ["--public-key", &key, "--fresh", "26h"];
    for more in [&["--host", "gone"][..], &["--host", "test", "--host", "gone", "--host", "gone"]] {
        assert_eq!(told(&verify(&scene, more).exits(1)), ["logs.machine-missing"], "{more:?}");
    }
    // As where somebody removed all that a machine put there, with its manifest and its heads.
    let elsewhere = Scenario::new().plain_set("");
    let ask = |more: &[&str]| {
        let url = format!("file://{}", scene.store().display());
        elsewhere.run(&[&["--format", "json", "verify", &url][..], more].concat())
    };
    empty(&scene.store());
    for more in [&[][..], &["--host", "test"], &by_key, &[&["--host", "test"][..], &by_key].concat()] {
        assert_eq!(told(&ask(more).exits(1)), ["logs.machine-missing"], "{more:?}");
    }
}

#[test]
fn whatever_is_done_to_a_store_is_named() {
    let flip = |path: &std::path::Path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        files::write(path, bytes).unwrap();
    };
    let cases: [Case; 14] = [
        ("an object removed", &|scene| fs::remove_file(object(scene, 2)).unwrap(), &["logs.object-missing"]),
        ("an object altered", &|scene| flip(&object(scene, 2)), &["logs.object-differs"]),
        ("an object cut", &|scene| files::write(object(scene, 2), "").unwrap(), &["logs.object-differs"]),
        (
            "an object put there",
            &|scene| files::write(object(scene, 2).with_file_name("x.zst"), "x").unwrap(),
            &["logs.object-unknown"],
        ),
        (
            "an object put there under a name that no key can be",
            &|scene| files::write(object(scene, 2).with_file_name("ä b.zst"), "x").unwrap(),
            &["logs.object-unknown"],
        ),
        (
            "a folder of such a name, and a link",
            &|scene| {
                fs::create_dir(scene.store().join("logs/ä")).unwrap();
                files::write(scene.store().join("logs/ä/x.zst"), "x").unwrap();
                std::os::unix::fs::symlink("/etc/passwd", scene.store().join("logs/x.log")).unwrap();
            },
            &["logs.object-unknown", "logs.object-unknown"],
        ),
        ("a segment removed", &|scene| fs::remove_file(segment(scene, 2)).unwrap(), &["logs.segment-missing"]),
        ("the first segment removed", &|scene| fs::remove_file(segment(scene, 1)).unwrap(), &["logs.segment-missing"]),
        ("a segment altered", &|scene| flip(&segment(scene, 2)), &["logs.segment-differs"]),
        (
            "the last segment and its object removed",
            &|scene| {
                fs::remove_file(object(scene, 3)).unwrap();
                fs::remove_file(segment(scene, 3)).unwrap();
            },
            &["logs.tail-missing"],
        ),
        (
            "a segment in place of another",
            &|scene| {
                files::copy(segment(scene, 1), segment(scene, 2)).unwrap();
            },
            &["logs.segment-differs"],
        ),
        ("a segment before the first", &|scene| fs::rename(segment(scene, 1), segment(scene, 0)).unwrap(), BEFORE_THE_FIRST),
        ("all of it removed", &|scene| empty(scene.store().as_path()), &["logs.tail-missing"]),
        (
            "the manifest removed",
            &|scene| fs::remove_dir_all(scene.store().join("_opsbelt")).unwrap(),
            &["logs.object-unknown", "logs.object-unknown", "logs.object-unknown", "logs.tail-missing"],
        ),
    ];
    for (what, act, ids) in cases {
        let scene = shipped(3);
        act(&scene);
        let before = files_under(scene.root());
        let ran = verify(&scene, &[]).exits(1);
        assert_eq!(told(&ran), ids, "{what}: {ran:#?}");
        assert_eq!(files_under(scene.root()), before, "{what}");
    }
}

#[test]
fn copies_of_a_manifest_are_in_nobodys_way() {
    let scene = shipped(2);
    for copy in ["test/old/0000000007.json", "old/test/0000000001.json"] {
        let copy = scene.store().join("_opsbelt/manifests").join(copy);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        files::copy(segment(&scene, 1), copy).unwrap();
    }
    assert_eq!(told(&verify(&scene, &[]).exits(0)), [""; 0]);
    let bytes: usize = ["turn-0", "turn-1"].iter().map(|turn| text_of(turn, 3000).len()).sum();
    assert_eq!(scene.run(&["restore", "--to", "-"]).exits(0).stdout.len(), bytes);
    scene.forget();
    scene.append("app.log", text_of("turn-2", 3000));
    scene.rotate().exits(0);
    scene.ship().exits(0);
    assert!(segment(&scene, 3).exists(), "it goes on where it was");
}

#[test]
fn where_nobody_remembers_the_end_it_is_told_to_be_unproven() {
    let scene = shipped(2);
    fs::remove_file(object(&scene, 2)).unwrap();
    fs::remove_file(segment(&scene, 2)).unwrap();
    scene.change_settings("host = \"test\"", "host = \"another\"");
    let ran = verify(&scene, &[]).exits(0);
    assert_eq!(told(&ran), ["logs.tail-unproven"], "{ran:#?}");
    assert!(findings(&ran, "logs.tail-unproven")[0].contains("segment 1"), "{ran:#?}");
}

#[test]
fn two_machines_are_told_apart() {
    let scene = shipped(2);
    fs::remove_dir_all(scene.spool()).unwrap();
    let (copy, ledger) = (scene.root().join("other"), scene.ledger());
    fs::create_dir(&copy).unwrap();
    fs::remove_file(ledger).unwrap();
    scene.change_settings("host = \"test\"", "host = \"another\"");
    scene.append("app.log", text_of("of another", 3000));
    scene.rotate();
    scene.ship().exits(0);
    let ran = verify(&scene, &[]);
    assert!(ran.summary().contains("of 2 machines"), "{ran:#?}");
}

#[test]
fn a_store_that_cannot_be_looked_into_is_not_called_sound() {
    let scene = shipped(1);
    fs::rename(scene.store(), scene.root().join("away")).unwrap();
    verify(&scene, &[]).exits(4).says("no such file or directory");
    scene.run(&["verify", "ftp://x"]).exits(2).says("is no store that is known");
    scene.run(&["verify", "file:///a", "app"]).exits(2).says("a store is proven by itself");
    scene.run(&["verify", "app", "--quick"]).exits(2).says("are about a store");
}

#[test]
fn a_chain_that_was_written_anew_from_its_first_segment_on_is_named() {
    let (scene, other) = (shipped(2), shipped(3));
    empty(&scene.store());
    for name in files_under(&other.store()).into_keys() {
        let path = scene.store().join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        files::copy(other.store().join(&name), path).unwrap();
    }
    let ran = verify(&scene, &[]).exits(1);
    assert_eq!(told(&ran), ["logs.segment-differs"], "{ran:#?}");
}

#[test]
fn segments_that_another_machine_of_that_name_made_are_named() {
    let scene = shipped(1);
    let path = scene.memory().pop().unwrap();
    let remembered = fs::read(&path).unwrap();
    scene.append("app.log", text_of("of another", 3000));
    scene.rotate().exits(0);
    scene.ship().exits(0);
    files::write(&path, remembered).unwrap();
    let ran = verify(&scene, &[]).exits(1);
    assert_eq!(told(&ran), ["logs.segment-differs"], "{ran:#?}");
    assert_eq!(told(&verify(&scene, &["--host", "other"])), ["logs.machine-missing"], "nobody asked about that one");
}

#[test]
fn a_store_of_many_folders_is_looked_through_with_few_descriptors() {
    let scene = shipped(1);
    for number in 0..200 {
        let folder = scene.store().join(format!("logs/service=app/dt={number}"));
        fs::create_dir(&folder).unwrap();
        files::write(folder.join("x.zst"), "x").unwrap();
    }
    let url = format!("file://{}", scene.store().display());
    let few = "ulimit -n 64; exec \"$@\"";
    let ran = scene.run_in_shell(few, &["--format", "json", "verify", &url]).exits(1);
    assert_eq!(findings(&ran, "logs.object-unknown").len(), 200);
}

#[test]
fn what_was_found_is_told_although_not_all_could_be_looked_at() {
    if !needs::met(&[Need::Root, Need::Program("setpriv")]) {
        return;
    }
    let scene = shipped(2).open_root();
    fs::remove_file(object(&scene, 1)).unwrap();
    process::must("chmod", &["-R".as_ref(), "a+rX".as_ref(), scene.store().as_os_str()]);
    let closed = scene.store().join("logs/closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(closed, Permissions::from_mode(0o700)).unwrap();
    let url = format!("file://{}", scene.store().display());
    let ran = scene.run_as(NOBODY, &["--format", "json", "verify", &url]).exits(3);
    assert_eq!(findings(&ran, "logs.object-missing").len(), 1, "{ran:#?}");
}
