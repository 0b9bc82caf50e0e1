//! [`Left`]: the place of a request that a function has gone away from, with its connection.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

/// What is left of a request whose connection a function has: nothing happens with it any more.
pub(super) struct Left(Option<oneshot::Receiver<()>>);

#[cfg(feature = "net")]
impl Left {
    /// The place, and who says that the connection has been given away.
    pub(super) fn behind() -> (oneshot::Sender<()>, Self) {
        let (gone, left) = oneshot::channel();
        (gone, Self(Some(left)))
    }
}

impl Left {
    /// Ready if the connection is not to be had, so that somebody has to answer the request after all.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.as_mut().map(|left| Pin::new(left).poll(cx)) {
            Some(Poll::Ready(Err(_))) => {
                self.0 = None;
                return Poll::Ready(());
            }
            // The server is about to drop the request.
            Some(Poll::Ready(Ok(()))) => self.0 = None,
            Some(Poll::Pending) | None => {}
        }
        Poll::Pending
    }
}
