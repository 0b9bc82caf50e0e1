//! Functions that run, as often as they wait.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::exchange::Lease;
use crate::function::{Progress, Run};
use crate::transaction::ReadBody;
use crate::vm::Pool;

/// Waits, and runs functions on, until all have run or one has failed, has ended the request, or waits
/// for the client's connection or for something to be sent to it.
pub(super) fn poll_run(
    run: &mut Run,
    cx: &mut Context<'_>,
    lease: &mut Lease,
    pool: &Arc<Pool>,
    body: &mut dyn ReadBody,
) -> Poll<Progress> {
    loop {
        let progress = if let Some(away) = &mut lease.away {
            let progress;
            (*run, *lease, progress) = ready!(Pin::new(&mut **away).poll(cx));
            progress
        } else {
            ready!(run.poll_ready(cx, lease, body));
            if run.is_quarantined(pool, lease) {
                send_away(run, lease, pool);
                continue;
            }
            lease.with(|transaction| run.advance(pool, transaction))
        };
        match progress {
            // The response comes first, or what of it is to go out.
            Progress::Waiting if !lease.is_upgrading() && !lease.has_to_send() => {}
            progress => return Poll::Ready(progress),
        }
    }
}

/// Has functions go on in quarantine.
#[cold]
fn send_away(run: &mut Run, lease: &mut Lease, pool: &Arc<Pool>) {
    let (mut run, mut gone, there) = (run.take(), lease.take(), Arc::clone(pool));
    lease.away = Some(Box::new(pool.quarantine(move || {
        let progress = gone.with(|transaction| run.advance_quarantined(&there, transaction));
        (run, gone, progress)
    })));
}
