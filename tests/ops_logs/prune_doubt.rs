//! What makes prune doubt: a clock that leaps, rules and locks that changed since its tombstones, another machine of its name.

use std::{fs, path::PathBuf};

use crate::{
    collect::findings,
    prune::{object, of_turns, prune, put_back, says, shipped, texts, turn, verify},
    support::{
        files,
        needs::{self, Need},
        process,
        scenario::{Scenario, files_under, text_of},
    },
};

#[test]
fn a_clock_that_leaps_ahead_makes_nothing_old_in_the_store_at_once() {
    if !needs::met(&[Need::Program("faketime")]) {
        return;
    }
    let scene = shipped(3);
    scene.change_settings("count = 2", "max-age = \"30d\"");
    let at = |when: &str| scene.run_at(when, &["--format", "json", "prune", "--apply"]).exits(0);
    let stays = |when: &str| {
        let ran = at(when);
        assert_eq!(ran.steps("remove", "done").len(), 0, "{when}: {ran:#?}");
        assert!(findings(&ran, "logs.clock")[0].contains("2 objects that would be too old stay"), "{when}: {ran:#?}");
    };
    stays("+4000d");
    scene.run_at("+4000d", &["ship"]).exits(0);
    stays("+4000d");
    assert_eq!(texts(&scene).len(), 3);
    let ran = at("+4002d");
    assert_eq!((ran.steps("remove", "done").len(), texts(&scene)), (2, of_turns(2..3)), "it goes on: {ran:#?}");
}

#[test]
fn what_a_clock_that_was_behind_made_old_stays_in_the_store() {
    if !needs::met(&[Need::Program("faketime")]) {
        return;
    }
    let scene = Scenario::new().shipping("", "store-keep = { max-age = \"30d\" }").log_of("app.log", 3000);
    scene.run_at("-400d", &["rotate"]).exits(0);
    scene.ship().exits(0);
    turn(&scene, 1);
    let ran = prune(&scene, &["--apply"]).exits(0);
    assert!(says(&ran, "kept", "in the store only since"), "{ran:#?}");
    assert_eq!((ran.steps("remove", "done").len(), texts(&scene).len()), (0, 2), "{ran:#?}");
}

#[test]
fn another_machine_vouches_for_a_clock() {
    if !needs::met(&[Need::Program("faketime")]) {
        return;
    }
    let scene = shipped(3);
    scene.change_settings("count = 2", "max-age = \"30d\"");
    let other = Scenario::new().shipping_to(&format!("file://{}", scene.store().display()), "", "", "");
    other.change_settings("host = \"test\"", "host = \"other\"");
    other.append("app.log", text_of("other", 3000));
    other.rotate().exits(0);
    other.run_at("+3999d", &["ship"]).exits(0);
    let ran = scene.run_at("+4000d", &["--format", "json", "prune", "--apply"]).exits(0);
    assert_eq!(ran.steps("remove", "done").len(), 2, "{ran:#?}");
}

#[test]
fn what_the_rules_want_again_before_it_is_gone_is_taken_back_and_named_anew() {
    let scene = shipped(4);
    let kept = object(&scene, 0);
    prune(&scene, &["--apply"]).exits(0);
    put_back(&kept);
    scene.change_settings("count = 2", "count = 9");
    let planned = prune(&scene, &[]).exits(0);
    assert_eq!((planned.steps("name", "planned").len(), planned.steps("remove", "planned").len()), (1, 0), "{planned:#?}");
    let ran = prune(&scene, &["--apply"]).exits(0);
    assert_eq!((ran.steps("name", "done").len(), ran.steps("remove", "done").len()), (1, 0), "{ran:#?}");
    assert!(kept.0.exists(), "the rules want it");
    let ran = verify(&scene).exits(0);
    assert!(ran.summary().starts_with("as named: 3 of 3 objects") && ran.summary().ends_with("; 1 pruned"), "{ran:#?}");
    assert_eq!(findings(&ran, "logs.prune-unfinished"), [""; 0]);
    assert_eq!(prune(&scene, &["--apply"]).exits(0).steps("name", "done").len(), 0, "once is enough");
    fs::remove_file(&kept.0).unwrap();
    assert_eq!(findings(&verify(&scene).exits(1), "logs.object-missing").len(), 1, "it is missed again");
    files::write(&kept.0, "other").unwrap();
    scene.change_settings("count = 9", "count = 2");
    let ran = prune(&scene, &["--apply"]);
    assert_eq!(findings(&ran, "logs.object-differs").len(), 1, "{ran:#?}");
}

#[test]
fn what_somebody_locks_before_it_is_gone_is_named_anew() {
    if !needs::met(&[Need::Root, Need::Program("chattr")]) {
        return;
    }
    let scene = shipped(4);
    let kept = object(&scene, 0);
    prune(&scene, &["--apply"]).exits(0);
    put_back(&kept);
    process::must("chattr", &["+i".as_ref(), kept.0.as_os_str()]);
    let (ran, verified, again) = (prune(&scene, &["--apply"]), verify(&scene), prune(&scene, &["--apply"]));
    process::must("chattr", &["-i".as_ref(), kept.0.as_os_str()]);
    assert_eq!((ran.steps("name", "done").len(), again.steps("name", "done").len()), (1, 0), "{ran:#?}");
    assert_eq!(ran.summary(), "0 objects removed (0 B); 3 objects stay");
    assert!(verified.exits(0).summary().starts_with("as named: 3 of 3 objects"));
    assert_eq!(prune(&scene, &["--apply"]).exits(0).steps("remove", "done").len(), 1, "once it may go, it goes");
}

/// What a machine remembers.
fn remembered(scene: &Scenario) -> Vec<(PathBuf, Vec<u8>)> {
    scene.memory().into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn remembers_again(remembered: &[(PathBuf, Vec<u8>)]) {
    for (path, text) in remembered {
        files::write(path, text).unwrap();
    }
}

#[test]
fn where_another_machine_of_that_name_goes_on_with_the_manifest_nothing_goes() {
    let scene = shipped(2);
    let remembered = remembered(&scene);
    (2..4).for_each(|number| turn(&scene, number));
    let kept = object(&scene, 0);
    prune(&scene, &["--apply"]).exits(0);
    put_back(&kept);
    remembers_again(&remembered);
    let before = files_under(&scene.store());
    let ran = prune(&scene, &["--apply"]).exits(3).says("another one has its name");
    assert_eq!((ran.steps("remove", "done").len(), files_under(&scene.store())), (0, before), "{ran:#?}");
}

#[test]
fn where_another_machine_of_that_name_goes_on_with_the_manifest_nothing_of_others_goes_either() {
    let scene = shipped(4);
    scene.change_settings("host = \"test\"", "host = \"pruner\"");
    scene.change_settings("count = 2", "count = 3");
    let for_another = || prune(&scene, &["--apply", "--host", "test"]);
    assert_eq!(for_another().exits(0).steps("remove", "done").len(), 1);
    let (remembered, kept) = (remembered(&scene), object(&scene, 1));
    scene.change_settings("count = 3", "count = 2");
    assert_eq!(for_another().exits(0).steps("remove", "done").len(), 1);
    put_back(&kept);
    remembers_again(&remembered);
    let before = files_under(&scene.store());
    let ran = for_another().exits(3).says("the manifest of pruner").says("another one has its name: nothing is pruned");
    assert_eq!((ran.steps("remove", "done").len(), files_under(&scene.store())), (0, before), "{ran:#?}");
}

#[test]
fn a_manifest_of_which_nothing_can_be_read_is_there() {
    let scene = shipped(1);
    let url = format!("file://{}", scene.store().display());
    let laptop = Scenario::new().shipping_to(&url, "", "", "store-keep = { count = 1 }");
    files::write(scene.store().join("_opsbelt/manifests/test/0000000001.json"), "{}").unwrap();
    prune(&laptop, &["--apply"]).exits(4).says("nothing here remembers one");
    laptop.change_settings("host = \"test\"", "host = \"laptop\"");
    let ran = prune(&laptop, &["--apply", "--host", "test"]).exits(3).says("nothing of it is pruned");
    assert!(!ran.stdout.contains("no machine of that name"), "{ran:#?}");
}

#[test]
fn nobody_goes_on_with_the_manifest_of_a_machine_that_ships_elsewhere() {
    let scene = shipped(3);
    let laptop =
        Scenario::new().shipping_to(&format!("file://{}", scene.store().display()), "", "", "store-keep = { count = 1 }");
    let before = files_under(&scene.store());
    prune(&laptop, &["--apply"]).exits(4).says("nothing here remembers one");
    assert_eq!(files_under(&scene.store()), before);
    laptop.change_settings("host = \"test\"", "host = \"laptop\"");
    let ran = prune(&laptop, &["--apply", "--host", "test"]).exits(0);
    assert_eq!(ran.steps("remove", "done").len(), 2, "{ran:#?}");
    turn(&scene, 3);
    verify(&scene).exits(0);
}
