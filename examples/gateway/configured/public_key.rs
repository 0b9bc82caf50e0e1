//! [`PublicKey`]: what signatures of tokens are verified with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature as Ed25519Signature, VerifyingKey as Ed25519};
use p256::ecdsa::signature::Verifier;
use p256::pkcs8::DecodePublicKey;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::{Pkcs1v15Sign, Pss, PublicKey as Rsa};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// A public key of one of the kinds that RFC 7518 and RFC 8037 sign with.
pub(crate) enum PublicKey {
    Rsa(Box<Rsa>),
    P256(Box<p256::ecdsa::VerifyingKey>),
    P384(Box<p384::ecdsa::VerifyingKey>),
    P521(Box<p521::ecdsa::VerifyingKey>),
    Ed25519(Box<Ed25519>),
}

impl PublicKey {
    /// The key of a text in PEM, as OpenSSL writes it.
    pub(crate) fn of_pem(text: &str) -> Option<Self> {
        let (label, der) = decode(text)?;
        match label {
            "RSA PUBLIC KEY" => Some(Self::Rsa(Box::new(Rsa::from_pkcs1_der(&der).ok()?))),
            "PUBLIC KEY" => Self::of_der(&der),
            _ => None,
        }
    }

    fn of_der(der: &[u8]) -> Option<Self> {
        if let Ok(key) = Rsa::from_public_key_der(der) {
            return Some(Self::Rsa(Box::new(key)));
        }
        if let Ok(key) = p256::PublicKey::from_public_key_der(der) {
            return Some(Self::P256(Box::new(key.into())));
        }
        if let Ok(key) = p384::PublicKey::from_public_key_der(der) {
            return Some(Self::P384(Box::new(key.into())));
        }
        if let Ok(key) = p521::PublicKey::from_public_key_der(der) {
            return Some(Self::P521(Box::new(key.into())));
        }
        let bytes = der.strip_prefix(ED25519)?.try_into().ok()?;
        Some(Self::Ed25519(Box::new(Ed25519::from_bytes(bytes).ok()?)))
    }

    /// Whether `signature` is the key's for `message`, by the algorithm of this name. A key that is of
    /// another kind than the algorithm has made none.
    pub(crate) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::Rsa(key), "RS256") => {
                let padding = Pkcs1v15Sign::new::<Sha256>();
                key.verify(padding, &Sha256::digest(message), signature).is_ok()
            }
            (Self::Rsa(key), "RS384") => {
                let padding = Pkcs1v15Sign::new::<Sha384>();
                key.verify(padding, &Sha384::digest(message), signature).is_ok()
            }
            (Self::Rsa(key), "RS512") => {
                let padding = Pkcs1v15Sign::new::<Sha512>();
                key.verify(padding, &Sha512::digest(message), signature).is_ok()
            }
            (Self::Rsa(key), "PS256") => {
                key.verify(Pss::<Sha256>::new(), &Sha256::digest(message), signature).is_ok()
            }
            (Self::Rsa(key), "PS384") => {
                key.verify(Pss::<Sha384>::new(), &Sha384::digest(message), signature).is_ok()
            }
            (Self::Rsa(key), "PS512") => {
                key.verify(Pss::<Sha512>::new(), &Sha512::digest(message), signature).is_ok()
            }
            (Self::P256(key), "ES256") => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            (Self::P384(key), "ES384") => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            (Self::P521(key), "ES512") => p521::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            (Self::Ed25519(key), "EdDSA") => Ed25519Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            _ => false,
        }
    }
}

/// What stands before the 32 bytes of a key of RFC 8410.
const ED25519: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The label and the bytes of the first part of a text in PEM.
fn decode(text: &str) -> Option<(&str, Vec<u8>)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    Some((label, STANDARD.decode(body).ok()?))
}
