//! Functions that answer piece by piece: what they print goes out while they go on.
//!
//! The response's body runs them, when it is asked for more: a client that reads slowly holds up the function
//! that waits for it, and one that goes away ends it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::BoxError;
use super::exchange::{Exchange, Lease};
use super::left::Left;
use super::run::poll_run;
use super::turn::{self, Turn};
#[cfg(feature = "net")]
use super::upgrade;
use crate::error::log;
use crate::function::{Progress, Run};
use crate::message::has_no_body;
use crate::runtime::Runtime;
use crate::settings::Kind;
#[cfg(feature = "net")]
use crate::transaction::BodyIsGone;
use crate::transaction::{Aside, ReadBody};

/// The functions of a request whose response is on its way.
pub(super) struct Streaming {
    // What it waits for is given up before the transaction is given back.
    run: Run,
    /// While the functions have the transaction.
    lease: Option<Lease>,
    /// While others have it.
    aside: Option<Aside>,
    exchange: Exchange,
    runtime: Arc<Runtime>,
    /// What is left of the request's.
    body: Box<dyn ReadBody + Send>,
    /// What has been printed and is yet to go.
    pieces: VecDeque<Bytes>,
    turn: Option<Turn>,
    state: State,
}

enum State {
    /// The functions go on.
    Going,
    /// A function has ended the response, and goes on.
    Ended,
    /// The functions have ended.
    Over,
    /// So has the response, before its end.
    Broken(Option<BoxError>),
    /// A function has the client's connection.
    #[cfg_attr(not(feature = "net"), expect(dead_code, reason = "none has it then"))]
    Gone(Left),
}

impl Streaming {
    /// Takes over functions one of which waits, and that have put `aside` what is theirs.
    pub(super) fn new(
        run: Run,
        aside: Aside,
        exchange: Exchange,
        body: Box<dyn ReadBody + Send>,
    ) -> Self {
        let runtime = exchange.runtime();
        let (aside, pieces) = (Some(aside), VecDeque::new());
        let (lease, turn, state) = (None, None, State::Going);
        Self { run, lease, aside, exchange, runtime, body, pieces, turn, state }
    }

    /// Sees what the functions have printed before the response has begun. Whether it is all there will be:
    /// they have ended it, or it has no body.
    pub(super) fn begin(&mut self, lease: &mut Lease) -> bool {
        let has_ended = lease.response.ended || has_no_body(lease.response.status());
        if has_ended {
            self.state = State::Ended;
        } else {
            self.pieces = lease.take_outgoing().into();
        }
        has_ended
    }

    /// Whether there is nothing more to come.
    pub(super) fn is_over(&self) -> bool {
        self.pieces.is_empty() && matches!(self.state, State::Ended | State::Over)
    }

    /// The next piece of the body.
    pub(super) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BoxError>>> {
        loop {
            if let Some(turn) = &mut self.turn {
                ready!(turn.as_mut().poll(cx));
                self.turn = None;
            }
            if let Some(piece) = self.pieces.pop_front() {
                return Poll::Ready(Some(Ok(piece)));
            }
            match &mut self.state {
                State::Going => ready!(self.poll_functions(cx)),
                State::Ended | State::Over => return Poll::Ready(None),
                State::Broken(error) => return Poll::Ready(error.take().map(Err)),
                State::Gone(left) => {
                    ready!(left.poll(cx));
                    self.state = State::Broken(Some("the connection was not to be had".into()));
                }
            }
        }
    }

    /// Runs functions on until there is something to go out, or they have ended.
    fn poll_functions(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(lease) = take_up(&self.exchange, &mut self.lease, &mut self.aside) else {
            self.state = State::Broken(Some("the functions have lost their request".into()));
            return Poll::Ready(());
        };
        // Whoever asks for more has got rid of all there was.
        if lease.away.is_none() {
            lease.note_sent();
        }
        let pool = self.runtime.pool();
        let progress = ready!(poll_run(&mut self.run, cx, lease, pool, &mut *self.body));
        #[cfg(feature = "net")]
        if lease.is_upgrading() {
            let (run, body) =
                (self.run.take(), std::mem::replace(&mut self.body, Box::new(BodyIsGone)));
            self.state = State::Gone(upgrade::run_on(run, lease, &self.exchange, body));
            self.lease = None;
            return Poll::Ready(());
        }
        self.pieces = lease.take_outgoing().into();
        self.state = match progress {
            Progress::Waiting if lease.response.ended => State::Ended,
            Progress::Waiting => State::Going,
            Progress::Failed(error) => {
                self.pieces.clear();
                State::Broken(Some(error.into()))
            }
            Progress::Ended | Progress::Exited if lease.response.closes => {
                self.pieces.clear();
                State::Broken(Some("a function has closed the connection".into()))
            }
            Progress::Ended | Progress::Exited => State::Over,
        };
        self.turn = turn::after_others(lease);
        self.aside = Some(lease.set_aside());
        self.lease = None;
        Poll::Ready(())
    }

    /// Whether functions go on when nobody asks for the body any more, be it that others have ended it.
    pub(super) fn outlives(&self, has_ended: bool) -> bool {
        let is_here = self.lease.as_ref().is_none_or(|lease| lease.away.is_none());
        match self.state {
            State::Ended => true,
            State::Going => has_ended && is_here,
            State::Over | State::Broken(_) | State::Gone(_) => false,
        }
    }

    /// Has the functions go on in a task of their own. The request ends with them.
    pub(super) fn run_on(mut self) {
        let Some(lease) = take_up(&self.exchange, &mut self.lease, &mut self.aside) else { return };
        let (site, vm) = (lease.site.clone(), lease.vm.map_or(0, |vm| vm.number));
        let background = Arc::clone(&self.runtime.settings().background);
        let work = async move {
            poll_fn(|cx| self.poll_to_end(cx)).await;
            let turn = self.lease.as_mut().and_then(turn::after_others);
            if let Some(turn) = turn {
                turn.await;
            }
        };
        if let Err(why) = background.spawn(Kind::Ended, vm, work) {
            log::give_up(&site, &why.to_string());
        }
    }

    fn poll_to_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let Some(lease) = &mut self.lease else { return Poll::Ready(()) };
            if lease.away.is_none() {
                // Nobody is there for what they print.
                lease.take_outgoing();
                lease.note_sent();
            }
            let pool = self.runtime.pool();
            match ready!(poll_run(&mut self.run, cx, lease, pool, &mut *self.body)) {
                Progress::Waiting => {}
                // What they fail with has been logged.
                _ => return Poll::Ready(()),
            }
        }
    }
}

/// The transaction, as the functions have left it.
fn take_up<'a>(
    exchange: &Exchange,
    lease: &'a mut Option<Lease>,
    aside: &mut Option<Aside>,
) -> Option<&'a mut Lease> {
    if lease.is_none() {
        let mut taken = exchange.lease()?;
        if let Some(aside) = aside.take() {
            taken.take_up(aside);
        }
        *lease = Some(taken);
    }
    lease.as_mut()
}
