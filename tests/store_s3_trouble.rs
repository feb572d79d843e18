//! What S3 says of objects that somebody locked, that nobody may remove, or that lie in Glacier, and no stand-in does by itself.
#![expect(clippy::unwrap_used, reason = "a story fails loudly")]

mod support;

#[path = "store_s3_trouble/cut_short.rs"]
mod cut_short;

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use rustix::process::Signal;
use support::{
    between::{Between, Fate, Request},
    meeting::Meeting,
    needs,
    process::Process,
    scenario::{DEADLINE, Ran, Scenario, days_of, files_under, text_of},
    seaweed::{Bucket, SEAWEED, Seaweed},
};

const WORDS: &str = "compress = \"none\"\nstore-keep = { count = 1 }";

fn turn(scene: &Scenario, text: Vec<u8>) {
    scene.append("app.log", text);
    scene.rotate().exits(0);
    scene.ship().exits(0);
}

/// So many archives in a bucket, of which the rule wants one; from then on the story is between.
fn scene(turns: usize, story: impl Fn(&Request) -> Fate + Send + Sync + 'static) -> Option<(Scenario, Bucket, Between)> {
    if !needs::met(SEAWEED) {
        return None;
    }
    let bucket = Seaweed::of_this_program().bucket();
    let scene = bucket.scene("", WORDS);
    (0..turns).for_each(|number| turn(&scene, text(number)));
    let between = Between::before(bucket.server.port(), move |request, _| story(request));
    scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
    Some((scene, bucket, between))
}

fn text(number: usize) -> Vec<u8> {
    text_of(&format!("turn-{number}"), 3000)
}

fn run(scene: &Scenario, args: &[&str]) -> Ran {
    Ran::of(scene.command(&[&["--format", "json"], args].concat()).env("AWS_MAX_ATTEMPTS", "1"))
}

fn prune(scene: &Scenario) -> Ran {
    run(scene, &["prune", "--apply"])
}

fn reasons(ran: &Ran, action: &str, outcome: &str) -> String {
    ran.steps(action, outcome).iter().map(|step| step["reason"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join("\n")
}

fn says(body: &str) -> Fate {
    Fate::Answered { status: 200, headers: "x-amz-request-id: STORY\r\n".to_owned(), body: body.to_owned() }
}

fn locked_until(time: &str) -> Fate {
    says(&format!("<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>{time}</RetainUntilDate></Retention>"))
}

/// A bucket with this lock, and what it says of each object in the order in which they are asked for; where it says nothing, that there is none.
fn locked(lock: &str, says_of: impl Fn(&str, usize) -> Option<Fate> + Send + Sync) -> impl Fn(&Request) -> Fate + Send + Sync {
    let seen: Mutex<Vec<String>> = Mutex::default();
    let lock = format!("<ObjectLockConfiguration><ObjectLockEnabled>{lock}</ObjectLockEnabled></ObjectLockConfiguration>");
    move |request: &Request| {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let Some(asked) = ["object-lock", "legal-hold", "retention"].into_iter().find(|word| query.starts_with(word)) else {
            return Fate::Passes;
        };
        if asked == "object-lock" {
            return says(&lock);
        }
        let mut seen = seen.lock().unwrap();
        if !seen.iter().any(|known| known == path) {
            seen.push(path.to_owned());
        }
        let number = seen.iter().position(|known| known == path).unwrap();
        says_of(asked, number).unwrap_or_else(|| Fate::error(404, "NoSuchObjectLockConfiguration", ""))
    }
}

#[test]
fn what_is_locked_or_held_stays_and_so_does_what_nobody_may_tell_of() {
    let story = locked("Enabled", |asked, number| match (asked, number) {
        ("legal-hold", 0) => Some(says("<LegalHold><Status>ON</Status></LegalHold>")),
        ("retention", 1) => Some(locked_until("2999-01-02T03:04:05Z")),
        ("retention", 2) => Some(Fate::error(403, "AccessDenied", "")),
        ("retention", 3) => Some(locked_until("2001-01-02T03:04:05Z")),
        _ => None,
    });
    let Some((scene, bucket, _)) = scene(6, story) else { return };
    let ran = prune(&scene).exits(3);
    let kept = reasons(&ran, "remove", "kept");
    assert!(kept.contains("a legal hold is on it") && kept.contains("locked until 2999-01-02 03:04:05 UTC"), "{kept}");
    assert!(reasons(&ran, "remove", "failed").contains("allow s3:GetObjectRetention"), "{ran:#?}");
    assert_eq!((ran.steps("remove", "done").len(), bucket.objects().len()), (2, 4), "{ran:#?}");
    let removed: usize = bucket.segments().iter().map(|segment| segment["removed"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!(removed, 2, "what stays has no tombstone");
}

#[test]
fn what_the_store_does_not_say_clearly_of_a_lock_counts_as_one() {
    for lock in ["Enabled", "Another"] {
        let story = locked(lock, |asked, number| match (asked, number) {
            ("legal-hold", 0) => Some(says("<LegalHold><Status>Another</Status></LegalHold>")),
            ("legal-hold", 1) => Some(says("<LegalHold></LegalHold>")),
            ("retention", 2) => Some(says("<Retention><Mode>COMPLIANCE</Mode></Retention>")),
            ("retention", 3) => Some(says("<Retention><Mode>COMPLIANCE</Mode><EventHold>ON</EventHold></Retention>")),
            _ => None,
        });
        let Some((scene, bucket, _)) = scene(5, story) else { return };
        let ran = prune(&scene).exits(3);
        let failed = reasons(&ran, "remove", "failed");
        assert_eq!(failed.matches("the store says neither ON nor OFF").count(), 2, "{lock}: {ran:#?}");
        assert!(failed.contains("no date that can be read"), "{lock}: {ran:#?}");
        assert!(reasons(&ran, "remove", "kept").contains("an event hold is on it"), "{lock}: {ran:#?}");
        assert_eq!((ran.steps("remove", "done").len(), bucket.objects().len()), (0, 5), "{lock}");
        assert!(bucket.segments().iter().all(|segment| segment["removed"].as_array().is_none_or(Vec::is_empty)), "{lock}");
    }
}

#[test]
fn what_is_listed_without_a_name_or_a_size_is_told_and_not_passed_over() {
    for (listed, told) in [
        ("<Size>4242</Size>", "the store lists an object, and not its name"),
        ("<Key>fleet/logs/stranger.log</Key>", "fleet/logs/stranger.log: the store does not say how long it is"),
    ] {
        let body = format!("<ListBucketResult><IsTruncated>false</IsTruncated><Contents>{listed}</Contents></ListBucketResult>");
        let story = move |request: &Request| if request.is("GET", "prefix=fleet%2Flogs%2F") { says(&body) } else { Fate::Passes };
        let Some((scene, bucket, _)) = scene(1, story) else { return };
        run(&scene, &["verify", &bucket.url()]).exits(3).says(told);
    }
}

#[test]
fn a_store_that_refuses_because_of_a_lock_is_heard_and_one_that_denies_is_told() {
    for (message, outcome, told) in [
        ("Access Denied because object protected by object lock.", "kept", "protected by object lock"),
        ("Access Denied", "failed", "allow s3:DeleteObject"),
    ] {
        let body = format!("<Error><Key>KEY</Key><Code>AccessDenied</Code><Message>{message}</Message></Error>");
        let story = move |request: &Request| {
            if !request.is("POST", "delete") {
                return Fate::Passes;
            }
            let asked = String::from_utf8_lossy(&request.body).into_owned();
            let keys = asked.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>").map(|(key, _)| key));
            says(&format!("<DeleteResult>{}</DeleteResult>", keys.map(|key| body.replace("KEY", key)).collect::<String>()))
        };
        let Some((scene, bucket, _)) = scene(3, story) else { return };
        let ran = prune(&scene);
        assert_eq!(ran.steps("remove", outcome).iter().filter(|step| step.to_string().contains(told)).count(), 2, "{ran:#?}");
        assert_eq!((bucket.objects().len(), ran.steps("remove", "done").len()), (3, 0));
    }
}

#[test]
fn where_nobody_can_tell_anything_of_any_object_no_more_are_asked_about() {
    /// What goes at once are the objects of five such archives.
    const DAYS: usize = 84;
    if !needs::met(SEAWEED) {
        return;
    }
    let bucket = Seaweed::of_this_program().bucket();
    let scene = bucket.scene("", WORDS);
    (2014..2020).map(|year| days_of(year, DAYS)).chain([text(0)]).for_each(|text| turn(&scene, text));
    let story = |request: &Request, _: usize| {
        let refused = Fate::Answered { status: 403, headers: String::new(), body: String::new() };
        if request.is("HEAD", "/logs/") { refused } else { Fate::Passes }
    };
    let between = Between::before(bucket.server.port(), story);
    scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
    let ran = prune(&scene).exits(3).says("it ended before all were removed");
    assert!(ran.summary().ends_with(&format!("; {} left to the next run", 6 * DAYS)), "{}", ran.summary());
    let asked = between.asked().iter().filter(|request| request.is("HEAD", "/logs/")).count();
    assert_eq!((ran.steps("remove", "failed").len(), asked), (5 * DAYS, 5 * DAYS));
    assert_eq!(bucket.listed().into_keys().filter(|key| key.starts_with("logs/")).count(), 6 * DAYS + 1);
}

#[test]
fn who_asks_to_stop_while_a_bucket_is_listed_is_heard() {
    let (reached, gate) = (mpsc::sync_channel(8), mpsc::channel::<()>());
    let (tell, held) = (reached.0, Mutex::new(gate.1));
    let story = move |request: &Request| {
        if request.is("GET", "prefix=fleet%2Flogs") {
            tell.send(()).unwrap();
            // Until nobody holds the other end.
            let _ = held.lock().unwrap().recv_timeout(Duration::from_secs(20));
        }
        Fate::Passes
    };
    let Some((scene, _, _)) = scene(3, story) else { return };
    let process = Process::start(&mut scene.command(&["--format", "json", "prune"]));
    reached.1.recv_timeout(DEADLINE).unwrap();
    process.deliver(Signal::TERM);
    drop(gate.0);
    let ran = Ran::from(process.end(DEADLINE)).exits(143).says("asked to stop");
    assert!(!ran.stdout.contains("\"remove\""), "{ran:#?}");
}

#[test]
fn nobody_goes_on_with_a_manifest_that_cannot_be_read_just_then() {
    if !needs::met(SEAWEED) {
        return;
    }
    let bucket = Seaweed::of_this_program().bucket();
    let [gone, ours, laptop] = ["gone", "test", "test"].map(|host| {
        let scene = bucket.scene("", WORDS);
        scene.change_settings("host = \"test\"", &format!("host = \"{host}\""));
        scene
    });
    (0..3).for_each(|number| turn(&gone, text(number)));
    turn(&ours, text(3));
    let between = Between::before(bucket.server.port(), |request, before| {
        let is_first = request.is("GET", "/manifests/test/") && before == 0;
        if is_first { Fate::error(403, "AccessDenied", "") } else { Fate::Passes }
    });
    laptop.change_settings(&bucket.server.endpoint(), &between.endpoint());
    let ran = run(&laptop, &["prune", "--apply", "--host", "gone"]);
    assert_eq!((bucket.segments().len(), bucket.objects().len()), (1, 4), "another machine's manifest goes on: {ran:#?}");
    ran.exits(4).says("nothing here remembers one");
}

#[test]
fn that_a_bucket_keeps_versions_is_said() {
    let story = |request: &Request| {
        if !request.is("POST", "delete") {
            return Fate::Passes;
        }
        let asked = String::from_utf8_lossy(&request.body).into_owned();
        let keys = asked.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>").map(|(key, _)| key));
        let one = |key| format!("<Deleted><Key>{key}</Key><DeleteMarker>true</DeleteMarker></Deleted>");
        says(&format!("<DeleteResult>{}</DeleteResult>", keys.map(one).collect::<String>()))
    };
    let Some((scene, _, _)) = scene(3, story) else { return };
    assert!(reasons(&prune(&scene).exits(0), "remove", "done").contains("behind a delete marker"));
}

/// The lists of what begins so that were asked for.
fn lists(between: &Between, begin: &str) -> Vec<String> {
    let lists = between.asked().into_iter().filter(|request| request.is("GET", "list-type=2") && request.target.contains(begin));
    lists.map(|request| request.target).collect()
}

const SERVICE: &str = "prefix=fleet%2Flogs%2Fservice%3Dapp%2F";

/// Two machines, `test` and `other`, of whose three archives the last one is left.
fn pruned() -> Option<(Scenario, Between)> {
    let (scene, bucket, between) = scene(3, |_| Fate::Passes)?;
    let other = bucket.scene("", "compress = \"none\"\nstore-keep = { count = 1 }");
    other.change_settings("host = \"test\"", "host = \"other\"");
    for number in 3..6 {
        other.append("app.log", text(number));
        other.rotate().exits(0);
        other.ship().exits(0);
    }
    for machine in [&scene, &other] {
        assert_eq!(prune(machine).exits(0).steps("remove", "done").len(), 2);
    }
    Some((scene, between))
}

#[test]
fn what_was_pruned_is_looked_for_once_for_all_machines_and_only_what_is_of_the_time() {
    let Some((scene, between)) = pruned() else { return };
    let before = lists(&between, SERVICE).len();
    let ran = scene.run(&["restore", "--to", "-"]).exits(0);
    let order = [[2, 5], [5, 2]].map(|both| both.map(text).concat());
    assert!(order.contains(&ran.stdout.into_bytes()), "both may be of one second");
    assert_eq!(lists(&between, SERVICE).len(), before + 1);
    scene.run(&["restore", "--to", "-", "--since", "2999-01-01"]).exits(0);
    assert_eq!(lists(&between, SERVICE).len(), before + 1);
}

#[test]
fn where_machines_are_named_only_their_manifests_are_listed() {
    let Some((scene, between)) = pruned() else { return };
    let manifests = "prefix=fleet%2F_opsbelt%2Fmanifests%2F";
    let before = lists(&between, manifests).len();
    let ran = scene.run(&["restore", "--to", "-", "--host", "other"]).exits(0);
    assert_eq!(ran.stdout.as_bytes(), text(5));
    let asked = lists(&between, manifests).split_off(before);
    assert!(!asked.is_empty() && asked.iter().all(|list| list.contains("manifests%2Fother%2F")), "{asked:#?}");
}

#[test]
fn who_asks_it_to_stop_while_it_looks_for_what_was_pruned_waits_for_one_page_of_it() {
    static ASKED: Meeting = Meeting::new();
    static STOPPED: Meeting = Meeting::new();
    let story = |request: &Request| {
        if !(request.is("GET", "list-type=2") && request.target.contains(SERVICE)) {
            return Fate::Passes;
        }
        ASKED.of(2);
        STOPPED.of(2);
        let object = "<Contents><Key>fleet/logs/service=app/x</Key><Size>1</Size></Contents>";
        let goes_on = !request.target.contains("continuation-token");
        says(&format!(
            "<ListBucketResult><IsTruncated>{goes_on}</IsTruncated><NextContinuationToken>next</NextContinuationToken>{object}</ListBucketResult>"
        ))
    };
    let Some((scene, _, between)) = scene(3, story) else { return };
    prune(&scene).exits(0);
    let process = Process::start(scene.command(&["restore", "--to", "-"]).env("AWS_MAX_ATTEMPTS", "1"));
    ASKED.of(2);
    process.deliver(Signal::TERM);
    STOPPED.of(2);
    let ran: Ran = process.end(DEADLINE).into();
    ran.exits(143).says("asked to stop");
    assert_eq!(lists(&between, SERVICE).len(), 1, "it asked for no other page");
}

#[test]
fn what_lies_in_glacier_is_asked_for_awaited_and_then_restored() {
    let thawed = Arc::new(AtomicUsize::new(0));
    let phase = Arc::clone(&thawed);
    let size = text(0).len();
    let story = move |request: &Request| {
        if request.is("POST", "restore") {
            let asked = String::from_utf8_lossy(&request.body).into_owned();
            assert!(asked.contains("<Days>3</Days>") && asked.contains("<Tier>Bulk</Tier>"), "{asked}");
            phase.store(1, Ordering::Relaxed);
            return Fate::Answered { status: 202, headers: String::new(), body: String::new() };
        }
        let cold = request.is("HEAD", "service%3Dcold") || request.is("HEAD", "service=cold");
        let restore = match phase.load(Ordering::Relaxed) {
            _ if !cold => return Fate::Passes,
            0 => "",
            1 => "x-amz-restore: ongoing-request=\"true\"\r\n",
            _ => "x-amz-restore: ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2029 00:00:00 GMT\"\r\n",
        };
        let headers = format!("x-amz-storage-class: DEEP_ARCHIVE\r\n{restore}Content-Length: {size}\r\n");
        Fate::Answered { status: 200, headers, body: String::new() }
    };
    if !needs::met(SEAWEED) {
        return;
    }
    let bucket = Seaweed::of_this_program().bucket();
    let scene = bucket.scene("", "compress = \"none\"\nservice = \"cold\"");
    scene.append("cold.log", text(0));
    scene.rotate().exits(0);
    scene.ship().exits(0);
    scene.change_settings("service = \"cold\"", "service = \"warm\"");
    scene.append("warm.log", text(1));
    scene.rotate().exits(0);
    scene.ship().exits(0);
    let between = Between::before(bucket.server.port(), move |request, _| story(request));
    scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
    let back = scene.root().join("back");
    fs::create_dir(&back).unwrap();
    let restore = |more: &[&str]| {
        let args = [&["restore", "--to", back.to_str().unwrap(), "--days", "3", "--tier", "bulk"], more].concat();
        run(&scene, &args)
    };

    run(&scene, &["restore", "--to", "/nonexistent", "--days", "3", "--tier", "bulk"]).exits(4);
    assert_eq!(thawed.load(Ordering::Relaxed), 0, "where there is nowhere to put it nothing is asked for");
    let planned = restore(&["--dry-run"]);
    assert!(planned.summary().contains("1 must be brought back first: 1 request (tier bulk)"), "{planned:#?}");
    assert!(reasons(&planned, "request", "planned").contains("which takes 48 hours"), "{planned:#?}");
    assert_eq!(thawed.load(Ordering::Relaxed), 0, "a plan asks for nothing");
    for more in [&[][..], &["--dry-run"]] {
        run(&scene, &[&["restore", "--to", "-"], more].concat()).exits(3).says("must be asked for").says("`restore --to FOLDER`");
    }
    let dear = run(&scene, &["restore", "--to", back.to_str().unwrap(), "--tier", "expedited", "--dry-run"]).exits(3);
    assert!(reasons(&dear, "request", "skipped").contains("has no tier expedited"), "{dear:#?}");

    let ran = run(&scene, &["verify", &bucket.url()]).exits(0);
    assert!(ran.summary().contains("1 only by what the store says of them"), "{ran:#?}");

    let ran = restore(&[]).exits(3);
    assert!(reasons(&ran, "request", "done").contains("come back in 48 hours"), "{ran:#?}");
    assert_eq!(ran.steps("restore", "done").len(), 1, "the other one comes meanwhile");
    let ran = restore(&[]).exits(3);
    assert!(reasons(&ran, "request", "waiting").contains("on its way from DEEP_ARCHIVE"), "{ran:#?}");
    let asked = between.asked().iter().filter(|request| request.is("POST", "restore")).count();
    assert_eq!(asked, 1, "what is on its way is not asked for again");
    thawed.store(2, Ordering::Relaxed);
    let ran = restore(&[]).exits(0);
    assert_eq!((ran.steps("restore", "done").len(), ran.steps("restore", "kept").len()), (1, 1), "{ran:#?}");
    assert_eq!(files_under(&back).len(), 2);
}
