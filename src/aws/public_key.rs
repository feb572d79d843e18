//! The public half of an asymmetric key, and what it proves, without asking anybody: ECDSA over P-256 or RSA-PSS, of SHA-256, whatever a
//! signature says of itself.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey, RSA_PSS_2048_8192_SHA256, VerificationAlgorithm};
use aws_smithy_types::base64;
use rustls::pki_types::{SubjectPublicKeyInfoDer, pem::PemObject};

use super::signature::PublicKey;

/// What can be proven, as KMS calls it.
static KNOWN: [(&str, &dyn VerificationAlgorithm); 2] =
    [("ECDSA_SHA_256", &ECDSA_P256_SHA256_ASN1), ("RSASSA_PSS_SHA_256", &RSA_PSS_2048_8192_SHA256)];

/// A public key that is one.
pub struct Public {
    key: ParsedPublicKey,
    /// How its other half signs, as KMS calls it.
    pub(super) algorithm: &'static str,
}

impl Public {
    /// The key in a file: PEM as `openssl` writes it, or DER as KMS gives it.
    pub fn of_file(text: &[u8]) -> Result<Public, String> {
        if !text.windows(11).any(|part| part == b"-----BEGIN ") {
            return Public::of_der(text);
        }
        let found = SubjectPublicKeyInfoDer::from_pem_slice(text);
        Public::of_der(&found.map_err(|_| "no public key is in it (-----BEGIN PUBLIC KEY-----)".to_owned())?)
    }

    /// The key as KMS gives it (X.509 `SubjectPublicKeyInfo`).
    pub(super) fn of_der(der: &[u8]) -> Result<Public, String> {
        let found = KNOWN.iter().find_map(|(name, algorithm)| Some((*name, ParsedPublicKey::new(*algorithm, der).ok()?)));
        let (algorithm, key) = found.ok_or("it is neither of ECC_NIST_P256 nor of RSA_2048 to RSA_4096")?;
        Ok(Public { key, algorithm })
    }
}

impl PublicKey for Public {
    fn proves(&self, text: &[u8], value: &str) -> bool {
        base64::decode(value).is_ok_and(|value| self.key.verify_sig(text, &value).is_ok())
    }
}
