//! What layers further in know of a body that functions have read and left as it was.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::Extensions;

use crate::runtime::Runtime;
use crate::transaction::{RequestBody, Transaction};

/// The body of a request of which nothing else is to be known: its transaction is gone. Lies in the
/// extensions of the request that goes on.
#[derive(Clone)]
struct SeenBody {
    runtime: Runtime,
    body: Bytes,
}

/// Whether there has ever been one. Where there has not, no request is asked for it.
static ANY: AtomicBool = AtomicBool::new(false);

/// Has layers of `runtime` further in know that `body` is the request's.
pub(super) fn leave(extensions: &mut Extensions, runtime: &Runtime, body: Bytes) {
    ANY.store(true, Ordering::Relaxed);
    extensions.insert(SeenBody { runtime: runtime.clone(), body });
}

/// The body that a layer of `runtime` further out has left, if it has the `length` of what has come: one of
/// another length is another body, which a layer between has made.
pub(super) fn take(
    extensions: &mut Extensions,
    runtime: &Runtime,
    length: impl FnOnce() -> Option<u64>,
) -> Option<Bytes> {
    if !ANY.load(Ordering::Relaxed) {
        return None;
    }
    let SeenBody { runtime: theirs, body } = extensions.remove()?;
    (theirs.is_same(runtime) && length() == Some(body.len() as u64)).then_some(body)
}

/// What functions have read of the body.
pub(super) fn of(transaction: &Transaction) -> Option<Bytes> {
    match &transaction.request.body {
        RequestBody::Read(body) => Some(body.clone()),
        _ => None,
    }
}
