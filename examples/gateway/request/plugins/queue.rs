//! [`Queue`]: entries that wait to be taken to their place.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};

use crate::BoxError;
use crate::request::counters::Counters;

/// How entries wait, and how often they are sent, under Kong's names.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(super) struct QueueConfig {
    pub(super) max_batch_size: usize,
    pub(super) max_coalescing_delay: f64,
    pub(super) max_entries: usize,
    pub(super) max_bytes: Option<usize>,
    pub(super) initial_retry_delay: f64,
    pub(super) max_retry_time: f64,
    pub(super) max_retry_delay: f64,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            max_batch_size: 1,
            max_coalescing_delay: 1.0,
            max_entries: 10_000,
            max_bytes: None,
            initial_retry_delay: 0.01,
            max_retry_time: 60.0,
            max_retry_delay: 60.0,
        }
    }
}

/// Entries, the oldest first.
pub(super) struct Queue<E = Bytes> {
    config: QueueConfig,
    waiting: Mutex<Waiting<E>>,
    /// Tells the one who takes them.
    changed: Notify,
    counters: Arc<Counters>,
}

/// What waits in a queue.
pub(super) trait Entry: Send + 'static {
    /// How much of the queue's room it takes, in bytes.
    fn size(&self) -> usize;
}

impl Entry for Bytes {
    fn size(&self) -> usize {
        self.len()
    }
}

/// A queue of whatever it is.
pub(super) trait Close: Send + Sync {
    /// Says that nothing more will come.
    fn close(&self);
}

impl<E: Send> Close for Queue<E> {
    fn close(&self) {
        self.waiting.lock().closed_at.get_or_insert_with(Instant::now);
        self.changed.notify_one();
    }
}

struct Waiting<E> {
    entries: VecDeque<E>,
    bytes: usize,
    /// Whether some have been lost since there was room for all.
    overflows: bool,
    closed_at: Option<Instant>,
}

/// How long a queue that is closed tries to get rid of what it has, where nobody takes it.
const LAST_TRIES: Duration = Duration::from_secs(5);

impl<E: Entry> Queue<E> {
    /// An empty queue, which counts what it loses.
    pub(super) fn new(config: QueueConfig, counters: Arc<Counters>) -> Self {
        let waiting =
            Waiting { entries: VecDeque::new(), bytes: 0, overflows: false, closed_at: None };
        Self { config, waiting: Mutex::new(waiting), changed: Notify::new(), counters }
    }

    /// Puts an entry at the end. Where there is no room, the oldest ones are lost.
    pub(super) fn put(&self, entry: E) {
        let most_bytes = self.config.max_bytes.unwrap_or(usize::MAX);
        let size = entry.size();
        if size > most_bytes {
            self.counters.lose(1);
            tracing::error!("an entry of {size} bytes is lost: 'max_bytes' is {most_bytes}");
            return;
        }
        let mut waiting = self.waiting.lock();
        waiting.bytes += size;
        waiting.entries.push_back(entry);
        let mut lost = 0;
        while waiting.entries.len() > self.config.max_entries || waiting.bytes > most_bytes {
            let oldest = waiting.entries.pop_front().expect("there is the new one, and it fits");
            waiting.bytes -= oldest.size();
            lost += 1;
        }
        let is_news = lost > 0 && !std::mem::replace(&mut waiting.overflows, true);
        drop(waiting);
        self.counters.lose(lost);
        self.changed.notify_one();
        if is_news {
            // Not with the lock: the log may be what the queue is for.
            tracing::error!("a log is full: entries are lost until they can be taken away again");
        }
    }

    /// Gives all entries to `send`, in batches that `encode` makes and until there will be no more. A batch
    /// that it cannot send, it is given again, at longer and longer intervals.
    pub(super) async fn empty<F>(
        &self,
        name: &str,
        encode: impl Fn(Vec<E>) -> Bytes + Send,
        mut send: impl FnMut(Bytes) -> F + Send,
    ) where
        F: Future<Output = Result<(), BoxError>> + Send,
    {
        while let Some(batch) = self.batch().await {
            let count = batch.len();
            let batch = encode(batch);
            let started = Instant::now();
            let mut delay = seconds(self.config.initial_retry_delay);
            while let Err(error) = send(batch.clone()).await {
                if self.gives_up(started, delay) {
                    self.counters.lose(count as u64);
                    tracing::error!("{name}: {count} entries are lost: {error}");
                    break;
                }
                tracing::warn!("{name}: will try again: {error}");
                sleep(delay).await;
                delay = (delay * 2).min(seconds(self.config.max_retry_delay));
            }
        }
    }

    /// Whether it would be too late for a batch after another `delay`.
    fn gives_up(&self, started: Instant, delay: Duration) -> bool {
        let closed_at = self.waiting.lock().closed_at;
        let next = Instant::now() + delay;
        next > started + seconds(self.config.max_retry_time)
            || closed_at.is_some_and(|closed_at| next > closed_at + LAST_TRIES)
    }

    /// The next entries, as soon as there are enough or the first has waited for long enough.
    async fn batch(&self) -> Option<Vec<E>> {
        let is_closed = loop {
            let (count, is_closed) = self.look();
            if count > 0 {
                break is_closed;
            }
            if is_closed {
                return None;
            }
            self.changed.notified().await;
        };
        let most = self.config.max_batch_size;
        if most > 1 && !is_closed {
            let deadline = Instant::now() + seconds(self.config.max_coalescing_delay);
            while let (count, false) = self.look()
                && count < most
                && timeout_at(deadline, self.changed.notified()).await.is_ok()
            {}
        }
        let mut waiting = self.waiting.lock();
        let count = waiting.entries.len().min(most);
        let batch: Vec<_> = waiting.entries.drain(..count).collect();
        waiting.bytes -= batch.iter().map(Entry::size).sum::<usize>();
        waiting.overflows = false;
        Some(batch)
    }

    /// How many entries there are, and whether no more will come.
    fn look(&self) -> (usize, bool) {
        let waiting = self.waiting.lock();
        (waiting.entries.len(), waiting.closed_at.is_some())
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
