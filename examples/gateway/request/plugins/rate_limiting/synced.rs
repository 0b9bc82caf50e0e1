//! Counts of this gateway, which it tells redis of at intervals: `sync_rate`.

use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::period::now;
use super::redis::Redis;
use super::windows::{Count, Counts, Taken};
use crate::BoxError;

/// Counts as they were when redis was last asked, and what has been added here since.
pub(super) struct Synced(Arc<Inner>);

struct Inner {
    redis: Redis,
    interval: Duration,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    counts: FxHashMap<String, Local>,
    /// Whether redis is about to be told.
    is_due: bool,
}

struct Local {
    count: Count,
    of_all: u64,
    here: u64,
    /// When nobody needs it any more, in seconds since 1970.
    ends: u64,
}

impl Synced {
    pub(super) fn new(redis: Redis, interval: Duration) -> Self {
        Self(Arc::new(Inner { redis, interval, known: Mutex::default() }))
    }
}

impl Counts for Synced {
    fn take(&self, counts: Vec<Count>) -> BoxFuture<'_, Result<Taken, BoxError>> {
        Box::pin(async move {
            let inner = &self.0;
            let unknown = inner.unknown(&counts);
            if !unknown.is_empty() {
                let unknown: Vec<_> = unknown.into_iter().map(|count| (count, 0)).collect();
                let of_all = inner.redis.add(&unknown).await?;
                inner.learn(unknown.into_iter().map(|(count, _)| count).zip(of_all));
            }
            let (taken, is_due) = inner.take(&counts);
            if is_due {
                let inner = Arc::clone(inner);
                tokio::spawn(async move {
                    tokio::time::sleep(inner.interval).await;
                    inner.tell().await;
                });
            }
            Ok(taken)
        })
    }
}

impl Inner {
    fn unknown(&self, counts: &[Count]) -> Vec<Count> {
        let known = self.known.lock();
        let unknown = counts.iter().filter(|count| !known.counts.contains_key(&count.name));
        unknown.cloned().collect()
    }

    fn learn(&self, counts: impl Iterator<Item = (Count, u64)>) {
        let mut known = self.known.lock();
        for (count, of_all) in counts {
            if let Entry::Vacant(place) = known.counts.entry(count.name.clone()) {
                let ends = now() + count.seconds;
                place.insert(Local { count, of_all, here: 0, ends });
            }
        }
    }

    /// What comes of it here, and whether redis has to be told from now on.
    fn take(&self, counts: &[Count]) -> (Taken, bool) {
        let mut known = self.known.lock();
        let used = |known: &Known, count: &Count| {
            known.counts.get(&count.name).map_or(0, |local| local.of_all + local.here)
        };
        let passes = counts.iter().all(|count| used(&known, count) < count.most);
        if passes {
            for count in counts {
                if let Some(local) = known.counts.get_mut(&count.name) {
                    local.here += 1;
                }
            }
        }
        let used = counts.iter().map(|count| used(&known, count)).collect();
        let was_due = std::mem::replace(&mut known.is_due, true);
        (Taken { passes, used }, !was_due)
    }

    /// Tells redis what has been added here, and learns what others have.
    async fn tell(&self) {
        let counts: Vec<_> = {
            let mut known = self.known.lock();
            known.is_due = false;
            let now = now();
            known.counts.retain(|_, local| local.ends > now);
            known.counts.values().map(|local| (local.count.clone(), local.here)).collect()
        };
        let of_all = match self.redis.add(&counts).await {
            Ok(of_all) => of_all,
            Err(error) => return tracing::error!("rate-limiting: counts are not shared: {error}"),
        };
        let mut known = self.known.lock();
        for ((count, told), of_all) in counts.into_iter().zip(of_all) {
            if let Some(local) = known.counts.get_mut(&count.name) {
                local.of_all = of_all;
                local.here -= told;
            }
        }
    }
}
