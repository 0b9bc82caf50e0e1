//! Responses that go out while the function that makes them goes on: `ngx.flush`, `ngx.eof`.

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{Rare, Transaction};
use crate::error::Site;
use crate::phase::Phase;
use crate::store::cache::Loading;

/// What is to go out, and who waits for it.
#[derive(Default)]
pub(crate) struct Outgoing {
    /// Whether a function has it sent what it has printed.
    is_asked: bool,
    /// Those who wait until what is printed has been taken, and until what was taken is gone.
    waiting: Vec<oneshot::Sender<()>>,
    leaving: Vec<oneshot::Sender<()>>,
}

/// What becomes of waiting until all is sent that has been printed. Nothing where the client is gone.
pub(crate) type Flushed = oneshot::Receiver<()>;

/// What the transaction has of a function that waits, while others work with it.
pub(crate) struct Aside {
    site: Site,
    loads: Vec<Loading>,
}

/// How much is printed, in bytes, before it is sent without being asked for: nginx's `postpone_output`.
const POSTPONED: usize = 1460;

impl Outgoing {
    /// What was asked for is done: those who waited for it wait until it is gone.
    fn leave(&mut self) {
        self.is_asked = false;
        self.leaving.append(&mut self.waiting);
    }
}

impl Transaction {
    /// Has what is printed sent as soon as the function waits.
    pub(crate) fn send_out(&mut self) {
        self.rare_mut().outgoing.is_asked = true;
    }

    /// The same for a function that waits until it is sent.
    pub(crate) fn flush(&mut self) -> Flushed {
        let (sender, flushed) = oneshot::channel();
        self.send_out();
        self.rare_mut().outgoing.waiting.push(sender);
        flushed
    }

    /// Whether something is to be sent before the function goes on: one of those that make a response. Later
    /// ones wait for nothing that they have asked for.
    pub(crate) fn has_to_send(&self) -> bool {
        let makes_response = matches!(self.site.phase, Phase::Rewrite | Phase::Access);
        makes_response
            && self.rare().is_some_and(|Rare { outgoing, .. }| {
                outgoing.is_asked
                    || (self.response.streams && self.response.output_len() >= POSTPONED)
            })
    }

    /// What is to be sent.
    pub(crate) fn take_outgoing(&mut self) -> Vec<Bytes> {
        self.rare_mut().outgoing.leave();
        self.response.take_output()
    }

    /// What was taken is gone: those who wait for it go on.
    pub(crate) fn note_sent(&mut self) {
        let leaving = std::mem::take(&mut self.rare_mut().outgoing.leaving);
        // Whoever has waited may be there no more.
        for sender in leaving {
            let _ = sender.send(());
        }
    }

    /// Puts aside what belongs to the function that waits.
    pub(crate) fn set_aside(&mut self) -> Aside {
        Aside { site: self.site.clone(), loads: std::mem::take(&mut self.loads) }
    }

    /// Takes it up again.
    pub(crate) fn take_up(&mut self, aside: Aside) {
        (self.site, self.loads) = (aside.site, aside.loads);
        self.exit = None;
    }
}
