//! What goes wrong on the way into a store, and what others may try there: nothing goes that nobody proved to be there, and
//! nothing stands still for ever.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use crate::{
    collect::findings,
    support::{
        files,
        filesystem::{Kind, Recipe},
        needs::{self, Need, TRACES},
        scenario::{Scenario, files_under, text_of},
        stories::NOBODY,
        strace,
        trace::Call,
    },
};

const ROOT: &[Need] = &[Need::Root];
const LOCKS: &[Need] = &[Need::Program("flock")];

/// So many archives, each handed over.
pub(crate) fn handed_over(turns: usize, words: &str) -> Scenario {
    let scene = Scenario::new().shipping("", words);
    (0..turns).for_each(|number| turn(&scene, number));
    scene
}

pub(crate) fn turn(scene: &Scenario, number: usize) {
    scene.append("app.log", text_of(&format!("turn-{number}"), 3000));
    scene.rotate().exits(0);
}

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// All texts that were rotated are in the store, once, and nothing is left on the way.
pub(crate) fn ends_well(scene: &Scenario, turns: usize) {
    for _ in 0..2 {
        scene.rotate().exits(0);
        scene.ship().exits(0);
    }
    let texts: Vec<_> = (0..turns).map(|number| text_of(&format!("turn-{number}"), 3000)).collect();
    scene.assert_shipped(&texts, "in the end");
}

/// A store in whose place stands an empty folder, as where a disk is not mounted, while `act` happens.
fn without_its_disk(scene: &Scenario, act: impl FnOnce()) {
    let away = scene.root().join("away");
    fs::rename(scene.store(), &away).unwrap();
    fs::create_dir(scene.store()).unwrap();
    act();
    assert_eq!(files_under(&scene.store()), [].into(), "nothing may look like the store");
    fs::remove_dir(scene.store()).unwrap();
    fs::rename(away, scene.store()).unwrap();
}

#[test]
fn where_others_may_write_to_the_spool_no_receipt_counts() {
    let scene = handed_over(1, "keep = { count = 1 }");
    scene.ship().exits(0);
    scene.append("app.log", text_of("turn-1", 3000));
    set_mode(scene.spool(), 0o777);
    let ran = scene.rotate().exits(3).says("others may write to it");
    assert_eq!(ran.steps("remove", "done").len(), 0, "anybody could have signed: {ran:#?}");
    assert_eq!(scene.archives("app.log").len(), 2);
    set_mode(scene.spool(), 0o755);
    ends_well(&scene, 2);
}

#[test]
fn what_could_not_be_looked_at_again_is_not_removed() {
    let scene = handed_over(1, "keep = { count = 1 }");
    scene.ship().exits(0);
    scene.append("app.log", text_of("turn-1", 3000));
    let odd = scene.spool().join("ready/.new.data");
    fs::create_dir(&odd).unwrap();
    let ran = scene.rotate().exits(3);
    assert_eq!((ran.steps("settle", "done").len(), ran.steps("remove", "done").len()), (0, 0), "{ran:#?}");
    assert_eq!(scene.archives("app.log").len(), 2);
    fs::remove_dir(odd).unwrap();
    ends_well(&scene, 2);
}

#[test]
fn a_segment_that_was_begun_is_made_in_the_store_that_it_was_begun_for() {
    for shipped in [0, 1] {
        let scene = handed_over(shipped, "");
        if shipped > 0 {
            scene.ship().exits(0);
        }
        turn(&scene, shipped);
        let segments = scene.store().join("_opsbelt/manifests/test");
        let odd = segments.join(format!("{:010}.json", shipped + 1));
        fs::create_dir_all(&odd).unwrap();
        scene.ship().exits(3);
        assert_eq!(scene.segments().len(), shipped, "the object is there, and its segment is not");
        fs::remove_dir(odd).unwrap();
        without_its_disk(&scene, || {
            scene.ship().exits(3);
            assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 0);
        });
        ends_well(&scene, shipped + 1);
    }
}

#[test]
fn a_state_that_is_an_older_copy_of_its_own_is_told_and_gone_on_from() {
    let scene = handed_over(1, "");
    scene.ship().exits(0);
    let chain = scene.memory().remove(0);
    let older = fs::read(&chain).unwrap();
    turn(&scene, 1);
    scene.ship().exits(0);
    // As where a machine comes back from yesterday's snapshot.
    files::write(&chain, older).unwrap();
    turn(&scene, 2);
    let ran = scene.ship().exits(3).says("the manifest is forked");
    assert!(ran.stdout.contains(&format!("move {} away", chain.display())), "{ran:#?}");
    assert_eq!((scene.segments().len(), scene.rotate().exits(0).steps("settle", "done").len()), (2, 0));
    fs::remove_file(&chain).unwrap();
    scene.ship().exits(0);
    ends_well(&scene, 3);
}

#[test]
fn what_vanished_before_it_was_named_is_shipped_anew() {
    let scene = handed_over(1, "");
    scene.ship().exits(0);
    turn(&scene, 1);
    let odd = scene.store().join(format!("_opsbelt/manifests/test/{:010}.json", 2));
    fs::create_dir_all(&odd).unwrap();
    scene.ship().exits(3);
    fs::remove_dir(odd).unwrap();
    let fresh = scene.objects().into_keys().max_by_key(|key| key.contains("-0002_")).unwrap();
    fs::remove_file(scene.store().join(&fresh)).unwrap();
    let ran = scene.ship().exits(1);
    assert_eq!(
        (ran.steps("ship", "done").len(), &ran.json()["findings"][0]["id"]),
        (1, &"logs.object-vanished".into()),
        "{ran:#?}"
    );
    ends_well(&scene, 2);
}

#[test]
fn what_waits_when_the_ledger_is_lost_is_handed_over_once() {
    let scene = Scenario::new().shipping("", "").log_of("b.log", 3000);
    scene.rotate().exits(0);
    files::write(scene.live("a.log"), text_of("a.log", 3000)).unwrap();
    scene.rotate().exits(0);
    fs::remove_file(scene.ledger()).unwrap();
    assert_eq!(scene.rotate().exits(0).steps("adopt", "done").len(), 2);
    assert_eq!(scene.parcels().len(), 2);
    scene.ship().exits(0);
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 2);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn two_parcels_of_one_archive_become_one_object_that_is_named_once() {
    let scene = handed_over(3, "");
    let (ready, old) = (scene.spool().join("ready"), scene.root().join("old"));
    fs::rename(&ready, &old).unwrap();
    assert_eq!(scene.rotate().exits(0).steps("hand-over", "done").len(), 3);
    for name in files_under(&old).into_keys() {
        fs::rename(old.join(&name), ready.join(&name)).unwrap();
    }
    assert_eq!(scene.parcels().len(), 6);
    scene.ship().exits(0);
    assert_eq!(scene.segments()[0]["objects"].as_array().unwrap().len(), 3);
    ends_well(&scene, 3);
}

#[test]
fn what_waits_can_be_read_by_who_ships_from_now_on() {
    if !needs::met(ROOT) {
        return;
    }
    let scene = handed_over(2, "");
    chown(scene.spool().join("receipts"), Some(NOBODY), Some(NOBODY)).unwrap();
    turn(&scene, 2);
    let ready = scene.spool().join("ready");
    let names: Vec<PathBuf> = files_under(&ready).into_keys().map(|name| ready.join(name)).collect();
    assert_eq!(names.len(), 6);
    for path in names {
        assert_eq!((fs::metadata(&path).unwrap().gid(), mode(&path)), (NOBODY, 0o640), "{}", path.display());
    }
}

#[test]
fn a_receipt_that_is_not_believed_is_written_anew() {
    let scene = handed_over(1, "");
    scene.ship().exits(0);
    // The same store, elsewhere: what was signed for is signed for under its name of today.
    fs::rename(scene.store(), scene.root().join("store-2")).unwrap();
    scene.change_settings("/store\"", "/store-2\"");
    scene.rotate().exits(1).says("logs.receipt-refused");
    scene.ship().exits(0);
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 1);
    turn(&scene, 1);
    scene.ship().exits(0);
    files::write(scene.receipts().pop().unwrap(), "torn").unwrap();
    scene.rotate().exits(1);
    scene.ship().exits(0);
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 1);
}

#[test]
fn what_a_clone_finds_in_its_spool_is_in_nobodys_way() {
    let scene = Scenario::new().shipping("spool-max = \"2500\"", "");
    (0..4).for_each(|number| turn(&scene, number));
    let inherited = scene.parcels();
    scene.change_settings("host = \"test\"", "host = \"clone\"");
    scene.append("app.log", text_of("turn-4", 3000));
    let ran = scene.rotate();
    assert_eq!(ran.steps("hand-over", "done").len(), 1, "{ran:#?}");
    scene.ship().exits(0);
    assert_eq!(scene.objects().into_values().collect::<Vec<_>>(), [text_of("turn-4", 3000)]);
    scene.rotate();
    assert_eq!(scene.parcels(), inherited, "they are of another machine, and stay");
}

#[test]
fn what_was_made_under_another_name_is_told_by_every_run_as_long_as_the_store_has_it_not() {
    let scene = handed_over(2, "");
    let told = |word: &str| findings(&scene.run(&["--format", "json", word]).exits(0), "logs.of-another");
    assert_eq!(told("rotate"), [""; 0]);
    scene.change_settings("host = \"test\"", "host = \"another\"");
    for word in ["rotate", "rotate", "plan", "status"] {
        let told = told(word);
        assert!(told.len() == 1 && told[0].contains("2 archives (") && told[0].contains("of `test`"), "{word}: {told:?}");
    }
    scene.change_settings("host = \"another\"", "host = \"test\"");
    scene.ship().exits(0);
    scene.change_settings("host = \"test\"", "host = \"another\"");
    // By its receipts, and when they are settled.
    assert_eq!((told("plan"), told("status"), told("rotate")), (vec![], vec![], vec![]));
    assert_eq!((told("rotate"), told("status")), (vec![], vec![]));
}

#[test]
fn two_configurations_do_not_work_in_one_spool_at_the_same_time() {
    if !needs::met(LOCKS) {
        return;
    }
    let scene = handed_over(1, "");
    scene.append("app.log", text_of("turn-1", 3000));
    let beside_another = |folder: &str, word: &str| {
        let held = format!("flock '{}' \"$@\"", scene.spool().join(folder).display());
        scene.run_in_shell(&held, &["--format", "json", word]).exits(3).says("with another state, works in it")
    };
    assert_eq!(beside_another("ready", "rotate").steps("hand-over", "done").len(), 0);
    assert_eq!(beside_another("receipts", "ship").steps("ship", "done").len(), 0);
    assert_eq!((scene.parcels().len(), scene.objects().len()), (1, 0));
    ends_well(&scene, 2);
}

#[test]
fn a_strict_umask_does_not_lock_out_who_ships() {
    let scene = Scenario::new().shipping("", "").log_of("app.log", 3000);
    scene.change_settings("/spool\"", "/var/spool/logs\"");
    let strict = "umask 077; exec \"$@\"";
    scene.run_in_shell(strict, &["rotate"]).exits(0);
    scene.run_in_shell(strict, &["ship"]).exits(0);
    for folder in ["var", "var/spool", "var/spool/logs"] {
        assert_eq!(mode(scene.root().join(folder)), 0o755, "{folder}");
    }
    assert_eq!(mode(scene.store().join("logs")), 0o750);
}

#[test]
fn what_is_in_a_store_is_nobodys_log() {
    let scene = Scenario::new().shipping("", "compress = \"none\"");
    turn(&scene, 0);
    scene.ship().exits(0);
    let stored = files_under(&scene.store());
    // As somebody does who wants all logs of a machine, and has the store among them.
    scene.change_settings(&format!("{}/*.log", scene.logs().display()), &format!("{}/**/*.log", scene.root().display()));
    let ran = scene.rotate().exits(2).says("means what is in the store");
    assert!(ran.stderr.contains("exclude = ["), "{ran:#?}");
    assert_eq!(files_under(&scene.store()), stored);
    scene.change_settings("when = ", &format!("exclude = [\"{}/**/*\"]\nwhen = ", scene.store().display()));
    scene.rotate().exits(0);
    assert_eq!(files_under(&scene.store()), stored);
}

#[test]
fn what_the_disk_of_a_store_made_of_an_object_is_found_before_anybody_signs_for_it() {
    if !needs::met(needs::MOUNTS) || !needs::met(TRACES) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).mount();
    fs::create_dir(disk.path().join("store")).unwrap();
    let url = format!("file://{}/store", disk.path().display());
    let scene = Scenario::new().shipping_to(&url, "parallel = 1", "", "compress = \"none\"");
    let text = text_of("turn-0", 300_000);
    scene.append("app.log", &text);
    scene.rotate().exits(0);
    let ship = scene.command(&["--format", "json", "ship"]);
    let whole = strace::run(&ship, None).trace;
    let synced = |call: &&Call| call.name == "fsync" && call.args[0].contains(".part");
    let rank = whole.calls.iter().find(synced).unwrap().rank;
    // The same once more, in a store of its own: the disk loses a bit of what was written and synced, and is still in memory.
    fs::create_dir(disk.path().join("other")).unwrap();
    scene.change_settings("/store\"", "/other\"");
    let line = &text[100_000..100_060];
    let ended = strace::held(&ship, "fsync", rank, None, || disk.lose_a_bit_of(line));
    assert!(ended.code() == Some(3) && ended.stdout.contains("what was written reads back as something else"), "{ended:#?}");
    assert_eq!(files_under(&disk.path().join("other")), [].into());
    scene.ship().exits(0);
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 1);
}
