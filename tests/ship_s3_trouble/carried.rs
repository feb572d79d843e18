//! What each call to S3 carries: what the settings say of the store, signatures where the line is open, the checksum and the size of what
//! is sent.

use super::{LARGE, assert_there, scene};
use crate::support::{
    between::{Fate, Request},
    scenario::Ran,
    seaweed::Bucket,
    through::try_once,
};

#[test]
fn what_goes_over_an_open_line_is_signed_whoever_named_the_line() {
    for size in [3000, LARGE] {
        let Some((scene, bucket, between)) = scene(size, "", |_: &Request, _: usize| Fate::Passes) else { return };
        scene.change_settings(&format!("endpoint = \"{}\"\n", between.endpoint()), "");
        Ran::of(scene.command(&["--format", "json", "ship"]).env("AWS_ENDPOINT_URL_S3", between.endpoint())).exits(0);
        assert_there(&bucket, size);
        let asked = between.asked();
        let unsigned = |request: &&Request| request.header("x-amz-content-sha256") == Some("UNSIGNED-PAYLOAD");
        assert_eq!(asked.iter().filter(unsigned).count(), 0, "{size}");
        assert!(asked.iter().any(|request| request.is("PUT", "/logs/")));
    }
}

#[test]
fn every_call_carries_what_the_settings_say() {
    let story = |request: &Request, before: usize| {
        let sum = request.header("x-amz-checksum-crc64nvme").unwrap_or_default();
        let headers = format!("x-amz-checksum-crc64nvme: {sum}\r\n");
        match (request.method.as_str(), before) {
            // The stand-in has no KMS.
            ("PUT", 0) => Fate::Answered { status: 200, headers, body: String::new() },
            ("PUT", _) => Fate::error(412, "PreconditionFailed", ""),
            _ => Fate::Passes,
        }
    };
    let words =
        "bucket-owner = \"123456789012\"\nkms-key = \"alias/logs\"\nstorage-class = \"STANDARD_IA\"\ntags = { team = \"a b\" }";
    let Some((scene, _, between)) = scene(3000, words, story) else { return };
    // Nothing got there; the story says that it did.
    try_once(&scene).exits(0);
    let asked = between.asked();
    assert!(
        asked.len() >= 3 && asked.iter().all(|request| request.header("x-amz-expected-bucket-owner") == Some("123456789012"))
    );
    let put = asked.iter().find(|request| request.is("PUT", "/logs/")).unwrap();
    for (name, value) in [
        ("if-none-match", "*"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", "alias/logs"),
        ("x-amz-server-side-encryption-bucket-key-enabled", "true"),
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-tagging", "team=a%20b"),
    ] {
        assert_eq!(put.header(name), Some(value), "{put:?}");
    }
    assert!(put.header("x-amz-checksum-crc64nvme").is_some() && put.header("x-amz-trailer").is_none());
}

#[test]
fn a_large_object_declares_its_checksum_when_it_is_begun_and_its_value_and_size_when_it_is_completed() {
    let Some((scene, bucket, between)) = scene(LARGE, "", |_: &Request, _: usize| Fate::Passes) else { return };
    try_once(&scene).exits(0);
    assert_there(&bucket, LARGE);
    let asked = between.asked();
    let begun = asked.iter().find(|request| request.is("POST", "?uploads")).unwrap();
    assert_eq!(begun.header("x-amz-checksum-algorithm"), Some("CRC64NVME"));
    assert_eq!(begun.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    let completed = asked.iter().find(|request| request.is("POST", "uploadId")).unwrap();
    let size = scene_size(&bucket);
    for (name, value) in [("if-none-match", "*"), ("x-amz-checksum-type", "FULL_OBJECT"), ("x-amz-mp-object-size", size.as_str())]
    {
        assert_eq!(completed.header(name), Some(value), "{completed:?}");
    }
    assert!(completed.header("x-amz-checksum-crc64nvme").is_some());
}

/// The size of the one object that holds a log.
fn scene_size(bucket: &Bucket) -> String {
    bucket.listed().into_iter().find(|(key, _)| key.starts_with("logs/")).unwrap().1.to_string()
}
