//! What S3 does to a run now and then, and no stand-in does by itself: conflicts, throttling, lost and cut answers, a skewed clock, an expired
//! login, a bucket elsewhere. Each is overcome or told in its own words; nothing is lost, and nothing is there twice.
#![expect(clippy::unwrap_used, reason = "a story fails loudly")]

mod support;

#[path = "ship_s3_trouble/carried.rs"]
mod carried;
#[path = "ship_s3_trouble/ends.rs"]
mod ends;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use support::{
    between::{Between, Fate, Request},
    scenario::{Ran, Scenario, text_of},
    seaweed::Bucket,
    through::{through, try_once},
};

const LARGE: usize = 9 << 20;

/// A machine with an archive of this size to ship, through the story, into a bucket of its own.
fn scene(
    size: usize,
    words: &str,
    story: impl Fn(&Request, usize) -> Fate + Send + Sync + 'static,
) -> Option<(Scenario, Bucket, Between)> {
    through(&[("app.log", size)], words, story)
}

/// The object is there once, whole and named, and no upload is left.
fn assert_there(bucket: &Bucket, size: usize) {
    let objects = bucket.objects();
    assert!(objects.values().collect::<Vec<_>>() == [&text_of("app.log", size)], "{:?}", objects.keys());
    assert_eq!((bucket.named(), bucket.uploads()), (objects.into_keys().collect(), vec![]));
}

#[test]
fn a_key_that_somebody_else_is_just_writing_to_is_tried_anew() {
    let conflict = || Fate::error(409, "ConditionalRequestConflict", "");
    let story = move |request: &Request, before: usize| match before {
        0 | 1 if request.is("PUT", "/logs/") && !request.target.contains("uploadId") => conflict(),
        _ => Fate::Passes,
    };
    let Some((scene, bucket, _)) = scene(3000, "", story) else { return };
    try_once(&scene).exits(0);
    assert_there(&bucket, 3000);
}

#[test]
fn a_large_object_whose_key_is_contested_is_begun_anew() {
    let contests = AtomicUsize::new(0);
    let story = move |request: &Request, _: usize| {
        let completes = request.is("POST", "uploadId");
        let first = completes && contests.fetch_add(1, Ordering::Relaxed) == 0;
        if first { Fate::error(409, "ConditionalRequestConflict", "") } else { Fate::Passes }
    };
    let Some((scene, bucket, between)) = scene(LARGE, "", story) else { return };
    try_once(&scene).exits(0);
    assert_there(&bucket, LARGE);
    let begun = between.asked().iter().filter(|request| request.is("POST", "?uploads")).count();
    assert_eq!(begun, 2);
}

#[test]
fn a_key_that_is_contested_for_ever_is_told() {
    let story = |request: &Request, _: usize| {
        if request.is("PUT", "/logs/") { Fate::error(409, "ConditionalRequestConflict", "") } else { Fate::Passes }
    };
    let Some((scene, bucket, _)) = scene(3000, "", story) else { return };
    try_once(&scene).exits(3).says("somebody else goes on writing to that key");
    assert_eq!(bucket.listed(), BTreeMap::new());
}

#[test]
fn an_answer_that_is_lost_makes_nothing_twice() {
    for (size, method, word) in [(3000, "PUT", "/logs/"), (LARGE, "POST", "uploadId"), (3000, "PUT", "_opsbelt/manifests")] {
        let story = move |request: &Request, before: usize| {
            if request.is(method, word) && before == 0 { Fate::AnswerIsLost } else { Fate::Passes }
        };
        let Some((scene, bucket, _)) = scene(size, "", story) else { return };
        scene.ship().exits(0);
        assert_there(&bucket, size);
        assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 1, "{method} {word}");
    }
}

#[test]
fn a_store_that_asks_to_slow_down_gets_it_a_little_later() {
    let story = |request: &Request, before: usize| {
        if request.is("PUT", "/logs/") && before < 2 { Fate::error(503, "SlowDown", "") } else { Fate::Passes }
    };
    let Some((scene, bucket, between)) = scene(3000, "", story) else { return };
    scene.ship().exits(0);
    assert_there(&bucket, 3000);
    assert_eq!(between.asked().iter().filter(|request| request.is("PUT", "/logs/")).count(), 3);
}

#[test]
fn who_may_not_list_uploads_ships_all_the_same() {
    let story = |request: &Request, _: usize| {
        if request.is("GET", "?uploads") { Fate::error(403, "AccessDenied", "") } else { Fate::Passes }
    };
    let Some((scene, bucket, between)) = scene(LARGE, "", story) else { return };
    try_once(&scene).exits(0);
    assert_there(&bucket, LARGE);
    assert!(between.asked().iter().any(|request| request.is("GET", "?uploads")));
}

#[test]
fn a_large_object_that_is_there_already_is_not_sent_again() {
    let Some((scene, bucket, between)) = scene(LARGE, "", |_: &Request, _: usize| Fate::Passes) else { return };
    let key = scene.parcels().into_values().next().unwrap()["key"].as_str().unwrap().to_owned();
    bucket.write(&key, &text_of("app.log", LARGE));
    let ran = try_once(&scene).exits(0);
    assert_eq!(ran.reason("ship", "done", &key), "the store had it already, with the same text");
    assert_there(&bucket, LARGE);
    assert!(!between.asked().iter().any(|request| request.target.contains("partNumber")));
}

#[test]
fn a_store_that_replaces_what_is_there_is_not_relied_on() {
    // Of a store that knows no conditions, the second wish to make an object is granted like the first.
    let story = |request: &Request, before: usize| {
        let sum = request.header("x-amz-checksum-crc64nvme").unwrap_or_default();
        let headers = format!("x-amz-checksum-crc64nvme: {sum}\r\n");
        let granted = Fate::Answered { status: 200, headers, body: String::new() };
        if request.method == "PUT" && before > 0 { granted } else { Fate::Passes }
    };
    let Some((scene, bucket, _)) = scene(3000, "", story) else { return };
    // Nor by a later run, which finds the segment there.
    for _ in 0..2 {
        try_once(&scene).exits(3).says("it replaces what is there, although it is asked not to");
        assert_eq!((bucket.segments().len(), scene.rotate().exits(0).steps("settle", "done").len()), (1, 0));
    }
}

/// A machine whose object was made just before it heard no more of it, in a class whose objects must be asked for. The story knows its
/// checksum, or another one.
fn frozen(size: usize, honest: bool) -> Option<(Scenario, Bucket, Between)> {
    let made: Mutex<Option<(usize, String)>> = Mutex::new(None);
    let story = move |request: &Request, _: usize| {
        let mut made = made.lock().unwrap();
        let makes = (request.method == "PUT" && !request.target.contains("partNumber")) || request.is("POST", "uploadId");
        match (&*made, request.method.as_str()) {
            _ if !request.target.contains("/logs/") => Fate::Passes,
            (None, _) if makes => {
                let sum = if honest { request.header("x-amz-checksum-crc64nvme").unwrap() } else { "AAAAAAAAAAA=" };
                *made = Some((size, sum.to_owned()));
                Fate::AnswerIsLost
            }
            (Some((size, sum)), "HEAD") => {
                let headers = format!(
                    "x-amz-storage-class: DEEP_ARCHIVE\r\nx-amz-checksum-crc64nvme: {sum}\r\nx-amz-checksum-type: FULL_OBJECT\r\n\
                     Content-Length: {size}\r\n"
                );
                Fate::Answered { status: 200, headers, body: String::new() }
            }
            (Some(_), "GET") => Fate::error(403, "InvalidObjectState", ""),
            _ => Fate::Passes,
        }
    };
    let (scene, bucket, between) = scene(size, "storage-class = \"DEEP_ARCHIVE\"", story)?;
    try_once(&scene).exits(3);
    assert_eq!((bucket.objects().len(), bucket.segments().len()), (1, 0), "it was made, and nobody heard of it");
    Some((scene, bucket, between))
}

#[test]
fn what_was_made_in_a_class_that_cannot_be_read_is_known_by_its_checksum() {
    for size in [3000, LARGE] {
        let size = text_of("app.log", size).len();
        let Some((scene, bucket, between)) = frozen(size, true) else { return };
        let ran = try_once(&scene).exits(0);
        assert_eq!(ran.steps("ship", "done").len(), 1, "{ran:#?}");
        assert_there(&bucket, size);
        assert!(!between.asked().iter().any(|request| request.is("GET", "/logs/")), "nobody tried to read it");
        assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 1);
        let Some((scene, bucket, _)) = frozen(size, false) else { return };
        try_once(&scene).exits(3).says("it cannot be read (DEEP_ARCHIVE), and its checksum is not that of what waits");
        assert_eq!((bucket.segments().len(), scene.rotate().exits(0).steps("settle", "done").len()), (0, 0));
    }
}

#[test]
fn a_list_that_leads_nowhere_is_not_taken_for_all_that_is_there() {
    let nowhere = "the store says that there is more, and not where";
    let again = "the store says that there is more where it was listed already";
    for (markers, told) in [(&[][..], nowhere), (&["here"], again), (&["here", "there"], again)] {
        let story = move |request: &Request, _: usize| {
            if request.is("GET", "list-type=2") && !request.target.contains("max-keys=1&") {
                let after = markers.iter().position(|marker| request.target.contains(&format!("continuation-token={marker}")));
                let next = markers.get(after.map_or(0, |at| (at + 1) % markers.len()));
                let marker =
                    next.map_or_else(String::new, |next| format!("<NextContinuationToken>{next}</NextContinuationToken>"));
                let body = format!("<ListBucketResult><IsTruncated>true</IsTruncated>{marker}</ListBucketResult>");
                return Fate::Answered { status: 200, headers: String::new(), body };
            }
            Fate::Passes
        };
        let Some((scene, bucket, _)) = scene(3000, "", story) else { return };
        let ran = Ran::of(&mut scene.command(&["--format", "json", "verify", &bucket.url()]));
        assert!(ran.code != Some(0) && ran.stderr.contains(told), "{ran:#?}");
    }
}

/// What a proxy says that wants a login first.
fn page(status: u16) -> Fate {
    let headers = "Content-Type: text/html\r\nLocation: http://127.0.0.1:1/\r\n".to_owned();
    Fate::Answered { status, headers, body: "<html>log in</html>".to_owned() }
}

#[test]
fn an_answer_that_goes_on_and_on_is_not_read_to_its_end() {
    for (method, word, status) in [("GET", "list-type=2", 200), ("PUT", "/logs/", 500)] {
        let story = move |request: &Request, _: usize| {
            if request.is(method, word) {
                let body = format!("<ListBucketResult>{}</ListBucketResult>", " ".repeat(17 << 20));
                return Fate::Answered { status, headers: String::new(), body };
            }
            Fate::Passes
        };
        let Some((scene, bucket, _)) = scene(3000, "", story) else { return };
        try_once(&scene).exits(3).says("its answer goes on after 16 MiB");
        assert_eq!((bucket.segments().len(), scene.parcels().len()), (0, 1), "{method}");
    }
}

#[test]
fn who_never_answers_a_question_is_not_waited_for_as_long_as_for_a_body() {
    let story = |request: &Request, _: usize| if request.is("GET", "list-type=2") { Fate::Silence } else { Fate::Passes };
    let Some((scene, bucket, _)) = scene(3000, "", story) else { return };
    try_once(&scene).exits(3).says("there was no answer in time");
    assert_eq!((bucket.listed(), scene.parcels().len()), (BTreeMap::new(), 1));
}

#[test]
fn each_refusal_is_told_in_its_own_words() {
    let skew = "<RequestTime>20261121T220000Z</RequestTime><ServerTime>2026-11-21T22:20:30Z</ServerTime>";
    let elsewhere = |code: &str, status| {
        let body = format!("<Error><Code>{code}</Code><Message>x</Message></Error>");
        Fate::Answered { status, headers: "x-amz-bucket-region: eu-west-1\r\n".to_owned(), body }
    };
    for (fate, cause, hint) in [
        (
            Fate::error(403, "RequestTimeTooSkewed", skew),
            "this machine's clock is 20 minutes behind the store's (request STORY)",
            "set the clock",
        ),
        (Fate::error(400, "ExpiredToken", ""), "the login has expired (request STORY)", "log in again"),
        (
            elsewhere("PermanentRedirect", 301),
            "the bucket is in eu-west-1, and us-east-1 was asked",
            "region = \\\"eu-west-1\\\" in [store]",
        ),
        (
            elsewhere("AuthorizationHeaderMalformed", 400),
            "the bucket is in eu-west-1, and us-east-1 was asked",
            "region = \\\"eu-west-1\\\" in [store]",
        ),
        (
            Fate::error(403, "AccessDenied", ""),
            "access denied: said by the story (request STORY)",
            "and see that account 123456789012 owns the bucket",
        ),
        (Fate::error(503, "SlowDown", ""), "the store asks to slow down (request STORY)", "bandwidth ="),
        (
            Fate::error(501, "NotImplemented", ""),
            "the store lacks something: said by the story (request STORY)",
            "nothing is shipped to a store that may replace what is there",
        ),
        (page(200), "whoever answered said 200, and nothing that S3 would say", "is it a store that talks like S3"),
        (page(302), "whoever answered said 302, and nothing that S3 would say", "is it a store that talks like S3"),
        (Fate::Unheard, "connection closed before message completed", "check http://127.0.0.1:"),
    ] {
        let story = move |_: &Request, _: usize| fate.clone();
        let Some((scene, bucket, _)) = scene(3000, "bucket-owner = \"123456789012\"", story) else { return };
        let ran = try_once(&scene).exits(3);
        let trouble = ran.json()["incomplete"][0].to_string();
        assert!(trouble.contains(cause) && trouble.contains(hint), "{cause}: {ran:#?}");
        assert_eq!((bucket.listed(), scene.parcels().len()), (BTreeMap::new(), 1), "{cause}");
    }
}

/// As of a store that does not say what it made.
fn lacks_its_sum() -> Fate {
    Fate::AnswerIsReworded(vec![("X-Amz-Checksum-Crc64nvme".to_owned(), "X-Left-Out".to_owned())])
}

#[test]
fn what_the_answer_proves_is_not_asked_again_and_what_it_does_not_is() {
    for says in [true, false] {
        let story = move |request: &Request, _: usize| {
            if request.is("PUT", "/logs/") && !says { lacks_its_sum() } else { Fate::Passes }
        };
        let Some((scene, bucket, between)) = scene(3000, "", story) else { return };
        try_once(&scene).exits(0);
        assert_there(&bucket, 3000);
        assert_eq!(between.asked().iter().any(|request| request.is("HEAD", "/logs/")), !says);
    }
}

#[test]
fn a_store_that_has_something_else_than_was_sent_is_not_believed() {
    for (longer, sum, told) in
        [(0, "AAAAAAAAAAA=", "the checksum of what was sent is"), (1, "AAAAAAAAAAA=", "bytes were sent, and the store has")]
    {
        let sent = AtomicUsize::new(0);
        let story = move |request: &Request, _: usize| {
            if request.is("PUT", "/logs/") {
                sent.store(request.body.len(), Ordering::Relaxed);
                return lacks_its_sum();
            }
            if !request.is("HEAD", "/logs/") {
                return Fate::Passes;
            }
            let size = sent.load(Ordering::Relaxed) + longer;
            let headers =
                format!("x-amz-checksum-crc64nvme: {sum}\r\nx-amz-checksum-type: FULL_OBJECT\r\nContent-Length: {size}\r\n");
            Fate::Answered { status: 200, headers, body: String::new() }
        };
        let Some((scene, bucket, _)) = scene(3000, "", story) else { return };
        let ran = try_once(&scene).exits(3);
        assert!(ran.stdout.contains(told), "{ran:#?}");
        assert_eq!((bucket.segments().len(), scene.rotate().exits(0).steps("settle", "done").len()), (0, 0));
    }
}

#[test]
fn an_object_that_breaks_off_is_not_called_sound_and_not_called_wrong() {
    let story = |request: &Request, _: usize| if request.is("GET", "/logs/") { Fate::AnswerIsCut(100) } else { Fate::Passes };
    let Some((scene, bucket, _)) = scene(3000, "", story) else { return };
    scene.ship().exits(0);
    let ran = scene.run(&["--format", "json", "verify", &bucket.url()]).exits(3);
    assert!(ran.json()["findings"].as_array().unwrap().is_empty() && ran.stdout.contains("its text broke off"), "{ran:#?}");
}
