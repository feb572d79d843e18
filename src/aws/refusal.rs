//! What a call was answered when it was not answered well, and the sentence that says so. Nothing of the SDK's leaves here.

mod clock;
mod login;

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    operation::RequestId,
};
use rustix::io::Errno;

use super::{bounded, terms::Terms};
use crate::failure::Failure;

/// Of a text that somebody else wrote, so much is shown.
const SHOWN: usize = 300;

/// Why a call failed.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    /// The service's word for it; empty when there was none.
    code: String,
    message: String,
    /// The answer's status; 0 when there was no answer.
    status: u16,
    /// The region that the bucket is in, when the answer said so.
    region: Option<String>,
    /// What identifies the call to AWS.
    request: Option<String>,
    /// The answer's text.
    body: String,
    /// What the SDK says, all of it.
    all: String,
    /// The same, from the outside to the inside.
    causes: Vec<String>,
    timeout: bool,
}

/// What was called, for whom.
pub(super) struct Call<'a> {
    /// What we were doing, as a verb.
    pub(super) doing: &'a str,
    /// To what.
    pub(super) what: String,
    /// The right that it takes.
    pub(super) right: &'a str,
    pub(super) terms: &'a Terms,
    /// The region that was asked.
    pub(super) region: &'a str,
}

impl Refusal {
    pub(super) fn of<E: ProvideErrorMetadata + std::error::Error + 'static>(error: &SdkError<E, HttpResponse>) -> Refusal {
        let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
        let said = |word: Option<&str>| word.unwrap_or_default().to_owned();
        let raw = error.raw_response();
        let header = |name: &str| raw.and_then(|raw| raw.headers().get(name)).map(str::to_owned);
        let body =
            raw.and_then(|raw| raw.body().bytes()).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
        Refusal {
            code: said(meta.and_then(|meta| meta.code())),
            message: said(meta.and_then(|meta| meta.message())),
            status: raw.map_or(0, |raw| raw.status().as_u16()),
            region: header("x-amz-bucket-region").or_else(|| element(&body, "Region")),
            request: error.request_id().map(str::to_owned).or_else(|| header("x-amz-request-id")),
            all: DisplayErrorContext(error).to_string(),
            causes: causes(error),
            timeout: matches!(error, SdkError::TimeoutError(_)),
            body,
        }
    }

    /// Whether there is no such object. Of a bucket that is not there, nobody says that.
    pub(super) fn is_absence(&self) -> bool {
        self.status == 404 && matches!(self.code.as_str(), "NoSuchKey" | "NotFound" | "")
    }

    /// Whether there is such an object already.
    pub(super) fn is_taken(&self) -> bool {
        self.status == 412 || self.code == "PreconditionFailed"
    }

    /// Whether another write to the same key was under way.
    pub(super) fn is_conflict(&self) -> bool {
        self.code == "ConditionalRequestConflict"
    }

    /// Whether there is no such upload: it was completed, or aborted.
    pub(super) fn is_no_upload(&self) -> bool {
        self.code == "NoSuchUpload"
    }

    /// What an answer about many objects says of one.
    pub(super) fn said(code: Option<&str>, message: Option<&str>) -> Refusal {
        let own = |word: Option<&str>| word.unwrap_or_default().to_owned();
        Refusal { code: own(code), message: own(message), status: 200, ..Refusal::default() }
    }

    /// The store's words, when it refused to remove what is locked or held.
    pub(super) fn of_a_lock(&self) -> Option<String> {
        let words = self.message.to_lowercase();
        let locked = ["object lock", "locked", "retention", "legal hold", "worm"].iter().any(|sign| words.contains(sign));
        (locked && self.status != 0).then(|| visible(&self.message))
    }

    /// Whether there is no lock: neither in the bucket nor on the object, or the store knows none.
    pub(super) fn is_without_lock(&self) -> bool {
        let said = matches!(
            self.code.as_str(),
            "ObjectLockConfigurationNotFoundError" | "NoSuchObjectLockConfiguration" | "NotImplemented"
        );
        said || (self.code == "InvalidRequest" && self.message.contains("Object Lock Configuration"))
    }

    /// Whether an object is on its way already.
    pub(super) fn is_under_way(&self) -> bool {
        self.code == "RestoreAlreadyInProgress"
    }

    /// Whether a right is missing, or a condition not met.
    pub(super) fn is_denial(&self) -> bool {
        self.status == 403 && matches!(self.code.as_str(), "AccessDenied" | "")
    }

    /// What identifies the call, for the end of a sentence.
    pub(super) fn request(&self) -> String {
        self.request.as_ref().map_or_else(String::new, |id| format!(" (request {})", visible(id)))
    }

    /// Whether it will be refused next time as well: for want of a right, or because the store cannot do it.
    pub(super) fn is_for_good(&self) -> bool {
        matches!(self.status, 403 | 405 | 501)
    }

    /// The sentence.
    pub(super) fn failure(&self, call: &Call) -> Failure {
        if self.is_absence() {
            return Failure::of_system(call.doing, &call.what, &Errno::NOENT.into());
        }
        let (cause, hint) = self.reason(call);
        let failure = Failure::new(call.doing, &call.what).because(format!("{cause}{}", self.request())).hint_if_any(hint);
        if self.is_silence() { failure.errno(Errno::TIMEDOUT) } else { failure }
    }

    /// Whether there was no answer, or none to what was asked: the service cannot, or not now.
    fn is_silence(&self) -> bool {
        matches!(self.status, 0 | 429 | 500..)
    }

    fn reason(&self, call: &Call) -> (String, Option<String>) {
        if let Some(region) = self.region.as_deref().filter(|region| self.is_elsewhere() && *region != call.region) {
            let region = visible(region);
            let cause = format!("the bucket is in {region}, and {} was asked", call.region);
            return (cause, Some(format!("region = \"{region}\" in [store]")));
        }
        let with = |cause: &str, hint: &str| (cause.to_owned(), Some(hint.to_owned()));
        match self.code.as_str() {
            "NoSuchBucket" => with(
                "there is no bucket of that name",
                "check url (and endpoint) in [store]; the bucket is not made by this tool",
            ),
            _ if self.is_elsewhere() => with("the bucket is in another region", "set region in [store] to the bucket's own"),
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => with(
                "the login has expired",
                "log in again (`aws sso login`), or renew the credentials; nothing here is lost meanwhile",
            ),
            "InvalidAccessKeyId" | "InvalidClientTokenId" | "UnrecognizedClientException" => with(
                "the access key is unknown there",
                "check the credentials (`aws sts get-caller-identity` says whose they are)",
            ),
            "SignatureDoesNotMatch" => with(
                "the secret key is not the one of that access key",
                "check the credentials; where they are right, what is between here and there alters requests",
            ),
            "RequestTimeTooSkewed" | "RequestExpired" => clock::of_s3(&self.body),
            "InvalidObjectState" => with(
                "it is in a class that must be restored before it can be read",
                "restore it first, and come back when it is there",
            ),
            "SlowDown" | "ThrottlingException" | "TooManyRequests" => {
                with("the store asks to slow down", "the next run goes on; less at a time: bandwidth = \"1 MiB\" in [store]")
            }
            "NotImplemented" => (
                format!("the store lacks something: {}", visible(&self.message)),
                Some("nothing is shipped to a store that may replace what is there (`If-None-Match`); a newer version of it may know that".to_owned()),
            ),
            "AccessDenied" | "AllAccessDisabled" | "AccessDeniedException" => self.denied(call),
            "" if self.status == 403 => self.denied(call),
            "" if self.status == 0 => self.unanswered(call),
            "" if self.all.contains(bounded::LONG) => (bounded::LONG.to_owned(), Some(not_s3(call))),
            "" if self.status < 400 => {
                (format!("whoever answered said {}, and nothing that S3 would say", self.status), Some(not_s3(call)))
            }
            "" => (format!("the store answered {}", self.status), None),
            code => (format!("{} ({})", visible(&self.message), visible(code)), None),
        }
    }

    fn is_elsewhere(&self) -> bool {
        let code = matches!(
            self.code.as_str(),
            "PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"
        );
        code || matches!(self.status, 301 | 307) || (self.status == 400 && self.code.is_empty() && self.region.is_some())
    }

    fn denied(&self, call: &Call) -> (String, Option<String>) {
        let message = self.message.trim_end_matches('.');
        let plain = message.is_empty() || message.eq_ignore_ascii_case("access denied");
        let detail = if plain { String::new() } else { format!(": {}", visible(message)) };
        let owner = call.terms.bucket_owner.as_ref();
        let owner = owner.map_or_else(String::new, |owner| format!(", and see that account {owner} owns the bucket"));
        let key = call.terms.kms_key.as_ref().map_or("", |_| ", and what the KMS key needs (kms:GenerateDataKey, kms:Decrypt)");
        (format!("access denied{detail}"), Some(format!("allow {}{key}{owner}", call.right)))
    }

    fn unanswered(&self, call: &Call) -> (String, Option<String>) {
        if let Some(reason) = login::reason(self, call.terms) {
            return reason;
        }
        let endpoint = call.terms.endpoint.as_deref().unwrap_or("the network, a proxy or a VPC endpoint");
        if self.timeout || self.all.contains("timed out") || self.all.contains("timeout") {
            return ("there was no answer in time".to_owned(), Some(format!("check {endpoint}")));
        }
        if let Some((_, why)) = self.all.split_once("invalid peer certificate: ") {
            let why: String = why.chars().take_while(char::is_ascii_alphanumeric).collect();
            let hint = "AWS_CA_BUNDLE names the certificate of a private authority; a wrong clock makes good ones bad";
            return (format!("the certificate of who answers is not trusted ({why})"), Some(hint.to_owned()));
        }
        let last = self.causes.last().map_or("", String::as_str);
        let known = ["Connection refused", "dns error", "Connection reset", "Network is unreachable", "No route to host"];
        let cause = known.iter().find(|sign| self.all.contains(**sign)).map_or_else(|| visible(last), |sign| sign.to_lowercase());
        (cause, Some(format!("check {endpoint}")))
    }
}

/// Where to look when who answers is perhaps no store.
fn not_s3(call: &Call) -> String {
    let endpoint = call.terms.endpoint.as_deref().unwrap_or("the endpoint");
    format!("check {endpoint}: is it a store that talks like S3, and is nothing between here and there (a proxy, a login page)?")
}

fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect()
}

/// The text of an element, in an answer that is small and flat.
fn element(body: &str, name: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(text, _)| text.to_owned()).filter(|text| !text.is_empty() && text.len() < 100)
}

/// What a terminal may be shown.
fn visible(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}
