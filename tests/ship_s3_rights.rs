//! What `ops-logs iam-policy` says is what the commands do, call by call; and what the settings want of each object is true of it in the
//! bucket: for how long nobody may remove it, whose log it was.
#![expect(clippy::unwrap_used, reason = "a story fails loudly")]

mod support;

use std::{
    collections::BTreeSet,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value;
use support::{
    between::{Between, Fate, Request},
    kms::{Kind, Kms},
    needs::{self, Need},
    process::Process,
    scenario::{DEADLINE, Ran, Scenario, text_of},
    seaweed::{Bucket, SEAWEED, Seaweed},
};

const LARGE: usize = 9 << 20;

/// A machine that ships into that bucket, through a server that remembers.
fn machine(bucket: &Bucket, store: &str, refuses: &'static AtomicBool) -> (Scenario, Between) {
    let fate = move |request: &Request, _: usize| {
        let second = request.is("PUT", "partNumber=2") && refuses.load(Ordering::Relaxed);
        if second { Fate::error(403, "AccessDenied", "") } else { Fate::Passes }
    };
    let between = Between::before(bucket.server.port(), fate);
    let scene = bucket.scene(store, "compress = \"none\"\nstore-keep = { count = 1 }");
    scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
    (scene, between)
}

/// The actions of IAM that a call takes, as the service's reference says.
fn actions(request: &Request) -> Vec<&'static str> {
    let asks =
        |word: &str| request.target.split_once('?').is_some_and(|(_, query)| query.split('&').any(|part| part.starts_with(word)));
    let begins = || {
        let mut found = vec!["s3:PutObject"];
        found.extend(request.header("x-amz-tagging").map(|_| "s3:PutObjectTagging"));
        found.extend(request.header("x-amz-object-lock-mode").map(|_| "s3:PutObjectRetention"));
        found
    };
    match request.method.as_str() {
        "GET" if asks("list-type") => vec!["s3:ListBucket"],
        "GET" if asks("uploads") => vec!["s3:ListBucketMultipartUploads"],
        "GET" if asks("uploadId") => vec!["s3:ListMultipartUploadParts"],
        "GET" if asks("object-lock") => vec!["s3:GetBucketObjectLockConfiguration"],
        "POST" if asks("delete") => vec!["s3:DeleteObject"],
        "GET" if !asks("") || asks("x-id=GetObject") => vec!["s3:GetObject"],
        // Whether there is none, only who may list is told.
        "HEAD" if !asks("uploads") => vec!["s3:GetObject", "s3:ListBucket"],
        "PUT" if asks("uploadId") => vec!["s3:PutObject"],
        "PUT" if !asks("") || asks("x-id=PutObject") => begins(),
        "POST" if asks("uploads") => begins(),
        "POST" if asks("uploadId") => vec!["s3:PutObject"],
        "DELETE" if asks("uploadId") => vec!["s3:AbortMultipartUpload"],
        "DELETE" if !asks("") || asks("x-id=DeleteObject") => vec!["s3:DeleteObject"],
        _ => panic!("nobody knows which right this takes: {} {}", request.method, request.target),
    }
}

/// The actions of all these calls, each of which must be below the store's prefix.
fn done(asked: &[Request]) -> BTreeSet<String> {
    for request in asked {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let inside = path.contains("/fleet/") || query.contains("prefix=fleet%2F") || query.starts_with("object-lock");
        assert!(inside, "{} {} leaves the store", request.method, request.target);
    }
    asked.iter().flat_map(actions).map(str::to_owned).collect()
}

/// The actions that the policy allows for a command.
fn allowed(scene: &Scenario, command: &[&str]) -> BTreeSet<String> {
    let ran = scene.run(&[&["iam-policy"], command].concat()).exits(0);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["Version"], "2012-10-17");
    let statements = document["Statement"].as_array().unwrap();
    assert!(statements.iter().all(|one| one["Effect"] == "Allow" && one["Resource"].as_str().is_some_and(|on| on != "*")));
    let of = |one: &Value| {
        one["Action"].as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    statements.iter().flat_map(of).collect()
}

/// And what KMS was asked.
fn signing(done: BTreeSet<String>, asked: &[String]) -> BTreeSet<String> {
    done.into_iter().chain(asked.iter().cloned()).collect()
}

/// Rights that a command needs in a bucket other than this one, or with other objects in it.
fn and(done: BTreeSet<String>, elsewhere: &[&str]) -> BTreeSet<String> {
    for right in elsewhere {
        assert!(!done.contains(*right), "{right} is needed here, too");
    }
    done.into_iter().chain(elsewhere.iter().map(|right| (*right).to_owned())).collect()
}

#[test]
fn a_policy_allows_what_its_command_does_and_nothing_else() {
    static REFUSES: AtomicBool = AtomicBool::new(false);
    if !needs::met(SEAWEED) || !needs::met(&[Need::Program("openssl")]) {
        return;
    }
    let (bucket, kms) = (Seaweed::of_this_program().bucket(), Kms::with(Kind::P256));
    let (scene, between) = machine(&bucket, "tags = { team = \"web\" }", &REFUSES);
    for command in ["ship", "verify", "prune", "drain"] {
        assert!(!allowed(&scene, &[command]).iter().any(|right| right.starts_with("kms:")), "nothing signs here");
    }
    kms.serves(&scene);
    let scene = scene.log_of("small.log", 3000).log_of("large.log", LARGE);
    scene.rotate().exits(0);
    REFUSES.store(true, Ordering::Relaxed);
    scene.ship().exits(3);
    REFUSES.store(false, Ordering::Relaxed);
    // It goes on with this upload, and ends the next one, which is of another checksum than it wants then.
    scene.ship().exits(0);
    scene.rotate().exits(0);
    scene.append("large.log", text_of("more", LARGE));
    scene.rotate().exits(0);
    REFUSES.store(true, Ordering::Relaxed);
    scene.ship().exits(3);
    REFUSES.store(false, Ordering::Relaxed);
    scene.change_settings("tags =", "checksum = \"crc32\"\ntags =");
    scene.ship().exits(0);
    scene.rotate().exits(0);
    assert_eq!(allowed(&scene, &["ship"]), signing(done(&between.asked()), &kms.asked()));
    assert_eq!(allowed(&scene, &["drain"]), allowed(&scene, &["ship"]));
    assert_eq!(allowed(&scene, &["direct"]), allowed(&scene, &["ship"]));

    let (before, asked) = (between.asked().len(), kms.asked().len());
    Ran::of(&mut scene.command(&["verify", &bucket.url()])).exits(0);
    assert_eq!(allowed(&scene, &["verify"]), signing(done(&between.asked()[before..]), &kms.asked()[asked..]));

    let before = between.asked().len();
    let back = scene.root().join("back");
    std::fs::create_dir(&back).unwrap();
    scene.run(&["restore", "--to", back.to_str().unwrap()]).exits(0);
    assert_eq!(allowed(&scene, &["restore"]), and(done(&between.asked()[before..]), &["s3:RestoreObject"]));

    let (before, asked) = (between.asked().len(), kms.asked().len());
    let pruned = scene.run(&["--format", "json", "prune", "--apply"]).exits(0);
    assert_eq!((pruned.steps("remove", "done").len(), pruned.steps("sign", "done").len()), (1, 1), "{pruned:#?}");
    let locks = &["s3:GetObjectRetention", "s3:GetObjectLegalHold"];
    let rights = signing(done(&between.asked()[before..]), &kms.asked()[asked..]);
    assert_eq!(allowed(&scene, &["prune"]), and(rights, locks));
    let all = signing(done(&between.asked()), &kms.asked());
    assert_eq!(allowed(&scene, &[]), and(and(all, locks), &["s3:RestoreObject"]));
}

#[test]
fn a_policy_needs_a_bucket_and_a_role_where_one_is_asked_for() {
    let none = Scenario::new().settings("[[log]]\nname = \"app\"\npaths = [\"{logs}/*.log\"]\n");
    let ran = none.run(&["iam-policy"]).exits(2);
    assert!(ran.stderr.contains("the settings name none") && ran.stderr.contains("hint: add [store]"), "{ran:#?}");
    let folder = Scenario::new().shipping("", "").run(&["iam-policy"]).exits(2);
    assert!(folder.stderr.contains("the store is a folder"), "{folder:#?}");
    let bucket = |words: &str| Scenario::new().shipping_to("s3://bucket", "", words, "");
    let ran = bucket("").run(&["iam-policy", "role"]).exits(2);
    assert!(ran.stderr.contains("the settings name no role"), "{ran:#?}");
    let arn = "arn:aws:iam::123456789012:role/ship";
    let ran = bucket(&format!("role = \"{arn}\"")).run(&["iam-policy", "role"]).exits(0);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&document["Statement"][0]["Action"], &document["Statement"][0]["Resource"]),
        (&"sts:AssumeRole".into(), &arn.into())
    );
    assert_eq!(document["Statement"].as_array().unwrap().len(), 1);
}

/// One call of S3, signed by curl: the status, and the answer with its headers.
fn s3(bucket: &Bucket, method: &str, target: &str, headers: &[&str]) -> (u16, String) {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--include", "--max-time", "60", "--aws-sigv4", "aws:amz:us-east-1:s3"]);
    command.args(["--user", "shipkey:shipsecret"]).args(if method == "HEAD" {
        vec!["--head"]
    } else {
        vec!["--request", method]
    });
    for header in headers {
        command.args(["--header", header]);
    }
    let ended = Process::start(command.arg(format!("{}/{target}", bucket.server.endpoint()))).end(DEADLINE);
    assert!(ended.status.success(), "{ended:#?}");
    let status = ended.stdout.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap();
    (status, ended.stdout)
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let named = |line: &'a str| {
        line.split_once(": ").filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    answer.lines().find_map(named)
}

#[test]
fn what_is_put_into_a_bucket_with_object_lock_is_locked_and_says_whose_log_it_was() {
    static REFUSES: AtomicBool = AtomicBool::new(false);
    if !needs::met(SEAWEED) || !needs::met(&[Need::Program("curl")]) {
        return;
    }
    let server = Seaweed::of_this_program();
    let bucket = Bucket { server, name: "locked-bucket".to_owned() };
    let (status, answer) = s3(&bucket, "PUT", &bucket.name, &["x-amz-bucket-object-lock-enabled: true"]);
    assert_eq!(status, 200, "{answer}");
    let (scene, between) = machine(&bucket, "lock = { mode = \"governance\", for = \"30d\" }", &REFUSES);
    let scene = scene.log_of("small.log", 3000).log_of("large.log", LARGE);
    scene.rotate().exits(0);
    scene.ship().exits(0);
    assert!(allowed(&scene, &["ship"]).contains("s3:PutObjectRetention"));
    let made: Vec<Request> =
        between.asked().into_iter().filter(|request| request.header("x-amz-object-lock-mode").is_some()).collect();
    assert_eq!(made.len(), 4, "two objects and a segment, which is put there twice: nobody knows yet whether that replaces it");
    let in_days = |request: &Request| {
        let until: DateTime<Utc> = request.header("x-amz-object-lock-retain-until-date").unwrap().parse().unwrap();
        let asked = NaiveDateTime::parse_from_str(request.header("x-amz-date").unwrap(), "%Y%m%dT%H%M%SZ").unwrap();
        (until - asked.and_utc()).num_hours()
    };
    assert!(made.iter().all(|request| (29 * 24..=30 * 24).contains(&in_days(request))), "{made:?}");
    let keys: Vec<String> = bucket.listed().into_keys().collect();
    assert!(keys.len() >= 3, "{keys:?}");
    for request in &made {
        let path = request.target.split('?').next().unwrap().trim_start_matches('/');
        let (status, answer) = s3(&bucket, "HEAD", path, &[]);
        assert_eq!((status, header(&answer, "x-amz-object-lock-mode")), (200, Some("GOVERNANCE")), "{answer}");
        let version = header(&answer, "x-amz-version-id").unwrap();
        let (status, answer) = s3(&bucket, "DELETE", &format!("{path}?versionId={version}"), &[]);
        assert_eq!(status, 403, "{path} was removed: {answer}");
    }
    let log = made.iter().find(|request| request.target.contains("small.log")).unwrap();
    let (_, answer) = s3(&bucket, "HEAD", log.target.split('?').next().unwrap().trim_start_matches('/'), &[]);
    let said = |name: &str| header(&answer, &format!("x-amz-meta-{name}")).map(str::to_owned);
    let facts = (said("host"), said("service"), said("set"), said("log"));
    let path = scene.live("small.log").display().to_string();
    assert_eq!(facts, (Some("test".to_owned()), Some("app".to_owned()), Some("app".to_owned()), Some(path)), "{answer}");
    assert!(
        said("plain-sha256").is_some_and(|sum| sum.len() == 64) && said("lines").is_some() && said("encoder").is_some(),
        "{answer}"
    );
}

#[test]
fn a_policy_allows_what_it_takes_to_ship_without_an_archive_here() {
    static REFUSES: AtomicBool = AtomicBool::new(true);
    if !needs::met(SEAWEED) {
        return;
    }
    let bucket = Seaweed::of_this_program().bucket();
    let (scene, between) = machine(&bucket, "tags = { team = \"web\" }", &REFUSES);
    let scene = scene.log_of("small.log", 3000).log_of("large.log", LARGE);
    scene.change_settings("compress =", "ship = \"direct\"\ncompress =");
    scene.rotate().exits(0);
    scene.run(&["direct"]).exits(3);
    REFUSES.store(false, Ordering::Relaxed);
    scene.run(&["direct"]).exits(0);
    let done = done(&between.asked());
    assert!(done.is_subset(&allowed(&scene, &["direct"])), "{done:?}");
    assert_eq!(bucket.objects().len(), 2);
}
