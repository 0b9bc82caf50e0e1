//! [`HeadTimer`]: how long the clients of a connection take over their heads.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use parking_lot::Mutex;

use crate::request::patience::Patience;

/// The timer of a connection. hyper starts one for each head, and stops it when the head is there: one after
/// the other.
#[derive(Clone, Default)]
pub(super) struct HeadTimer(Arc<Mutex<Patience>>);

struct HeadSleep {
    deadline: Instant,
    timer: HeadTimer,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(HeadSleep { deadline, timer: self.clone() })
    }
}

impl Future for HeadSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.0.lock().poll_until(self.deadline, cx)
    }
}

impl Sleep for HeadSleep {}
