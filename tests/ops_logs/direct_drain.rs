//! A machine goes whose logs have no archives: what was rotated, and what was not, gets into the store before that, and what does not is named.

use std::fs;

use crate::{
    collect::findings,
    support::{
        scenario::{Ran, Scenario, text_of},
        stories::NOBODY,
    },
};

fn drain(scene: &Scenario) -> Ran {
    scene.run(&["--format", "json", "drain", "--deadline", "60s"])
}

/// A machine with sets of both kinds.
fn of_both(words: &str) -> Scenario {
    let other = "[[log]]\nname = \"other\"\nwhen = \"1 KiB\"\npaths = [\"{logs}/sub/*.log\"]";
    let scene = Scenario::new().shipping_directly(&format!("{words}\n{other}"));
    fs::create_dir(scene.logs().join("sub")).unwrap();
    scene
}

#[test]
fn all_that_is_not_empty_is_in_the_store_by_both_ways() {
    let scene = of_both("").log_of("due.log", 5000).log_of("not-due.log", 100);
    scene.append("sub/other.log", text_of("other", 3000));
    let planned = scene.run(&["--format", "json", "--dry-run", "drain"]).exits(0);
    assert_eq!(planned.steps("rotate", "planned").len(), 3, "{planned:#?}");
    let ran = drain(&scene).exits(0);
    assert_eq!(ran.summary(), "3 archives shipped: everything is in the store", "{ran:#?}");
    assert_eq!(
        (scene.archives("due.log").len(), scene.archives("not-due.log").len(), scene.names("sub/other.log.").len()),
        (0, 0, 1)
    );
    assert_eq!(drain(&scene).exits(0).summary(), "0 archives shipped: everything is in the store");
    scene.assert_shipped(&[text_of("due.log", 5000), text_of("not-due.log", 100), text_of("other", 3000)], "by both ways");
}

#[test]
fn what_waits_here_is_named_with_the_reason_and_gets_there_later() {
    let scene = of_both("").log_of("app.log", 5000);
    fs::rename(scene.store(), scene.root().join("away")).unwrap();
    let ran = drain(&scene).exits(3);
    let why = ran.reason("drain", "failed", &scene.archives("app.log")[0]);
    assert!(why.starts_with("it waits here as plain text: open ") && why.contains("/store"), "{why}");
    assert_eq!(ran.summary(), "0 archives shipped: 1 item left here");
    let planned = scene.run(&["--format", "json", "--dry-run", "drain"]).exits(0);
    assert_eq!(planned.steps("ship", "planned").len(), 1, "{planned:#?}");
    fs::rename(scene.root().join("away"), scene.store()).unwrap();
    drain(&scene).exits(0);
    scene.assert_shipped(&[text_of("app.log", 5000)], "the store is back");
}

#[test]
fn who_has_the_manifest_is_told_where_that_is_somebody_else() {
    if !crate::support::needs::met(&[crate::support::needs::Need::Root]) {
        return;
    }
    let scene = of_both("").log_of("app.log", 5000);
    fs::create_dir_all(scene.spool().join("receipts")).unwrap();
    let scene = scene.owned("spool/receipts", NOBODY, NOBODY);
    let ran = drain(&scene).exits(3);
    let why = ran.reason("drain", "failed", &scene.archives("app.log")[0]);
    assert!(why.contains("user 65534 ships from this machine"), "{why}");
}

#[test]
fn a_log_that_goes_on_after_it_was_shipped_is_told_to_have_grown() {
    let reopen = "reopen = { command = [\"/bin/sh\", \"-c\", \"echo more >> {logs}/app.log\"] }";
    let scene = of_both(reopen).log_of("app.log", 5000);
    let ran = drain(&scene).exits(0);
    assert_eq!(ran.summary(), "1 archive shipped: everything is in the store", "{ran:#?}");
    let grown = findings(&ran, "logs.grown-since");
    assert!(grown.len() == 1 && grown[0].starts_with("1 log (5 B)"), "{grown:?}");
}

#[test]
fn where_nothing_waits_here_nobody_is_asked_to_ship_it() {
    if !crate::support::needs::met(&[crate::support::needs::Need::Root]) {
        return;
    }
    let scene = of_both("").open_root();
    scene.append("sub/other.log", text_of("other", 3000));
    for folder in ["spool", "spool/receipts"] {
        fs::create_dir(scene.root().join(folder)).unwrap();
    }
    let scene = ["spool/receipts", "store"].into_iter().fold(scene, |scene, path| scene.owned(path, NOBODY, NOBODY));
    let ran = drain(&scene.mode("spool", 0o755)).exits(0);
    assert_eq!(ran.summary(), "1 archive shipped: everything is in the store", "{ran:#?}");
}
