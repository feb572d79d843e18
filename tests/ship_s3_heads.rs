//! The end of a manifest, signed with a key that no machine holds: what that proves to whoever did not make it, what is told where it does
//! not hold, and that nothing waits for a signature. openssl is the judge of what is signed.
#![expect(clippy::unwrap_used, reason = "a story fails loudly")]

mod support;

use std::{fs, path::PathBuf};

use serde_json::Value;
use support::{
    files,
    kms::{ARN, KEY, Kind, Kms},
    needs::{self, Need},
    scenario::{Ran, Scenario, files_under, text_of},
    seaweed::{Bucket, SEAWEED, Seaweed},
};

const OPENSSL: &[Need] = &[Need::Program("openssl")];

/// A machine whose store is a bucket, and the KMS that signs for it; none where they cannot be had.
fn machine(kind: Kind) -> Option<(Bucket, Kms, Scenario)> {
    if !needs::met(SEAWEED) || !needs::met(OPENSSL) {
        return None;
    }
    let (bucket, kms) = (Seaweed::of_this_program().used_bucket(), Kms::with(kind));
    let scene = bucket.scene("", "");
    kms.serves(&scene);
    Some((bucket, kms, scene))
}

/// One more object, and the segment that names it.
fn turn(scene: &Scenario, number: usize) -> Ran {
    scene.append("app.log", text_of(&format!("turn-{number}"), 3000));
    scene.rotate().exits(0);
    scene.ship()
}

/// The key of a head.
fn head(number: usize) -> String {
    format!("_opsbelt/heads/test/{number:010}.json")
}

fn segment(number: usize) -> String {
    format!("_opsbelt/manifests/test/{number:010}.json")
}

fn said(bucket: &Bucket, number: usize) -> Value {
    serde_json::from_slice(&bucket.read(&head(number))).unwrap()
}

/// The ids of all findings, sorted.
fn told(ran: &Ran) -> Vec<String> {
    let json = ran.json();
    let mut ids: Vec<_> = json["findings"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// What a finding says.
fn message(ran: &Ran, id: &str) -> String {
    let json = ran.json();
    let one = json["findings"].as_array().unwrap().iter().find(|one| one["id"] == id).cloned();
    one.unwrap_or_else(|| panic!("no {id}: {ran:#?}"))["message"].as_str().unwrap().to_owned()
}

/// A copy of the bucket in a folder, and another machine, which proves it.
struct Elsewhere {
    scene: Scenario,
    copy: PathBuf,
    key: String,
}

impl Elsewhere {
    fn of(bucket: &Bucket, kms: &Kms) -> Elsewhere {
        let scene = Scenario::new().settings("host = \"auditor\"\nlogrotate = \"\"\n");
        let copy = scene.root().join("copy");
        for name in bucket.listed().into_keys() {
            fs::create_dir_all(copy.join(&name).parent().unwrap()).unwrap();
            files::write(copy.join(&name), bucket.read(&name)).unwrap();
        }
        Elsewhere { scene, copy, key: kms.public_key() }
    }

    fn args<'a>(&'a self, url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        ["--format", "json", "verify", url, "--public-key", &self.key].iter().chain(more).copied().collect()
    }

    fn url(&self) -> String {
        format!("file://{}", self.copy.display())
    }

    fn verify(&self, more: &[&str]) -> Ran {
        self.scene.run(&self.args(&self.url(), more))
    }

    fn verify_at(&self, when: &str, more: &[&str]) -> Ran {
        self.scene.run_at(when, &self.args(&self.url(), more))
    }

    fn removed(&self, names: &[String]) {
        for name in names {
            fs::remove_file(self.copy.join(name)).unwrap();
        }
    }
}

/// What a copy of the store, rightly signed, is told to be.
const SOUND: [&str; 2] = ["logs.head-elsewhere", "logs.head-proven"];

#[test]
fn the_end_of_a_manifest_is_signed_and_proven_elsewhere_without_asking_anybody() {
    for kind in [Kind::P256, Kind::Rsa] {
        let Some((bucket, kms, scene)) = machine(kind) else { return };
        let ran = turn(&scene, 1).exits(0);
        assert_eq!(ran.steps("sign", "done")[0]["subject"], head(1).as_str(), "{ran:#?}");
        let first = said(&bucket, 1);
        assert!(kms.proves(&first) && first["key"] == ARN, "{first:#}");
        let statement: Value = serde_json::from_str(first["statement"].as_str().unwrap()).unwrap();
        assert_eq!(
            (&statement["host"], &statement["number"], &statement["store"]),
            (&"test".into(), &1.into(), &bucket.url().into())
        );
        assert!(
            !kms.proves(&serde_json::json!({"statement": "another", "signature": first["signature"]})),
            "openssl proves anything"
        );
        turn(&scene, 2).exits(0);
        assert_eq!(kms.asked(), ["kms:GetPublicKey", "kms:Sign", "kms:GetPublicKey", "kms:Sign"]);
        // What is signed is signed once.
        scene.ship().exits(0);
        scene.rotate().exits(0);
        scene.ship().exits(0);
        assert_eq!(kms.asked().len(), 4);

        let there = Elsewhere::of(&bucket, &kms);
        for key in [kms.public_key(), kms.public_key_der()] {
            let ran = Elsewhere { key, ..Elsewhere::of(&bucket, &kms) }.verify(&[]).exits(0);
            assert_eq!(told(&ran), SOUND, "{kind:?}");
            assert!(
                message(&ran, "logs.head-proven").starts_with("its manifest is proven up to segment 2, signed 20"),
                "{ran:#?}"
            );
        }
        assert_eq!(kms.asked().len(), 4, "nobody was asked");
        let other = Kms::with(kind);
        let ran = Elsewhere { key: other.public_key(), ..there }.verify(&[]).exits(1);
        assert_eq!(told(&ran), ["logs.head-forged", "logs.head-forged", "logs.head-missing"]);

        // Who names no file asks KMS, once for all.
        let ran = scene.run(&["--format", "json", "verify", &bucket.url()]).exits(0);
        assert_eq!((told(&ran), kms.asked()[4..].to_vec()), (vec![], vec!["kms:GetPublicKey".to_owned()]));
        scene.change_settings("host = \"test\"", "host = \"another\"");
        let ran = scene.run(&["--format", "json", "verify", &bucket.url(), "--fresh", "26h"]).exits(0);
        assert_eq!(told(&ran), ["logs.head-proven"], "{ran:#?}");
        kms.denies(true);
        let ran = scene.run(&["--format", "json", "verify", &bucket.url()]).exits(3);
        assert_eq!(told(&ran), ["logs.tail-unproven"]);
        assert!(ran.json()["incomplete"][0]["hint"].as_str().unwrap().contains("kms:GetPublicKey"), "{ran:#?}");
        bucket.leave();
    }
}

/// What is done to a copy of the store, and what is told of it.
type Case<'a> = (&'a str, &'a dyn Fn(&Elsewhere), &'a [&'a str]);

#[test]
fn whatever_is_done_to_the_end_of_a_store_is_named_where_nobody_remembers_it() {
    let Some((bucket, kms, scene)) = machine(Kind::P256) else { return };
    for number in 1..=3 {
        turn(&scene, number).exits(0);
    }
    let objects: Vec<String> =
        bucket.segments().iter().map(|segment| segment["objects"][0]["key"].as_str().unwrap().to_owned()).collect();
    let flip = |there: &Elsewhere, word: &str, by: &str| {
        let text = fs::read_to_string(there.copy.join(head(3))).unwrap();
        assert!(text.contains(word), "{text}");
        files::write(there.copy.join(head(3)), text.replacen(word, by, 1)).unwrap();
    };
    let cases: [Case; 9] = [
        ("nothing", &|_| (), &SOUND),
        (
            "the last segment",
            &|there| there.removed(&[segment(3)]),
            &["logs.head-elsewhere", "logs.head-proven", "logs.object-unknown", "logs.tail-missing"],
        ),
        (
            "the last segment and its object",
            &|there| there.removed(&[segment(3), objects[2].clone()]),
            &["logs.head-elsewhere", "logs.head-proven", "logs.tail-missing"],
        ),
        // What nobody can see, and is told to be so: it is proven up to 2.
        ("the last segment, its object and its head", &|there| there.removed(&[segment(3), objects[2].clone(), head(3)]), &SOUND),
        ("the last head", &|there| there.removed(&[head(3)]), &SOUND),
        ("every head", &|there| there.removed(&[head(1), head(2), head(3)]), &["logs.head-missing"]),
        (
            "all of a machine but its heads",
            &|there| {
                there.removed(&[segment(1), segment(2), segment(3), objects[0].clone(), objects[1].clone(), objects[2].clone()]);
            },
            &["logs.head-missing", "logs.tail-missing"],
        ),
        (
            "a head of another name",
            &|there| files::copy(there.copy.join(head(1)), there.copy.join(head(3))).map(drop).unwrap(),
            &["logs.head-elsewhere", "logs.head-forged", "logs.head-proven"],
        ),
        (
            "a head that was altered",
            &|there| flip(there, "number", "nunber"),
            &["logs.head-elsewhere", "logs.head-forged", "logs.head-proven"],
        ),
    ];
    for (what, act, ids) in cases {
        let there = Elsewhere::of(&bucket, &kms);
        act(&there);
        let ran = there.verify(&[]);
        assert_eq!(told(&ran), ids, "{what}: {ran:#?}");
        let proven = if what == "nothing" { 3 } else { 2 };
        if ids.contains(&"logs.head-proven") {
            let said = message(&ran, "logs.head-proven");
            assert!(said.contains(&format!("up to segment {proven},")), "{what}: {said}");
            assert_eq!(
                said.contains("it goes on to 3, which nobody signed"),
                fs::exists(there.copy.join(segment(3))).unwrap() && proven == 2,
                "{what}: {said}"
            );
        }
    }
    bucket.leave();
}

#[test]
fn a_chain_that_somebody_wrote_anew_from_its_first_segment_on_is_named() {
    let Some((bucket, kms, scene)) = machine(Kind::P256) else { return };
    turn(&scene, 1).exits(0);
    let there = Elsewhere::of(&bucket, &kms);
    // The same machine's name, the same lines but one: a chain of its own that is sound in itself.
    let forger = Scenario::new().shipping("", "").log("app.log", text_of("turn-1 without a line", 3000));
    forger.rotate().exits(0);
    forger.ship().exits(0);
    fs::remove_dir_all(there.copy.join("logs")).unwrap();
    for name in files_under(&forger.store()).into_keys() {
        fs::create_dir_all(there.copy.join(&name).parent().unwrap()).unwrap();
        files::copy(forger.store().join(&name), there.copy.join(&name)).unwrap();
    }
    let ran = there.verify(&[]).exits(1);
    assert_eq!(told(&ran), ["logs.head-missing", "logs.segment-differs"], "{ran:#?}");
    let unsigned = there.scene.run(&["--format", "json", "verify", &there.url()]).exits(0);
    assert_eq!(told(&unsigned), ["logs.tail-unproven"], "that is what nobody saw without a key");
    bucket.leave();
}

#[test]
fn a_head_that_is_old_or_of_a_time_to_come_asks_for_a_person() {
    if !needs::met(&[Need::Program("faketime")]) {
        return;
    }
    let Some((bucket, kms, scene)) = machine(Kind::P256) else { return };
    turn(&scene, 1).exits(0);
    let there = Elsewhere::of(&bucket, &kms);
    assert_eq!(told(&there.verify_at("+25h", &["--fresh", "26h"]).exits(0)), SOUND);
    assert_eq!(told(&there.verify_at("+3d", &[]).exits(0)), SOUND, "nobody asked how old it may be");
    let ran = there.verify_at("+3d", &["--fresh", "26h"]).exits(1);
    assert_eq!(told(&ran), ["logs.head-elsewhere", "logs.head-stale"]);
    assert!(message(&ran, "logs.head-stale").contains("(segment 1): what it said later may have been removed"), "{ran:#?}");
    let ran = there.verify_at("-1h", &["--fresh", "26h"]).exits(1);
    assert!(message(&ran, "logs.head-stale").contains("still to come"), "{ran:#?}");
    bucket.leave();
}

#[test]
fn nothing_waits_for_a_signature_and_the_next_run_makes_up_for_it() {
    let Some((bucket, kms, scene)) = machine(Kind::P256) else { return };
    kms.denies(true);
    let ran = turn(&scene, 1).exits(3);
    assert_eq!((ran.steps("ship", "done").len(), ran.steps("sign", "failed").len()), (1, 1), "{ran:#?}");
    let why = ran.steps("sign", "failed")[0]["reason"].as_str().unwrap().to_owned();
    assert!(
        why.contains("not authorized to perform: kms:GetPublicKey (request KMSID)") && why.contains("allow kms:GetPublicKey"),
        "{why}"
    );
    assert!(!bucket.listed().contains_key(&head(1)));
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 1, "it is believed to be in the store");
    let drained = scene.run(&["--format", "json", "drain"]).exits(3);
    assert_eq!(drained.summary(), "0 archives shipped: everything is in the store, and how the manifest ends is not signed");
    turn(&scene, 2).exits(3);
    kms.denies(false);
    let ran = scene.ship().exits(0);
    assert_eq!(ran.steps("sign", "done").len(), 1, "{ran:#?}");
    // What the second says, it says of the first.
    assert!(kms.proves(&said(&bucket, 2)) && !bucket.listed().contains_key(&head(1)));
    assert_eq!(scene.ship().exits(0).summary(), "nothing waits for the store");
    bucket.leave();
}

#[test]
fn a_run_that_was_killed_before_it_remembered_its_signature_finds_it() {
    let Some((bucket, kms, scene)) = machine(Kind::P256) else { return };
    kms.denies(true);
    turn(&scene, 1).exits(3);
    let chain = scene.memory().remove(0);
    let unsigned = fs::read(&chain).unwrap();
    kms.denies(false);
    scene.ship().exits(0);
    let before = bucket.read(&head(1));
    let forget = || files::write(&chain, &unsigned).unwrap();
    forget();
    scene.ship().exits(0);
    assert_eq!(bucket.read(&head(1)), before, "nothing is replaced");
    let asked = kms.asked().len();
    scene.ship().exits(0);
    assert_eq!(kms.asked().len(), asked, "it is remembered now");

    forget();
    let text = String::from_utf8(before).unwrap().replacen("signature\":\"", "signature\":\"AA", 1);
    bucket.write(&head(1), text.as_bytes());
    let ran = scene.ship().exits(3);
    assert_eq!(told(&ran), ["logs.head-forged"], "{ran:#?}");
    turn(&scene, 2).exits(0);
    assert!(kms.proves(&said(&bucket, 2)));
    bucket.leave();
}

#[test]
fn a_key_that_cannot_sign_heads_is_told() {
    let Some((bucket, _kms, scene)) = machine(Kind::P384) else { return };
    let ran = turn(&scene, 1).exits(3);
    let why = ran.steps("sign", "failed")[0]["reason"].as_str().unwrap().to_owned();
    assert!(why.contains("neither of ECC_NIST_P256 nor of RSA_2048") && why.contains("sign-key in [store]"), "{why}");
    assert_eq!(ran.steps("ship", "done").len(), 1);
    scene.change_settings(KEY, "arn:aws:kms:eu-west-1:123456789012:alias/gone");
    let ran = scene.ship().exits(3);
    assert!(ran.steps("sign", "failed")[0]["reason"].as_str().unwrap().contains("there is no such key"), "{ran:#?}");
    bucket.leave();
}

#[test]
fn what_says_nothing_of_a_signature_is_refused_before_anything_is_done() {
    let scene = Scenario::new().shipping("", "");
    let url = format!("file://{}", scene.store().display());
    scene.run(&["verify", "--fresh", "26h"]).exits(2).says("--public-key and --fresh are about a store");
    scene.run(&["verify", &url, "--fresh", "26h"]).exits(2).says("nobody knows who signs them");
    scene.run(&["verify", &url, "--public-key", "/nowhere.pem"]).exits(2).says("no such file");
    files::write(scene.root().join("none.pem"), "nothing\n").unwrap();
    let none = scene.root().join("none.pem").display().to_string();
    scene.run(&["verify", &url, "--public-key", &none]).exits(2).says("it is neither of ECC_NIST_P256");
}
