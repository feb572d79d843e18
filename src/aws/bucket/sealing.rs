//! What a signature says of a body. Over TLS nobody on the way can alter one, and its checksum proves it: to sign it as well would only
//! cost. Elsewhere its SHA-256 is signed; one that is known is not worked out again.

use aws_runtime::auth::PayloadSigningOverride;
use aws_sdk_s3::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextMut},
    error::BoxError,
};

use super::Sum;

/// How a body is signed.
#[derive(Debug)]
pub(super) struct Seal {
    /// Whether a checksum goes along.
    proven: bool,
    sha256: Option<String>,
}

impl Seal {
    /// That of a body with this checksum, whose SHA-256 may be known.
    pub(super) fn of(sum: Option<&Sum>, sha256: Option<&str>) -> Seal {
        Seal { proven: sum.is_some(), sha256: sha256.map(str::to_owned) }
    }

    /// Nobody but the request itself knows for sure where it goes.
    fn over(&self, url: &str) -> Option<PayloadSigningOverride> {
        if self.proven && url.starts_with("https://") {
            Some(PayloadSigningOverride::UnsignedPayload)
        } else {
            self.sha256.clone().map(PayloadSigningOverride::Precomputed)
        }
    }
}

impl Intercept for Seal {
    fn name(&self) -> &'static str {
        "Seal"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(payload) = self.over(context.request().uri()) {
            config.interceptor_state().store_put(payload);
        }
        Ok(())
    }
}
