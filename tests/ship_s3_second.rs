//! Stories with a bucket of a second server, for what the first one does not do: it lets everybody do what his policy says and nothing else, keeps
//! what is locked or held, hands out nothing that is cold before it was asked for, and compares the size of what was made of parts.
//! Through the real binary; what is in the bucket is asked by somebody who may do everything.
#![expect(clippy::unwrap_used, reason = "a story fails loudly")]

mod support;

use std::{fs, path::Path, time::Duration};

use support::{
    between::{Between, Fate, Request},
    ministack::{Bucket, MINISTACK, Ministack},
    needs,
    scenario::{Ran, Scenario, files_under, text_of},
    wait_until,
};

/// Two parts.
const LARGE: usize = (8 << 20) + 1000;
/// So many bytes of the small ones.
const SMALL: usize = 3000;

fn bucket(locks: bool) -> Option<Bucket> {
    needs::met(MINISTACK).then(|| Ministack::of_this_program().bucket(locks))
}

fn run(scene: &Scenario, args: &[&str]) -> Ran {
    Ran::of(scene.command(&[&["--format", "json"], args].concat()).env("AWS_MAX_ATTEMPTS", "1"))
}

/// Archives the log with one more text, and ships it.
fn turn(scene: &Scenario, number: usize) {
    scene.append("app.log", text(number));
    scene.rotate().exits(0);
    run(scene, &["ship"]).exits(0);
}

fn text(number: usize) -> Vec<u8> {
    text_of(&format!("turn-{number}"), SMALL)
}

fn reasons(ran: &Ran, action: &str, outcome: &str) -> String {
    ran.steps(action, outcome).iter().map(|step| step["reason"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join("\n")
}

/// The texts that `restore` brings back into a fresh folder, sorted.
fn restored(scene: &Scenario, name: &str) -> Vec<Vec<u8>> {
    let back = scene.root().join(name);
    fs::create_dir(&back).unwrap();
    run(scene, &["restore", "--to", back.to_str().unwrap()]).exits(0);
    texts_in(&back)
}

fn texts_in(folder: &Path) -> Vec<Vec<u8>> {
    let mut texts: Vec<_> = files_under(folder).into_keys().map(|name| fs::read(folder.join(name)).unwrap()).collect();
    texts.sort();
    texts
}

#[test]
fn every_command_can_do_its_work_with_the_rights_that_iam_policy_names_and_not_that_of_another() {
    let Some(bucket) = bucket(false) else { return };
    let store = "checksum = \"sha256\"\ntags = { team = \"web\" }";
    let scene = bucket.scene(store, "compress = \"none\"\nstore-keep = { count = 1 }").log_of("app.log", LARGE);
    scene.rotate().exits(0);
    bucket.lets(&scene, "verify");
    run(&scene, &["ship"]).exits(3).says("allow s3:PutObject and s3:PutObjectTagging");
    assert_eq!(bucket.keys(""), Vec::<String>::new());
    bucket.lets(&scene, "ship");
    run(&scene, &["ship"]).exits(0);
    turn(&scene, 1);
    run(&scene, &["prune", "--apply"]).exits(3).says("allow s3:GetObjectLegalHold");
    assert_eq!(bucket.keys("logs/").len(), 2);

    bucket.lets(&scene, "verify");
    let ran = run(&scene, &["verify", &bucket.url()]).exits(0);
    assert!(ran.summary().starts_with("as named: 2 of 2 objects of 1 machine ("), "{ran:#?}");
    bucket.lets(&scene, "restore");
    assert!(restored(&scene, "all") == [text_of("app.log", LARGE), text(1)], "what comes back is not what was written");
    bucket.lets(&scene, "prune");
    let ran = run(&scene, &["prune", "--apply"]).exits(0);
    assert_eq!((ran.steps("remove", "done").len(), bucket.keys("logs/").len()), (1, 1), "{ran:#?}");
    bucket.lets(&scene, "verify");
    let ran = run(&scene, &["verify", &bucket.url()]).exits(0);
    assert!(ran.json()["findings"].as_array().unwrap().is_empty() && ran.summary().ends_with("; 1 pruned"), "{ran:#?}");
    bucket.lets(&scene, "restore");
    assert_eq!(restored(&scene, "rest"), [text(1)]);
}

#[test]
fn what_is_locked_or_held_in_the_bucket_stays_until_nobody_wants_it_any_more() {
    const HOLD: &str = "<LegalHold xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>ON</Status></LegalHold>";
    const LOCK: &str = "lock = { mode = \"governance\", for = \"30d\" }";
    let Some(bucket) = bucket(true) else { return };
    let scene = bucket.scene(LOCK, "compress = \"none\"\nstore-keep = { count = 1 }");
    bucket.lets(&scene, "ship");
    turn(&scene, 1);
    scene.change_settings(LOCK, "");
    (2..=4).for_each(|number| turn(&scene, number));
    let keys = bucket.keys("logs/");
    let hold = |status: &str| {
        let said = bucket.ask("PUT", &format!("{}?legal-hold", keys[1]), &[], &HOLD.replace("ON", status));
        assert_eq!(said.status, 200, "{said:#?}");
    };
    hold("ON");
    bucket.lets(&scene, "prune");
    let ran = run(&scene, &["prune", "--apply"]).exits(0);
    let kept = reasons(&ran, "remove", "kept");
    assert!(kept.contains("it is locked until 2") && kept.contains("a legal hold is on it"), "{kept}");
    assert!(reasons(&ran, "remove", "done").ends_with("; the bucket keeps its version behind a delete marker"), "{ran:#?}");
    assert_eq!(bucket.keys("logs/"), [&keys[0], &keys[1], &keys[3]].map(Clone::clone));
    hold("OFF");
    assert_eq!(run(&scene, &["prune", "--apply"]).exits(0).steps("remove", "done").len(), 1);
    assert_eq!(bucket.keys("logs/"), [&keys[0], &keys[3]].map(Clone::clone));
    bucket.lets(&scene, "verify");
    let ran = run(&scene, &["verify", &bucket.url()]).exits(0);
    assert!(ran.summary().ends_with("; 2 pruned"), "{ran:#?}");
}

#[test]
fn what_is_cold_is_asked_for_and_comes_back_when_it_is_there() {
    for class in ["GLACIER", "DEEP_ARCHIVE"] {
        let Some(bucket) = bucket(false) else { return };
        let scene = bucket.scene(&format!("storage-class = \"{class}\""), "compress = \"none\"");
        bucket.lets(&scene, "ship");
        turn(&scene, 1);
        let [key] = &bucket.keys("logs/")[..] else { panic!("one object was shipped") };
        assert_eq!(bucket.ask("GET", key, &[], "").status, 403, "{class}");
        bucket.lets(&scene, "restore");
        run(&scene, &["restore", "--to", "-"]).exits(3).says("must be asked for");
        let back = scene.root().join("back");
        fs::create_dir(&back).unwrap();
        let restore = || run(&scene, &["restore", "--to", back.to_str().unwrap()]);
        let ran = restore().exits(3);
        let told = format!("it is in {class}, and was asked for (tier standard): come back in ");
        assert!(reasons(&ran, "request", "done").starts_with(&told), "{ran:#?}");
        // What takes hours elsewhere takes two seconds here.
        wait_until("it to be brought back", Duration::from_mins(1), || restore().code == Some(0));
        assert_eq!(texts_in(&back), [text(1)], "{class}");
    }
}

#[test]
fn what_the_settings_want_of_an_object_is_true_of_it_in_the_bucket() {
    const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let Some(bucket) = bucket(false) else { return };
    let store =
        format!("kms-key = \"{KEY}\"\ntags = {{ team = \"a b+c\" }}\nchecksum = \"sha256\"\nstorage-class = \"STANDARD_IA\"");
    let scene = bucket.scene(&store, "compress = \"none\"").log_of("large.log", LARGE).log_of("small.log", SMALL);
    bucket.lets(&scene, "ship");
    scene.rotate().exits(0);
    run(&scene, &["ship"]).exits(0);
    let keys = bucket.keys("");
    assert_eq!(keys.len(), 3, "{keys:?}");
    for key in keys {
        let head = bucket.ask("HEAD", &key, &[], "");
        assert_eq!(head.header("x-amz-server-side-encryption"), Some("aws:kms"), "{key}: {head:#?}");
        assert_eq!(head.header("x-amz-server-side-encryption-aws-kms-key-id"), Some(KEY), "{key}: {head:#?}");
        let class = if key.starts_with("logs/") { Some("STANDARD_IA") } else { None };
        assert_eq!(head.header("x-amz-storage-class"), class, "{key}: a manifest is read again and again");
        // Those of an object in parts this server forgets.
        if !key.contains("large.log") {
            let tags = bucket.ask("GET", &format!("{key}?tagging"), &[], "").text;
            assert!(tags.contains("<Key>team</Key><Value>a b+c</Value>"), "{key}: {tags}");
        }
    }
}

#[test]
fn a_part_that_was_cut_short_on_its_way_never_becomes_an_object() {
    let Some(bucket) = bucket(false) else { return };
    let scene = bucket.scene("checksum = \"none\"", "compress = \"none\"").log_of("large.log", LARGE);
    bucket.lets(&scene, "ship");
    let (server, name) = (bucket.server, bucket.name.clone());
    let story = move |request: &Request, _: usize| {
        if !request.is("PUT", "partNumber=2") {
            return Fate::Passes;
        }
        let (_, target) = request.target.split_once("/fleet/").unwrap();
        let half = String::from_utf8_lossy(&request.body[..500]).into_owned();
        let said = Bucket { server, name: name.clone() }.ask("PUT", target, &[], &half);
        let tag = said.header("etag").unwrap();
        Fate::Answered { status: said.status, headers: format!("ETag: {tag}\r\n"), body: String::new() }
    };
    let between = Between::before(server.port, story);
    scene.change_settings(&server.endpoint(), &between.endpoint());
    scene.rotate().exits(0);
    run(&scene, &["ship"]).exits(3).says("x-amz-mp-object-size");
    assert_eq!((bucket.keys(""), scene.parcels().len()), (Vec::new(), 1));
    scene.change_settings(&between.endpoint(), &server.endpoint());
    run(&scene, &["ship"]).exits(0);
    bucket.lets(&scene, "restore");
    assert!(restored(&scene, "back") == [text_of("large.log", LARGE)], "what comes back is not what was written");
}

#[test]
fn a_store_that_knows_no_checksum_of_a_whole_is_told_before_anything_is_sent_there() {
    for checksum in ["crc64nvme", "crc32"] {
        let Some(bucket) = bucket(false) else { return };
        let said = format!("checksum = \"{checksum}\"");
        let scene = bucket.scene(&said, "compress = \"none\"").log_of("large.log", LARGE).log_of("small.log", SMALL);
        let between = Between::before(bucket.server.port, |_, _| Fate::Passes);
        scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
        bucket.lets(&scene, "ship");
        scene.rotate().exits(0);
        let ran = run(&scene, &["ship"]).exits(3);
        let why = reasons(&ran, "ship", "failed");
        assert!(why.contains("no checksum of the whole") && why.contains("checksum = \"sha256\" in [store]"), "{why}");
        assert_eq!(bucket.keys("logs/").len(), 1, "the small one got there: {ran:#?}");
        let asked = between.asked();
        assert!(!asked.iter().any(|request| request.is("PUT", "partNumber")), "{asked:#?}");
        assert!(asked.iter().any(|request| request.is("DELETE", "uploadId")), "the upload was not ended: {asked:#?}");
        scene.change_settings(&said, "checksum = \"sha256\"");
        run(&scene, &["ship"]).exits(0);
        bucket.lets(&scene, "restore");
        assert!(restored(&scene, "back") == [text_of("large.log", LARGE), text_of("small.log", SMALL)], "{checksum}");
    }
}
