//! What a signature says of a body. Over TLS nobody on the way can alter one, and its checksum proves it: to sign it as well would only
//! cost. Elsewhere its SHA-256 is signed; one that is known is not worked out again.

use aws_runtime::auth::PayloadSigningOverride;
use aws_sdk_s3::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextMut},
    error::BoxError,
};

use super::{Bucket, Sum};

/// How a body is signed.
#[derive(Debug)]
pub(super) struct Seal(Option<PayloadSigningOverride>);

impl Bucket {
    /// How a body with this checksum is signed, whose SHA-256 may be known.
    pub(super) fn seal(&self, sum: Option<&Sum>, sha256: Option<&str>) -> Seal {
        Seal(match sha256 {
            _ if self.sealed && sum.is_some() => Some(PayloadSigningOverride::UnsignedPayload),
            Some(sha256) => Some(PayloadSigningOverride::Precomputed(sha256.to_owned())),
            None => None,
        })
    }
}

impl Intercept for Seal {
    fn name(&self) -> &'static str {
        "Seal"
    }

    fn modify_before_signing(
        &self,
        _: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(payload) = &self.0 {
            config.interceptor_state().store_put(payload.clone());
        }
        Ok(())
    }
}
