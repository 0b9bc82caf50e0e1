//! Connections to a server.

use std::cell::RefCell;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisError};
use rustc_hash::FxHashMap;
use tokio::time::timeout;

use crate::BoxError;
use crate::request::plugins::outward::{Outward, Server};

/// A server, and how one logs in there.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) server: Server,
    /// Whether the certificate has another name than the host.
    pub(super) is_named: bool,
    pub(super) timeout: Duration,
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: i64,
}

/// A connection, or one that is being made, for all who wait for it.
type Connection = Shared<BoxFuture<'static, Result<MultiplexedConnection, Arc<BoxError>>>>;

thread_local! {
    static CONNECTIONS: RefCell<FxHashMap<Arc<Address>, Connection>> = RefCell::default();
}

impl Address {
    /// This thread's connection to it.
    pub(super) async fn connection(
        self: &Arc<Self>,
        outward: &Arc<Outward>,
    ) -> Result<MultiplexedConnection, BoxError> {
        let connection = CONNECTIONS.with_borrow_mut(|connections| {
            let make = || connect(Arc::clone(self), Arc::clone(outward));
            connections.entry(Arc::clone(self)).or_insert_with(make).clone()
        });
        let connected = connection.await;
        if connected.is_err() {
            self.forget();
        }
        connected.map_err(|error| self.named(&error))
    }

    /// What the server has answered, be it an error. A connection that has failed to bring it is left.
    pub(super) fn answered<T>(
        &self,
        answer: Result<T, RedisError>,
    ) -> Result<Result<T, RedisError>, BoxError> {
        match answer {
            Err(error) if error.is_io_error() || error.is_unrecoverable_error() => {
                self.forget();
                Err(self.named(&error))
            }
            answer => Ok(answer),
        }
    }

    fn forget(&self) {
        CONNECTIONS.with_borrow_mut(|connections| connections.remove(self));
    }

    pub(super) fn named(&self, error: &dyn Display) -> BoxError {
        let Server { host, port, .. } = &self.server;
        format!("redis at {host}:{port}: {error}").into()
    }

    /// Where an error of this server says that keys are: `MOVED 3999 10.0.0.7:6379`. Without a host, it
    /// is on the same one.
    pub(super) fn named_by(&self, error: &RedisError) -> Option<Self> {
        let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
        let mut next = self.clone();
        next.server.port = port.parse().ok()?;
        if !["", "?"].contains(&host) {
            host.clone_into(&mut next.server.host);
            if let Some(tls) = &mut next.server.tls
                && !self.is_named
            {
                host.clone_into(&mut tls.name);
            }
        }
        Some(next)
    }
}

fn connect(address: Arc<Address>, outward: Arc<Outward>) -> Connection {
    let connect = async move {
        let mut login = RedisConnectionInfo::default().set_db(address.database);
        if let Some(username) = &address.username {
            login = login.set_username(username);
        }
        if let Some(password) = &address.password {
            login = login.set_password(password);
        }
        let patience = address.timeout;
        let settings = AsyncConnectionConfig::new().set_response_timeout(Some(patience));
        let connected = timeout(patience, async {
            let stream = outward.connect(&address.server).await?;
            let made = MultiplexedConnection::new_with_config(&login, stream, settings).await?;
            Ok::<_, BoxError>(made)
        });
        let silent = |_| Arc::new(BoxError::from(format!("no answer for {patience:?}")));
        let (connection, driver) = connected.await.map_err(silent)?.map_err(Arc::new)?;
        tokio::spawn(driver);
        Ok(connection)
    };
    connect.boxed().shared()
}
