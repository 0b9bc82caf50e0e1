//! Keys on the curves of ECDSA and ECDH.

use super::{NO_PRIVATE_KEY, Refused};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Curve {
    P256,
    P384,
    P521,
    Secp256k1,
}

impl Curve {
    pub(in super::super) const ALL: [Self; 4] =
        [Self::P256, Self::P384, Self::P521, Self::Secp256k1];

    /// OpenSSL's name and number of the curve, and that of JSON Web Keys.
    pub(in super::super) const fn names(self) -> (&'static str, u32, &'static str) {
        match self {
            Self::P256 => ("prime256v1", 415, "P-256"),
            Self::P384 => ("secp384r1", 715, "P-384"),
            Self::P521 => ("secp521r1", 716, "P-521"),
            Self::Secp256k1 => ("secp256k1", 714, "secp256k1"),
        }
    }

    /// The curve of any of its names.
    pub(in super::super) fn named(name: &str) -> Option<Self> {
        let name = if name == "secp256r1" { "prime256v1" } else { name };
        Self::ALL.into_iter().find(|curve| {
            let (openssl, _, jwk) = curve.names();
            name == openssl || name == jwk
        })
    }

    /// The length of a coordinate, in bytes.
    pub(in super::super) const fn size(self) -> usize {
        match self {
            Self::P256 | Self::Secp256k1 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The length of the longest signature in DER.
    pub(super) const fn signature_len(self) -> usize {
        match self {
            Self::P521 => 139,
            other => 2 * other.size() + 8,
        }
    }
}

/// A key on one of the curves.
macro_rules! curves {
    ($($name:ident: $library:ident),*) => {
        pub(in super::super) enum Ec {
            $($name { private: Option<$library::SecretKey>, public: Box<$library::PublicKey> },)*
        }

        impl Ec {
            pub(in super::super) const fn curve(&self) -> Curve {
                match self { $(Self::$name { .. } => Curve::$name,)* }
            }

            pub(super) const fn is_private(&self) -> bool {
                match self { $(Self::$name { private, .. } => private.is_some(),)* }
            }

            /// The key of a number, as long as the curve's coordinates. `None` if it is out of range.
            pub(in super::super) fn from_private(curve: Curve, bytes: &[u8]) -> Option<Self> {
                match curve {
                    $(Curve::$name => {
                        let private = $library::SecretKey::from_slice(bytes).ok()?;
                        let public = Box::new(private.public_key());
                        Some(Self::$name { private: Some(private), public })
                    })*
                }
            }

            /// The key of a point as SEC1 has it. `None` if it is not on the curve.
            pub(in super::super) fn from_public(curve: Curve, point: &[u8]) -> Option<Self> {
                match curve {
                    $(Curve::$name => {
                        let public = $library::PublicKey::from_sec1_bytes(point).ok()?;
                        Some(Self::$name { private: None, public: Box::new(public) })
                    })*
                }
            }

            pub(super) fn from_private_der(der: &[u8]) -> Option<Self> {
                use pkcs8::DecodePrivateKey;
                $(if let Ok(private) = $library::SecretKey::from_pkcs8_der(der) {
                    let public = Box::new(private.public_key());
                    return Some(Self::$name { private: Some(private), public });
                })*
                None
            }

            pub(super) fn from_sec1_der(der: &[u8]) -> Option<Self> {
                $(if let Ok(private) = $library::SecretKey::from_sec1_der(der) {
                    let public = Box::new(private.public_key());
                    return Some(Self::$name { private: Some(private), public });
                })*
                None
            }

            pub(super) fn from_public_der(der: &[u8]) -> Option<Self> {
                use pkcs8::DecodePublicKey;
                $(if let Ok(public) = $library::PublicKey::from_public_key_der(der) {
                    return Some(Self::$name { private: None, public: Box::new(public) });
                })*
                None
            }

            /// The point, uncompressed: 4, x and y.
            pub(in super::super) fn point(&self) -> Vec<u8> {
                match self {
                    $(Self::$name { public, .. } => {
                        use elliptic_curve::sec1::ToSec1Point;
                        public.to_sec1_point(false).as_bytes().to_vec()
                    })*
                }
            }

            pub(in super::super) fn private(&self) -> Option<Vec<u8>> {
                match self {
                    $(Self::$name { private, .. } => {
                        private.as_ref().map(|key| key.to_bytes().to_vec())
                    })*
                }
            }

            /// A signature with the number of RFC 6979, which no generator's weakness gives away.
            pub(in super::super) fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, Refused> {
                let digest = fill(digest, self.curve());
                match self {
                    $(Self::$name { private, .. } => {
                        use ecdsa::signature::hazmat::PrehashSigner;
                        let key = private.as_ref().ok_or(NO_PRIVATE_KEY)?;
                        let key = $library::ecdsa::SigningKey::from(key);
                        let signature: $library::ecdsa::Signature =
                            key.sign_prehash(&digest).map_err(|_| "signing failed")?;
                        Ok(signature.to_bytes().to_vec())
                    })*
                }
            }

            pub(in super::super) fn verify(&self, signature: &[u8], digest: &[u8]) -> bool {
                let digest = fill(digest, self.curve());
                match self {
                    $(Self::$name { public, .. } => {
                        use ecdsa::signature::hazmat::PrehashVerifier;
                        let Ok(signature) = $library::ecdsa::Signature::from_slice(signature) else {
                            return false;
                        };
                        let key = $library::ecdsa::VerifyingKey::from(&**public);
                        key.verify_prehash(&digest, &signature).is_ok()
                    })*
                }
            }

            pub(super) fn derive(&self, peer: &Self) -> Result<Vec<u8>, Refused> {
                match (self, peer) {
                    $((Self::$name { private, .. }, Self::$name { public, .. }) => {
                        let key = private.as_ref().ok_or(NO_PRIVATE_KEY)?;
                        let secret = elliptic_curve::ecdh::diffie_hellman(
                            key.to_nonzero_scalar(),
                            public.as_affine(),
                        );
                        Ok(secret.raw_secret_bytes().to_vec())
                    })*
                    _ => Err("different parameters"),
                }
            }

            pub(super) fn to_der(&self, private: bool) -> Result<Vec<u8>, Refused> {
                use pkcs8::{EncodePrivateKey, EncodePublicKey};
                const FAILED: Refused = "encoding failed";
                match self {
                    $(Self::$name { private: Some(key), .. } if private => {
                        key.to_pkcs8_der().map(|der| der.as_bytes().to_vec()).map_err(|_| FAILED)
                    })*
                    _ if private => Err(NO_PRIVATE_KEY),
                    $(Self::$name { public, .. } => {
                        public.to_public_key_der().map(|der| der.into_vec()).map_err(|_| FAILED)
                    })*
                }
            }
        }
    };
}

curves!(P256: p256, P384: p384, P521: p521, Secp256k1: k256);

/// A digest with zeros before it where it is shorter than what the curve's crate takes: the same
/// number.
fn fill(digest: &[u8], curve: Curve) -> Vec<u8> {
    let missing = curve.size().saturating_sub(digest.len());
    [&vec![0; missing], digest].concat()
}

/// A signature in DER of the two numbers one after the other.
pub(in super::super) fn to_der(raw: &[u8]) -> Vec<u8> {
    let (r, s) = raw.split_at(raw.len() / 2);
    let both = [integer(r), integer(s)].concat();
    let mut der = vec![0x30];
    // No curve has numbers so long that two bytes of length are not enough.
    if both.len() >= 0x80 {
        der.push(0x81);
    }
    der.push(both.len() as u8);
    der.extend(both);
    der
}

fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = &bytes[zeros.min(bytes.len().saturating_sub(1))..];
    let positive: &[u8] = if digits.first().is_some_and(|byte| *byte >= 0x80) { &[0] } else { &[] };
    let mut der = vec![2, (positive.len() + digits.len()) as u8];
    der.extend(positive);
    der.extend(digits);
    der
}

/// The two numbers of a signature in DER, each `size` bytes long.
pub(in super::super) fn from_der(der: &[u8], size: usize) -> Option<Vec<u8>> {
    use pkcs8::der::asn1::UintRef;
    use pkcs8::der::{Decode, Reader, SliceReader};
    let mut reader = SliceReader::new(der).ok()?;
    let numbers: [UintRef<'_>; 2] = reader
        .sequence(|inner: &mut SliceReader<'_>| -> pkcs8::der::Result<_> {
            Ok([UintRef::decode(inner)?, UintRef::decode(inner)?])
        })
        .ok()?;
    if !reader.is_finished() {
        return None;
    }
    let mut raw = Vec::with_capacity(2 * size);
    for number in numbers {
        let bytes = number.as_bytes();
        raw.resize(raw.len() + size.checked_sub(bytes.len())?, 0);
        raw.extend_from_slice(bytes);
    }
    Some(raw)
}
