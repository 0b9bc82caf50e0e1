//! `resty.openssl.cipher`: AES.

use mlua::{Lua, LuaString, Table, UserData, Value};

use super::super::aes::bytes_to_key;
use super::super::cipher::{BLOCK, Cipher, Direction, Mode, Work, pad, unpadded};
use super::{context, hash, join, text};
use crate::api::digest::Algorithm;
use crate::api::modules::Loader;
use crate::lua::as_number;
use crate::lua::check;

/// A text on its way.
struct Run {
    cipher: Cipher,
    mode: Mode,
    direction: Direction,
    padding: bool,
    work: Option<Work>,
    /// What is no whole block yet; with GCM, all of the text.
    rest: Vec<u8>,
    aad: Vec<u8>,
    tag: Option<Vec<u8>>,
}

impl UserData for Run {}

/// A result, or `nil` and a message.
type OrMessage<T> = mlua::Result<Result<T, &'static str>>;

pub(super) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    native.raw_set("about", lua.create_function(|_, name: LuaString| about(&name))?)?;
    native.raw_set("init", lua.create_function(init)?)?;
    native.raw_set("update", lua.create_function(update)?)?;
    native.raw_set("final", lua.create_function(finish)?)?;
    native.raw_set("aad", lua.create_function(add_aad)?)?;
    native.raw_set("set_tag", lua.create_function(set_tag)?)?;
    native.raw_set("get_tag", lua.create_function(tag)?)?;
    native.raw_set("derive", lua.create_function(derive)?)?;
    join(lua, include_str!("cipher.lua"), native)
}

/// The mode and the length of the key, in bytes, of a cipher's name: `aes-256-gcm`.
fn named(name: &[u8]) -> Option<(Mode, usize)> {
    let name = name.to_ascii_lowercase();
    let (bits, mode) = match name.strip_prefix(b"id-aes") {
        // The names of GCM in X.509: `id-aes256-GCM`.
        Some(rest) => (rest.get(..3)?, rest.get(4..)?),
        None => {
            let rest = name.strip_prefix(b"aes")?;
            match rest.strip_prefix(b"-") {
                Some(rest) => (rest.get(..3)?, rest.get(4..)?),
                // `aes256` is in the mode CBC.
                None => (rest, &b"cbc"[..]),
            }
        }
    };
    let key_len = match bits {
        b"128" => 16,
        b"192" => 24,
        b"256" => 32,
        _ => return None,
    };
    let mode = if mode == b"cfb" { Mode::Cfb128 } else { Mode::named(mode)? };
    Some((mode, key_len))
}

/// The lengths of the key, the vector and a block, in bytes.
fn about(name: &LuaString) -> mlua::Result<(Option<usize>, usize, usize)> {
    Ok(match named(&name.as_bytes()) {
        Some((mode, key_len)) => {
            (Some(key_len), mode.iv_len(), if mode.is_padded() { BLOCK } else { 1 })
        }
        None => (None, 0, 0),
    })
}

fn init(
    lua: &Lua,
    (name, key, iv, encrypts, padding): (LuaString, Value, Value, bool, bool),
) -> OrMessage<Run> {
    let key = text(lua, key, "key")?;
    let iv = if iv.is_nil() { None } else { Some(text(lua, iv, "iv")?) };
    let Some((mode, _)) = named(&name.as_bytes()) else { return Ok(Err("unknown cipher")) };
    let iv = iv.map(|iv| iv.as_bytes().to_vec()).filter(|_| mode != Mode::Ecb).unwrap_or_default();
    let Some(cipher) = Cipher::new(mode, &key.as_bytes(), &iv, padding) else {
        return Ok(Err("invalid key or iv length"));
    };
    let direction = if encrypts { Direction::Encrypt } else { Direction::Decrypt };
    let work = (mode != Mode::Gcm).then(|| cipher.work(direction));
    Ok(Ok(Run {
        cipher,
        mode,
        direction,
        padding: padding && mode.is_padded(),
        work,
        rest: Vec::new(),
        aad: Vec::new(),
        tag: None,
    }))
}

impl Run {
    /// What is ready of the text with `more`.
    fn advance(&mut self, more: &[u8]) -> Vec<u8> {
        self.rest.extend_from_slice(more);
        // Nothing of a text is known to be whole before its tag is seen.
        let Some(work) = &mut self.work else { return Vec::new() };
        let ready = if self.mode.is_padded() {
            let whole = self.rest.len() - self.rest.len() % BLOCK;
            // The last block may be padding.
            let kept = self.padding && self.direction == Direction::Decrypt;
            if kept && whole == self.rest.len() { whole.saturating_sub(BLOCK) } else { whole }
        } else {
            self.rest.len()
        };
        let after = self.rest.split_off(ready);
        let mut text = std::mem::replace(&mut self.rest, after);
        work(&mut text);
        text
    }

    fn end(&mut self) -> Result<Vec<u8>, &'static str> {
        let mut text = std::mem::take(&mut self.rest);
        let Some(work) = &mut self.work else {
            let mut tag = [0; BLOCK];
            if self.direction == Direction::Decrypt {
                let given = self.tag.as_deref().and_then(|tag| tag.try_into().ok());
                tag = given.ok_or("no tag of 16 bytes was set")?;
            }
            if !self.cipher.gcm(&self.aad, &mut text, &mut tag, self.direction) {
                return Err("the tag is not that of the text");
            }
            self.tag = Some(tag.to_vec());
            return Ok(text);
        };
        if self.padding && self.direction == Direction::Encrypt {
            pad(&mut text);
        } else if self.mode.is_padded() && !text.len().is_multiple_of(BLOCK) {
            return Err("wrong final block length");
        }
        work(&mut text);
        if self.padding && self.direction == Direction::Decrypt {
            let len = unpadded(&text).ok_or("bad decrypt")?;
            text.truncate(len);
        }
        Ok(text)
    }
}

fn update(lua: &Lua, (run, s): (Value, Value)) -> mlua::Result<LuaString> {
    let run = context::<Run>(lua, &run, "update")?;
    let s = text(lua, s, "s")?;
    let mut run = run.borrow_mut::<Run>()?;
    check(lua, run.rest.len() + s.as_bytes().len())?;
    let ready = run.advance(&s.as_bytes());
    lua.create_string(ready)
}

fn finish(lua: &Lua, (run, s): (Value, Value)) -> OrMessage<LuaString> {
    let run = context::<Run>(lua, &run, "final")?;
    let mut run = run.borrow_mut::<Run>()?;
    let mut ready = Vec::new();
    if !matches!(s, Value::Nil | Value::Boolean(false)) {
        let s = text(lua, s, "s")?;
        check(lua, run.rest.len() + s.as_bytes().len())?;
        ready = run.advance(&s.as_bytes());
    }
    match run.end() {
        Ok(last) => {
            ready.extend(last);
            Ok(Ok(lua.create_string(ready)?))
        }
        Err(problem) => Ok(Err(problem)),
    }
}

fn add_aad(lua: &Lua, (run, s): (Value, Value)) -> OrMessage<bool> {
    let run = context::<Run>(lua, &run, "update_aead_aad")?;
    let s = text(lua, s, "aad")?;
    let mut run = run.borrow_mut::<Run>()?;
    if run.mode != Mode::Gcm {
        return Ok(Err("the cipher has no additional data"));
    }
    check(lua, run.aad.len() + s.as_bytes().len())?;
    run.aad.extend_from_slice(&s.as_bytes());
    Ok(Ok(true))
}

fn set_tag(lua: &Lua, (run, s): (Value, LuaString)) -> OrMessage<bool> {
    let run = context::<Run>(lua, &run, "set_aead_tag")?;
    let mut run = run.borrow_mut::<Run>()?;
    if run.mode != Mode::Gcm || run.direction == Direction::Encrypt {
        return Ok(Err("the cipher takes no tag"));
    }
    run.tag = Some(s.as_bytes().to_vec());
    Ok(Ok(true))
}

/// The first bytes of the tag of what was encrypted.
fn tag(lua: &Lua, (run, len): (Value, f64)) -> OrMessage<LuaString> {
    let run = context::<Run>(lua, &run, "get_aead_tag")?;
    let run = run.borrow::<Run>()?;
    let tag = run.tag.as_deref().filter(|_| run.direction == Direction::Encrypt);
    let tag = tag.and_then(|tag| tag.get(..len.max(0.0) as usize));
    match tag {
        Some(tag) => Ok(Ok(lua.create_string(tag)?)),
        None => Ok(Err("there is no tag")),
    }
}

/// A key and a vector as OpenSSL derives them of a passphrase.
fn derive(
    lua: &Lua,
    (name, key, salt, count, md): (LuaString, LuaString, Value, Value, Value),
) -> mlua::Result<(Option<LuaString>, Value)> {
    let Some((mode, key_len)) = named(&name.as_bytes()) else { return Ok((None, Value::Nil)) };
    let salt = super::optional(lua, salt, "salt")?;
    let salt = salt.map(|salt| salt.as_bytes().to_vec()).unwrap_or_default();
    let algorithm = match &md {
        Value::String(md) => hash::named(&md.as_bytes()),
        _ => Some(Algorithm::Sha1),
    };
    let Some(algorithm) = algorithm else {
        return Ok((None, Value::String(lua.create_string("invalid digest type")?)));
    };
    let rounds = as_number(&count).unwrap_or(1.0).max(1.0) as u32;
    let salt = &salt[..salt.len().min(8)];
    let len = key_len + mode.iv_len();
    let derived = bytes_to_key(lua, algorithm, salt, &key.as_bytes(), rounds, len)?;
    let (key, iv) = derived.split_at(key_len);
    Ok((Some(lua.create_string(key)?), Value::String(lua.create_string(iv)?)))
}
