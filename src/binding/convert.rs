//! Headers, arguments and text on their way into Lua and out of it.

use http::header::{CONNECTION, HOST};
use mlua::{IntoLua, IntoLuaMulti, Lua, LuaString, MultiValue, Table, Value};
use serde_json::{Map, Value as Json};

use crate::error::log::Line;
use crate::lua::{Buffer, check};
use crate::lua::{raise, type_name};
use crate::message::uri::{self, Arg};
use crate::transaction::{Request, Transaction};

/// How many headers or arguments a function gets when it names no number, as in lua-nginx-module.
pub(crate) const DEFAULT_MAX: usize = 100;

/// Finds a header by any spelling of its name: lower case first, then with `-` for `_`.
const HEADERS_META: &str = r#"
local lower, find, gsub, rawget, tostring = string.lower, string.find, string.gsub, rawget, tostring
return {
  __metatable = false,
  __index = function(headers, name)
    name = lower(tostring(name))
    local value = rawget(headers, name)
    if value == nil and find(name, "_", 1, true) then
      value = rawget(headers, (gsub(name, "_", "-")))
    end
    return value
  end,
}
"#;

const HEADERS_META_KEY: &str = "tower-lua.headers";

/// A result, and a second one only if there is something to say about the first: what is passed on
/// to a function like `cjson.encode` must not be two arguments.
pub(crate) struct Noted<T, N = &'static str>(pub(crate) T, pub(crate) Option<N>);

/// What came of putting things into a table: the table, and `"truncated"` if some were left out.
pub(crate) type Collected = Noted<Table>;

/// Prepares `lua` for the tables made here.
pub(crate) fn register(lua: &Lua) -> mlua::Result<()> {
    let meta: Table = lua.load(HEADERS_META).set_name("=tower-lua").eval()?;
    lua.set_named_registry_value(HEADERS_META_KEY, meta)
}

/// A table of headers by lower-case name, found by any spelling. A header with several values has
/// an array of them. `max` 0 is no limit.
pub(crate) fn headers_table<'a>(
    lua: &Lua,
    headers: impl Iterator<Item = (&'a http::HeaderName, &'a http::HeaderValue)>,
    max: usize,
) -> mlua::Result<Collected> {
    let fields = headers.map(|(name, value)| Ok((name.as_str(), lua.create_string(value)?)));
    let collected = multimap(lua, fields, max)?;
    collected.0.set_metatable(Some(lua.named_registry_value(HEADERS_META_KEY)?))?;
    Ok(collected)
}

/// The same of a request, with the `Host` that HTTP/2 names elsewhere.
pub(crate) fn request_headers_table(
    lua: &Lua,
    request: &Request,
    max: usize,
) -> mlua::Result<Collected> {
    let implied_host = request.implied_host();
    let implied = implied_host.iter().map(|host| (&HOST, host));
    headers_table(lua, implied.chain(request.headers()), max)
}

/// The same of a response, with the `Connection` that it is going to have in HTTP/1, as nginx has it.
pub(crate) fn response_headers_table(
    lua: &Lua,
    tx: &Transaction,
    max: usize,
) -> mlua::Result<Collected> {
    let implied = tx.implied_connection();
    let implied = implied.iter().map(|connection| (&CONNECTION, connection));
    headers_table(lua, implied.chain(tx.response.headers()), max)
}

/// A table of query or form arguments. One without a value is `true`, several of one name are an
/// array.
pub(crate) fn args_table(lua: &Lua, query: &[u8], max: usize) -> mlua::Result<Collected> {
    let (query, truncated) = uri::first_args(query, max);
    let fields = uri::args(query).map(|(name, value): Arg<'_>| {
        let value = match value {
            Some(value) => Value::String(lua.create_string(value)?),
            None => Value::Boolean(true),
        };
        Ok((lua.create_string(name)?, value))
    });
    let Noted(args, _) = multimap(lua, fields, 0)?;
    Ok(Noted(args, truncated.then_some("truncated")))
}

/// A table of fields, where several values of one name are an array. `max` 0 is no limit.
pub(crate) fn multimap<K, V>(
    lua: &Lua,
    mut fields: impl Iterator<Item = mlua::Result<(K, V)>>,
    max: usize,
) -> mlua::Result<Collected>
where
    K: IntoLua,
    V: IntoLua,
{
    let table = lua.create_table()?;
    let limit = if max == 0 { usize::MAX } else { max };
    for (count, field) in fields.by_ref().take(limit).enumerate() {
        if count % FIELDS_PER_TICK == FIELDS_PER_TICK - 1 {
            check(lua, 0)?;
        }
        let (name, value) = field?;
        let name = name.into_lua(lua)?;
        match table.raw_get(&name)? {
            Value::Nil => table.raw_set(name, value)?,
            Value::Table(values) => values.raw_push(value)?,
            first => {
                let values = lua.create_sequence_from([first, value.into_lua(lua)?])?;
                table.raw_set(name, values)?;
            }
        }
    }
    Ok(Noted(table, fields.next().is_some().then_some("truncated")))
}

/// After how many fields the clock is looked at.
const FIELDS_PER_TICK: usize = 256;

impl<T: IntoLua, N: IntoLua> IntoLuaMulti for Noted<T, N> {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        match self.1 {
            None => self.0.into_lua_multi(lua),
            Some(note) => (self.0, note).into_lua_multi(lua),
        }
    }
}

/// What the application knows, as a table of plain values. Fields that are null are left out, as Kong
/// leaves them out of its entities.
pub(crate) fn fields_table(lua: &Lua, fields: &Map<String, Json>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for (name, value) in fields {
        if !value.is_null() {
            table.raw_set(name.as_str(), json_value(lua, value)?)?;
        }
    }
    Ok(table)
}

/// The same of any value.
pub(crate) fn json_value(lua: &Lua, value: &Json) -> mlua::Result<Value> {
    Ok(match value {
        Json::Null => Value::NULL,
        Json::Bool(boolean) => Value::Boolean(*boolean),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::String(lua.create_string(text)?),
        Json::Array(values) => {
            let table = lua.create_table_with_capacity(values.len(), 0)?;
            for value in values {
                table.raw_push(json_value(lua, value)?)?;
            }
            Value::Table(table)
        }
        Json::Object(fields) => Value::Table(fields_table(lua, fields)?),
    })
}

/// The text of a string or number, or of `true` and `false`; `None` for anything else.
pub(crate) fn scalar_text(lua: &Lua, value: &Value) -> mlua::Result<Option<LuaString>> {
    match value {
        Value::Boolean(boolean) => lua.create_string(boolean.to_string()).map(Some),
        Value::String(_) | Value::Integer(_) | Value::Number(_) => lua.coerce_string(value.clone()),
        _ => Ok(None),
    }
}

/// The text of a value where lua-nginx-module takes any: nothing for `nil` and `false`.
pub(crate) fn lenient_text(lua: &Lua, value: Value) -> mlua::Result<LuaString> {
    match value {
        Value::String(text) => Ok(text),
        Value::Nil | Value::Boolean(false) => lua.create_string(""),
        other => lua.create_string(display(lua, &other)),
    }
}

/// Adds a value to a line of the log, as `tostring` shows it.
pub(crate) fn log(lua: &Lua, value: &Value, line: &mut Line) {
    match value {
        Value::String(text) => line.push_bytes(&text.as_bytes()),
        other => line.push(&display(lua, other)),
    }
}

/// A value as `tostring` shows it, but for metamethods: nothing here calls into Lua.
pub(crate) fn display(lua: &Lua, value: &Value) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        Value::LightUserData(pointer) if pointer.0.is_null() => "userdata: NULL".to_owned(),
        Value::Error(error) => error.to_string(),
        other => match scalar_text(lua, other) {
            Ok(Some(text)) => text.to_string_lossy(),
            _ => format!("{}: {:p}", type_name(other), other.to_pointer()),
        },
    }
}

/// The query string that `ngx.encode_args` makes of a table: values escaped, `true` as a bare name,
/// `false` left out.
///
/// # Errors
///
/// When a name is not a string, or a value is nothing that an argument can be.
pub(crate) fn encode_args(lua: &Lua, table: &Table, query: &mut Buffer<'_>) -> mlua::Result<()> {
    for pair in table.pairs::<Value, Value>() {
        let (name, value) = pair?;
        let Value::String(name) = name else {
            return Err(raise("attempt to use a non-string key in the \"args\" option table"));
        };
        encode_arg(lua, &name, &value, query)?;
    }
    Ok(())
}

/// Adds an argument to a query string: several times when `value` is an array, not at all when it is
/// `false`.
///
/// # Errors
///
/// When a value is nothing that an argument can be.
pub(crate) fn encode_arg(
    lua: &Lua,
    name: &LuaString,
    value: &Value,
    query: &mut Buffer<'_>,
) -> mlua::Result<()> {
    let Value::Table(values) = value else {
        return encode_single(lua, name, value, query);
    };
    for value in values.sequence_values::<Value>() {
        encode_single(lua, name, &value?, query)?;
    }
    Ok(())
}

fn encode_single(
    lua: &Lua,
    name: &LuaString,
    value: &Value,
    query: &mut Buffer<'_>,
) -> mlua::Result<()> {
    let text = match value {
        Value::Boolean(true) => None,
        Value::Boolean(false) => return query.tick(),
        value => Some(scalar_text(lua, value)?.ok_or_else(|| {
            raise(format!("attempt to use {} as query arg value", type_name(value)))
        })?),
    };
    if query.len() > 0 {
        query.push(b'&')?;
    }
    uri::escape_into(&name.as_bytes(), uri::Escape::Component, query)?;
    if let Some(text) = text {
        query.push(b'=')?;
        uri::escape_into(&text.as_bytes(), uri::Escape::Component, query)?;
    }
    Ok(())
}
