//! Subrequests: what one has of the request whose function makes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use bytes::Bytes;
use http::Extensions;
use parking_lot::Mutex;

use super::{Bound, Kept, Transaction};
use crate::settings::Background;

/// What a subrequest has of the request whose function makes it. Lies in its extensions.
pub(crate) struct Subrequest {
    /// Tells the runtime: what lies in a VM is nothing to functions of another.
    background: Arc<Background>,
    /// How many requests there are above it.
    pub(crate) depth: u32,
    /// How many subrequests have been made for the client's request.
    pub(crate) count: Arc<AtomicU32>,
    /// The table that is to be its `ngx.ctx`, and the VM that it is in.
    context: Mutex<Option<(Bound, Kept)>>,
    /// The variables that it begins with.
    pub(crate) variables: Vec<(String, Bytes)>,
    /// Those that its functions set and its maker is to have, too.
    shared: Option<Mutex<Vec<(String, Bytes)>>>,
}

/// Whether there has ever been one. Where there has not, no request is asked whether it is one.
static ANY: AtomicBool = AtomicBool::new(false);

impl Subrequest {
    /// What a subrequest has of the request of `transaction`.
    pub(crate) fn of_function(
        transaction: &mut Transaction,
        background: &Arc<Background>,
        context: Option<Kept>,
    ) -> Self {
        ANY.store(true, Ordering::Relaxed);
        let bound = transaction.vm;
        let rare = transaction.rare_mut();
        let maker = rare.subrequest.as_ref();
        let depth = maker.map_or(0, |maker| maker.depth) + 1;
        let count = match maker {
            Some(maker) => Arc::clone(&maker.count),
            None => Arc::clone(rare.subrequests.get_or_insert_default()),
        };
        Self {
            background: Arc::clone(background),
            depth,
            count,
            context: Mutex::new(bound.zip(context)),
            variables: Vec::new(),
            shared: None,
        }
    }

    /// Has its maker see what its functions set.
    pub(crate) fn share_variables(&mut self) {
        self.shared = Some(Mutex::default());
    }

    /// The one that a request is, by its extensions.
    pub(crate) fn find(extensions: &Extensions) -> Option<Arc<Self>> {
        if !ANY.load(Ordering::Relaxed) {
            return None;
        }
        extensions.get().cloned()
    }

    /// Takes the table that is to be `ngx.ctx`, for functions of the runtime that `background` is of.
    pub(crate) fn take_context(&self, background: &Arc<Background>) -> Option<(Bound, Kept)> {
        if !Arc::ptr_eq(&self.background, background) {
            return None;
        }
        self.context.lock().take()
    }

    /// Notes that a function of the subrequest has set a variable.
    pub(crate) fn note(&self, name: &str, value: &Bytes) {
        if let Some(shared) = &self.shared {
            shared.lock().push((name.to_owned(), value.clone()));
        }
    }

    /// Whether its maker sees what its functions set.
    pub(crate) fn shares(&self) -> bool {
        self.shared.is_some()
    }

    /// What they have set.
    pub(crate) fn take_set(&self) -> Vec<(String, Bytes)> {
        self.shared.as_ref().map(|shared| std::mem::take(&mut *shared.lock())).unwrap_or_default()
    }
}
