//! `kong.cache`: values that all VMs share, loaded by one request at a time.
//!
//! What calls the loader is Lua (`cache.lua`), over the functions here: Rust never calls Lua.

use mlua::{Function, IntoLuaMulti, LuaString, MultiValue, Table, Value};

use crate::api::serializer::SERIALIZED;
use crate::binding::{Await, Call, Namespace, Scope, bindings};
use crate::error::log;
use crate::lua::{as_number, position, raise_at, type_name};
use crate::phase::PhaseSet;
use crate::store::cache::{Acquired, Found, Level, Unfit, Waiter, decode, encode};

/// The rows of `get`, `renew` and `get_bulk` check the arguments, and give what is there already;
/// `cache.lua` adds what calls the loader.
pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.cache",
    bindings: bindings! {
        "get", PhaseSet::ANY, calls get;
        "get_bulk", PhaseSet::ANY, calls get_bulk;
        "invalidate", PhaseSet::ANY, calls invalidate;
        "invalidate_local", PhaseSet::ANY, calls invalidate_local;
        "probe", PhaseSet::ANY, calls probe;
        "purge", PhaseSet::ANY, calls purge;
        "renew", PhaseSet::ANY, calls renew;
        "safe_set", PhaseSet::ANY, calls safe_set;
    },
};

/// What `cache.lua` calls around a loader.
const LOADING: Namespace = Namespace {
    path: "kong.cache",
    bindings: bindings! {
        "find", PhaseSet::ANY, calls find;
        "deadline", PhaseSet::ANY, calls deadline;
        "acquire", PhaseSet::ANY, calls acquire;
        "await", PhaseSet::ANY, awaits await_load;
        "store", PhaseSet::ANY, calls store;
        "release", PhaseSet::ANY, calls release;
        "resurrect", PhaseSet::ANY, calls resurrect;
        "old", PhaseSet::ANY, calls old;
        "warn", PhaseSet::ANY, calls warn;
    },
};

// Kong: in seconds, as a Kong without a database has them. 0 is for ever.
const TTL: f64 = 0.0;
const NEG_TTL: f64 = 0.0;
const RESURRECT_TTL: f64 = 30.0;

/// How long a function waits for somebody else's loader, in seconds: Kong's `timeout` of its locks.
const TIMEOUT: f64 = 5.0;

/// `kong.cache`, made of its rows.
pub(super) fn with_loaders(scope: &Scope<'_>, rows: &Table) -> mlua::Result<Table> {
    let native = scope.lua.create_table()?;
    scope.extend(&native, &LOADING)?;
    let chunk = |source| scope.lua.load(source).set_name(format!("={}", crate::lua::PRELUDE_NAME));
    let serialized: Function = chunk(SERIALIZED).call(())?;
    chunk(include_str!("cache.lua")).call((rows, native, serialized))
}

/// A value that is there: `true`, the value, and where mlcache would have found it. `false` and
/// whether there is an old one otherwise.
type Answer = (bool, Value, u8);

fn get(
    call: &mut Call<'_>,
    (_, key, options, loader): (Value, Value, Value, Value),
) -> mlua::Result<MultiValue> {
    let key = key_of(call, key)?;
    if !matches!(loader, Value::Nil | Value::Function(_)) {
        return Err(raise_at(call.lua, "callback must be nil or a function"));
    }
    let found = call.settings.cache.find(&key.as_bytes(), reader(call));
    let is_own = found.as_ref().is_some_and(|found| found.is_fresh && found.level == Level::Own);
    // mlcache looks at the options of what the worker has already no more than this.
    let options = if is_own { Options::default() } else { Options::of(call, &options)? };
    answer(call, found, options)
}

/// What a lookup comes to, and the options for a loader after it.
fn answer(call: &Call<'_>, found: Option<Found>, options: Options) -> mlua::Result<MultiValue> {
    let (is_there, value, level) = shown(call, found)?;
    let Options { ttl, neg_ttl, resurrect_ttl, serializer } = options;
    (is_there, value, level, ttl, neg_ttl, resurrect_ttl, serializer).into_lua_multi(call.lua)
}

fn shown(call: &Call<'_>, found: Option<Found>) -> mlua::Result<Answer> {
    match found {
        Some(found) if found.is_fresh => {
            Ok((true, decode(call.lua, &found.value)?, found.level as u8))
        }
        // What has expired is of use still when the loader fails.
        Some(_) => Ok((false, Value::Boolean(true), 0)),
        None => Ok((false, Value::Boolean(false), 0)),
    }
}

/// Checks a bulk and gives the number of its operations.
fn get_bulk(call: &mut Call<'_>, (_, bulk, options): (Value, Value, Value)) -> mlua::Result<f64> {
    let Value::Table(bulk) = bulk else {
        return Err(raise_at(call.lua, "bulk must be a table"));
    };
    let options = match options {
        Value::Nil => None,
        Value::Table(options) => Some(options),
        _ => return Err(raise_at(call.lua, "opts must be a table")),
    };
    let count: Value = bulk.raw_get("n")?;
    let Some(count) = as_number(&count) else {
        return Err(raise_at(call.lua, "bulk must have n field"));
    };
    let concurrency = options.map_or(Ok(Value::Nil), |options| options.raw_get("concurrency"))?;
    match (&concurrency, as_number(&concurrency)) {
        (Value::Nil | Value::Boolean(false), _) => {}
        (_, None) => return Err(raise_at(call.lua, "opts.concurrency must be a number")),
        (_, Some(number)) if number <= 0.0 => {
            return Err(raise_at(call.lua, "opts.concurrency must be > 0"));
        }
        _ => {}
    }
    for operation in (1_u32..).take_while(|operation| f64::from(*operation) <= count) {
        check_operation(call, &bulk, operation)?;
    }
    Ok(count)
}

fn check_operation(call: &Call<'_>, bulk: &Table, operation: u32) -> mlua::Result<()> {
    let place = i64::from(operation - 1) * 4 + 1;
    let key: Value = bulk.raw_get(place)?;
    if !key.is_string() {
        let kind = type_name(&key);
        let message =
            format!("key at index {place} must be a string for operation {operation} (got {kind})");
        return Err(raise_at(call.lua, &message));
    }
    let loader: Value = bulk.raw_get(place + 2)?;
    if !loader.is_function() {
        let (place, kind) = (place + 2, type_name(&loader));
        let message = format!(
            "callback at index {place} must be a function for operation {operation} (got {kind})"
        );
        return Err(raise_at(call.lua, &message));
    }
    let problem = Options::read(&bulk.raw_get(place + 1)?)?.err();
    problem.map_or(Ok(()), |problem| {
        let place = place + 1;
        let message =
            format!("options at index {place} for operation {operation} are invalid: {problem}");
        Err(raise_at(call.lua, &message))
    })
}

// There is no cluster to tell.
fn invalidate(call: &mut Call<'_>, (_, key): (Value, Value)) -> mlua::Result<()> {
    let key = key_of(call, key)?;
    call.settings.cache.remove(&key.as_bytes());
    if let Some(tell) = &call.settings.invalidated {
        tell(&key.as_bytes());
    }
    Ok(())
}

fn invalidate_local(call: &mut Call<'_>, (_, key): (Value, Value)) -> mlua::Result<()> {
    let key = key_of(call, key)?;
    call.settings.cache.remove(&key.as_bytes());
    Ok(())
}

/// The seconds that are left, nothing, and the value.
fn probe(
    call: &mut Call<'_>,
    (_, key): (Value, Value),
) -> mlua::Result<(Option<f64>, Value, Value)> {
    let key = key_of(call, key)?;
    match call.settings.cache.peek(&key.as_bytes()).filter(|found| found.is_fresh) {
        Some(found) => Ok((Some(found.ttl), Value::Nil, decode(call.lua, &found.value)?)),
        None => Ok((None, Value::Nil, Value::Nil)),
    }
}

fn purge(call: &mut Call<'_>, (): ()) -> mlua::Result<()> {
    log_line(call, log::Level::Notice, "[DB cache] purging (local) cache");
    call.settings.cache.purge();
    Ok(())
}

/// Checks the arguments, and gives the version of what there is and the options.
fn renew(
    call: &mut Call<'_>,
    (_, key, options, loader): (Value, Value, Value, Value),
) -> mlua::Result<(u64, f64, f64, f64, Value)> {
    let key = key_of(call, key)?;
    let Options { ttl, neg_ttl, resurrect_ttl, serializer } = Options::of(call, &options)?;
    if !loader.is_function() {
        return Err(raise_at(call.lua, "callback must be a function"));
    }
    let version = call.settings.cache.peek(&key.as_bytes()).map_or(0, |found| found.version);
    Ok((version, ttl, neg_ttl, resurrect_ttl, serializer))
}

fn safe_set(
    call: &mut Call<'_>,
    (_, key, value): (Value, Value, Value),
) -> mlua::Result<Result<bool, &'static str>> {
    let kind = type_name(&key);
    let text = if key.is_boolean() { None } else { call.lua.coerce_string(key)? };
    let Some(key) = text else {
        let message = format!("attempt to concatenate local 'key' (a {kind} value)");
        return Err(raise_at(call.lua, &message));
    };
    let cache = &call.settings.cache;
    let stored = match encode(call.lua, &value, cache.capacity()) {
        Ok(encoded) => cache.store_safely(&key.as_bytes(), encoded, TTL),
        Err(Unfit::TooLarge) => false,
        Err(unfit) => return Err(refused(call, unfit)),
    };
    Ok(if stored { Ok(true) } else { Err("no memory") })
}

/// What there is for a key, for an operation of a bulk. The loader of one before it may have changed
/// the bulk since it was checked.
fn find(call: &mut Call<'_>, (key, options): (Value, Value)) -> mlua::Result<MultiValue> {
    let key = key_of(call, key)?;
    let options = Options::of(call, &options)?;
    let found = call.settings.cache.find(&key.as_bytes(), reader(call));
    answer(call, found, options)
}

/// When a function that begins to wait now has waited for long enough.
fn deadline(call: &mut Call<'_>, (): ()) -> mlua::Result<f64> {
    Ok(call.settings.cache.now() + TIMEOUT)
}

/// What a function hears that wants to load a value: that the value is there by now; that it is to
/// load it; that it has to wait; or that there would be no end to waiting.
///
/// Who renews a value says which version was there before. A value of that version is not "there by
/// now", and with a newer one comes the time that it has left, instead of its level.
fn acquire(
    call: &mut Call<'_>,
    (key, renewed): (LuaString, Option<u64>),
) -> mlua::Result<(&'static str, Value, f64)> {
    let key = key.as_bytes();
    // Where light threads wait, the one that loads it may be another than the one that asks.
    let is_alone = call.tx.flights.is_none();
    if is_alone && call.tx.loads.iter().any(|load| load.is_of(&key)) {
        // Kong: finds this out by waiting for as long as it would for others.
        return Ok(("timeout", Value::Nil, 0.0));
    }
    let cache = &call.settings.cache;
    match cache.acquire(&key, reader(call), renewed.is_some()) {
        Acquired::Found(found) => {
            Ok(("found", decode(call.lua, &found.value)?, f64::from(found.level as u8)))
        }
        Acquired::Busy => Ok(("busy", Value::Nil, 0.0)),
        Acquired::Loading(loading) => {
            let current = renewed.and_then(|before| {
                cache.peek(&key).filter(|found| found.is_fresh && found.version != before)
            });
            if let Some(found) = current {
                // Another has renewed it meanwhile; `loading` goes, and frees the key.
                return Ok(("found", decode(call.lua, &found.value)?, found.ttl));
            }
            call.tx.loads.push(loading);
            Ok(("loading", Value::Nil, 0.0))
        }
    }
}

/// Waits until whoever loads the value of a key is done. Says whether that was before `deadline`.
fn await_load(call: &mut Call<'_>, (key, deadline): (LuaString, f64)) -> mlua::Result<Await<bool>> {
    let cache = &call.settings.cache;
    let Some(load) = cache.load_of(&key.as_bytes()) else { return Ok(Await::Ready(true)) };
    let phase = call.tx.site.phase;
    if !PhaseSet::YIELDABLE.contains(phase) {
        let message = format!("API disabled in the context of {phase}_by_lua*");
        return Err(raise_at(call.lua, &message));
    }
    let deadline = cache.moment(deadline);
    let over = Waiter::new(load);
    Ok(Await::future(async move { Ok(tokio::time::timeout_at(deadline, over).await.is_ok()) }))
}

/// Stores what was loaded, and frees the key.
fn store(call: &mut Call<'_>, (key, value, ttl): (LuaString, Value, f64)) -> mlua::Result<()> {
    let key = key.as_bytes();
    let reader = reader(call);
    let cache = &call.settings.cache;
    let loading = call.tx.loads.iter().position(|load| load.is_of(&key));
    let _freed_at_the_end = loading.map(|place| call.tx.loads.swap_remove(place));
    let is_cached = matches!(
        value,
        Value::Nil
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Table(_)
    );
    if !is_cached {
        let message = format!("cannot cache value of type {}", type_name(&value));
        return Err(raise_at(call.lua, &message));
    }
    let stored = match encode(call.lua, &value, cache.capacity()) {
        Ok(encoded) => cache.store(&key, encoded, ttl, Some(reader)),
        Err(Unfit::TooLarge) => {
            cache.remove(&key);
            false
        }
        Err(unfit) => return Err(refused(call, unfit)),
    };
    if !stored {
        log_line(call, log::Level::Warn, "could not write to the cache: no memory");
    }
    Ok(())
}

/// Frees a key whose value was not loaded.
fn release(call: &mut Call<'_>, (key,): (LuaString,)) -> mlua::Result<()> {
    call.tx.loads.retain(|load| !load.is_of(&key.as_bytes()));
    Ok(())
}

/// Gives an old value, which is good for `ttl` more seconds.
fn resurrect(call: &mut Call<'_>, (key, ttl): (LuaString, f64)) -> mlua::Result<Answer> {
    let found = call.settings.cache.resurrect(&key.as_bytes(), ttl, reader(call));
    shown(call, found)
}

/// Whether there is a value, be it an old one, and the value.
fn old(call: &mut Call<'_>, (key,): (LuaString,)) -> mlua::Result<(bool, Value)> {
    match call.settings.cache.peek(&key.as_bytes()) {
        Some(found) => Ok((true, decode(call.lua, &found.value)?)),
        None => Ok((false, Value::Nil)),
    }
}

fn warn(call: &mut Call<'_>, (message,): (LuaString,)) -> mlua::Result<()> {
    log_line(call, log::Level::Warn, &message.to_string_lossy());
    Ok(())
}

fn log_line(call: &Call<'_>, level: log::Level, message: &str) {
    if call.logs(level) {
        let position = position(call.lua);
        log::write_for_ngx(level, &call.tx.origin(), position.as_ref(), &message.into());
    }
}

fn key_of(call: &Call<'_>, key: Value) -> mlua::Result<LuaString> {
    match key {
        Value::String(key) => Ok(key),
        _ => Err(raise_at(call.lua, "key must be a string")),
    }
}

/// The VM that a value is for.
fn reader(call: &Call<'_>) -> usize {
    call.tx.vm.map_or(0, |vm| vm.number)
}

/// Why a value cannot be stored, in LuaJIT's words.
fn refused(call: &Call<'_>, unfit: Unfit) -> mlua::Error {
    match unfit {
        Unfit::Type(kind) => raise_at(call.lua, &format!("cannot serialize '{kind}'")),
        Unfit::TooDeep => raise_at(call.lua, "too deep to serialize"),
        Unfit::TooLarge => raise_at(call.lua, "no memory"),
        Unfit::Lua(error) => error,
    }
}

/// The `opts` of a call.
struct Options {
    ttl: f64,
    neg_ttl: f64,
    resurrect_ttl: f64,
    serializer: Value,
}

impl Default for Options {
    fn default() -> Self {
        Self { ttl: TTL, neg_ttl: NEG_TTL, resurrect_ttl: RESURRECT_TTL, serializer: Value::Nil }
    }
}

impl Options {
    fn of(call: &Call<'_>, options: &Value) -> mlua::Result<Self> {
        Self::read(options)?.map_err(|problem| raise_at(call.lua, &problem))
    }

    /// The options, or what is wrong with them.
    fn read(options: &Value) -> mlua::Result<Result<Self, String>> {
        let options = match options {
            Value::Nil => return Ok(Ok(Self::default())),
            Value::Table(options) => options,
            _ => return Ok(Err("opts must be a table".to_owned())),
        };
        let mut read = Self::default();
        let fields = [
            ("ttl", &mut read.ttl),
            ("neg_ttl", &mut read.neg_ttl),
            ("resurrect_ttl", &mut read.resurrect_ttl),
        ];
        for (name, field) in fields {
            let value: Value = options.raw_get(name)?;
            match (&value, as_number(&value)) {
                (Value::Nil, _) => {}
                (_, None) => return Ok(Err(format!("opts.{name} must be a number"))),
                (_, Some(number)) if number < 0.0 => {
                    return Ok(Err(format!("opts.{name} must be >= 0")));
                }
                (_, Some(number)) => *field = number,
            }
        }
        read.serializer = options.raw_get("l1_serializer")?;
        if !matches!(read.serializer, Value::Nil | Value::Function(_)) {
            return Ok(Err("opts.l1_serializer must be a function".to_owned()));
        }
        let tries: Value = options.raw_get("shm_set_tries")?;
        match (&tries, as_number(&tries)) {
            (Value::Nil, _) => {}
            (_, None) => return Ok(Err("opts.shm_set_tries must be a number".to_owned())),
            (_, Some(number)) if number < 1.0 => {
                return Ok(Err("opts.shm_set_tries must be >= 1".to_owned()));
            }
            _ => {}
        }
        Ok(Ok(read))
    }
}
