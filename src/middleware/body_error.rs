//! Errors of request bodies on their way to the inner service.

use std::error::Error;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::Body;
use http_body_util::{Full, LengthLimitError, Limited};

use super::BoxError;

/// The error as the inner service is to find it: boxed once, its sources unbroken.
///
/// Each layer that wraps a body may wrap its errors, and whoever looks for one of a type looks so
/// deep and no deeper: axum's extractors find a [`LengthLimitError`] under two wrappings, and would
/// answer 400 instead of 413 under three. So that one comes without what is around it.
pub(super) fn hand_on(error: impl Into<BoxError>) -> BoxError {
    let error = error.into();
    if error.is::<LengthLimitError>() || !is_length_limit(&*error) {
        return error;
    }
    length_limit().unwrap_or(error)
}

fn is_length_limit(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<LengthLimitError>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// The error, which nobody but a [`Limited`] body can make.
fn length_limit() -> Option<BoxError> {
    let body = pin!(Limited::new(Full::new(Bytes::from_static(b".")), 0));
    match body.poll_frame(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(Err(error))) => Some(error),
        _ => None,
    }
}
