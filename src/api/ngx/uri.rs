//! URIs: escaping, and the request's path and query.

use mlua::{LuaString, Value};

use super::args::query_of;
use super::arguments::Argument;
use crate::binding::convert::{self, Collected, Noted};
use crate::binding::{Call, Namespace, bindings};
use crate::lua::{as_number, raise_at, type_name};
use crate::message::uri::{self, Escape};
use crate::phase::{Phase, PhaseSet};
use crate::transaction::Exit;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "escape_uri", PhaseSet::ANY, calls escape_uri;
        "unescape_uri", PhaseSet::ANY, calls unescape_uri;
    },
};

pub(super) const REQ_NAMESPACE: Namespace = Namespace {
    path: "ngx.req",
    bindings: bindings! {
        "set_uri", super::REQUEST, exits set_uri;
        "get_uri_args", super::REQUEST, calls get_uri_args;
        "set_uri_args", super::REQUEST, calls set_uri_args;
    },
};

fn escape_uri(call: &mut Call<'_>, (value, kind): (Value, Value)) -> mlua::Result<LuaString> {
    let text = convert::lenient_text(call.lua, value)?;
    let escape = match &kind {
        Value::Nil => Escape::Component,
        _ => match as_number(&kind) {
            None => return Err(raise_at(call.lua, "\"type\" is not a number")),
            Some(number) => Escape::from_number(number)
                .ok_or_else(|| raise_at(call.lua, &format!("\"type\" {number} out of range")))?,
        },
    };
    let mut escaped = call.buffer();
    uri::escape_into(&text.as_bytes(), escape, &mut escaped)?;
    call.string(escaped)
}

fn unescape_uri(call: &mut Call<'_>, value: Value) -> mlua::Result<LuaString> {
    let text = convert::lenient_text(call.lua, value)?;
    let mut plain = call.buffer();
    uri::unescape_into(&text.as_bytes(), &mut plain)?;
    call.string(plain)
}

fn set_uri(call: &mut Call<'_>, (path, jump, binary): (Value, Value, Value)) -> mlua::Result<bool> {
    let path = Argument::new(1, "set_uri").text(call, &path)?;
    let binary = Argument::new(3, "set_uri").flag(call, &binary)?;
    let path = path.as_bytes();
    if path.is_empty() {
        return Err(raise_at(call.lua, "attempt to use zero-length uri"));
    }
    if let (Some(byte), false) = (unsafe_byte(&path), binary) {
        return Err(raise_at(
            call.lua,
            &format!(
                "unsafe byte \"0x{byte:02x}\" in uri \"{}\" (maybe you want to set the 'binary' \
                 argument?)",
                escape_for_log(&path)
            ),
        ));
    }
    let refused = |why| raise_at(call.lua, &format!("invalid uri: {why}"));
    uri::ensure_fits(path.len()).map_err(refused)?;
    let jump = Argument::new(2, "set_uri").flag(call, &jump)?;
    let phase = call.tx.site.phase;
    if jump && phase != Phase::Rewrite {
        let message = format!("API disabled in the context of {phase}_by_lua*");
        return Err(raise_at(call.lua, &message));
    }
    let escaped = uri::escape(&path, Escape::Uri);
    let escaped = String::from_utf8_lossy(&escaped);
    let absolute =
        if escaped.starts_with('/') { escaped.into_owned() } else { format!("/{escaped}") };
    let result = call.tx.request.set_path(&absolute);
    result.map_err(|why| raise_at(call.lua, &format!("invalid uri: {why}")))?;
    call.tx.request.is_internal = true;
    if jump {
        super::ctx::renew(call);
        call.tx.request.note_redirect();
        call.tx.exit = Some(Exit::Phase);
    }
    Ok(jump)
}

/// The first byte that no URI may have.
pub(super) fn unsafe_byte(path: &[u8]) -> Option<u8> {
    path.iter().copied().find(|byte| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f)
}

/// Whether a path stays below its root, however it is encoded.
pub(super) fn is_safe(path: &[u8]) -> bool {
    let decoded = uri::unescape(path);
    let climbs = decoded.split(|&byte| byte == b'/').any(|segment| segment == b"..");
    !path.is_empty() && !climbs && !decoded.contains(&0)
}

/// How much of a URI a message shows: a line of the log has no more.
const MAX_SHOWN: usize = 2048;

/// `\xXX` for what does not belong into a line of the log.
pub(super) fn escape_for_log(bytes: &[u8]) -> String {
    let shown = |&byte: &u8| match byte {
        b' '..=b'~' if !b"\"\\".contains(&byte) => char::from(byte).to_string(),
        _ => format!("\\x{byte:02X}"),
    };
    bytes.iter().take(MAX_SHOWN).map(shown).collect()
}

fn get_uri_args(call: &mut Call<'_>, (max, reused): (Value, Value)) -> mlua::Result<Collected> {
    let max = Argument::new(1, "get_uri_args").max_count(call, max)?;
    let query = call.tx.request.query().unwrap_or_default();
    let Noted(args, truncated) = convert::args_table(call.lua, query.as_bytes(), max)?;
    // A table that answers for something else, `ngx.header` for one, keeps what it is.
    let reused = reused.as_table().filter(|table| table.metatable().is_none());
    let Some(reused) = reused.cloned() else { return Ok(Noted(args, truncated)) };
    reused.clear()?;
    for pair in args.pairs::<Value, Value>() {
        let (name, value) = pair?;
        reused.raw_set(name, value)?;
    }
    Ok(Noted(reused, truncated))
}

fn set_uri_args(call: &mut Call<'_>, args: Value) -> mlua::Result<()> {
    let argument = Argument::new(1, "set_uri_args");
    let query = match &args {
        Value::Table(args) => query_of(call, args)?,
        Value::String(_) | Value::Integer(_) | Value::Number(_) => {
            argument.text(call, &args)?.as_bytes().to_vec()
        }
        _ => {
            let kind = type_name(&args);
            let problem = format!("string, number, or table expected, but got {kind}");
            return Err(argument.bad(call, &problem));
        }
    };
    let result = call.tx.request.set_query(&query);
    result.map_err(|why| raise_at(call.lua, &format!("invalid query: {why}")))
}
