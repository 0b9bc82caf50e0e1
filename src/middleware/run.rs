//! Functions that run, as often as they wait.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::exchange::Lease;
use crate::function::{Progress, Run};
use crate::transaction::ReadBody;
use crate::vm::Pool;

/// Waits, and runs functions on, until all have run or one has failed, has ended the request, or waits
/// for the client's connection.
pub(super) fn poll_run(
    run: &mut Run,
    cx: &mut Context<'_>,
    lease: &mut Lease,
    pool: &Arc<Pool>,
    body: &mut dyn ReadBody,
) -> Poll<Progress> {
    loop {
        ready!(run.poll_ready(cx, lease, body));
        match lease.with(|transaction| run.advance(pool, transaction)) {
            // The response comes first.
            Progress::Waiting if !lease.is_upgrading() => {}
            progress => return Poll::Ready(progress),
        }
    }
}
