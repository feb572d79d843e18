//! One bucket: each call of S3 that a store needs, with what every call must carry (owner, checksum, condition), and its answer in our own
//! words. Decides nothing: which call follows which is for `store` to say. It never overwrites, and deletes only what it is told to.

mod attributes;
mod limit;
mod locks;
mod removal;
mod sealing;
mod standing;
mod stop;
mod upload;

use std::{
    future::Future,
    sync::OnceLock,
    time::{Duration, Instant},
};

use aws_sdk_s3::{
    Client,
    config::{RequestChecksumCalculation, ResponseChecksumValidation, http::HttpResponse},
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
    types::ChecksumMode,
};
use aws_smithy_types::timeout::TimeoutConfig;
use bytes::Bytes;
use rustix::io::Errno;
use tokio::runtime::Runtime;

pub use self::{
    attributes::{Object, Sum},
    upload::{Arrived, Part, Sending, Upload},
};
use self::{
    limit::{Limit, Limited},
    sealing::Seal,
    stop::{Stops, unless},
};
use super::{
    bounded::Bounded,
    pace::{self, Pace},
    refusal::{Call, Refusal},
    session,
    terms::{ChecksumKind, Terms},
};
use crate::failure::{Failure, Result};

/// A bucket that answers.
#[derive(Debug)]
pub struct Bucket {
    /// For calls that bring something, or make the store work.
    client: Client,
    /// For calls that only ask: nobody waits for their answer as long as for a body to leave.
    asking: Client,
    runtime: &'static Runtime,
    name: String,
    terms: Terms,
    pace: Pace,
    region: String,
    /// Whether objects can be locked in it; asked when first needed.
    locks: OnceLock<bool>,
}

/// What came of a wish to make an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is made, and this is the store's own checksum of it, where it told one of the kind that the terms name.
    Made(Option<String>),
    /// There is one of that name.
    Taken,
    /// Somebody else was just writing it: nobody knows yet.
    Contested,
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
        let pace = Pace::of(terms);
        let patience = |attempt, operation| {
            let all = config.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
            all.read_timeout(attempt).operation_attempt_timeout(attempt).operation_timeout(operation).build()
        };
        own = own.interceptor(Bounded);
        if let Some(rate) = terms.bandwidth {
            own = own.interceptor(Limited(Limit::new(rate, Instant::now())));
        }
        let asking = Client::from_conf(own.clone().timeout_config(patience(pace::ASKED, pace::ASKED_AGAIN)).build());
        let client = Client::from_conf(own.timeout_config(patience(pace.attempt, pace.operation)).build());
        let (name, terms, locks) = (name.to_owned(), terms.clone(), OnceLock::new());
        Ok(Bucket { client, asking, runtime: session::runtime()?, name, terms, pace, region, locks })
    }

    /// The place of an object, for messages.
    pub fn shown(&self, name: &str) -> String {
        format!("s3://{}/{name}", self.name)
    }

    /// Asks whether it is there, and may be used: one sentence for whatever is wrong, before anything is begun.
    pub fn answers(&self, prefix: &str) -> Result<()> {
        let ask = |owner| {
            let call = self.asking.list_objects_v2().bucket(&self.name).prefix(prefix).max_keys(1);
            self.wait(call.set_expected_bucket_owner(owner).send()).map(drop)
        };
        match (ask(self.owner()), self.owner()) {
            // S3 denies without a reason; who may look without the condition is stopped by nothing else.
            (Err(refusal), Some(owner)) if refusal.is_denial() && ask(None).is_ok() => {
                let failure = Failure::new("use", self.shown(prefix));
                Err(failure
                    .because(format!("the bucket is not account {owner}'s{}", refusal.request()))
                    .hint("somebody else may have made one of that name; check url and bucket-owner in [store]"))
            }
            (Err(refusal), _) => Err(self.failure(&refusal, "list", prefix, "s3:ListBucket")),
            (Ok(()), _) => Ok(()),
        }
    }

    /// Makes an object in one call, or leaves it alone soon after it `stops`. Its bytes are those that its SHA-256 is of.
    pub fn put(
        &self,
        object: &Object,
        bytes: impl AsRef<[u8]> + Send + 'static,
        sum: Option<&Sum>,
        stops: Stops,
    ) -> Result<Answer> {
        if stops() {
            return Err(self.given_up(object.name));
        }
        let call = object.put(self.client.put_object(), &self.terms, sum);
        let call = call.bucket(&self.name).key(object.name).set_expected_bucket_owner(self.owner()).if_none_match("*");
        let call = call.body(ByteStream::from(Bytes::from_owner(bytes))).customize();
        let call = call.interceptor(Seal::of(sum, Some(object.sha256)));
        let answer = self.wait_unless(stops, object.name, call.send())?;
        let told = answer.map(|made| self.of_kind(made.checksum_crc64_nvme, made.checksum_crc32, made.checksum_sha256));
        self.answer(told, object.name)
    }

    /// What is said of an object that was not there when somebody asked to stop.
    pub fn given_up(&self, name: &str) -> Failure {
        let why = "asked to stop before all of it was there; the next run goes on";
        Failure::new("store", self.shown(name)).because(why).errno(Errno::CANCELED)
    }

    /// What the store says of an object, unless it `stops` meanwhile; None when there is none.
    pub fn head(&self, name: &str, stops: Stops) -> Result<Option<Head>> {
        let call = self.asking.head_object().bucket(&self.name).key(name).set_expected_bucket_owner(self.owner());
        let asked = (self.terms.checksum != ChecksumKind::None).then_some(ChecksumMode::Enabled);
        match self.wait_unless(stops, name, call.set_checksum_mode(asked).send())? {
            Err(refusal) if refusal.is_absence() => Ok(None),
            Err(refusal) => Err(self.failure(&refusal, "look at", name, "s3:GetObject and s3:ListBucket")),
            Ok(head) => {
                let sum = self.of_kind(head.checksum_crc64_nvme, head.checksum_crc32, head.checksum_sha256);
                Ok(Some(Head { size: self.size(name, head.content_length)?, sum }))
            }
        }
    }

    /// All of an object, piece by piece.
    pub fn get(&self, name: &str, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let refused = |refusal: &Refusal| self.failure(refusal, "read", name, "s3:GetObject");
        let call = self.asking.get_object().bucket(&self.name).key(name).set_expected_bucket_owner(self.owner());
        let asked = (self.terms.checksum != ChecksumKind::None).then_some(ChecksumMode::Enabled);
        let found = self.wait(call.set_checksum_mode(asked).send()).map_err(|refusal| refused(&refusal))?;
        let size = self.size(name, found.content_length)?;
        let broken = |why: String| {
            let failure = Failure::new("read", self.shown(name)).because(why).hint("the next run reads it again");
            failure.errno(Errno::TIMEDOUT)
        };
        let mut body = found.body;
        let (mut got, mut waited) = (0, Duration::ZERO);
        loop {
            // All deadlines of the SDK end with the headers: from there on it is content with a byte a second.
            let (left, asked) = (self.pace.reading(got).saturating_sub(waited), Instant::now());
            let next = self.runtime.block_on(async { tokio::time::timeout(left, body.next()).await });
            waited += asked.elapsed();
            let late = |_| broken(format!("of {size} bytes only {got} came in {} seconds", waited.as_secs()));
            let Some(piece) = next.map_err(late)? else { break };
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
    pub fn page(&self, prefix: &str, most: i32, from: Option<&str>) -> Result<Page> {
        let call = self.asking.list_objects_v2().bucket(&self.name).prefix(prefix).max_keys(most);
        let call = call.set_continuation_token(from.map(str::to_owned)).set_expected_bucket_owner(self.owner());
        let found = self.wait(call.send()).map_err(|refusal| self.failure(&refusal, "list", prefix, "s3:ListBucket"))?;
        let goes_on = found.is_truncated == Some(true);
        let next = found.next_continuation_token.filter(|_| goes_on);
        // Half a list would be taken for all that is there.
        if goes_on && next.is_none() {
            return Err(Failure::new("list", self.shown(prefix)).because("the store says that there is more, and not where"));
        }
        let named = |object: aws_sdk_s3::types::Object| {
            let nameless = || Failure::new("list", self.shown(prefix)).because("the store lists an object, and not its name");
            let name = object.key.ok_or_else(nameless)?;
            self.size(&name, object.size).map(|size| (name, size))
        };
        let objects = found.contents.unwrap_or_default().into_iter().map(named).collect::<Result<_>>()?;
        Ok(Page { objects, next })
    }

    /// The one that the terms name, of the checksums that an answer has.
    fn of_kind(&self, crc64nvme: Option<String>, crc32: Option<String>, sha256: Option<String>) -> Option<String> {
        match self.terms.checksum {
            ChecksumKind::Crc64nvme => crc64nvme,
            ChecksumKind::Crc32 => crc32,
            ChecksumKind::Sha256 => sha256,
            ChecksumKind::None => None,
        }
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

    /// The same, not much longer than until it `stops`.
    fn wait_unless<T, E>(
        &self,
        stops: Stops,
        name: &str,
        call: impl Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<std::result::Result<T, Box<Refusal>>>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let answer = self.runtime.block_on(unless(stops, call)).ok_or_else(|| self.given_up(name))?;
        Ok(answer.map_err(|error| Box::new(Refusal::of(&error))))
    }

    fn answer(&self, ended: std::result::Result<Option<String>, Box<Refusal>>, name: &str) -> Result<Answer> {
        match ended {
            Ok(sum) => Ok(Answer::Made(sum)),
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
