//! What each call is answered with, and what is remembered of it.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{Kept, Object, Upload, is_sum, wire::Request};

const TYPE: &str = "x-amz-checksum-type";

/// What goes back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    fn of(status: u16) -> Answer {
        Answer { status, headers: Vec::new(), body: String::new() }
    }

    fn xml(name: &str, inside: &str) -> Answer {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{name} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inside}</{name}>"
        );
        Answer { body, ..Answer::of(200).with("Content-Type", "application/xml") }
    }

    fn refusal(status: u16, code: &str) -> Answer {
        Answer { status, ..Answer::xml("Error", &element("Code", code)) }
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Answer {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// As S3 does, it says which sum it has.
    fn with_sums(self, told: &BTreeMap<String, String>) -> Answer {
        let sums = told.iter().filter(|(name, _)| is_sum(name) || *name == TYPE);
        sums.fold(self, |answer, (name, value)| answer.with(name, value))
    }
}

impl Kept {
    pub(super) fn answer(&mut self, request: &Request) -> Answer {
        let (bucket, key) = request.path.split_once('/').map_or((request.path.as_str(), ""), |(bucket, key)| (bucket, key));
        let asks = |name: &str| request.query.contains_key(name);
        let upload = request.query.get("uploadId");
        match (request.method.as_str(), key, upload) {
            ("PUT" | "HEAD", "", _) => Answer::of(200),
            ("GET", "", _) if asks("location") => Answer::xml("LocationConstraint", ""),
            ("GET", "", _) if asks("uploads") => self.list_uploads(bucket, request),
            ("GET", "", _) => self.list(bucket, request),
            ("PUT", _, Some(id)) => self.part(request, id),
            ("PUT", _, None) => self.put(request),
            ("POST", _, None) if asks("uploads") => self.begin(request),
            ("POST", _, Some(id)) => self.complete(request, id),
            ("DELETE", _, Some(id)) => Answer::of(if self.uploads.remove(id).is_some() { 204 } else { 404 }),
            ("HEAD", _, None) => self.head(request),
            _ => Answer::refusal(501, "NotImplemented"),
        }
    }

    fn is_taken(&self, request: &Request) -> bool {
        request.header("if-none-match") == Some("*") && self.objects.contains_key(&request.path)
    }

    fn put(&mut self, request: &Request) -> Answer {
        self.seen.take(request);
        if self.is_taken(request) {
            return Answer::refusal(412, "PreconditionFailed");
        }
        let object = Object { size: request.content(), tag: tag(request), told: told(request) };
        self.made(request, object)
    }

    fn made(&mut self, request: &Request, object: Object) -> Answer {
        let answer = Answer::of(200).with("ETag", object.tag.clone()).with_sums(&object.told);
        self.seen.objects += 1;
        self.objects.insert(request.path.clone(), object);
        answer
    }

    fn begin(&mut self, request: &Request) -> Answer {
        self.begun += 1;
        let id = format!("upload-{}", self.begun);
        self.uploads.insert(id.clone(), Upload { key: request.path.clone(), told: told(request), ..Upload::default() });
        let (bucket, key) = request.path.split_once('/').unwrap_or_default();
        let inside = element("Bucket", bucket) + &element("Key", &escaped(key)) + &element("UploadId", &id);
        Answer::xml("InitiateMultipartUploadResult", &inside)
    }

    fn part(&mut self, request: &Request, id: &str) -> Answer {
        self.seen.take(request);
        let number = request.query.get("partNumber").and_then(|number| number.parse().ok());
        match (self.uploads.get_mut(id), number) {
            (Some(upload), Some(number)) => {
                upload.parts.insert(number, request.content());
                Answer::of(200).with("ETag", tag(request)).with_sums(&told(request))
            }
            _ => Answer::refusal(404, "NoSuchUpload"),
        }
    }

    fn complete(&mut self, request: &Request, id: &str) -> Answer {
        if self.is_taken(request) {
            return Answer::refusal(412, "PreconditionFailed");
        }
        let Some(mut upload) = self.uploads.remove(id) else { return Answer::refusal(404, "NoSuchUpload") };
        upload.told.extend(told(request));
        let tag = format!("\"{:032x}-{}\"", 0, upload.parts.len());
        let sums: String = upload.told.iter().filter_map(|(name, value)| Some(element(sum_element(name)?, value))).collect();
        let object = Object { size: upload.parts.values().sum(), tag: tag.clone(), told: upload.told };
        self.made(request, object);
        let (bucket, key) = request.path.split_once('/').unwrap_or_default();
        let inside = element("Bucket", bucket) + &element("Key", &escaped(key)) + &element("ETag", &escaped(&tag)) + &sums;
        Answer::xml("CompleteMultipartUploadResult", &inside)
    }

    fn head(&self, request: &Request) -> Answer {
        let Some(object) = self.objects.get(&request.path) else { return Answer::of(404) };
        let answer = Answer::of(200).with("Content-Length", object.size.to_string()).with("ETag", object.tag.clone());
        let answer = answer.with("Last-Modified", "Sun, 01 Mar 2026 00:00:00 GMT");
        object.told.iter().fold(answer, |answer, (name, value)| answer.with(name, value))
    }

    /// All on one page: nobody here lists much.
    fn list(&self, bucket: &str, request: &Request) -> Answer {
        let prefix = request.query.get("prefix").map(String::as_str).unwrap_or_default();
        let below = format!("{bucket}/{prefix}");
        let mut inside = element("Name", bucket) + &element("Prefix", &escaped(prefix)) + &element("IsTruncated", "false");
        for (path, object) in self.objects.iter().filter(|(path, _)| path.starts_with(&below)) {
            let key = element("Key", &escaped(&path[bucket.len() + 1..]));
            let rest = element("Size", &object.size.to_string()) + &element("ETag", &escaped(&object.tag));
            inside += &element("Contents", &(key + &element("LastModified", "2026-03-01T00:00:00.000Z") + &rest));
        }
        Answer::xml("ListBucketResult", &inside)
    }

    fn list_uploads(&self, bucket: &str, request: &Request) -> Answer {
        let prefix = request.query.get("prefix").map(String::as_str).unwrap_or_default();
        let below = format!("{bucket}/{prefix}");
        let mut inside = element("Bucket", bucket) + &element("IsTruncated", "false");
        for (id, upload) in self.uploads.iter().filter(|(_, upload)| upload.key.starts_with(&below)) {
            let key = element("Key", &escaped(&upload.key[bucket.len() + 1..]));
            inside += &element("Upload", &(key + &element("UploadId", id) + &element("Initiated", "2026-03-01T00:00:00.000Z")));
        }
        Answer::xml("ListMultipartUploadsResult", &inside)
    }
}

/// What a later `HEAD` gives back.
fn told(request: &Request) -> BTreeMap<String, String> {
    let echoed = |name: &str| is_sum(name) || name == TYPE || name.starts_with("x-amz-meta-");
    request.headers.iter().filter(|(name, _)| echoed(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Under which name an answer in XML says it.
fn sum_element(header: &str) -> Option<&'static str> {
    match header.strip_prefix("x-amz-checksum-")? {
        "crc64nvme" => Some("ChecksumCRC64NVME"),
        "crc32" => Some("ChecksumCRC32"),
        "sha256" => Some("ChecksumSHA256"),
        "type" => Some("ChecksumType"),
        _ => None,
    }
}

/// As S3's: the MD5, which is known here only when the client told it. Otherwise one that nobody takes for an MD5.
fn tag(request: &Request) -> String {
    match request.header("content-md5").and_then(hex) {
        Some(md5) => format!("\"{md5}\""),
        None => format!("\"{:032x}-0\"", 0),
    }
}

fn hex(base64: &str) -> Option<String> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = String::new();
    for digit in base64.bytes().filter(|byte| *byte != b'=') {
        let value = DIGITS.iter().position(|known| *known == digit)?;
        let _ = write!(bits, "{value:06b}");
    }
    let nibbles = bits.as_bytes().chunks_exact(8).flat_map(|byte| byte.chunks_exact(4));
    let nibble = |four: &[u8]| {
        let value = four.iter().fold(0, |value, bit| value << 1 | u32::from(*bit == b'1'));
        char::from_digit(value, 16)
    };
    nibbles.map(nibble).collect()
}

fn element(name: &str, inside: &str) -> String {
    format!("<{name}>{inside}</{name}>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
