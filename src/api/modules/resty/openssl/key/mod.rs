//! Keys of public-key cryptography, as `resty.openssl.pkey` has them.

mod ec;
mod jwk;
mod pem;
mod raw;
mod read;
mod rsa;

pub(super) use self::ec::{Curve, Ec, from_der as signature_from_der, to_der as signature_to_der};
pub(super) use self::raw::{Ed25519, X25519};
pub(super) use self::read::{Format, Wanted, read};
pub(super) use self::rsa::{NUMBERS as RSA_NUMBERS, Padding, Rsa};
use crate::api::digest::Algorithm;

/// A key, or its public half.
pub(super) enum Key {
    Rsa(Rsa),
    Ec(Ec),
    Ed25519(Ed25519),
    X25519(X25519),
}

/// How a signature is made.
#[derive(Clone, Copy)]
pub(super) struct Scheme {
    /// The digest; that of the key's kind when it is not said.
    pub(super) algorithm: Option<Algorithm>,
    pub(super) padding: Padding,
    /// The digest of RSA-PSS's mask.
    pub(super) mask: Option<Algorithm>,
    /// The length of RSA-PSS's salt, in bytes; that of the digest when it is not said.
    pub(super) salt_len: Option<usize>,
}

/// Why a key does not do what is asked of it.
pub(super) type Refused = &'static str;

pub(super) const NO_PRIVATE_KEY: Refused = "missing private key";
pub(super) const NOT_SUPPORTED: Refused = "operation not supported for this keytype";

impl Key {
    pub(super) fn is_private(&self) -> bool {
        match self {
            Self::Rsa(key) => key.is_private(),
            Self::Ec(key) => key.is_private(),
            Self::Ed25519(key) => key.is_private(),
            Self::X25519(key) => key.is_private(),
        }
    }

    /// The name of the key's kind, as OpenSSL has it.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::Ec(_) => "EC",
            Self::Ed25519(_) => "ED25519",
            Self::X25519(_) => "X25519",
        }
    }

    /// How long the longest signature is, or what is decrypted, in bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Rsa(key) => key.size(),
            Self::Ec(key) => key.curve().signature_len(),
            Self::Ed25519(_) => 64,
            Self::X25519(_) => 32,
        }
    }

    /// A signature of `message`; ECDSA's is r and s, of the same length, one after the other.
    pub(super) fn sign(&self, message: &[u8], scheme: Scheme) -> Result<Vec<u8>, Refused> {
        match self {
            Self::Ed25519(key) if scheme.algorithm.is_none() => key.sign(message),
            Self::Ed25519(_) | Self::X25519(_) => Err(NOT_SUPPORTED),
            Self::Rsa(_) | Self::Ec(_) => {
                let algorithm = scheme.algorithm.unwrap_or(Algorithm::Sha256);
                self.sign_digest(&algorithm.of(message), algorithm, scheme)
            }
        }
    }

    /// A signature of what has `digest`.
    pub(super) fn sign_digest(
        &self,
        digest: &[u8],
        algorithm: Algorithm,
        scheme: Scheme,
    ) -> Result<Vec<u8>, Refused> {
        match self {
            Self::Rsa(key) => key.sign(digest, algorithm, scheme),
            Self::Ec(key) => key.sign(digest),
            Self::Ed25519(_) | Self::X25519(_) => Err(NOT_SUPPORTED),
        }
    }

    /// Whether `signature` is one of `message` by this key.
    pub(super) fn verify(
        &self,
        signature: &[u8],
        message: &[u8],
        scheme: Scheme,
    ) -> Result<bool, Refused> {
        match self {
            Self::Ed25519(key) if scheme.algorithm.is_none() => Ok(key.verify(signature, message)),
            Self::Ed25519(_) | Self::X25519(_) => Err(NOT_SUPPORTED),
            Self::Rsa(_) | Self::Ec(_) => {
                let algorithm = scheme.algorithm.unwrap_or(Algorithm::Sha256);
                self.verify_digest(signature, &algorithm.of(message), algorithm, scheme)
            }
        }
    }

    pub(super) fn verify_digest(
        &self,
        signature: &[u8],
        digest: &[u8],
        algorithm: Algorithm,
        scheme: Scheme,
    ) -> Result<bool, Refused> {
        match self {
            Self::Rsa(key) => key.verify(signature, digest, algorithm, scheme),
            Self::Ec(key) => Ok(key.verify(signature, digest)),
            Self::Ed25519(_) | Self::X25519(_) => Err(NOT_SUPPORTED),
        }
    }

    /// The secret that the owner of `peer` derives, too.
    pub(super) fn derive(&self, peer: &Self) -> Result<Vec<u8>, Refused> {
        match (self, peer) {
            (Self::Ec(key), Self::Ec(peer)) => key.derive(peer),
            (Self::X25519(key), Self::X25519(peer)) => key.derive(peer),
            _ => Err("different key types"),
        }
    }

    /// PKCS#8 of the whole key, or the `SubjectPublicKeyInfo` of its public half.
    pub(super) fn to_der(&self, private: bool) -> Result<Vec<u8>, Refused> {
        match self {
            Self::Rsa(key) => key.to_der(private),
            Self::Ec(key) => key.to_der(private),
            Self::Ed25519(key) => key.to_der(private),
            Self::X25519(key) => key.to_der(private),
        }
    }

    pub(super) fn to_pem(&self, private: bool) -> Result<String, Refused> {
        let label = if private { "PRIVATE KEY" } else { "PUBLIC KEY" };
        Ok(pem::encode(label, &self.to_der(private)?))
    }

    /// A JSON Web Key: RFC 7517.
    pub(super) fn to_jwk(&self, private: bool) -> Result<String, Refused> {
        jwk::write(self, private)
    }
}

pub(super) use self::pem::{decode as decode_pem, encode as encode_pem};
