//! Receiving.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::{Instant, Sleep};

use super::socket::{State, Use};
use super::{Fault, Filter, Net, Socket};

/// What came of receiving: what was asked for, or why it did not come, and what came of it.
pub(crate) type Received = Result<BytesMut, (Fault, BytesMut)>;

/// A socket that waits for what a function has asked for.
pub(crate) struct Receiving {
    socket: Arc<Socket>,
    filter: Filter,
    deadline: Deadline,
    is_waiting: bool,
}

impl Socket {
    /// Starts to receive what `filter` wants.
    pub(crate) fn receive(self: &Arc<Self>, filter: Filter) -> Result<Receiving, Fault> {
        let mut state = self.lock();
        let connection = state.open(Use::Reading)?;
        connection.last_pattern.turn_to(&filter, &mut connection.input);
        let deadline = Deadline::new(state.timeouts.read);
        drop(state);
        Ok(Receiving { socket: Arc::clone(self), filter, deadline, is_waiting: false })
    }

    /// Whether data may be received now, and if not, why.
    pub(crate) fn check_readable(&self) -> Result<(), Fault> {
        self.lock().open(Use::Reading).map(|_| ())
    }
}

impl Receiving {
    /// What there is without waiting.
    pub(crate) fn now(&mut self) -> Option<Received> {
        let mut cx = Context::from_waker(Waker::noop());
        match self.poll_received(&mut cx) {
            (Poll::Ready(received), _) => Some(received),
            (Poll::Pending, _) => None,
        }
    }

    /// The same for who waits, and how many bytes the connection has had in all.
    fn poll_received(&mut self, cx: &mut Context<'_>) -> (Poll<Received>, u64) {
        let mut state = self.socket.lock();
        let polled = state.poll_receive(cx, &mut self.filter, &self.socket.net);
        self.is_waiting = polled.is_pending();
        state.reading = self.is_waiting;
        let Some(connection) = &mut state.connection else { return (polled, 0) };
        if self.is_waiting {
            self.deadline.borrow(&mut connection.timer);
        } else {
            self.deadline.give_back(&mut connection.timer);
        }
        (polled, connection.received)
    }
}

impl Future for Receiving {
    type Output = Received;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Received> {
        let (polled, progress) = self.poll_received(cx);
        if polled.is_ready() || self.deadline.poll(cx, progress).is_pending() {
            return polled;
        }
        self.stop_waiting();
        let partial = self.filter.take();
        Poll::Ready(Err((Fault::TIMEOUT, partial)))
    }
}

impl Receiving {
    fn stop_waiting(&mut self) {
        self.is_waiting = false;
        let mut state = self.socket.lock();
        state.reading = false;
        if let Some(connection) = &mut state.connection {
            self.deadline.give_back(&mut connection.timer);
        }
    }
}

/// A function that is given up as it waits, a thread that is killed, takes with it what has come: nobody could
/// tell where in the stream the next one reads.
impl Drop for Receiving {
    fn drop(&mut self) {
        if self.is_waiting {
            self.socket.lock().give_up();
        }
    }
}

impl State {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        filter: &mut Filter,
        net: &Arc<Net>,
    ) -> Poll<Received> {
        let Some(connection) = &mut self.connection else {
            return Poll::Ready(Err((Fault::CLOSED, filter.take())));
        };
        let fault = loop {
            if !connection.input.is_empty() || connection.eof {
                match filter.fill(&mut connection.input, net) {
                    Ok(true) => return Poll::Ready(Ok(filter.take())),
                    Ok(false) => continue,
                    Err(fault) => break fault,
                }
            }
            match connection.stream.poll_fill(cx, &mut connection.input, filter.wanted()) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => connection.eof = true,
                Poll::Ready(Ok(bytes)) => connection.received += bytes as u64,
                Poll::Ready(Err(error)) => break error.into(),
            }
        };
        self.close_reading();
        Poll::Ready(filter.fail(fault))
    }
}

/// When an operation has taken too long: without progress, or in all.
pub(super) struct Deadline {
    limit: Duration,
    progress: u64,
    timer: Option<Pin<Box<Sleep>>>,
    /// When it is too long in all, once it has begun to wait.
    last: Option<Instant>,
}

/// How much longer than its timeout an operation may take that is never done, though something comes
/// or goes now and then.
// Kong: nginx waits for such a peer for ever.
const PATIENCE: u32 = 10;

/// The least that an operation gets in all.
const LEAST: Duration = Duration::from_secs(60);

impl Deadline {
    pub(super) const fn new(limit: Duration) -> Self {
        Self { limit, progress: 0, timer: None, last: None }
    }

    /// Takes the timer that a connection has, if this one has none.
    fn borrow(&mut self, timer: &mut Option<Pin<Box<Sleep>>>) {
        if self.timer.is_none() {
            self.timer = timer.take();
        }
    }

    fn give_back(&mut self, timer: &mut Option<Pin<Box<Sleep>>>) {
        if self.timer.is_some() {
            *timer = self.timer.take();
        }
    }

    /// Ready when the operation has taken too long, which has come as far as `progress`.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, progress: u64) -> Poll<()> {
        let has_begun = self.last.is_some();
        let has_moved = std::mem::replace(&mut self.progress, progress) != progress;
        let next = || Instant::now() + self.limit;
        let timer = match &mut self.timer {
            Some(timer) => {
                if !has_begun || has_moved {
                    let next = next();
                    timer.as_mut().reset(self.last.map_or(next, |last| next.min(last)));
                }
                timer
            }
            None => self.timer.insert(Box::pin(tokio::time::sleep(self.limit))),
        };
        self.last.get_or_insert_with(|| {
            Instant::now() + self.limit.saturating_mul(PATIENCE).clamp(LEAST, LONGEST)
        });
        timer.as_mut().poll(cx)
    }
}

/// Longer than any request is.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
