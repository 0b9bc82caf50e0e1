//! Functions that have the client's connection: they outlive the request's way through the layers.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::header::{CONNECTION, TRANSFER_ENCODING};
use tokio::sync::oneshot;

use super::exchange::{Exchange, Lease};
use super::left::Left;
use super::log::LogGuard;
use super::run::poll_run;
use crate::error::Site;
use crate::function::Run;
use crate::net::{ClientStream, GivenConnection, Handover};
use crate::transaction::{BodyIsGone, Client, ReadBody, RequestBody, Transaction, Upgrade};

/// How long the response may take to be with the client.
const PATIENCE: Duration = Duration::from_secs(60);

/// A function with the client's connection. When it ends, the request does.
struct Upgraded {
    run: Run,
    /// Where the function stands that runs on.
    site: Site,
    /// Once the response has left the transaction.
    lease: Option<Lease>,
    exchange: Exchange,
    /// Who waits at the request's place.
    gone: oneshot::Sender<()>,
    /// Held last: nothing is logged before the function has ended.
    _log: LogGuard,
}

/// Makes the response that stands in a transaction one that gives the connection away, if there is to be one.
pub(super) fn announce(transaction: &mut Transaction) -> bool {
    let upgrade = transaction.rare().and_then(|rare| rare.upgrade.as_ref());
    if upgrade.is_none_or(|upgrade| upgrade.client.gives() == Handover::Now) {
        return false;
    }
    transaction.response.upgrades = true;
    transaction.response.put(CONNECTION, "upgrade");
    true
}

/// Has a function that waits for the client's connection go on with it in a task of its own, and take the
/// log with it.
pub(super) fn run_on(
    mut run: Run,
    transaction: &mut Transaction,
    exchange: &Exchange,
    body: Box<dyn ReadBody + Send>,
) -> Left {
    let upgrade = transaction.rare_mut().upgrade.take();
    let Upgrade { client, deliver } = upgrade.expect("looked at when it was decided");
    run.end_after_this();
    exchange.detach();
    let request = &transaction.request;
    let is_unread = matches!(request.body, RequestBody::Unread);
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let unread = Unread { body, is_unread, is_chunked };
    let (gone, left) = Left::behind();
    let upgraded = Upgraded {
        run,
        site: transaction.site.clone(),
        lease: None,
        exchange: exchange.clone(),
        gone,
        _log: LogGuard::last(exchange.clone()),
    };
    tokio::spawn(upgraded.run(client.give(), unread, deliver));
    left
}

/// The body of the request, of which the server may have read ahead. It is held until the server has let go
/// of the request: without it, the server would read on and forget what comes.
struct Unread {
    body: Box<dyn ReadBody + Send>,
    /// Whether no function has read it.
    is_unread: bool,
    is_chunked: bool,
}

impl Unread {
    /// Has the connection begin with what has been read of the body.
    //
    // Kong: has all that came behind the head as it came. Of a part of a chunk, nobody knows any more how long
    // the whole was: then there is no connection to be had.
    fn put_before(mut self, mut client: ClientStream) -> Option<ClientStream> {
        let mut cx = Context::from_waker(Waker::noop());
        let next = self.is_unread.then(|| self.body.poll_next(&mut cx));
        if let Some(Poll::Ready(Some(Ok(data)))) = next {
            if self.is_chunked {
                client.has_read(b"\r\n").then(|| {
                    client.put_before(&data);
                    client.put_before(format!("{:x}\r\n", data.len()).as_bytes());
                })?;
            } else {
                client.put_before(&data);
            }
        }
        Some(client)
    }
}

impl Client {
    /// When the connection comes.
    fn gives(&self) -> Handover {
        match self {
            Self::Hyper(_) => Handover::AfterResponse,
            Self::Server(_, when) => *when,
        }
    }

    fn give(self) -> GivenConnection {
        match self {
            Self::Hyper(client) => Box::pin(async { Some(client.await.ok()?.into()) }),
            Self::Server(server, when) => server.give(when),
        }
    }
}

impl Upgraded {
    /// Gives the function the connection, and runs it to its end.
    async fn run(
        mut self,
        client: GivenConnection,
        unread: Unread,
        deliver: oneshot::Sender<ClientStream>,
    ) {
        let client = tokio::time::timeout(PATIENCE, client).await.ok().flatten();
        // What was to be written is written: nobody else needs the transaction any more.
        let Some(lease) = self.exchange.lease() else { return };
        let lease = self.lease.insert(lease);
        lease.site = self.site.clone();
        match client.and_then(|client| unread.put_before(client)) {
            Some(client) => {
                // The request may be gone, as it should.
                let _ = (deliver.send(client), self.gone.send(()));
            }
            None => drop((deliver, self.gone)),
        }
        let runtime = self.exchange.runtime();
        let pool = Arc::clone(runtime.pool());
        // What it fails with has been logged.
        poll_fn(|cx| poll_run(&mut self.run, cx, lease, &pool, &mut BodyIsGone)).await;
    }
}
