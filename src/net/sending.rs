//! Sending.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::receiving::Deadline;
use super::socket::{State, Use};
use super::{Fault, Socket};
use crate::lua::{Charge, OutOfMemory, Share};

/// A socket that waits until the system has taken what is sent.
pub(crate) struct Sending {
    socket: Arc<Socket>,
    data: Vec<u8>,
    /// How much of it is gone.
    sent: usize,
    deadline: Deadline,
    is_waiting: bool,
    /// What the data counts as.
    charge: Option<Charge>,
}

impl Socket {
    /// Whether anything may be sent now, and if not, why.
    pub(crate) fn check_writable(&self) -> Result<(), Fault> {
        self.lock().open(Use::Writing).map(|_| ())
    }

    /// Sends `data`: all of it at once, or the rest with the future that this gives.
    pub(crate) fn send(self: &Arc<Self>, data: &[u8]) -> Result<Option<Sending>, Fault> {
        let mut state = self.lock();
        state.open(Use::Writing)?;
        let mut sent = 0;
        let mut cx = Context::from_waker(Waker::noop());
        match state.poll_send(&mut cx, data, &mut sent) {
            Poll::Ready(result) => result.map(|()| None),
            Poll::Pending => {
                state.writing = true;
                let deadline = Deadline::new(state.timeouts.send);
                let (socket, data) = (Arc::clone(self), data[sent..].to_vec());
                Ok(Some(Sending {
                    socket,
                    data,
                    sent: 0,
                    deadline,
                    is_waiting: true,
                    charge: None,
                }))
            }
        }
    }
}

impl Sending {
    /// The same, with what is left to send counted as long as it is: Lua's limit does not know of it.
    ///
    /// # Errors
    ///
    /// When the request may not hold as much.
    pub(crate) fn counted(mut self, share: &mut Share) -> Result<Self, OutOfMemory> {
        self.charge = share.charge(self.data.capacity())?;
        Ok(self)
    }
}

impl Future for Sending {
    type Output = Result<(), Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let Self { socket, data, sent, deadline, is_waiting, .. } = &mut *self;
        let mut state = socket.lock();
        let polled = state.poll_send(cx, data, sent);
        if polled.is_pending() && deadline.poll(cx, *sent as u64).is_pending() {
            return Poll::Pending;
        }
        state.writing = false;
        *is_waiting = false;
        if polled.is_pending() {
            state.close_writing();
            return Poll::Ready(Err(Fault::TIMEOUT));
        }
        polled
    }
}

/// As with [`Receiving`](super::Receiving): how much of it is gone nobody knows.
impl Drop for Sending {
    fn drop(&mut self) {
        if self.is_waiting {
            self.socket.lock().give_up();
        }
    }
}

impl State {
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
        sent: &mut usize,
    ) -> Poll<Result<(), Fault>> {
        let Some(connection) = &mut self.connection else {
            return Poll::Ready(Err(Fault::CLOSED));
        };
        let stream = &mut connection.stream;
        let error = loop {
            if *sent == data.len() {
                match stream.poll_flush(cx) {
                    Poll::Ready(Err(error)) => break error,
                    flushed => return flushed.map(|_| Ok(())),
                }
            }
            match stream.poll_write(cx, &data[*sent..]) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(bytes)) => *sent += bytes,
                Poll::Ready(Err(error)) => break error,
            }
        };
        self.close_writing();
        Poll::Ready(Err(error.into()))
    }
}
