//! What the light threads of one function wait for, each for its own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::{Answer, Operation, ReadBody, Transaction};

/// Operations in flight, by their tickets. Only those are polled that have been woken.
#[derive(Default)]
pub(crate) struct Flights {
    flights: FxHashMap<u32, Flight>,
    last: u32,
    /// Those that have ended, in the order in which they did.
    ended: VecDeque<(u32, Option<Answer>)>,
    woken: Arc<Woken>,
}

struct Flight {
    operation: Operation,
    waker: Waker,
}

/// The tickets of operations to be polled, and who polls them.
#[derive(Default)]
struct Woken(Mutex<(Vec<u32>, Option<Waker>)>);

/// Wakes one operation.
struct Call {
    ticket: u32,
    woken: Arc<Woken>,
}

impl Flights {
    /// Waits for one more operation: its ticket.
    pub(crate) fn depart(&mut self, operation: Operation) -> u32 {
        self.last += 1;
        let ticket = self.last;
        let call = Call { ticket, woken: Arc::clone(&self.woken) };
        self.flights.insert(ticket, Flight { operation, waker: Waker::from(Arc::new(call)) });
        self.woken.0.lock().0.push(ticket);
        ticket
    }

    /// The next operation that has ended, and what it has come to.
    pub(crate) fn arrive(&mut self) -> Option<(u32, Option<Answer>)> {
        self.ended.pop_front()
    }

    /// Gives an operation up.
    pub(crate) fn cancel(&mut self, ticket: u32) {
        if self.flights.remove(&ticket).is_some_and(|flight| flight.operation.reads_body()) {
            self.wake_readers();
        }
        self.ended.retain(|(ended, _)| *ended != ticket);
    }

    /// The body wakes but the last of those that read it: when that one does so no more, the others look.
    fn wake_readers(&self) {
        let readers = self.flights.iter().filter(|(_, flight)| flight.operation.reads_body());
        self.woken.0.lock().0.extend(readers.map(|(ticket, _)| *ticket));
    }

    /// Waits until one of the operations has ended.
    pub(super) fn poll(
        &mut self,
        cx: &Context<'_>,
        transaction: &mut Transaction,
        body: &mut dyn ReadBody,
    ) -> Poll<()> {
        let woken = {
            let mut woken = self.woken.0.lock();
            match &mut woken.1 {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            std::mem::take(&mut woken.0)
        };
        for ticket in woken {
            let Some(flight) = self.flights.get_mut(&ticket) else { continue };
            let mut cx = Context::from_waker(&flight.waker);
            if flight.operation.poll(&mut cx, transaction, body).is_ready() {
                self.cancel(ticket);
                self.ended.push_back((ticket, transaction.answer.take()));
            }
        }
        if self.ended.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut woken = self.woken.0.lock();
        woken.0.push(self.ticket);
        let waker = woken.1.take();
        drop(woken);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
