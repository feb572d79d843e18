//! What an object is given when it is made: its class, its tags, its key of KMS, its checksum. The same in one call and in parts.

use std::collections::HashMap;

use aws_sdk_s3::{
    operation::{
        create_multipart_upload::builders::CreateMultipartUploadFluentBuilder, put_object::builders::PutObjectFluentBuilder,
    },
    primitives::DateTime,
    types::{ChecksumAlgorithm, ChecksumType, ObjectLockMode, ServerSideEncryption, StorageClass},
};
use aws_smithy_types::base64;

use crate::aws::terms::{self, ChecksumKind, Lock, LockMode, Terms};

/// An object to be made.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// Its name in the bucket.
    pub name: &'a str,
    /// SHA-256 of it, in hex, for whoever has nothing else.
    pub sha256: &'a str,
    /// Its class; that of the bucket when None.
    pub class: Option<terms::StorageClass>,
    /// What whoever has nothing but the object should know of it; S3 takes 2 KiB.
    pub about: &'a [(String, String)],
}

/// A checksum as S3 writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    kind: ChecksumKind,
    text: String,
}

impl Sum {
    /// Of these bytes.
    pub fn new(kind: ChecksumKind, bytes: &[u8]) -> Sum {
        Sum { kind, text: base64::encode(bytes) }
    }

    /// The sum of so many parts' sums.
    #[must_use]
    pub fn of_parts(mut self, parts: usize) -> Sum {
        self.text = format!("{}-{parts}", self.text);
        self
    }

    /// As S3 writes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn of(&self, kind: ChecksumKind) -> Option<String> {
        (self.kind == kind).then(|| self.text.clone())
    }
}

/// How the sum of the whole comes about; a whole in parts has no SHA-256 of its own.
pub(super) fn whole_type(kind: ChecksumKind) -> Option<ChecksumType> {
    match kind {
        ChecksumKind::Crc64nvme | ChecksumKind::Crc32 => Some(ChecksumType::FullObject),
        ChecksumKind::Sha256 => Some(ChecksumType::Composite),
        ChecksumKind::None => None,
    }
}

fn algorithm(kind: ChecksumKind) -> Option<ChecksumAlgorithm> {
    match kind {
        ChecksumKind::Crc64nvme => Some(ChecksumAlgorithm::Crc64Nvme),
        ChecksumKind::Crc32 => Some(ChecksumAlgorithm::Crc32),
        ChecksumKind::Sha256 => Some(ChecksumAlgorithm::Sha256),
        ChecksumKind::None => None,
    }
}

/// What an object keeps, however it is made: the SDK has a type for each way, with the same words.
macro_rules! kept {
    ($object:expr, $call:expr, $terms:expr) => {
        $call
            .set_metadata(Some($object.metadata()))
            .set_storage_class($object.class())
            .set_tagging(tags($terms))
            .set_object_lock_mode($terms.lock.map(mode))
            .set_object_lock_retain_until_date($terms.lock.map(until))
            .set_server_side_encryption(encryption($terms))
            .set_ssekms_key_id($terms.kms_key.clone())
            .set_bucket_key_enabled($terms.kms_key.as_ref().map(|_| true))
    };
}

impl Object<'_> {
    pub(super) fn put(&self, call: PutObjectFluentBuilder, terms: &Terms, sum: Option<&Sum>) -> PutObjectFluentBuilder {
        let of = |kind| sum.and_then(|sum| sum.of(kind));
        kept!(self, call, terms)
            .set_checksum_crc64_nvme(of(ChecksumKind::Crc64nvme))
            .set_checksum_crc32(of(ChecksumKind::Crc32))
            .set_checksum_sha256(of(ChecksumKind::Sha256))
    }

    pub(super) fn begin(&self, call: CreateMultipartUploadFluentBuilder, terms: &Terms) -> CreateMultipartUploadFluentBuilder {
        kept!(self, call, terms)
            // Declared here, or the store would take any value at the end.
            .set_checksum_algorithm(algorithm(terms.checksum))
            .set_checksum_type(whole_type(terms.checksum))
    }

    fn metadata(&self) -> HashMap<String, String> {
        let own = (DIGEST.to_owned(), self.sha256.to_owned());
        self.about.iter().cloned().chain([own]).collect()
    }

    fn class(&self) -> Option<StorageClass> {
        self.class.map(|class| StorageClass::from(class.as_str()))
    }
}

/// The name of an object's SHA-256 among its metadata.
pub(super) const DIGEST: &str = "sha256";

fn mode(lock: Lock) -> ObjectLockMode {
    match lock.mode {
        LockMode::Governance => ObjectLockMode::Governance,
        LockMode::Compliance => ObjectLockMode::Compliance,
    }
}

fn until(lock: Lock) -> DateTime {
    DateTime::from_secs(lock.until.timestamp())
}

fn encryption(terms: &Terms) -> Option<ServerSideEncryption> {
    terms.kms_key.as_ref().map(|_| ServerSideEncryption::AwsKms)
}

/// As a query: `a=b&c=d`.
fn tags(terms: &Terms) -> Option<String> {
    let pairs: Vec<String> = terms.tags.iter().map(|(key, value)| format!("{}={}", escaped(key), escaped(value))).collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_a_query() {
        let tags = |pairs: &[(&str, &str)]| {
            let tags = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            super::tags(&Terms { tags, ..Terms::default() })
        };
        assert_eq!(tags(&[]), None);
        assert_eq!(tags(&[("team", "a&b=c"), ("env", "pröd")]).as_deref(), Some("env=pr%C3%B6d&team=a%26b%3Dc"));
    }

    #[test]
    fn a_sum_is_written_as_s3_does() {
        // CRC-64/NVME of "123456789" is ae8b14860a799888.
        let sum = Sum::new(ChecksumKind::Crc64nvme, &0xae8b_1486_0a79_9888_u64.to_be_bytes());
        assert_eq!((sum.as_str(), sum.of(ChecksumKind::Crc32)), ("rosUhgp5mIg=", None));
        assert_eq!(sum.of_parts(3).as_str(), "rosUhgp5mIg=-3");
    }
}
