//! The global environments of functions.

use mlua::{Function, Lua, LuaString, Table, Value};

use super::{Denied, require};
use crate::binding::{Modules, convert};
use crate::lua::{raise_at, type_name};
use crate::settings::{Settings, UntrustedLua};

/// What a sandboxed function sees of Lua's standard library: Kong's list.
const ALLOWED: &[&str] = &[
    "_VERSION assert error ipairs next pairs pcall print select tonumber tostring type unpack xpcall",
    "bit.arshift bit.band bit.bnot bit.bor bit.bswap bit.bxor bit.lshift bit.rol bit.ror bit.rshift",
    "bit.tobit bit.tohex",
    "coroutine.create coroutine.resume coroutine.running coroutine.status coroutine.wrap",
    "coroutine.yield",
    "io.type",
    "jit.os jit.arch jit.version jit.version_num",
    "math.abs math.acos math.asin math.atan math.atan2 math.ceil math.cos math.cosh math.deg",
    "math.exp math.floor math.fmod math.frexp math.huge math.ldexp math.log math.log10 math.max",
    "math.min math.modf math.pi math.pow math.rad math.random math.sin math.sinh math.sqrt math.tan",
    "math.tanh",
    "os.clock os.date os.difftime os.time",
    "string.byte string.char string.find string.format string.gmatch string.gsub string.len",
    "string.lower string.match string.rep string.reverse string.sub string.upper",
    "table.clear table.clone table.concat table.foreach table.foreachi table.getn table.insert",
    "table.isarray table.isempty table.maxn table.move table.new table.nkeys table.pack",
    "table.remove table.sort table.unpack",
    "kong ngx",
];

/// The field of an environment's metatable in which the function's own metatables of JSON arrays are.
pub(crate) const MARKERS: &str = "markers";

/// The metatables of JSON arrays that all have in common who see the VM's own globals.
pub(crate) fn markers(lua: &Lua) -> mlua::Result<Table> {
    const KEY: &str = "tower-lua.markers";
    if let Some(markers) = lua.named_registry_value(KEY)? {
        return Ok(markers);
    }
    let markers = lua.create_table()?;
    lua.set_named_registry_value(KEY, &markers)?;
    Ok(markers)
}

/// Makes the environment of each function.
pub(crate) struct Environments {
    mode: UntrustedLua,
    new: Function,
    /// Has what functions call noted.
    #[cfg(feature = "testing")]
    recorder: Option<Function>,
}

impl Environments {
    pub(crate) fn new(lua: &Lua, settings: &Settings, offered: &Modules) -> mlua::Result<Self> {
        require::register(lua, settings)?;
        let mode = settings.sandbox.mode;
        let globals = lua.globals();
        let maker: Table =
            lua.load(include_str!("environment.lua")).set_name("=tower-lua").call(MARKERS)?;
        let new = if mode == UntrustedLua::On {
            maker.get::<Function>("open")?.call((globals, markers(lua)?))?
        } else {
            // A method call on any string reaches the real table.
            globals.get::<Table>("string")?.raw_set("dump", Value::Nil)?;
            let allowed = lua.create_table()?;
            for path in ALLOWED.iter().flat_map(|line| line.split(' ')) {
                link(lua, &globals, &allowed, path)?;
            }
            if settings.grants_environment {
                allowed.get::<Table>("os")?.raw_set("getenv", getenv(lua, settings)?)?;
            }
            for path in &settings.sandbox.globals {
                link(lua, &globals, &allowed, path)?;
            }
            let modules = require::gate(lua, settings, offered)?;
            maker.get::<Function>("closed")?.call((allowed, modules))?
        };
        Ok(Self {
            mode,
            new,
            #[cfg(feature = "testing")]
            recorder: {
                let recording = settings.recording.as_ref();
                recording.map(|to| super::recorded::recorder(lua, to)).transpose()?
            },
        })
    }

    /// The environment of one function.
    ///
    /// # Errors
    ///
    /// When functions may not be loaded at all.
    pub(crate) fn create(&self) -> mlua::Result<Table> {
        if self.mode == UntrustedLua::Off {
            return Err(mlua::Error::external(Denied::Loading));
        }
        let environment = self.new.call(())?;
        #[cfg(feature = "testing")]
        if let Some(recorder) = &self.recorder {
            return recorder.call(environment);
        }
        Ok(environment)
    }
}

/// `os.getenv` of the variables that functions may read.
fn getenv(lua: &Lua, settings: &Settings) -> mlua::Result<Function> {
    let environment = settings.environment.clone();
    lua.create_function(move |lua, name: Value| {
        let Some(name) = text(lua, &name)? else {
            let kind = type_name(&name);
            let message = format!("bad argument #1 to 'getenv' (string expected, got {kind})");
            return Err(raise_at(lua, &message));
        };
        let value = name.to_str().ok().and_then(|name| environment.get(&*name));
        value.map(|value| lua.create_string(value)).transpose()
    })
}

/// The text of a string or number.
fn text(lua: &Lua, value: &Value) -> mlua::Result<Option<LuaString>> {
    if value.is_boolean() { Ok(None) } else { convert::scalar_text(lua, value) }
}

/// Makes the value at `path` of `globals` visible at the same path of `allowed`.
fn link(lua: &Lua, globals: &Table, allowed: &Table, path: &str) -> mlua::Result<()> {
    match path.split_once('.') {
        None => allowed.raw_set(path, globals.get::<Value>(path)?),
        Some((library, rest)) => {
            let Value::Table(from) = globals.get(library)? else { return Ok(()) };
            let to = match allowed.raw_get(library)? {
                Value::Table(to) => to,
                _ => lua.create_table()?,
            };
            allowed.raw_set(library, &to)?;
            link(lua, &from, &to, rest)
        }
    }
}
