//! JSON Web Keys: RFC 7517, RFC 7518, RFC 8037.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::raw::{Ed25519, X25519};
use super::{Curve, Ec, Key, NO_PRIVATE_KEY, Refused, Rsa, Wanted};
use crate::api::digest::Algorithm;

const RSA_MEMBERS: [&str; 8] = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];

pub(super) fn read(text: &[u8], wanted: Wanted) -> Result<Key, String> {
    let value: Value = serde_json::from_slice(text)
        .map_err(|error| format!("jwk:load_jwk: error decoding JSON from JWK: {error}"))?;
    let Value::Object(mut members) = value else {
        return Err("jwk:load_jwk: except input to be decoded as a table".to_owned());
    };
    if wanted == Wanted::Public {
        members.remove("d");
    } else if wanted == Wanted::Private && !members.contains_key("d") {
        return Err("jwk:load_jwk: missing \"d\" parameter from JWK".to_owned());
    }
    let kind = members.get("kty").and_then(Value::as_str).unwrap_or_default();
    let key = match kind {
        "" => Err("missing \"kty\" parameter from JWK".to_owned()),
        "RSA" => read_rsa(&members),
        "EC" => read_ec(&members),
        "OKP" => read_okp(&members),
        other => Err(format!("not yet supported jwk type \"{other}\"")),
    };
    key.map_err(|problem| format!("jwk:load_jwk: {problem}"))
}

/// A member in base64, if it is there.
fn bytes(members: &Map<String, Value>, name: &str) -> Result<Option<Vec<u8>>, String> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let digits = value.as_str().map(|digits| digits.trim_end_matches('='));
    let bytes = digits.and_then(|digits| URL_SAFE_NO_PAD.decode(digits).ok());
    bytes.map(Some).ok_or_else(|| format!("cannot decode parameter \"{name}\" from base64"))
}

fn required(members: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    bytes(members, name)?.ok_or_else(|| format!("missing \"{name}\" parameter from JWK"))
}

fn read_rsa(members: &Map<String, Value>) -> Result<Key, String> {
    required(members, "n")?;
    required(members, "e")?;
    let mut numbers: [Option<Vec<u8>>; 8] = Default::default();
    for (number, name) in numbers.iter_mut().zip(RSA_MEMBERS) {
        *number = bytes(members, name)?;
    }
    Rsa::from_numbers(&numbers).map(Key::Rsa).ok_or_else(|| "invalid RSA key".to_owned())
}

fn read_ec(members: &Map<String, Value>) -> Result<Key, String> {
    let name = members.get("crv").and_then(Value::as_str);
    let name = name.ok_or("missing \"crv\" parameter from JWK")?;
    let curve = Curve::named(name).ok_or_else(|| format!("unsupported curve {name}"))?;
    let filled = |mut bytes: Vec<u8>| {
        let missing = curve.size().checked_sub(bytes.len()).ok_or_else(|| {
            format!("coordinate length {} is longer than expected {}", bytes.len(), curve.size())
        })?;
        bytes.splice(0..0, std::iter::repeat_n(0, missing));
        Ok::<_, String>(bytes)
    };
    let (x, y) = (filled(required(members, "x")?)?, filled(required(members, "y")?)?);
    let point = [&[4], &x[..], &y[..]].concat();
    let public = Ec::from_public(curve, &point).ok_or("point is not on curve")?;
    let Some(private) = bytes(members, "d")? else { return Ok(Key::Ec(public)) };
    let private = Ec::from_private(curve, &filled(private)?).ok_or("invalid private key")?;
    if private.point() != point {
        return Err("the private key is not that of the point".to_owned());
    }
    Ok(Key::Ec(private))
}

fn read_okp(members: &Map<String, Value>) -> Result<Key, String> {
    let curve = members.get("crv").and_then(Value::as_str);
    let curve = curve.ok_or("missing \"crv\" parameter from OKP JWK")?;
    let private = bytes(members, "d")?;
    let Some(own) = private.clone().or(bytes(members, "x")?) else {
        return Err("missing at least one of \"x\" or \"d\" parameter from OKP JWK".to_owned());
    };
    let own: [u8; 32] = own.try_into().map_err(|_| format!("invalid {curve} key"))?;
    match (curve, private.is_some()) {
        ("Ed25519", true) => Ok(Key::Ed25519(Ed25519::from_private(own))),
        ("Ed25519", false) => {
            Ed25519::from_public(&own).map(Key::Ed25519).ok_or_else(|| "invalid Ed25519 key".into())
        }
        ("X25519", true) => Ok(Key::X25519(X25519::from_private(own))),
        ("X25519", false) => Ok(Key::X25519(X25519::from_public(&own))),
        _ => Err(format!("unknown curve \"{curve}\"")),
    }
}

pub(super) fn write(key: &Key, private: bool) -> Result<String, Refused> {
    if private && !key.is_private() {
        return Err(NO_PRIVATE_KEY);
    }
    let text = |bytes: &[u8]| Value::String(URL_SAFE_NO_PAD.encode(bytes));
    let okp = |curve: &str, public: &[u8], own: Option<[u8; 32]>| {
        let mut jwk = json!({ "kty": "OKP", "crv": curve, "x": text(public) });
        if let (true, Some(own)) = (private, own) {
            jwk["d"] = text(&own);
        }
        jwk
    };
    let mut jwk = match key {
        Key::Rsa(key) => {
            let mut jwk = json!({ "kty": "RSA" });
            let shown = if private { 8 } else { 2 };
            for (name, number) in RSA_MEMBERS.iter().zip(key.numbers()).take(shown) {
                if let Some(number) = number {
                    jwk[*name] = text(&number);
                }
            }
            jwk
        }
        Key::Ec(key) => {
            let point = key.point();
            let (x, y) = point[1..].split_at(key.curve().size());
            let mut jwk =
                json!({ "kty": "EC", "crv": key.curve().names().2, "x": text(x), "y": text(y) });
            if let (true, Some(own)) = (private, key.private()) {
                jwk["d"] = text(&own);
            }
            jwk
        }
        Key::Ed25519(key) => okp("Ed25519", key.public(), key.private()),
        Key::X25519(key) => okp("X25519", key.public(), key.private()),
    };
    jwk["kid"] = text(&Algorithm::Sha256.of(&key.to_der(private)?));
    Ok(jwk.to_string())
}
