//! `rewrite` and `access`: from the request's arrival to the inner service, or to an answer.

use std::any::Any;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http_body::Body;

use super::config::{Config, StandIns};
use super::exchange::{Exchange, Lease, Participant};
#[cfg(feature = "net")]
use super::left::Left;
use super::log::LogGuard;
use super::response;
use super::retry::RetryCallback;
use super::run::poll_run;
use super::seen_body;
use super::shared::shared;
use super::streaming::Streaming;
use super::turn::{self, Turn};
#[cfg(feature = "net")]
use super::upgrade;
use crate::error::Site;
use crate::extension::Shared;
use crate::function::{Functions, Progress, Run, begin_subrequest};
use crate::phase::Phase;
use crate::runtime::Runtime;
use crate::transaction::{ReadBody, RequestBody, Subrequest, Transaction};

const REQUEST_PHASES: &[Phase] = &[Phase::Rewrite, Phase::Access];

/// This layer's part in a request.
pub(super) struct Passage {
    pub(super) config: Arc<Config>,
    pub(super) exchange: Exchange,
    /// Held by the outermost layer alone.
    pub(super) log: Option<LogGuard>,
}

/// A request whose functions of these phases run in this layer.
pub(super) struct RequestPhases {
    run: Run,
    lease: Lease,
    config: Arc<Config>,
    stand_ins: Option<StandIns>,
    /// `None` as long as no response phase would need it.
    exchange: Option<Exchange>,
    log: Option<LogGuard>,
    /// What is done when others have had their turn.
    decided: Option<(Turn, Decision)>,
}

/// What becomes of a request when its functions have run.
pub(super) enum Decision {
    /// The inner service gets it.
    Forward,
    /// The response stands in the transaction.
    Answer,
    /// The response stands in the transaction, and the client's connection is a function's after it.
    #[cfg(feature = "net")]
    Upgrade,
    /// The head of the response stands in the transaction, and functions go on with the rest.
    Stream,
    /// A function waits.
    Wait,
}

/// What the inner service gets, and what is left to do.
pub(super) struct Forwarded {
    pub(super) head: Parts,
    pub(super) body: ForwardedBody,
    /// Whether functions have touched the headers that say where the body ends.
    pub(super) is_reframed: bool,
    pub(super) passage: Option<Passage>,
}

/// The body that the inner service gets.
pub(super) enum ForwardedBody {
    /// The request's, from its beginning.
    Untouched,
    /// One that a function has set.
    Replaced(Bytes),
    /// What a function has left of the request's: this, and what is yet to arrive.
    #[cfg(feature = "net")]
    Rest(Bytes),
}

impl RequestPhases {
    /// Takes in a request; gives its head back when there is nothing to run.
    #[expect(clippy::result_large_err, reason = "the head moves on, whichever way it takes")]
    pub(super) fn begin(
        config: &Arc<Config>,
        mut head: Parts,
        body: &impl Body,
    ) -> Result<Self, Parts> {
        let functions = config.functions(&head);
        let expected = config.paired_functions(&head);
        if functions.is_none() && expected.is_none() {
            return Err(head);
        }
        let stand_ins = config.stand_ins(&head);
        let functions = functions.unwrap_or_else(Functions::empty);
        let expected = expected.map(|(functions, plugin)| Participant { functions, plugin });
        let participant = Participant { functions, plugin: config.plugin };
        let run = Run::new(participant.functions.clone(), config.plugin, REQUEST_PHASES);
        let config = Arc::clone(config);
        let runtime = config.runtime();
        if let Some((exchange, mut transaction)) =
            Exchange::join(&head.extensions, runtime, &participant)
        {
            forget_exchange(&mut head.extensions);
            transaction.request.resume(head, body.size_hint().exact());
            let lease = Lease::new(transaction, Some(exchange.clone()));
            let exchange = Some(exchange);
            return Ok(Self::new(run, lease, config, stand_ins, exchange, None));
        }
        let site = Site {
            plugin: config.plugin,
            phase: Phase::Rewrite,
            set: Arc::clone(participant.functions.shared_name()),
            id: participant.functions.id(),
            index: 0,
        };
        if let Some(describe) = &runtime.settings().connection {
            describe(&mut head.extensions);
        }
        let subrequest = Subrequest::find(&head.extensions);
        let length = || body.size_hint().exact();
        let seen = seen_body::take(&mut head.extensions, runtime, length);
        let mut transaction = Transaction::new(head, site);
        transaction.request.know(runtime.settings());
        if let Some(body) = seen {
            transaction.request.body = RequestBody::Read(body);
        }
        if let Some(subrequest) = subrequest {
            begin_subrequest(&mut transaction, subrequest, runtime.settings());
        }
        let expected = expected.filter(Participant::has_response_phases);
        let exchange = (expected.is_some() || participant.has_response_phases())
            .then(|| Exchange::new(runtime, participant, expected));
        let log = exchange.clone().map(LogGuard::new);
        let lease = Lease::new(transaction, exchange.clone());
        Ok(Self::new(run, lease, config, stand_ins, exchange, log))
    }

    const fn new(
        run: Run,
        lease: Lease,
        config: Arc<Config>,
        stand_ins: Option<StandIns>,
        exchange: Option<Exchange>,
        log: Option<LogGuard>,
    ) -> Self {
        Self { run, lease, config, stand_ins, exchange, log, decided: None }
    }

    /// Runs functions until all have run, or one waits or has decided.
    pub(super) fn advance(&mut self) -> Decision {
        if !self.run.functions().any_in(REQUEST_PHASES) {
            return self.decide(Progress::Ended);
        }
        let pool = self.config.runtime().pool();
        if self.run.is_quarantined(pool, &self.lease) {
            return Decision::Wait;
        }
        let progress = self.lease.with(|transaction| self.run.advance(pool, transaction));
        self.decide(progress)
    }

    /// Whether its functions are likely to want `body`, and it may be polled while they run: a body that
    /// functions make does not know its length, and they might want the VM that these have.
    pub(super) fn want_body(&self, body: &impl Body) -> bool {
        self.run.functions().wait_for_bodies() && body.size_hint().exact().is_some()
    }

    /// The same as [`advance`](Self::advance), with the request's body at hand for functions that ask
    /// for it: they need not wait for one that is there.
    pub(super) fn advance_with<B: ReadBody + Send>(&mut self, body: B) -> (Decision, B) {
        self.lease.incoming = Some(Box::new(body));
        let decision = self.advance();
        let body: Box<dyn Any> = self.lease.incoming.take().expect("nobody else takes it");
        (decision, *body.downcast().expect("what was put there"))
    }

    /// Waits, and runs functions on, until they have decided.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, body: &mut dyn ReadBody) -> Poll<Decision> {
        loop {
            if let Some((turn, _)) = &mut self.decided {
                ready!(turn.as_mut().poll(cx));
                let (_, decision) = self.decided.take().expect("looked at above");
                return Poll::Ready(decision);
            }
            let pool = self.config.runtime().pool();
            let progress = ready!(poll_run(&mut self.run, cx, &mut self.lease, pool, body));
            match self.decide(progress) {
                // It waits for its turn now.
                Decision::Wait => {}
                decision => return Poll::Ready(decision),
            }
        }
    }

    fn decide(&mut self, progress: Progress) -> Decision {
        let decision = match progress {
            #[cfg(feature = "net")]
            Progress::Waiting if self.lease.is_upgrading() => Decision::Upgrade,
            Progress::Waiting if self.lease.has_to_send() => Decision::Stream,
            Progress::Waiting => Decision::Wait,
            Progress::Ended if !self.lease.response.printed => Decision::Forward,
            Progress::Ended | Progress::Exited => Decision::Answer,
            Progress::Failed(error) => {
                let (runtime, errors) = (self.config.runtime(), &*self.config.errors);
                response::fail(&mut self.lease, runtime, errors, &error);
                Decision::Answer
            }
        };
        if !matches!(decision, Decision::Wait)
            && let Some(turn) = turn::after_others(&mut self.lease)
        {
            self.decided = Some((turn, decision));
            return Decision::Wait;
        }
        decision
    }

    pub(super) fn forward(mut self) -> Forwarded {
        let body = forwarded_body(&self.lease);
        let is_reframed = self.lease.request.is_reframed;
        if self.exchange.is_none() && self.lease.is_disposable() {
            let seen = seen_body::of(&self.lease);
            let mut head = self.lease.into_inner().into_head();
            if let Some(body) = seen {
                seen_body::leave(&mut head.extensions, self.config.runtime(), body);
            }
            return Forwarded { head, body, is_reframed, passage: None };
        }
        self.lease.called_at = Some(crate::clock::now());
        let mut head = self.lease.request.share_head();
        if !self.config.runtime().settings().host_functions.is_empty() {
            let mut kept = head.extensions.clone();
            forget_exchange(&mut kept);
            self.lease.request.keep_extensions(kept);
        }
        let shares = self.lease.tables.get().is_some_and(|tables| tables.shared.is_some());
        let tries_again = self.lease.has_retry_callback();
        let passage = self.into_passage();
        head.extensions.insert(passage.exchange.for_next_layer());
        if shares {
            head.extensions.insert(shared(passage.exchange.clone()));
        }
        if tries_again {
            head.extensions.insert(RetryCallback::new(passage.exchange.clone()));
        }
        Forwarded { head, body, is_reframed, passage: Some(passage) }
    }

    /// Ends the request phases with a response of the functions: what is left to do, or the
    /// transaction if there is nothing.
    pub(super) fn answer(mut self) -> Result<Passage, (Box<Transaction>, Arc<Runtime>)> {
        self.admit_stand_ins();
        if self.exchange.is_some() {
            return Ok(self.into_passage());
        }
        let runtime = Arc::clone(self.config.runtime());
        Err((self.lease.into_inner(), runtime))
    }

    /// Ends the request phases of a function that is to have the client's connection, and runs on with it: with
    /// a response after which it has it, or with nothing.
    #[cfg(feature = "net")]
    pub(super) fn upgrade(mut self, body: Box<dyn ReadBody + Send>) -> Result<Passage, Left> {
        self.admit_stand_ins();
        let answers = upgrade::announce(&mut self.lease);
        let run = self.run.take();
        let (mut passage, mut lease) = self.into_passage_and_lease();
        let left = upgrade::run_on(run, &mut lease, &passage.exchange, body);
        passage.log = None;
        if answers { Ok(passage) } else { Err(left) }
    }

    /// Ends the request phases with a response that functions go on with.
    pub(super) fn stream(mut self, body: Box<dyn ReadBody + Send>) -> (Passage, Box<Streaming>) {
        self.admit_stand_ins();
        let run = self.run.take();
        let aside = self.lease.set_aside();
        self.lease.response.streams = true;
        let passage = self.into_passage();
        let streaming = Streaming::new(run, aside, passage.exchange.clone(), body);
        (passage, Box::new(streaming))
    }

    /// Has those take part who do when functions answer.
    fn admit_stand_ins(&mut self) {
        if let (None, Some((own, expected))) = (&self.exchange, self.stand_ins.take()) {
            let expected = expected.filter(Participant::has_response_phases);
            let exchange = Exchange::new(self.config.runtime(), own, expected);
            self.log = Some(LogGuard::new(exchange.clone()));
            self.lease.settle_in(exchange.clone());
            self.exchange = Some(exchange);
        }
    }

    fn into_passage(self) -> Passage {
        self.into_passage_and_lease().0
    }

    fn into_passage_and_lease(mut self) -> (Passage, Lease) {
        let exchange = match self.exchange {
            Some(exchange) => exchange,
            None => {
                let functions = self.run.functions().clone();
                let participant = Participant { functions, plugin: self.config.plugin };
                let exchange = Exchange::new(self.config.runtime(), participant, None);
                self.log = Some(LogGuard::new(exchange.clone()));
                self.lease.settle_in(exchange.clone());
                exchange
            }
        };
        (Passage { config: self.config, exchange, log: self.log }, self.lease)
    }
}

fn forwarded_body(transaction: &Transaction) -> ForwardedBody {
    match &transaction.request.body {
        RequestBody::Replaced(body) => ForwardedBody::Replaced(body.clone()),
        RequestBody::Discarded => ForwardedBody::Replaced(Bytes::new()),
        #[cfg(feature = "net")]
        RequestBody::Socket => {
            let socket = transaction.rare().and_then(|rare| rare.body_socket.as_ref());
            let left = socket.and_then(|socket| socket.leave());
            left.map_or(ForwardedBody::Untouched, ForwardedBody::Rest)
        }
        _ => ForwardedBody::Untouched,
    }
}

/// Takes away what refers to the transaction, before it is laid into the transaction itself.
fn forget_exchange(extensions: &mut http::Extensions) {
    extensions.remove::<Exchange>();
    extensions.remove::<RetryCallback>();
    if extensions.get::<Shared>().is_some_and(|shared| shared.given().is_none()) {
        extensions.remove::<Shared>();
    }
}
