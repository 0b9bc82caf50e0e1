//! `sslhandshake`.

use std::future::Future;
use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::verify::Refusal;
use super::{Handshake, Identity, Session};
use crate::net::connection::Connection;
use crate::net::socket::Use;
use crate::net::stream::{Plain, Stream};
use crate::net::{Fault, Socket};

/// What a handshake has come to: the session, if one is wanted.
type Shaken = Result<Option<Session>, Fault>;

impl Socket {
    /// Sets, or clears, the certificate that servers get which ask for one.
    pub(crate) fn set_identity(&self, identity: Option<Identity>) {
        self.lock().tls.identity = identity;
    }

    /// The session of an encrypted connection.
    pub(crate) fn session(&self) -> Result<Session, Fault> {
        let state = self.lock();
        let connection = state.connection.as_ref().ok_or(Fault::CLOSED)?;
        connection.session.clone().ok_or(Fault::new("no session"))
    }

    /// Encrypts the connection, with the future that this gives. One that is encrypted already stays as
    /// it is.
    pub(crate) fn handshake(
        self: &Arc<Self>,
        handshake: Handshake,
    ) -> Result<Result<Option<Session>, impl Future<Output = Shaken> + Send + use<>>, Fault> {
        let mut state = self.lock();
        if state.read_closed || state.write_closed {
            return Err(Fault::CLOSED);
        }
        let connection = state.open(Use::Both)?;
        // A test's server is believed.
        #[cfg(feature = "testing")]
        if matches!(connection.stream, Stream::Plain(Plain::Memory(_))) {
            let session = handshake.session.unwrap_or_else(Session::new);
            return Ok(Ok(handshake.keeps_session.then_some(session)));
        }
        if matches!(connection.stream, Stream::Tls(_)) {
            let session = handshake.session.or_else(|| connection.session.clone());
            return Ok(Ok(session.filter(|_| handshake.keeps_session)));
        }
        let connection = state.take().expect("looked at above");
        state.connecting = true;
        drop(state);
        let shaking = Shaking { socket: Arc::clone(self) };
        Ok(Err(async move { shaking.shake(connection, handshake).await }))
    }
}

/// A socket in its handshake. Dropped before the end, it is closed.
struct Shaking {
    socket: Arc<Socket>,
}

impl Shaking {
    async fn shake(self, connection: Connection, handshake: Handshake) -> Shaken {
        let Connection { stream, name, place, ticket, reused, .. } = connection;
        let Stream::Plain(plain) = stream else { unreachable!("looked at before") };
        let (options, limit) = {
            let state = self.socket.lock();
            (state.tls.clone(), state.timeouts.connect)
        };
        let session =
            handshake.session.clone().or_else(|| handshake.keeps_session.then(Session::new));
        let resumption = match &session {
            Some(session) => Resumption::store(Arc::clone(&session.0) as _),
            None => Resumption::disabled(),
        };
        let server = server_name(&handshake, &plain)?;
        let config = self.socket.net.reach.tls().config(&handshake, &options, resumption);
        let connector = TlsConnector::from(Arc::new(config));
        let shaking = timeout(limit, connector.connect(server, plain));
        let stream = shaking.await.map_err(|_| Fault::TIMEOUT)?.map_err(|error| explain(&error))?;
        let mut connection = Connection::new(Stream::Tls(Box::new(stream)), name, place, ticket);
        connection.reused = reused;
        connection.session = session.clone();
        self.socket.lock().connection = Some(connection);
        Ok(session.filter(|_| handshake.keeps_session))
    }
}

impl Drop for Shaking {
    fn drop(&mut self) {
        self.socket.lock().connecting = false;
    }
}

/// Whom the connection is to. Where the function names nobody, nobody looks at it.
fn server_name(handshake: &Handshake, plain: &Plain) -> Result<ServerName<'static>, Fault> {
    match (&handshake.server_name, plain) {
        (Some(name), _) => {
            let name = ServerName::try_from(name.clone());
            name.map_err(|_| Fault::new("SSL_set_tlsext_host_name failed"))
        }
        (None, Plain::Tcp(stream)) => Ok(ServerName::from(stream.peer_addr()?.ip())),
        #[cfg(unix)]
        (None, Plain::Unix(_)) => Ok(ServerName::from(std::net::IpAddr::from([127, 0, 0, 1]))),
        #[cfg(feature = "testing")]
        (None, Plain::Memory(_)) => unreachable!("it needs no handshake"),
    }
}

/// OpenSSL's words for what it would have said.
fn explain(error: &io::Error) -> Fault {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(certificate)) => Refusal::of(certificate).into(),
        Some(cause) => {
            tracing::debug!(target: "tower_lua::net", "TLS handshake failed: {cause}");
            Fault::new("handshake failed")
        }
        None => Fault::new("handshake failed"),
    }
}
