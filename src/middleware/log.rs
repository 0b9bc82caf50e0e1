//! `log`: once for each request, at its very end.

use super::exchange::Exchange;
use crate::function::Run;
use crate::phase::Phase;

/// The status of a request whose client has gone away before there was a response: nginx's.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Runs the functions of the `log` phase when it is dropped.
///
/// The outermost layer's future holds it, and then its response body: whatever ends the request,
/// be it that the client has gone away, drops it, once.
pub(super) struct LogGuard {
    exchange: Exchange,
    /// How many bytes of the response's body went out.
    pub(super) body_bytes: u64,
}

impl LogGuard {
    pub(super) fn new(exchange: Exchange) -> Self {
        Self { exchange, body_bytes: 0 }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        if std::thread::panicking() || !self.exchange.any_in(&[Phase::Log]) {
            return;
        }
        let Some(mut lease) = self.exchange.lease() else { return };
        let runtime = self.exchange.runtime();
        lease.response.body_bytes = self.body_bytes;
        if lease.response.status() == 0 {
            lease.response.set_status(CLIENT_CLOSED_REQUEST);
        }
        for participant in self.exchange.participants() {
            let mut run = Run::new(participant.functions, participant.plugin, &[Phase::Log]);
            // A failure has been reported, and there is nothing else that it could spoil.
            let _ = lease.with(|transaction| run.advance(runtime.pool(), transaction));
        }
    }
}
