//! The modules `cjson` and `cjson.safe`.

use std::sync::Arc;

use bytes::Bytes;
use mlua::{Function, IntoLua, Lua, LuaString, MultiValue, Table, Value};
use parking_lot::Mutex;

use crate::api::json::{self, Format, InvalidNumbers, JsonError, Marker, Rules};
use crate::api::modules::Loader;
use crate::lua::shortcut::{Arguments, Scratch};
use crate::lua::{Look, as_number, meter_of, raise_at, raw, type_name};
use crate::transaction::Kept;

/// What happens when something cannot be done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// `cjson`: an error.
    Plain,
    /// `cjson.safe`: `nil` and a message.
    Safe,
}

/// What the functions of one module table share, and its `encode_…` and `decode_…` change.
#[derive(Clone, Copy)]
struct Settings {
    format: Format,
    rules: Rules,
    /// Of no effect here.
    keep_buffer: bool,
}

/// A module with settings of its own: `cjson`, `cjson.safe`.
pub(super) fn module(loader: &Loader<'_>, manner: Manner) -> mlua::Result<Table> {
    // Kong: sets up `cjson.safe`, but not what its `new` makes.
    let format = if manner == Manner::Safe { Format::KONG } else { Format::PLAIN };
    with_settings(loader, &loader.markers()?, manner, format)
}

fn with_settings(
    lua: &Lua,
    markers: &Table,
    manner: Manner,
    format: Format,
) -> mlua::Result<Table> {
    let settings =
        Arc::new(Mutex::new(Settings { format, rules: Rules::PLAIN, keep_buffer: true }));
    let module = lua.create_table()?;
    let shared = Arc::clone(&settings);
    let encode = lua.create_function(move |lua, arguments: MultiValue| {
        let value = only(lua, "encode", arguments)?;
        let Settings { format, .. } = *shared.lock();
        let json = json::encode(lua, &value, format);
        manner.report(lua, json.and_then(|json| Ok(lua.create_string(json)?)))
    })?;
    module.set("encode", encode)?;
    let array_mt = Marker::Array.of(lua, markers)?;
    // In Lua's registry, where there is room for those of any number of functions.
    let marker = Kept::new(lua, &array_mt)?;
    let shared = Arc::clone(&settings);
    let decode = lua.create_function(move |lua, arguments: MultiValue| {
        let value = only(lua, "decode", arguments)?;
        let Settings { rules, .. } = *shared.lock();
        let text = text(lua, &value);
        manner.report(
            lua,
            text.and_then(|text| {
                json::decode_marked(lua, &text.as_bytes(), rules, || marker.get(lua))
            }),
        )
    })?;
    module.set("decode", with_shortcut(lua, decode, &settings)?)?;
    let kept = Kept::new(lua, markers)?;
    let new = lua.create_function(move |lua, ()| {
        with_settings(lua, &kept.get(lua)?, manner, Format::PLAIN)
    })?;
    module.set("new", new)?;
    add_settings(lua, &module, &settings)?;
    module.set("null", Value::NULL)?;
    module.set("array_mt", array_mt)?;
    module.set("empty_array_mt", Marker::EmptyArray.of(lua, markers)?)?;
    module.set("empty_array", json::empty_array())?;
    module.set("_NAME", "cjson")?;
    module.set("_VERSION", "2.1.0.11")?;
    Ok(module)
}

/// `decode`, which reads a short text without arrays that would be marked in a shorter way.
fn with_shortcut(
    lua: &Lua,
    decode: Function,
    settings: &Arc<Mutex<Settings>>,
) -> mlua::Result<Function> {
    let (meter, shared) = (meter_of(lua), Arc::clone(settings));
    let shortcut = move |arguments: &Arguments<'_>, scratch: &mut Scratch| {
        let [text] = arguments.texts()?;
        let rules = shared.lock().rules;
        let is_in_time = meter.as_ref().is_none_or(|meter| meter.tick() == Look::Fine);
        if rules.marks_arrays || !is_in_time {
            return None;
        }
        let answer = json::decode_short(text, rules, scratch)?;
        scratch.source = Bytes::copy_from_slice(text);
        Some(answer)
    };
    raw::with_shortcut(lua, decode, Box::new(shortcut))
}

impl Manner {
    fn report<T: IntoLua>(
        self,
        lua: &Lua,
        result: Result<T, JsonError>,
    ) -> mlua::Result<Result<T, String>> {
        match result {
            Ok(value) => Ok(Ok(value)),
            Err(JsonError::Lua(error)) => Err(error),
            Err(JsonError::Unfit(message)) if self == Self::Safe => Ok(Err(message)),
            Err(JsonError::Unfit(message)) => Err(raise_at(lua, &message)),
        }
    }
}

fn only(lua: &Lua, name: &str, mut arguments: MultiValue) -> mlua::Result<Value> {
    match (arguments.pop_front(), arguments.is_empty()) {
        (Some(value), true) => Ok(value),
        _ => Err(bad_argument(lua, 1, name, "expected 1 argument")),
    }
}

fn text(lua: &Lua, value: &Value) -> Result<LuaString, JsonError> {
    let text = match value {
        Value::Table(_) => None,
        _ => lua.coerce_string(value.clone()).unwrap_or_default(),
    };
    text.ok_or_else(|| {
        let kind = type_name(value);
        JsonError::Unfit(format!("bad argument #1 to 'decode' (string expected, got {kind})"))
    })
}

fn bad_argument(lua: &Lua, position: usize, name: &str, what: &str) -> mlua::Error {
    raise_at(lua, &format!("bad argument #{position} to '{name}' ({what})"))
}

/// Adds the functions that change the settings, and return them.
fn add_settings(lua: &Lua, module: &Table, settings: &Arc<Mutex<Settings>>) -> mlua::Result<()> {
    for &(name, field) in FLAGS {
        let shared = Arc::clone(settings);
        let function = lua.create_function(move |lua, value: Value| {
            let mut settings = shared.lock();
            let field = field(&mut settings);
            *field = flag(lua, name, &value)?.unwrap_or(*field);
            Ok(*field)
        })?;
        module.set(name, function)?;
    }
    for &(name, most, field) in COUNTS {
        let shared = Arc::clone(settings);
        let function = lua.create_function(move |lua, value: Value| {
            let mut settings = shared.lock();
            let field = field(&mut settings);
            *field = whole(lua, name, 1, (1, most), &value)?.unwrap_or(*field);
            Ok(*field)
        })?;
        module.set(name, function)?;
    }
    let shared = Arc::clone(settings);
    let sparse =
        lua.create_function(move |lua, (convert, ratio, safe): (Value, Value, Value)| {
            let name = "encode_sparse_array";
            let format = &mut shared.lock().format;
            format.sparse_convert = flag(lua, name, &convert)?.unwrap_or(format.sparse_convert);
            let limits = (0, i32::MAX as usize);
            format.sparse_ratio =
                whole(lua, name, 2, limits, &ratio)?.unwrap_or(format.sparse_ratio);
            format.sparse_safe = whole(lua, name, 3, limits, &safe)?.unwrap_or(format.sparse_safe);
            Ok((format.sparse_convert, format.sparse_ratio, format.sparse_safe))
        })?;
    module.set("encode_sparse_array", sparse)?;
    let shared = Arc::clone(settings);
    let invalid = lua.create_function(move |lua, value: Value| {
        let format = &mut shared.lock().format;
        match value {
            Value::String(text) if text == "null" => {
                format.invalid_numbers = InvalidNumbers::Null;
            }
            value => match flag(lua, "encode_invalid_numbers", &value)? {
                Some(true) => format.invalid_numbers = InvalidNumbers::AsInJavaScript,
                Some(false) => format.invalid_numbers = InvalidNumbers::Refused,
                None => {}
            },
        }
        match format.invalid_numbers {
            InvalidNumbers::Null => "null".into_lua(lua),
            setting => (setting == InvalidNumbers::AsInJavaScript).into_lua(lua),
        }
    })?;
    module.set("encode_invalid_numbers", invalid)
}

type Field<T> = fn(&mut Settings) -> &mut T;

/// The settings that are on or off.
const FLAGS: &[(&str, Field<bool>)] = &[
    ("encode_empty_table_as_object", |settings| &mut settings.format.empty_table_as_object),
    ("encode_escape_forward_slash", |settings| &mut settings.format.escape_forward_slash),
    ("encode_skip_unsupported_value_types", |settings| &mut settings.format.skip_unsupported_types),
    ("encode_keep_buffer", |settings| &mut settings.keep_buffer),
    ("decode_array_with_array_mt", |settings| &mut settings.rules.marks_arrays),
    ("decode_invalid_numbers", |settings| &mut settings.rules.invalid_numbers),
];

/// The settings that are a number from 1 to another.
const COUNTS: &[(&str, usize, Field<usize>)] = &[
    ("encode_max_depth", i32::MAX as usize, |settings| &mut settings.format.max_depth),
    ("decode_max_depth", i32::MAX as usize, |settings| &mut settings.rules.max_depth),
    ("encode_number_precision", 16, |settings| &mut settings.format.precision),
];

/// What a function for a setting is told to set: on, off, or nothing.
fn flag(lua: &Lua, name: &str, value: &Value) -> mlua::Result<Option<bool>> {
    match value {
        Value::Nil => Ok(None),
        Value::Boolean(flag) => Ok(Some(*flag)),
        Value::String(text) if text == "on" => Ok(Some(true)),
        Value::String(text) if text == "off" => Ok(Some(false)),
        Value::String(text) => {
            let what = format!("invalid option '{}'", text.to_string_lossy());
            Err(bad_argument(lua, 1, name, &what))
        }
        other => {
            let what = format!("string expected, got {}", type_name(other));
            Err(bad_argument(lua, 1, name, &what))
        }
    }
}

fn whole(
    lua: &Lua,
    name: &str,
    position: usize,
    (least, most): (usize, usize),
    value: &Value,
) -> mlua::Result<Option<usize>> {
    if value.is_nil() {
        return Ok(None);
    }
    let Some(number) = as_number(value) else {
        let what = format!("number expected, got {}", type_name(value));
        return Err(bad_argument(lua, position, name, &what));
    };
    if (least as f64..=most as f64).contains(&number) {
        return Ok(Some(number as usize));
    }
    // lua-cjson names the first argument here, whichever it is.
    Err(bad_argument(lua, 1, name, &format!("expected integer between {least} and {most}")))
}
