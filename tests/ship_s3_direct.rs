//! Logs that go into a bucket without an archive here: in parts that are made as they are sent, gone on with where a run was stopped, and never
//! believed to be there, nor removed here, before the bucket has proven them.

mod support;

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use support::{
    between::{Between, Fate, Request},
    needs,
    scenario::{Ran, Scenario, files_under, text_of},
    seaweed::{Bucket, Outage, SEAWEED},
    through::through_set,
};

/// Three parts: two of 8 MiB and a small one.
const LARGE: usize = 17 << 20;
const DIRECT: &[&str] = &["--format", "json", "direct"];

/// A machine with a rotated log that ships directly, through the story, into a bucket of its own.
fn scene(
    size: usize,
    compress: &str,
    story: impl Fn(&Request, usize) -> Fate + Send + Sync + 'static,
) -> Option<(Scenario, Bucket, Between)> {
    through_set(&[("app.log", size)], "", &format!("ship = \"direct\"\ncompress = \"{compress}\""), story)
}

fn try_once(scene: &Scenario) -> Ran {
    Ran::of(scene.command(DIRECT).env("AWS_MAX_ATTEMPTS", "1"))
}

/// The rotated log.
fn here(scene: &Scenario) -> PathBuf {
    let names = scene.archives("app.log");
    assert_eq!(names.len(), 1, "{names:?}");
    scene.logs().join(&names[0])
}

/// What the machine remembers to have begun.
fn noted(scene: &Scenario) -> usize {
    files_under(scene.state()).into_keys().filter(|name| name.starts_with("upload-")).count()
}

/// The object is there once, whole and named; nothing is here, and nothing is left of the way there.
#[track_caller]
fn assert_there(scene: &Scenario, bucket: &Bucket, text: &[u8]) {
    let objects = bucket.objects();
    assert!(objects.values().all(|one| one == text) && objects.len() == 1, "{:?}", objects.keys());
    assert_eq!((bucket.named(), bucket.uploads()), (objects.into_keys().collect(), vec![]));
    assert_eq!((noted(scene), scene.archives("app.log").len()), (0, 0));
    scene.run(&["verify", &bucket.url()]).exits(0);
}

fn count(between: &Between, method: &str, word: &str) -> usize {
    between.asked().iter().filter(|request| request.is(method, word)).count()
}

#[test]
fn a_large_log_is_compressed_into_parts_as_it_is_sent() {
    const TEXT: usize = 44 << 20;
    let Some((scene, bucket, between)) = scene(TEXT, "zstd:fast", |_: &Request, _: usize| Fate::Passes) else { return };
    let ran = try_once(&scene).exits(0);
    assert_eq!(ran.steps("remove", "done").len(), 1, "{ran:#?}");
    assert!(count(&between, "PUT", "partNumber=2&") == 1, "{ran:#?}");
    assert_there(&scene, &bucket, &text_of("app.log", TEXT));
}

#[test]
fn what_was_stopped_in_the_middle_is_gone_on_with_when_the_same_is_made_again() {
    let heard: &'static Mutex<Vec<(String, String)>> = Box::leak(Box::default());
    let refuses = AtomicBool::new(true);
    // The stand-in does not tell the sums of parts, as S3 does; the story heard them.
    let story = move |request: &Request, _: usize| {
        let number = |number: &str| format!("<PartNumber>{number}</PartNumber>");
        if request.is("PUT", "partNumber=2&") && refuses.swap(false, Ordering::Relaxed) {
            return Fate::error(403, "AccessDenied", "");
        }
        if request.is("PUT", "partNumber=1&") {
            let sum = request.header("x-amz-checksum-crc64nvme").unwrap();
            let told = format!("{}<ChecksumCRC64NVME>{sum}</ChecksumCRC64NVME>", number("1"));
            heard.lock().unwrap().push((number("1"), told));
        }
        let lists = request.is("GET", "uploadId=");
        if lists { Fate::AnswerIsReworded(heard.lock().unwrap().clone()) } else { Fate::Passes }
    };
    let Some((scene, bucket, between)) = scene(LARGE, "none", story) else { return };
    let ran = try_once(&scene).exits(3);
    assert_eq!((ran.steps("remove", "done").len(), bucket.uploads().len(), noted(&scene)), (0, 1, 1), "{ran:#?}");
    assert_eq!(fs::read(here(&scene)).unwrap(), text_of("app.log", LARGE));
    // What the other command began is not for this one to end.
    scene.ship().exits(0);
    try_once(&scene).exits(0);
    assert_there(&scene, &bucket, &text_of("app.log", LARGE));
    assert_eq!((count(&between, "POST", "?uploads"), count(&between, "PUT", "partNumber=1&")), (1, 1));
}

#[test]
fn what_was_begun_with_another_compressor_is_begun_anew() {
    let once = AtomicBool::new(true);
    let story = move |request: &Request, _: usize| {
        let refused = request.is("PUT", "partNumber=2&") && once.swap(false, Ordering::Relaxed);
        if refused { Fate::error(403, "AccessDenied", "") } else { Fate::Passes }
    };
    let Some((scene, bucket, _)) = scene(LARGE, "none", story) else { return };
    try_once(&scene).exits(3);
    scene.change_settings("compress = \"none\"", "compress = \"gzip:1\"");
    try_once(&scene).exits(0);
    assert_there(&scene, &bucket, &text_of("app.log", LARGE));
}

#[test]
fn bytes_that_are_altered_on_the_way_never_count() {
    for size in [3000, LARGE] {
        let on = Arc::new(AtomicBool::new(true));
        let alters = Arc::clone(&on);
        let story = move |request: &Request, _: usize| {
            if request.method != "PUT" || !request.target.contains("/logs/") || !alters.load(Ordering::Relaxed) {
                return Fate::Passes;
            }
            let mut body = request.body.clone();
            let middle = body.len() / 2;
            body[middle] ^= 1;
            Fate::Altered(body)
        };
        let Some((scene, bucket, _)) = scene(size, "none", story) else { return };
        let ran = try_once(&scene).exits(3);
        assert_eq!((ran.steps("remove", "done").len(), bucket.named().len()), (0, 0), "{ran:#?}");
        assert_eq!(fs::read(here(&scene)).unwrap(), text_of("app.log", size));
        on.store(false, Ordering::Relaxed);
        try_once(&scene).exits(0);
        assert_there(&scene, &bucket, &text_of("app.log", size));
    }
}

#[test]
fn a_log_that_is_written_to_while_it_is_sent_is_shipped_as_it_is_then() {
    /// Two parts fit into the memory, so that its end was not read before one of them got through.
    const LONGER: usize = 33 << 20;
    let place: &'static Mutex<Option<PathBuf>> = Box::leak(Box::default());
    let story = |request: &Request, _: usize| {
        if request.is("PUT", "partNumber=") {
            let mut place = place.lock().unwrap();
            if let Some(path) = place.take() {
                let add = |file: &mut fs::File| std::io::Write::write_all(file, b"one more\n");
                support::files::with(fs::File::options().append(true), path, add).unwrap();
            }
        }
        Fate::Passes
    };
    let set = "ship = \"direct\"\ncompress = \"none\"";
    let Some((scene, bucket, _)) = through_set(&[("app.log", LONGER)], "max-memory = \"16 MiB\"", set, story) else { return };
    *place.lock().unwrap() = Some(here(&scene));
    let ran = try_once(&scene).exits(3);
    assert_eq!((ran.steps("remove", "done").len(), bucket.listed().len()), (0, 0), "no object is made: {ran:#?}");
    let text = fs::read(here(&scene)).unwrap();
    assert_eq!(text.len(), text_of("app.log", LONGER).len() + 9);
    for _ in 0..2 {
        try_once(&scene);
        scene.rotate();
    }
    assert_there(&scene, &bucket, &text);
}

#[test]
fn what_is_written_when_an_object_is_just_made_gets_there_too_and_no_object_stays_unnamed() {
    let place: &'static Mutex<Option<PathBuf>> = Box::leak(Box::default());
    let story = |request: &Request, _: usize| {
        let path = if request.is("PUT", "/logs/") { place.lock().unwrap().take() } else { None };
        if let Some(path) = path {
            support::files::with(fs::File::options().append(true), path, |file| std::io::Write::write_all(file, b"one more\n"))
                .unwrap();
        }
        Fate::Passes
    };
    let Some((scene, bucket, _)) = scene(3000, "none", story) else { return };
    *place.lock().unwrap() = Some(here(&scene));
    let ran = try_once(&scene);
    assert_eq!(ran.steps("remove", "done").len(), 0, "{ran:#?}");
    let text = fs::read(here(&scene)).unwrap();
    for _ in 0..3 {
        try_once(&scene);
        scene.rotate();
    }
    assert_eq!(scene.archives("app.log").len(), 0);
    assert!(bucket.objects().values().any(|one| *one == text));
    scene.run(&["verify", &bucket.url()]).exits(0);
}

#[test]
fn while_the_store_is_down_everything_waits_and_when_it_is_up_it_gets_there_once() {
    if !needs::met(SEAWEED) {
        return;
    }
    let mut outage = Outage::new();
    let bucket = outage.server().bucket();
    let scene = bucket.scene("", "ship = \"direct\"");
    outage.begin();
    let texts: Vec<_> = (0..4).map(|turn| text_of(&format!("turn-{turn}"), 3000)).collect();
    for (turn, text) in texts.iter().enumerate() {
        scene.append("app.log", text);
        scene.rotate().exits(0);
        try_once(&scene).exits(3).says("connection refused").says("wait for it here as plain text");
        assert_eq!(scene.archives("app.log").len(), turn + 1);
    }
    outage.end();
    try_once(&scene).exits(0);
    bucket.assert_shipped(&texts, "up again");
    assert_eq!(scene.archives("app.log").len(), 0);
    assert_eq!(try_once(&scene).exits(0).summary(), "nothing waits here for the store");
}
