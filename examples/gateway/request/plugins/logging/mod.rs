//! The plugins that tell others of each request: `file-log` and `http-log`.
//!
//! What they tell is what `kong.log.serialize` gives in the `log` phase. A function asks for it and
//! puts it into the plugin's queue, from where it is taken to its place while requests go on.

mod entries;
pub(super) mod file_log;
pub(super) mod http_log;

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tower_lua::mlua::{self, LuaString, Value};
use tower_lua::{RequestId, RuntimeBuilder};

use super::outward::Outward;
use super::queue::{Close, Entry, Queue, QueueConfig};
use super::receiver::{Destination, Receiver};
use crate::BoxError;
use crate::request::counters::Counters;

/// The logs of all plugins.
#[derive(Clone)]
pub(crate) struct Logs(Arc<Shared>);

struct Shared {
    /// By names that nobody can guess: a function can put something into the log of its own plugin.
    queues: Mutex<HashMap<String, Weak<Queue>>>,
    /// Those that functions do not reach.
    others: Mutex<Vec<Weak<dyn Close>>>,
    counters: Arc<Counters>,
    /// Where entries are taken from queues.
    handle: Handle,
    /// Whoever takes them holds on to a receiver until there are none left.
    takers: watch::Sender<()>,
}

/// A plugin's way into its log. What is in it when this is dropped is still taken to its place.
struct Log {
    queue: Arc<Queue>,
    name: String,
    shared: Arc<Shared>,
}

/// The module by which functions reach the logs.
const MODULE: &str = "gateway.logs";

impl Logs {
    /// Logs whose entries are taken on the runtime that this is called on.
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        let (takers, _) = watch::channel(());
        let (handle, queues, others) = (Handle::current(), Mutex::default(), Mutex::default());
        Self(Arc::new(Shared { queues, others, counters, handle, takers }))
    }

    /// Lets the functions of a runtime reach the logs.
    pub(crate) fn tell(&self, builder: RuntimeBuilder) -> RuntimeBuilder {
        let shared = Arc::clone(&self.0);
        builder.module(MODULE, move |lua| {
            let shared = Arc::clone(&shared);
            let put = lua.create_function(move |_, (log, entry): (LuaString, LuaString)| {
                let queue = log.to_str().ok().and_then(|name| shared.find(&name));
                let queue = queue.ok_or_else(|| mlua::Error::runtime("there is no such log"))?;
                queue.put(Bytes::copy_from_slice(&entry.as_bytes()));
                Ok(())
            })?;
            Ok(Value::Table(lua.create_table_from([("put", put)])?))
        })
    }

    /// Waits until all that is in the logs is where it belongs, or cannot be taken there.
    pub(crate) async fn drain(&self) {
        let queues: Vec<_> = self.0.queues.lock().values().filter_map(Weak::upgrade).collect();
        queues.iter().for_each(|queue| queue.close());
        let others: Vec<_> = self.0.others.lock().iter().filter_map(Weak::upgrade).collect();
        others.iter().for_each(|queue| queue.close());
        self.0.takers.closed().await;
    }

    fn open(&self, config: QueueConfig) -> Log {
        let queue = Arc::new(Queue::new(config, Arc::clone(&self.0.counters)));
        let name = RequestId::random().as_str().to_owned();
        self.0.queues.lock().insert(name.clone(), Arc::downgrade(&queue));
        Log { queue, name, shared: Arc::clone(&self.0) }
    }
}

impl Logs {
    /// A queue of entries that functions do not reach, which are taken to `destination` in batches that
    /// `encode` makes. It ends with the last who has it.
    pub(super) fn export<E: Entry>(
        &self,
        name: &'static str,
        config: QueueConfig,
        destination: &Destination,
        outward: &Arc<Outward>,
        encode: impl Fn(Vec<E>) -> Bytes + Send + Sync + 'static,
    ) -> Result<Export<E>, BoxError> {
        let receiver = Receiver::new(name, destination, outward)?;
        let queue = Arc::new(Queue::new(config, Arc::clone(&self.0.counters)));
        let closing: Weak<dyn Close> = Arc::<Queue<E>>::downgrade(&queue);
        let mut others = self.0.others.lock();
        others.retain(|queue| queue.strong_count() > 0);
        others.push(closing);
        drop(others);
        self.take(name, Arc::clone(&queue), receiver, encode);
        Ok(Export(queue))
    }

    /// Has all of a queue taken to `receiver`, in batches that `encode` makes.
    fn take<E: Entry>(
        &self,
        name: &'static str,
        queue: Arc<Queue<E>>,
        receiver: Receiver,
        encode: impl Fn(Vec<E>) -> Bytes + Send + Sync + 'static,
    ) {
        let taker = self.0.takers.subscribe();
        self.0.handle.spawn(async move {
            let receiver = tokio::sync::Mutex::new(receiver);
            let send = |body| async { receiver.lock().await.send(body).await };
            queue.empty(name, encode, send).await;
            drop(taker);
        });
    }
}

/// A way into a queue that is taken somewhere. What is in it when this is dropped still gets there.
pub(super) struct Export<E: Entry>(Arc<Queue<E>>);

impl<E: Entry> Export<E> {
    pub(super) fn put(&self, entry: E) {
        self.0.put(entry);
    }
}

impl<E: Entry> Drop for Export<E> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Shared {
    fn find(&self, name: &str) -> Option<Arc<Queue>> {
        self.queues.lock().get(name)?.upgrade()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.shared.queues.lock().remove(&self.name);
        self.queue.close();
    }
}
