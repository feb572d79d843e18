//! How bytes get into a bucket: several objects and several parts at a time, no faster than they may, gone on with by the next run where one
//! was stopped, and given up where nobody waits for them any more.
#![expect(clippy::unwrap_used, reason = "a story fails loudly")]

mod support;

use std::{
    fs,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use support::{
    between::{Between, Fate, Request},
    meeting::Meeting,
    scenario::{Scenario, files_under, text_of},
    seaweed::Bucket,
    through::{through, try_once},
};

/// Three parts: two of 8 MiB and a small one.
const LARGE: usize = 17 << 20;

/// The object is there once, whole and named, and nothing is left of the way there.
#[track_caller]
fn assert_there(scene: &Scenario, bucket: &Bucket, size: usize) {
    let objects = bucket.objects();
    assert!(objects.values().collect::<Vec<_>>() == [&text_of("app.log", size)], "{:?}", objects.keys());
    assert_eq!((bucket.named(), bucket.uploads()), (objects.into_keys().collect(), vec![]));
    assert_eq!(noted(scene), Vec::<PathBuf>::new());
}

/// What the machine remembers to have begun.
fn noted(scene: &Scenario) -> Vec<PathBuf> {
    let names = files_under(scene.state()).into_keys().filter(|name| name.starts_with("upload-"));
    names.map(|name| scene.state().join(name)).collect()
}

/// How often each part was sent.
fn sent(between: &Between) -> [usize; 3] {
    let of = |number: usize| between.asked().iter().filter(|one| one.is("PUT", &format!("partNumber={number}&"))).count();
    [of(1), of(2), of(3)]
}

fn begun(between: &Between) -> usize {
    between.asked().iter().filter(|request| request.is("POST", "?uploads")).count()
}

#[test]
fn several_parts_of_an_object_are_on_their_way_at_a_time() {
    static PARTS: Meeting = Meeting::new();
    let story = |request: &Request, _: usize| {
        let alone = request.is("PUT", "partNumber") && !PARTS.of(3);
        if alone { Fate::error(403, "AccessDenied", "") } else { Fate::Passes }
    };
    let Some((scene, bucket, _)) = through(&[("app.log", LARGE)], "max-memory = \"24 MiB\"", story) else { return };
    scene.change_settings("[store]", "parallel = 1\n[store]");
    try_once(&scene).exits(0);
    assert_there(&scene, &bucket, LARGE);
}

#[test]
fn several_objects_are_on_their_way_at_a_time_whatever_parallel_says() {
    static OBJECTS: Meeting = Meeting::new();
    let story = |request: &Request, _: usize| {
        let alone = request.is("PUT", "/logs/") && !OBJECTS.of(4);
        if alone { Fate::error(403, "AccessDenied", "") } else { Fate::Passes }
    };
    let logs = [("a.log", 3000), ("b.log", 3000), ("c.log", 3000), ("d.log", 3000)];
    let Some((scene, bucket, _)) = through(&logs, "max-memory = \"16 MiB\"", story) else { return };
    scene.change_settings("[store]", "parallel = 1\n[store]");
    try_once(&scene).exits(0);
    assert_eq!(bucket.objects().len(), 4);
}

/// A machine whose first run is refused the second part, and says nothing against later ones.
fn stopped(words: &str, listed: impl Fn(&Request) -> Fate + Send + Sync + 'static) -> Option<(Scenario, Bucket, Between)> {
    let refuses = AtomicBool::new(true);
    let story = move |request: &Request, _: usize| {
        if request.is("PUT", "partNumber=2&") && refuses.swap(false, Ordering::Relaxed) {
            return Fate::error(403, "AccessDenied", "");
        }
        if request.is("GET", "uploadId=") { listed(request) } else { Fate::Passes }
    };
    let (scene, bucket, between) = through(&[("app.log", LARGE)], words, story)?;
    let ran = try_once(&scene).exits(3);
    assert!(ran.stdout.contains("access denied: said by the story"), "{ran:#?}");
    assert_eq!((bucket.uploads().len(), noted(&scene).len(), bucket.listed().len()), (1, 1, 0));
    Some((scene, bucket, between))
}

/// The stand-in does not tell the sums of parts, as S3 does; the story heard them.
fn with_sums(asked: &Mutex<Vec<(String, String)>>) -> Fate {
    let number = |number: &str| format!("<PartNumber>{number}</PartNumber>");
    let sums = asked.lock().unwrap();
    let told =
        sums.iter().map(|(part, sum)| (number(part), format!("{}<ChecksumCRC64NVME>{sum}</ChecksumCRC64NVME>", number(part))));
    Fate::AnswerIsReworded(told.collect())
}

/// As [`stopped`], with what S3 tells of parts; the sum of the first is this one where there is one.
fn stopped_and_told(wrong: Option<&'static str>) -> Option<(Scenario, Bucket, Between)> {
    let heard: &'static Mutex<Vec<(String, String)>> = Box::leak(Box::default());
    let refuses = AtomicBool::new(true);
    let story = move |request: &Request, _: usize| {
        if request.is("PUT", "partNumber=2&") && refuses.swap(false, Ordering::Relaxed) {
            return Fate::error(403, "AccessDenied", "");
        }
        if request.is("PUT", "partNumber=1&") {
            let sum = wrong.unwrap_or(request.header("x-amz-checksum-crc64nvme").unwrap());
            heard.lock().unwrap().push(("1".to_owned(), sum.to_owned()));
        }
        if request.is("GET", "uploadId=") { with_sums(heard) } else { Fate::Passes }
    };
    let (scene, bucket, between) = through(&[("app.log", LARGE)], "", story)?;
    try_once(&scene).exits(3);
    assert_eq!((bucket.uploads().len(), noted(&scene).len(), bucket.listed().len()), (1, 1, 0));
    Some((scene, bucket, between))
}

#[test]
fn what_was_stopped_in_the_middle_is_gone_on_with_and_no_part_that_is_there_is_sent_again() {
    let Some((scene, bucket, between)) = stopped_and_told(None) else { return };
    let [first, ..] = sent(&between);
    try_once(&scene).exits(0);
    assert_there(&scene, &bucket, LARGE);
    assert_eq!((begun(&between), first, sent(&between)[0], sent(&between)[1]), (1, 1, 1, 2));
}

#[test]
fn a_part_that_is_not_what_is_here_is_sent_again() {
    let Some((scene, bucket, between)) = stopped_and_told(Some("AAAAAAAAAAA=")) else { return };
    try_once(&scene).exits(0);
    assert_there(&scene, &bucket, LARGE);
    assert_eq!((begun(&between), sent(&between)[0]), (1, 2));
}

#[test]
fn of_a_store_that_does_not_tell_what_its_parts_hold_none_is_believed() {
    let Some((scene, bucket, between)) = stopped("", |_| Fate::Passes) else { return };
    try_once(&scene).exits(0);
    assert_there(&scene, &bucket, LARGE);
    assert_eq!((begun(&between), sent(&between)[0]), (1, 2));
}

#[test]
fn an_upload_that_somebody_ended_is_begun_anew_also_where_nobody_may_see_its_parts() {
    let first: &'static Mutex<Option<String>> = Box::leak(Box::default());
    let id = |request: &Request| request.target.split("uploadId=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let ended: &'static AtomicBool = Box::leak(Box::default());
    let story = move |request: &Request, _: usize| {
        if request.is("GET", "uploadId=") {
            return Fate::error(403, "AccessDenied", "");
        }
        if !request.is("PUT", "partNumber=") {
            return Fate::Passes;
        }
        let first = first.lock().unwrap().get_or_insert_with(|| id(request)).clone();
        match (id(request) == first, ended.load(Ordering::Relaxed)) {
            (true, false) if request.target.contains("partNumber=2&") => Fate::error(403, "AccessDenied", ""),
            (true, true) => Fate::error(404, "NoSuchUpload", ""),
            _ => Fate::Passes,
        }
    };
    let Some((scene, bucket, between)) = through(&[("app.log", LARGE)], "", story) else { return };
    try_once(&scene).exits(3);
    assert_eq!(noted(&scene).len(), 1);
    ended.store(true, Ordering::Relaxed);
    try_once(&scene).exits(0);
    assert_there(&scene, &bucket, LARGE);
    assert_eq!(begun(&between), 2);
}

#[test]
fn what_was_begun_otherwise_is_ended_and_begun_anew() {
    let Some((scene, bucket, between)) = stopped("checksum = \"crc32\"", |_| Fate::Passes) else { return };
    scene.change_settings("checksum = \"crc32\"", "");
    try_once(&scene).exits(0);
    assert_there(&scene, &bucket, LARGE);
    assert_eq!(begun(&between), 2);
}

#[test]
fn what_nobody_waits_for_any_more_is_ended() {
    let Some((scene, bucket, _)) = stopped("", |_| Fate::Passes) else { return };
    for name in files_under(&scene.spool()).into_keys().filter(|name| name.starts_with("ready/")) {
        fs::remove_file(scene.spool().join(name)).unwrap();
    }
    try_once(&scene).exits(0);
    assert_eq!((bucket.uploads(), noted(&scene)), (vec![], vec![]));
}

#[test]
fn a_machine_that_remembers_nothing_ends_what_it_began() {
    let Some((scene, bucket, between)) = stopped("", |_| Fate::Passes) else { return };
    for path in noted(&scene) {
        fs::remove_file(path).unwrap();
    }
    try_once(&scene).exits(0);
    assert_there(&scene, &bucket, LARGE);
    assert_eq!(begun(&between), 2);
}

#[test]
fn an_upload_whose_answer_is_lost_is_found_by_the_next_run() {
    let story = |request: &Request, before: usize| {
        if request.is("POST", "?uploads") && before == 0 { Fate::AnswerIsLost } else { Fate::Passes }
    };
    let Some((scene, bucket, between)) = through(&[("app.log", LARGE)], "", story) else { return };
    try_once(&scene).exits(3);
    assert_eq!((bucket.uploads().len(), noted(&scene).len()), (1, 1));
    try_once(&scene).exits(0);
    assert_there(&scene, &bucket, LARGE);
    assert_eq!(begun(&between), 2);
}

#[test]
fn no_more_is_sent_than_the_limit_allows() {
    const SIZE: usize = 3 << 20;
    let Some((scene, bucket, _)) = through(&[("app.log", SIZE)], "", |_: &Request, _: usize| Fate::Passes) else { return };
    let ran = scene.run(&["--format", "json", "ship", "--bandwidth", "1MiB"]).exits(0);
    assert_there(&scene, &bucket, SIZE);
    assert!((Duration::from_millis(2500)..Duration::from_secs(30)).contains(&ran.took), "{:?}", ran.took);
    scene.run(&["ship", "--bandwidth", "1KiB"]).exits(2).says("--bandwidth");
}

#[test]
fn a_store_that_refuses_everything_is_left_alone_soon() {
    let names: Vec<String> = (0..20).map(|number| format!("{number}.log")).collect();
    let logs: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 2000)).collect();
    let story = |request: &Request, _: usize| {
        if request.is("PUT", "/logs/") { Fate::error(403, "AccessDenied", "") } else { Fate::Passes }
    };
    let Some((scene, bucket, between)) = through(&logs, "max-memory = \"16 MiB\"", story) else { return };
    try_once(&scene).exits(3).says("5 failures in a row: the rest is left to the next run");
    let tried = between.asked().iter().filter(|request| request.is("PUT", "/logs/")).count();
    assert!((5..=8).contains(&tried) && bucket.listed().is_empty(), "{tried}");
}

#[test]
fn objects_that_differ_are_not_the_stores_failure() {
    let names: Vec<String> = (0..7).map(|number| format!("{number}.log")).collect();
    let logs: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 2000)).collect();
    let Some((scene, bucket, _)) = through(&logs, "", |_: &Request, _: usize| Fate::Passes) else { return };
    let keys = scene.parcels().into_values().map(|parcel| parcel["key"].as_str().unwrap().to_owned());
    let odd: Vec<String> = keys.filter(|key| !key.contains("test_6.log")).collect();
    for key in &odd {
        bucket.write(key, b"something else\n");
    }
    let ran = try_once(&scene).exits(3);
    assert_eq!((odd.len(), ran.steps("ship", "failed").len(), ran.steps("ship", "done").len()), (6, 6, 1), "{ran:#?}");
}
