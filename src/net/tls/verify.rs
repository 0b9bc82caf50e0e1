//! Whether a server is who it should be.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::certificate::Certificate;
use crate::net::Fault;

/// Verifies as much as a function asks for: nothing, the chain, or the chain and the name.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) roots: Arc<RootCertStore>,
    /// The certificates that the roots are made of, for servers that have one of these themselves.
    pub(super) trusted: Arc<[CertificateDer<'static>]>,
    pub(super) verifies: bool,
    pub(super) by_name: bool,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn verify_chain(
        &self,
        server: &CertificateDer<'_>,
        parsed: &ParsedCertificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let own = Certificate::parse(server);
        if own.as_ref().is_some_and(Certificate::is_self_issued) {
            let own = own.expect("looked at above");
            return self.verify_self_signed(server, &own, now);
        }
        let all = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(parsed, &self.roots, intermediates, now, all)
            .map_err(|error| match error {
                Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                    let mut certificates = intermediates.iter().filter_map(Certificate::parse);
                    if certificates.any(|certificate| certificate.is_self_issued()) {
                        refuse("19: self-signed certificate in certificate chain")
                    } else {
                        error
                    }
                }
                error => error,
            })
    }

    /// A server with a certificate of its own making is believed where that is among the trusted.
    fn verify_self_signed(
        &self,
        server: &CertificateDer<'_>,
        own: &Certificate<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        if !self.trusted.contains(server) {
            return Err(refuse("18: self-signed certificate"));
        }
        match own.validity() {
            Some((_, last)) if now.as_secs() > last => Err(CertificateError::Expired.into()),
            Some((first, _)) if now.as_secs() >= first => Ok(()),
            _ => Err(CertificateError::NotValidYet.into()),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.verifies {
            let parsed = ParsedCertificate::try_from(server)?;
            self.verify_chain(server, &parsed, intermediates, now)?;
            if self.by_name {
                verify_server_name(&parsed, name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        server: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, server, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        server: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, server, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Why a certificate is not believed, in OpenSSL's words and with its number.
#[derive(Debug)]
pub(super) struct Refusal(&'static str);

fn refuse(words: &'static str) -> Error {
    CertificateError::Other(OtherError(Arc::new(Refusal(words)))).into()
}

impl Refusal {
    pub(super) fn of(error: &CertificateError) -> Self {
        Self(match error {
            CertificateError::Other(OtherError(cause)) => match cause.downcast_ref::<Self>() {
                Some(refusal) => refusal.0,
                None => "handshake failed",
            },
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "10: certificate has expired"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "9: certificate is not yet valid"
            }
            CertificateError::UnknownIssuer => "20: unable to get local issuer certificate",
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "certificate host mismatch"
            }
            CertificateError::BadSignature => "7: certificate signature failure",
            CertificateError::Revoked => "23: certificate revoked",
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                "26: unsuitable certificate purpose"
            }
            _ => "handshake failed",
        })
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.0)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Refusal {}
