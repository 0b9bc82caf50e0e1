//! `resty.openssl.pkey`.

use mlua::{AnyUserData, IntoLua, Lua, LuaString, Table, UserData, Value};
use num_bigint::BigUint;

use super::digest::State;
use super::key::{
    Curve, Ec, Ed25519, Format, Key, Padding, RSA_NUMBERS, Rsa, Scheme, Wanted, X25519, read,
    signature_from_der, signature_to_der,
};
use super::{context, hash, join, optional, prime, text};
use crate::api::digest::Algorithm;
use crate::api::modules::Loader;
use crate::lua::as_number;
use crate::lua::check;

impl UserData for Key {}

type OrMessage<T> = mlua::Result<Result<T, String>>;

pub(super) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    native.raw_set("load", lua.create_function(load)?)?;
    native.raw_set("generate", lua.create_function(generate)?)?;
    native.raw_set("compose", lua.create_function(compose)?)?;
    native.raw_set("about", lua.create_function(about)?)?;
    native.raw_set("parameters", lua.create_function(parameters)?)?;
    native.raw_set("export", lua.create_function(export)?)?;
    native.raw_set("sign", lua.create_function(sign)?)?;
    native.raw_set("verify", lua.create_function(verify)?)?;
    native.raw_set("crypt", lua.create_function(crypt)?)?;
    native.raw_set("sign_raw", lua.create_function(sign_raw)?)?;
    native.raw_set("verify_raw", lua.create_function(verify_raw)?)?;
    native.raw_set("derive", lua.create_function(derive)?)?;
    let is = |_: &Lua, value: Value| Ok(value.as_userdata().is_some_and(AnyUserData::is::<Key>));
    native.raw_set("is", lua.create_function(is)?)?;
    join(lua, include_str!("pkey.lua"), native)
}

fn load(
    lua: &Lua,
    (s, format, wanted, passphrase): (LuaString, LuaString, LuaString, Value),
) -> OrMessage<Key> {
    let format = match &*format.as_bytes() {
        b"*" => Format::Any,
        b"PEM" => Format::Pem,
        b"DER" => Format::Der,
        b"JWK" => Format::Jwk,
        _ => return Ok(Err("expecting 'DER', 'PEM', 'JWK' or '*' as \"format\"".to_owned())),
    };
    let wanted = match &*wanted.as_bytes() {
        b"*" => Wanted::Any,
        b"pr" => Wanted::Private,
        b"pu" => Wanted::Public,
        _ => return Ok(Err("expecting 'pr', 'pu' or '*' as \"type\"".to_owned())),
    };
    check(lua, 0)?;
    let passphrase = optional(lua, passphrase, "passphrase")?;
    let passphrase = passphrase.as_ref().map(LuaString::as_bytes);
    let key = read(&s.as_bytes(), format, wanted, passphrase.as_deref());
    check(lua, 0)?;
    Ok(key)
}

fn generate(
    lua: &Lua,
    (kind, bits, exponent, curve): (LuaString, Value, Value, Value),
) -> OrMessage<Key> {
    let kind = kind.to_string_lossy();
    match &*kind {
        "RSA" => generate_rsa(lua, &bits, &exponent),
        "EC" => {
            let name = curve.as_string().map_or("prime192v1".into(), LuaString::to_string_lossy);
            let Some(curve) = Curve::named(&name) else {
                return Ok(Err(format!("generate_param: unknown curve {name}")));
            };
            // A number out of the curve's range is as rare as one of a key that somebody guesses.
            Ok(random::<66>().and_then(|mut bytes| {
                if curve == Curve::P521 {
                    bytes[0] &= 1;
                }
                let key = Ec::from_private(curve, &bytes[..curve.size()]);
                key.map(Key::Ec).ok_or_else(|| "EVP_PKEY_gen: try again".to_owned())
            }))
        }
        "Ed25519" | "ED25519" => {
            Ok(random().map(|bytes| Key::Ed25519(Ed25519::from_private(bytes))))
        }
        "X25519" => Ok(random().map(|bytes| Key::X25519(X25519::from_private(bytes)))),
        other => Ok(Err(format!("unsupported type {other}"))),
    }
}

fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    let filled = getrandom::fill(&mut bytes);
    filled.map(|()| bytes).map_err(|_| "the system gives no random bytes".to_owned())
}

/// The least and the most bits of a new key. OpenSSL makes larger ones, for minutes.
const BITS: std::ops::RangeInclusive<f64> = 512.0..=4096.0;

fn generate_rsa(lua: &Lua, bits: &Value, exponent: &Value) -> OrMessage<Key> {
    let bits = as_number(bits).unwrap_or(2048.0);
    if !BITS.contains(&bits) {
        return Ok(Err("bits out of range".to_owned()));
    }
    let exponent = as_number(exponent).unwrap_or(65537.0);
    if !(3.0..=4_294_967_295.0).contains(&exponent) || exponent % 2.0 == 0.0 {
        return Ok(Err("bad e value".to_owned()));
    }
    let exponent = BigUint::from(exponent as u64);
    let one = BigUint::from(1u8);
    let half = bits as usize / 2;
    loop {
        let found = [half, bits as usize - half]
            .map(|bits| prime::random(lua, bits, crypto_primes::Flavor::Any));
        let [p, q] = found;
        let (Some(p), Some(q)) = (p?, q?) else {
            return Ok(Err("the system gives no random bytes".to_owned()));
        };
        let order = (&p - &one) * (&q - &one);
        if let (Some(d), true) = (exponent.modinv(&order), p != q) {
            let bytes = |number: &BigUint| Some(number.to_bytes_be());
            let numbers = [
                bytes(&(&p * &q)),
                bytes(&exponent),
                bytes(&d),
                bytes(&p),
                bytes(&q),
                None,
                None,
                None,
            ];
            let key = Rsa::from_numbers(&numbers).map(Key::Rsa);
            return Ok(key.ok_or_else(|| "EVP_PKEY_gen: no key".to_owned()));
        }
    }
}

/// The key of its parameters, whose numbers are big-endian bytes.
fn compose(lua: &Lua, (kind, given): (LuaString, Table)) -> OrMessage<Key> {
    let bytes = |name: &str| -> mlua::Result<Option<Vec<u8>>> {
        Ok(optional(lua, given.raw_get(name)?, name)?.map(|text| text.as_bytes().to_vec()))
    };
    let kind = kind.to_string_lossy();
    let key = match &*kind {
        "RSA" => {
            let mut numbers: [Option<Vec<u8>>; 8] = Default::default();
            for (number, name) in numbers.iter_mut().zip(RSA_NUMBERS) {
                *number = bytes(name)?;
            }
            Rsa::from_numbers(&numbers).map(Key::Rsa)
        }
        "EC" => {
            let group: Value = given.raw_get("group")?;
            let curve = Curve::ALL.into_iter().find(|curve| {
                let (_, number, _) = curve.names();
                as_number(&group) == Some(f64::from(number))
            });
            let named = group.as_string().and_then(|name| Curve::named(&name.to_string_lossy()));
            let Some(curve) = named.or(curve) else {
                return Ok(Err("unknown curve".to_owned()));
            };
            let filled = |bytes: &[u8]| {
                let missing = curve.size().checked_sub(bytes.len())?;
                Some([&vec![0; missing], bytes].concat())
            };
            let (private, public) = (bytes("private")?, bytes("public")?);
            let (x, y) = (bytes("x")?, bytes("y")?);
            let point = match (public, x, y) {
                (Some(point), ..) => Some(point),
                (None, Some(x), Some(y)) => match (filled(&x), filled(&y)) {
                    (Some(x), Some(y)) => Some([&[4], &x[..], &y[..]].concat()),
                    _ => None,
                },
                _ => None,
            };
            let private = private.and_then(|bytes| Ec::from_private(curve, &filled(&bytes)?));
            private.or_else(|| Ec::from_public(curve, &point?)).map(Key::Ec)
        }
        "Ed25519" | "ED25519" => match (bytes("private")?, bytes("public")?) {
            (Some(own), _) => {
                own.try_into().ok().map(|own| Key::Ed25519(Ed25519::from_private(own)))
            }
            (None, Some(public)) => {
                let public: Option<[u8; 32]> = public.try_into().ok();
                public.and_then(|public| Ed25519::from_public(&public)).map(Key::Ed25519)
            }
            _ => None,
        },
        "X25519" => match (bytes("private")?, bytes("public")?) {
            (Some(own), _) => own.try_into().ok().map(|own| Key::X25519(X25519::from_private(own))),
            (None, Some(public)) => {
                public.try_into().ok().map(|public| Key::X25519(X25519::from_public(&public)))
            }
            _ => None,
        },
        other => return Ok(Err(format!("unsupported type {other}"))),
    };
    Ok(key.ok_or_else(|| format!("failed to construct {kind} key from parameters")))
}

fn of(lua: &Lua, key: &Value, function: &str) -> mlua::Result<AnyUserData> {
    context::<Key>(lua, key, function)
}

/// The key's kind, whether it is private, and the length of its signatures in bytes.
fn about(lua: &Lua, (key,): (Value,)) -> mlua::Result<(&'static str, bool, usize)> {
    let key = of(lua, &key, "about")?;
    let key = key.borrow::<Key>()?;
    Ok((key.kind(), key.is_private(), key.size()))
}

/// The numbers of the key, big-endian, by OpenSSL's names; the curve by its number.
fn parameters(lua: &Lua, (key,): (Value,)) -> mlua::Result<Table> {
    let key = of(lua, &key, "get_parameters")?;
    let table = lua.create_table()?;
    let set = |name: &str, bytes: Option<&[u8]>| match bytes {
        Some(bytes) => table.raw_set(name, lua.create_string(bytes)?),
        None => Ok(()),
    };
    match &*key.borrow::<Key>()? {
        Key::Rsa(key) => {
            for (name, number) in RSA_NUMBERS.into_iter().zip(key.numbers()) {
                set(name, number.as_deref())?;
            }
        }
        Key::Ec(key) => {
            let point = key.point();
            let (x, y) = point[1..].split_at(key.curve().size());
            table.raw_set("group", key.curve().names().1)?;
            set("public", Some(&point))?;
            set("x", Some(x))?;
            set("y", Some(y))?;
            set("private", key.private().as_deref())?;
        }
        Key::Ed25519(key) => {
            set("public", Some(key.public()))?;
            set("private", key.private().as_ref().map(|bytes| &bytes[..]))?;
        }
        Key::X25519(key) => {
            set("public", Some(key.public()))?;
            set("private", key.private().as_ref().map(|bytes| &bytes[..]))?;
        }
    }
    Ok(table)
}

fn export(lua: &Lua, (key, private, format): (Value, bool, Value)) -> OrMessage<LuaString> {
    let key = of(lua, &key, "tostring")?;
    let key = key.borrow::<Key>()?;
    let format = format.as_string().map(|format| format.as_bytes().to_vec());
    let written = match format.as_deref() {
        Some(b"JWK") => key.to_jwk(private).map(String::into_bytes),
        Some(b"DER") => key.to_der(private),
        _ => key.to_pem(private).map(String::into_bytes),
    };
    match written {
        Ok(written) => Ok(Ok(lua.create_string(written)?)),
        Err(problem) => Ok(Err(problem.to_owned())),
    }
}

/// What Lua says of how to sign: the digest's name, the padding, and of RSA-PSS the mask's digest
/// and the salt's length; whether ECDSA's two numbers stand one after the other.
type Manner = (Value, Value, Value, Value, bool);

fn scheme((name, padding, mask, salt_len, _): &Manner) -> Result<Scheme, String> {
    let digest = |name: &Value| match name {
        Value::Nil | Value::Boolean(false) => Ok(None),
        name => {
            let text = name.as_string().map(|name| name.as_bytes().to_vec()).unwrap_or_default();
            let invalid = || format!("invalid digest type \"{}\"", String::from_utf8_lossy(&text));
            hash::named(&text).map(Some).ok_or_else(invalid)
        }
    };
    let padding = match padding {
        Value::Nil | Value::Boolean(false) => Padding::Pkcs1,
        number => as_number(number)
            .and_then(Padding::numbered)
            .ok_or_else(|| "invalid padding".to_owned())?,
    };
    // OpenSSL has negative numbers for lengths that it chooses itself.
    let salt_len = as_number(salt_len).filter(|len| (0.0..=1024.0).contains(len));
    Ok(Scheme {
        algorithm: digest(name)?,
        padding,
        mask: digest(mask)?,
        salt_len: salt_len.map(|len| len as usize),
    })
}

/// What is signed: a message, or the state of a digest.
fn digest_of(message: &Value) -> mlua::Result<Option<(Vec<u8>, Algorithm)>> {
    let Value::UserData(state) = message else { return Ok(None) };
    let state = state.borrow::<State>()?;
    Ok(Some((state.digest.clone().finish(), state.algorithm)))
}

fn sign(lua: &Lua, (key, message, manner): (Value, Value, Table)) -> OrMessage<LuaString> {
    let key = of(lua, &key, "sign")?;
    let key = key.borrow::<Key>()?;
    let manner: Manner = manner_of(&manner)?;
    let scheme = match scheme(&manner) {
        Ok(scheme) => scheme,
        Err(problem) => return Ok(Err(problem)),
    };
    check(lua, 0)?;
    let signed = match digest_of(&message)? {
        Some((digest, algorithm)) => key.sign_digest(&digest, algorithm, scheme),
        None => key.sign(&text(lua, message, "digest")?.as_bytes(), scheme),
    };
    check(lua, 0)?;
    let in_der = matches!(&*key, Key::Ec(_)) && !manner.4;
    match signed {
        Ok(signature) if in_der => Ok(Ok(lua.create_string(signature_to_der(&signature))?)),
        Ok(signature) => Ok(Ok(lua.create_string(signature)?)),
        Err(problem) => Ok(Err(problem.to_owned())),
    }
}

fn manner_of(table: &Table) -> mlua::Result<Manner> {
    let raw: Value = table.raw_get("raw")?;
    Ok((
        table.raw_get("md")?,
        table.raw_get("padding")?,
        table.raw_get("mask")?,
        table.raw_get("salt_len")?,
        !matches!(raw, Value::Nil | Value::Boolean(false)),
    ))
}

fn verify(
    lua: &Lua,
    (key, signature, message, manner): (Value, LuaString, Value, Table),
) -> OrMessage<bool> {
    let key = of(lua, &key, "verify")?;
    let key = key.borrow::<Key>()?;
    let manner = manner_of(&manner)?;
    let scheme = match scheme(&manner) {
        Ok(scheme) => scheme,
        Err(problem) => return Ok(Err(problem)),
    };
    let mut signature = signature.as_bytes().to_vec();
    if let (Key::Ec(key), false) = (&*key, manner.4) {
        match signature_from_der(&signature, key.curve().size()) {
            Some(raw) => signature = raw,
            None => return Ok(Ok(false)),
        }
    }
    check(lua, 0)?;
    let verified = match digest_of(&message)? {
        Some((digest, algorithm)) => key.verify_digest(&signature, &digest, algorithm, scheme),
        None => key.verify(&signature, &text(lua, message, "digest")?.as_bytes(), scheme),
    };
    check(lua, 0)?;
    Ok(verified.map_err(str::to_owned))
}

/// Encrypts or decrypts with RSA. The digests are those of OAEP and its mask.
fn crypt(
    lua: &Lua,
    (key, encrypts, s, manner): (Value, bool, LuaString, Table),
) -> OrMessage<LuaString> {
    let key = of(lua, &key, "encrypt")?;
    let key = key.borrow::<Key>()?;
    let scheme = match scheme(&manner_of(&manner)?) {
        Ok(scheme) => scheme,
        Err(problem) => return Ok(Err(problem)),
    };
    let Key::Rsa(key) = &*key else {
        return Ok(Err("operation not supported for this keytype".to_owned()));
    };
    let algorithm = scheme.algorithm.unwrap_or(Algorithm::Sha1);
    let digests = (algorithm, scheme.mask.unwrap_or(algorithm));
    check(lua, 0)?;
    let result = if encrypts {
        key.encrypt(&s.as_bytes(), scheme.padding, digests)
    } else {
        key.decrypt(&s.as_bytes(), scheme.padding, digests)
    };
    check(lua, 0)?;
    match result {
        Ok(result) => Ok(Ok(lua.create_string(result)?)),
        Err(problem) => Ok(Err(problem.to_owned())),
    }
}

/// Signs what is given as it is: with RSA and PKCS#1's padding, or a digest by ECDSA, or Ed25519.
fn sign_raw(lua: &Lua, (key, s): (Value, LuaString)) -> OrMessage<LuaString> {
    let key = of(lua, &key, "sign_raw")?;
    let signed = match &*key.borrow::<Key>()? {
        Key::Rsa(key) => key.sign_raw(&s.as_bytes()),
        Key::Ec(key) => key.sign(&s.as_bytes()).map(|raw| signature_to_der(&raw)),
        Key::Ed25519(key) => key.sign(&s.as_bytes()),
        Key::X25519(_) => Err("operation not supported for this keytype"),
    };
    match signed {
        Ok(signature) => Ok(Ok(lua.create_string(signature)?)),
        Err(problem) => Ok(Err(problem.to_owned())),
    }
}

/// Whether a signature is one of what is given as it is; of a digest, where one is named.
fn verify_raw(
    lua: &Lua,
    (key, signature, s, manner): (Value, LuaString, LuaString, Table),
) -> OrMessage<bool> {
    let key = of(lua, &key, "verify_raw")?;
    let scheme = match scheme(&manner_of(&manner)?) {
        Ok(scheme) => scheme,
        Err(problem) => return Ok(Err(problem)),
    };
    let (signature, s) = (signature.as_bytes(), s.as_bytes());
    let key = key.borrow::<Key>()?;
    let verified = match (&*key, scheme.algorithm) {
        (Key::Rsa(key), None) => Ok(key.verify_raw(&signature, &s)),
        (Key::Ec(ec), _) => Ok(signature_from_der(&signature, ec.curve().size())
            .is_some_and(|raw| ec.verify(&raw, &s))),
        (Key::Ed25519(key), _) => Ok(key.verify(&signature, &s)),
        (_, Some(algorithm)) => key.verify_digest(&signature, &s, algorithm, scheme),
        (Key::X25519(_), None) => Err("operation not supported for this keytype"),
    };
    Ok(verified.map_err(str::to_owned))
}

fn derive(lua: &Lua, (key, peer): (Value, Value)) -> OrMessage<Value> {
    let (key, peer) = (of(lua, &key, "derive")?, of(lua, &peer, "derive")?);
    let secret = key.borrow::<Key>()?.derive(&*peer.borrow::<Key>()?);
    match secret {
        Ok(secret) => Ok(Ok(lua.create_string(secret)?.into_lua(lua)?)),
        Err(problem) => Ok(Err(problem.to_owned())),
    }
}
