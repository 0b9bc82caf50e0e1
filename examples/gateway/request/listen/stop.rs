//! [`Stop`]: when a connection is to end with the request in flight.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::sync::watch;

/// Waits until the gateway stops.
///
/// A connection is polled several times for each request, and to wait for a `watch` anew each time costs more
/// than to look at it: it is waited for once, and again for another waker.
pub(super) struct Stop {
    seen: watch::Receiver<()>,
    changed: Pin<Box<dyn Future<Output = ()> + Send>>,
    waker: Option<Waker>,
}

impl Stop {
    pub(super) fn new(stop: watch::Receiver<()>) -> Self {
        let mut waiting = stop.clone();
        let changed = Box::pin(async move {
            // Nobody who could say so any more says it, too.
            let _ = waiting.changed().await;
        });
        Self { seen: stop, changed, waker: None }
    }
}

impl Future for Stop {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let is_waited_for = self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if is_waited_for && matches!(self.seen.has_changed(), Ok(false)) {
            return Poll::Pending;
        }
        self.waker = Some(cx.waker().clone());
        self.changed.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_waits_hears_of_the_stop() {
        for is_said in [true, false] {
            let (say, stop) = watch::channel(());
            let mut stop = Stop::new(stop);
            for _ in 0..3 {
                let polled = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut stop).poll(cx)));
                assert!(polled.await.is_pending());
            }
            let waits = tokio::spawn(stop);
            tokio::task::yield_now().await;
            if is_said {
                say.send(()).unwrap();
            }
            drop(say);
            waits.await.unwrap();
        }
    }
}
