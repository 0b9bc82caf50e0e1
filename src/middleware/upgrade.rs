//! Functions that have the client's connection: they outlive the response that it began with.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONNECTION;

use super::exchange::{Exchange, Lease};
use super::log::LogGuard;
use super::run::poll_run;
use crate::error::Site;
use crate::function::Run;
use crate::transaction::{BodyIsGone, Transaction, Upgrade};

/// How long the response may take to be with the client.
const PATIENCE: Duration = Duration::from_secs(60);

/// A function with the client's connection. When it ends, the request does.
pub(super) struct Upgraded {
    run: Run,
    /// Where the function stands that runs on.
    site: Site,
    /// Once the response has left the transaction.
    lease: Option<Lease>,
    exchange: Exchange,
    /// Held last: nothing is logged before the function has ended.
    _log: LogGuard,
}

/// Makes the response that stands in a transaction one that gives the connection away.
pub(super) fn prepare(transaction: &mut Transaction) -> Option<Upgrade> {
    let upgrade = transaction.rare_mut().upgrade.take()?;
    transaction.response.upgrades = true;
    transaction.response.put(CONNECTION, "upgrade");
    Some(upgrade)
}

impl Upgraded {
    /// Takes over a function that waits for the connection, and the log with it.
    pub(super) fn new(mut run: Run, site: Site, exchange: Exchange) -> Self {
        run.end_after_this();
        exchange.detach();
        let log = LogGuard::last(exchange.clone());
        Self { run, site, lease: None, exchange, _log: log }
    }

    /// Gives the function the connection, and runs it to its end.
    pub(super) async fn run(mut self, Upgrade { client, deliver }: Upgrade) {
        let client = tokio::time::timeout(PATIENCE, client).await;
        // hyper has written the response: nobody else needs the transaction any more.
        let Some(lease) = self.exchange.lease() else { return };
        let lease = self.lease.insert(lease);
        lease.site = self.site.clone();
        if let Ok(Ok(client)) = client {
            let _ = deliver.send(client);
        } else {
            drop(deliver);
        }
        let runtime = self.exchange.runtime();
        let pool = Arc::clone(runtime.pool());
        // What it fails with has been logged.
        poll_fn(|cx| poll_run(&mut self.run, cx, lease, &pool, &mut BodyIsGone)).await;
    }
}
