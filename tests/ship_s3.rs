//! The stories of `ship`, `verify` and `prune` with a bucket, through the real binary against a real S3 that verifies signatures and checksums. What is
//! in the bucket is seen past S3.
#![expect(
    clippy::unwrap_used,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "a story fails loudly, and knows its names"
)]

mod support;

#[path = "ship_s3/cost.rs"]
mod cost;
#[path = "ship_s3/manifests.rs"]
mod manifests;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use support::{
    between::{Between, Fate},
    files,
    meeting::Meeting,
    needs,
    scenario::{Ran, Scenario, files_under, text_of},
    seaweed::{Bucket, READER, SEAWEED, Seaweed, log_in},
};

/// A bucket of its own; none where there is no `SeaweedFS`.
fn bucket() -> Option<Bucket> {
    needs::met(SEAWEED).then(|| Seaweed::of_this_program().bucket())
}

fn turn(scene: &Scenario, number: usize) -> Vec<u8> {
    let text = text_of(&format!("turn-{number}"), 3000);
    scene.append("app.log", &text);
    text
}

/// One try for each call, so that a story of what does not work is short.
fn try_once(scene: &Scenario, args: &[&str]) -> Ran {
    Ran::of(scene.command(args).env("AWS_MAX_ATTEMPTS", "1"))
}

const SHIP: &[&str] = &["--format", "json", "ship"];

fn verify(scene: &Scenario, bucket: &Bucket) -> Ran {
    scene.run(&["--format", "json", "verify", &bucket.url()])
}

/// The ids of all findings, sorted.
fn told(ran: &Ran) -> Vec<String> {
    let json = ran.json();
    let mut ids: Vec<_> = json["findings"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn texts(bucket: &Bucket) -> Vec<Vec<u8>> {
    let mut texts: Vec<_> = bucket.objects().into_values().collect();
    texts.sort();
    texts
}

/// So many segments of one object each.
fn shipped(bucket: &Bucket, segments: usize) -> Scenario {
    let scene = bucket.scene("", "");
    for number in 0..segments {
        turn(&scene, number);
        scene.rotate().exits(0);
        scene.ship().exits(0);
    }
    scene
}

#[test]
fn what_is_archived_gets_into_the_bucket_once_and_is_named_there() {
    let Some(bucket) = bucket() else { return };
    let scene = bucket.scene("", "service = \"web/1 ü\"").log_of("a.log", 5000).log_of("b.log", 9000);
    scene.rotate().exits(0);
    let ran = scene.ship().exits(0);
    assert_eq!(ran.steps("ship", "done").len(), 2, "{ran:#?}");
    assert_eq!(texts(&bucket), [text_of("a.log", 5000), text_of("b.log", 9000)]);
    let keys: Vec<String> = bucket.objects().into_keys().collect();
    assert!(keys.iter().all(|key| key.starts_with("logs/service=web%2F1%20%C3%BC/dt=20")), "{keys:?}");
    assert_eq!(bucket.named(), keys);
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 2);
    let before = bucket.listed();
    assert_eq!(scene.ship().exits(0).summary(), "nothing waits for the store");
    assert_eq!((bucket.listed(), scene.spooled()), (before, BTreeMap::new()));
    let ran = verify(&scene, &bucket).exits(0);
    assert!(told(&ran).is_empty() && ran.summary().starts_with("as named: 2 of 2 objects of 1 machine ("), "{ran:#?}");
}

#[test]
fn nothing_goes_while_the_store_is_down_and_everything_gets_there_once_when_it_is_up() {
    const TURNS: usize = 3;
    let Some(bucket) = bucket() else { return };
    let scene = bucket.scene("", "keep = { count = 1 }");
    let (up, down) = (bucket.server.endpoint(), "http://127.0.0.1:1");
    scene.change_settings(&up, down);
    let mut written: Vec<_> = (0..TURNS)
        .map(|number| {
            let text = turn(&scene, number);
            assert_eq!(scene.rotate().exits(0).steps("remove", "done").len(), 0);
            try_once(&scene, SHIP).exits(3).says("connection refused");
            text
        })
        .collect();
    assert_eq!(scene.archives("app.log").len(), TURNS);
    scene.change_settings(down, &up);
    scene.ship().exits(0);
    written.sort();
    assert_eq!((texts(&bucket), bucket.named().len()), (written, TURNS));
    let ran = scene.rotate().exits(0);
    assert_eq!((ran.steps("settle", "done").len(), ran.steps("remove", "done").len()), (TURNS, TURNS - 1), "{ran:#?}");
}

#[test]
fn a_large_object_is_made_of_parts_and_is_the_same() {
    let Some(bucket) = bucket() else { return };
    for checksum in ["crc64nvme", "crc32", "sha256", "none"] {
        let words = format!("compress = \"none\"\nservice = \"{checksum}\"");
        let name = format!("{checksum}.log");
        let scene = bucket.scene(&format!("checksum = \"{checksum}\""), &words).log_of(&name, 18 << 20);
        scene.change_settings("host = \"test\"", &format!("host = \"{checksum}\""));
        scene.rotate().exits(0);
        let ran = scene.ship().exits(0);
        assert_eq!(ran.steps("ship", "done").len(), 1, "{ran:#?}");
        let objects = bucket.objects();
        let (_, text) = objects.iter().find(|(key, _)| key.contains(&format!("service={checksum}/"))).unwrap();
        assert!(*text == text_of(&name, 18 << 20), "{checksum}");
        assert_eq!(bucket.uploads(), Vec::<String>::new(), "{checksum}");
        assert_eq!(told(&verify(&scene, &bucket)).iter().filter(|id| id.contains("object")).count(), 0, "{checksum}");
    }
}

#[test]
fn an_object_of_several_archives_is_asked_about_and_fetched_once() {
    let Some(bucket) = bucket() else { return };
    let scene = bucket.scene("min-object = \"8 MiB\"\nmax-delay = \"24h\"", "");
    for hour in 10..13 {
        let line = |minute: usize| format!("2026-11-10T{hour}:{minute}:00Z one of the lines of that hour\n");
        scene.append("app.log", (10..40).map(line).collect::<String>());
        scene.rotate().exits(0);
    }
    scene.run(&["rotate", "--finish"]).exits(0);
    scene.ship().exits(0);
    let between = Between::before(bucket.server.port(), |_, _| Fate::Passes);
    scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
    let back = scene.root().join("back");
    std::fs::create_dir(&back).unwrap();
    let ran = scene.run(&["--format", "json", "restore", "--to", back.to_str().unwrap()]).exits(0);
    assert_eq!((ran.steps("restore", "done").len(), bucket.objects().len()), (3, 1), "{ran:#?}");
    let asked = |method| between.asked().iter().filter(|request| request.is(method, "/logs/")).count();
    assert_eq!((asked("HEAD"), asked("GET")), (1, 1));
}

#[test]
fn an_upload_is_ended_when_nothing_of_it_is_on_its_way_any_more() {
    static ENDED: Meeting = Meeting::new();
    let Some(bucket) = bucket() else { return };
    let scene = bucket.scene("", "compress = \"none\"").log_of("app.log", 17 << 20);
    scene.rotate().exits(0);
    spoil(&scene);
    let too_soon = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&too_soon);
    let between = Between::before(bucket.server.port(), move |request, _| {
        // What is on its way when the upload is ended arrives when it was.
        if request.is("PUT", "partNumber=1&") && ENDED.within(2, Duration::from_secs(3)) {
            seen.store(true, Ordering::SeqCst);
        } else if request.is("DELETE", "uploadId=") {
            ENDED.within(1, Duration::ZERO);
        }
        Fate::Passes
    });
    scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
    try_once(&scene, SHIP).exits(3).says("logs.parcel-damaged");
    let asked = |method, word: &str| between.asked().iter().filter(|request| request.is(method, word)).count();
    assert_eq!((asked("PUT", "partNumber=1&"), asked("DELETE", "uploadId=")), (1, 1));
    assert_eq!((too_soon.load(Ordering::SeqCst), bucket.uploads()), (false, vec![]));
}

#[test]
fn another_object_under_the_same_key_is_told_and_neither_is_touched() {
    let Some(bucket) = bucket() else { return };
    let scene = bucket.scene("", "").log_of("app.log", 3000);
    scene.rotate().exits(0);
    let key = scene.parcels().into_values().next().unwrap()["key"].as_str().unwrap().to_owned();
    let other = zstd::encode_all(&b"something else\n"[..], 1).unwrap();
    bucket.write(&key, &other);
    let ran = scene.ship().exits(3);
    assert_eq!((ran.steps("ship", "failed").len(), told(&ran)), (1, vec!["logs.object-differs".to_owned()]), "{ran:#?}");
    assert_eq!((bucket.read(&key), scene.parcels().len(), bucket.segments().len()), (other, 1, 0));
}

/// The last byte of what waits there is another one.
fn spoil(scene: &Scenario) {
    let ready = scene.spool().join("ready");
    let data = files_under(&ready).into_keys().find(|name| name.ends_with(".data")).unwrap();
    let mut bytes = std::fs::read(ready.join(&data)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    files::write(ready.join(&data), bytes).unwrap();
}

#[test]
fn an_archive_that_is_not_what_was_handed_over_is_not_stored() {
    let Some(bucket) = bucket() else { return };
    for size in [3000, 17 << 20] {
        let scene = bucket.scene("", "compress = \"none\"").log_of("app.log", size);
        scene.rotate().exits(0);
        spoil(&scene);
        try_once(&scene, SHIP).exits(3).says("logs.parcel-damaged");
        assert_eq!((bucket.listed(), bucket.uploads()), (BTreeMap::new(), vec![]), "{size}");
    }
}

#[test]
fn each_trouble_has_its_own_sentence_and_loses_nothing() {
    let Some(bucket) = bucket() else { return };
    let scene = bucket.scene("", "").log_of("app.log", 3000);
    scene.rotate().exits(0);
    let ship = |text: &str, hint: &str| {
        let ran = try_once(&scene, SHIP).exits(3);
        assert!(ran.stdout.contains(text) && ran.stdout.contains(hint), "{text}: {ran:#?}");
        assert_eq!((bucket.listed(), scene.parcels().len()), (BTreeMap::new(), 1), "{text}");
    };
    log_in(&scene, "shipkey", "another secret");
    ship("the secret key is not the one of that access key", "check the credentials");
    log_in(&scene, "nobody", "shipsecret");
    ship("the access key is unknown there", "check the credentials");
    log_in(&scene, READER.0, READER.1);
    ship("access denied", "allow s3:PutObject");
    log_in(&scene, "shipkey", "shipsecret");
    scene.change_settings(&bucket.url(), "s3://no-such-bucket/fleet");
    ship("there is no bucket of that name", "check url");
    scene.change_settings("s3://no-such-bucket/fleet", &bucket.url());
    std::fs::remove_dir_all(scene.root().join(".aws")).unwrap();
    let ran = Ran::of(scene.command(SHIP).env("AWS_MAX_ATTEMPTS", "1").env("AWS_EC2_METADATA_DISABLED", "true")).exits(3);
    ran.says("no credentials are known here");
    log_in(&scene, "shipkey", "shipsecret");
    scene.ship().exits(0);
    assert_eq!(texts(&bucket), [text_of("app.log", 3000)]);
}

/// What is done to a bucket, and what is told of it.
type Case<'a> = (&'a str, &'a dyn Fn(&Bucket), &'a str);

#[test]
fn whatever_is_done_to_a_bucket_is_named() {
    let Some(clean) = bucket() else { return };
    let ran = verify(&shipped(&clean, 3), &clean).exits(0);
    assert_eq!(told(&ran), Vec::<String>::new());
    let object = |bucket: &Bucket, number: usize| bucket.named()[number - 1].clone();
    let segment = |number: usize| format!("_opsbelt/manifests/test/{number:010}.json");
    let flip = |bucket: &Bucket, key: &str| {
        let mut bytes = bucket.read(key);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bucket.write(key, &bytes);
    };
    let cases: [Case; 8] = [
        (
            "an object cut",
            &|bucket| {
                let (key, bytes) = (object(bucket, 2), bucket.read(&object(bucket, 2)));
                bucket.write(&key, &bytes[..bytes.len() - 1]);
            },
            "logs.object-differs",
        ),
        ("an object removed", &|bucket| bucket.remove(&object(bucket, 2)), "logs.object-missing"),
        ("an object altered", &|bucket| flip(bucket, &object(bucket, 2)), "logs.object-differs"),
        ("an object put there", &|bucket| bucket.write("logs/service=app/x.zst", b"x"), "logs.object-unknown"),
        ("one of a name that no key can be", &|bucket| bucket.write("logs/ä b.log", b"x"), "logs.object-unknown"),
        ("a segment removed", &|bucket| bucket.remove(&segment(2)), "logs.segment-missing"),
        ("a segment altered", &|bucket| flip(bucket, &segment(2)), "logs.segment-differs"),
        (
            "the last segment and its object removed",
            &|bucket| {
                bucket.remove(&object(bucket, 3));
                bucket.remove(&segment(3));
            },
            "logs.tail-missing",
        ),
    ];
    for (what, act, id) in cases {
        let bucket = clean.server.bucket();
        let scene = shipped(&bucket, 3);
        act(&bucket);
        let ran = verify(&scene, &bucket).exits(1);
        assert_eq!(told(&ran), [id], "{what}: {ran:#?}");
        let here = scene.archives("app.log");
        scene.rotate().exits(0);
        assert_eq!(scene.archives("app.log"), here, "{what}: nothing here goes for it");
    }
}

#[test]
fn a_list_of_many_pages_is_read_to_its_end() {
    const STRANGERS: usize = 1050;
    let Some(bucket) = bucket() else { return };
    let scene = shipped(&bucket, 1);
    for number in 0..STRANGERS {
        bucket.write(&format!("logs/service=x/{number}.log"), b"x");
    }
    let ids = told(&verify(&scene, &bucket).exits(1));
    assert!(ids.len() == STRANGERS && ids.iter().all(|id| id == "logs.object-unknown"), "{}", ids.len());
}

#[test]
fn what_no_rule_wants_leaves_the_bucket_and_the_manifest_says_so() {
    let Some(first) = bucket() else { return };
    // Many in one call, and one after the other.
    for checksum in ["crc64nvme", "none"] {
        let bucket = first.server.bucket();
        let scene = bucket.scene(&format!("checksum = \"{checksum}\""), "store-keep = { count = 1 }");
        for number in 0..4 {
            turn(&scene, number);
            scene.rotate().exits(0);
            scene.ship().exits(0);
        }
        let prune = |more: &[&str]| scene.run(&[&["--format", "json", "prune"], more].concat());
        assert_eq!(prune(&[]).exits(0).steps("remove", "planned").len(), 3);
        assert_eq!(bucket.objects().len(), 4);
        let ran = prune(&["--apply"]).exits(0);
        assert_eq!((ran.steps("remove", "done").len(), bucket.objects().len()), (3, 1), "{ran:#?}");
        let ran = verify(&scene, &bucket).exits(0);
        assert!(told(&ran).is_empty() && ran.summary().ends_with("; 3 pruned"), "{ran:#?}");
        assert_eq!(prune(&["--apply"]).exits(0).summary(), "nothing to remove; 1 object stays");
    }
}
