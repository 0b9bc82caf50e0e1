//! [`Probe`]: one question to one target.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, HeaderName, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::BoxError;
use crate::configured::upstream::{Active, CheckKind};
use crate::in_force::balancer::{Balancer, Found, Place, Report};
use crate::in_force::target::Verify;
use crate::request::proxy::{Roots, TlsConfigs};

/// Asks targets how they are.
pub(super) struct Probe {
    tls: TlsConfigs,
}

impl Probe {
    pub(super) fn new(roots: &Roots) -> Self {
        Self { tls: TlsConfigs::new(roots) }
    }

    /// Asks a target, and notes what becomes of it.
    pub(super) async fn ask(&self, balancer: &Balancer, place: &Place) {
        let active = &balancer.upstream().healthchecks.active;
        let patience = Duration::from_secs_f64(active.timeout);
        let report = match tokio::time::timeout(patience, self.answer(balancer, place)).await {
            Ok(Ok(Some(status))) => {
                return balancer.report_status(place, status.as_u16(), Found::ByCheck);
            }
            Ok(Ok(None)) => Report::Success,
            Ok(Err(error)) => {
                tracing::debug!("health check of {}: {error}", place.member.target);
                Report::TcpFailure
            }
            Err(_) => Report::Timeout,
        };
        balancer.report(place, report, Found::ByCheck);
    }

    /// The status that a target answers with, where it is asked for anything: a connection may be all.
    //
    // Kong: has `tcp` for services of bare TCP alone, and asks `grpc` as it asks `http`.
    async fn answer(
        &self,
        balancer: &Balancer,
        place: &Place,
    ) -> Result<Option<StatusCode>, BoxError> {
        let upstream = balancer.upstream();
        let active = &upstream.healthchecks.active;
        let host = upstream.host_header.as_deref().unwrap_or_else(|| place.member.host());
        let stream = TcpStream::connect(place.peer.addr).await?;
        let request = || question(active, host);
        match active.kind {
            CheckKind::Tcp | CheckKind::Grpc => Ok(None),
            CheckKind::Http => status(stream, request()?).await.map(Some),
            CheckKind::Grpcs => self.encrypted(active, host, stream).await.map(|_| None),
            CheckKind::Https => {
                status(self.encrypted(active, host, stream).await?, request()?).await.map(Some)
            }
        }
    }

    async fn encrypted(
        &self,
        active: &Active,
        host: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, BoxError> {
        let verify = if active.https_verify_certificate { Verify::Yes } else { Verify::No };
        let is_http2 = active.kind == CheckKind::Grpcs;
        let connector = TlsConnector::from(self.tls.of(is_http2, verify));
        let name = active.https_sni.as_deref().unwrap_or(host);
        Ok(connector.connect(ServerName::try_from(name.to_owned())?, stream).await?)
    }
}

fn question(active: &Active, host: &str) -> Result<Request<Empty<Bytes>>, BoxError> {
    let mut request = Request::get(&active.http_path).body(Empty::new())?;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_str(host)?);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    for (name, values) in active.headers.iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes())?;
        headers.remove(&name);
        for value in values {
            headers.append(&name, HeaderValue::from_str(value)?);
        }
    }
    Ok(request)
}

/// Asks, and waits for no more than the head of what is answered.
async fn status<S>(stream: S, request: Request<Empty<Bytes>>) -> Result<StatusCode, BoxError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut answer = pin!(sender.send_request(request));
    tokio::select! {
        response = &mut answer => Ok(response?.status()),
        // It may have brought the answer with it.
        _ = connection => Ok(answer.await?.status()),
    }
}
