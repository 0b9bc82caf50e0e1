//! [`Plan`]: what a spec says of what is around functions.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response};
use tower_lua::testing::{Coverage, Harness};
use tower_lua::{Error, Phase};

/// A function: its text, or a file.
#[derive(Clone)]
pub(super) enum Source {
    Text(String),
    File(PathBuf),
}

/// What answers a request.
pub(super) type Answer = dyn Fn(Request<Bytes>) -> Response<Bytes> + Send + Sync;

/// What is around functions, and they themselves.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) functions: Vec<(Phase, Source)>,
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
    pub(super) fn harness(&self, coverage: Option<&Coverage>) -> Result<Harness, Error> {
        let mut builder = Harness::builder().now(self.time);
        for (phase, source) in &self.functions {
            builder = match source {
                Source::Text(text) => builder.function(*phase, text),
                Source::File(path) => builder.file(*phase, path)?,
            };
        }
        for (name, bytes) in &self.dicts {
            builder = builder.shared_dict(name, *bytes);
        }
        for (name, value) in &self.variables {
            builder = builder.variable(name, value);
        }
        if let Some(coverage) = coverage {
            builder = builder.coverage(coverage);
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
