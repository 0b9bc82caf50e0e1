//! Whose turn it is: functions that use up their time or memory hold up all who share their thread.

use std::future::Future;
use std::pin::Pin;

use super::exchange::Lease;

/// That it is a request's turn. Boxed: most requests wait for none.
pub(super) type Turn = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The turn to go on after a function has just used up its share: whoever shares the thread has waited all
/// that time, and comes first.
pub(super) fn after_others(lease: &mut Lease) -> Option<Turn> {
    std::mem::take(&mut lease.owes_turn).then(yielded)
}

#[cold]
fn yielded() -> Turn {
    Box::pin(async {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
    })
}

/// How many turns others have: a request is read, forwarded, answered.
const TURNS: usize = 4;
