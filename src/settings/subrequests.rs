//! Who answers subrequests: `ngx.location.capture`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::{Request, Response, StatusCode};

use crate::lua::{Charge, OutOfMemory};

/// Who answers the subrequests of a runtime's functions, once the application has said so.
#[derive(Default)]
pub(crate) struct Subrequests(ArcSwapOption<Box<Answer>>);

/// Answers a subrequest.
pub(crate) type Answer = dyn Fn(Request<Bytes>, Reception) -> Answering + Send + Sync;

/// An answer to come.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Captured, OutOfMemory>> + Send>>;

/// How much of an answer there is room for.
pub(crate) struct Reception {
    /// The longest body, in bytes.
    pub(crate) limit: u64,
    /// What the answer counts against.
    pub(crate) charge: Option<Charge>,
}

/// An answer.
pub(crate) struct Captured {
    pub(crate) response: Response<Vec<u8>>,
    /// Whether the body broke off, or is longer than there is room for.
    pub(crate) is_truncated: bool,
    /// What it takes of the memory of whoever has asked.
    pub(crate) _charge: Option<Charge>,
}

impl Subrequests {
    pub(crate) fn set(&self, answer: Box<Answer>) {
        self.0.store(Some(Arc::new(answer)));
    }

    pub(crate) fn get(&self) -> Option<Arc<Box<Answer>>> {
        self.0.load_full()
    }
}

impl Captured {
    /// The answer to a subrequest that went wrong.
    pub(crate) fn failed() -> Self {
        let mut response = Response::new(Vec::new());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        Self { response, is_truncated: false, _charge: None }
    }
}
