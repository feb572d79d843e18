//! Archives on their way into a store: each gets there once, whole and named, and nothing here goes before it is there.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;

use crate::{
    collect::findings,
    support::{
        files,
        needs::{self, Need},
        scenario::{Ran, Scenario, files_under, text_of},
    },
};

const OTHER_DAYS: &[Need] = &[Need::Program("faketime")];

/// The text of all objects, sorted.
fn texts(scene: &Scenario) -> Vec<Vec<u8>> {
    let mut texts: Vec<_> = scene.objects().into_values().collect();
    texts.sort();
    texts
}

/// What all segments together name, by key.
fn named(scene: &Scenario) -> BTreeMap<String, Value> {
    let mut named = BTreeMap::new();
    for object in scene.segments().iter().flat_map(|segment| segment["objects"].as_array().unwrap().clone()) {
        let again = named.insert(object["key"].as_str().unwrap().to_owned(), object);
        assert!(again.is_none(), "named twice: {again:?}");
    }
    named
}

fn turn(scene: &Scenario, number: usize) -> Vec<u8> {
    let text = text_of(&format!("turn-{number}"), 3000);
    scene.append("app.log", &text);
    text
}

#[test]
fn what_is_archived_gets_into_the_store_once_and_is_named_there() {
    let scene = Scenario::new().shipping("", "service = \"web\"").log_of("a.log", 5000).log_of("b.log", 9000).log_of("c.log", 10);
    let rotated = scene.rotate().exits(0);
    assert_eq!(rotated.steps("hand-over", "done").len(), 2, "{rotated:#?}");
    assert_eq!(scene.parcels().len(), 2);
    let shipped = scene.ship().exits(0);
    assert_eq!(shipped.steps("ship", "done").len(), 2, "{shipped:#?}");
    assert_eq!(texts(&scene), [text_of("a.log", 5000), text_of("b.log", 9000)]);
    let objects = scene.objects();
    assert!(
        objects.keys().all(|key| key.starts_with("logs/service=web/dt=20") && key.contains("/hour=") && key.ends_with(".zst"))
    );
    assert_eq!(named(&scene).keys().collect::<Vec<_>>(), objects.keys().collect::<Vec<_>>());
    assert_eq!(scene.parcels().len(), 2, "only who may remove takes back");
    let settled = scene.rotate().exits(0);
    assert_eq!(settled.steps("settle", "done").len(), 2, "{settled:#?}");
    assert_eq!(scene.parcels().len(), 0);
    for _ in 0..2 {
        assert_eq!(scene.ship().exits(0).summary(), "nothing waits for the store");
        assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    }
    assert_eq!((scene.objects(), scene.segments().len()), (objects, 1));
    assert_eq!(scene.spooled(), BTreeMap::new(), "receipts have done what they were for");
    assert_eq!(scene.archives("a.log").len(), 1, "no rule says that it goes");
}

#[test]
fn nothing_goes_while_the_store_is_away_and_everything_gets_there_once_when_it_is_back() {
    const TURNS: usize = 6;
    let scene = Scenario::new().shipping("", "keep = { count = 1 }");
    fs::rename(scene.store(), scene.root().join("away")).unwrap();
    let mut written: Vec<_> = (0..TURNS)
        .map(|number| {
            let text = turn(&scene, number);
            let ran = scene.rotate().exits(0);
            assert_eq!(ran.steps("remove", "done").len(), 0, "{ran:#?}");
            let ran = scene.ship().exits(3);
            assert!(!scene.store().exists() && ran.json()["incomplete"][0]["hint"] == "mount it, or make it", "{ran:#?}");
            text
        })
        .collect();
    assert_eq!(scene.archives("app.log").len(), TURNS);
    fs::rename(scene.root().join("away"), scene.store()).unwrap();
    scene.ship().exits(0);
    written.sort();
    assert_eq!(texts(&scene), written);
    assert_eq!(named(&scene).len(), TURNS);
    let ran = scene.rotate().exits(0);
    assert_eq!((ran.steps("settle", "done").len(), ran.steps("remove", "done").len()), (TURNS, TURNS - 1), "{ran:#?}");
    assert_eq!(scene.archives("app.log").len(), 1, "the newest always stays");
}

#[test]
fn no_more_than_the_settings_say_waits_in_the_spool() {
    let scene = Scenario::new().shipping("spool-max = \"2500\"", "");
    let mut written: Vec<_> = (0..4)
        .map(|number| {
            let text = turn(&scene, number);
            scene.rotate().exits(0);
            text
        })
        .collect();
    let waits = || files_under(&scene.spool().join("ready")).into_iter().filter(|(name, _)| name.ends_with(".data"));
    let handed = waits().count();
    assert!(
        (1..4).contains(&handed) && waits().map(|(_, bytes)| bytes).sum::<u64>() <= 2500,
        "{:?}",
        files_under(&scene.spool())
    );
    let why = scene.rotate().exits(0).reason("hand-over", "waiting", "spool");
    assert!(why.contains("spool-max is 2.4 KiB") && why.contains(&format!("{} archive", 4 - handed)), "{why}");
    for _ in 0..4 {
        scene.ship().exits(0);
        scene.rotate().exits(0);
    }
    written.sort();
    assert_eq!(texts(&scene), written);
}

#[test]
fn an_archive_larger_than_the_spool_goes_by_itself() {
    let scene = Scenario::new().shipping("spool-max = \"1 KiB\"", "").log_of("app.log", 50_000);
    scene.rotate().exits(0);
    scene.ship().exits(0);
    assert_eq!(texts(&scene), [text_of("app.log", 50_000)]);
}

/// The one receipt there is.
fn receipt(scene: &Scenario) -> PathBuf {
    let mut receipts = scene.receipts();
    assert_eq!(receipts.len(), 1, "{receipts:?}");
    receipts.remove(0)
}

#[test]
fn a_receipt_that_does_not_agree_removes_nothing() {
    let scene = Scenario::new().shipping("", "keep = { count = 1 }");
    turn(&scene, 0);
    scene.rotate().exits(0);
    scene.ship().exits(0);
    turn(&scene, 1);
    let path = receipt(&scene);
    let (good, before) = (fs::read_to_string(&path).unwrap(), scene.archives("app.log"));
    let ticket = scene.parcels().into_keys().next().unwrap();
    let refused = |text: &[u8]| {
        files::write(&path, text).unwrap();
        let ran = scene.run(&["--format", "json", "rotate", "--force"]).exits(1);
        assert_eq!((findings(&ran, "logs.receipt-refused").len(), ran.steps("settle", "done").len()), (1, 0), "{ran:#?}");
        assert!(scene.archives("app.log").len() > before.len() && ticket.exists(), "{ran:#?}");
    };
    let id = ticket.file_stem().unwrap().to_str().unwrap();
    let sum = good.rsplit_once(",\"sum\"").unwrap().0;
    for text in [
        String::new(),
        good.replace(id, &"0".repeat(64)),
        good.replace("/store\"", "/other\""),
        sum.to_owned() + "}",
        good.replace("\"version\":1", "\"version\":2"),
        "x".repeat(100_000),
    ] {
        refused(text.as_bytes());
    }
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    scene.rotate().exits(1);
    fs::remove_file(&path).unwrap();
    files::write(&path, good).unwrap();
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 1);
}

#[test]
fn a_receipt_for_an_earlier_hand_over_is_for_no_other_one() {
    let scene = Scenario::new().shipping("", "").log_of("app.log", 3000);
    scene.rotate().exits(0);
    scene.ship().exits(0);
    let path = receipt(&scene);
    let old = fs::read(&path).unwrap();
    // The hand-over is undone, and done anew: nobody has signed for the new one.
    fs::remove_dir_all(scene.spool().join("ready")).unwrap();
    fs::remove_file(&path).unwrap();
    scene.rotate().exits(0);
    let ticket = scene.parcels().into_keys().next().unwrap();
    let replayed = path.with_file_name(ticket.file_name().unwrap());
    assert_ne!(replayed, path);
    files::write(&replayed, old).unwrap();
    let ran = scene.rotate().exits(1);
    assert_eq!(findings(&ran, "logs.receipt-refused").len(), 1, "{ran:#?}");
    assert!(ticket.exists());
}

#[test]
fn what_is_not_what_was_handed_over_any_more_stays_and_is_told() {
    let scene = Scenario::new().shipping("", "keep = { count = 1 }").log_of("app.log", 3000);
    scene.rotate().exits(0);
    scene.ship().exits(0);
    let archive = scene.live(&scene.archives("app.log")[0]);
    let mut bytes = fs::read(&archive).unwrap();
    bytes[100] ^= 1;
    files::write(&archive, bytes).unwrap();
    let ran = scene.rotate().exits(3);
    assert_eq!((ran.steps("settle", "failed").len(), findings(&ran, "logs.archive-wrong").len()), (1, 1), "{ran:#?}");
    assert_eq!(scene.parcels().len(), 1);
}

#[test]
fn a_damaged_archive_is_not_handed_over() {
    let scene = Scenario::new().shipping("", "ship = false").log_of("app.log", 3000);
    scene.rotate().exits(0);
    assert_eq!(scene.parcels().len(), 0, "this set does not ship");
    let archive = scene.live(&scene.archives("app.log")[0]);
    let mut bytes = fs::read(&archive).unwrap();
    bytes[100] ^= 1;
    files::write(&archive, bytes).unwrap();
    scene.change_settings("ship = false", "");
    assert_eq!(scene.rotate().exits(3).steps("hand-over", "failed").len(), 1);
    assert_eq!(scene.spooled(), BTreeMap::new());
}

#[test]
fn another_object_under_the_same_key_is_told_and_neither_is_touched() {
    let scene = Scenario::new().shipping("", "").log_of("app.log", 3000);
    scene.rotate().exits(0);
    let key = scene.parcels().into_values().next().unwrap()["key"].as_str().unwrap().to_owned();
    let object = scene.store().join(key);
    fs::create_dir_all(object.parent().unwrap()).unwrap();
    files::write(&object, zstd::encode_all(&b"something else\n"[..], 1).unwrap()).unwrap();
    let before = fs::read(&object).unwrap();
    let ran = scene.ship().exits(3);
    assert_eq!((ran.steps("ship", "failed").len(), findings(&ran, "logs.object-differs").len()), (1, 1), "{ran:#?}");
    assert_eq!((fs::read(&object).unwrap(), scene.parcels().len(), scene.segments().len()), (before, 1, 0));
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 0);
}

#[test]
fn the_same_text_in_another_form_under_the_same_key_is_the_same() {
    let scene = Scenario::new().shipping("", "").log_of("app.log", 3000);
    scene.rotate().exits(0);
    let key = scene.parcels().into_values().next().unwrap()["key"].as_str().unwrap().to_owned();
    let object = scene.store().join(key);
    fs::create_dir_all(object.parent().unwrap()).unwrap();
    let other = zstd::encode_all(&text_of("app.log", 3000)[..], 19).unwrap();
    files::write(&object, &other).unwrap();
    scene.ship().exits(0);
    let named: Vec<_> = named(&scene).into_values().collect();
    assert_eq!((named.len(), named[0]["stored"].as_u64()), (1, Some(other.len() as u64)), "{named:?}");
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 1);
    assert_eq!(fs::read(object).unwrap(), other);
}

#[test]
fn a_store_that_is_not_the_one_that_it_was_gets_nothing() {
    let scene = Scenario::new().shipping("", "");
    turn(&scene, 0);
    scene.rotate().exits(0);
    scene.ship().exits(0);
    // An empty folder, as where a disk is not mounted.
    fs::rename(scene.store(), scene.root().join("away")).unwrap();
    fs::create_dir(scene.store()).unwrap();
    turn(&scene, 1);
    scene.rotate().exits(0);
    scene.ship().exits(3).says("segment 1 of this machine's manifest is not there");
    assert_eq!(files_under(&scene.store()), BTreeMap::new());
    fs::remove_dir(scene.store()).unwrap();
    fs::rename(scene.root().join("away"), scene.store()).unwrap();
    scene.ship().exits(0);
    assert_eq!((scene.objects().len(), named(&scene).len()), (2, 2));
}

#[test]
fn two_machines_of_one_name_are_told() {
    let scene = Scenario::new().shipping("", "");
    turn(&scene, 0);
    scene.rotate().exits(0);
    scene.ship().exits(0);
    let remembered: Vec<_> = scene.memory().into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    turn(&scene, 1);
    scene.rotate().exits(0);
    scene.ship().exits(0);
    scene.rotate().exits(0);
    // The other one, which does not know of the second segment, has something to say as well.
    for (path, text) in &remembered {
        files::write(path, text).unwrap();
    }
    turn(&scene, 2);
    scene.rotate().exits(0);
    let before = scene.segments();
    let ran = scene.ship().exits(3);
    assert_eq!(findings(&ran, "logs.manifest-differs").len(), 1, "{ran:#?}");
    assert_eq!((scene.segments(), scene.parcels().len()), (before, 1), "nothing is signed for");
}

#[test]
fn without_its_state_a_machine_goes_on_after_its_last_segment_and_says_so() {
    let scene = Scenario::new().shipping("", "");
    turn(&scene, 0);
    scene.rotate().exits(0);
    scene.ship().exits(0);
    scene.rotate().exits(0);
    scene.forget();
    turn(&scene, 1);
    scene.rotate().exits(0);
    let ran = scene.ship().exits(0);
    assert_eq!(findings(&ran, "logs.chain-resumed").len(), 1, "{ran:#?}");
    let segments = scene.segments();
    assert_eq!((segments.len(), segments[1]["number"].as_u64(), named(&scene).len()), (2, Some(2), 2));
}

#[test]
fn a_day_without_anything_to_ship_has_a_segment_too() {
    if !needs::met(OTHER_DAYS) {
        return;
    }
    let scene = Scenario::new().shipping("", "");
    turn(&scene, 0);
    scene.rotate().exits(0);
    scene.ship().exits(0);
    for _ in 0..2 {
        scene.run_at("+1d", &["ship"]).exits(0);
        assert_eq!(scene.segments().len(), 2);
    }
    let segments = scene.segments();
    assert_eq!(segments[1]["objects"].as_array().unwrap().len(), 0);
    assert_eq!(segments[1]["previous"].as_str().unwrap().len(), 64);
    assert!(segments[0]["previous"].is_null());
}

#[test]
fn what_waits_for_the_store_for_more_than_a_day_is_told() {
    if !needs::met(OTHER_DAYS) {
        return;
    }
    let scene = Scenario::new().shipping("", "");
    turn(&scene, 0);
    scene.rotate().exits(0);
    let told = |when: &str, word: &str, code: i32| {
        let ran = scene.run_at(when, &["--format", "json", word]).exits(code);
        findings(&ran, "logs.unshipped")
    };
    assert_eq!(told("+20h", "rotate", 0), [""; 0]);
    for word in ["rotate", "plan", "status"] {
        let told = told("+2d", word, 1);
        assert!(told.len() == 1 && told[0].starts_with("1 archive (") && told[0].contains("since 20"), "{word}: {told:?}");
    }
    scene.ship().exits(0);
    assert_eq!(told("+2d", "rotate", 0), [""; 0]);
}

#[test]
fn planning_to_ship_changes_nothing() {
    let scene = Scenario::new().shipping("", "").log_of("app.log", 3000);
    let planned = scene.run(&["--format", "json", "plan"]).exits(0);
    assert_eq!(planned.steps("hand-over", "planned").len(), 1, "{planned:#?}");
    assert!(!scene.spool().exists());
    scene.rotate().exits(0);
    let before = files_under(scene.root());
    let planned = scene.run(&["--format", "json", "--dry-run", "ship"]).exits(0);
    assert_eq!(planned.steps("ship", "planned").len(), 1, "{planned:#?}");
    assert_eq!(files_under(scene.root()), before);
}

#[test]
fn without_a_store_in_the_settings_there_is_nothing_to_ship_to() {
    let scene = Scenario::new().plain_set("");
    scene.ship().exits(2).says("the settings name none");
}

#[test]
fn status_tells_what_the_store_does_not_have_yet() {
    let scene = Scenario::new().shipping("", "").log_of("a.log", 5000).log_of("b.log", 9000);
    let status = || scene.run(&["--format", "json", "status"]).exits(0);
    let unshipped = |status: &Ran| {
        let table = &status.json()["tables"][0];
        let column = table["columns"].as_array().unwrap().iter().position(|name| name == "unshipped").unwrap();
        table["rows"].as_array().unwrap().iter().map(|row| row[column].as_u64().unwrap()).sum::<u64>()
    };
    scene.rotate().exits(0);
    let told = status();
    assert!(unshipped(&told) == 2 && told.summary().contains("2 archives ("), "{told:#?}");
    assert!(told.summary().ends_with(") not in the store yet"), "{told:#?}");
    scene.ship().exits(0);
    assert_eq!(unshipped(&status()), 2, "a receipt is somebody else's word");
    scene.rotate().exits(0);
    let told = status();
    assert!(unshipped(&told) == 0 && !told.summary().contains("store"), "{told:#?}");
}
