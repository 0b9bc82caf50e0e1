//! `ngx.shared.DICT`: dictionaries that all VMs of a runtime share.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mlua::{Function, IntoLuaMulti, LuaString, MultiValue, Table, Value};

use super::arguments::{Argument, tostring};
use crate::binding::convert::Noted;
use crate::binding::{Call, Namespace, Scope, bindings};
use crate::lua::{as_number, raise_at, type_name};
use crate::phase::PhaseSet;
use crate::store::dict::{Condition, End, Found, Refused, SharedDict, Stored, Storing};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.shared.DICT",
    bindings: bindings! {
        "get", PhaseSet::ANY, calls get;
        "get_stale", PhaseSet::ANY, calls get_stale;
        "set", PhaseSet::ANY, calls |call, arguments| store(call, arguments, Condition::Always, false);
        "safe_set", PhaseSet::ANY, calls |call, arguments| store(call, arguments, Condition::Always, true);
        "add", PhaseSet::ANY, calls |call, arguments| store(call, arguments, Condition::Absent, false);
        "safe_add", PhaseSet::ANY, calls |call, arguments| store(call, arguments, Condition::Absent, true);
        "replace", PhaseSet::ANY, calls |call, arguments| store(call, arguments, Condition::Present, false);
        "delete", PhaseSet::ANY, calls delete;
        "incr", PhaseSet::ANY, calls incr;
        "lpush", PhaseSet::ANY, calls |call, arguments| push(call, arguments, End::Left);
        "rpush", PhaseSet::ANY, calls |call, arguments| push(call, arguments, End::Right);
        "lpop", PhaseSet::ANY, calls |call, arguments| pop(call, arguments, End::Left);
        "rpop", PhaseSet::ANY, calls |call, arguments| pop(call, arguments, End::Right);
        "llen", PhaseSet::ANY, calls llen;
        "ttl", PhaseSet::ANY, calls ttl;
        "expire", PhaseSet::ANY, calls expire;
        "flush_all", PhaseSet::ANY, calls flush_all;
        "flush_expired", PhaseSet::ANY, calls flush_expired;
        "get_keys", PhaseSet::ANY, calls get_keys;
        "capacity", PhaseSet::ANY, calls capacity;
        "free_space", PhaseSet::ANY, calls free_space;
    },
};

/// The field of a dictionary's metatable that says which it is.
const PLACE: &str = "__dict";

/// Puts the dictionaries of the runtime in the place of `DICT`, which stands for any of them.
pub(super) fn register(scope: &Scope<'_>, shared: &Table) -> mlua::Result<()> {
    let methods: Table = shared.raw_get("DICT")?;
    shared.raw_set("DICT", Value::Nil)?;
    let make: Function = scope
        .lua
        .load(
            r#"
            local methods, place, zone = ...
            local next, error, setmetatable = next, error, setmetatable
            -- In OpenResty the first element is the zone, and `ngx.encode_args` trips over it.
            return setmetatable({ zone }, {
              __shared = true,
              __dict = place,
              __index = methods,
              __pairs = function() return next, methods end,
              __newindex = function() error("attempt to change a shared dictionary's methods", 2) end,
            })
            "#,
        )
        .set_name("=tower-lua")
        .into_function()?;
    for (place, (name, _)) in scope.settings.shared_dicts.iter().enumerate() {
        shared.raw_set(name.as_str(), make.call::<Table>((&methods, place, Value::NULL))?)?;
    }
    Ok(())
}

/// A value, or `nil` and why there is none.
type Answer = Noted<Value, Refused>;

fn answer<T>(result: Result<T, Refused>, value: impl FnOnce(T) -> Value) -> Answer {
    match result {
        Ok(found) => Noted(value(found), None),
        Err(why) => Noted(Value::Nil, Some(why)),
    }
}

/// The dictionary that a method was called on.
pub(in crate::api) fn zone(call: &Call<'_>, value: &Value) -> mlua::Result<Arc<SharedDict>> {
    let place = match value {
        Value::Table(table) => match table.metatable() {
            Some(metatable) => metatable.raw_get::<Option<usize>>(PLACE)?,
            None => None,
        },
        _ => None,
    };
    let dict = place.and_then(|place| call.settings.shared_dicts.get(place));
    dict.map_or_else(
        || Err(raise_at(call.lua, "bad \"zone\" argument")),
        |(_, dict)| Ok(Arc::clone(dict)),
    )
}

/// The key as text, or what is wrong with it.
fn key(call: &Call<'_>, key: Value) -> mlua::Result<Result<LuaString, Refused>> {
    if key.is_nil() {
        return Ok(Err("nil key"));
    }
    let key = tostring(call, key)?;
    let length = key.as_bytes().len();
    Ok(match length {
        0 => Err("empty key"),
        1..=65535 => Ok(key),
        _ => Err("key too long"),
    })
}

fn value_of(call: &Call<'_>, stored: Stored) -> mlua::Result<Value> {
    Ok(match stored {
        Stored::Boolean(boolean) => Value::Boolean(boolean),
        Stored::Number(number) => Value::Number(number),
        Stored::Text(text) => Value::String(call.string(text)?),
        Stored::List(_) => unreachable!("lists are given element by element"),
    })
}

/// What can be stored: a number, text, or a boolean. Of a text for which the dictionary has no room
/// there is just as much as it has no room for.
fn stored(dict: &SharedDict, value: &Value) -> Option<Stored> {
    match value {
        Value::Boolean(boolean) => Some(Stored::Boolean(*boolean)),
        Value::String(text) => {
            let text = text.as_bytes();
            let most = text.len().min(dict.capacity().saturating_add(1));
            Some(Stored::Text(Bytes::copy_from_slice(&text[..most])))
        }
        other => as_number(other).map(Stored::Number),
    }
}

/// Seconds as a lifetime: 0 is for ever.
fn lifetime(seconds: f64) -> Option<Duration> {
    let millis = (seconds * 1000.0).trunc();
    (millis > 0.0).then(|| Duration::try_from_secs_f64(millis / 1000.0).unwrap_or(Duration::MAX))
}

fn found(
    call: &mut Call<'_>,
    dict: &Value,
    name: Value,
    stale: bool,
) -> mlua::Result<Result<Option<Found>, Refused>> {
    let dict = zone(call, dict)?;
    match key(call, name)? {
        Ok(name) => Ok(dict.get(&name.as_bytes(), stale)),
        Err(why) => Ok(Err(why)),
    }
}

fn get(call: &mut Call<'_>, (dict, name): (Value, Value)) -> mlua::Result<MultiValue> {
    match found(call, &dict, name, false)? {
        Ok(None) => Value::Nil.into_lua_multi(call.lua),
        Ok(Some(Found { value, flags: 0, .. })) => value_of(call, value)?.into_lua_multi(call.lua),
        Ok(Some(Found { value, flags, .. })) => {
            (value_of(call, value)?, flags).into_lua_multi(call.lua)
        }
        Err(why) => (Value::Nil, why).into_lua_multi(call.lua),
    }
}

fn get_stale(call: &mut Call<'_>, (dict, name): (Value, Value)) -> mlua::Result<MultiValue> {
    match found(call, &dict, name, true)? {
        Ok(None) => Value::Nil.into_lua_multi(call.lua),
        Ok(Some(Found { value, flags, stale })) => {
            let flags = (flags != 0).then_some(flags);
            (value_of(call, value)?, flags, stale).into_lua_multi(call.lua)
        }
        Err(why) => (Value::Nil, why).into_lua_multi(call.lua),
    }
}

fn store(
    call: &mut Call<'_>,
    (dict, name, value, exptime, flags): (Value, Value, Value, Value, Value),
    condition: Condition,
    safe: bool,
) -> mlua::Result<MultiValue> {
    let dict = zone(call, &dict)?;
    let seconds = match &exptime {
        Value::Nil | Value::Boolean(false) => 0.0,
        exptime => as_number(exptime)
            .filter(|seconds| *seconds >= 0.0)
            .ok_or_else(|| raise_at(call.lua, "bad \"exptime\" argument"))?,
    };
    let flags = match &flags {
        Value::Nil | Value::Boolean(false) => 0,
        flags => as_number(flags).ok_or_else(|| cannot_convert(call, flags, "int"))? as i32,
    };
    let lua = call.lua;
    let refused = |why: Refused| (Value::Nil, why).into_lua_multi(lua);
    let name = match key(call, name)? {
        Ok(name) => name,
        Err(why) => return refused(why),
    };
    let new = match &value {
        Value::Nil => None,
        value => match stored(&dict, value) {
            Some(value) => Some(value),
            None => return refused("bad value type"),
        },
    };
    if new.is_none() && condition != Condition::Always {
        return (false, "attempt to add or replace nil values", false).into_lua_multi(lua);
    }
    let how = Storing { condition, safe, lifetime: lifetime(seconds), flags };
    let (result, forcible) = dict.store(&name.as_bytes(), new, &how);
    (result.is_ok(), result.err(), forcible).into_lua_multi(lua)
}

/// What LuaJIT says of a value that is none of C's.
#[cold]
fn cannot_convert(call: &Call<'_>, value: &Value, to: &str) -> mlua::Error {
    raise_at(call.lua, &format!("cannot convert '{}' to '{to}'", type_name(value)))
}

fn delete(call: &mut Call<'_>, (dict, name): (Value, Value)) -> mlua::Result<MultiValue> {
    let arguments = (dict, name, Value::Nil, Value::Nil, Value::Nil);
    store(call, arguments, Condition::Always, false)
}

fn incr(
    call: &mut Call<'_>,
    (dict, name, step, init, init_ttl): (Value, Value, Value, Value, Value),
) -> mlua::Result<MultiValue> {
    let dict = zone(call, &dict)?;
    let name = match key(call, name)? {
        Ok(name) => name,
        Err(why) => return (Value::Nil, why).into_lua_multi(call.lua),
    };
    // What is no number has become `nil` on the way there.
    let step = call.lua.coerce_number(step)?;
    let step = step.ok_or_else(|| cannot_convert(call, &Value::Nil, "double"))?;
    let init = match init {
        Value::Nil | Value::Boolean(false) => None,
        init => Some(number(call, init, "init")?),
    };
    let seconds = match init_ttl {
        Value::Nil => 0.0,
        ttl => match number(call, ttl, "init_ttl")? {
            seconds if seconds < 0.0 => {
                return Err(raise_at(call.lua, "bad \"init_ttl\" argument"));
            }
            _ if init.is_none() => {
                let message = "must provide \"init\" when providing \"init_ttl\"";
                return Err(raise_at(call.lua, message));
            }
            seconds => seconds,
        },
    };
    match dict.incr(&name.as_bytes(), step, init, lifetime(seconds)) {
        Ok((sum, _)) if init.is_none() => sum.into_lua_multi(call.lua),
        Ok((sum, forcible)) => (sum, Value::Nil, forcible).into_lua_multi(call.lua),
        Err(why) => (Value::Nil, why).into_lua_multi(call.lua),
    }
}

fn number(call: &Call<'_>, value: Value, name: &str) -> mlua::Result<f64> {
    let kind = type_name(&value);
    let number = call.lua.coerce_number(value)?;
    number
        .ok_or_else(|| raise_at(call.lua, &format!("bad {name} arg: number expected, got {kind}")))
}

fn push(
    call: &mut Call<'_>,
    (dict, name, value): (Value, Value, Value),
    end: End,
) -> mlua::Result<Answer> {
    let dict = zone(call, &dict)?;
    let element = match stored(&dict, &value) {
        Some(Stored::Boolean(_)) | None => Err("bad value type"),
        Some(element) => Ok(element),
    };
    let length = match key(call, name)? {
        Ok(name) => element.and_then(|element| dict.push(&name.as_bytes(), element, end)),
        Err(why) => Err(why),
    };
    Ok(answer(length, |length| Value::Number(length as f64)))
}

fn pop(call: &mut Call<'_>, (dict, name): (Value, Value), end: End) -> mlua::Result<Answer> {
    let dict = zone(call, &dict)?;
    let popped = match key(call, name)? {
        Ok(name) => dict.pop(&name.as_bytes(), end),
        Err(why) => Err(why),
    };
    match popped {
        Ok(Some(element)) => Ok(Noted(value_of(call, element)?, None)),
        Ok(None) => Ok(Noted(Value::Nil, None)),
        Err(why) => Ok(Noted(Value::Nil, Some(why))),
    }
}

fn llen(call: &mut Call<'_>, (dict, name): (Value, Value)) -> mlua::Result<Answer> {
    let dict = zone(call, &dict)?;
    let length = key(call, name)?.and_then(|name| dict.len(&name.as_bytes()));
    Ok(answer(length, |length| Value::Number(length as f64)))
}

fn ttl(call: &mut Call<'_>, (dict, name): (Value, Value)) -> mlua::Result<Answer> {
    let dict = zone(call, &dict)?;
    let ttl = key(call, name)?.and_then(|name| dict.ttl(&name.as_bytes()));
    Ok(answer(ttl, Value::Number))
}

fn expire(
    call: &mut Call<'_>,
    (dict, name, exptime): (Value, Value, Value),
) -> mlua::Result<Answer> {
    let dict = zone(call, &dict)?;
    let seconds = as_number(&exptime);
    let seconds = seconds.ok_or_else(|| raise_at(call.lua, "bad \"exptime\" argument"))?;
    let expired =
        key(call, name)?.and_then(|name| dict.expire(&name.as_bytes(), lifetime(seconds)));
    Ok(answer(expired, |()| Value::Boolean(true)))
}

fn flush_all(call: &mut Call<'_>, dict: Value) -> mlua::Result<()> {
    zone(call, &dict)?.flush_all();
    Ok(())
}

/// The dictionary and the number that may come after it.
fn zone_and_max(
    call: &Call<'_>,
    arguments: &MultiValue,
    function: &'static str,
) -> mlua::Result<(Arc<SharedDict>, Option<usize>)> {
    let count = arguments.len();
    if !(1..=2).contains(&count) {
        let message = format!("expecting 1 or 2 argument(s), but saw {count}");
        return Err(raise_at(call.lua, &message));
    }
    let dict = zone(call, &arguments[0])?;
    let max = match arguments.get(1) {
        None => None,
        Some(max) => Some(Argument::new(2, function).number(call, max.clone())?.max(0.0) as usize),
    };
    Ok((dict, max))
}

fn flush_expired(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<usize> {
    let (dict, max) = zone_and_max(call, &arguments, "flush_expired")?;
    Ok(dict.flush_expired(max.unwrap_or(0)))
}

/// How many keys are given to who does not say how many.
const DEFAULT_KEYS: usize = 1024;

fn get_keys(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Table> {
    let (dict, max) = zone_and_max(call, &arguments, "get_keys")?;
    let keys = call.lua.create_table()?;
    for key in dict.keys(max.unwrap_or(DEFAULT_KEYS)) {
        keys.raw_push(call.string(key)?)?;
    }
    Ok(keys)
}

fn capacity(call: &mut Call<'_>, dict: Value) -> mlua::Result<usize> {
    Ok(zone(call, &dict)?.capacity())
}

fn free_space(call: &mut Call<'_>, dict: Value) -> mlua::Result<usize> {
    Ok(zone(call, &dict)?.free_space())
}
