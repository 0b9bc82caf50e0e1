//! Tower middleware that runs Lua in the request path.
//!
//! [`PreFunctionLayer`] and [`PostFunctionLayer`] wrap any tower service and run Lua functions before
//! and after the other layers. They reproduce Kong's serverless-functions plugins, `pre-function` and
//! `post-function`: same configuration, same Lua API (`kong.*`, `ngx.*`), same order, same sandbox. A
//! function written for Kong runs unchanged.
//!
//! # Example
//!
//! An axum application that asks for credentials:
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_lua::{Functions, PreFunctionLayer};
//!
//! let functions = Functions::access("custom-auth", r#"
//!     local custom_auth = kong.request.get_header("x-custom-auth")
//!     if not custom_auth then
//!       return kong.response.exit(401, "Invalid Credentials")
//!     end
//!     kong.service.request.clear_header("x-custom-auth")
//! "#)?;
//!
//! let app: Router = Router::new()
//!     .route("/", get(|| async { "hello" }))
//!     .layer(PreFunctionLayer::new(functions));
//! # Ok::<(), tower_lua::Error>(())
//! ```
//!
//! Failures, and what functions log, are events of [`tracing`](https://docs.rs/tracing), each with the
//! request's id: without a subscriber, `tracing_subscriber::fmt::init()` for one, nobody sees them but
//! the first failure, which goes to standard error.
//!
//! # Body types
//!
//! The layers hand on bodies of their own types, [`RequestBody`] and [`ResponseBody`], so that what no
//! function looks at costs nothing. Layers that take only axum's own body, as `axum::middleware::from_fn`
//! does, get it from `MapRequestBodyLayer`; on a `Router`, axum does that by itself. An inner service must
//! be `Clone`: a `BoxCloneService`, not a `BoxService` (and `Sync` where `from_fn` stands before it).
//!
//! ```
//! use axum::{body::Body, extract::Request, middleware::{self, Next}, response::Response};
//! use tower::{ServiceBuilder, ServiceExt, util::BoxCloneSyncService};
//! use tower_http::map_request_body::MapRequestBodyLayer;
//! use tower_lua::{Functions, PreFunctionLayer};
//!
//! async fn inside(request: Request, next: Next) -> Response {
//!     next.run(request).await
//! }
//!
//! let handler = tower::service_fn(|_: Request| async { Ok::<_, std::convert::Infallible>(Response::new(Body::empty())) });
//! let service = ServiceBuilder::new()
//!     .layer(PreFunctionLayer::new(Functions::empty()))
//!     .layer(MapRequestBodyLayer::new(Body::new))
//!     .layer(middleware::from_fn(inside))
//!     .service(BoxCloneSyncService::new(handler));
//! # let _ = service.oneshot(Request::new(Body::empty()));
//! ```
//!
//! # Functions and phases
//!
//! A set of [`Functions`] has Lua functions for each [`Phase`] of a request: `rewrite` and `access`
//! before the inner service is called, `header_filter` and `body_filter` on its response, `log` at the
//! very end. It is built from strings, files, or [configuration](FunctionsConfig) in the shape of
//! Kong's; building it compiles everything and runs nothing.
//!
//! A layer can swap its set [while requests fly](FunctionLayer::reloadable), or [choose one for each
//! request](FunctionLayer::resolver).
//!
//! The [guide to phases](guide::phases) shows what runs when, and how the two layers keep Kong's order
//! on both sides of a tower stack. The [compatibility page](guide::compatibility) has every name that
//! a function can use.
//!
//! # Where functions run
//!
//! Functions run in LuaJIT VMs of a [`Runtime`]. A request is bound to one VM; a function that waits,
//! for the request's body or in `ngx.sleep`, is suspended there and gives the VM to others. Layers that
//! are given no runtime share a global one.
//!
//! `ngx.sleep`, and waiting for another request to load a value of `kong.cache`, need a tokio runtime
//! with its timer. Nothing else here does.
//!
//! # What a function can do to a server
//!
//! The [sandbox](guide::sandbox) lets functions reach nothing but the request, and a [`Budget`] bounds
//! their time and memory. A function that fails is a 500 with Kong's JSON body, which [can be
//! replaced](FunctionLayer::response_for_error); it is never an error of the service: `S::Error` passes
//! unchanged.
//!
//! # Cancel safety
//!
//! Dropping a response future, or a response body, at any time drops a function that waits and lets go
//! of all that belongs to the request. The functions of the `log` phase run then, in the drop: once
//! for each request, whatever ends it.
//!
//! # What it costs
//!
//! A layer with an empty set costs about 400 instructions a request; the example above about 7,500
//! when it lets a request pass, and as many when it refuses, with all limits on. `benches/layers.rs`
//! measures it.
//!
//! # What the application tells functions
//!
//! Some things only the application knows. It puts them into the request's extensions:
//! [`Connection`] for addresses and the scheme, [`Tls`], [`RequestId`], [`UriCaptures`], the [`Route`]
//! and [`Service`] of a request, the [`Consumer`] who makes it and the [`Credential`] that proves it,
//! [`ClientUri`], and whatever else as [`Shared`]. [`RuntimeBuilder::connection`] does so for all requests.
//! A server that has a companion for each request says where it is, and is asked: [`RuntimeBuilder::facts`].
//! What functions ask of whoever forwards the request is there for the inner service: [`Upstream`].

mod api;
#[cfg(feature = "axum")]
pub mod axum;
mod binding;
mod clock;
mod error;
mod extension;
mod function;
pub mod guide;
mod lua;
mod message;
mod middleware;
#[cfg(feature = "net")]
mod net;
mod phase;
mod post_function;
mod pre_function;
mod runtime;
mod sandbox;
mod settings;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod transaction;
mod vm;

pub use mlua;

pub use self::error::{CompileError, Error, FunctionsId};
pub use self::extension::{
    ClientUri, CloseConnection, Connection, Consumer, Credential, HeaderNames, HostCall,
    InternalRedirect, RequestFacts, RequestId, ResponseSource, Route, Service, ServiceTimes,
    Shared, SpanEvent, SpanId, Timeouts, Tls, Trace, TraceId, TraceSpan, TraceSpans, Tries, Try,
    Upstream, UpstreamUri, UriCaptures,
};
#[cfg(feature = "watch")]
pub use self::function::Watch;
pub use self::function::{
    Functions, FunctionsBuilder, FunctionsConfig, FunctionsDirectory, Handle,
};
pub use self::lua::{Budget, Profile};
pub use self::middleware::{
    BoxError, DebugResponseForError, DefaultResponseForError, FailedRequest, FunctionLayer,
    FunctionService, PluginKind, RequestBody, ResponseBody, ResponseForError, ResponseFuture,
    RetryCallback,
};
#[cfg(feature = "net")]
pub use self::net::{
    ClientConnection, ClientStream, GivenConnection, Handover, Network, NetworkRule, Resolved,
};
pub use self::phase::{Phase, Plugin};
pub use self::post_function::{Post, PostFunction, PostFunctionLayer};
pub use self::pre_function::{Pre, PreFunction, PreFunctionLayer};
pub use self::runtime::{Runtime, RuntimeBuilder, Stats};
pub use self::settings::{
    ClusterEvent, FunctionCall, FunctionOutcome, Sandbox, ServerStats, UntrustedLua,
};

/// The README's code, so that it is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
