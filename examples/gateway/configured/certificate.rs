//! Certificates, the names that they are for, and authorities, as Kong's entities have them.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, SignatureAlgorithm};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use x509_cert::der::Decode;
use x509_cert::ext::pkix::BasicConstraints;

use super::entity::Reference;

/// A certificate with its key; and perhaps another of another kind, for those who know that one only.
#[derive(Deserialize)]
#[serde(try_from = "Texts")]
pub(crate) struct Certificate {
    /// One or two.
    pub(crate) keys: Vec<Arc<CertifiedKey>>,
}

/// A name that clients ask for a certificate by.
#[derive(Debug, Deserialize)]
pub(crate) struct Sni {
    /// With `*` as its first or last part, or without.
    pub(crate) name: String,
    pub(crate) certificate: Reference,
}

/// Who may vouch for services.
#[derive(Debug, Deserialize)]
#[serde(try_from = "AuthorityText")]
pub(crate) struct Authority {
    pub(crate) certificate: CertificateDer<'static>,
}

#[derive(Deserialize)]
struct Texts {
    cert: String,
    key: String,
    cert_alt: Option<String>,
    key_alt: Option<String>,
}

#[derive(Deserialize)]
struct AuthorityText {
    cert: String,
}

/// Why a certificate and a key do not go together.
pub(crate) enum Unfit {
    Certificate,
    Key,
    /// They are not of each other.
    Pair,
}

/// A certificate, and those that vouch for it, with the key: all of them in PEM.
pub(crate) fn certified(certificate: &str, key: &str) -> Result<CertifiedKey, Unfit> {
    let chain = chain(certificate).ok_or(Unfit::Certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| Unfit::Key)?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Unfit::Pair,
        Error::InvalidCertificate(_) => Unfit::Certificate,
        _ => Unfit::Key,
    })
}

/// The certificates of a text in PEM, at least one.
pub(crate) fn chain(text: &str) -> Option<Vec<CertificateDer<'static>>> {
    let chain = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty())?;
    let is_one = |der: &CertificateDer<'_>| x509_cert::Certificate::from_der(der).is_ok();
    chain.iter().all(is_one).then_some(chain)
}

/// Whether a text in PEM is a key that certificates can be used with.
pub(crate) fn is_key(text: &str) -> bool {
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).ok();
    key.is_some_and(|key| ring::default_provider().key_provider.load_private_key(key).is_ok())
}

/// The algorithm of a key: two of a certificate are to differ.
pub(crate) fn algorithm(key: &CertifiedKey) -> SignatureAlgorithm {
    key.key.algorithm()
}

/// Why a certificate is none of an authority. The messages are Kong's.
pub(crate) fn authority_error(text: &str, now: i64) -> Option<&'static str> {
    let chain = chain(text)?;
    if chain.len() > 1 {
        return Some("please submit only one certificate at a time");
    }
    let certificate = x509_cert::Certificate::from_der(&chain[0]).ok()?;
    let tbs = certificate.tbs_certificate();
    let until = tbs.validity().not_after.to_unix_duration().as_secs();
    if i64::try_from(until).is_ok_and(|until| until < now) {
        return Some("certificate expired, \"Not After\" time is in the past");
    }
    let constraints = tbs.get_extension::<BasicConstraints>().ok().flatten();
    let is_authority = constraints.is_some_and(|(_, constraints)| constraints.ca);
    (!is_authority).then_some(
        "certificate does not appear to be a CA because it is missing the \"CA\" basic constraint",
    )
}

/// The digest by which an authority is known.
pub(crate) fn digest(text: &str) -> Option<String> {
    let digest = Sha256::digest(chain(text)?.first()?);
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl TryFrom<Texts> for Certificate {
    type Error = &'static str;

    fn try_from(texts: Texts) -> Result<Self, Self::Error> {
        let first = Some((&texts.cert, &texts.key));
        let second = texts.cert_alt.as_ref().zip(texts.key_alt.as_ref());
        let pairs = first.into_iter().chain(second);
        let keys = pairs.map(|(cert, key)| certified(cert, key).map(Arc::new));
        let keys = keys.collect::<Result<_, _>>().map_err(|_| "certificate does not match key")?;
        Ok(Self { keys })
    }
}

impl TryFrom<AuthorityText> for Authority {
    type Error = &'static str;

    fn try_from(text: AuthorityText) -> Result<Self, Self::Error> {
        let mut chain = chain(&text.cert).ok_or("invalid certificate")?;
        Ok(Self { certificate: chain.swap_remove(0) })
    }
}

/// Shows nothing that is secret.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}
