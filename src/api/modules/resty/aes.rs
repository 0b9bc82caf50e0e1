//! `resty.aes`.

use mlua::{IntoLua, Lua, LuaString, Table, UserData, Value};

use super::cipher::{BLOCK, Cipher, Mode};
use super::{context, join, text};
use crate::api::digest::Algorithm;
use crate::api::modules::Loader;
use crate::binding::convert;
use crate::lua::check;
use crate::lua::{as_number, raise_at};

impl UserData for Cipher {}

pub(in crate::api::modules) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    let hashes = Algorithm::ALL.map(|algorithm| (algorithm.name(), algorithm.name()));
    native.raw_set("hash", lua.create_table_from(hashes)?)?;
    let method = lua.create_function(|lua, (size, name): (Value, Value)| {
        Method::of(lua, &size, &name)?;
        Ok(format!("aes-{}-{}", convert::display(lua, &size), convert::display(lua, &name)))
    })?;
    native.raw_set("method", method)?;
    native.raw_set("derive", lua.create_function(derive)?)?;
    native.raw_set("new", lua.create_function(new)?)?;
    native.raw_set("encrypt", lua.create_function(encrypt)?)?;
    native.raw_set("decrypt", lua.create_function(decrypt)?)?;
    join(lua, include_str!("aes.lua"), native)
}

/// A result, or `nil` and a message.
type OrMessage<T> = mlua::Result<Result<T, &'static str>>;

/// The length of the key, in bytes, and the mode.
struct Method {
    key_len: usize,
    mode: Mode,
}

impl Method {
    fn of(lua: &Lua, size: &Value, name: &Value) -> mlua::Result<Self> {
        let (size, name) = (convert::display(lua, size), convert::display(lua, name));
        let key_len = match &*size {
            "128" => Some(16),
            "192" => Some(24),
            "256" => Some(32),
            _ => None,
        };
        match (key_len, Mode::named(name.as_bytes())) {
            (Some(key_len), Some(mode)) => Ok(Self { key_len, mode }),
            _ => {
                let message = format!("missing declaration for symbol 'EVP_aes_{size}_{name}'");
                Err(raise_at(lua, &message))
            }
        }
    }

    /// The cipher with a vector that was set, filled up with zeros; or cut, as long as it is not
    /// GCM's.
    fn cipher(&self, key: &[u8], iv: &[u8], iv_len: usize, padding: bool) -> Option<Cipher> {
        let mut filled = vec![0; self.key_len.max(BLOCK)];
        filled[..iv.len()].copy_from_slice(iv);
        let len = if self.mode == Mode::Gcm { iv_len } else { self.mode.iv_len() };
        Cipher::new(self.mode, key, filled.get(..len)?, padding)
    }
}

/// A cipher whose key and vector are given.
fn new(
    lua: &Lua,
    (size, name, key, iv, padding): (Value, Value, Value, Value, bool),
) -> OrMessage<Cipher> {
    let method = Method::of(lua, &size, &name)?;
    let (key, iv) = (text(lua, key, "key")?, text(lua, iv, "iv")?);
    let (key, iv) = (key.as_bytes(), iv.as_bytes());
    if key.len() != method.key_len {
        return Ok(Err("bad key length"));
    }
    if iv.len() > method.key_len {
        return Ok(Err("bad iv length"));
    }
    Ok(method.cipher(&key, &iv, iv.len(), padding).ok_or("failed to set IV length"))
}

type Secret = (Value, Value, Value, Value, Value, Value, Value, bool);

/// A cipher whose key and vector are derived from a secret.
fn derive(
    lua: &Lua,
    (size, name, hash, salt, key, rounds, iv_len, padding): Secret,
) -> OrMessage<Cipher> {
    let method = Method::of(lua, &size, &name)?;
    let hash = match &hash {
        Value::Nil | Value::Boolean(false) => Algorithm::Md5,
        other => {
            let name = convert::display(lua, other);
            let known = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name);
            known.ok_or_else(|| {
                let kind = crate::lua::type_name(other);
                let what = "bad argument #2 to 'EVP_BytesToKey'";
                let to = "'const struct env_md_st *'";
                raise_at(lua, &format!("{what} (cannot convert '{kind}' to {to})"))
            })?
        }
    };
    let key = text(lua, key, "key")?;
    let salt = match salt {
        Value::Nil | Value::Boolean(false) => None,
        salt => Some(text(lua, salt, "salt")?),
    };
    if salt.as_ref().is_some_and(|salt| salt.as_bytes().len() != 8) {
        return Ok(Err("salt must be 8 characters or nil"));
    }
    let salt = salt.map(|salt| salt.as_bytes().to_vec()).unwrap_or_default();
    // OpenSSL hashes once for 0, too.
    let rounds = as_number(&rounds).unwrap_or(1.0).max(1.0) as u32;
    let len = method.key_len + method.mode.iv_len();
    let derived = bytes_to_key(lua, hash, &salt, &key.as_bytes(), rounds, len)?;
    let (key, iv) = derived.split_at(method.key_len);
    let iv_len = as_number(&iv_len).map_or(method.key_len, |len| len as usize);
    Ok(method.cipher(key, iv, iv_len, padding).ok_or("failed to set IV length"))
}

/// OpenSSL's `EVP_BytesToKey`: `len` bytes.
pub(super) fn bytes_to_key(
    lua: &Lua,
    hash: Algorithm,
    salt: &[u8],
    secret: &[u8],
    rounds: u32,
    len: usize,
) -> mlua::Result<Vec<u8>> {
    /// After how many rounds it is asked whether there is time for more.
    const STRETCH: u32 = 10_000;
    let (mut derived, mut last) = (Vec::new(), Vec::new());
    while derived.len() < len {
        last = hash.of(&[&*last, secret, salt].concat());
        for round in 1..rounds {
            if round % STRETCH == 0 {
                check(lua, 0)?;
            }
            last = hash.of(&last);
        }
        derived.extend_from_slice(&last);
    }
    derived.truncate(len);
    Ok(derived)
}

fn encrypt(lua: &Lua, (cipher, s, aad): (Value, Value, Value)) -> OrMessage<Value> {
    let cipher = context::<Cipher>(lua, &cipher, "encrypt")?;
    let s = text(lua, s, "s")?;
    let aad = optional(lua, aad, "aad")?;
    let (s, aad) = (s.as_bytes(), aad.as_ref().map(LuaString::as_bytes));
    let room = s.len() + 2 * BLOCK;
    let encrypted =
        cipher
            .borrow::<Cipher>()?
            .encrypt(&s, aad.as_deref().unwrap_or_default(), || check(lua, room))?;
    match encrypted {
        Err(_) => Ok(Err("EVP_EncryptFinal_ex failed")),
        Ok((encrypted, None)) => Ok(Ok(lua.create_string(encrypted)?.into_lua(lua)?)),
        Ok((encrypted, Some(tag))) => {
            let both = [lua.create_string(encrypted)?, lua.create_string(tag)?];
            Ok(Ok(lua.create_sequence_from(both)?.into_lua(lua)?))
        }
    }
}

fn decrypt(lua: &Lua, (cipher, s, tag, aad): (Value, Value, Value, Value)) -> OrMessage<LuaString> {
    let cipher = context::<Cipher>(lua, &cipher, "decrypt")?;
    let s = text(lua, s, "s")?;
    let (tag, aad) = (optional(lua, tag, "tag")?, optional(lua, aad, "aad")?);
    let (s, aad) = (s.as_bytes(), aad.as_ref().map(LuaString::as_bytes));
    // What a tag has beyond its 16 bytes does not matter.
    let tag = tag.and_then(|tag| tag.as_bytes().first_chunk().copied());
    let aad = aad.as_deref().unwrap_or_default();
    match cipher.borrow::<Cipher>()?.decrypt(&s, tag, aad, || check(lua, s.len()))? {
        Err(_) => Ok(Err("EVP_DecryptFinal_ex failed")),
        Ok(text) => Ok(Ok(lua.create_string(text)?)),
    }
}

fn optional(lua: &Lua, value: Value, name: &str) -> mlua::Result<Option<LuaString>> {
    if value.is_nil() { Ok(None) } else { text(lua, value, name).map(Some) }
}
