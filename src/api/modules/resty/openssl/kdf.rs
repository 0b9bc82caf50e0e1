//! `resty.openssl.kdf`: PBKDF2, HKDF, scrypt and the function of TLS 1.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use mlua::{Lua, LuaString, Table, Value};

use super::hash::{self, with_hash};
use super::{join, optional};
use crate::api::digest::Algorithm;
use crate::api::modules::Loader;
use crate::lua::as_number;
use crate::lua::check;

type OrMessage<T> = mlua::Result<Result<T, &'static str>>;

/// The most that a derived key may have, in bytes.
const MAX_LEN: f64 = 1_048_576.0;

pub(super) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    native.raw_set("pbkdf2", lua.create_function(pbkdf2)?)?;
    native.raw_set("hkdf", lua.create_function(hkdf)?)?;
    native.raw_set("scrypt", lua.create_function(scrypt)?)?;
    native.raw_set("tls1_prf", lua.create_function(tls1_prf)?)?;
    let size = |_: &Lua, md: LuaString| {
        Ok(hash::named(&md.as_bytes()).map(|algorithm| algorithm.of(b"").len()))
    };
    native.raw_set("size", lua.create_function(size)?)?;
    join(lua, include_str!("kdf.lua"), native)
}

/// The length of what is derived, and the digest.
fn common(len: &Value, md: &Value) -> Result<(usize, Algorithm), &'static str> {
    let len = as_number(len).filter(|len| (1.0..=MAX_LEN).contains(len)).ok_or("invalid outlen")?;
    let algorithm = md.as_string().and_then(|md| hash::named(&md.as_bytes()));
    Ok((len as usize, algorithm.ok_or("invalid digest type")?))
}

fn bytes(lua: &Lua, value: Value, name: &str) -> mlua::Result<Vec<u8>> {
    Ok(optional(lua, value, name)?.map(|text| text.as_bytes().to_vec()).unwrap_or_default())
}

/// RFC 8018, block by block and round by round: the time is looked at in between.
fn pbkdf2(
    lua: &Lua,
    (len, md, pass, salt, rounds): (Value, Value, Value, Value, Value),
) -> OrMessage<LuaString> {
    /// After how many rounds it is asked whether there is time for more.
    const STRETCH: u64 = 1000;
    let (len, algorithm) = match common(&len, &md) {
        Ok(common) => common,
        Err(problem) => return Ok(Err(problem)),
    };
    let (pass, salt) = (bytes(lua, pass, "pass")?, bytes(lua, salt, "salt")?);
    let rounds = as_number(&rounds).filter(|rounds| *rounds >= 1.0).unwrap_or(1.0) as u64;
    let mut derived = Vec::with_capacity(len);
    with_hash!(algorithm, D => {
        let keyed = <Hmac<D> as KeyInit>::new_from_slice(&pass).expect("any key will do");
        for block in 1u32.. {
            let mut mac = keyed.clone();
            mac.update(&salt);
            mac.update(&block.to_be_bytes());
            let mut last = mac.finalize().into_bytes();
            let mut sum = last;
            for round in 1..rounds {
                if round % STRETCH == 0 {
                    check(lua, 0)?;
                }
                let mut mac = keyed.clone();
                mac.update(&last);
                last = mac.finalize().into_bytes();
                sum.iter_mut().zip(&last).for_each(|(sum, byte)| *sum ^= byte);
            }
            derived.extend_from_slice(&sum);
            if derived.len() >= len {
                break;
            }
            check(lua, 0)?;
        }
    });
    derived.truncate(len);
    Ok(Ok(lua.create_string(derived)?))
}

/// The parts of HKDF that are asked for, by OpenSSL's numbers.
const EXTRACT_ONLY: f64 = 1.0;
const EXPAND_ONLY: f64 = 2.0;

fn hkdf(
    lua: &Lua,
    (len, md, key, salt, info, mode): (Value, Value, Value, Value, Value, Value),
) -> OrMessage<LuaString> {
    let (len, algorithm) = match common(&len, &md) {
        Ok(common) => common,
        Err(problem) => return Ok(Err(problem)),
    };
    let key = bytes(lua, key, "key")?;
    let (salt, info) = (bytes(lua, salt, "salt")?, bytes(lua, info, "info")?);
    let mode = as_number(&mode).unwrap_or(0.0);
    let mut derived = vec![0; len];
    let done = with_hash!(algorithm, D => {
        if mode == EXTRACT_ONLY {
            derived = Hkdf::<D>::extract(Some(&salt), &key).0.to_vec();
            true
        } else if mode == EXPAND_ONLY {
            let expanded = Hkdf::<D>::from_prk(&key);
            expanded.is_ok_and(|hkdf| hkdf.expand(&info, &mut derived).is_ok())
        } else {
            Hkdf::<D>::new(Some(&salt), &key).expand(&info, &mut derived).is_ok()
        }
    });
    if done { Ok(Ok(lua.create_string(derived)?)) } else { Ok(Err("invalid key length")) }
}

/// The most memory that scrypt takes unless more is asked for, and the most there is, in bytes.
const SCRYPT_MEMORY: f64 = 33_554_432.0;
const SCRYPT_MAX: f64 = 67_108_864.0;
/// The most work: N times r times p, a quarter of a second.
const SCRYPT_WORK: f64 = 1_048_576.0;

fn scrypt(
    lua: &Lua,
    (len, pass, salt, n, r, p, memory): (Value, Value, Value, Value, Value, Value, Value),
) -> OrMessage<LuaString> {
    let len = as_number(&len).filter(|len| (1.0..=MAX_LEN).contains(len));
    let Some(len) = len else { return Ok(Err("invalid outlen")) };
    let (pass, salt) = (bytes(lua, pass, "pass")?, bytes(lua, salt, "salt")?);
    let number = |value: &Value| as_number(value).unwrap_or(0.0);
    let (n, r, p) = (number(&n), number(&r), number(&p));
    let wanted = number(&memory);
    let memory = if wanted > 0.0 { wanted.min(SCRYPT_MAX) } else { SCRYPT_MEMORY };
    let whole = |value: f64| value >= 1.0 && value.fract() == 0.0;
    if !(whole(n) && whole(r) && whole(p)) || n < 2.0 || !(n as u64).is_power_of_two() {
        return Ok(Err("invalid scrypt parameters"));
    }
    if 128.0 * r * (n + p) > memory || n * r * p > SCRYPT_WORK {
        return Ok(Err("memory limit exceeded"));
    }
    check(lua, (128.0 * r * (n + p)) as usize)?;
    let parameters = scrypt::Params::new(n.log2() as u8, r as u32, p as u32);
    let mut derived = vec![0; len as usize];
    let done =
        parameters.is_ok_and(|given| scrypt::scrypt(&pass, &salt, &given, &mut derived).is_ok());
    check(lua, 0)?;
    if done { Ok(Ok(lua.create_string(derived)?)) } else { Ok(Err("invalid scrypt parameters")) }
}

/// RFC 5246's function; with `md5-sha1`, RFC 2246's is not there.
fn tls1_prf(
    lua: &Lua,
    (len, md, secret, seed): (Value, Value, Value, Value),
) -> OrMessage<LuaString> {
    let (len, algorithm) = match common(&len, &md) {
        Ok(common) => common,
        Err(problem) => return Ok(Err(problem)),
    };
    let (secret, seed) = (bytes(lua, secret, "secret")?, bytes(lua, seed, "seed")?);
    let keyed = crate::api::digest::Hmac::new(algorithm, &secret);
    let code = |parts: &[&[u8]]| {
        let mut mac = keyed.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finish()
    };
    let (mut derived, mut last) = (Vec::with_capacity(len), code(&[&seed]));
    while derived.len() < len {
        check(lua, 0)?;
        derived.extend(code(&[&last, &seed]));
        last = code(&[&last]);
    }
    derived.truncate(len);
    Ok(Ok(lua.create_string(derived)?))
}
