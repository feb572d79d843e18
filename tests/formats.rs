//! Everything that is written to be read by a later version: each format has a version and a fixture that
//! today's binary reads, and what is newer is refused and left as it is.

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use support::{files, scenario::Scenario, stories, tally};

/// Every format that is written, and the file that proves that its first version is still read.
const FIXTURES: [(&str, &str); 10] = [
    ("opsbelt.logs.archive", "archive-v1.zst"),
    ("opsbelt.logs.chain", "chain-v1.json"),
    ("opsbelt.logs.head", "head-v1.json"),
    ("opsbelt.logs.head-statement", "head-v1.json"),
    ("opsbelt.logs.ledger", "ledger-v1.jsonl"),
    ("opsbelt.logs.manifest", "manifest-v1.json"),
    ("opsbelt.logs.parcel", "parcel-v1.json"),
    ("opsbelt.logs.receipt", "receipt-v1.json"),
    ("opsbelt.logs.upload", "upload-v1.json"),
    ("opsbelt.run/1", "history-v1.jsonl"),
];

/// The names of the archives that the ledger's fixture knows.
const ARCHIVES: [&str; 2] = ["app.log.20200101T000000Z-0002.zst", "app.log.20200302T031500Z-0001.zst"];

/// When they say they were rotated.
const ROTATED: [&str; 2] = ["2020-01-01T00:00:00Z", "2020-03-02T03:15:00Z"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A machine that an older version left: its ledger, its history, its archives.
fn left_by_version_1() -> Scenario {
    let scene = Scenario::new().plain_set("keep = { count = 5 }").log("app.log", "fresh\n").log("quiet.log", "");
    let ledger = fs::read_to_string(fixture("ledger-v1.jsonl")).expect("a fixture");
    files::write(scene.ledger(), ledger.replace("{logs}", &scene.logs().display().to_string())).expect("our own tree");
    files::copy(fixture("history-v1.jsonl"), scene.state().join("history.jsonl")).expect("our own tree");
    for name in ARCHIVES {
        files::copy(fixture("archive-v1.zst"), scene.live(name)).expect("our own tree");
    }
    scene
}

/// The same after the ledger was lost; the archives say that they are of this machine's `app.log`.
fn left_without_ledger() -> Scenario {
    let scene = left_by_version_1();
    fs::remove_file(scene.ledger()).expect("our own tree");
    for (name, rotated) in ARCHIVES.into_iter().zip(ROTATED) {
        files::write(scene.live(name), archive_of(&scene, rotated)).expect("our own tree");
    }
    scene
}

#[test]
fn every_format_in_the_source_has_a_fixture_that_carries_its_name() {
    let mut found = BTreeMap::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let value = ["FORMAT: &str = \"", "FORMAT: &'static str = \""].iter().find_map(|before| line.split_once(before));
            if let Some((_, value)) = value.filter(|(_, value)| value.starts_with("opsbelt.")) {
                found.insert(value.trim_end_matches("\";").to_owned(), path.clone());
            }
        }
    }
    let known: Vec<&str> = FIXTURES.iter().map(|(format, _)| *format).collect();
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), known, "a format without a fixture, or the other way round");
    for (format, file) in FIXTURES {
        let text = fs::read(fixture(file)).unwrap();
        assert!(text.windows(format.len()).any(|part| part == format.as_bytes()), "{file} is no {format}");
    }
}

#[test]
fn a_ledger_of_version_1_is_read_and_written_anew_in_this_one() {
    let scene = left_by_version_1();
    scene.run(&["verify"]).exits(0).says("as recorded: 2 of 2 archives");
    let status = scene.run(&["--format", "json", "status"]).exits(0).json();
    let rows = status["tables"][0]["rows"].as_array().unwrap();
    assert_eq!((&rows[0][3], &rows[1][3]), (&"2020-03-02T03:15:00Z".into(), &"2020-03-01T03:00:00Z".into()), "{status:#}");
    scene.append("app.log", vec![b'x'; 2000]);
    scene.rotate().exits(0);
    // An older program must refuse it: it would forget what it does not know.
    assert!(
        fs::read_to_string(scene.ledger())
            .unwrap()
            .starts_with("{\"line\":\"header\",\"format\":\"opsbelt.logs.ledger\",\"version\":2,")
    );
    assert_eq!(scene.archives("app.log").len(), 3);
    scene.run(&["verify"]).exits(0).says("3 of 3");
    // The number of an entry is never used twice: 7 was the highest.
    let after = fs::read_to_string(scene.ledger()).unwrap();
    assert!(after.contains("{\"line\":\"entry\",\"id\":8,"), "{after}");
}

#[test]
fn lines_with_and_without_checksums_are_read() {
    for name in ["ledger-v1.jsonl", "ledger-v1-sums.jsonl", "ledger-v1-sights.jsonl"] {
        let scene = Scenario::new().plain_set("").log("app.log", "fresh\n");
        let text = fs::read_to_string(fixture(name)).expect("a fixture");
        files::write(scene.ledger(), &text).expect("our own tree");
        let sound = scene.run(&["--format", "json", "verify"]).exits(1).json();
        assert_eq!(sound["incomplete"].as_array().map(Vec::len), Some(0), "{sound:#}");
        // What it records is not there: so it was read.
        assert_eq!(sound["findings"].as_array().map(Vec::len), Some(2), "{sound:#}");
        files::write(scene.ledger(), text.replacen("\"line\":\"last\"", "\"line\":\"lost\"", 1)).expect("our own tree");
        scene.run(&["verify"]).exits(3).says("1 line cannot be read as written");
    }
}

#[test]
fn every_line_of_version_2_is_read_and_survives_a_rewriting() {
    let scene = Scenario::new().plain_set("").log("app.log", "fresh\n");
    let text = fs::read_to_string(fixture("ledger-v2.jsonl")).expect("a fixture");
    // Named as of an older version it is written anew as soon as a run has something to add.
    files::write(scene.ledger(), &text).expect("our own tree");
    let sound = scene.run(&["--format", "json", "verify"]).exits(1).json();
    assert_eq!(sound["incomplete"].as_array().map(Vec::len), Some(0), "{sound:#}");
    assert_eq!(sound["findings"].as_array().map(Vec::len), Some(4), "four archives are recorded and not there: {sound:#}");
    // One line that cannot be read has the ledger written anew.
    files::write(scene.ledger(), text.replacen("\"line\":\"clock\"", "\"line\":\"cluck\"", 1)).expect("our own tree");
    scene.append("app.log", vec![b'x'; 2000]);
    scene.rotate();
    let after = fs::read_to_string(scene.ledger()).expect("our own tree");
    for kept in [
        "\"line\":\"head\",\"log\":\"{logs}/holes.log\",\"inode\":7,\"archived\":27306,\"hole\":24576",
        "\"generation\":7",
        "\"way\":\"collapse\"",
    ] {
        assert!(after.contains(kept), "{kept}: {after}");
    }
    assert!(after.contains("\"line\":\"collected\",\"log\":\"{logs}/orders.log\""), "{after}");
}

#[test]
fn the_keep_rules_hold_for_what_version_1_made_and_not_for_what_it_inherited() {
    let scene = left_by_version_1().plain_set("keep = { count = 1 }");
    scene.append("app.log", vec![b'x'; 2000]);
    let ran = scene.rotate().exits(0);
    assert!(ran.reason("remove", "done", ARCHIVES[1]).contains("not among the newest 1"));
    assert!(scene.live(ARCHIVES[0]).exists());
}

#[test]
fn a_newer_ledger_is_refused_and_left_as_it_is() {
    let scene = left_by_version_1();
    let newer = fs::read_to_string(scene.ledger()).unwrap().replacen("\"version\":1", "\"version\":3", 1);
    files::write(scene.ledger(), &newer).unwrap();
    scene.append("app.log", vec![b'x'; 2000]);
    for word in ["rotate", "plan", "status", "verify"] {
        scene.run(&[word]).exits(4).says("version 3");
    }
    assert_eq!(fs::read_to_string(scene.ledger()).unwrap(), newer);
    assert_eq!(scene.archives("app.log"), ARCHIVES);
}

#[test]
fn a_history_of_version_1_is_shown_and_newer_lines_are_passed_over_and_kept() {
    let scene = left_by_version_1();
    let path = scene.state().join("history.jsonl");
    let newer = fs::read_to_string(&path).unwrap().replace("opsbelt.run/1", "opsbelt.run/2");
    files::write(&path, fs::read_to_string(&path).unwrap() + &newer).unwrap();
    let shown = |scene: &Scenario| scene.run(&["--format", "json", "history"]).exits(0).json()["tables"][0]["rows"].clone();
    let rows = shown(&scene);
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows:#}");
    assert_eq!((&rows[0][0], &rows[0][3]), (&"2020-03-02T03:15:00.323227429Z".into(), &3.into()));
    scene.rotate().exits(0);
    assert_eq!(shown(&scene).as_array().map(Vec::len), Some(2));
    assert!(fs::read_to_string(&path).unwrap().contains(&newer));
}

#[test]
fn an_archive_of_version_1_is_adopted_and_its_content_is_what_it_was() {
    let scene = left_without_ledger();
    let plan = scene.run(&["--format", "json", "plan"]).exits(0);
    assert_eq!(plan.steps("adopt", "planned").len(), 2, "{plan:#?}");
    scene.rotate().exits(0);
    scene.run(&["verify"]).exits(0).says("2 of 2");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut tally::plain(&scene.live(ARCHIVES[0])), &mut text).unwrap();
    assert!(text.starts_with("2026-11-20T10:00:00Z request 0") && text.lines().count() == 3, "{text}");
}

#[test]
fn a_newer_archive_is_not_taken_for_ours_and_left_as_it_is() {
    let scene = left_without_ledger();
    let newer = of_version_2(&archive_of(&scene, ROTATED[1]));
    files::write(scene.live(ARCHIVES[1]), &newer).unwrap();
    let ran = scene.rotate().exits(3);
    assert_eq!(ran.steps("adopt", "done").len(), 1);
    let told = &ran.json()["incomplete"][0];
    assert!(told["what"].as_str().unwrap().ends_with(ARCHIVES[1]), "{told}");
    assert!(told["why"].as_str().unwrap().contains("written by a newer opsbelt (version 2"), "{told}");
    assert_eq!(fs::read(scene.live(ARCHIVES[1])).unwrap(), newer);
    assert_eq!(stories::told(&scene.live("app.log"), None).len(), 2 * 127 + 6, "and any zstd still reads it");
}

/// The fixture as an archive of this machine's `app.log`.
fn archive_of(scene: &Scenario, rotated: &str) -> Vec<u8> {
    saying(&fs::read(fixture("archive-v1.zst")).expect("a fixture"), &|line| {
        let log = scene.live("app.log").display().to_string();
        line.replace("/var/log/app/app.log", &log).replace("2026-11-21T03:10:37Z", rotated)
    })
}

/// The same archive, saying that it is of the next version.
fn of_version_2(archive: &[u8]) -> Vec<u8> {
    saying(archive, &|line| line.replace("\"version\":1", "\"version\":2"))
}

/// The same archive, saying something else of itself, with the checksum and the sizes that belong to it.
fn saying(archive: &[u8], change: &dyn Fn(&str) -> String) -> Vec<u8> {
    let begin = archive.windows(10).position(|part| part == b"{\"format\":").expect("it says what it is");
    let end = begin + archive[begin..].iter().position(|byte| *byte == b'\n').expect("one line") + 1;
    let line = change(std::str::from_utf8(&archive[begin..end]).expect("text"));
    let mut sum = flate2::Crc::new();
    sum.update(line.as_bytes());
    let text = format!("{line}{:08x}\n", sum.sum());
    let size = u32::try_from(text.len()).expect("a line");
    let (data, table) = (&archive[..begin - 4], &archive[end + 9..]);
    // The table lists frames as two numbers each; the last is this one, and after it come nine bytes.
    let last = table.len() - 9 - 8;
    let entry = (size + 8).to_le_bytes();
    [data, &size.to_le_bytes(), text.as_bytes(), &table[..last], &entry, &table[last + 4..]].concat()
}

/// SHA-256 as hex, asked of somebody else.
fn sha256(path: &Path) -> String {
    support::process::must("sha256sum", &[path.as_os_str()])[..64].to_owned()
}

/// A record of version 1 that names this store, under a checksum of its own.
fn naming(record: &str, store: &str, folder: &Path) -> String {
    let text = fs::read_to_string(fixture(record)).expect("a fixture").replace("file:///srv/archive", store);
    let (body, _) = text.rsplit_once(",\"sum\"").expect("it ends in a checksum");
    let plain = folder.join("body");
    files::write(&plain, body).expect("our own tree");
    format!("{body},\"sum\":\"{}\"}}\n", &sha256(&plain)[..16])
}

/// What version 1 had handed over, and where its manifest ended; the parcel's name.
fn left_on_its_way(scene: &Scenario) -> String {
    for folder in ["spool/ready", "spool/receipts", "store/_opsbelt/manifests/test"] {
        fs::create_dir_all(scene.root().join(folder)).expect("our own tree");
    }
    let parcel = sha256(&fixture("parcel-v1.json"));
    files::copy(fixture("parcel-v1.json"), scene.spool().join(format!("ready/{parcel}.json"))).expect("our own tree");
    files::copy(fixture("archive-v1.zst"), scene.spool().join(format!("ready/{parcel}.data"))).expect("our own tree");
    files::copy(fixture("manifest-v1.json"), scene.store().join("_opsbelt/manifests/test/0000000001.json"))
        .expect("our own tree");
    parcel
}

#[test]
fn what_version_1_handed_over_is_shipped_after_what_it_shipped() {
    let scene = Scenario::new().shipping("", "");
    left_on_its_way(&scene);
    let store = format!("file://{}", scene.store().display());
    files::write(scene.root().join("url"), &store).expect("our own tree");
    let chain = scene.state().join(format!("chain-{}.json", &sha256(&scene.root().join("url"))[..16]));
    files::write(&chain, naming("chain-v1.json", &store, scene.root())).expect("our own tree");
    let ran = scene.ship().exits(0);
    assert_eq!(ran.steps("ship", "done").len(), 1, "{ran:#?}");
    let segments = scene.segments();
    let first = sha256(&scene.store().join("_opsbelt/manifests/test/0000000001.json"));
    assert_eq!((segments.len(), segments[1]["previous"].as_str()), (2, Some(first.as_str())), "{segments:#?}");
    assert!(!chain.exists() && scene.memory().len() == 1, "what was remembered in the state is remembered beside the receipts");
    scene.rotate().exits(0);
    assert_eq!(scene.parcels().len(), 0);
}

#[test]
fn what_version_1_began_and_nobody_waits_for_is_ended() {
    let scene = Scenario::new().shipping("", "");
    fs::create_dir_all(scene.spool().join("receipts")).expect("our own tree");
    let store = format!("file://{}", scene.store().display());
    let note = scene.state().join("upload-0123456789abcdef.json");
    files::write(&note, naming("upload-v1.json", &store, scene.root())).expect("our own tree");
    scene.ship().exits(0);
    assert!(!note.exists());
    let newer = fs::read_to_string(fixture("upload-v1.json")).expect("a fixture").replace("\"version\":1", "\"version\":2");
    files::write(&note, &newer).expect("our own tree");
    scene.ship().exits(3).says("it is of version 2");
    assert_eq!(fs::read_to_string(&note).expect("it is left as it is"), newer);
}

#[test]
fn what_version_1_signed_for_is_taken_back() {
    let scene = Scenario::new().shipping("", "");
    let parcel = left_on_its_way(&scene);
    let store = format!("file://{}", scene.store().display());
    let receipt = naming("receipt-v1.json", &store, scene.root());
    files::write(scene.spool().join(format!("receipts/{parcel}.json")), receipt).expect("our own tree");
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 1);
    assert_eq!(scene.parcels().len(), 0);
}

#[test]
fn what_a_tombstone_of_version_1_says_is_not_missed() {
    let scene = Scenario::new().shipping("", "");
    left_on_its_way(&scene);
    let second = scene.store().join("_opsbelt/manifests/test/0000000002.json");
    let verify = |code| {
        let ran = scene.run(&["--format", "json", "verify", &format!("file://{}", scene.store().display())]).exits(code);
        ran.summary()
    };
    assert!(verify(1).starts_with("as named: 0 of 1 object"));
    files::copy(fixture("manifest-v1-removed.json"), second).expect("our own tree");
    assert!(verify(0).ends_with("; 1 pruned"));
}

#[test]
fn an_object_of_several_archives_of_version_1_is_shipped_and_comes_back_as_what_they_were() {
    let scene = Scenario::new().shipping("", "");
    for folder in ["spool/ready", "spool/receipts", "back"] {
        fs::create_dir_all(scene.root().join(folder)).expect("our own tree");
    }
    let parcel = sha256(&fixture("parcel-v1-several.json"));
    files::copy(fixture("parcel-v1-several.json"), scene.spool().join(format!("ready/{parcel}.json"))).expect("our own tree");
    files::copy(fixture("several-v1.zst"), scene.spool().join(format!("ready/{parcel}.data"))).expect("our own tree");
    scene.ship().exits(0);
    let text = fs::read(fixture("manifest-v1-several.json")).expect("a fixture");
    let known: serde_json::Value = serde_json::from_slice(&text).expect("it is JSON");
    assert_eq!(scene.segments()[0]["objects"], known["objects"], "what is written today is what was written then");
    scene.rotate().exits(0);
    assert_eq!(scene.parcels().len(), 0);
    files::write(scene.store().join("_opsbelt/manifests/test/0000000001.json"), text).expect("our own tree");
    let back = scene.root().join("back");
    scene.run(&["restore", "--to", back.to_str().expect("it is text")]).exits(0);
    for member in known["objects"][0]["several"].as_array().expect("there are two") {
        let path = back.join("test/srv/opsbelt-shop").join(member["name"].as_str().expect("a name"));
        assert_eq!(sha256(&path), member["sha256"].as_str().expect("a hash"));
    }
}

#[test]
fn a_head_that_version_1_signed_proves_its_segment() {
    let scene = Scenario::new().shipping("", "");
    let key = fixture("head-v1.pem").display().to_string();
    let url = format!("file://{}", scene.store().display());
    for (folder, name) in [("manifests", "manifest-v1.json"), ("heads", "head-v1.json")] {
        let to = scene.store().join(format!("_opsbelt/{folder}/test"));
        fs::create_dir_all(&to).expect("our own tree");
        files::copy(fixture(name), to.join("0000000001.json")).expect("our own tree");
    }
    let told = || {
        let ran = scene.run(&["--format", "json", "verify", &url, "--public-key", &key, "--quick"]).exits(1);
        let json = ran.json();
        let findings = json["findings"].as_array().cloned().unwrap_or_default();
        findings.into_iter().map(|one| one["id"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told(), ["logs.head-elsewhere", "logs.head-proven", "logs.object-missing"]);
    let head = scene.store().join("_opsbelt/heads/test/0000000001.json");
    let newer = fs::read_to_string(fixture("head-v1.json")).expect("a fixture").replacen("\"version\":1", "\"version\":2", 1);
    files::write(&head, newer).expect("our own tree");
    assert_eq!(told(), ["logs.head-forged", "logs.head-missing", "logs.object-missing"]);
}
