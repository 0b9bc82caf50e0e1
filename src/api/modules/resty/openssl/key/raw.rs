//! Ed25519 and X25519, whose keys are 32 bytes: RFC 8032, RFC 7748, RFC 8410.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use pkcs8::der::Decode;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use x25519_dalek::{PublicKey, StaticSecret};

use super::{NO_PRIVATE_KEY, Refused};

type Bytes = [u8; 32];

pub(in super::super) struct Ed25519 {
    private: Option<Box<SigningKey>>,
    public: VerifyingKey,
}

pub(in super::super) struct X25519 {
    private: Option<StaticSecret>,
    public: PublicKey,
}

const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const X25519_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");

impl Ed25519 {
    pub(in super::super) fn from_private(bytes: Bytes) -> Self {
        let private = SigningKey::from_bytes(&bytes);
        Self { public: private.verifying_key(), private: Some(Box::new(private)) }
    }

    pub(in super::super) fn from_public(bytes: &Bytes) -> Option<Self> {
        Some(Self { private: None, public: VerifyingKey::from_bytes(bytes).ok()? })
    }

    pub(super) fn from_private_der(der: &[u8]) -> Option<Self> {
        Some(Self::from_private(private_of(der, ED25519)?))
    }

    pub(super) fn from_public_der(der: &[u8]) -> Option<Self> {
        Self::from_public(public_of(der, ED25519)?)
    }

    pub(in super::super) fn public(&self) -> &Bytes {
        self.public.as_bytes()
    }

    pub(in super::super) fn private(&self) -> Option<Bytes> {
        self.private.as_ref().map(|key| key.to_bytes())
    }

    pub(super) const fn is_private(&self) -> bool {
        self.private.is_some()
    }

    pub(in super::super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Refused> {
        let private = self.private.as_ref().ok_or(NO_PRIVATE_KEY)?;
        Ok(private.sign(message).to_bytes().to_vec())
    }

    pub(in super::super) fn verify(&self, signature: &[u8], message: &[u8]) -> bool {
        let signature = Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.public.verify_strict(message, &signature).is_ok())
    }

    pub(super) fn to_der(&self, private: bool) -> Result<Vec<u8>, Refused> {
        write(private, self.private(), self.public(), 0x70)
    }
}

impl X25519 {
    pub(in super::super) fn from_private(bytes: Bytes) -> Self {
        let private = StaticSecret::from(bytes);
        Self { public: PublicKey::from(&private), private: Some(private) }
    }

    pub(in super::super) fn from_public(bytes: &Bytes) -> Self {
        Self { private: None, public: PublicKey::from(*bytes) }
    }

    pub(super) fn from_private_der(der: &[u8]) -> Option<Self> {
        Some(Self::from_private(private_of(der, X25519_ID)?))
    }

    pub(super) fn from_public_der(der: &[u8]) -> Option<Self> {
        Some(Self::from_public(public_of(der, X25519_ID)?))
    }

    pub(in super::super) fn public(&self) -> &Bytes {
        self.public.as_bytes()
    }

    pub(in super::super) fn private(&self) -> Option<Bytes> {
        self.private.as_ref().map(StaticSecret::to_bytes)
    }

    pub(super) const fn is_private(&self) -> bool {
        self.private.is_some()
    }

    pub(super) fn derive(&self, peer: &Self) -> Result<Vec<u8>, Refused> {
        let private = self.private.as_ref().ok_or(NO_PRIVATE_KEY)?;
        let secret = private.diffie_hellman(&peer.public);
        // A peer of small order would choose the secret.
        if secret.was_contributory() { Ok(secret.to_bytes().to_vec()) } else { Err("invalid key") }
    }

    pub(super) fn to_der(&self, private: bool) -> Result<Vec<u8>, Refused> {
        write(private, self.private(), self.public(), 0x6e)
    }
}

fn private_of(der: &[u8], id: ObjectIdentifier) -> Option<Bytes> {
    let info = PrivateKeyInfoRef::try_from(der).ok()?;
    if info.algorithm.oid != id {
        return None;
    }
    let key = <&OctetStringRef>::from_der(info.private_key.as_bytes()).ok()?;
    key.as_bytes().try_into().ok()
}

/// What stands before the 32 bytes of a public key; the last byte of the identifier is left open.
const PUBLIC: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0, 3, 0x21, 0];
const PRIVATE: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0, 4, 0x22, 4, 0x20];

fn public_of(der: &[u8], id: ObjectIdentifier) -> Option<&Bytes> {
    let mut before = PUBLIC;
    before[8] = *id.as_bytes().last()?;
    der.strip_prefix(&before)?.try_into().ok()
}

fn write(private: bool, own: Option<Bytes>, public: &Bytes, id: u8) -> Result<Vec<u8>, Refused> {
    if private {
        let mut before = PRIVATE;
        before[11] = id;
        return Ok([&before[..], &own.ok_or(NO_PRIVATE_KEY)?].concat());
    }
    let mut before = PUBLIC;
    before[8] = id;
    Ok([&before[..], public].concat())
}
