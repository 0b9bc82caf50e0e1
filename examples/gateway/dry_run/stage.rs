//! [`Stage`]: the gateway's layers, between a client and a service that are none.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use tower::{Layer, Service, ServiceExt};
use tower_lua::{Connection, Runtime};

use super::asked::Asked;
use super::echo::{Echo, Forwarded};
use crate::BoxError;
use crate::in_force::published::{Current, OfWorker, Published};
use crate::log::AccessLog;
use crate::request::edge::EdgeLayer;
use crate::request::flight::Flight;
use crate::request::metrics::Metrics;
use crate::request::peer::Peer;
use crate::request::proxy::{Proxy, Roots};
use crate::request::record::Recorder;
use crate::request::subrequest::{Answering, OfThread, ReceivedBody};
use crate::request::trace::{Instrumentations, Tracer};
use crate::request::trusted::Trusted;
use crate::stack;

/// The gateway's layers, between a client and a service that are none.
pub(super) struct Stage {
    edge: EdgeLayer,
    proxy: Proxy,
    trusted: Trusted,
    runtime: Runtime,
    echo: Echo,
    flight: Arc<OnceLock<Arc<Flight>>>,
}

/// What has become of a request there.
pub(crate) struct Ended {
    pub(crate) forwarded: Option<Forwarded>,
    pub(crate) flight: Option<Arc<Flight>>,
}

/// The port that the client has come from, and those that it can have come to.
const CLIENT: u16 = 50_000;
const PLAIN: u16 = 80;
const ENCRYPTED: u16 = 443;

/// Nobody hears of the trace of a request that is not sent.
fn untraced() -> Arc<Tracer> {
    Arc::new(Tracer { instrumentations: Instrumentations::Off, rate: None, sink: None })
}

impl Stage {
    /// Has the service answer `upstream`, or say what it was asked.
    pub(super) fn new(
        published: &Published,
        runtime: &Runtime,
        roots: &Roots,
        upstream: Option<&Response<Bytes>>,
    ) -> Self {
        let trusted = Trusted::new(runtime.clone());
        let recorder = Recorder::new(
            Arc::default(),
            Arc::new(Metrics::new(1, Current::default())),
            0,
            AccessLog::Off,
        );
        let echo = Echo::new(upstream);
        let connected = echo.clone();
        let stand_in = Arc::new(move |target: &_| connected.connect(target));
        runtime.subrequests(OfThread);
        Self {
            edge: EdgeLayer::new(
                Arc::new(OfWorker::new(published.clone())),
                Arc::new(recorder),
                trusted.clone(),
                untraced(),
            ),
            proxy: Proxy::over(roots, stand_in, trusted.clone()),
            trusted,
            runtime: runtime.clone(),
            echo,
            flight: Arc::default(),
        }
    }

    /// The layers. What functions capture of others is for them, too.
    pub(super) fn service(
        &self,
    ) -> impl Service<
        Request<Full<Bytes>>,
        Response = Response<impl http_body::Body<Data = Bytes, Error = BoxError> + use<>>,
        Error = Infallible,
    > + use<> {
        let ways = stack::ways(self.proxy.clone(), self.trusted.clone(), &self.runtime, false);
        let flight = Arc::clone(&self.flight);
        let noted = ways.map_request(move |request: Request<ReceivedBody>| {
            if let Some(of_request) = Flight::of(&request) {
                let _ = flight.set(Arc::clone(of_request));
            }
            request
        });
        let whole = self.edge.clone().layer(noted);
        let answering = Answering::by(whole.clone());
        whole.map_request(move |request: Request<Full<Bytes>>| {
            let _ = &answering;
            request.map(Either::Right)
        })
    }

    /// The request as the listener hands it on.
    pub(super) fn request(asked: &Asked) -> Request<Bytes> {
        let mut request = Request::new(asked.request.body().clone());
        *request.method_mut() = asked.request.method().clone();
        *request.uri_mut() = asked.request.uri().clone();
        request.headers_mut().clone_from(asked.request.headers());
        let local = IpAddr::from(Ipv4Addr::LOCALHOST);
        let port = if asked.is_encrypted { ENCRYPTED } else { PLAIN };
        let connection = Connection::new(SocketAddr::new(asked.client, CLIENT))
            .with_local_addr(SocketAddr::new(local, port))
            .with_tls(asked.is_encrypted);
        request.extensions_mut().insert(Arc::new(Peer::new(connection, None, None)));
        request
    }

    /// What has become of the request.
    pub(super) fn end(self) -> Ended {
        Ended { forwarded: self.echo.seen(), flight: self.flight.get().cloned() }
    }
}
