//! [`Noted`]: who is to be woken, so that they need not be told again.

use std::task::{Context, Poll, Waker};

use tokio::task::coop;

/// The task that something will wake.
///
/// hyper asks after each step that it takes whether its connection has more and its timer has expired: eight
/// times of ten in vain. tokio notes each time who has asked, for which it locks and counts.
pub(crate) struct Noted {
    waker: Waker,
    holds: bool,
}

impl Default for Noted {
    fn default() -> Self {
        Self { waker: Waker::noop().clone(), holds: false }
    }
}

impl Noted {
    /// Whether the task will be woken, and has nothing to ask until then.
    pub(crate) fn has(&self, cx: &Context<'_>) -> bool {
        self.holds && self.waker.will_wake(cx.waker())
    }

    /// Asks, which notes the task where it has to wait.
    pub(crate) fn ask<T>(
        &mut self,
        cx: &mut Context<'_>,
        ask: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        // A task that has had its turn is told to wait, too, but not noted.
        let has_turn = coop::has_budget_remaining();
        let answer = ask(cx);
        self.holds = has_turn && answer.is_pending();
        if self.holds {
            self.waker.clone_from(cx.waker());
        }
        answer
    }
}
