//! Keys out of PEM, DER and JSON.

use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::EncryptionScheme;

use super::raw::{Ed25519, X25519};
use super::{Ec, Key, Rsa, jwk, pem};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Format {
    Any,
    Pem,
    Der,
    Jwk,
}

/// Which half of a key is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Wanted {
    Any,
    Private,
    Public,
}

/// The key that `text` holds.
pub(in super::super) fn read(
    text: &[u8],
    format: Format,
    wanted: Wanted,
    passphrase: Option<&[u8]>,
) -> Result<Key, String> {
    if format == Format::Jwk || (format == Format::Any && text.trim_ascii_start().starts_with(b"{"))
    {
        return jwk::read(text, wanted);
    }
    if format != Format::Der {
        for (label, der) in pem::decode(text) {
            if let Some(key) = of_part(&label, &der, wanted, passphrase)? {
                return Ok(key);
            }
        }
    }
    let found = match format {
        Format::Pem => None,
        _ => of_der(text, wanted),
    };
    found.ok_or_else(|| "unsupported".to_owned())
}

/// The key of a part of PEM; nothing if it is of another kind, `EC PARAMETERS` for one.
fn of_part(
    label: &str,
    der: &[u8],
    wanted: Wanted,
    passphrase: Option<&[u8]>,
) -> Result<Option<Key>, String> {
    let kind = match label {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Wanted::Public,
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => {
            Wanted::Private
        }
        _ => return Ok(None),
    };
    if wanted != Wanted::Any && wanted != kind {
        return Ok(None);
    }
    if label == "ENCRYPTED PRIVATE KEY" {
        let passphrase = passphrase.ok_or("bad password read: no passphrase is given")?;
        return decrypted(der, passphrase).map(Some);
    }
    of_der(der, kind).map(Some).ok_or_else(|| format!("unsupported {label}"))
}

fn of_der(der: &[u8], wanted: Wanted) -> Option<Key> {
    let private = || {
        let rsa = Rsa::from_private_der(der).map(Key::Rsa);
        rsa.or_else(|| Ec::from_private_der(der).map(Key::Ec))
            .or_else(|| Ec::from_sec1_der(der).map(Key::Ec))
            .or_else(|| Ed25519::from_private_der(der).map(Key::Ed25519))
            .or_else(|| X25519::from_private_der(der).map(Key::X25519))
    };
    let public = || {
        let rsa = Rsa::from_public_der(der).map(Key::Rsa);
        rsa.or_else(|| Ec::from_public_der(der).map(Key::Ec))
            .or_else(|| Ed25519::from_public_der(der).map(Key::Ed25519))
            .or_else(|| X25519::from_public_der(der).map(Key::X25519))
    };
    match wanted {
        Wanted::Private => private(),
        Wanted::Public => public(),
        Wanted::Any => private().or_else(public),
    }
}

/// How often PBKDF2 may hash, and how much memory scrypt may take, in bytes, for a passphrase.
const MAX_ROUNDS: u32 = 1_000_000;
const MAX_SCRYPT: u64 = 64 << 20;

fn decrypted(der: &[u8], passphrase: &[u8]) -> Result<Key, String> {
    let unsupported = || "unsupported encryption".to_owned();
    let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| unsupported())?;
    let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
        return Err(unsupported());
    };
    let rounds = parameters.kdf.pbkdf2().map_or(0, |kdf| kdf.iteration_count);
    let memory = parameters.kdf.scrypt().map_or(0, |kdf| {
        128u64
            .saturating_mul(kdf.cost_parameter)
            .saturating_mul(u64::from(kdf.block_size))
            .saturating_mul(u64::from(kdf.parallelization))
    });
    if rounds > MAX_ROUNDS || memory > MAX_SCRYPT {
        return Err("the key's encryption takes too long".to_owned());
    }
    let key = info.decrypt(passphrase).map_err(|_| "bad decrypt".to_owned())?;
    of_der(key.as_bytes(), Wanted::Private).ok_or_else(|| "unsupported".to_owned())
}
