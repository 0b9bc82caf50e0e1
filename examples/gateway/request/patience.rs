//! [`Patience`]: a timer that is used again and again.
//!
//! To start a timer and to stop it takes a lock and a place among all others each time, and nearly all of them
//! are stopped. One that was started for a deadline which has passed out of interest is left to run: whoever
//! uses it next waits for the rest when it expires early.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::time::Sleep;

use super::noted::Noted;

/// A timer, once there was need for one.
#[derive(Default)]
pub(crate) struct Patience {
    timer: Option<Pin<Box<Sleep>>>,
    waiting: Noted,
}

impl Patience {
    /// Waits until `deadline`.
    pub(crate) fn poll_until(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = deadline.into();
        let Self { timer, waiting } = self;
        let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        } else if waiting.has(cx) && !timer.is_elapsed() {
            return Poll::Pending;
        }
        loop {
            ready!(waiting.ask(cx, |cx| timer.as_mut().poll(cx)));
            if timer.deadline() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    async fn waits_for(patience: &mut Patience, time: Duration) -> Duration {
        let began = tokio::time::Instant::now();
        let deadline = (began + time).into_std();
        poll_fn(|cx| patience.poll_until(deadline, cx)).await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_for_a_deadline_whatever_it_was_used_for_before() {
        let mut patience = Patience::default();
        for seconds in [3, 1, 5, 5, 2] {
            let time = Duration::from_secs(seconds);
            assert_eq!(waits_for(&mut patience, time).await, time);
            // One that is given up.
            let given_up = tokio::time::Instant::now() + Duration::from_secs(60 / seconds);
            tokio::select! {
                biased;
                () = poll_fn(|cx| patience.poll_until(given_up.into_std(), cx)) => unreachable!(),
                () = tokio::task::yield_now() => {}
            }
        }
    }
}
