//! TLS to services, and whom the gateway believes there.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::BoxError;
use crate::in_force::target::Verify;

/// Who may vouch for a service.
#[derive(Clone, Debug)]
pub(crate) struct Roots {
    store: Arc<RootCertStore>,
}

impl Roots {
    /// The authorities that browsers believe, and those of the PEM file `extra`.
    pub(crate) fn new(extra: Option<&Path>) -> Result<Self, BoxError> {
        let mut store = RootCertStore::empty();
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        if let Some(path) = extra {
            let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            for certificate in CertificateDer::pem_file_iter(path).map_err(|e| wrong(&e))? {
                store.add(certificate.map_err(|e| wrong(&e))?).map_err(|e| wrong(&e))?;
            }
        }
        Ok(Self { store: Arc::new(store) })
    }

    /// What believes these authorities, and what believes everybody.
    pub(crate) fn clients(&self) -> [ClientConfig; 2] {
        let provider = Arc::new(ring::default_provider());
        let builder = || {
            ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()
                .expect("ring has ciphers for them")
        };
        let verifying =
            builder().with_root_certificates(Arc::clone(&self.store)).with_no_client_auth();
        let anybody = Arc::new(Anybody(Arc::clone(&provider)));
        let trusting =
            builder().dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth();
        [verifying, trusting]
    }
}

/// How connections to services are encrypted.
pub(crate) struct TlsConfigs {
    verifying: [Arc<ClientConfig>; 2],
    trusting: [Arc<ClientConfig>; 2],
}

impl TlsConfigs {
    pub(crate) fn new(roots: &Roots) -> Self {
        let [verifying, trusting] = roots.clients();
        let of = |config: &ClientConfig| {
            [&b"http/1.1"[..], b"h2"].map(|protocol| {
                let mut config = config.clone();
                config.alpn_protocols = vec![protocol.to_vec()];
                Arc::new(config)
            })
        };
        Self { verifying: of(&verifying), trusting: of(&trusting) }
    }

    pub(crate) fn of(&self, is_http2: bool, verify: Verify) -> Arc<ClientConfig> {
        let configs = match verify {
            Verify::Yes => &self.verifying,
            Verify::No => &self.trusting,
        };
        Arc::clone(&configs[usize::from(is_http2)])
    }
}

/// Believes every certificate, but not a broken handshake: `tls_verify = false`.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
