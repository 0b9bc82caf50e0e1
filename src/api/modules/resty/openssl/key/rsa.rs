//! RSA: keys, signatures and encryption, RFC 8017.

use crypto_bigint::{BoxedUint, Resize};
use getrandom::SysRng;
use pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, SubjectPublicKeyInfoRef};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{Oaep, Pkcs1v15Encrypt, Pkcs1v15Sign, PrivateKey, Pss, PublicKey};

use super::super::hash::with_hash;
use super::{NO_PRIVATE_KEY, Refused, Scheme};
use crate::api::digest::Algorithm;

pub(in super::super) enum Rsa {
    Private(Box<PrivateKey>),
    Public(Box<PublicKey>),
}

/// OpenSSL's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Padding {
    Pkcs1 = 1,
    None = 3,
    Oaep = 4,
    Pss = 6,
}

/// The numbers of a key, as OpenSSL names them.
pub(in super::super) const NUMBERS: [&str; 8] = ["n", "e", "d", "p", "q", "dmp1", "dmq1", "iqmp"];

/// The most bits that a key may have. Work grows with the third power.
const MAX_BITS: usize = 8192;
const SIZES: std::ops::RangeInclusive<usize> = 512..=MAX_BITS;

impl Padding {
    pub(in super::super) fn numbered(number: f64) -> Option<Self> {
        [Self::Pkcs1, Self::None, Self::Oaep, Self::Pss]
            .into_iter()
            .find(|padding| f64::from(*padding as u8) == number)
    }
}

impl Rsa {
    fn public_half(&self) -> &PublicKey {
        match self {
            Self::Private(key) => key.as_public_key(),
            Self::Public(key) => key,
        }
    }

    fn private_half(&self) -> Result<&PrivateKey, Refused> {
        match self {
            Self::Private(key) => Ok(key),
            Self::Public(_) => Err(NO_PRIVATE_KEY),
        }
    }

    pub(super) const fn is_private(&self) -> bool {
        matches!(self, Self::Private(_))
    }

    pub(super) fn size(&self) -> usize {
        self.public_half().size()
    }

    pub(super) fn from_private_der(der: &[u8]) -> Option<Self> {
        let key = PrivateKey::from_pkcs8_der(der).ok();
        key.or_else(|| PrivateKey::from_pkcs1_der(der).ok()).map(|key| Self::Private(Box::new(key)))
    }

    pub(super) fn from_public_der(der: &[u8]) -> Option<Self> {
        let info = SubjectPublicKeyInfoRef::try_from(der).ok();
        let bytes = match &info {
            Some(info) if info.algorithm.oid == pkcs1::ALGORITHM_OID => {
                info.subject_public_key.as_bytes()?
            }
            Some(_) => return None,
            None => der,
        };
        let key = pkcs1::RsaPublicKeyRef::try_from(bytes).ok()?;
        let mut numbers: [Option<Vec<u8>>; 8] = Default::default();
        numbers[0] = Some(key.modulus.as_bytes().to_vec());
        numbers[1] = Some(key.public_exponent.as_bytes().to_vec());
        Self::from_numbers(&numbers)
    }

    /// The key of some of its [`NUMBERS`], whose bytes are in their order.
    pub(in super::super) fn from_numbers(numbers: &[Option<Vec<u8>>; 8]) -> Option<Self> {
        let number = |at: usize| {
            let bytes = numbers[at].as_deref()?;
            let bits = u32::try_from(bytes.len() * 8).ok()?;
            (bits as usize <= MAX_BITS + 64).then(|| BoxedUint::from_be_slice(bytes, bits).ok())?
        };
        let (modulus, exponent) = (trimmed(&number(0)?), trimmed(&number(1)?));
        let Some(private) = number(2) else {
            let key = PublicKey::new_with_size_limits(modulus, exponent, SIZES).ok()?;
            return Some(Self::Public(Box::new(key)));
        };
        let primes = match (number(3), number(4)) {
            (Some(p), Some(q)) => vec![trimmed(&p), trimmed(&q)],
            _ => Vec::new(),
        };
        let key = PrivateKey::from_components(modulus, exponent, private, primes).ok()?;
        Some(Self::Private(Box::new(key)))
    }

    /// The key's [`NUMBERS`], those that it has.
    pub(in super::super) fn numbers(&self) -> [Option<Vec<u8>>; 8] {
        let bytes = |number: &BoxedUint| {
            let bytes = number.to_be_bytes();
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            bytes[zeros..].to_vec()
        };
        let public = self.public_half();
        let mut numbers: [Option<Vec<u8>>; 8] = Default::default();
        numbers[0] = Some(bytes(public.n().as_ref()));
        numbers[1] = Some(bytes(public.e()));
        if let Self::Private(key) = self {
            numbers[2] = Some(bytes(key.d()));
            if let [p, q] = key.primes() {
                numbers[3] = Some(bytes(p));
                numbers[4] = Some(bytes(q));
                numbers[5] = key.dp().map(bytes);
                numbers[6] = key.dq().map(bytes);
                numbers[7] = key.crt_coefficient().map(|number| bytes(&number));
            }
        }
        numbers
    }

    pub(super) fn sign(
        &self,
        digest: &[u8],
        algorithm: Algorithm,
        scheme: Scheme,
    ) -> Result<Vec<u8>, Refused> {
        let key = self.private_half()?;
        let signed = match scheme.padding {
            Padding::Pkcs1 => {
                let padding = with_hash!(algorithm, D => Pkcs1v15Sign::new::<D>());
                key.sign_with_rng(&mut SysRng, padding, digest)
            }
            Padding::Pss => {
                let len = scheme.salt_len.unwrap_or(digest.len());
                if scheme.mask.is_some_and(|mask| mask != algorithm) {
                    return Err("unsupported mask generation digest");
                }
                with_hash!(algorithm, D => {
                    key.sign_with_rng(&mut SysRng, Pss::<D>::new_with_salt(len), digest)
                })
            }
            Padding::None | Padding::Oaep => return Err("illegal or unsupported padding mode"),
        };
        signed.map_err(|_| "digest too big for rsa key")
    }

    pub(super) fn verify(
        &self,
        signature: &[u8],
        digest: &[u8],
        algorithm: Algorithm,
        scheme: Scheme,
    ) -> Result<bool, Refused> {
        let key = self.public_half();
        let verified = match scheme.padding {
            Padding::Pkcs1 => {
                let padding = with_hash!(algorithm, D => Pkcs1v15Sign::new::<D>());
                key.verify(padding, digest, signature)
            }
            Padding::Pss => with_hash!(algorithm, D => {
                let mut padding = Pss::<D>::new();
                padding.salt_len = scheme.salt_len;
                key.verify(padding, digest, signature)
            }),
            Padding::None | Padding::Oaep => return Err("illegal or unsupported padding mode"),
        };
        Ok(verified.is_ok())
    }

    /// A signature with PKCS#1's padding of what is no digest, or is one without its name.
    pub(in super::super) fn sign_raw(&self, message: &[u8]) -> Result<Vec<u8>, Refused> {
        let key = self.private_half()?;
        let signed = key.sign_with_rng(&mut SysRng, Pkcs1v15Sign::new_unprefixed(), message);
        signed.map_err(|_| "data too large for key size")
    }

    pub(in super::super) fn verify_raw(&self, signature: &[u8], message: &[u8]) -> bool {
        let padding = Pkcs1v15Sign::new_unprefixed();
        self.public_half().verify(padding, message, signature).is_ok()
    }

    pub(in super::super) fn encrypt(
        &self,
        message: &[u8],
        padding: Padding,
        (algorithm, mask): (Algorithm, Algorithm),
    ) -> Result<Vec<u8>, Refused> {
        let key = self.public_half();
        let encrypted = match padding {
            Padding::Pkcs1 => key.encrypt(&mut SysRng, Pkcs1v15Encrypt, message),
            Padding::Oaep => with_hash!(algorithm, D => with_hash!(mask, M => {
                key.encrypt(&mut SysRng, Oaep::<D, M>::new_with_mgf_hash(), message)
            })),
            Padding::None | Padding::Pss => return Err("unsupported padding"),
        };
        encrypted.map_err(|_| "data too large for key size")
    }

    pub(in super::super) fn decrypt(
        &self,
        message: &[u8],
        padding: Padding,
        (algorithm, mask): (Algorithm, Algorithm),
    ) -> Result<Vec<u8>, Refused> {
        let key = self.private_half()?;
        let decrypted = match padding {
            Padding::Pkcs1 => key.decrypt_blinded(&mut SysRng, Pkcs1v15Encrypt, message),
            Padding::Oaep => with_hash!(algorithm, D => with_hash!(mask, M => {
                key.decrypt_blinded(&mut SysRng, Oaep::<D, M>::new_with_mgf_hash(), message)
            })),
            Padding::None | Padding::Pss => return Err("unsupported padding"),
        };
        decrypted.map_err(|_| "decryption failed")
    }

    pub(super) fn to_der(&self, private: bool) -> Result<Vec<u8>, Refused> {
        const FAILED: Refused = "encoding failed";
        if private {
            let der = self.private_half()?.to_pkcs8_der().map_err(|_| FAILED)?;
            return Ok(der.as_bytes().to_vec());
        }
        let der = self.public_half().to_public_key_der().map_err(|_| FAILED)?;
        Ok(der.into_vec())
    }
}

/// A number without zeros before it: a key's size is that of its numbers.
fn trimmed(number: &BoxedUint) -> BoxedUint {
    let bits = number.bit_width().max(1);
    number.clone().resize_unchecked(bits)
}
