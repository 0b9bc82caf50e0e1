//! Encrypted connections: `sslhandshake`.

mod certificate;
mod verify;

use std::future::Future;
use std::io;
use std::sync::Arc;

use rustls::client::{ClientSessionMemoryCache, ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, SignatureScheme};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
pub(crate) use tokio_rustls::client::TlsStream;

use self::verify::{Refusal, Verifier};
use super::socket::{Connection, Use};
use super::stream::{Plain, Stream};
use super::{Fault, Socket};

/// Whom sockets believe, and with what they encrypt.
pub(crate) struct Settings {
    provider: Arc<CryptoProvider>,
    // One for each way to verify, kept because a session is resumed only with the verifier that it
    // was begun with.
    unverified: Arc<Verifier>,
    chain: Arc<Verifier>,
    name: Arc<Verifier>,
    // Kept for the same reason.
    nobody: Arc<Nobody>,
}

/// Who a client is that has no certificate.
#[derive(Debug)]
struct Nobody;

impl ResolvesClientCert for Nobody {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

impl Default for Settings {
    /// Believes the roots that Mozilla believes.
    fn default() -> Self {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self::new(roots, Vec::new())
    }
}

impl Settings {
    fn new(roots: RootCertStore, trusted: Vec<CertificateDer<'static>>) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let (roots, trusted) = (Arc::new(roots), Arc::<[_]>::from(trusted));
        let verifier = |verifies, by_name| {
            let (roots, trusted) = (Arc::clone(&roots), Arc::clone(&trusted));
            Arc::new(Verifier { roots, trusted, verifies, by_name, algorithms })
        };
        Self {
            unverified: verifier(false, false),
            chain: verifier(true, false),
            name: verifier(true, true),
            nobody: Arc::new(Nobody),
            provider,
        }
    }

    /// Believes the certificates of `pem`, too. `None` when it has none.
    pub(crate) fn trusting(pem: &[u8]) -> Option<Self> {
        let certificates: Vec<_> =
            CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let (added, _) = roots.add_parsable_certificates(certificates.iter().cloned());
        (added > 0).then(|| Self::new(roots, certificates))
    }

    fn config(
        &self,
        handshake: &Handshake,
        options: &Options,
        session: Resumption,
    ) -> ClientConfig {
        let verifier = match (handshake.verifies, &handshake.server_name) {
            (false, _) => &self.unverified,
            (true, None) => &self.chain,
            (true, Some(_)) => &self.name,
        };
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .expect("ring has the suites of both versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(verifier) as _);
        let mut config = config.with_client_cert_resolver(match &options.identity {
            Some(identity) => Arc::clone(&identity.0) as _,
            None => Arc::clone(&self.nobody) as _,
        });
        config.resumption = session;
        config.enable_sni = handshake.server_name.is_some();
        config
    }
}

/// A certificate, with those that lead from it to a root.
#[derive(Clone)]
pub(crate) struct Chain(Arc<[CertificateDer<'static>]>);

impl Chain {
    pub(crate) fn from_pem(pem: &[u8]) -> Option<Self> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
        (!chain.is_empty()).then(|| Self(chain.into()))
    }

    pub(crate) fn from_der(der: &[u8]) -> Option<Self> {
        let certificate = CertificateDer::from(der.to_vec());
        certificate::Certificate::parse(&certificate)?;
        Some(Self([certificate].into()))
    }

    /// Its certificates as they are encoded, one after the other.
    pub(crate) fn der(&self) -> Vec<u8> {
        self.0.iter().flat_map(|certificate| certificate.iter().copied()).collect()
    }
}

/// A private key.
#[derive(Clone)]
pub(crate) struct Key(Arc<PrivateKeyDer<'static>>);

impl Key {
    pub(crate) fn from_pem(pem: &[u8]) -> Option<Self> {
        PrivateKeyDer::from_pem_slice(pem).ok().map(|key| Self(Arc::new(key)))
    }

    pub(crate) fn from_der(der: &[u8]) -> Option<Self> {
        PrivateKeyDer::try_from(der.to_vec()).ok().map(|key| Self(Arc::new(key)))
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.0.secret_der().to_vec()
    }
}

/// Who a client is, to servers that ask.
#[derive(Clone)]
pub(crate) struct Identity(Arc<SingleCertAndKey>);

impl Identity {
    /// `None` when the key is not the certificate's, or of no kind that is known.
    pub(crate) fn new(chain: &Chain, key: &Key) -> Option<Self> {
        let provider = rustls::crypto::ring::default_provider();
        let key = CertifiedKey::from_der(chain.0.to_vec(), key.0.clone_key(), &provider).ok()?;
        Some(Self(Arc::new(SingleCertAndKey::from(key))))
    }
}

/// What a socket's handshakes are done with.
#[derive(Clone, Default)]
pub(crate) struct Options {
    identity: Option<Identity>,
}

/// What a server remembers us by.
#[derive(Clone)]
pub(crate) struct Session(Arc<ClientSessionMemoryCache>);

impl Session {
    fn new() -> Self {
        Self(Arc::new(ClientSessionMemoryCache::new(SERVERS)))
    }
}

/// How many servers a session may be of: one, and those that it is passed to by mistake.
const SERVERS: usize = 8;

/// How a function wants the handshake.
pub(crate) struct Handshake {
    /// The session to resume, if there is one.
    pub(crate) session: Option<Session>,
    /// Whether the function wants a session to resume later.
    pub(crate) keeps_session: bool,
    pub(crate) server_name: Option<String>,
    pub(crate) verifies: bool,
}

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
