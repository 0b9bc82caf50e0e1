//! What the layers of one request share.
//!
//! Kong walks its plugins in the same order in every phase; a response passes nested layers in
//! reverse. So the layers trade their work: the layer that a response reaches first runs the
//! response phases of the layer that the request reached first, and so on outwards.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::function::{Functions, Progress, Run};
use crate::phase::{Phase, PhaseSet, Plugin};
use crate::runtime::Runtime;
use crate::transaction::Transaction;
use crate::vm::Quarantined;

const RESPONSE_PHASES: &[Phase] = &[Phase::HeaderFilter, Phase::BodyFilter, Phase::Log];

/// Functions that take part in a request.
#[derive(Clone)]
pub(super) struct Participant {
    pub(super) functions: Functions,
    pub(super) plugin: Plugin,
}

/// The state of a request, as one of its layers holds it; the next layer further in finds its own
/// in the request's extensions.
#[derive(Clone)]
pub(super) struct Exchange {
    shared: Arc<Mutex<Shared>>,
    /// How many participants there are further out.
    depth: usize,
    /// Whether this layer has functions for the response phases, and so a place in the trade.
    takes_part: bool,
    is_outermost: bool,
}

struct Shared {
    runtime: Arc<Runtime>,
    /// `None` while a layer works with it.
    transaction: Option<Box<Transaction>>,
    /// Those with functions for the response phases, in the order in which the request reached
    /// their layers.
    participants: Participants,
    /// The other half of a pair, as long as the request has not reached its layer.
    expected: Option<Participant>,
    /// Whether a layer has seen the head of the response.
    answered: bool,
    /// Whether the request ends with a function that outlives the response.
    detached: bool,
    /// What does its work when it is dropped, and came for the transaction while that was away.
    owed: Option<Box<dyn Send>>,
}

impl Participant {
    /// Whether there is anything to do when the response comes.
    pub(super) fn has_response_phases(&self) -> bool {
        self.functions.any_in(RESPONSE_PHASES)
    }
}

impl Exchange {
    /// The state of a request whose outermost layer this is.
    pub(super) fn new(
        runtime: &Arc<Runtime>,
        participant: Participant,
        expected: Option<Participant>,
    ) -> Self {
        let takes_part = participant.has_response_phases();
        let shared = Shared {
            runtime: Arc::clone(runtime),
            transaction: None,
            participants: Participants {
                first: takes_part.then_some(participant),
                more: Vec::new(),
            },
            expected,
            answered: false,
            detached: false,
            owed: None,
        };
        let shared = Arc::new(Mutex::new(shared));
        Self { shared, depth: 0, takes_part, is_outermost: true }
    }

    /// The state that a layer further out has left in `extensions`, if it is of the same runtime
    /// and no other attempt at the same request holds it.
    pub(super) fn join(
        extensions: &http::Extensions,
        runtime: &Runtime,
        participant: &Participant,
    ) -> Option<(Self, Box<Transaction>)> {
        let found = extensions.get::<Self>()?;
        let mut shared = found.shared.lock();
        if !shared.runtime.is_same(runtime) {
            return None;
        }
        let transaction = shared.transaction.take()?;
        // A layer between may call again, to retry: then this layer is here again.
        shared.participants.truncate(found.depth);
        shared.answered = false;
        let takes_part = participant.has_response_phases();
        if takes_part {
            shared.participants.push(participant.clone());
        }
        if shared.expected.as_ref().is_some_and(|expected| expected.plugin == participant.plugin) {
            shared.expected = None;
        }
        drop(shared);
        Some((Self { takes_part, ..found.clone() }, transaction))
    }

    /// The state as the next layer further in is to find it.
    pub(super) fn for_next_layer(&self) -> Self {
        let depth = self.depth + usize::from(self.takes_part);
        Self { depth, is_outermost: false, ..self.clone() }
    }

    pub(super) fn runtime(&self) -> Arc<Runtime> {
        Arc::clone(&self.shared.lock().runtime)
    }

    /// Lends the transaction, unless somebody has it already.
    pub(super) fn lease(&self) -> Option<Lease> {
        let transaction = self.shared.lock().transaction.take()?;
        Some(Lease::new(transaction, Some(self.clone())))
    }

    /// The same, or what `again` makes is dropped when the transaction is back.
    pub(super) fn lease_or<G: Send + 'static>(&self, again: impl FnOnce() -> G) -> Option<Lease> {
        let mut shared = self.shared.lock();
        let Some(transaction) = shared.transaction.take() else {
            shared.owed = Some(Box::new(again()));
            return None;
        };
        Some(Lease::new(transaction, Some(self.clone())))
    }

    /// Lends the transaction to a layer that the head of the response has reached, and says whether it is the
    /// first.
    pub(super) fn lease_answered(&self) -> Option<(Lease, bool)> {
        let mut shared = self.shared.lock();
        let transaction = shared.transaction.take()?;
        let is_first = !std::mem::replace(&mut shared.answered, true);
        Some((Lease::new(transaction, Some(self.clone())), is_first))
    }

    /// Has the request end with a function that outlives the response.
    #[cfg(feature = "net")]
    pub(super) fn detach(&self) {
        self.shared.lock().detached = true;
    }

    /// Whether it does.
    pub(super) fn is_detached(&self) -> bool {
        self.shared.lock().detached
    }

    /// Whose response phases run in this layer.
    pub(super) fn duties(&self) -> Duties {
        let shared = self.shared.lock();
        let mirrored = shared.participants.len().checked_sub(self.depth + 1);
        let traded =
            mirrored.filter(|_| self.takes_part).and_then(|at| shared.participants.get(at));
        let absent = shared.expected.as_ref().filter(|_| self.is_outermost);
        Duties { of: [traded.cloned(), absent.cloned()], everybodys: shared.phases() }
    }

    /// Everybody who takes part, in Kong's order.
    pub(super) fn participants(&self) -> Vec<Participant> {
        let shared = self.shared.lock();
        shared.participants.iter().chain(&shared.expected).cloned().collect()
    }

    /// The phases that anybody has functions for.
    pub(super) fn phases(&self) -> PhaseSet {
        self.shared.lock().phases()
    }
}

impl Shared {
    fn phases(&self) -> PhaseSet {
        let everybody = self.participants.iter().chain(&self.expected);
        everybody.fold(PhaseSet::NONE, |phases, one| phases.or(one.functions.phases()))
    }
}

/// Participants in their order. Mostly there is one.
struct Participants {
    first: Option<Participant>,
    more: Vec<Participant>,
}

impl Participants {
    fn iter(&self) -> impl Iterator<Item = &Participant> {
        self.first.iter().chain(&self.more)
    }

    fn get(&self, place: usize) -> Option<&Participant> {
        match place.checked_sub(1) {
            None => self.first.as_ref(),
            Some(place) => self.more.get(place),
        }
    }

    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    fn push(&mut self, participant: Participant) {
        match self.first {
            None => self.first = Some(participant),
            Some(_) => self.more.push(participant),
        }
    }

    fn truncate(&mut self, length: usize) {
        self.more.truncate(length.saturating_sub(1));
        if length == 0 {
            self.first = None;
        }
    }
}

/// What a layer has to do for a response.
#[derive(Default)]
pub(super) struct Duties {
    /// The participants whose response phases it runs, in order: the one that it has traded with, and the other
    /// half of a pair that the request never reached.
    pub(super) of: [Option<Participant>; 2],
    /// The phases that anybody has functions for.
    pub(super) everybodys: PhaseSet,
}

/// A transaction on loan. It goes back when the lease is dropped, be it because the client has gone
/// away.
pub(super) struct Lease {
    transaction: Option<Box<Transaction>>,
    exchange: Option<Exchange>,
    /// While it is away.
    pub(super) away: Option<Box<Away>>,
}

/// Functions that run in quarantine: they and their transaction come back with how far they have come.
pub(super) type Away = Quarantined<(Run, Lease, Progress)>;

impl Lease {
    pub(super) fn new(transaction: Box<Transaction>, exchange: Option<Exchange>) -> Self {
        Self { transaction: Some(transaction), exchange, away: None }
    }

    /// What is handed to those who work with the transaction elsewhere. This one is empty until it comes back.
    pub(super) fn take(&mut self) -> Self {
        Self { transaction: self.transaction.take(), exchange: self.exchange.take(), away: None }
    }

    /// Hands the transaction to `f`, which gives it back.
    pub(super) fn with<R>(
        &mut self,
        f: impl FnOnce(Box<Transaction>) -> (Box<Transaction>, R),
    ) -> R {
        let transaction = self.transaction.take().expect("only taken here, and given back");
        let (transaction, result) = f(transaction);
        self.transaction = Some(transaction);
        result
    }

    /// Takes the transaction for good.
    pub(super) fn into_inner(mut self) -> Box<Transaction> {
        self.exchange = None;
        self.transaction.take().expect("not taken for good before")
    }

    /// Lets the transaction go back to `exchange`.
    pub(super) fn settle_in(&mut self, exchange: Exchange) {
        self.exchange = Some(exchange);
    }
}

impl std::ops::Deref for Lease {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        self.transaction.as_deref().expect("held between calls of `with`")
    }
}

impl std::ops::DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Transaction {
        self.transaction.as_deref_mut().expect("held between calls of `with`")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let (Some(transaction), Some(exchange)) = (self.transaction.take(), &self.exchange) {
            let mut shared = exchange.shared.lock();
            shared.transaction = Some(transaction);
            let owed = shared.owed.take();
            drop(shared);
            drop(owed);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            self.runtime.release(transaction);
        }
    }
}
