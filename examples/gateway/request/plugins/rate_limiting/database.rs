//! Counts in the database that gateways share.

use std::cell::RefCell;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::windows::{Count, Counts, Taken};
use crate::BoxError;
use crate::configured::store::{Address, Tallies, Tally};

/// A database. All plugins have the same connections to it: one a thread.
pub(super) struct Database(pub(super) Address);

thread_local! {
    static TALLIES: RefCell<Option<Arc<Tallies>>> = const { RefCell::new(None) };
}

impl Database {
    fn tallies(&self) -> Arc<Tallies> {
        TALLIES.with_borrow_mut(|tallies| {
            let open = || Arc::new(Tallies::new(self.0.clone()));
            Arc::clone(tallies.get_or_insert_with(open))
        })
    }
}

impl Counts for Database {
    fn take(&self, counts: Vec<Count>) -> BoxFuture<'_, Result<Taken, BoxError>> {
        let tallies = self.tallies();
        Box::pin(async move {
            let asked = counts.into_iter().map(|Count { name, most, seconds }| {
                let most = i64::try_from(most).unwrap_or(i64::MAX);
                Tally { name, most, seconds: i64::try_from(seconds).unwrap_or(i64::MAX) }
            });
            let (passes, used) = tallies.take(&asked.collect::<Vec<_>>()).await?;
            let used = used.into_iter().map(|used| u64::try_from(used).unwrap_or_default());
            Ok(Taken { passes, used: used.collect() })
        })
    }
}
