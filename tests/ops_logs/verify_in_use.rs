//! A store is proven while it is in use: whoever ships or prunes meanwhile is never told to have done anything else, and what was done besides is.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Command,
};

use crate::{
    collect::findings,
    prune::{object, prune, shipped, turn},
    support::{
        files,
        needs::{self, Need, TRACES},
        process,
        scenario::{Ran, Scenario, text_of},
        stories::NOBODY,
        strace,
    },
    verify_store::{told, verify},
};

fn url(scene: &Scenario) -> String {
    format!("file://{}", scene.store().display())
}

/// Proves the store; `meanwhile` happens when all manifests are listed, and none is read.
fn verify_while(scene: &Scenario, more: &[&str], meanwhile: impl FnOnce()) -> Ran {
    let url = url(scene);
    let args = [&["--format", "json", "verify", &url][..], more].concat();
    // The second call says that nothing more is in that folder, which is the last one.
    let folder = scene.store().join("_opsbelt/manifests/test");
    strace::held(&scene.command(&args), "getdents64", 2, Some(&folder), meanwhile).into()
}

/// Another machine of that store, with something that waits for it.
fn other(scene: &Scenario) -> Scenario {
    let other = Scenario::new().shipping_to(&url(scene), "", "", "store-keep = { count = 1 }");
    other.change_settings("host = \"test\"", "host = \"other\"");
    other.append("app.log", text_of("of another", 3000));
    other.rotate().exits(0);
    other
}

/// The folder that the first object lies in.
fn first_folder(scene: &Scenario) -> PathBuf {
    object(scene, 0).0.parent().unwrap().to_owned()
}

/// One thread looks at the objects, in the order of their segments.
fn one_by_one(scene: &Scenario) {
    scene.change_settings("[store]", "parallel = 1\n[store]");
}

#[test]
fn what_is_pruned_while_the_store_is_proven_is_not_missed() {
    if !needs::met(TRACES) {
        return;
    }
    for more in [&[][..], &["--host", "test"]] {
        let scene = shipped(4);
        let ran = verify_while(&scene, more, || drop(prune(&scene, &["--apply"]).exits(0))).exits(0);
        assert_eq!(told(&ran), [""; 0], "{more:?}");
        let summary = ran.summary();
        assert!(summary.starts_with("as named: 2 of 2 objects of 1 machine") && summary.ends_with("; 2 pruned"), "{summary}");
        // By another one, which said nothing before.
        let scene = shipped(4);
        let other = other(&scene);
        let ran = verify_while(&scene, more, || drop(prune(&other, &["--apply", "--host", "test"]).exits(0))).exits(0);
        assert_eq!(told(&ran), ["logs.pruned-by-another"], "{more:?}");
    }
}

#[test]
fn what_goes_between_the_look_at_it_and_its_first_byte_is_not_missed_either() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = shipped(4);
    one_by_one(&scene);
    let command = scene.command(&["--format", "json", "verify", &url(&scene)]);
    let ended = strace::held(&command, "statx", 1, Some(&first_folder(&scene)), || drop(prune(&scene, &["--apply"]).exits(0)));
    let ran = Ran::from(ended).exits(0);
    assert_eq!((told(&ran), ran.summary().ends_with("; 2 pruned")), (vec![], true), "{ran:#?}");
}

#[test]
fn what_is_pruned_meanwhile_and_put_there_anew_is_not_taken_for_the_old_one() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = shipped(4);
    let path = object(&scene, 0).0;
    let ran = verify_while(&scene, &[], || {
        prune(&scene, &["--apply"]).exits(0);
        files::write(&path, "of a newer encoder, say").unwrap();
    });
    let ran = ran.exits(0);
    assert_eq!((told(&ran), ran.summary().ends_with("; 2 pruned")), (vec![], true), "{ran:#?}");
}

#[test]
fn what_is_shipped_while_the_store_is_proven_is_no_stranger_and_no_end_is_missing() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = shipped(2);
    let other = other(&scene);
    let ran = verify_while(&scene, &[], || {
        turn(&scene, 2);
        other.ship().exits(0);
    });
    let ran = ran.exits(0);
    assert_eq!((told(&ran), ran.summary().starts_with("as named: 2 of 2 objects of 1 machine")), (vec![], true), "{ran:#?}");
    assert_eq!(told(&verify(&scene, &[]).exits(0)), ["logs.tail-unproven"], "the other one's, which is known from then on");
}

#[test]
fn what_somebody_else_does_meanwhile_is_told_all_the_same() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = shipped(4);
    let altered = object(&scene, 2).0;
    let ran = verify_while(&scene, &[], || {
        let removed = object(&scene, 3).0;
        turn(&scene, 4);
        fs::remove_file(&removed).unwrap();
        files::write(&altered, "x").unwrap();
        files::write(removed.with_file_name("x.zst"), "x").unwrap();
        let ran = prune(&scene, &["--apply"]);
        assert_eq!(ran.steps("remove", "done").len(), 2, "those that nobody touched: {ran:#?}");
    });
    let ids = ["logs.object-differs", "logs.object-missing", "logs.object-unknown"];
    assert_eq!(told(&ran.exits(1)), ids);
}

#[test]
fn what_a_manifest_may_explain_that_cannot_be_read_is_nobodys_fault_yet() {
    if !needs::met(&[Need::Root, Need::Program("setpriv")]) {
        return;
    }
    let scene = shipped(3).open_root();
    prune(&scene, &["--apply"]).exits(0);
    process::must("chmod", &["-R".as_ref(), "a+rX".as_ref(), scene.store().as_os_str()]);
    let last = scene.store().join("_opsbelt/manifests/test/0000000004.json");
    fs::set_permissions(last, Permissions::from_mode(0o600)).unwrap();
    let ran = scene.run_as(NOBODY, &["--format", "json", "verify", &url(&scene)]).exits(3);
    assert_eq!(findings(&ran, "logs.object-missing"), [""; 0], "{ran:#?}");
    ran.says("1 object is not there, and not every manifest could be read that may say why");
}

#[test]
fn whoever_asks_to_stop_is_told_once_how_much_was_not_looked_at() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = shipped(4);
    one_by_one(&scene);
    let real = scene.command(&["--format", "json", "verify", &url(&scene)]);
    let mut command = Command::new("strace");
    command.env_clear().args(["-f", "-qqq", "-o", "/dev/null", "-P"]).arg(first_folder(&scene));
    command.args(["-e", "inject=statx:signal=TERM:when=1", "--"]).arg(real.get_program()).args(real.get_args());
    scene.environment(&mut command);
    let ran = Ran::of(&mut command).exits(143);
    let json = ran.json();
    let said = json["incomplete"].as_array().unwrap().iter().filter_map(|one| one["why"].as_str());
    let said: Vec<&str> = said.filter(|why| why.contains("were looked at")).collect();
    assert_eq!(said, ["asked to stop before 3 of 4 objects were looked at"], "{ran:#?}");
}

#[test]
fn who_proves_one_machine_looks_at_no_folder_of_another_unless_something_is_missing() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = shipped(2);
    other(&scene).ship().exits(0);
    let head = scene.store().join("_opsbelt/heads/other/0000000001.json");
    fs::create_dir_all(head.parent().unwrap()).unwrap();
    files::write(head, "x").unwrap();
    let key = format!("{}/tests/fixtures/head-v1.pem", env!("CARGO_MANIFEST_DIR"));
    let looks = |more: &[&str]| {
        let url = url(&scene);
        let args = [&["verify", &url, "--public-key", &key][..], more].concat();
        let opens = strace::calls(&scene.command(&args), "openat,openat2");
        assert!(opens.iter().any(|call| call.contains("\"test\"")), "it opens nothing: {opens:#?}");
        opens.iter().filter(|call| call.contains("\"other\"")).count()
    };
    assert_eq!((looks(&[]) > 0, looks(&["--host", "test"])), (true, 0));
    fs::remove_file(object(&scene, 0).0).unwrap();
    assert!(looks(&["--host", "test"]) > 0, "one of them may have pruned it");
}
