//! Objects in parts: begun, sent part by part, several at a time, listed again by whoever goes on with them, and completed or ended.

use std::collections::BTreeMap;

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ChecksumType, CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;
use tokio::task::JoinHandle;

use super::{
    Answer, Bucket, Object, Refusal, Sum,
    attributes::whole_type,
    sealing::Seal,
    stop::{Stops, unless},
};
use crate::{
    aws::terms::ChecksumKind,
    failure::{Failure, Result},
};

/// Of one page of uploads or parts.
const PAGE: i32 = 1000;

/// An upload in parts, under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload(pub String);

/// A part that is there.
#[derive(Clone, Debug)]
pub struct Part {
    number: i32,
    tag: Option<String>,
    sum: Option<Sum>,
}

/// What the store says of a part that an earlier run sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Its size.
    pub size: u64,
    /// Its checksum of the kind that the terms name.
    pub sum: Option<String>,
    tag: Option<String>,
}

impl Arrived {
    /// The part, which was found to hold what it should.
    pub fn part(&self, number: i32, sum: Sum) -> Part {
        Part { number, tag: self.tag.clone(), sum: Some(sum) }
    }
}

/// A part on its way; given up when dropped.
#[derive(Debug)]
pub struct Sending {
    part: Part,
    size: u64,
    answer: JoinHandle<std::result::Result<Option<String>, Box<Refusal>>>,
}

impl Sending {
    /// Whether its answer is there.
    pub fn is_over(&self) -> bool {
        self.answer.is_finished()
    }

    /// Its bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.answer.abort();
    }
}

impl Bucket {
    /// Begins an object in parts, unless it `stops` meanwhile.
    pub fn begin(&self, object: &Object, stops: Stops) -> Result<Upload> {
        let call = object.begin(self.asking.create_multipart_upload(), &self.terms);
        let call = call.bucket(&self.name).key(object.name).set_expected_bucket_owner(self.owner());
        let begun =
            self.wait_unless(stops, object.name, call.send())?.map_err(|refusal| self.store_failure(&refusal, object.name))?;
        let failed = |why: &str| Failure::new("store", self.shown(object.name)).because(why);
        let upload = begun.upload_id.map(Upload).ok_or_else(|| failed("the store gave the upload no id"))?;
        let whole = whole_type(self.terms.checksum) == Some(ChecksumType::FullObject);
        if whole && begun.checksum_type == Some(ChecksumType::Composite) {
            // It would refuse ours at the end, after all of it was sent; and in the next run again. That is the trouble to tell, whoever may end it.
            let _ = self.abort(object.name, &upload);
            let failure =
                failed("of an object in parts the store knows a checksum of their checksums, and no checksum of the whole");
            return Err(failure.hint("checksum = \"sha256\" in [store]"));
        }
        Ok(upload)
    }

    /// Sets one part on its way.
    pub fn send(
        &self,
        name: &str,
        upload: &Upload,
        number: i32,
        bytes: impl AsRef<[u8]> + Send + 'static,
        sum: Option<Sum>,
    ) -> Sending {
        let of = |kind| sum.as_ref().and_then(|sum| sum.of(kind));
        let bytes = Bytes::from_owner(bytes);
        let size = bytes.len() as u64;
        let call = self.client.upload_part().bucket(&self.name).key(name).upload_id(&upload.0).part_number(number);
        let call = call
            .set_checksum_crc64_nvme(of(ChecksumKind::Crc64nvme))
            .set_checksum_crc32(of(ChecksumKind::Crc32))
            .set_checksum_sha256(of(ChecksumKind::Sha256))
            .set_expected_bucket_owner(self.owner())
            .body(ByteStream::from(bytes))
            .customize()
            .interceptor(Seal::of(sum.as_ref(), None));
        let answer = self.runtime.spawn(async move {
            let answer = call.send().await;
            answer.map(|part| part.e_tag).map_err(|error| Box::new(Refusal::of(&error)))
        });
        Sending { part: Part { number, tag: None, sum }, size, answer }
    }

    /// Waits until a part is there, and not much longer than until it `stops`; None when there is no such upload any more.
    pub fn sent(&self, name: &str, mut sending: Sending, stops: Stops) -> Result<Option<Part>> {
        let answer = self.runtime.block_on(unless(stops, &mut sending.answer));
        match answer.ok_or_else(|| self.given_up(name))? {
            Ok(Ok(tag)) => Ok(Some(Part { tag, ..sending.part.clone() })),
            Ok(Err(refusal)) if refusal.is_no_upload() => Ok(None),
            Ok(Err(refusal)) => Err(self.store_failure(&refusal, name)),
            Err(_) => Err(Failure::new("store", self.shown(name)).because("a part of it was given up")),
        }
    }

    /// Makes the object of its parts, unless it `stops` meanwhile: then nobody knows whether it is made.
    pub fn complete(
        &self,
        (name, size): (&str, u64),
        upload: &Upload,
        parts: &[Part],
        whole: Option<&Sum>,
        stops: Stops,
    ) -> Result<Answer> {
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
        match self.wait_unless(stops, name, call.send())? {
            // An earlier attempt may have been heard, and its answer lost.
            Err(refusal) if refusal.is_no_upload() && self.head(name, stops)?.is_some() => Ok(Answer::Taken),
            ended => {
                let told = ended.map(|made| self.of_kind(made.checksum_crc64_nvme, made.checksum_crc32, made.checksum_sha256));
                self.answer(told, name)
            }
        }
    }

    /// Ends an upload without an object; one that is gone is as good.
    pub fn abort(&self, name: &str, upload: &Upload) -> Result<()> {
        let call = self.asking.abort_multipart_upload().bucket(&self.name).key(name).upload_id(&upload.0);
        match self.wait(call.set_expected_bucket_owner(self.owner()).send()) {
            Ok(_) => Ok(()),
            Err(refusal) if refusal.is_no_upload() => Ok(()),
            Err(refusal) => Err(self.failure(&refusal, "abort the upload of", name, "s3:AbortMultipartUpload")),
        }
    }

    /// The uploads of objects whose names begin like that, which somebody began, and neither completed nor aborted.
    pub fn uploads(&self, prefix: &str) -> Result<Vec<(String, Upload)>> {
        let (mut found, mut from) = (Vec::new(), (None, None));
        loop {
            let call = self.asking.list_multipart_uploads().bucket(&self.name).prefix(prefix).max_uploads(PAGE);
            let call =
                call.set_key_marker(from.0.clone()).set_upload_id_marker(from.1.clone()).set_expected_bucket_owner(self.owner());
            let page = match self.wait(call.send()) {
                Ok(page) => page,
                // Who may not see them cannot end them either, and ships.
                Err(refusal) if refusal.is_for_good() => return Ok(found),
                Err(refusal) => {
                    return Err(self.failure(&refusal, "list the uploads of", prefix, "s3:ListBucketMultipartUploads"));
                }
            };
            let named = |upload: aws_sdk_s3::types::MultipartUpload| Some((upload.key?, Upload(upload.upload_id?)));
            found.extend(page.uploads.unwrap_or_default().into_iter().filter_map(named));
            let next = (page.next_key_marker, page.next_upload_id_marker);
            // A store that names the same place again and again would be asked for ever.
            if page.is_truncated != Some(true) || next.0.is_none() || next == from {
                return Ok(found);
            }
            from = next;
        }
    }

    /// The parts of an upload that are there, by number; None when there is no such upload any more.
    pub fn parts(&self, name: &str, upload: &Upload) -> Result<Option<BTreeMap<i32, Arrived>>> {
        let (mut found, mut from) = (BTreeMap::new(), None);
        loop {
            let call = self.asking.list_parts().bucket(&self.name).key(name).upload_id(&upload.0).max_parts(PAGE);
            let call = call.set_part_number_marker(from.clone()).set_expected_bucket_owner(self.owner());
            let page = match self.wait(call.send()) {
                Err(refusal) if refusal.is_no_upload() => return Ok(None),
                listed => {
                    listed.map_err(|refusal| self.failure(&refusal, "list the parts of", name, "s3:ListMultipartUploadParts"))?
                }
            };
            for part in page.parts.unwrap_or_default() {
                let sum = self.of_kind(part.checksum_crc64_nvme, part.checksum_crc32, part.checksum_sha256);
                let size = part.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
                found.extend(part.part_number.map(|number| (number, Arrived { size, sum, tag: part.e_tag })));
            }
            let next = page.next_part_number_marker;
            if page.is_truncated != Some(true) || next.is_none() || next == from {
                return Ok(Some(found));
            }
            from = next;
        }
    }
}
