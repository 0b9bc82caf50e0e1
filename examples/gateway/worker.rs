//! The threads that serve clients.
//!
//! Each has a runtime, sockets, connections to services and a Lua VM of its own: a request stays on
//! the thread that it came in on.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http::Request;
use http_body_util::Either;
use hyper::body::Incoming;
use tokio::sync::watch;
use tower::{Layer, ServiceExt};
use tower_lua::Runtime;

use crate::BoxError;
use crate::in_force::published::{OfWorker, Published};
use crate::request::edge::EdgeLayer;
use crate::request::listen::{Address, Server};
use crate::request::proxy::{Proxy, Roots};
use crate::request::record::Recorder;
use crate::request::subrequest::Answering;
use crate::request::trace::Tracer;
use crate::request::trusted::Trusted;
use crate::resolver::Resolver;
use crate::stack;

/// What all workers are made of.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) published: Published,
    pub(crate) runtime: Runtime,
    pub(crate) roots: Roots,
    pub(crate) resolver: Resolver,
    pub(crate) server: Server,
    /// Whether clients on this machine hear what has gone wrong in functions.
    pub(crate) debug: bool,
    pub(crate) tracer: Arc<Tracer>,
    /// How long requests in flight may take in the end.
    pub(crate) patience: Duration,
}

/// Starts the worker of the number `number`, which serves `sockets` until `stop` changes.
pub(crate) fn start(
    number: usize,
    sockets: Vec<(std::net::TcpListener, Address)>,
    parts: Parts,
    recorder: Recorder,
    stop: watch::Receiver<()>,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
        if let Err(error) = runtime.block_on(serve(sockets, parts, recorder, stop)) {
            tracing::error!("worker {number}: {error}");
        }
        // What is left are tunnels, which know no end of their own.
        runtime.shutdown_background();
    })
}

async fn serve(
    sockets: Vec<(std::net::TcpListener, Address)>,
    parts: Parts,
    recorder: Recorder,
    mut stop: watch::Receiver<()>,
) -> Result<(), BoxError> {
    let Parts { published, runtime, roots, resolver, server, debug, tracer, patience } = parts;
    let server = Server { counters: Some(recorder.counters().clone()), ..server };
    let trusted = Trusted::new(runtime.clone());
    let snapshots = Arc::new(OfWorker::new(published));
    let edge = EdgeLayer::new(Arc::clone(&snapshots), Arc::new(recorder), trusted.clone(), tracer);
    let proxy = Proxy::new(&roots, resolver, trusted.clone());
    // An id, the snapshot in force; the gateway's own headers, the access log, metrics.
    let service = edge.layer(stack::ways(proxy, trusted, &runtime, debug));
    let _answering = Answering::by(service.clone());
    let service = service.map_request(|request: Request<Incoming>| request.map(Either::Left));
    let mut followers = tokio::task::JoinSet::new();
    followers.spawn(async move { snapshots.follow().await });
    let mut listeners = tokio::task::JoinSet::new();
    for (socket, address) in sockets {
        let served = server.clone().serve(socket, address, service.clone(), stop.clone());
        listeners.spawn(served);
    }
    let _ = stop.changed().await;
    let deadline = tokio::time::Instant::now() + patience;
    if tokio::time::timeout_at(deadline, listeners.join_all()).await.is_err() {
        tracing::warn!("requests were still in flight after {patience:?}");
    }
    if tokio::time::timeout_at(deadline, runtime.drain()).await.is_err() {
        tracing::warn!("functions were still at work after {patience:?}");
    }
    Ok(())
}
