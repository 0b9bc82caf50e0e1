//! [`Token`]: a token and its parts, RFC 7515.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::{Sha256, Sha384, Sha512};

/// A token that has been taken apart, and not been verified.
pub(super) struct Token<'a> {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    pub(super) algorithm: String,
    /// What is signed.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
}

const ALGORITHMS: [&str; 13] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256",
    "PS384", "PS512", "EdDSA",
];

impl<'a> Token<'a> {
    /// # Errors
    ///
    /// What is wrong with the token, in Kong's words.
    pub(super) fn parse(text: &'a str) -> Result<Self, &'static str> {
        const NO_JSON: &str = "invalid JSON";
        let (header, rest) = text.split_once('.').ok_or(NO_JSON)?;
        let (claims, signature) = rest.split_once('.').ok_or(NO_JSON)?;
        let signed = &text[..header.len() + 1 + claims.len()];
        let header = object(header).ok_or(NO_JSON)?;
        let claims = object(claims).ok_or(NO_JSON)?;
        let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !ALGORITHMS.contains(&algorithm.as_str()) {
            return Err("invalid alg");
        }
        let signature = decode(signature).ok_or("invalid signature")?;
        Ok(Self { header, claims, algorithm, signed, signature })
    }

    /// Whether the signature is made with `secret`.
    pub(super) fn is_signed_with(&self, secret: &[u8]) -> bool {
        match self.algorithm.as_str() {
            "HS256" => self.has_code::<Hmac<Sha256>>(secret),
            "HS384" => self.has_code::<Hmac<Sha384>>(secret),
            "HS512" => self.has_code::<Hmac<Sha512>>(secret),
            _ => false,
        }
    }

    fn has_code<M: Mac + KeyInit>(&self, secret: &[u8]) -> bool {
        let Ok(code) = <M as KeyInit>::new_from_slice(secret) else { return false };
        code.chain_update(self.signed).verify_slice(&self.signature).is_ok()
    }
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&decode(text)?).ok()
}

/// Decodes base64 of URLs, with padding or without; of the other alphabet as well.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const ENGINE: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG);
    ENGINE.decode(text.replace('+', "-").replace('/', "_")).ok()
}
