//! No answer is kept that has no end: but for the objects themselves, which are handed on piece by piece, an answer is read whole, and
//! whoever answers may be anybody.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeDeserializationInterceptorContextMut},
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// A page of a thousand of the longest names is a quarter of this.
const LONGEST: u64 = 16 << 20;
/// What is told of a longer one.
pub(super) const LONG: &str = "its answer goes on after 16 MiB, and no store has so much to say";

/// Reads no further than an answer may be long.
#[derive(Debug)]
pub(super) struct Bounded;

impl Intercept for Bounded {
    fn name(&self) -> &'static str {
        "Bounded"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        let is_object =
            response.status().is_success() && config.load::<Metadata>().is_some_and(|call| call.name() == "GetObject");
        if !is_object {
            let whole = std::mem::replace(response.body_mut(), SdkBody::taken());
            *response.body_mut() = SdkBody::from_body_1_x(Short { whole: Box::pin(whole), left: LONGEST });
        }
        Ok(())
    }
}

/// A body that breaks off where it is too long.
struct Short {
    whole: Pin<Box<SdkBody>>,
    left: u64,
}

impl Body for Short {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Body::poll_frame(self.whole.as_mut(), context));
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref) {
            match self.left.checked_sub(data.len() as u64) {
                Some(left) => self.left = left,
                None => return Poll::Ready(Some(Err(LONG.into()))),
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.whole.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&*self.whole)
    }
}
