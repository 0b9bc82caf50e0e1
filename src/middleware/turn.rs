//! Whose turn it is: functions that use up their time or memory hold up all who share their thread.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::exchange::Lease;
use crate::vm::Pool;

/// That it is a request's turn. Boxed: most requests wait for none.
pub(super) type Turn = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

/// The turn to run a function that has used up its share before, as few do at once.
#[cold]
pub(super) fn in_line(pool: &Arc<Pool>) -> Turn {
    let line = pool.line();
    Box::pin(async { line.acquire_owned().await.ok() })
}

/// The turn to go on after a function has just used up its share: whoever shares the thread has waited all
/// that time, and comes first. Nobody else in line has a turn meanwhile.
pub(super) fn after_others(lease: &mut Lease) -> Option<Turn> {
    std::mem::take(&mut lease.owes_turn).then(yielded)
}

#[cold]
fn yielded() -> Turn {
    Box::pin(async {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        None
    })
}

/// How many turns others have: a request is read, forwarded, answered.
const TURNS: usize = 4;
