//! How manifests are read: several segments at a time, those of other machines only when they are needed, and never half of one taken for all.

use std::{sync::mpsc, time::Duration};

use rustix::process::Signal;

use crate::{
    bucket, shipped,
    support::{
        between::{Between, Fate, Request},
        meeting::Meeting,
        process::Process,
        scenario::{DEADLINE, Ran, text_of},
    },
    told, try_once, turn,
};

#[test]
fn a_segment_that_goes_between_the_list_and_the_look_is_missed() {
    let Some(bucket) = bucket() else { return };
    let scene = shipped(&bucket, 2);
    let story = |request: &Request, _: usize| {
        if request.is("GET", "/0000000002.json") { Fate::error(404, "NoSuchKey", "") } else { Fate::Passes }
    };
    let between = Between::before(bucket.server.port(), story);
    scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
    let back = scene.root().join("back");
    std::fs::create_dir(&back).unwrap();
    let ran = scene.run(&["--format", "json", "restore", "--to", back.to_str().unwrap()]).exits(1);
    assert_eq!((ran.steps("restore", "done").len(), told(&ran)), (1, vec!["logs.segment-missing".to_owned()]), "{ran:#?}");
}

#[test]
fn nobody_waits_for_one_answer_before_the_next_is_asked_for() {
    static MEETINGS: [(&str, Meeting); 2] = [("/manifests/", Meeting::new()), ("/logs/", Meeting::new())];
    let Some(bucket) = bucket() else { return };
    let scene = shipped(&bucket, 3);
    let story = |request: &Request, _: usize| {
        // What a list is of stands in its query.
        let path = request.target.split('?').next().unwrap();
        let meets = |(of, meeting): &(&str, Meeting)| !path.contains(of) || meeting.of(3);
        if MEETINGS.iter().all(meets) { Fate::Passes } else { Fate::Unheard }
    };
    let between = Between::before(bucket.server.port(), story);
    scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
    let ran = try_once(&scene, &["--format", "json", "verify", "--quick", &bucket.url()]).exits(0);
    assert!(ran.summary().starts_with("as named: 3 of 3 objects"), "{ran:#?}");
}

#[test]
fn who_wants_the_logs_of_one_machine_does_not_wait_for_the_manifests_of_all() {
    let Some(bucket) = bucket() else { return };
    let scene = shipped(&bucket, 2);
    scene.change_settings("host = \"test\"", "host = \"other\"");
    turn(&scene, 2);
    scene.rotate().exits(0);
    scene.ship().exits(0);
    let between = Between::before(bucket.server.port(), |_, _| Fate::Passes);
    scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
    let read = |machine: &str| {
        let of_it = |request: &&Request| request.is("GET", &format!("/manifests/{machine}/"));
        between.asked().iter().filter(of_it).count()
    };
    let ran = scene.run(&["restore", "--host", "other", "--to", "-"]).exits(0);
    assert!(ran.stdout.as_bytes() == text_of("turn-2", 3000), "{ran:#?}");
    assert_eq!((read("other"), read("test")), (1, 0));
    // Something is missing: perhaps that machine says why.
    bucket.objects().into_iter().filter(|(key, _)| key.contains("other")).for_each(|(key, _)| bucket.remove(&key));
    scene.run(&["restore", "--host", "other", "--to", "-"]).exits(3);
    assert_eq!((read("other"), read("test")), (3, 2));
}

#[test]
fn of_half_a_manifest_nobody_says_that_it_is_all() {
    let Some(bucket) = bucket() else { return };
    let scene = shipped(&bucket, 6);
    // Four segments at a time.
    scene.change_settings("[store]", "[store]\nmax-memory = \"16 MiB\"");
    let back = scene.root().join("back");
    std::fs::create_dir(&back).unwrap();
    let url = bucket.url();
    let folder = ["--to", back.to_str().unwrap()];
    for words in
        [&["verify", &url][..], &["restore", folder[0], folder[1], "app"], &["restore", "--to", "-"], &["prune", "--apply"]]
    {
        let (reached, gate) = (mpsc::sync_channel(8), mpsc::channel::<()>());
        let held = std::sync::Mutex::new(gate.1);
        let tell = reached.0;
        let between = Between::before(bucket.server.port(), move |request: &Request, _| {
            if request.is("GET", "/manifests/test/") {
                tell.send(()).unwrap();
                // Until nobody holds the other end.
                let _ = held.lock().unwrap().recv_timeout(Duration::from_secs(20));
            }
            Fate::Passes
        });
        scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
        let args: Vec<&str> = ["--format", "json"].iter().chain(words).copied().collect();
        let process = Process::start(&mut scene.command(&args));
        reached.1.recv_timeout(DEADLINE).unwrap();
        process.deliver(Signal::TERM);
        drop(gate.0);
        let ran = Ran::from(process.end(DEADLINE)).exits(143);
        scene.change_settings(&between.endpoint(), &bucket.server.endpoint());
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(all.contains("asked to stop before all were read"), "{ran:#?}");
        for wrong in
            ["logs.tail-missing", "put anything there", "was put there", "nothing of that", "not all there", "\"remove\""]
        {
            assert!(!all.contains(wrong), "{wrong}: {ran:#?}");
        }
    }
}

#[test]
fn a_store_that_does_not_answer_is_left_alone_soon_and_one_that_refuses_is_not() {
    const OBJECTS: usize = 16;
    let Some(bucket) = bucket() else { return };
    let scene = bucket.scene("", "").log_of("0.log", 100);
    (1..OBJECTS).for_each(|number| scene.append(&format!("{number}.log"), text_of(&format!("{number}.log"), 100)));
    scene.run(&["rotate", "--force"]).exits(0);
    scene.ship().exits(0);
    let back = scene.root().join("back");
    std::fs::create_dir(&back).unwrap();
    scene.change_settings("[store]", "[store]\nmax-memory = \"16 MiB\"");
    for (fate, least, most) in
        [(Fate::error(503, "SlowDown", ""), 5, 8), (Fate::error(403, "AccessDenied", ""), OBJECTS, OBJECTS)]
    {
        let story = move |request: &Request, _: usize| {
            let of_an_object = request.target.split('?').next().unwrap().contains("/logs/service%3D");
            if of_an_object { fate.clone() } else { Fate::Passes }
        };
        let between = Between::before(bucket.server.port(), story);
        scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
        for words in [&["verify", &bucket.url()][..], &["restore", "--to", back.to_str().unwrap()]] {
            let before = between.asked().len();
            let args: Vec<&str> = ["--format", "json"].iter().chain(words).copied().collect();
            let ran = try_once(&scene, &args).exits(3);
            for method in ["HEAD", "GET"] {
                let asked = between.asked().split_off(before).iter().filter(|one| one.is(method, "/logs/service%3D")).count();
                assert!((least..=most).contains(&asked) || (asked == 0 && method == "GET"), "{asked} times {method}: {ran:#?}");
            }
            assert_eq!(ran.stdout.contains("is left alone"), most < OBJECTS, "{ran:#?}");
        }
        scene.change_settings(&between.endpoint(), &bucket.server.endpoint());
    }
}
