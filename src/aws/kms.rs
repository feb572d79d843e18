//! One key of KMS that signs: what it is, and its signature of a text, which counts only when the key's public half proves it. KMS sees
//! the text's SHA-256 and nothing more. Decides nothing of what is signed.

use std::time::Duration;

use aws_config::Region;
use aws_sdk_kms::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    primitives::Blob,
    types::{KeyUsageType, MessageType, SigningAlgorithmSpec},
};
use aws_smithy_types::{base64, timeout::TimeoutConfig};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;

use super::{
    bounded::Bounded,
    public_key::Public,
    refusal::{Call, Refusal},
    session,
    signature::{PublicKey, Signature, Signer},
    terms::Terms,
};
use crate::failure::{Failure, Result};

/// For one attempt: nothing that waits for a signature is worth more.
const ATTEMPT: Duration = Duration::from_secs(10);
/// For all attempts of a call.
const OPERATION: Duration = Duration::from_secs(30);

/// A key that answers.
pub struct Key {
    client: Client,
    runtime: &'static Runtime,
    named: String,
    region: String,
    terms: Terms,
    public: Public,
}

impl Key {
    /// The key of that id, ARN or alias, asked for its public half, by whoever uses the store on these terms.
    pub fn open(named: &str, terms: &Terms) -> Result<Key> {
        let config = session::config(terms)?;
        // The endpoint of the terms is the store's, and what else they say is of the store, too.
        let terms = Terms { profile: terms.profile.clone(), role: terms.role.clone(), ..Terms::default() };
        let mut own = aws_sdk_kms::config::Builder::from(&config);
        let mut region = config.region().map(ToString::to_string).unwrap_or_default();
        if let Some(named) = named.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2)).filter(|part| !part.is_empty()) {
            named.clone_into(&mut region);
            own = own.region(Region::new(region.clone()));
        }
        let patience = config.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
        let patience = patience.read_timeout(ATTEMPT).operation_attempt_timeout(ATTEMPT).operation_timeout(OPERATION);
        let client = Client::from_conf(own.timeout_config(patience.build()).interceptor(Bounded).build());
        let runtime = session::runtime()?;
        let call = client.get_public_key().key_id(named);
        let told = wait(runtime, call.send())
            .map_err(|refusal| failure(&refusal, ("ask for the public key of", "kms:GetPublicKey"), named, &region, &terms))?;
        let unfit = |why: &str| {
            let failure = Failure::new("sign with", named).because(why);
            failure
                .hint("sign-key in [store] names a key of KMS for SIGN_VERIFY, of the kind ECC_NIST_P256 or RSA_2048 to RSA_4096")
        };
        if told.key_usage() != Some(&KeyUsageType::SignVerify) {
            return Err(unfit("it is not a key that signs"));
        }
        let der = told.public_key().ok_or_else(|| unfit("KMS gave no public key of it"))?;
        let public = Public::of_der(der.as_ref()).map_err(|why| unfit(&why))?;
        Ok(Key { client, runtime, named: named.to_owned(), region, terms, public })
    }
}

impl PublicKey for Key {
    fn proves(&self, text: &[u8], value: &str) -> bool {
        self.public.proves(text, value)
    }
}

impl Signer for Key {
    fn sign(&self, text: &[u8]) -> Result<Signature> {
        let algorithm = self.public.algorithm;
        let call = self.client.sign().key_id(&self.named).message_type(MessageType::Digest);
        let call =
            call.signing_algorithm(SigningAlgorithmSpec::from(algorithm)).message(Blob::new(Sha256::digest(text).to_vec()));
        let told = wait(self.runtime, call.send())
            .map_err(|refusal| failure(&refusal, ("sign with", "kms:Sign"), &self.named, &self.region, &self.terms))?;
        let value = told.signature().map(base64::encode).unwrap_or_default();
        if !self.public.proves(text, &value) {
            let failure = Failure::new("sign with", &self.named);
            return Err(failure.because("what KMS gave is no signature of that key").hint("the next run asks again"));
        }
        Ok(Signature { key: told.key_id().unwrap_or(&self.named).to_owned(), algorithm: algorithm.to_owned(), value })
    }
}

fn wait<T, E>(
    runtime: &Runtime,
    call: impl Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
) -> std::result::Result<T, Box<Refusal>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    runtime.block_on(call).map_err(|error| Box::new(Refusal::of(&error)))
}

fn failure(refusal: &Refusal, (doing, right): (&str, &str), named: &str, region: &str, terms: &Terms) -> Failure {
    refusal.failure(&Call { doing, what: named.to_owned(), right, terms, region })
}
