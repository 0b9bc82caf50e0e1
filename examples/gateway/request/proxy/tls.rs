//! TLS to services, and whom the gateway believes there.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme,
    WantsVerifier,
};

use crate::BoxError;
use crate::in_force::target::{Tls, Verify};
use crate::in_force::trust::Trust;

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
        let store = Arc::clone(&self.store);
        let verifying = builder(&provider).with_root_certificates(store).with_no_client_auth();
        let everybody = Arc::new(Believed::everybody(&provider));
        let trusting = builder(&provider)
            .dangerous()
            .with_custom_certificate_verifier(everybody)
            .with_no_client_auth();
        [verifying, trusting]
    }
}

fn builder(provider: &Arc<CryptoProvider>) -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .expect("ring has ciphers for them")
}

/// How connections to services are encrypted.
pub(crate) struct TlsConfigs {
    verifying: [Arc<ClientConfig>; 2],
    trusting: [Arc<ClientConfig>; 2],
    roots: Roots,
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
        Self { verifying: of(&verifying), trusting: of(&trusting), roots: roots.clone() }
    }

    /// How a connection to a service is encrypted.
    pub(super) fn for_service(&self, is_http2: bool, tls: &Tls) -> Arc<ClientConfig> {
        let Some(trust) = &tls.trust else { return self.of(is_http2, tls.verify) };
        let verifies = tls.verify == Verify::Yes;
        let number = usize::from(is_http2) + 2 * usize::from(verifies);
        trust.config(number, || Arc::new(self.own(is_http2, verifies, trust)))
    }

    fn own(&self, is_http2: bool, verifies: bool, trust: &Trust) -> ClientConfig {
        let provider = Arc::new(ring::default_provider());
        let roots = trust.authorities().unwrap_or(&self.roots.store);
        let mut believed = Believed::everybody(&provider);
        if verifies {
            let (roots, provider) = (Arc::clone(roots), Arc::clone(&provider));
            let vouched = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
            believed.vouched = Some(vouched.expect("there is an authority"));
            believed.most = trust.depth();
        }
        let builder =
            builder(&provider).dangerous().with_custom_certificate_verifier(Arc::new(believed));
        let identity = trust.identity().and_then(|certificate| certificate.keys.first());
        let mut config = match identity {
            Some(key) => {
                let key = SingleCertAndKey::from(CertifiedKey::clone(key));
                builder.with_client_cert_resolver(Arc::new(key))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![if is_http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        config
    }

    pub(crate) fn of(&self, is_http2: bool, verify: Verify) -> Arc<ClientConfig> {
        let configs = match verify {
            Verify::Yes => &self.verifying,
            Verify::No => &self.trusting,
        };
        Arc::clone(&configs[usize::from(is_http2)])
    }
}

/// Whom the gateway believes: those who are vouched for, over no more certificates than `most`, or everybody
/// (`tls_verify = false`). Nobody is believed over a broken handshake.
#[derive(Debug)]
struct Believed {
    vouched: Option<Arc<WebPkiServerVerifier>>,
    most: Option<usize>,
    provider: Arc<CryptoProvider>,
}

impl Believed {
    fn everybody(provider: &Arc<CryptoProvider>) -> Self {
        Self { vouched: None, most: None, provider: Arc::clone(provider) }
    }
}

impl ServerCertVerifier for Believed {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(vouched) = &self.vouched else { return Ok(ServerCertVerified::assertion()) };
        // What stands farther away is as if it had not been sent.
        let most = self.most.unwrap_or(others.len()).min(others.len());
        vouched.verify_server_cert(certificate, &others[..most], name, response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
