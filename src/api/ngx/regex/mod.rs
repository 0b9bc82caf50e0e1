//! `ngx.re`: regular expressions by PCRE2.
//!
//! A match counts its steps, and the clock is looked at after each: the budget's hook does not fire
//! meanwhile.

mod pattern;
mod program;
mod template;

use std::sync::Arc;

use lru::LruCache;
use mlua::{AnyUserData, IntoLuaMulti, LuaString, MultiValue, Table, Value};
use pcre2::bytes::CaptureLocations;

use self::pattern::Options;
use self::program::{Program, Stopped};
use self::template::Template;
use super::arguments::{Argument, tostring};
use super::log::complain;
use crate::binding::convert::Noted;
use crate::binding::{Call, Namespace, Scope, bindings};
use crate::lua::Buffer;
use crate::lua::Charge;
use crate::lua::OutOfMemory;
use crate::lua::{check, raise_at};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.re",
    bindings: bindings! {
        "match", PhaseSet::ANY, calls captures;
        "find", PhaseSet::ANY, calls find;
        "gmatch", PhaseSet::ANY, calls gmatch;
        "sub", PhaseSet::ANY, calls |call, arguments| substitute(call, arguments, "sub");
        "gsub", PhaseSet::ANY, calls |call, arguments| substitute(call, arguments, "gsub");
    },
};

/// Puts Lua around what deals with functions.
pub(super) fn register(scope: &Scope<'_>, re: &Table) -> mlua::Result<()> {
    let wrap = scope.lua.load(include_str!("regex.lua")).set_name("=tower-lua").into_function()?;
    wrap.call((re, scope.calls(PhaseSet::ANY, step, None)?))
}

/// A value; or `nil` and what went wrong.
type Found = Noted<Value, String>;

/// Where `program` matches at or after `start`, or PCRE2's number for what went wrong.
///
/// # Errors
///
/// When the function has no time left.
fn run(
    call: &Call<'_>,
    program: &Program,
    subject: &[u8],
    start: usize,
) -> mlua::Result<Result<Option<CaptureLocations>, i32>> {
    let found = program.run(subject, start, || check(call.lua, 0));
    check(call.lua, 0)?;
    match found {
        Ok(found) => Ok(Ok(found)),
        Err(Stopped::Pcre(number)) => Ok(Err(number)),
        Err(Stopped::Lua(error)) => Err(error),
    }
}

fn failed(number: i32) -> String {
    format!("pcre_exec() failed: {number}")
}

fn captures(
    call: &mut Call<'_>,
    (subject, regex, options, context, result): (Value, Value, Value, Value, Value),
) -> mlua::Result<Found> {
    let subject = tostring(call, subject)?;
    let program = match program(call, &regex, &options, "match")? {
        Ok(program) => program,
        Err(message) => return Ok(Noted(Value::Nil, Some(message))),
    };
    let context = Context::of(call, context, "match")?;
    let result = optional_table(call, Argument::new(5, "match"), result)?;
    let found = run(call, &program, &subject.as_bytes(), context.start())?;
    match found {
        Ok(None) => Ok(Noted(Value::Nil, None)),
        Ok(Some(locations)) => {
            context.advance(&locations)?;
            let table = capture_table(call, &program, &subject, &locations, result)?;
            Ok(Noted(Value::Table(table), None))
        }
        Err(number) => Ok(Noted(Value::Nil, Some(failed(number)))),
    }
}

fn find(
    call: &mut Call<'_>,
    (subject, regex, options, context, nth): (Value, Value, Value, Value, Value),
) -> mlua::Result<MultiValue> {
    let lua = call.lua;
    let failure = |message: &str| (Value::Nil, Value::Nil, message).into_lua_multi(lua);
    let subject = tostring(call, subject)?;
    let program = match program(call, &regex, &options, "find")? {
        Ok(program) => program,
        Err(message) => return failure(&message),
    };
    let context = Context::of(call, context, "find")?;
    let nth = match nth {
        Value::Nil | Value::Boolean(false) => 0.0,
        nth => Argument::new(5, "find").number(call, nth)?,
    };
    let found = run(call, &program, &subject.as_bytes(), context.start())?;
    let locations = match found {
        Ok(Some(locations)) => locations,
        Ok(None) => return Value::Nil.into_lua_multi(lua),
        Err(number) => return failure(&failed(number)),
    };
    context.advance(&locations)?;
    if nth > program.groups as f64 {
        return failure("nth out of bound");
    }
    // What is below zero is the whole match.
    match locations.get(nth as usize) {
        Some((from, to)) => (from + 1, to).into_lua_multi(lua),
        None => (Value::Nil, Value::Nil).into_lua_multi(lua),
    }
}

/// The program and the text of the subject, for the iterator; or `nil` and what went wrong.
fn gmatch(
    call: &mut Call<'_>,
    (subject, regex, options): (Value, Value, Value),
) -> mlua::Result<MultiValue> {
    let subject = tostring(call, subject)?;
    let program = program(call, &regex, &options, "gmatch")?;
    check(call.lua, 0)?;
    match program {
        Ok(program) => (held(call, program)?, subject).into_lua_multi(call.lua),
        Err(message) => (Value::Nil, message).into_lua_multi(call.lua),
    }
}

/// A program that Lua refers to. The request that made it answers for its memory, which Lua takes for
/// much less than it is.
struct Held {
    program: Arc<Program>,
    _charge: Option<Charge>,
}

fn held(call: &mut Call<'_>, program: Arc<Program>) -> mlua::Result<AnyUserData> {
    let size = program.size();
    let charge = call.tx.share.charge(size).or_else(|OutOfMemory| {
        // What Lua could let go of may be held as long as it sees no need.
        call.lua.gc_collect()?;
        call.tx.share.charge(size).map_err(mlua::Error::from)
    })?;
    call.lua.create_any_userdata(Held { program, _charge: charge })
}

/// The captures of the next match, and where it begins and ends; `nil` when there is none, and a
/// message if that is because something went wrong.
fn step(
    call: &mut Call<'_>,
    (program, subject, start): (AnyUserData, LuaString, usize),
) -> mlua::Result<MultiValue> {
    let program = Arc::clone(&program.borrow::<Held>()?.program);
    let found = run(call, &program, &subject.as_bytes(), start)?;
    match found {
        Ok(None) => Value::Nil.into_lua_multi(call.lua),
        Ok(Some(locations)) => {
            let table = capture_table(call, &program, &subject, &locations, None)?;
            let (from, to) = locations.get(0).expect("what matches has a place");
            (table, from, to).into_lua_multi(call.lua)
        }
        Err(number) => (Value::Nil, failed(number)).into_lua_multi(call.lua),
    }
}

/// The text with replacements, and how many there are. For a replacement that is a function, the
/// program and the text of the subject.
fn substitute(
    call: &mut Call<'_>,
    (subject, regex, replacement, options): (Value, Value, Value, Value),
    function: &'static str,
) -> mlua::Result<MultiValue> {
    let lua = call.lua;
    let failure = |message: &str| (Value::Nil, Value::Nil, message).into_lua_multi(lua);
    let program = match program_at(call, &regex, &options, Argument::new(4, function))? {
        Ok(program) => program,
        Err(message) => return failure(&message),
    };
    let subject = tostring(call, subject)?;
    if replacement.is_function() {
        check(call.lua, 0)?;
        return (held(call, program)?, subject).into_lua_multi(lua);
    }
    let replacement = tostring(call, replacement)?;
    let replacement = replacement.as_bytes();
    let template = match Template::parse(&replacement) {
        Ok(template) => template,
        Err(problem) => {
            complain(call, &problem);
            return failure("failed to compile the replacement template");
        }
    };
    let once = function == "sub";
    let replaced = replace(call, &program, &subject.as_bytes(), template, once)?;
    match replaced {
        Ok((_, 0)) => (subject, 0).into_lua_multi(lua),
        Ok((text, count)) => (call.string(text)?, count).into_lua_multi(lua),
        Err(message) => failure(&message),
    }
}

type Replaced<'a> = Result<(Buffer<'a>, usize), String>;

fn replace<'a>(
    call: &Call<'a>,
    program: &Program,
    subject: &[u8],
    template: Template<'_>,
    once: bool,
) -> mlua::Result<Replaced<'a>> {
    let (mut out, mut count, mut start, mut copied) = (call.buffer(), 0, 0, 0);
    while start <= subject.len() {
        let locations = match run(call, program, subject, start)? {
            Ok(Some(locations)) => locations,
            Ok(None) => break,
            Err(number) => return Ok(Err(failed(number))),
        };
        let (from, to) = locations.get(0).expect("what matches has a place");
        out.extend(subject.get(copied..from).unwrap_or_default())?;
        template.expand(&mut out, |group| {
            let place = locations.get(group).filter(|_| group <= program.groups);
            place.and_then(|(from, to)| subject.get(from..to)).unwrap_or_default()
        })?;
        count += 1;
        copied = to;
        start = to + usize::from(from == to);
        if once {
            break;
        }
    }
    out.extend(subject.get(copied..).unwrap_or_default())?;
    Ok(Ok((out, count)))
}

/// The table of what groups have matched, `false` for one that has not.
fn capture_table(
    call: &Call<'_>,
    program: &Program,
    subject: &LuaString,
    locations: &CaptureLocations,
    result: Option<Table>,
) -> mlua::Result<Table> {
    let table = result.map_or_else(|| call.lua.create_table(), Ok)?;
    let subject = subject.as_bytes();
    for group in 0..=program.groups {
        match locations.get(group) {
            Some((from, to)) => {
                table.raw_set(group, call.string(subject.get(from..to).unwrap_or_default())?)?;
            }
            None => table.raw_set(group, false)?,
        }
    }
    let share_names = program.options.has(b'D');
    for (group, name) in &program.names {
        let value: Value = table.raw_get(*group)?;
        if !share_names {
            table.raw_set(name.as_str(), value)?;
            continue;
        }
        if !value.is_string() {
            continue;
        }
        match table.raw_get(name.as_str())? {
            Value::Table(values) => values.raw_push(value)?,
            _ => table.raw_set(name.as_str(), call.lua.create_sequence_from([value])?)?,
        }
    }
    Ok(table)
}

fn optional_table(call: &Call<'_>, place: Argument, value: Value) -> mlua::Result<Option<Table>> {
    match value {
        Value::Nil | Value::Boolean(false) => Ok(None),
        Value::Table(table) => Ok(Some(table)),
        other => Err(place.mismatch(call, "table", crate::lua::type_name(&other))),
    }
}

/// `ctx`: where to begin, and where the match has ended.
struct Context {
    table: Option<Table>,
    start: usize,
}

impl Context {
    fn of(call: &Call<'_>, context: Value, function: &'static str) -> mlua::Result<Self> {
        let table = optional_table(call, Argument::new(4, function), context)?;
        let position = match &table {
            Some(table) => table.raw_get::<Value>("pos")?,
            None => Value::Nil,
        };
        let start = match position {
            Value::Nil | Value::Boolean(false) => 0,
            position => Argument::new(4, function).number(call, position)? as usize,
        };
        Ok(Self { table, start: start.saturating_sub(1) })
    }

    fn start(&self) -> usize {
        self.start
    }

    fn advance(&self, locations: &CaptureLocations) -> mlua::Result<()> {
        let (Some(table), Some((_, end))) = (&self.table, locations.get(0)) else { return Ok(()) };
        table.raw_set("pos", end + 1)
    }
}

/// The compiled patterns of a VM, the least recently used of which go first.
struct Cache {
    programs: LruCache<Box<[u8]>, Arc<Program>>,
    weight: usize,
}

/// nginx's `lua_regex_cache_max_entries`.
const MAX_WEIGHT: usize = 1024;

impl Default for Cache {
    fn default() -> Self {
        Self { programs: LruCache::unbounded(), weight: 0 }
    }
}

impl Cache {
    fn insert(&mut self, key: Box<[u8]>, program: Arc<Program>) {
        self.weight += weight(&key);
        if let Some((replaced, _)) = self.programs.push(key, program) {
            self.weight -= weight(&replaced);
        }
        while self.weight > MAX_WEIGHT
            && let Some((evicted, _)) = self.programs.pop_lru()
        {
            self.weight -= weight(&evicted);
        }
    }
}

/// How much room a pattern takes: a group with a count may compile to much.
fn weight(key: &[u8]) -> usize {
    let repeats = if key.windows(2).any(|pair| pair == b"){") { 15 } else { 0 };
    1 + key.len() / 256 + repeats
}

fn program(
    call: &Call<'_>,
    regex: &Value,
    options: &Value,
    function: &'static str,
) -> mlua::Result<Result<Arc<Program>, String>> {
    program_at(call, regex, options, Argument::new(3, function))
}

/// The program of a pattern, whose options are the argument `place`.
fn program_at(
    call: &Call<'_>,
    regex: &Value,
    options: &Value,
    place: Argument,
) -> mlua::Result<Result<Arc<Program>, String>> {
    let regex = Argument { place: 2, ..place }.text(call, regex)?;
    let regex = regex.as_bytes();
    let options = match options {
        Value::Nil | Value::Boolean(false) => Options::default(),
        Value::String(letters) => Options::parse(&letters.as_bytes()).map_err(|letter| {
            let (letter, letters) = (char::from(letter), letters.to_string_lossy());
            raise_at(call.lua, &format!("unknown flag \"{letter}\" (flags \"{letters}\")"))
        })?,
        other => return Err(place.mismatch(call, "string", crate::lua::type_name(other))),
    };
    let may_jit = !call.settings.budget.limits_time();
    let compile = || {
        let program = Program::new(&regex, options, may_jit).map(Arc::new);
        check(call.lua, 0).map(|()| program)
    };
    if !options.has(b'o') {
        return compile();
    }
    let key: Box<[u8]> = options.bits().to_ne_bytes().iter().chain(&*regex).copied().collect();
    if let Some(mut cache) = call.lua.app_data_mut::<Cache>()
        && let Some(program) = cache.programs.get(&key)
    {
        return Ok(Ok(Arc::clone(program)));
    }
    let program = compile()?;
    if let Ok(program) = &program {
        if call.lua.app_data_ref::<Cache>().is_none() {
            call.lua.set_app_data(Cache::default());
        }
        let mut cache = call.lua.app_data_mut::<Cache>().expect("set above");
        cache.insert(key, Arc::clone(program));
    }
    Ok(program)
}
