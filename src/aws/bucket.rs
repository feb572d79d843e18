//! One bucket: each call of S3 that a store needs, with what every call must carry (owner, checksum, condition), and its answer in our own
//! words. Decides nothing: which call follows which is for `store` to say. It never overwrites and never deletes an object.

mod attributes;

use std::future::Future;

use aws_sdk_s3::{
    Client,
    config::{RequestChecksumCalculation, ResponseChecksumValidation, http::HttpResponse},
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
    types::{ChecksumMode, CompletedMultipartUpload, CompletedPart},
};
use tokio::runtime::Runtime;

use self::attributes::whole_type;
pub use self::attributes::{Object, Sum};
use super::{
    refusal::{Call, Refusal},
    session,
    terms::{ChecksumKind, Terms},
};
use crate::failure::{Failure, Result};

/// A bucket that answers.
#[derive(Debug)]
pub struct Bucket {
    client: Client,
    runtime: &'static Runtime,
    name: String,
    terms: Terms,
    region: String,
    /// Whether nobody on the way can alter a body unnoticed.
    sealed: bool,
}

/// What came of a wish to make an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is made.
    Made,
    /// There is one of that name.
    Taken,
    /// Somebody else was just writing it: nobody knows yet.
    Contested,
}

/// An upload in parts, under way.
#[derive(Debug)]
pub struct Upload(String);

/// A part that arrived.
#[derive(Debug)]
pub struct Part {
    number: i32,
    tag: Option<String>,
    sum: Option<Sum>,
}

/// What the store says of an object.
#[derive(Debug)]
pub struct Head {
    /// Its size.
    pub size: u64,
    /// Its checksum of the kind that the terms name.
    pub sum: Option<String>,
}

/// One page of a list.
#[derive(Debug, Default)]
pub struct Page {
    /// Names and sizes.
    pub objects: Vec<(String, u64)>,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Bucket {
    /// The bucket of that name, which nobody was asked about yet.
    pub fn new(name: &str, terms: &Terms) -> Result<Bucket> {
        let config = session::config(terms)?;
        let region = config.region().map(ToString::to_string).unwrap_or_default();
        let endpoint = terms.endpoint.as_deref().or(config.endpoint_url());
        let sealed = !endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
        let mut own = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(terms.path_style)
            // Our own sums go along as headers: other stores do not know the trailers that the SDK would add.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
        if terms.checksum == ChecksumKind::None {
            own = own.response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        }
        if let Some(endpoint) = &terms.endpoint {
            own = own.endpoint_url(endpoint);
        }
        let client = Client::from_conf(own.build());
        Ok(Bucket { client, runtime: session::runtime()?, name: name.to_owned(), terms: terms.clone(), region, sealed })
    }

    /// The place of an object, for messages.
    pub fn shown(&self, name: &str) -> String {
        format!("s3://{}/{name}", self.name)
    }

    /// Makes an object in one call.
    pub fn put(&self, object: &Object, bytes: Vec<u8>, sum: Option<&Sum>) -> Result<Answer> {
        let call = object.put(self.client.put_object(), &self.terms, sum);
        let call = call.bucket(&self.name).key(object.name).set_expected_bucket_owner(self.owner()).if_none_match("*");
        let call = call.body(ByteStream::from(bytes)).customize();
        // TLS keeps the body whole, and the sum proves it: to sign it as well would only cost.
        let call = if self.sealed && sum.is_some() { call.disable_payload_signing() } else { call };
        self.answer(self.wait(call.send()).map(drop), object.name)
    }

    /// Begins an object in parts.
    pub fn begin(&self, object: &Object) -> Result<Upload> {
        let call = object.begin(self.client.create_multipart_upload(), &self.terms);
        let call = call.bucket(&self.name).key(object.name).set_expected_bucket_owner(self.owner());
        let begun = self.wait(call.send()).map_err(|refusal| self.store_failure(&refusal, object.name))?;
        begun
            .upload_id
            .map(Upload)
            .ok_or_else(|| Failure::new("store", self.shown(object.name)).because("the store gave the upload no id"))
    }

    /// One part.
    pub fn part(&self, name: &str, upload: &Upload, number: i32, bytes: Vec<u8>, sum: Option<Sum>) -> Result<Part> {
        let of = |kind| sum.as_ref().and_then(|sum| sum.of(kind));
        let call = self.client.upload_part().bucket(&self.name).key(name).upload_id(&upload.0).part_number(number);
        let call = call
            .set_checksum_crc64_nvme(of(ChecksumKind::Crc64nvme))
            .set_checksum_crc32(of(ChecksumKind::Crc32))
            .set_checksum_sha256(of(ChecksumKind::Sha256))
            .set_expected_bucket_owner(self.owner())
            .body(ByteStream::from(bytes))
            .customize();
        let call = if self.sealed && sum.is_some() { call.disable_payload_signing() } else { call };
        let arrived = self.wait(call.send()).map_err(|refusal| self.store_failure(&refusal, name))?;
        Ok(Part { number, tag: arrived.e_tag, sum })
    }

    /// Makes the object of its parts.
    pub fn complete(&self, name: &str, upload: &Upload, parts: &[Part], size: u64, whole: Option<&Sum>) -> Result<Answer> {
        let parts = parts.iter().map(|part| {
            let of = |kind| part.sum.as_ref().and_then(|sum| sum.of(kind));
            CompletedPart::builder()
                .part_number(part.number)
                .set_e_tag(part.tag.clone())
                .set_checksum_crc64_nvme(of(ChecksumKind::Crc64nvme))
                .set_checksum_crc32(of(ChecksumKind::Crc32))
                .set_checksum_sha256(of(ChecksumKind::Sha256))
                .build()
        });
        let of = |kind| whole.and_then(|sum| sum.of(kind));
        let call = self.client.complete_multipart_upload().bucket(&self.name).key(name).upload_id(&upload.0);
        let call = call
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build())
            .set_checksum_crc64_nvme(of(ChecksumKind::Crc64nvme))
            .set_checksum_crc32(of(ChecksumKind::Crc32))
            .set_checksum_type(whole.and_then(|_| whole_type(self.terms.checksum)))
            .set_mpu_object_size(i64::try_from(size).ok())
            .set_expected_bucket_owner(self.owner())
            .if_none_match("*");
        match self.wait(call.send()) {
            // An earlier attempt may have been heard, and its answer lost.
            Err(refusal) if refusal.is_no_upload() && self.head(name)?.is_some() => Ok(Answer::Taken),
            ended => self.answer(ended.map(drop), name),
        }
    }

    /// Ends an upload without an object; one that is gone is as good.
    pub fn abort(&self, name: &str, upload: &Upload) -> Result<()> {
        let call = self.client.abort_multipart_upload().bucket(&self.name).key(name).upload_id(&upload.0);
        match self.wait(call.set_expected_bucket_owner(self.owner()).send()) {
            Ok(_) => Ok(()),
            Err(refusal) if refusal.is_no_upload() => Ok(()),
            Err(refusal) => Err(self.failure(&refusal, "abort the upload of", name, "s3:AbortMultipartUpload")),
        }
    }

    /// The uploads of exactly this object that somebody began, and neither completed nor aborted. None where nobody may know.
    pub fn uploads(&self, name: &str) -> Result<Vec<Upload>> {
        let call = self.client.list_multipart_uploads().bucket(&self.name).prefix(name).set_expected_bucket_owner(self.owner());
        let found = match self.wait(call.send()) {
            Ok(found) => found.uploads.unwrap_or_default(),
            Err(refusal) if refusal.is_for_good() => Vec::new(),
            Err(refusal) => return Err(self.failure(&refusal, "list the uploads of", name, "s3:ListBucketMultipartUploads")),
        };
        Ok(found
            .into_iter()
            .filter(|upload| upload.key.as_deref() == Some(name))
            .filter_map(|upload| upload.upload_id.map(Upload))
            .collect())
    }

    /// What the store says of an object; None when there is none.
    pub fn head(&self, name: &str) -> Result<Option<Head>> {
        let call = self.client.head_object().bucket(&self.name).key(name).set_expected_bucket_owner(self.owner());
        let asked = (self.terms.checksum != ChecksumKind::None).then_some(ChecksumMode::Enabled);
        match self.wait(call.set_checksum_mode(asked).send()) {
            Err(refusal) if refusal.is_absence() => Ok(None),
            Err(refusal) => Err(self.failure(&refusal, "look at", name, "s3:GetObject and s3:ListBucket")),
            Ok(head) => {
                let sum = match self.terms.checksum {
                    ChecksumKind::Crc64nvme => head.checksum_crc64_nvme,
                    ChecksumKind::Crc32 => head.checksum_crc32,
                    ChecksumKind::Sha256 => head.checksum_sha256,
                    ChecksumKind::None => None,
                };
                Ok(Some(Head { size: self.size(name, head.content_length)?, sum }))
            }
        }
    }

    /// All of an object, piece by piece.
    pub fn get(&self, name: &str, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let refused = |refusal: &Refusal| self.failure(refusal, "read", name, "s3:GetObject");
        let call = self.client.get_object().bucket(&self.name).key(name).set_expected_bucket_owner(self.owner());
        let asked = (self.terms.checksum != ChecksumKind::None).then_some(ChecksumMode::Enabled);
        let found = self.wait(call.set_checksum_mode(asked).send()).map_err(|refusal| refused(&refusal))?;
        let size = self.size(name, found.content_length)?;
        let broken = |why: String| Failure::new("read", self.shown(name)).because(why).hint("the next run reads it again");
        let mut body = found.body;
        let mut got = 0;
        while let Some(piece) = self.runtime.block_on(body.next()) {
            let piece = piece.map_err(|error| broken(format!("its text broke off after {got} of {size} bytes: {error}")))?;
            got += piece.len() as u64;
            if got > size {
                break;
            }
            take(&piece)?;
        }
        if got == size { Ok(()) } else { Err(broken(format!("{size} bytes were announced, and {got} came"))) }
    }

    /// A page of the objects whose names begin with `prefix`, `most` at most.
    pub fn page(&self, prefix: &str, most: i32, from: Option<String>) -> Result<Page> {
        let call = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).max_keys(most);
        let call = call.set_continuation_token(from).set_expected_bucket_owner(self.owner());
        let found = self.wait(call.send()).map_err(|refusal| self.failure(&refusal, "list", prefix, "s3:ListBucket"))?;
        let next = found.next_continuation_token.filter(|_| found.is_truncated == Some(true));
        let named = |object: aws_sdk_s3::types::Object| Some((object.key?, u64::try_from(object.size?).ok()?));
        Ok(Page { objects: found.contents.unwrap_or_default().into_iter().filter_map(named).collect(), next })
    }

    fn owner(&self) -> Option<String> {
        self.terms.bucket_owner.clone()
    }

    fn size(&self, name: &str, said: Option<i64>) -> Result<u64> {
        let size = said.and_then(|size| u64::try_from(size).ok());
        size.ok_or_else(|| Failure::new("read", self.shown(name)).because("the store does not say how long it is"))
    }

    fn wait<T, E>(
        &self,
        call: impl Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
    ) -> std::result::Result<T, Box<Refusal>>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.runtime.block_on(call).map_err(|error| Box::new(Refusal::of(&error)))
    }

    fn answer(&self, ended: std::result::Result<(), Box<Refusal>>, name: &str) -> Result<Answer> {
        match ended {
            Ok(()) => Ok(Answer::Made),
            Err(refusal) if refusal.is_taken() => Ok(Answer::Taken),
            Err(refusal) if refusal.is_conflict() => Ok(Answer::Contested),
            Err(refusal) => Err(self.store_failure(&refusal, name)),
        }
    }

    fn store_failure(&self, refusal: &Refusal, name: &str) -> Failure {
        let right = if self.terms.tags.is_empty() { "s3:PutObject" } else { "s3:PutObject and s3:PutObjectTagging" };
        self.failure(refusal, "store", name, right)
    }

    fn failure(&self, refusal: &Refusal, doing: &str, name: &str, right: &str) -> Failure {
        refusal.failure(&Call { doing, what: self.shown(name), right, terms: &self.terms, region: &self.region })
    }
}
