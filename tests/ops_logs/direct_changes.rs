//! What is to be shipped directly, and is not any more what it was when it was rotated; and others who are at work meanwhile.

use std::{fs, os::unix::fs::FileExt, time::Instant};

use rustix::fs::{FlockOperation, flock};

use crate::{
    collect::findings,
    support::{
        files,
        process::Process,
        scenario::{DEADLINE, Ran, Scenario, files_under, text_of},
    },
};

/// A log that was rotated and waits, and its name.
fn waiting(bytes: usize) -> (Scenario, String) {
    let scene = Scenario::new().shipping_directly("").log("app.log", text_of("app", bytes));
    scene.rotate().exits(0);
    let name = scene.archives("app.log").remove(0);
    (scene, name)
}

fn append(scene: &Scenario, name: &str) -> Vec<u8> {
    scene.append(name, b"one more line\n");
    fs::read(scene.logs().join(name)).unwrap()
}

#[test]
fn what_somebody_appended_to_is_recorded_anew_and_shipped_as_a_whole() {
    let (scene, name) = waiting(3000);
    let text = append(&scene, &name);
    let ran = scene.direct().exits(0);
    assert!(ran.reason("ship", "waiting", &name).contains("the next rotation measures it anew"), "{ran:#?}");
    assert_eq!((scene.objects().len(), fs::read(scene.logs().join(&name)).unwrap()), (0, text.clone()));
    scene.rotate().exits(0);
    scene.direct().exits(0);
    scene.assert_shipped(&[text], "appended to");
    assert_eq!(scene.archives("app.log"), [""; 0]);
}

#[test]
fn what_somebody_has_open_when_it_is_in_the_store_stays_and_what_is_written_then_gets_there_too() {
    let (scene, name) = waiting(3000);
    let first = fs::read(scene.logs().join(&name)).unwrap();
    let writer = scene.writer(&name);
    let ran = scene.direct().exits(0);
    assert!(ran.reason("remove", "waiting", &name).contains("open for writing"), "{ran:#?}");
    assert_eq!(ran.steps("ship", "done").len(), 1);
    drop(writer);
    let text = append(&scene, &name);
    let ran = scene.direct().exits(0);
    assert!(ran.reason("ship", "waiting", &name).contains("with the part that the store has already"), "{ran:#?}");
    scene.rotate().exits(0);
    scene.direct().exits(0);
    scene.assert_shipped(&[first, text], "open when it was shipped");
    assert_eq!(scene.archives("app.log"), [""; 0]);
}

#[test]
fn what_is_in_the_store_and_was_only_held_open_goes_with_the_next_run() {
    let (scene, name) = waiting(3000);
    let text = fs::read(scene.logs().join(&name)).unwrap();
    let writer = scene.writer(&name);
    scene.direct().exits(0);
    drop(writer);
    fs::rename(scene.store(), scene.root().join("away")).unwrap();
    let ran = scene.direct().exits(0);
    assert_eq!(ran.steps("remove", "done").len(), 1, "no store is needed for that: {ran:#?}");
    fs::rename(scene.root().join("away"), scene.store()).unwrap();
    scene.assert_shipped(&[text], "held open");
    assert_eq!(scene.archives("app.log"), [""; 0]);
}

#[test]
fn what_is_something_else_is_never_shipped_and_stays() {
    let (scene, name) = waiting(3000);
    let path = scene.logs().join(&name);
    files::with(fs::File::options().write(true), path.clone(), |file| file.write_all_at(b"#", 700)).unwrap();
    let text = fs::read(&path).unwrap();
    for _ in 0..2 {
        let ran = scene.direct().exits(3);
        assert_eq!(findings(&ran, "logs.archive-wrong").len(), 1, "{ran:#?}");
        assert_eq!((fs::read(&path).unwrap(), scene.objects().len()), (text.clone(), 0));
        scene.rotate();
    }
}

#[test]
fn a_log_that_is_put_in_the_place_of_one_that_was_shipped_stays() {
    let (scene, name) = waiting(3000);
    let writer = scene.writer(&name);
    scene.direct().exits(0);
    drop(writer);
    let path = scene.logs().join(&name);
    let mut other = fs::read(&path).unwrap();
    other[700] ^= 1;
    fs::remove_file(&path).unwrap();
    files::write(&path, &other).unwrap();
    let ran = scene.direct().exits(3);
    assert_eq!(findings(&ran, "logs.archive-wrong").len(), 1, "{ran:#?}");
    assert_eq!(fs::read(&path).unwrap(), other);
}

#[test]
fn what_is_in_the_store_already_is_named_and_removed_and_not_put_there_twice() {
    let (scene, name) = waiting(3000);
    let text = fs::read(scene.logs().join(&name)).unwrap();
    // As of one that was killed before it had a segment.
    let odd = scene.store().join("_opsbelt/manifests/test/0000000001.json");
    fs::create_dir_all(&odd).unwrap();
    scene.direct().exits(3);
    assert_eq!((scene.objects().len(), scene.archives("app.log").len()), (1, 1));
    fs::remove_dir(&odd).unwrap();
    scene.direct().exits(0);
    scene.assert_shipped(&[text], "begun before");
    assert_eq!(scene.archives("app.log"), [""; 0]);
}

#[test]
fn an_object_of_another_text_under_its_key_is_a_danger_and_nothing_goes() {
    let (scene, name) = waiting(3000);
    let odd = scene.store().join("_opsbelt/manifests/test/0000000001.json");
    fs::create_dir_all(&odd).unwrap();
    scene.direct().exits(3);
    fs::remove_dir(&odd).unwrap();
    let object = scene.store().join(scene.objects().into_keys().next().unwrap());
    files::write(&object, b"something else").unwrap();
    // Nobody remembers that it was put there.
    scene.forget();
    let ran = scene.direct().exits(3);
    assert_eq!(findings(&ran, "logs.object-differs").len(), 1, "{ran:#?}");
    assert_eq!(fs::read(&object).unwrap(), b"something else");
    assert_eq!((fs::read(scene.logs().join(&name)).unwrap(), scene.segments().len()), (text_of("app", 3000), 0));
}

#[test]
fn what_was_archived_before_its_set_shipped_directly_goes_by_the_spool() {
    let scene = Scenario::new().shipping("", "ship = true").log("app.log", text_of("app", 3000));
    scene.rotate().exits(0);
    let mut written = vec![text_of("app", 3000)];
    scene.change_settings("ship = true", "ship = \"direct\"");
    let text = text_of("then", 3000);
    scene.append("app.log", &text);
    written.push(text);
    scene.rotate().exits(0);
    assert_eq!(scene.direct().exits(0).steps("ship", "done").len(), 1);
    assert_eq!(scene.archives("app.log").len(), 1, "the archive of before");
    scene.ship().exits(0);
    scene.rotate().exits(0);
    scene.ship().exits(0);
    scene.assert_shipped(&written, "from the one to the other");
    assert_eq!(scene.archives("app.log").len(), 1, "no rule says that it goes");
}

/// A rotation is at work, until that is unlocked or closed.
fn at_work(scene: &Scenario) -> fs::File {
    let lock = scene.state().join("logs-rotate.lock");
    files::write(&lock, "").unwrap();
    let lock = fs::File::open(lock).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    lock
}

#[test]
fn where_nothing_got_into_the_store_no_rotation_is_waited_for() {
    let (scene, _) = waiting(3000);
    files::write(scene.store().join("logs"), "in the way").unwrap();
    let _lock = at_work(&scene);
    let ran = scene.direct().exits(3);
    assert_eq!((ran.steps("ship", "failed").len(), ran.json()["incomplete"].as_array().map(Vec::len)), (1, Some(0)), "{ran:#?}");
}

#[test]
fn a_rotation_at_work_is_waited_for_before_anything_is_recorded() {
    let (scene, name) = waiting(3000);
    let text = fs::read(scene.logs().join(&name)).unwrap();
    let lock = at_work(&scene);
    let direct = Process::start(&mut scene.command(&["--format", "json", "direct"]));
    let began = Instant::now();
    while scene.segments().is_empty() {
        assert!(began.elapsed() < DEADLINE, "it ships meanwhile");
        std::thread::yield_now();
    }
    assert!(scene.logs().join(&name).exists(), "nothing goes that is not recorded");
    flock(&lock, FlockOperation::Unlock).unwrap();
    let ran: Ran = direct.end(DEADLINE).into();
    ran.exits(0);
    scene.assert_shipped(&[text], "beside a rotation");
    assert_eq!(files_under(scene.logs()).len(), 1);
}

#[test]
fn what_somebody_has_open_after_it_was_shipped_goes_by_no_rule_and_what_is_written_then_gets_there_too() {
    let scene = Scenario::new().shipping_directly("keep = { count = 1 }").log("app.log", text_of("app", 3000));
    scene.rotate().exits(0);
    let name = scene.archives("app.log").remove(0);
    let writer = scene.writer(&name);
    scene.direct().exits(0);
    let other = text_of("other", 3000);
    scene.append("app.log", &other);
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.steps("remove", "done").len(), 0, "somebody may still write to it: {ran:#?}");
    let text = append(&scene, &name);
    drop(writer);
    for _ in 0..2 {
        scene.direct().exits(0);
        scene.rotate().exits(0);
    }
    scene.assert_shipped(&[text_of("app", 3000), text, other], "open after it was shipped");
    assert_eq!(scene.archives("app.log"), [""; 0]);
}

#[test]
fn what_the_store_has_and_nobody_removed_for_long_is_told_also_when_its_set_ships_otherwise() {
    let (scene, name) = waiting(3000);
    let _writer = scene.writer(&name);
    scene.direct().exits(0);
    scene.change_settings("ship = \"direct\"", "ship = true");
    let status = &["--format", "json", "status"];
    assert_eq!(findings(&scene.run(status).exits(0), "logs.unremoved"), [""; 0]);
    let told = findings(&scene.run_at("+2d", status).exits(1), "logs.unremoved").remove(0);
    assert!(told.starts_with("it has 1 log (") && told.contains("`ops-logs direct` removes them"), "{told}");
}

#[test]
fn the_same_is_told_where_the_machine_is_called_otherwise_by_now() {
    let (scene, name) = waiting(3000);
    let writer = scene.writer(&name);
    scene.direct().exits(0);
    drop(writer);
    scene.change_settings("host = \"test\"", "host = \"new\"");
    scene.direct().exits(0);
    let status = scene.run_at("+2d", &["--format", "json", "status"]).exits(1);
    let findings = status.json()["findings"].as_array().unwrap().clone();
    let told = findings.iter().find(|one| one["id"] == "logs.unremoved").unwrap();
    assert!(told["hint"].as_str().unwrap().contains("OPSBELT_LOGS_HOST=test ops-logs direct"), "{told}");
    Ran::of(scene.command(&["direct"]).env("OPSBELT_LOGS_HOST", "test")).exits(0);
    assert_eq!(scene.archives("app.log"), [""; 0]);
}

#[test]
fn only_what_was_left_is_told_to_wait() {
    let (scene, name) = waiting(3000);
    scene.append("other.log", text_of("other", 5000));
    scene.rotate().exits(0);
    let path = scene.logs().join(&name);
    files::with(fs::File::options().write(true), path, |file| file.write_all_at(b"#", 700)).unwrap();
    let ran = scene.direct().exits(3);
    let told = findings(&ran, "logs.waits-here").remove(0);
    assert!(ran.summary().starts_with("1 log shipped") && told.starts_with("1 log ("), "{told}: {ran:#?}");
}

#[test]
fn logs_that_cannot_be_read_keep_no_other_one_from_the_store() {
    let scene = Scenario::new().shipping_under("parallel = 1", "", "ship = \"direct\"");
    let names: Vec<String> = (0..7).map(|number| format!("{number}.log")).collect();
    let scene = names.iter().fold(scene, |scene, name| scene.log(name, text_of(name, 3000)));
    scene.rotate().exits(0);
    for name in &names[..6] {
        let path = scene.logs().join(scene.archives(name).remove(0));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
    }
    let ran = scene.direct().exits(3);
    assert_eq!((ran.steps("ship", "failed").len(), ran.steps("remove", "done").len()), (6, 1), "{ran:#?}");
    assert_eq!(ran.json()["incomplete"].as_array().map(Vec::len), Some(0), "the store did nothing wrong: {ran:#?}");
    scene.assert_shipped(&[text_of("6.log", 3000)], "the one that can be read");
}
