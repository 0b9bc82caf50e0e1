//! Counts in redis.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisError, Script};
use rustc_hash::FxHashMap;
use tokio::time::timeout;

use super::config::RedisConfig;
use super::windows::{Count, Counts, Taken};
use crate::BoxError;
use crate::request::plugins::outward::{Outward, Server, Tls};

/// A redis. Plugins that have the same share connections to it: one a thread.
pub(super) struct Redis {
    address: Arc<Address>,
    outward: Arc<Outward>,
}

#[derive(PartialEq, Eq, Hash)]
struct Address {
    server: Server,
    timeout: Duration,
    username: Option<String>,
    password: Option<String>,
    database: i64,
}

/// A connection, or one that is being made, for all who wait for it.
type Connection = Shared<BoxFuture<'static, Result<MultiplexedConnection, Arc<BoxError>>>>;

thread_local! {
    static CONNECTIONS: RefCell<FxHashMap<Arc<Address>, Connection>> = RefCell::default();
}

/// Adds one to all counts or to none.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local used, passes = {}, 1
         for place, key in ipairs(KEYS) do
           used[place] = tonumber(redis.call('GET', key) or 0)
           if used[place] >= tonumber(ARGV[place * 2 - 1]) then passes = 0 end
         end
         if passes == 1 then
           for place, key in ipairs(KEYS) do
             used[place] = redis.call('INCR', key)
             if used[place] == 1 then redis.call('EXPIRE', key, ARGV[place * 2]) end
           end
         end
         return { passes, unpack(used) }",
    )
});

/// Adds a number to each count.
static ADD: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local used = {}
         for place, key in ipairs(KEYS) do
           local more = tonumber(ARGV[place * 2 - 1])
           if more == 0 then
             used[place] = tonumber(redis.call('GET', key) or 0)
           else
             used[place] = redis.call('INCRBY', key, more)
             if used[place] == more then redis.call('EXPIRE', key, ARGV[place * 2]) end
           end
         end
         return used",
    )
});

impl Redis {
    pub(super) fn new(config: RedisConfig, outward: &Arc<Outward>) -> Result<Self, BoxError> {
        let RedisConfig { host, port, timeout, username, password, database, .. } = config;
        let host = host.ok_or("rate-limiting: 'redis.host' is missing, which the policy needs")?;
        let name = config.server_name.unwrap_or_else(|| host.clone());
        let tls = config.ssl.then_some(Tls { verify: config.ssl_verify, name });
        let address = Address {
            server: Server { host, port, tls },
            timeout: Duration::from_millis(timeout),
            username,
            password,
            database,
        };
        Ok(Self { address: Arc::new(address), outward: Arc::clone(outward) })
    }

    /// Adds to counts; what they are then.
    pub(super) async fn add(&self, counts: &[(Count, u64)]) -> Result<Vec<u64>, BoxError> {
        let mut call = ADD.prepare_invoke();
        for (count, more) in counts {
            call.key(&count.name).arg(*more).arg(count.seconds);
        }
        let mut connection = self.connection().await?;
        self.answered(call.invoke_async(&mut connection).await)
    }

    async fn connection(&self) -> Result<MultiplexedConnection, BoxError> {
        let connection = CONNECTIONS.with_borrow_mut(|connections| {
            let make = || connect(Arc::clone(&self.address), Arc::clone(&self.outward));
            connections.entry(Arc::clone(&self.address)).or_insert_with(make).clone()
        });
        let connected = connection.await;
        if connected.is_err() {
            self.forget();
        }
        connected.map_err(|error| self.named(&error))
    }

    /// What the server has answered. A connection that has failed to bring it is left.
    fn answered<T>(&self, answer: Result<T, RedisError>) -> Result<T, BoxError> {
        answer.map_err(|error| {
            if error.is_io_error() || error.is_unrecoverable_error() {
                self.forget();
            }
            self.named(&error)
        })
    }

    fn forget(&self) {
        CONNECTIONS.with_borrow_mut(|connections| connections.remove(&self.address));
    }

    fn named(&self, error: &dyn std::fmt::Display) -> BoxError {
        let Server { host, port, .. } = &self.address.server;
        format!("redis at {host}:{port}: {error}").into()
    }
}

impl Counts for Redis {
    fn take(&self, counts: Vec<Count>) -> BoxFuture<'_, Result<Taken, BoxError>> {
        Box::pin(async move {
            let mut call = TAKE.prepare_invoke();
            for count in &counts {
                call.key(&count.name).arg(count.most).arg(count.seconds);
            }
            let mut connection = self.connection().await?;
            let answer: Vec<u64> = self.answered(call.invoke_async(&mut connection).await)?;
            let (passes, used) = answer.split_first().ok_or("redis answers with nothing")?;
            Ok(Taken { passes: *passes == 1, used: used.to_vec() })
        })
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
