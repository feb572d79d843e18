//! What no rule wants in a store any more leaves it, each with a tombstone in the manifest first; what nobody can tell about stays.

use std::{
    fs::{self, File, FileTimes},
    path::PathBuf,
    time::SystemTime,
};

use serde_json::Value;

use crate::{
    collect::findings,
    support::{
        files,
        needs::{self, Need},
        process,
        scenario::{Ran, Scenario, files_under, text_of},
    },
};

/// So many archives of one log in the store, of which the rule wants two.
pub(crate) fn shipped(turns: usize) -> Scenario {
    let scene = Scenario::new().shipping("", "store-keep = { count = 2 }");
    (0..turns).for_each(|number| turn(&scene, number));
    scene
}

pub(crate) fn turn(scene: &Scenario, number: usize) {
    scene.append("app.log", text_of(&format!("turn-{number}"), 3000));
    scene.rotate().exits(0);
    scene.ship().exits(0);
    scene.rotate().exits(0);
}

pub(crate) fn prune(scene: &Scenario, more: &[&str]) -> Ran {
    let args: Vec<&str> = ["--format", "json", "prune"].iter().chain(more).copied().collect();
    scene.run(&args)
}

/// Whether a step that ended so gives this reason.
pub(crate) fn says(ran: &Ran, outcome: &str, why: &str) -> bool {
    ran.steps("remove", outcome).iter().any(|step| step["reason"].as_str().unwrap().contains(why))
}

pub(crate) fn verify(scene: &Scenario) -> Ran {
    scene.run(&["--format", "json", "verify", &format!("file://{}", scene.store().display())])
}

pub(crate) fn texts(scene: &Scenario) -> Vec<Vec<u8>> {
    let mut texts: Vec<_> = scene.objects().into_values().collect();
    texts.sort();
    texts
}

pub(crate) fn of_turns(turns: impl Iterator<Item = usize>) -> Vec<Vec<u8>> {
    let mut texts: Vec<_> = turns.map(|number| text_of(&format!("turn-{number}"), 3000)).collect();
    texts.sort();
    texts
}

/// The keys that have a tombstone, in order.
pub(crate) fn buried(scene: &Scenario) -> Vec<String> {
    let removed = |segment: Value| segment["removed"].as_array().cloned().unwrap_or_default();
    let all = scene.segments().into_iter().flat_map(removed);
    all.map(|one| one["key"].as_str().unwrap().to_owned()).collect()
}

/// The object of a turn as it is in the store: its path, its bytes, when it was made.
pub(crate) fn object(scene: &Scenario, number: usize) -> (PathBuf, Vec<u8>, SystemTime) {
    let text = text_of(&format!("turn-{number}"), 3000);
    let key = scene.objects().into_iter().find(|(_, found)| *found == text).unwrap().0;
    let path = scene.store().join(key);
    let made = fs::metadata(&path).unwrap().modified().unwrap();
    (path.clone(), fs::read(path).unwrap(), made)
}

pub(crate) fn put_back((path, bytes, made): &(PathBuf, Vec<u8>, SystemTime)) {
    files::write(path, bytes).unwrap();
    files::with(File::options().append(true), path, |file| file.set_times(FileTimes::new().set_modified(*made))).unwrap();
}

#[test]
fn without_apply_it_only_plans_and_with_it_what_no_rule_wants_goes() {
    let scene = shipped(4);
    let before = files_under(scene.root());
    for args in [&[][..], &["--apply", "--dry-run"]] {
        let ran = prune(&scene, args).exits(0);
        assert_eq!((ran.steps("remove", "planned").len(), ran.steps("remove", "kept").len()), (2, 2), "{ran:#?}");
        assert!(ran.summary().starts_with("2 objects to remove (") && ran.summary().contains("2 objects stay"), "{ran:#?}");
        assert!(says(&ran, "kept", "one of the newest 2"), "{ran:#?}");
    }
    assert_eq!(files_under(scene.root()), before);
    let ran = prune(&scene, &["--apply"]).exits(0);
    assert_eq!(ran.steps("remove", "done").len(), 2, "{ran:#?}");
    assert!(says(&ran, "done", "not among the newest 2"), "{ran:#?}");
    assert_eq!((texts(&scene), buried(&scene).len(), scene.segments().len()), (of_turns(2..4), 2, 5));
    let ran = verify(&scene).exits(0);
    assert!(ran.summary().starts_with("as named: 2 of 2 objects") && ran.summary().ends_with("; 2 pruned"), "{ran:#?}");
    assert_eq!(prune(&scene, &["--apply"]).exits(0).summary(), "nothing to remove; 2 objects stay");
    assert_eq!(scene.segments().len(), 5, "where nothing goes nothing is said");
    turn(&scene, 4);
    assert_eq!(prune(&scene, &["--apply"]).exits(0).steps("remove", "done").len(), 1);
    assert_eq!(texts(&scene), of_turns(3..5));
    verify(&scene).exits(0);
    assert!(scene.run(&["history"]).stdout.contains("prune"));
}

#[test]
fn what_was_pruned_does_not_come_back_and_the_rest_does() {
    let scene = shipped(4);
    prune(&scene, &["--apply"]).exits(0);
    let ran = scene.run(&["restore", "--to", "-"]).exits(0);
    let wanted: Vec<u8> = (2..4).flat_map(|number| text_of(&format!("turn-{number}"), 3000)).collect();
    assert_eq!(ran.stdout.as_bytes(), wanted);
}

#[test]
fn a_tombstone_whose_object_is_still_there_is_told_and_the_next_run_ends_it() {
    let scene = shipped(4);
    let kept = object(&scene, 0);
    prune(&scene, &["--apply"]).exits(0);
    put_back(&kept);
    let ran = verify(&scene).exits(0);
    assert_eq!(findings(&ran, "logs.prune-unfinished").len(), 1, "{ran:#?}");
    assert!(scene.run(&["restore", "--to", "-"]).exits(0).stdout.contains("turn-0"), "what is there comes back");
    let into = scene.root().join("back");
    fs::create_dir(&into).unwrap();
    let ran = scene.run(&["--format", "json", "restore", "--to", into.to_str().unwrap()]).exits(0);
    assert!(findings(&ran, "logs.prune-unfinished")[0].contains("1 log to be pruned, and still in the store"), "{ran:#?}");
    let ran = prune(&scene, &["--apply"]).exits(0);
    assert_eq!((ran.steps("remove", "done").len(), scene.segments().len()), (1, 5), "{ran:#?}");
    assert_eq!(texts(&scene), of_turns(2..4));
    assert_eq!(findings(&verify(&scene).exits(0), "logs.prune-unfinished"), [""; 0]);
}

#[test]
fn what_was_put_there_again_after_it_was_pruned_stays() {
    let scene = shipped(4);
    let (path, bytes, _) = object(&scene, 0);
    prune(&scene, &["--apply"]).exits(0);
    files::write(&path, &bytes).unwrap();
    let ran = prune(&scene, &["--apply"]).exits(0);
    assert!(says(&ran, "kept", "put there again"), "{ran:#?}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn what_is_shipped_again_after_it_was_pruned_is_named_again_and_is_there() {
    for unfinished in [false, true] {
        let scene = Scenario::new().shipping("", "store-keep = { count = 1 }").log_of("app.log", 3000);
        scene.rotate().exits(0);
        // A parcel that comes once more: a state that was lost, or two machines of one disk.
        let waits = |name: &str| scene.spool().join("ready").join(name);
        let parcel: Vec<_> = files_under(&scene.spool().join("ready"))
            .into_keys()
            .map(|name| (name.clone(), fs::read(waits(&name)).unwrap()))
            .collect();
        scene.ship().exits(0);
        scene.rotate().exits(0);
        scene.ship().exits(0);
        let text = scene.objects().into_values().next().unwrap();
        let key = scene.objects().into_keys().next().unwrap();
        let made = fs::metadata(scene.store().join(&key)).unwrap().modified().unwrap();
        let whole = (scene.store().join(&key), fs::read(scene.store().join(&key)).unwrap(), made);
        turn(&scene, 1);
        assert_eq!(prune(&scene, &["--apply"]).exits(0).steps("remove", "done").len(), 1);
        if unfinished {
            put_back(&whole);
        }
        for (name, bytes) in &parcel {
            files::write(waits(name), bytes).unwrap();
        }
        scene.ship().exits(0);
        let last = scene.segments().pop().unwrap();
        assert_eq!(last["objects"][0]["key"], key.as_str(), "{unfinished}: a tombstone is about what was named before it");
        assert_eq!(scene.objects().get(&key), Some(&text), "{unfinished}");
        let ran = verify(&scene).exits(0);
        assert!(ran.summary().starts_with("as named: 2 of 2 objects"), "{ran:#?}");
        assert_eq!(findings(&ran, "logs.prune-unfinished"), [""; 0], "{unfinished}");
        let ran = prune(&scene, &["--apply"]).exits(0);
        assert_eq!((ran.steps("remove", "done").len(), buried(&scene)), (1, vec![key.clone(), key]), "{ran:#?}");
        verify(&scene).exits(0);
    }
}

#[test]
fn what_no_manifest_names_stays_and_is_told() {
    let scene = shipped(3);
    let stranger = object(&scene, 2).0.with_file_name("test_x.zst");
    let of_another = stranger.with_file_name("other_x.zst");
    for path in [&stranger, &of_another] {
        files::write(path, "x").unwrap();
    }
    let ran = prune(&scene, &["--apply"]).exits(1);
    let told = findings(&ran, "logs.object-unknown");
    assert_eq!((told.len(), ran.steps("remove", "done").len()), (1, 1), "{ran:#?}");
    assert!(stranger.exists() && of_another.exists());
}

/// What is done to a store.
type Case<'a> = (&'a str, &'a dyn Fn(&Scenario));

#[test]
fn where_a_manifest_is_not_all_there_nothing_goes() {
    let segment = |scene: &Scenario, number: u64| scene.store().join(format!("_opsbelt/manifests/test/{number:010}.json"));
    let flip = |path: PathBuf| {
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        files::write(path, bytes).unwrap();
    };
    let cases: [Case; 4] = [
        ("one is missing", &|scene| fs::remove_file(segment(scene, 2)).unwrap()),
        ("one is damaged", &|scene| flip(segment(scene, 2))),
        ("the last one is missing", &|scene| fs::remove_file(segment(scene, 4)).unwrap()),
        ("the store is another", &|scene| fs::remove_dir_all(scene.store().join("_opsbelt")).unwrap()),
    ];
    for (what, act) in cases {
        let scene = shipped(4);
        act(&scene);
        let before = files_under(&scene.store());
        let ran = prune(&scene, &["--apply"]);
        assert_eq!((ran.code, ran.steps("remove", "done").len()), (Some(3), 0), "{what}: {ran:#?}");
        assert_eq!(files_under(&scene.store()), before, "{what}");
    }
}

#[test]
fn a_machine_that_is_gone_is_pruned_by_another_one_that_says_so_in_its_own_manifest() {
    let scene = shipped(4);
    scene.change_settings("host = \"test\"", "host = \"pruner\"");
    assert_eq!(prune(&scene, &["--apply"]).exits(0).summary(), "nothing to remove; 0 objects stay");
    let ran = prune(&scene, &["--apply", "--host", "test", "--host", "nobody"]).exits(3);
    assert!(ran.stdout.contains("no machine of that name has put anything there"), "{ran:#?}");
    assert_eq!((ran.steps("remove", "done").len(), texts(&scene)), (2, of_turns(2..4)), "{ran:#?}");
    assert_eq!((scene.segments().len(), buried(&scene).len()), (4, 0), "nobody writes to another one's manifest");
    let own = scene.store().join("_opsbelt/manifests/pruner/0000000001.json");
    let own: Value = serde_json::from_slice(&fs::read(own).unwrap()).unwrap();
    assert_eq!((own["removed"][0]["host"].as_str(), own["removed"][1]["segment"].as_u64()), (Some("test"), Some(2)), "{own:#}");
    let ran = verify(&scene).exits(0);
    assert!(ran.summary().ends_with("; 2 pruned"), "{ran:#?}");
    assert!(findings(&ran, "logs.pruned-by-another")[0].contains("machine pruner"), "{ran:#?}");
    let url = format!("file://{}", scene.store().display());
    let of_one = scene.run(&["--format", "json", "verify", &url, "--host", "test"]).exits(0);
    assert!(of_one.summary().ends_with("; 2 pruned"), "also where only that machine is asked about: {of_one:#?}");
    let told = scene.run(&["restore", "--host", "test", "--to", "-"]).exits(0).stdout;
    assert!(told.into_bytes() == [2, 3].map(|turn| text_of(&format!("turn-{turn}"), 3000)).concat());
    // What is missing without a tombstone is still told.
    fs::remove_file(object(&scene, 3).0).unwrap();
    let ran = scene.run(&["--format", "json", "restore", "--dry-run", "--host", "test", "--to", "-"]).exits(3);
    assert_eq!(ran.steps("restore", "planned").len(), 1, "{ran:#?}");
    ran.says("the store does not have logs/");
    let ran = scene.run(&["--format", "json", "verify", &url, "--host", "test"]).exits(1);
    assert_eq!(findings(&ran, "logs.object-missing").len(), 1, "{ran:#?}");
}

#[test]
fn sets_that_the_settings_do_not_have_keep_all_and_sets_can_be_chosen() {
    let scene = shipped(3);
    assert_eq!(prune(&scene, &["app"]).exits(0).steps("remove", "planned").len(), 1);
    prune(&scene, &["web"]).exits(2).says("the set `web`");
    scene.change_settings("name = \"app\"", "name = \"web\"");
    let ran = prune(&scene, &[]).exits(0);
    assert!(says(&ran, "kept", "no set of that name"), "{ran:#?}");
    assert_eq!(ran.steps("remove", "planned").len(), 0);
}

#[test]
fn what_may_not_be_altered_stays_until_it_may() {
    if !needs::met(&[Need::Root, Need::Program("chattr")]) {
        return;
    }
    let scene = shipped(4);
    let path = object(&scene, 0).0;
    process::must("chattr", &["+i".as_ref(), path.as_os_str()]);
    let ran = prune(&scene, &["--apply"]);
    process::must("chattr", &["-i".as_ref(), path.as_os_str()]);
    let ran = ran.exits(0);
    assert!(says(&ran, "kept", "may not be altered"), "{ran:#?}");
    assert_eq!((ran.steps("remove", "done").len(), texts(&scene).len(), buried(&scene).len()), (1, 3, 1), "{ran:#?}");
    assert_eq!(prune(&scene, &["--apply"]).exits(0).steps("remove", "done").len(), 1);
}

#[test]
fn where_one_part_of_an_archive_may_not_go_none_does() {
    if !needs::met(&[Need::Root, Need::Program("chattr")]) {
        return;
    }
    let scene = Scenario::new().shipping("", "store-keep = { count = 1 }");
    let line = |at: &str| format!("{at} {}\n", "x".repeat(1500));
    scene.append("app.log", line("2026-11-20T23:00:00Z") + &line("2026-11-21T01:00:00Z"));
    scene.rotate().exits(0);
    scene.ship().exits(0);
    scene.rotate().exits(0);
    let path = scene.store().join(scene.objects().into_keys().find(|key| key.contains("dt=2026-11-21")).unwrap());
    turn(&scene, 1);
    process::must("chattr", &["+i".as_ref(), path.as_os_str()]);
    let ran = prune(&scene, &["--apply"]);
    process::must("chattr", &["-i".as_ref(), path.as_os_str()]);
    let ran = ran.exits(0);
    assert!(says(&ran, "kept", "another part of its archive stays"), "{ran:#?}");
    assert_eq!((texts(&scene).len(), buried(&scene).len()), (3, 0), "{ran:#?}");
    assert_eq!(prune(&scene, &["--apply"]).exits(0).steps("remove", "done").len(), 2);
}

#[test]
fn at_a_terminal_it_shows_how_far_it_is() {
    if !needs::met(&[Need::Program("script")]) {
        return;
    }
    let scene = shipped(3);
    let ran = scene.run_in_shell("TERM=xterm script -qec \"$*\" /dev/null", &["prune", "--apply"]).exits(0);
    assert!(ran.stdout.contains("pruning ") && ran.stdout.contains("1 object removed"), "{ran:#?}");
}

#[test]
fn it_never_writes_to_the_manifest_while_somebody_ships() {
    let scene = shipped(3);
    let lock = File::open(scene.state().join("logs-ship.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let ran = prune(&scene, &["--apply"]);
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::Unlock).unwrap();
    ran.exits(75);
    assert_eq!(texts(&scene).len(), 3);
}

#[test]
fn with_whatever_state_it_runs_it_goes_on_with_the_one_chain_of_the_machine() {
    let scene = shipped(3);
    let with_other_state = |args: &[&str]| {
        let mut command = scene.command(args);
        Ran::of(command.env("STATE_DIRECTORY", scene.root().join("other")))
    };
    let ran = with_other_state(&["--format", "json", "prune", "--apply"]).exits(0);
    assert_eq!((ran.steps("remove", "done").len(), findings(&ran, "logs.chain-resumed").len()), (1, 0), "{ran:#?}");
    turn(&scene, 3);
    assert_eq!((scene.segments().len(), texts(&scene)), (5, of_turns(1..4)));
    let url = format!("file://{}", scene.store().display());
    for ran in [verify(&scene).exits(0), with_other_state(&["--format", "json", "verify", &url]).exits(0)] {
        assert_eq!(findings(&ran, "logs.tail-unproven"), [""; 0]);
    }
    let desk = File::open(scene.spool().join("receipts")).unwrap();
    rustix::fs::flock(&desk, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let ran = with_other_state(&["--format", "json", "prune", "--apply"]).exits(3).says("another run of ops-logs");
    assert_eq!(ran.steps("remove", "done").len(), 0, "{ran:#?}");
}

#[test]
fn rules_for_a_store_need_one_and_know_no_disk() {
    let without = Scenario::new().plain_set("store-keep = { count = 2 }");
    without.run(&["config", "check"]).exits(2).says("there is no store");
    without.run(&["prune"]).exits(2).says("there is no store");
    let scene = Scenario::new().shipping("", "store-keep = { min-free = \"10%\" }");
    scene.run(&["config", "check"]).exits(2).says("nobody measures the room in a store");
    let none = Scenario::new().plain_set("");
    none.run(&["prune"]).exits(2).says("find a store");
}
