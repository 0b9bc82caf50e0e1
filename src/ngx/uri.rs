//! URIs: escaping, and the request's path and query.

use mlua::{LuaString, Value};

use super::args::{max_count, query_of};
use crate::binding::{Call, Namespace, bindings, raise_at};
use crate::convert::{self, Collected};
use crate::pdk::{as_number, type_name};
use crate::phase::PhaseSet;
use crate::uri::{self, Escape};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "escape_uri", PhaseSet::ANY, calls escape_uri;
        "unescape_uri", PhaseSet::ANY, calls unescape_uri;
    },
};

const BEFORE_LOG: PhaseSet = super::YIELDABLE.or(PhaseSet::HEADER_FILTER).or(PhaseSet::BODY_FILTER);

pub(super) const REQ_NAMESPACE: Namespace = Namespace {
    path: "ngx.req",
    bindings: bindings! {
        "set_uri", BEFORE_LOG, calls set_uri;
        "get_uri_args", super::REQUEST, calls get_uri_args;
        "set_uri_args", BEFORE_LOG, calls set_uri_args;
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
    call.string(uri::escape(&text.as_bytes(), escape))
}

fn unescape_uri(call: &mut Call<'_>, value: Value) -> mlua::Result<LuaString> {
    let text = convert::lenient_text(call.lua, value)?;
    call.string(uri::unescape(&text.as_bytes()))
}

fn set_uri(
    call: &mut Call<'_>,
    (path, jump, binary): (Value, Option<bool>, Option<bool>),
) -> mlua::Result<()> {
    let Value::String(path) = path else {
        let kind = type_name(&path);
        let message = format!("bad argument #1 to 'set_uri' (string expected, got {kind})");
        return Err(raise_at(call.lua, &message));
    };
    let path = path.as_bytes();
    if path.is_empty() {
        return Err(raise_at(call.lua, "attempt to use zero-length uri"));
    }
    let control = path.iter().find(|byte| **byte < 0x20 || **byte == 0x7f);
    if let (Some(byte), false) = (control, binary.unwrap_or(false)) {
        let shown = uri::escape(&path, Escape::Uri);
        return Err(raise_at(
            call.lua,
            &format!(
                "unsafe byte \"0x{byte:02x}\" in uri \"{}\" (maybe you want to set the 'binary' \
                 argument?)",
                String::from_utf8_lossy(&shown)
            ),
        ));
    }
    if jump.unwrap_or(false) {
        return Err(raise_at(call.lua, "a jump to another location is not possible here"));
    }
    let escaped = uri::escape(&path, Escape::Uri);
    let escaped = String::from_utf8_lossy(&escaped);
    let absolute =
        if escaped.starts_with('/') { escaped.into_owned() } else { format!("/{escaped}") };
    let result = call.tx.request.set_path(&absolute);
    result.map_err(|why| raise_at(call.lua, &format!("invalid uri: {why}")))
}

fn get_uri_args(call: &mut Call<'_>, max_args: Value) -> mlua::Result<Collected> {
    let query = call.tx.request.query().unwrap_or_default();
    convert::args_table(call.lua, query.as_bytes(), max_count(&max_args))
}

fn set_uri_args(call: &mut Call<'_>, args: Value) -> mlua::Result<()> {
    let query = match &args {
        Value::Table(args) => query_of(call, args)?,
        _ => match convert::scalar_text(call.lua, &args)?.filter(|_| !args.is_boolean()) {
            Some(text) => text.as_bytes().to_vec(),
            None => {
                let kind = type_name(&args);
                let message = format!(
                    "bad argument #1 to 'set_uri_args' (string, number, or table expected, but got \
                     {kind})"
                );
                return Err(raise_at(call.lua, &message));
            }
        },
    };
    let result = call.tx.request.set_query(&query);
    result.map_err(|why| raise_at(call.lua, &format!("invalid query: {why}")))
}
