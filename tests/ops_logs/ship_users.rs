//! Two users: one may remove logs and knows no store, the other one ships and may read what is ready for it, and nothing else.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::PathBuf,
    process::Command,
};

use crate::{
    collect::findings,
    support::{
        files,
        needs::{self, Need},
        scenario::{Ran, Scenario, files_under, text_of},
        sight,
        stories::{DAEMON, NOBODY},
    },
};

const TWO_USERS: &[Need] = &[Need::Root, Need::Program("setpriv")];

/// A log that only root may read, and a spool and a store for a user who ships.
fn laid_out() -> Scenario {
    let scene =
        Scenario::new().shipping("", "keep = { count = 1 }").log_of("app.log", 3000).mode("logs/app.log", 0o600).open_root();
    for folder in ["spool", "spool/receipts", "ships"] {
        fs::create_dir(scene.root().join(folder)).unwrap();
    }
    let scene = ["spool/receipts", "ships", "store"].into_iter().fold(scene, |scene, path| scene.owned(path, DAEMON, DAEMON));
    scene.mode("spool/receipts", 0o700).mode("ships", 0o700).mode("spool", 0o755).mode("logs", 0o700)
}

fn by(uid: u32, real: &Command) -> Ran {
    let words = ["setpriv", &format!("--reuid={uid}"), &format!("--regid={uid}"), "--clear-groups"].map(OsString::from);
    Ran::of(&mut sight::before_program(real, &words))
}

/// `ship`, by that user and with a state of its own.
fn ship_as(scene: &Scenario, uid: u32) -> Ran {
    let mut real = scene.command(&["--format", "json", "ship"]);
    real.env("STATE_DIRECTORY", scene.root().join("ships"));
    by(uid, &real)
}

fn may(uid: u32, program: &str, path: PathBuf) -> bool {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").arg(path);
    by(uid, &command).code == Some(0)
}

fn data(scene: &Scenario) -> PathBuf {
    let ready = scene.spool().join("ready");
    let name = files_under(&ready).into_keys().find(|name| name.ends_with(".data")).unwrap();
    ready.join(name)
}

#[test]
fn who_ships_reads_what_is_ready_and_nothing_else_and_nobody_else_does() {
    if !needs::met(TWO_USERS) {
        return;
    }
    let scene = laid_out();
    scene.rotate().exits(0);
    let (folder, file) = (fs::metadata(scene.spool().join("ready")).unwrap(), fs::metadata(data(&scene)).unwrap());
    assert_eq!((folder.mode() & 0o777, folder.uid(), folder.gid()), (0o750, 0, DAEMON));
    assert_eq!((file.mode() & 0o777, file.uid(), file.gid()), (0o640, 0, DAEMON));
    assert!(may(DAEMON, "cat", data(&scene)) && !may(NOBODY, "cat", data(&scene)));
    assert!(!may(DAEMON, "rm", data(&scene)) && !may(DAEMON, "touch", scene.spool().join("ready/x")));
    let shipped = ship_as(&scene, DAEMON).exits(0);
    assert_eq!(shipped.steps("ship", "done").len(), 1, "{shipped:#?}");
    assert_eq!(scene.objects().into_values().collect::<Vec<_>>(), [text_of("app.log", 3000)]);
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 1);
    assert_eq!(ship_as(&scene, DAEMON).exits(0).summary(), "nothing waits for the store");
    assert_eq!(scene.spooled(), std::collections::BTreeMap::new());
}

#[test]
fn whoever_does_not_own_the_receipts_ships_nothing() {
    if !needs::met(TWO_USERS) {
        return;
    }
    let scene = laid_out();
    scene.rotate().exits(0);
    let ran = by(NOBODY, &scene.command(&["ship"]));
    assert!(ran.code == Some(4) && ran.stderr.contains("permission denied"), "{ran:#?}");
    let root = scene.ship();
    assert!(root.code == Some(3) && root.stdout.contains("it belongs to user 1, and this is user 0"), "{root:#?}");
    assert_eq!((files_under(&scene.store()).len(), scene.receipts().len()), (0, 0));
    ship_as(&scene, DAEMON).exits(0);
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 1);
}

#[test]
fn what_may_not_be_read_keeps_nothing_else_from_the_store() {
    if !needs::met(TWO_USERS) {
        return;
    }
    let scene = laid_out();
    scene.change_settings("[store]", "parallel = 1\n[store]");
    for number in 0..6 {
        scene.append(&format!("{number}.log"), text_of("another", 3000));
    }
    scene.rotate().exits(0);
    let others = scene.parcels().into_iter().filter(|(_, parcel)| !parcel["log"].as_str().unwrap().ends_with("/app.log"));
    for (ticket, _) in others {
        fs::set_permissions(ticket.with_extension("data"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let ran = ship_as(&scene, DAEMON).exits(3);
    assert_eq!((ran.steps("ship", "failed").len(), ran.steps("ship", "done").len()), (6, 1), "{ran:#?}");
    assert_eq!(ran.json()["incomplete"].as_array().map(Vec::len), Some(0), "the store did nothing wrong: {ran:#?}");
}

#[test]
fn who_does_not_ship_prunes_nothing_and_is_told_who_does() {
    if !needs::met(TWO_USERS) {
        return;
    }
    let scene = laid_out();
    scene.change_settings("keep = { count = 1 }", "keep = { count = 1 }\nstore-keep = { count = 1 }");
    for number in 1..3 {
        scene.rotate().exits(0);
        ship_as(&scene, DAEMON).exits(0);
        scene.append("app.log", text_of(&format!("turn-{number}"), 3000));
    }
    let before = files_under(&scene.store());
    for uid in [0, NOBODY] {
        let state = scene.root().join(format!("of-{uid}"));
        fs::create_dir(&state).unwrap();
        chown(&state, Some(uid), Some(uid)).unwrap();
        fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
        for args in [&["prune", "--apply"][..], &["prune"]] {
            let mut real = scene.command(args);
            let ran = by(uid, real.env("STATE_DIRECTORY", &state));
            assert_eq!(ran.code, Some(4), "{ran:#?}");
            assert!(ran.stderr.contains(&format!("it belongs to user {DAEMON}, and this is user {uid}")), "{ran:#?}");
            assert!(ran.stderr.contains(&format!("run it as user {DAEMON}, who ships for this machine")), "{ran:#?}");
        }
    }
    assert_eq!(files_under(&scene.store()), before);
    let mut real = scene.command(&["--format", "json", "prune", "--apply"]);
    let ran = by(DAEMON, real.env("STATE_DIRECTORY", scene.root().join("ships"))).exits(0);
    assert_eq!(ran.steps("remove", "done").len(), 1, "{ran:#?}");
    let url = format!("file://{}", scene.store().display());
    let ran = scene.run(&["--format", "json", "verify", &url]).exits(0);
    assert_eq!(findings(&ran, "logs.tail-unproven"), [""; 0], "root may read what who ships remembers: {ran:#?}");
}

#[test]
fn a_receipt_that_another_user_wrote_is_not_believed() {
    if !needs::met(TWO_USERS) {
        return;
    }
    let scene = laid_out();
    scene.rotate().exits(0);
    ship_as(&scene, DAEMON).exits(0);
    let receipts = scene.spool().join("receipts");
    let name = scene.receipts().pop().unwrap();
    let refused = |what: &str| {
        let ran = scene.rotate().exits(1);
        assert_eq!((findings(&ran, "logs.receipt-refused").len(), ran.steps("settle", "done").len()), (1, 0), "{what}: {ran:#?}");
    };
    chown(receipts.join(&name), Some(NOBODY), Some(DAEMON)).unwrap();
    refused("of another user");
    chown(receipts.join(&name), Some(DAEMON), Some(DAEMON)).unwrap();
    fs::set_permissions(&receipts, fs::Permissions::from_mode(0o777)).unwrap();
    refused("where everybody writes");
    fs::set_permissions(&receipts, fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(receipts.join(&name), fs::Permissions::from_mode(0o666)).unwrap();
    refused("that everybody may write");
    fs::set_permissions(receipts.join(&name), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 1);
}

#[test]
fn what_is_ready_is_not_believed_where_somebody_else_could_write_it() {
    if !needs::met(TWO_USERS) {
        return;
    }
    let scene = laid_out();
    scene.rotate().exits(0);
    let ready = scene.spool().join("ready");
    files::write(ready.join("x"), "").unwrap();
    chown(&ready, Some(NOBODY), Some(DAEMON)).unwrap();
    let ran = ship_as(&scene, DAEMON).exits(4);
    assert!(ran.stderr.contains("it belongs to user 65534"), "{ran:#?}");
    let ran = scene.rotate().exits(3);
    assert!(ran.json()["incomplete"].to_string().contains("it belongs to user 65534"), "{ran:#?}");
}

#[test]
fn nothing_is_handed_over_that_who_ships_could_not_read() {
    if !needs::met(TWO_USERS) {
        return;
    }
    let scene = laid_out();
    chown(scene.spool().join("receipts"), Some(DAEMON), Some(0)).unwrap();
    scene.rotate().exits(3).says("the group of the folder of receipts is root's").says("chgrp");
    assert!(scene.parcels().is_empty());
    chown(scene.spool().join("receipts"), Some(DAEMON), Some(DAEMON)).unwrap();
    scene.rotate().exits(0);
    ship_as(&scene, DAEMON).exits(0);
    scene.rotate().exits(0);
    assert_eq!(scene.objects().into_values().collect::<Vec<_>>(), [text_of("app.log", 3000)]);
}
