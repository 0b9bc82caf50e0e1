//! The digests by their names, as types.

use crate::api::digest::Algorithm;

/// Evaluates an expression with the type of a digest.
macro_rules! with_hash {
    ($algorithm:expr, $Hash:ident => $body:expr) => {
        match $algorithm {
            $crate::api::digest::Algorithm::Md5 => {
                type $Hash = md5_of_rustcrypto::Md5;
                $body
            }
            $crate::api::digest::Algorithm::Sha1 => {
                type $Hash = sha1::Sha1;
                $body
            }
            $crate::api::digest::Algorithm::Sha224 => {
                type $Hash = sha2::Sha224;
                $body
            }
            $crate::api::digest::Algorithm::Sha256 => {
                type $Hash = sha2::Sha256;
                $body
            }
            $crate::api::digest::Algorithm::Sha384 => {
                type $Hash = sha2::Sha384;
                $body
            }
            $crate::api::digest::Algorithm::Sha512 => {
                type $Hash = sha2::Sha512;
                $body
            }
        }
    };
}
pub(super) use with_hash;

/// The digest of one of OpenSSL's names, in any case: `sha256`, `SHA2-256`, `RSA-SHA256`.
pub(super) fn named(name: &[u8]) -> Option<Algorithm> {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let name = name.strip_prefix("rsa-").unwrap_or(&name);
    let name = match name {
        "sha-1" | "ssl3-sha1" => "sha1",
        "ssl3-md5" => "md5",
        other => other,
    };
    let plain: String = name.replace("sha2-", "sha").replace("sha-", "sha");
    Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == plain)
}
