//! AWS. Everything below names the SDK and its runtime, and nothing outside does: what the SDK says becomes our own types and our own
//! sentences here. Calls look synchronous from above; each has a deadline. Only `terms`, `standing`, `pace`,
//! `code`, `signature` and `reach` are there without the feature `s3`.

#[cfg(feature = "s3")]
mod bounded;
#[cfg(feature = "s3")]
pub mod bucket;
pub mod code;
#[cfg(feature = "s3")]
pub mod kms;
pub mod pace;
#[cfg(feature = "s3")]
mod profile;
#[cfg(feature = "s3")]
pub mod public_key;
pub mod reach;
#[cfg(feature = "s3")]
mod refusal;
#[cfg(feature = "s3")]
mod session;
pub mod signature;
pub mod standing;
pub mod terms;
