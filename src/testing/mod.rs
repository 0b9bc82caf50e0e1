//! Functions in tests: without a server, a network, or waiting for time.
//!
//! A [`Harness`] has the runtime that functions run in anywhere, with its phases, sandbox and budgets. What
//! is around it the test says: the service behind, answers to what functions ask of others, dictionaries,
//! variables of the environment, the time. The clock stands still while anybody has something to do, and
//! goes on to what is waited for next: `ngx.sleep(60)` takes no time.
//!
//! ```
//! use http::{Request, Response};
//! use tower_lua::testing::Harness;
//!
//! let mut harness = Harness::builder()
//!     .access(r#"
//!         local client = require("resty.http").new()
//!         local answer = assert(client:request_uri("https://users.internal/7"))
//!         kong.service.request.set_header("x-user", answer.body)
//!         kong.log.warn("asked for ", kong.request.get_path())
//!     "#)
//!     .build()?;
//! harness.http("https://users.internal/7", Response::new("ada".into()));
//!
//! let exchange = harness.request(Request::get("/orders").body("".into()).unwrap());
//! assert_eq!(exchange.response.status(), 200);
//! assert_eq!(exchange.forwarded.unwrap().headers()["x-user"], "ada");
//! assert!(exchange.logs[0].message.ends_with("asked for /orders"));
//! # Ok::<(), tower_lua::Error>(())
//! ```
//!
//! `os.time` and `os.date` are Lua's own and tell the machine's time; `ngx.time` and all else tell the
//! test's. A harness has a runtime of tokio of its own: it is for tests that are not asynchronous.

mod answers;
mod builder;
mod exchange;
mod logs;
mod patience;
mod server;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use self::answers::Answers;
pub use self::builder::HarnessBuilder;
pub use self::exchange::Exchange;
use self::exchange::Inner;
use crate::clock::of_test;
use crate::error::Error;
use crate::function::Functions;
pub use crate::lua::Coverage;
use crate::post_function::PostFunctionLayer;
use crate::pre_function::PreFunctionLayer;
use crate::runtime::Runtime;
use crate::settings::recording::Recording;
pub use crate::settings::recording::{Call, Change, Failed, Log, Step};

/// Functions, and what a test says of all that is around them.
pub struct Harness {
    tokio: tokio::runtime::Runtime,
    runtime: Runtime,
    pre: Functions,
    post: Functions,
    upstream: Arc<Upstream>,
    answers: Arc<Mutex<Answers>>,
    time: SystemTime,
    recording: Option<Arc<Recording>>,
    patience: Option<Duration>,
}

/// The service behind the functions.
type Upstream = dyn Fn(Request<Bytes>) -> Response<Bytes> + Send + Sync;

/// How long a function may go on when its request has been answered.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often it is asked whether they have run.
const TICK: Duration = Duration::from_millis(1);

impl Harness {
    /// Starts to build a harness.
    pub fn builder() -> HarnessBuilder {
        HarnessBuilder::default()
    }

    /// Says what the service behind answers: 200 and nothing else, if a test does not say.
    pub fn upstream(
        &mut self,
        answer: impl Fn(Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
    ) {
        self.upstream = Arc::new(answer);
    }

    /// Says what a server answers that functions ask: at a URL, or at all that begin with it where it
    /// ends with `*`. What nobody has answered is 502, and says so in its body.
    pub fn http(&mut self, url: impl Into<String>, answer: Response<Bytes>) {
        self.http_with(url, move |_| {
            let mut response = Response::new(answer.body().clone());
            *response.status_mut() = answer.status();
            response.headers_mut().clone_from(answer.headers());
            response
        });
    }

    /// The same, by a function of the request.
    pub fn http_with(
        &mut self,
        url: impl Into<String>,
        answer: impl Fn(Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
    ) {
        self.answers.lock().add(url.into(), Arc::new(answer));
    }

    /// What time it is for functions.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.time
    }

    /// Says what time it is.
    pub fn set_now(&mut self, now: SystemTime) {
        self.time = now;
    }

    /// Lets time go by: what is due until then happens.
    pub fn advance(&mut self, time: Duration) {
        self.enter(async move { tokio::time::sleep(time).await });
    }

    /// Sends a request through the functions, and waits until all of them have run.
    pub fn request(&mut self, request: Request<Bytes>) -> Exchange {
        self.exchange(self.pre.clone(), self.post.clone(), request)
    }

    /// Runs a function of its own in `access`, where the others run: to fill dictionaries and caches, or
    /// to see what is in them.
    ///
    /// # Errors
    ///
    /// When it does not compile.
    pub fn run(&mut self, source: &str) -> Result<Exchange, Error> {
        let functions = Functions::access("run", source)?;
        Ok(self.exchange(functions, Functions::empty(), Request::default()))
    }

    /// The runtime that functions run in, for layers of a [service](Self::send) of one's own.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    fn exchange(&mut self, pre: Functions, post: Functions, request: Request<Bytes>) -> Exchange {
        let inner = Inner::new(Arc::clone(&self.upstream));
        let pre = PreFunctionLayer::new(pre).runtime(&self.runtime);
        let post = PostFunctionLayer::new(post).runtime(&self.runtime);
        let service = pre.layer(post.layer(inner.clone()));
        let exchange = self.send(service, request);
        Exchange { forwarded: inner.seen(), ..exchange }
    }

    /// Sends a request to a service of one's own, whose layers have the harness's
    /// [runtime](Self::runtime), and waits until all functions have run. What it forwards, it knows itself.
    ///
    /// ```
    /// use http::{Request, Response};
    /// use http_body_util::Full;
    /// use tower::{ServiceBuilder, service_fn};
    /// use tower_lua::testing::Harness;
    /// use tower_lua::{Functions, PreFunctionLayer};
    ///
    /// let mut harness = Harness::builder().build()?;
    /// let functions = Functions::access("greet", "kong.response.exit(200, 'hello')")?;
    /// let service = ServiceBuilder::new()
    ///     .layer(PreFunctionLayer::new(functions).runtime(harness.runtime()))
    ///     .service(service_fn(async |_| {
    ///         Ok::<_, std::convert::Infallible>(Response::new(Full::<bytes::Bytes>::default()))
    ///     }));
    /// let exchange = harness.send(service, Request::default());
    /// assert_eq!(exchange.response.body(), "hello");
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn send<S, B>(&mut self, mut service: S, request: Request<Bytes>) -> Exchange
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
        B: http_body::Body<Data = Bytes>,
    {
        let logs = logs::Recorder::new(self.recording.clone());
        let (recorder, runtime) = (logs.clone(), self.runtime.clone());
        let patience = self.patience;
        let response = self.enter(async move {
            let guard = tracing::subscriber::set_default(recorder);
            let response = patience::within(patience, async move {
                let Ok(response) = service.call(request.map(Full::new)).await;
                let (head, body) = response.into_parts();
                // Of a body that breaks off there is nothing.
                let body = body.collect().await.map(http_body_util::Collected::to_bytes);
                let end = Instant::now() + PATIENCE;
                loop {
                    // Time goes on when nobody has anything to do.
                    tokio::time::sleep(TICK).await;
                    if runtime.stats().suspended == 0 || Instant::now() > end {
                        break;
                    }
                }
                Response::from_parts(head, body.unwrap_or_default())
            });
            let response = response.await;
            drop(guard);
            response
        });
        let steps = self.recording.as_ref().map(|recording| recording.take()).unwrap_or_default();
        Exchange { response, forwarded: None, logs: logs.taken(), steps }
    }

    /// Waits for what has to do with time, which goes on from where it was.
    fn enter<F: Future>(&mut self, work: F) -> F::Output {
        let before = self.time;
        let (output, now) = self.tokio.block_on(async {
            of_test::set(Some(before));
            let output = work.await;
            let now = crate::clock::now();
            of_test::set(None);
            (output, now)
        });
        self.time = now;
        output
    }
}

impl std::fmt::Debug for Harness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Harness")
            .field("pre", &self.pre)
            .field("post", &self.post)
            .finish_non_exhaustive()
    }
}
