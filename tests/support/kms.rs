//! KMS with one asymmetric key, as far as the tool asks it: it gives the public half and signs, with a real key of openssl's, as KMS documents
//! it. Any other call is refused. It can be denied, and remembers every call.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    between::{Between, Fate, Request},
    files,
    process::{must, try_run},
    scenario::Scenario,
};

/// The key, as settings name it.
pub const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:alias/heads";
/// The key, as KMS does.
pub const ARN: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234";

/// What kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    P256,
    Rsa,
    /// A curve that is not signed with here.
    P384,
}

impl Kind {
    fn made(self) -> &'static str {
        match self {
            Kind::P256 => "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            Kind::P384 => "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
            Kind::Rsa => "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
        }
    }

    /// What openssl must be told to sign as KMS does, and to prove it.
    fn padding(self) -> &'static str {
        match self {
            Kind::Rsa => "-pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:digest",
            Kind::P256 | Kind::P384 => "-pkeyopt digest:sha256",
        }
    }

    fn algorithm(self) -> &'static str {
        match self {
            Kind::P256 => "ECDSA_SHA_256",
            Kind::P384 => "ECDSA_SHA_384",
            Kind::Rsa => "RSASSA_PSS_SHA_256",
        }
    }
}

/// KMS.
pub struct Kms {
    between: Between,
    folder: Arc<TempDir>,
    kind: Kind,
    denied: Arc<AtomicBool>,
}

impl Kms {
    /// With a fresh key of that kind.
    pub fn with(kind: Kind) -> Kms {
        let folder = Arc::new(tempfile::Builder::new().prefix("opsbelt-kms-").tempdir().expect("a temporary folder"));
        shell(folder.path(), &format!("openssl genpkey {} -out key.pem 2>&1", kind.made()));
        shell(
            folder.path(),
            "openssl pkey -in key.pem -pubout -out public.pem && openssl pkey -in key.pem -pubout -outform DER -out public.der",
        );
        let denied = Arc::new(AtomicBool::new(false));
        let (home, refuses) = (Arc::clone(&folder), Arc::clone(&denied));
        let between = Between::before(0, move |request, _| answer(home.path(), kind, refuses.load(Ordering::Relaxed), request));
        Kms { between, folder, kind, denied }
    }

    /// The machine asks it, and its settings name the key.
    pub fn serves(&self, scene: &Scenario) {
        let text = format!("[default]\nservices = here\n[services here]\nkms =\n  endpoint_url = {}\n", self.between.endpoint());
        files::write(scene.root().join(".aws/config"), text).expect("our own tree");
        scene.change_settings("path-style = true\n", &format!("path-style = true\nsign-key = \"{KEY}\"\n"));
    }

    /// Nobody may use the key, or whoever asks may again.
    pub fn denies(&self, yes: bool) {
        self.denied.store(yes, Ordering::Relaxed);
    }

    /// The calls so far, by their names.
    pub fn asked(&self) -> Vec<String> {
        self.between.asked().iter().map(action).collect()
    }

    /// The public key in a file, in PEM.
    pub fn public_key(&self) -> String {
        self.folder.path().join("public.pem").display().to_string()
    }

    /// The same in DER, as KMS gives it.
    pub fn public_key_der(&self) -> String {
        self.folder.path().join("public.der").display().to_string()
    }

    /// Whether openssl says that the key signed what a head says.
    pub fn proves(&self, head: &Value) -> bool {
        let at = |name: &str| -> PathBuf { self.folder.path().join(name) };
        files::write(at("statement"), head["statement"].as_str().expect("a text")).expect("our own folder");
        files::write(at("signature.b64"), head["signature"].as_str().expect("a text")).expect("our own folder");
        let line = format!(
            "cd '{}' && base64 -d signature.b64 > signature && openssl dgst -sha256 -binary statement > digest && \
             openssl pkeyutl -verify -pubin -inkey public.pem -in digest -sigfile signature {} 2>&1",
            self.folder.path().display(),
            self.kind.padding()
        );
        try_run("sh", &["-c".as_ref(), line.as_ref()]).is_ok()
    }
}

/// The name of a call, as IAM has it.
fn action(request: &Request) -> String {
    let target = request.header("x-amz-target").unwrap_or_default();
    format!("kms:{}", target.strip_prefix("TrentService.").unwrap_or(target))
}

fn answer(folder: &Path, kind: Kind, denied: bool, request: &Request) -> Fate {
    let signed = request.header("authorization").unwrap_or_default();
    assert!(signed.contains("/eu-west-1/kms/aws4_request"), "the key is in eu-west-1: {signed}");
    let asked: Value = serde_json::from_slice(&request.body).expect("KMS is asked in JSON");
    match action(request).as_str() {
        _ if asked["KeyId"] != KEY => error("NotFoundException", "there is no such key"),
        act if denied => error("AccessDeniedException", &format!("User: u is not authorized to perform: {act}")),
        "kms:GetPublicKey" => {
            let public = shell(folder, "base64 -w0 public.der");
            told(&json!({"KeyId": ARN, "PublicKey": public, "KeyUsage": "SIGN_VERIFY", "SigningAlgorithms": [kind.algorithm()]}))
        }
        "kms:Sign" if asked["SigningAlgorithm"] != kind.algorithm() || asked["MessageType"] != "DIGEST" => {
            error("InvalidKeyUsageException", "that is not how this key signs")
        }
        "kms:Sign" => {
            let message = asked["Message"].as_str().expect("a digest");
            let line = format!(
                "printf %s '{message}' | base64 -d > message && openssl pkeyutl -sign -inkey key.pem -in message {} | base64 -w0",
                kind.padding()
            );
            told(&json!({"KeyId": ARN, "Signature": shell(folder, &line), "SigningAlgorithm": kind.algorithm()}))
        }
        act => error("UnknownOperationException", act),
    }
}

fn told(body: &Value) -> Fate {
    Fate::Answered { status: 200, headers: "content-type: application/x-amz-json-1.1\r\n".to_owned(), body: body.to_string() }
}

fn error(code: &str, message: &str) -> Fate {
    let headers = "content-type: application/x-amz-json-1.1\r\nx-amzn-requestid: KMSID\r\n".to_owned();
    Fate::Answered { status: 400, headers, body: json!({"__type": code, "message": message}).to_string() }
}

fn shell(folder: &Path, line: &str) -> String {
    assert!(fs::metadata(folder).is_ok(), "its folder is there");
    must("sh", &["-c".as_ref(), format!("cd '{}' && {line}", folder.display()).as_ref()]).trim().to_owned()
}
