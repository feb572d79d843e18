//! Before a machine goes: everything that is to go to the store is there within a time, or is named with what kept it here.

use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::fs::MetadataExt,
    path::Path,
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

use crate::{
    collect::findings,
    support::{
        files,
        needs::{self, Need},
        process::Process,
        scenario::{DEADLINE, Ran, Scenario, files_under, text_of},
        stories::DAEMON,
        wait_until,
    },
};

fn drain(scene: &Scenario, deadline: &str) -> Ran {
    scene.run(&["--format", "json", "drain", "--deadline", deadline])
}

/// What is left, and why.
fn left(ran: &Ran) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    ran.steps("drain", "failed").iter().map(|step| (text(&step["subject"]), text(&step["reason"]))).collect()
}

/// Somebody else's lock, until it is unlocked or the file is closed.
fn locked(scene: &Scenario, job: &str) -> File {
    let path = scene.state().join(format!("logs-{job}.lock"));
    files::write(&path, "").unwrap();
    let file = File::open(path).unwrap();
    flock(&file, FlockOperation::LockExclusive).unwrap();
    file
}

fn unlock(file: &File) {
    flock(file, FlockOperation::Unlock).unwrap();
}

#[test]
fn all_that_is_not_empty_is_in_the_store_and_taken_back() {
    let scene = Scenario::new().shipping("", "").log_of("due.log", 5000).log_of("not-due.log", 100).log("empty.log", "");
    let ran = drain(&scene, "60s").exits(0);
    assert_eq!(ran.summary(), "2 archives shipped: everything is in the store", "{ran:#?}");
    assert_eq!(
        (ran.steps("rotate", "done").len(), ran.steps("ship", "done").len(), ran.steps("settle", "done").len()),
        (2, 2, 2)
    );
    let texts: Vec<_> = scene.objects().into_values().collect();
    assert_eq!(texts, [text_of("due.log", 5000), text_of("not-due.log", 100)]);
    assert_eq!(scene.parcels().len(), 0);
    let again = drain(&scene, "60s").exits(0);
    assert_eq!(again.summary(), "0 archives shipped: everything is in the store", "{again:#?}");
    scene.assert_shipped(&texts, "after both");
}

#[test]
fn what_is_left_is_named_with_the_reason_and_gets_there_later() {
    let scene = Scenario::new().shipping("", "").log_of("a.log", 5000).log_of("b.log", 5000);
    fs::rename(scene.store(), scene.root().join("away")).unwrap();
    let ran = drain(&scene, "60s").exits(3);
    let left = left(&ran);
    assert!(left.len() == 2 && left[0].0.contains("a.log.") && left[1].0.contains("b.log."), "{left:?}");
    assert!(left.iter().all(|(_, why)| why.starts_with("it waits in the spool: open ") && why.contains("/store")), "{left:?}");
    assert!(ran.json()["incomplete"].to_string().contains("mount it, or make it"), "{ran:#?}");
    assert_eq!((ran.summary(), scene.parcels().len()), ("0 archives shipped: 2 items left here".to_owned(), 2));
    fs::rename(scene.root().join("away"), scene.store()).unwrap();
    drain(&scene, "60s").exits(0);
    scene.ship().exits(0);
    scene.assert_shipped(&[text_of("a.log", 5000), text_of("b.log", 5000)], "the store is back");
}

#[test]
fn a_store_that_never_answers_costs_no_more_than_the_deadline() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint =
        format!("endpoint = \"http://{}\"\nregion = \"eu-central-1\"\npath-style = true", listener.local_addr().unwrap());
    let scene = Scenario::new().shipping_to("s3://bucket", "", &endpoint, "").log_of("app.log", 5000);
    let mut command = scene.command(&["--format", "json", "drain", "--deadline", "8s"]);
    command.env("AWS_ACCESS_KEY_ID", "x").env("AWS_SECRET_ACCESS_KEY", "y");
    let ran = Ran::of(&mut command).exits(3);
    assert!(ran.took < Duration::from_secs(9), "{ran:#?}");
    let (path, why) = &left(&ran)[0];
    assert!(
        path.contains("app.log.") && why == "it waits in the spool: ship: it did not end in its time, and was killed",
        "{ran:#?}"
    );
    assert_eq!((scene.parcels().len(), scene.archives("app.log").len()), (1, 1));
}

#[test]
fn a_run_at_work_is_waited_for_and_one_that_does_not_end_is_told() {
    let scene = Scenario::new().shipping("", "").log_of("app.log", 5000);
    let held = locked(&scene, "rotate");
    let mut waits = Process::start(&mut scene.command(&["--format", "json", "drain", "--deadline", "60s"]));
    let children = format!("/proc/{0}/task/{0}/children", waits.id());
    wait_until("it to wait", DEADLINE, || !fs::read_to_string(&children).unwrap_or_default().is_empty());
    assert!(waits.runs() && scene.archives("app.log").is_empty());
    unlock(&held);
    let ran: Ran = waits.end(DEADLINE).into();
    assert_eq!((ran.code, scene.objects().len()), (Some(0), 1), "{ran:#?}");
    scene.append("app.log", text_of("more", 3000));
    let _held = locked(&scene, "rotate");
    let ran = drain(&scene, "30s").exits(3);
    let (path, why) = &left(&ran)[0];
    assert!(*path == scene.live("app.log").display().to_string() && why.starts_with("it was not rotated: "), "{ran:#?}");
    assert!(why.contains("busy: another run holds"), "{ran:#?}");
}

#[test]
fn what_does_not_fit_into_the_spool_at_once_goes_in_turns() {
    let scene = Scenario::new().shipping("spool-max = \"1 KiB\"", "");
    let names: Vec<String> = (0..4).map(|number| format!("log-{number}.log")).collect();
    let texts: Vec<_> = names.iter().map(|name| text_of(name, 9000)).collect();
    names.iter().zip(&texts).for_each(|(name, text)| scene.append(name, text));
    let ran = drain(&scene, "60s").exits(0);
    assert_eq!(ran.steps("ship", "done").len(), 4, "{ran:#?}");
    scene.ship().exits(0);
    scene.assert_shipped(&texts, "in turns");
}

#[test]
fn what_a_writer_has_open_is_named() {
    let scene = Scenario::new().shipping("", "close-wait = \"0s\"").log_of("app.log", 5000);
    let _writer = scene.writer("app.log");
    let ran = drain(&scene, "60s").exits(3);
    let left = left(&ran);
    assert!(left.len() == 1 && left[0].1.starts_with("it is not archived yet: ") && left[0].1.contains("open"), "{left:?}");
}

#[test]
fn what_its_writer_closes_a_little_later_gets_there_too() {
    let scene = Scenario::new().shipping("", "close-wait = \"0s\"").log_of("app.log", 5000);
    let (writer, held) = (scene.writer("app.log"), locked(&scene, "ship"));
    let drains = Process::start(&mut scene.command(&["--format", "json", "drain", "--deadline", "2m"]));
    let rotated = || fs::read_to_string(scene.state().join("history.jsonl")).is_ok_and(|text| text.contains("rotate"));
    wait_until("the rotation ended", DEADLINE, rotated);
    drop(writer);
    unlock(&held);
    let ran: Ran = drains.end(DEADLINE).into();
    assert_eq!(ran.exits(0).summary(), "1 archive shipped: everything is in the store");
}

#[test]
fn what_cannot_be_rotated_or_looked_at_is_never_called_everything() {
    let scene = Scenario::new().shipping("", "").log_of("app.log", 5000).log_of("other.log", 5000);
    fs::hard_link(scene.live("app.log"), scene.root().join("second-name")).unwrap();
    let ran = drain(&scene, "60s").exits(3);
    let (path, why) = &left(&ran)[0];
    assert!(*path == scene.live("app.log").display().to_string() && why.contains("2 hard links"), "{ran:#?}");
    assert_eq!(ran.summary(), "1 archive shipped: 1 item left here");
    fs::remove_file(scene.root().join("second-name")).unwrap();
    scene.change_settings("/*.log\"]", "/*.log\", \"/nowhere/at-all/*.log\"]");
    let ran = drain(&scene, "60s").exits(3);
    assert!(left(&ran)[0].1.starts_with("it was not rotated: ") && !ran.summary().contains("everything is"), "{ran:#?}");
}

#[test]
fn what_ships_nowhere_is_left_alone() {
    let scene = Scenario::new().shipping("", "").log_of("app.log", 5000);
    scene.change_settings("when = \"1 KiB\"", "when = \"1 KiB\"\nship = false");
    let ran = drain(&scene, "60s");
    assert!(ran.code == Some(2) && ran.stderr.contains("leave out `ship = false`"), "{ran:#?}");
    let scene = Scenario::new().settings("[[log]]\npaths = [\"{logs}/*.log\"]\n").log_of("app.log", 5000);
    let ran = drain(&scene, "60s");
    assert!(ran.code == Some(2) && ran.stderr.contains("add [store]"), "{ran:#?}");
    assert!(scene.archives("app.log").is_empty());
}

#[test]
fn a_dry_run_shows_what_would_go_and_changes_nothing() {
    let scene = Scenario::new().shipping("", "").log_of("app.log", 5000);
    scene.rotate().exits(0);
    scene.append("app.log", text_of("more", 100));
    let before = files_under(scene.root());
    let ran = scene.run(&["--format", "json", "--dry-run", "drain"]).exits(0);
    assert_eq!((ran.steps("rotate", "planned").len(), ran.steps("ship", "planned").len()), (1, 1), "{ran:#?}");
    assert_eq!(files_under(scene.root()), before);
}

#[test]
fn what_is_written_meanwhile_is_a_note() {
    let scene = Scenario::new().shipping("", "reopen = { command = [\"/bin/sh\", \"-c\", \"echo more >> {logs}/app.log\"] }");
    let scene = scene.log_of("app.log", 5000);
    let ran = drain(&scene, "60s").exits(0);
    assert!(findings(&ran, "logs.grown-since")[0].starts_with("1 log (5 B) written since"), "{ran:#?}");
}

#[test]
fn a_wish_to_stop_is_passed_on() {
    let scene = Scenario::new().shipping("", "").log_of("app.log", 5000);
    let _held = locked(&scene, "rotate");
    let waits = Process::start(&mut scene.command(&["--format", "json", "drain", "--deadline", "100s"]));
    let children = format!("/proc/{0}/task/{0}/children", waits.id());
    wait_until("it to wait", DEADLINE, || !fs::read_to_string(&children).unwrap_or_default().is_empty());
    waits.signal(rustix::process::Signal::TERM);
    let ran: Ran = waits.end(Duration::from_secs(20)).into();
    assert_eq!(ran.code, Some(143), "{ran:#?}");
}

#[test]
fn who_owns_the_receipts_ships_and_root_does_the_rest() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let scene = Scenario::new().shipping("", "").log_of("app.log", 3000).mode("logs/app.log", 0o600).open_root();
    // Where who ships remembers is not there yet: nobody has shipped.
    for folder in ["spool", "spool/receipts"] {
        fs::create_dir(scene.root().join(folder)).unwrap();
    }
    let scene = ["spool/receipts", "store"].into_iter().fold(scene, |scene, path| scene.owned(path, DAEMON, DAEMON));
    let scene = scene.mode("spool/receipts", 0o700).mode("spool", 0o755).mode("logs", 0o700);
    let ran = drain(&scene, "60s").exits(0);
    assert_eq!(ran.summary(), "1 archive shipped: everything is in the store", "{ran:#?}");
    let owners = |folder: &Path| -> Vec<(u32, u32)> {
        let owner = |name: &String| fs::metadata(folder.join(name)).map(|meta| (meta.uid(), meta.gid())).unwrap();
        files_under(folder).keys().map(owner).collect()
    };
    let theirs = [owners(&scene.store()), owners(&scene.root().join("ship"))].concat();
    assert!(theirs.len() > 3 && theirs.iter().all(|owner| *owner == (DAEMON, DAEMON)), "{theirs:?}");
    assert!(owners(scene.state()).iter().all(|owner| owner.0 == 0));
}

#[test]
fn another_run_is_waited_for_where_somebody_says_so() {
    let scene = Scenario::new().shipping("", "").log_of("app.log", 5000);
    let held = locked(&scene, "rotate");
    scene.rotate().exits(75);
    let ran = scene.run(&["--wait", "300ms", "rotate"]).exits(75);
    assert!(ran.took >= Duration::from_millis(300), "{ran:#?}");
    let waits = Process::start(&mut scene.command(&["--wait", "1m", "rotate"]));
    unlock(&held);
    assert_eq!(waits.end(DEADLINE).code(), Some(0));
    assert_eq!(scene.archives("app.log").len(), 1);
}

#[test]
fn a_run_that_finishes_rotates_no_log() {
    let scene = Scenario::new().shipping("", "").log_of("app.log", 5000);
    let finish = || scene.run(&["--format", "json", "rotate", "--finish"]).exits(0);
    assert_eq!((finish().summary(), scene.archives("app.log").len()), ("nothing to do".to_owned(), 0));
    scene.rotate().exits(0);
    scene.ship().exits(0);
    scene.append("app.log", text_of("more", 5000));
    let ran = finish();
    assert_eq!((ran.steps("settle", "done").len(), ran.steps("rotate", "done").len()), (1, 0), "{ran:#?}");
}
