//! [`HarnessBuilder`]: functions, and what they may use.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Response;
use parking_lot::Mutex;

use super::Harness;
use super::answers::{Answers, origin};
use crate::error::Error;
use crate::function::{Functions, FunctionsBuilder};
use crate::lua::Coverage;
use crate::net::Network;
use crate::phase::Phase;
use crate::runtime::{Runtime, RuntimeBuilder};
use crate::settings::Sandbox;
use crate::settings::recording::Recording;

/// Builds a [`Harness`].
#[must_use]
pub struct HarnessBuilder {
    pre: Option<FunctionsBuilder>,
    post: Option<FunctionsBuilder>,
    dicts: Vec<(String, usize)>,
    variables: BTreeMap<String, String>,
    sandbox: Sandbox,
    change: Option<Box<dyn FnOnce(RuntimeBuilder) -> RuntimeBuilder>>,
    time: SystemTime,
    coverage: Option<Coverage>,
    recording: Option<Arc<Recording>>,
    patience: Option<Duration>,
    unanswered: Option<Box<Unanswered>>,
}

/// What is said of a host and port that nobody answers for.
type Unanswered = dyn Fn(&str) -> String + Send + Sync;

impl Default for HarnessBuilder {
    fn default() -> Self {
        Self {
            pre: None,
            post: None,
            dicts: Vec::new(),
            variables: BTreeMap::new(),
            sandbox: Sandbox::default(),
            change: None,
            time: SystemTime::now(),
            coverage: None,
            recording: None,
            patience: None,
            unanswered: None,
        }
    }
}

impl HarnessBuilder {
    /// Adds a function of the plugin `pre-function`.
    pub fn function(mut self, phase: Phase, source: impl AsRef<str>) -> Self {
        let builder = self.pre.unwrap_or_else(|| Functions::builder("pre-function"));
        self.pre = Some(builder.function(phase, source));
        self
    }

    /// Adds a function of `pre-function` for `access`.
    pub fn access(self, source: impl AsRef<str>) -> Self {
        self.function(Phase::Access, source)
    }

    /// Adds the function in a file, of `pre-function`. Messages name the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read as UTF-8.
    pub fn file(mut self, phase: Phase, path: impl AsRef<Path>) -> Result<Self, Error> {
        let builder = self.pre.unwrap_or_else(|| Functions::builder("pre-function"));
        self.pre = Some(builder.file(phase, path)?);
        Ok(self)
    }

    /// Adds a function of the plugin `post-function`.
    pub fn post_function(mut self, phase: Phase, source: impl AsRef<str>) -> Self {
        let builder = self.post.unwrap_or_else(|| Functions::builder("post-function"));
        self.post = Some(builder.function(phase, source));
        self
    }

    /// Declares a dictionary of `ngx.shared`.
    pub fn shared_dict(mut self, name: impl Into<String>, bytes: usize) -> Self {
        self.dicts.push((name.into(), bytes));
        self
    }

    /// Says what a variable of the environment is, for `kong.vault` and `os.getenv`. Those of the process
    /// are not seen.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// What functions may use: what they may by default, if a test does not say. They reach the answers
    /// that the test has.
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.sandbox = sandbox;
        self
    }

    /// Counts the lines of functions that run.
    pub fn coverage(mut self, coverage: &Coverage) -> Self {
        self.coverage = Some(coverage.clone());
        self
    }

    /// Notes what functions call and change: [`Exchange::steps`](super::Exchange::steps).
    ///
    /// ```
    /// use tower_lua::testing::Harness;
    ///
    /// let source = "kong.service.request.set_header('x-path', kong.request.get_path())";
    /// let mut harness = Harness::builder().access(source).record().build()?;
    /// let steps = harness.request(http::Request::default()).steps;
    /// assert_eq!(steps[0].calls[0].name, "kong.request.get_path");
    /// assert_eq!(steps[0].calls[0].result.as_deref(), Some(&["\"/\"".to_owned()][..]));
    /// assert_eq!(steps[0].changes()[0].after, ["/"]);
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn record(mut self) -> Self {
        self.recording = Some(Arc::default());
        self
    }

    /// Gives up a request that takes longer than `time`, by the machine's clock. The response is a 504 then.
    pub const fn patience(mut self, time: Duration) -> Self {
        self.patience = Some(time);
        self
    }

    /// Refuses connections to whom nobody answers for, with what `say` says of their host and port, in the
    /// place of a 502.
    pub fn unanswered(mut self, say: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.unanswered = Some(Box::new(say));
        self
    }

    /// Says what time it is: now, if a test does not say.
    pub fn now(mut self, now: SystemTime) -> Self {
        self.time = now;
        self
    }

    /// Changes the runtime that the functions run in.
    pub fn runtime(
        mut self,
        change: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder + 'static,
    ) -> Self {
        self.change = Some(Box::new(change));
        self
    }

    /// Makes the harness.
    ///
    /// # Errors
    ///
    /// When a function does not compile, or the runtime cannot be made.
    pub fn build(self) -> Result<Harness, Error> {
        let answers = Arc::new(Mutex::new(Answers::default()));
        let mut tokio = tokio::runtime::Builder::new_current_thread();
        let tokio = tokio.enable_time().start_paused(true).build();
        let tokio =
            tokio.map_err(|error| Error::config(format!("no runtime of tokio: {error}")))?;
        let mut runtime = Runtime::builder().vms(1);
        runtime = runtime.sandbox(self.sandbox.network(Network::any()));
        for (name, bytes) in self.dicts {
            runtime = runtime.shared_dict(name, bytes);
        }
        if let Some(change) = self.change {
            runtime = change(runtime);
        }
        if let Some(recording) = &self.recording {
            runtime = runtime.recording(Arc::clone(recording));
        }
        let (server, unanswered) = (Arc::clone(&answers), self.unanswered);
        let runtime = runtime.variables(self.variables).stand_in(Box::new(move |host, port| {
            let unanswered =
                unanswered.as_ref().filter(|_| !server.lock().know(&origin(host, port)));
            match unanswered {
                Some(say) => Err(say(&format!("{host}:{port}"))),
                None => Ok(super::server::connection(host.to_owned(), port, Arc::clone(&server))),
            }
        }));
        Ok(Harness {
            tokio,
            runtime: Coverage::watch(self.coverage, || runtime.build())?,
            pre: built(self.pre)?,
            post: built(self.post)?,
            upstream: Arc::new(|_| Response::default()),
            answers,
            time: self.time,
            recording: self.recording,
            patience: self.patience,
        })
    }
}

/// A set, which may have no functions.
fn built(builder: Option<FunctionsBuilder>) -> Result<Functions, Error> {
    builder.map_or_else(|| Ok(Functions::empty()), FunctionsBuilder::build)
}

impl std::fmt::Debug for HarnessBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HarnessBuilder").field("dicts", &self.dicts).finish_non_exhaustive()
    }
}
