//! Applications with functions in them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, Service, ServiceExt};
use tower_lua::{
    BoxError, Budget, Connection, Functions, FunctionsBuilder, Phase, PostFunctionLayer,
    PreFunctionLayer, Runtime, RuntimeBuilder, Sandbox,
};

use super::client::{Call, Reply};
use super::echo::echo;
use super::recorder::Recorder;

/// Serves `service` over HTTP/1 and HTTP/2 on a port of its own, until the test ends.
pub async fn serve<S, B>(service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("bound above");
    tokio::spawn(async move {
        loop {
            let Ok((stream, peer)) = listener.accept().await else { return };
            let connection = Connection::new(peer).with_local_addr(addr);
            let service = service.clone().map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(connection);
                request
            });
            tokio::spawn(async move {
                let service = TowerToHyperService::new(service);
                let builder = auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
            });
        }
    });
    addr
}

/// A budget that no function exhausts because the machine has other things to do.
pub fn patient() -> Budget {
    Budget::default().call_time(Duration::from_secs(60)).request_time(Duration::from_secs(60))
}

/// An application that is being served.
pub struct App {
    pub addr: SocketAddr,
    pub runtime: Runtime,
    pub recorder: Recorder,
}

/// An application before it is served: functions of `pre-function` and `post-function` around the
/// echo service, in a runtime of one VM.
pub struct AppBuilder {
    pre: FunctionsBuilder,
    post: FunctionsBuilder,
    pre_count: usize,
    post_count: usize,
    recorder: Recorder,
    runtime: RuntimeBuilder,
    extensions: http::Extensions,
}

impl App {
    pub fn builder() -> AppBuilder {
        let recorder = Recorder::default();
        let sandbox = Sandbox::default().allow_require("cjson").allow_require("cjson.safe");
        AppBuilder {
            pre: Functions::builder("pre"),
            post: Functions::builder("post"),
            pre_count: 0,
            post_count: 0,
            runtime: recorder
                .register(Runtime::builder().vms(1).budget(patient()).sandbox(sandbox)),
            recorder,
            extensions: http::Extensions::new(),
        }
    }

    /// An application with one function for `access`.
    pub async fn access(source: &str) -> Self {
        Self::builder().access(source).serve().await
    }

    pub fn get(&self, path: &str) -> Call {
        Call::new(self.addr, Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Call {
        Call::new(self.addr, Method::POST, path)
    }

    pub fn call(&self, method: Method, path: &str) -> Call {
        Call::new(self.addr, method, path)
    }

    /// The answer to a request that is sent as it stands, on a connection that is closed then.
    pub async fn raw(&self, request: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(self.addr).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("an open connection");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    }
}

impl AppBuilder {
    pub fn function(mut self, phase: Phase, source: &str) -> Self {
        self.pre = self.pre.function(phase, source);
        self.pre_count += 1;
        self
    }

    pub fn rewrite(self, source: &str) -> Self {
        self.function(Phase::Rewrite, source)
    }

    pub fn access(self, source: &str) -> Self {
        self.function(Phase::Access, source)
    }

    pub fn header_filter(self, source: &str) -> Self {
        self.function(Phase::HeaderFilter, source)
    }

    pub fn body_filter(self, source: &str) -> Self {
        self.function(Phase::BodyFilter, source)
    }

    pub fn log(self, source: &str) -> Self {
        self.function(Phase::Log, source)
    }

    /// Adds a function of `post-function`.
    pub fn post_function(mut self, phase: Phase, source: &str) -> Self {
        self.post = self.post.function(phase, source);
        self.post_count += 1;
        self
    }

    pub fn fail_open(mut self) -> Self {
        self.pre = self.pre.fail_open(true);
        self
    }

    pub fn budget(self, budget: Budget) -> Self {
        self.runtime(|runtime| runtime.budget(budget))
    }

    /// Changes the runtime.
    pub fn runtime(mut self, change: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> Self {
        self.runtime = change(self.runtime);
        self
    }

    /// Puts something into each request's extensions, as the application around the layers would.
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, extension: T) -> Self {
        self.extensions.insert(extension);
        self
    }

    /// Serves the echo service inside.
    pub async fn serve(self) -> App {
        self.serve_around(echo()).await
    }

    /// Serves `service` inside.
    pub async fn serve_around<S, B>(self, service: S) -> App
    where
        S: Service<
                Request<tower_lua::RequestBody<tower_lua::RequestBody<Incoming>>>,
                Response = Response<B>,
                Error = Infallible,
            > + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let runtime = self.runtime.build().expect("a runtime");
        let built = |builder: FunctionsBuilder, count| match count {
            0 => Functions::empty(),
            _ => builder.build().unwrap_or_else(|error| panic!("{error}")),
        };
        let pre = PreFunctionLayer::new(built(self.pre, self.pre_count)).runtime(&runtime);
        let post = PostFunctionLayer::new(built(self.post, self.post_count)).runtime(&runtime);
        let extensions = self.extensions;
        let told = move |mut request: Request<Incoming>| {
            request.extensions_mut().extend(extensions.clone());
            request
        };
        let addr = serve(pre.layer(post.layer(service)).map_request(told)).await;
        App { addr, runtime, recorder: self.recorder }
    }
}

impl App {
    /// What the Lua expressions in `source` are worth in `access`, as `call` sees them: texts as
    /// they are, tables as JSON, joined by commas.
    pub async fn eval(source: &str) -> String {
        Self::eval_for(source, |app| app.get("/")).await.text()
    }

    /// The same for a request of your own.
    pub async fn eval_for(source: &str, call: impl FnOnce(&Self) -> Call) -> Reply {
        let app = Self::access(&format!(
            r##"
            local cjson = require("cjson.safe")
            local function show(value)
              if type(value) == "table" then return cjson.encode(value) end
              return tostring(value)
            end
            local function join(...)
              local texts = {{}}
              for i = 1, select("#", ...) do texts[i] = show((select(i, ...))) end
              return table.concat(texts, ", ")
            end
            return kong.response.exit(200, join((function() return {source} end)()))
            "##
        ))
        .await;
        call(&app).send().await
    }
}
