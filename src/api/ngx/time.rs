//! Clocks and dates.

use std::time::{Duration, UNIX_EPOCH};

use mlua::{Function, Lua, LuaString, Value};

use crate::binding::{Call, Namespace, bindings};
use crate::clock;
use crate::lua::{as_number, raise_at};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "now", PhaseSet::ANY, calls now;
        "time", PhaseSet::ANY, calls time;
        "update_time", PhaseSet::ANY, calls update_time;
        "today", PhaseSet::ANY, calls today;
        "localtime", PhaseSet::ANY, calls localtime;
        "utctime", PhaseSet::ANY, calls utctime;
        "http_time", PhaseSet::ANY, calls http_time;
        "cookie_time", PhaseSet::ANY, calls cookie_time;
        "parse_http_time", PhaseSet::ANY, calls parse_http_time;
    },
};

/// Where Lua's own `os.date` is kept: it knows the local time zone, as Rust's library does not.
const OS_DATE: &str = "tower-lua.os.date";

pub(super) fn register(lua: &Lua) -> mlua::Result<()> {
    let date: Function = lua.globals().get::<mlua::Table>("os")?.get("date")?;
    lua.set_named_registry_value(OS_DATE, date)
}

fn since_epoch() -> Duration {
    clock::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn now(_: &mut Call<'_>, (): ()) -> mlua::Result<f64> {
    Ok(since_epoch().as_millis() as f64 / 1000.0)
}

fn time(_: &mut Call<'_>, (): ()) -> mlua::Result<u64> {
    Ok(since_epoch().as_secs())
}

/// The clock is read at every call: there is nothing to update.
fn update_time(_: &mut Call<'_>, (): ()) -> mlua::Result<()> {
    Ok(())
}

/// The time as `os.date` formats it.
pub(super) fn date(call: &Call<'_>, format: &str) -> mlua::Result<LuaString> {
    call.lua.named_registry_value::<Function>(OS_DATE)?.call(format)
}

fn today(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    date(call, "%Y-%m-%d")
}

fn localtime(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    date(call, "%Y-%m-%d %H:%M:%S")
}

fn utctime(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    date(call, "!%Y-%m-%d %H:%M:%S")
}

/// `Thu, 18 Nov 2010 11:27:35 GMT`
fn http_date(call: &Call<'_>, seconds: &Value) -> mlua::Result<String> {
    let Some(seconds) = as_number(seconds) else {
        return Err(raise_at(call.lua, "number argument only"));
    };
    // The years that four digits can name.
    let seconds = seconds.clamp(0.0, 253_402_300_799.0);
    Ok(httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds as u64)))
}

fn http_time(call: &mut Call<'_>, seconds: Value) -> mlua::Result<String> {
    http_date(call, &seconds)
}

/// `Thu, 18-Nov-10 11:27:35 GMT`; from 2038 on with the whole year, as nginx has it.
fn cookie_time(call: &mut Call<'_>, seconds: Value) -> mlua::Result<String> {
    let date = http_date(call, &seconds)?;
    let (day, month, year, rest) = (&date[..7], &date[8..11], &date[12..16], &date[16..]);
    let year = if year > "2037" { year } else { &year[2..] };
    Ok(format!("{day}-{month}-{year}{rest}"))
}

fn parse_http_time(call: &mut Call<'_>, text: Value) -> mlua::Result<Option<u64>> {
    let Value::String(text) = text else {
        return Err(raise_at(call.lua, "string argument only"));
    };
    let date = httpdate::parse_http_date(&text.to_string_lossy()).ok();
    Ok(date.and_then(|date| date.duration_since(UNIX_EPOCH).ok()).map(|age| age.as_secs()))
}
