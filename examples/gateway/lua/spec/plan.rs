//! [`Plan`]: what a spec says of what is around functions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response};
use tower_lua::testing::Harness;
use tower_lua::{Error, Phase};

/// What answers a request.
pub(super) type Answer = dyn Fn(Request<Bytes>) -> Response<Bytes> + Send + Sync;

/// What is around functions, and they themselves.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) functions: Vec<(Phase, String)>,
    pub(super) dicts: BTreeMap<String, usize>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) time: SystemTime,
    pub(super) upstream: Option<Arc<Answer>>,
    pub(super) answers: Vec<(String, Arc<Answer>)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            functions: Vec::new(),
            dicts: BTreeMap::new(),
            variables: BTreeMap::new(),
            time: SystemTime::now(),
            upstream: None,
            answers: Vec::new(),
        }
    }
}

impl Plan {
    /// Functions in a harness, as the plan says.
    pub(super) fn harness(&self) -> Result<Harness, Error> {
        let mut builder = Harness::builder().now(self.time);
        for (phase, source) in &self.functions {
            builder = builder.function(*phase, source);
        }
        for (name, bytes) in &self.dicts {
            builder = builder.shared_dict(name, *bytes);
        }
        for (name, value) in &self.variables {
            builder = builder.variable(name, value);
        }
        let mut harness = builder.build()?;
        if let Some(upstream) = self.upstream.clone() {
            harness.upstream(move |request| upstream(request));
        }
        for (url, answer) in self.answers.clone() {
            harness.http_with(url, move |request| answer(request));
        }
        Ok(harness)
    }
}
