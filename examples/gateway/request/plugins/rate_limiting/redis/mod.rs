//! Counts in redis: one server, or a cluster of them.

mod connection;
mod slots;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::{ErrorKind, FromRedisValue, RedisError, Script, ServerErrorKind};

use self::connection::Address;
use self::slots::{Slot, Slots};
use super::config::RedisConfig;
use super::windows::{Count, Counts, Taken};
use crate::BoxError;
use crate::request::plugins::outward::{Outward, Server, Tls};

/// A redis. Plugins that have the same share connections to it: one a thread and server.
pub(super) struct Redis {
    /// Where it is; of a cluster, those that are asked for the others.
    servers: Vec<Arc<Address>>,
    /// Where the keys of a cluster are, and how often it may send a request on.
    cluster: Option<(Slots, u32)>,
    outward: Arc<Outward>,
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

/// A script, and for each key a number and the seconds for which it is kept.
struct Call<'a> {
    script: &'a Script,
    keys: Vec<(&'a str, u64, u64)>,
}

impl Redis {
    pub(super) fn new(config: &RedisConfig, outward: &Arc<Outward>) -> Result<Self, BoxError> {
        let most = config.cluster_max_redirections;
        let nodes = config.cluster_nodes.iter().flatten().map(|node| (node.ip.clone(), node.port));
        let mut servers: Vec<_> = nodes.map(|(host, port)| address(config, host, port)).collect();
        let is_cluster = !servers.is_empty();
        if !is_cluster {
            let host = config.host.clone();
            let host =
                host.ok_or("rate-limiting: 'redis.host' is missing, which the policy needs")?;
            servers.push(address(config, host, config.port));
        }
        let cluster = is_cluster.then(|| (Slots::default(), most));
        Ok(Self { servers, cluster, outward: Arc::clone(outward) })
    }

    /// Adds to counts; what they are then.
    pub(super) async fn add(&self, counts: &[(Count, u64)]) -> Result<Vec<u64>, BoxError> {
        let mut used = vec![0; counts.len()];
        for places in self.together(counts) {
            let keys = places.iter().map(|&place| {
                let (count, more) = &counts[place];
                (&*count.name, *more, count.seconds)
            });
            let answer: Vec<u64> = self.call(&Call { script: &ADD, keys: keys.collect() }).await?;
            for (place, now) in places.into_iter().zip(answer) {
                used[place] = now;
            }
        }
        Ok(used)
    }

    /// The places of counts that one server has: all of them, but in a cluster.
    fn together(&self, counts: &[(Count, u64)]) -> Vec<Vec<usize>> {
        let mut places: Vec<usize> = (0..counts.len()).collect();
        if self.cluster.is_none() {
            return vec![places];
        }
        let slot = |place: &usize| Slot::of(&counts[*place].0.name);
        places.sort_by_key(slot);
        places.chunk_by(|one, other| slot(one) == slot(other)).map(<[_]>::to_vec).collect()
    }

    async fn call<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<T, BoxError> {
        match &self.cluster {
            None => {
                let server = &self.servers[0];
                let answer = call.ask(server, &self.outward).await?;
                answer.map_err(|error| server.named(&error))
            }
            Some((slots, most)) => self.call_in_cluster(call, slots, *most).await,
        }
    }

    /// Asks the server that has the slot of the keys, as far as that is known, or another, which says
    /// where it is.
    async fn call_in_cluster<T: FromRedisValue>(
        &self,
        call: &Call<'_>,
        slots: &Slots,
        most: u32,
    ) -> Result<T, BoxError> {
        let slot = Slot::of(call.keys.first().map_or("", |(key, ..)| key));
        let mut server = match slots.server(slot) {
            Some(server) => server,
            None => self.one_that_answers().await?,
        };
        for _ in 0..=most {
            let answer = match call.ask(&server, &self.outward).await {
                Ok(answer) => answer,
                Err(error) if slots.forget(slot) => {
                    tracing::warn!("{error}: another server of the cluster is asked");
                    server = self.one_that_answers().await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let Err(error) = answer else { return answer.map_err(|error| server.named(&error)) };
            let Some(next) = server.named_by(&error) else { return Err(server.named(&error)) };
            let next = Arc::new(next);
            if error.kind() == ErrorKind::Server(ServerErrorKind::Ask) {
                // The slot is on its way there: this once.
                let answer = call.ask_on_the_way(&next, &self.outward).await?;
                return answer.map_err(|error| next.named(&error));
            }
            server = next;
            slots.note(slot, &server);
        }
        Err(server.named(&format!("the cluster has sent a request on more than {most} times")))
    }

    /// The first of the servers that are given to which there is a connection.
    async fn one_that_answers(&self) -> Result<Arc<Address>, BoxError> {
        let mut failure = None;
        for server in &self.servers {
            match server.connection(&self.outward).await {
                Ok(_) => return Ok(Arc::clone(server)),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.expect("there is a server"))
    }
}

impl Call<'_> {
    async fn ask<T: FromRedisValue>(
        &self,
        server: &Arc<Address>,
        outward: &Arc<Outward>,
    ) -> Result<Result<T, RedisError>, BoxError> {
        let mut call = self.script.prepare_invoke();
        for (key, number, seconds) in &self.keys {
            call.key(key).arg(*number).arg(*seconds);
        }
        let mut connection = server.connection(outward).await?;
        server.answered(call.invoke_async(&mut connection).await)
    }

    /// Asks a server that is about to get the slot.
    async fn ask_on_the_way<T: FromRedisValue>(
        &self,
        server: &Arc<Address>,
        outward: &Arc<Outward>,
    ) -> Result<Result<T, RedisError>, BoxError> {
        let mut connection = server.connection(outward).await?;
        let loaded = self.script.load_async(&mut connection).await;
        if let Err(error) = server.answered(loaded)? {
            return Ok(Err(error));
        }
        let mut pipe = redis::pipe();
        let call = pipe.cmd("ASKING").ignore().cmd("EVALSHA").arg(self.script.get_hash());
        call.arg(self.keys.len());
        for (key, ..) in &self.keys {
            call.arg(*key);
        }
        for (_, number, seconds) in &self.keys {
            call.arg(*number).arg(*seconds);
        }
        let answer: Result<(T,), RedisError> = call.query_async(&mut connection).await;
        server.answered(answer.map(|(answer,)| answer))
    }
}

impl Counts for Redis {
    fn take(&self, counts: Vec<Count>) -> BoxFuture<'_, Result<Taken, BoxError>> {
        Box::pin(async move {
            let keys = counts.iter().map(|count| (&*count.name, count.most, count.seconds));
            let call = Call { script: &TAKE, keys: keys.collect() };
            let answer: Vec<u64> = self.call(&call).await?;
            let (passes, used) = answer.split_first().ok_or("redis answers with nothing")?;
            Ok(Taken { passes: *passes == 1, used: used.to_vec() })
        })
    }
}

fn address(config: &RedisConfig, host: String, port: u16) -> Arc<Address> {
    let name = config.server_name.clone().unwrap_or_else(|| host.clone());
    let tls = config.ssl.then_some(Tls { verify: config.ssl_verify, name });
    Arc::new(Address {
        server: Server { host, port, tls },
        is_named: config.server_name.is_some(),
        timeout: Duration::from_millis(config.timeout),
        username: config.username.clone(),
        password: config.password.clone(),
        database: config.database,
    })
}
