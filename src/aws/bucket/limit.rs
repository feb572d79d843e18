//! No more bytes a second than the terms allow enter the bodies of requests, all together. A body that has to wait says so again
//! and again: the SDK gives up one that is not heard of for 20 seconds, and never one whose bytes are not there yet.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use aws_sdk_s3::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextMut},
    error::BoxError,
    primitives::SdkBody,
};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// A body that waits is heard of at least so often; the SDK looks ten times a second.
const HEARD: Duration = Duration::from_millis(50);
/// A body goes in pieces of so many bytes at most.
const PIECE: u64 = 64 << 10;

/// So many bytes a second.
#[derive(Debug)]
pub(super) struct Limit {
    rate: u64,
    /// When what was granted so far has left.
    left: Mutex<Instant>,
}

impl Limit {
    pub(super) fn new(rate: u64, now: Instant) -> Arc<Limit> {
        Arc::new(Limit { rate, left: Mutex::new(now) })
    }

    /// How many of so many bytes may go now; or how long none may.
    fn ask(&self, now: Instant, bytes: usize) -> Result<usize, Duration> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        match left.checked_duration_since(now) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                // Small enough that several bodies take turns in a second.
                let most = (self.rate / 20).clamp(1, PIECE);
                let granted = bytes.min(usize::try_from(most).unwrap_or(usize::MAX));
                // A wait that took a little too long is made up for; a time when nobody asked is not.
                let from = now.checked_sub(HEARD).map_or(now, |soon| soon.max(*left));
                *left = from + Duration::from_nanos((granted as u64).saturating_mul(1_000_000_000) / self.rate);
                Ok(granted)
            }
        }
    }
}

/// Makes every request keep to the limit.
#[derive(Debug)]
pub(super) struct Limited(pub(super) Arc<Limit>);

impl Intercept for Limited {
    fn name(&self) -> &'static str {
        "Limited"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.request_mut().body_mut();
        if body.content_length() != Some(0) {
            let limit = Arc::clone(&self.0);
            let whole = std::mem::replace(body, SdkBody::taken());
            *body = whole.map_preserve_contents(move |whole| SdkBody::from_body_1_x(Slow::new(whole, Arc::clone(&limit))));
        }
        Ok(())
    }
}

/// A body that keeps to the limit.
struct Slow {
    whole: Pin<Box<SdkBody>>,
    /// Out of `whole`, and not sent yet.
    ready: Bytes,
    limit: Arc<Limit>,
    wait: Option<Pin<Box<Sleep>>>,
}

impl Slow {
    fn new(whole: SdkBody, limit: Arc<Limit>) -> Slow {
        Slow { whole: Box::pin(whole), ready: Bytes::new(), limit, wait: None }
    }
}

impl Body for Slow {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        while self.ready.is_empty() {
            match ready!(Body::poll_frame(self.whole.as_mut(), context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.ready = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        loop {
            if let Some(wait) = &mut self.wait {
                ready!(wait.as_mut().poll(context));
                self.wait = None;
            }
            match self.limit.ask(Instant::now(), self.ready.len()) {
                Ok(granted) => return Poll::Ready(Some(Ok(Frame::data(self.ready.split_to(granted))))),
                Err(wait) => self.wait = Some(Box::pin(tokio::time::sleep(wait.min(HEARD)))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && self.whole.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let behind = Body::size_hint(&*self.whole);
        let ready = self.ready.len() as u64;
        behind.exact().map_or_else(SizeHint::default, |bytes| SizeHint::with_exact(bytes + ready))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn however_many_ask_no_more_than_the_rate_is_granted(rate in 1..1_u64 << 30, wishes in proptest::collection::vec((1..1_usize << 20, 0..5000_u64), 1..200)) {
            let begin = Instant::now();
            let (limit, mut now, mut granted) = (Limit::new(rate, begin), begin, 0);
            for (bytes, micros) in wishes {
                now += Duration::from_micros(micros);
                match limit.ask(now, bytes) {
                    Ok(bytes) => granted += bytes as u64,
                    // Whoever waits as long as was said gets something.
                    Err(wait) => {
                        now += wait;
                        granted += limit.ask(now, bytes).unwrap() as u64;
                    }
                }
            }
            let most = u128::from(rate) * (now - begin).as_nanos() / 1_000_000_000;
            let ahead = u128::from(rate / 20 + PIECE + 1);
            prop_assert!(u128::from(granted) <= most + ahead, "{granted} of {most}");
        }
    }

    #[test]
    fn who_always_asks_gets_the_rate() {
        const RATE: u64 = 10 << 20;
        let begin = Instant::now();
        let (limit, mut now, mut granted) = (Limit::new(RATE, begin), begin, 0);
        while granted < RATE {
            match limit.ask(now, 1 << 20) {
                Ok(bytes) => granted += bytes as u64,
                Err(wait) => now += wait,
            }
        }
        let took = now - begin;
        assert!((Duration::from_millis(980)..Duration::from_millis(1001)).contains(&took), "{took:?}");
    }

    #[test]
    fn a_body_is_whole_and_says_how_long_it_is() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let text = Bytes::from(vec![7; 300_000]);
        let limit = Limit::new(100 << 20, Instant::now());
        let mut body = Slow::new(SdkBody::from(text.clone()), limit);
        assert_eq!(body.size_hint().exact(), Some(300_000));
        let mut got = Vec::new();
        runtime.block_on(async {
            while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
                got.extend_from_slice(&frame.unwrap().into_data().unwrap());
                assert_eq!(body.size_hint().exact(), Some(300_000 - got.len() as u64));
            }
        });
        assert!(got == text && body.is_end_stream());
    }
}
