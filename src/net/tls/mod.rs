//! Encrypted connections: whom sockets believe, and who they say they are.

mod certificate;
mod handshake;
mod verify;

use std::sync::Arc;

use rustls::client::{ClientSessionMemoryCache, ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, SignatureScheme};
pub(crate) use tokio_rustls::client::TlsStream;

use self::verify::Verifier;

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
