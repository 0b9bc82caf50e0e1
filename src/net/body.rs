//! A request's body in the hands of a function, which receives it as it arrives.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

use super::last_pattern::LastPattern;
use super::receiving::Deadline;
use super::{Fault, Filter, Net, Received, Timeouts};

/// A request's body as a socket. What arrives is asked for when a function wants it, and not before.
#[derive(Default)]
pub(crate) struct BodySocket {
    state: Mutex<State>,
}

struct State {
    /// What has come and was not asked for yet.
    input: BytesMut,
    last_pattern: LastPattern,
    /// How many bytes have come.
    received: u64,
    eof: bool,
    closed: bool,
    reading: bool,
    timeout: Duration,
}

/// A function that waits for what it has asked for.
pub(crate) struct ReceivingBody {
    socket: Arc<BodySocket>,
    net: Arc<Net>,
    filter: Filter,
    deadline: Deadline,
    is_waiting: bool,
}

/// What arrives next: nothing at the end.
type Next<'a> = &'a mut dyn FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>>;

impl Default for State {
    fn default() -> Self {
        Self {
            input: BytesMut::new(),
            last_pattern: LastPattern::default(),
            received: 0,
            eof: false,
            closed: false,
            reading: false,
            timeout: Timeouts::DEFAULT,
        }
    }
}

impl BodySocket {
    /// How long the next bytes may take.
    pub(crate) fn set_timeout(&self, timeout: Duration) {
        self.state.lock().timeout = timeout;
    }

    /// Whether data may be received now, and if not, why.
    pub(crate) fn check_readable(&self) -> Result<(), Fault> {
        self.state.lock().open().map(|_| ())
    }

    /// Starts to receive what `filter` wants.
    pub(crate) fn receive(
        self: &Arc<Self>,
        filter: Filter,
        net: &Arc<Net>,
    ) -> Result<ReceivingBody, Fault> {
        let mut guard = self.state.lock();
        let state = guard.open()?;
        state.last_pattern.turn_to(&filter, &mut state.input);
        let deadline = Deadline::new(state.timeout);
        drop(guard);
        let (socket, net) = (Arc::clone(self), Arc::clone(net));
        Ok(ReceivingBody { socket, net, filter, deadline, is_waiting: false })
    }

    /// Whether all of it has come.
    pub(crate) fn is_over(&self) -> bool {
        self.state.lock().eof
    }

    /// Gives back what has come and no function has received, if anything has come at all. Nothing more is
    /// received.
    pub(crate) fn leave(&self) -> Option<Bytes> {
        let state = &mut *self.state.lock();
        state.close();
        (state.received > 0).then(|| state.input.split().freeze())
    }
}

impl State {
    /// What can be received from.
    fn open(&mut self) -> Result<&mut Self, Fault> {
        match () {
            () if self.closed => Err(Fault::CLOSED),
            () if self.reading => Err(Fault::BUSY_READING),
            () => Ok(self),
        }
    }

    /// Nothing more is received. What has come of a pattern's beginning is there again.
    fn close(&mut self) {
        self.closed = true;
        if let Some(last) = self.last_pattern.forget() {
            last.lock().give_back(&mut self.input);
        }
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        filter: &mut Filter,
        net: &Arc<Net>,
        next: Next<'_>,
    ) -> Poll<Received> {
        let fault = loop {
            if !self.input.is_empty() || self.eof {
                match filter.fill(&mut self.input, net) {
                    Ok(true) => return Poll::Ready(Ok(filter.take())),
                    Ok(false) => continue,
                    Err(fault) => break fault,
                }
            }
            match next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => self.eof = true,
                Poll::Ready(Some(Ok(data))) => {
                    self.received += data.len() as u64;
                    self.input = BytesMut::from(data);
                }
                Poll::Ready(Some(Err(fault))) => break fault,
            }
        };
        self.closed = true;
        Poll::Ready(filter.fail(fault))
    }
}

impl ReceivingBody {
    /// What there is without waiting.
    pub(crate) fn now(&mut self) -> Option<Received> {
        let mut cx = Context::from_waker(Waker::noop());
        match self.poll_received(&mut cx, &mut |_| Poll::Pending) {
            (Poll::Ready(received), _) => Some(received),
            (Poll::Pending, _) => None,
        }
    }

    /// Waits for it to arrive.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, next: Next<'_>) -> Poll<Received> {
        let (polled, progress) = self.poll_received(cx, next);
        if polled.is_ready() || self.deadline.poll(cx, progress).is_pending() {
            return polled;
        }
        self.stop_waiting();
        Poll::Ready(Err((Fault::TIMEOUT, self.filter.take())))
    }

    fn stop_waiting(&mut self) {
        if std::mem::take(&mut self.is_waiting) {
            self.socket.state.lock().reading = false;
        }
    }

    fn poll_received(&mut self, cx: &mut Context<'_>, next: Next<'_>) -> (Poll<Received>, u64) {
        let mut state = self.socket.state.lock();
        let polled = state.poll_receive(cx, &mut self.filter, &self.net, next);
        self.is_waiting = polled.is_pending();
        state.reading = self.is_waiting;
        (polled, state.received)
    }
}

/// What a function has received that is given up as it waits, a thread that is killed, goes on to the service
/// with the rest.
impl Drop for ReceivingBody {
    fn drop(&mut self) {
        if self.is_waiting {
            let mut state = self.socket.state.lock();
            state.reading = false;
            state.close();
            let rest = std::mem::replace(&mut state.input, self.filter.take());
            state.input.unsplit(rest);
        }
    }
}
