//! Signatures as everybody sees them: a key that signs and stays where it is, and its public half that anybody may hold. No SDK here.

use crate::failure::Result;

/// What a key made of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The key, as whoever holds it calls it.
    pub key: String,
    /// How it was made, as KMS calls it.
    pub algorithm: String,
    /// In base64.
    pub value: String,
}

/// The public half of a key.
pub trait PublicKey: Send + Sync {
    /// Whether that key, and nobody else, made this (in base64) of the text.
    fn proves(&self, text: &[u8], value: &str) -> bool;
}

/// A key that signs.
pub trait Signer: PublicKey {
    /// Its signature, which its public half was seen to prove.
    fn sign(&self, text: &[u8]) -> Result<Signature>;
}
