//! A store that is down for days, and bytes that are altered on the way there, on the way back, here or there: nothing goes that is
//! not proven to be there, everything gets there once, and what is wrong is named.
#![expect(
    clippy::unwrap_used,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "a story fails loudly, and knows its names"
)]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
};

use support::{
    between::{Between, Fate, Request},
    needs,
    scenario::{Ran, Scenario, files_under, text_of},
    seaweed::{Bucket, Outage, SEAWEED, Seaweed},
};

const SHIP: &[&str] = &["--format", "json", "ship"];
/// Two parts.
const LARGE: usize = (8 << 20) + 1000;

fn try_once(scene: &Scenario, args: &[&str]) -> Ran {
    Ran::of(scene.command(args).env("AWS_MAX_ATTEMPTS", "1"))
}

/// Both sides as often as it takes, and then all of it is there, once.
fn ends_well(scene: &Scenario, bucket: &Bucket, texts: &[Vec<u8>], story: &str) {
    for _ in 0..=texts.len() {
        let ran = scene.ship();
        assert_eq!(ran.code, Some(0), "{story}: {ran:#?}");
        let ran = scene.rotate();
        assert_eq!(ran.code, Some(0), "{story}: {ran:#?}");
    }
    scene.ship().exits(0);
    bucket.assert_shipped(texts, story);
    assert_eq!(scene.spooled(), BTreeMap::new(), "{story}");
    let ran = scene.run(&["--format", "json", "verify", &bucket.url()]);
    assert_eq!(ran.code, Some(0), "{story}: {ran:#?}");
}

#[test]
fn while_the_store_is_down_nothing_goes_and_when_it_is_up_everything_gets_there_once() {
    const BUDGET: u64 = 4000;
    let turns = support::by_tier(6, 20);
    if !needs::met(SEAWEED) {
        return;
    }
    let mut outage = Outage::new();
    let bucket = outage.server().bucket();
    let scene = bucket.scene(&format!("spool-max = \"{BUDGET}\""), "keep = { count = 1 }\ncompress = \"zstd\"");
    let texts: Vec<_> = (0..=turns).map(|turn| text_of(&format!("turn-{turn}"), 3000)).collect();
    scene.append("app.log", &texts[0]);
    scene.rotate().exits(0);
    scene.ship().exits(0);
    outage.begin();
    // Another compressor takes over meanwhile.
    let levels = ["zstd", "zstd:1", "zstd:19", "gzip"].windows(2).map(|pair| (pair[0], pair[1]));
    let mut upgrades = levels.map(|(one, other)| (format!("compress = \"{one}\""), format!("compress = \"{other}\"")));
    for (turn, text) in texts.iter().enumerate().skip(1) {
        scene.append("app.log", text);
        let ran = scene.rotate().exits(0);
        let removed = ran.steps("remove", "done").len();
        assert!(removed == 0 || (turn == 1 && removed == 1), "only what was shipped before: {ran:#?}");
        try_once(&scene, SHIP).exits(3).says("connection refused");
        let waits = files_under(&scene.spool()).into_iter().filter(|(name, _)| name.ends_with(".data"));
        let bytes: u64 = waits.map(|(_, bytes)| bytes).sum();
        assert!(bytes > 0 && bytes <= BUDGET, "turn {turn}: {bytes} bytes wait");
        if let Some((from, to)) = upgrades.next() {
            scene.change_settings(&from, &to);
        }
    }
    assert!(scene.archives("app.log").len() >= turns, "{:?}", scene.archives("app.log"));
    outage.end();
    ends_well(&scene, &bucket, &texts, "up again");
    assert_eq!(scene.archives("app.log").len(), 1, "the rule removes what is in the store");
}

#[test]
fn what_another_compressor_made_of_the_same_text_is_the_same_object() {
    if !needs::met(SEAWEED) {
        return;
    }
    let bucket = Seaweed::of_this_program().bucket();
    let scene = bucket.scene("", "");
    let text = text_of("app.log", 30_000);
    scene.append("app.log", &text);
    scene.rotate().exits(0);
    let key = scene.parcels().into_values().next().unwrap()["key"].as_str().unwrap().to_owned();
    let anew = zstd::encode_all(&text[..], 19).unwrap();
    bucket.write(&key, &anew);
    let ran = scene.ship().exits(0);
    assert_eq!(ran.reason("ship", "done", &key), "the store had it already, with the same text");
    let named = bucket.segments()[0]["objects"][0].clone();
    assert_eq!((bucket.read(&key).len(), named["stored"].as_u64()), (anew.len(), Some(anew.len() as u64)), "{named:#}");
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 1);
    ends_well(&scene, &bucket, &[text], "with another compressor");
}

/// A machine behind somebody who alters what passes, as long as that one is told to.
struct Tampered {
    scene: Scenario,
    bucket: Bucket,
    on: Arc<AtomicBool>,
    touched: Arc<AtomicBool>,
    texts: Vec<Vec<u8>>,
}

/// A small archive and a large one wait.
fn tampered(store: &str, how: impl Fn(&Request) -> Fate + Send + Sync + 'static) -> Tampered {
    let bucket = Seaweed::of_this_program().used_bucket();
    let (on, touched) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (asked, told) = (Arc::clone(&on), Arc::clone(&touched));
    let between = Between::before(bucket.server.port(), move |request, _| {
        let fate = if asked.load(Ordering::Relaxed) { how(request) } else { Fate::Passes };
        told.fetch_or(!matches!(fate, Fate::Passes), Ordering::Relaxed);
        fate
    });
    let scene = bucket.scene(store, "compress = \"none\"");
    scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
    let texts = vec![text_of("small.log", 3000), text_of("large.log", LARGE)];
    scene.append("small.log", &texts[0]);
    scene.append("large.log", &texts[1]);
    scene.rotate().exits(0);
    Tampered { scene, bucket, on, touched, texts }
}

impl Tampered {
    /// What is done while that one is at it.
    fn meanwhile(&self, args: &[&str], story: &str) -> Ran {
        self.on.store(true, Ordering::Relaxed);
        let ran = try_once(&self.scene, args);
        self.on.store(false, Ordering::Relaxed);
        assert!(self.touched.swap(false, Ordering::Relaxed), "{story}: nothing was altered: {ran:#?}");
        ran
    }
}

/// All receipts.
fn signed(scene: &Scenario) -> Vec<String> {
    scene.receipts().into_iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// A body with a bit turned in its middle.
fn altered(request: &Request) -> Fate {
    let mut body = request.body.clone();
    let middle = body.len() / 2;
    body[middle] ^= 1;
    Fate::Altered(body)
}

#[test]
fn what_is_altered_on_its_way_to_the_store_is_no_object_there() {
    if !needs::met(SEAWEED) {
        return;
    }
    for &checksum in support::by_tier(&["crc64nvme", "none"][..], &["crc64nvme", "crc32", "sha256", "none"]) {
        for word in ["small.log", "partNumber=1", "partNumber=2", "_opsbelt"] {
            let story = format!("{checksum}, {word}");
            let met = move |request: &Request| request.is("PUT", word) && !request.body.is_empty();
            let tampered =
                tampered(
                    &format!("checksum = \"{checksum}\""),
                    move |request| {
                        if met(request) { altered(request) } else { Fate::Passes }
                    },
                );
            let Tampered { scene, bucket, texts, .. } = &tampered;
            tampered.meanwhile(SHIP, &story).exits(3);
            let wrong: Vec<_> =
                bucket.objects().into_iter().filter(|(_, text)| !texts.contains(text)).map(|(key, _)| key).collect();
            let segments: Vec<_> = bucket.listed().into_keys().filter(|key| key.starts_with("_opsbelt")).collect();
            assert!(checksum == "none" || (wrong.is_empty() && segments.len() <= 1), "{story}: it is there");
            assert!(word != "_opsbelt" || signed(scene).is_empty(), "{story}");
            // A store that has no checksums may have taken it: the run read it again and signed for nothing, and somebody has to look.
            for key in wrong.iter().chain(segments.iter().filter(|_| checksum == "none" && word == "_opsbelt")) {
                assert!(signed(scene).iter().all(|receipt| !receipt.contains(key)), "{story}");
                scene.ship().exits(3);
                bucket.remove(key);
            }
            // The next run goes on with what is there of it.
            assert!(bucket.uploads().len() <= usize::from(word.starts_with("partNumber")), "{story}");
            assert_eq!(scene.parcels().len(), 2, "{story}");
            ends_well(scene, bucket, texts, &story);
            assert_eq!(bucket.uploads(), Vec::<String>::new(), "{story}");
            tampered.bucket.leave();
        }
    }
}

#[test]
fn what_is_altered_on_its_way_back_is_not_called_sound_and_does_not_come_back() {
    if !needs::met(SEAWEED) {
        return;
    }
    for checksum in ["crc64nvme", "none"] {
        for word in ["/logs/", "_opsbelt/manifests/test/"] {
            let story = format!("{checksum}, {word}");
            let tampered = tampered(&format!("checksum = \"{checksum}\""), move |request| {
                if request.is("GET", word) && !request.target.contains("list-type") {
                    Fate::AnswerIsAltered(10)
                } else {
                    Fate::Passes
                }
            });
            let Tampered { scene, bucket, texts, .. } = &tampered;
            scene.ship().exits(0);
            let ran = tampered.meanwhile(&["--format", "json", "verify", &bucket.url()], &story);
            assert!(matches!(ran.code, Some(1 | 3)), "{story}: {ran:#?}");
            fs::create_dir(scene.root().join("back")).unwrap();
            let back = scene.root().join("back").display().to_string();
            let ran = tampered.meanwhile(&["--format", "json", "restore", "--to", &back], &story);
            assert!(matches!(ran.code, Some(1 | 3)), "{story}: {ran:#?}");
            assert_eq!(files_under(&scene.root().join("back")), BTreeMap::new(), "{story}");
            assert_eq!(scene.archives("small.log").len() + scene.archives("large.log").len(), 2, "{story}");
            ends_well(scene, bucket, texts, &story);
            tampered.bucket.leave();
        }
    }
}

#[test]
fn what_is_compared_with_an_object_that_is_there_and_reads_as_another_is_not_signed_for() {
    if !needs::met(SEAWEED) {
        return;
    }
    let tampered = tampered("", |request| {
        if request.is("GET", "/logs/") && !request.target.contains("list-type") {
            Fate::AnswerIsAltered(10)
        } else {
            Fate::Passes
        }
    });
    let Tampered { scene, bucket, texts, .. } = &tampered;
    for (_, ticket) in scene.parcels() {
        let key = ticket["key"].as_str().unwrap();
        bucket.write(key, texts.iter().find(|text| Some(text.len() as u64) == ticket["facts"]["size"].as_u64()).unwrap());
    }
    let ran = tampered.meanwhile(SHIP, "read back").exits(3);
    assert_eq!(ran.steps("ship", "failed").len(), 2, "{ran:#?}");
    assert_eq!((bucket.segments().len(), scene.receipts().len()), (0, 0));
    ends_well(scene, bucket, texts, "read back");
}
