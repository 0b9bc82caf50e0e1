//! `log`: once for each request, at its very end.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::exchange::{Exchange, Lease};
use super::run::poll_run;
use super::turn;
use crate::error::log;
use crate::function::{Progress, Run};
use crate::phase::Phase;
use crate::runtime::Runtime;
use crate::settings::Kind;
use crate::transaction::BodyIsGone;

/// The status of a request whose client has gone away before there was a response: nginx's.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// How long functions of the `log` phase may take in all, with the time that they wait.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the functions of the `log` phase when it is dropped.
///
/// The outermost layer's future holds it, and then its response body: whatever ends the request,
/// be it that the client has gone away, drops it, once.
pub(super) struct LogGuard {
    exchange: Exchange,
    /// How many bytes of the response's body went out.
    pub(super) body_bytes: u64,
    /// Whether it is that of a function that outlives the response.
    is_last: bool,
    /// Whether nobody has functions for the phase.
    is_idle: bool,
}

impl LogGuard {
    pub(super) fn new(exchange: Exchange) -> Self {
        Self { exchange, body_bytes: 0, is_last: false, is_idle: false }
    }

    /// Has it do nothing: nobody has functions for the phase.
    pub(super) fn dismiss(mut self) {
        self.is_idle = true;
    }

    /// The same for a function that outlives the response: those of the layers do nothing then.
    #[cfg(feature = "net")]
    pub(super) fn last(exchange: Exchange) -> Self {
        Self { exchange, body_bytes: 0, is_last: true, is_idle: false }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        if self.is_idle || std::thread::panicking() {
            return;
        }
        if !self.exchange.phases().contains(Phase::Log) {
            return;
        }
        if self.exchange.is_detached() && !self.is_last {
            return;
        }
        let Self { body_bytes, is_last, .. } = *self;
        let exchange = || self.exchange.clone();
        let again = || Self { exchange: exchange(), body_bytes, is_last, is_idle: false };
        let Some(mut lease) = self.exchange.lease_or(again) else { return };
        // As nginx has it: what is logged is what a client has asked for.
        if lease.is_subrequest() {
            return;
        }
        lease.response.body_bytes = self.body_bytes;
        // Who has the connection may have written a response of its own.
        if lease.response.status() == 0 && !lease.is_upgraded() {
            lease.response.set_status(CLIENT_CLOSED_REQUEST);
        }
        let participants = self.exchange.participants().into_iter();
        let runs = participants.map(|one| Run::new(one.functions, one.plugin, &[Phase::Log]));
        let log = Log { runs: runs.collect(), lease, runtime: self.exchange.runtime() };
        log.run();
    }
}

/// The functions of the `log` phase of a request.
struct Log {
    /// Those that have not ended. What they wait for is given up before the lease is.
    runs: VecDeque<Run>,
    lease: Lease,
    runtime: Arc<Runtime>,
}

impl Log {
    /// Runs functions until all have run, and those that wait on in a task of their own. So do those
    /// that run in quarantine.
    fn run(mut self) {
        let pool = self.runtime.pool();
        if self.runs.iter().any(|run| run.is_quarantined(pool, &self.lease)) {
            return self.run_on();
        }
        while let Some(run) = self.runs.front_mut() {
            // A failure has been reported, and there is nothing else that it could spoil.
            match self.lease.with(|transaction| run.advance(pool, transaction)) {
                Progress::Waiting => return self.run_on(),
                _ => self.runs.pop_front(),
            };
        }
    }

    #[cold]
    fn run_on(mut self) {
        let background = Arc::clone(&self.runtime.settings().background);
        let vm = self.lease.vm.map_or(0, |vm| vm.number);
        let site = self.lease.site.clone();
        let work = async move {
            let site = self.lease.site.clone();
            let work = poll_fn(|cx| self.poll(cx));
            if tokio::time::timeout(PATIENCE, work).await.is_err() {
                return log::give_up(&site, &format!("it took longer than {PATIENCE:?}"));
            }
            if let Some(turn) = turn::after_others(&mut self.lease) {
                turn.await;
            }
        };
        if let Err(why) = background.spawn(Kind::Log, vm, work) {
            log::give_up(&site, &why.to_string());
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(run) = self.runs.front_mut() {
            let pool = self.runtime.pool();
            ready!(poll_run(run, cx, &mut self.lease, pool, &mut BodyIsGone));
            self.runs.pop_front();
        }
        Poll::Ready(())
    }
}
