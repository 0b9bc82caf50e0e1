//! JSON as lua-cjson reads and writes it.

mod decode;
mod encode;
mod parse;

use mlua::{LightUserData, Lua, Table, Value};

pub(crate) use self::decode::decode;
pub(crate) use self::encode::encode;

const ARRAY_MT: &str = "tower-lua.json.array_mt";
const EMPTY_ARRAY_MT: &str = "tower-lua.json.empty_array_mt";
const NEXT: &str = "tower-lua.json.next";

/// How values are written: lua-cjson's `encode_*` settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    /// Significant digits of a number.
    pub(crate) precision: usize,
    /// Whether an array that is too sparse is written as an object, or refused.
    pub(crate) sparse_convert: bool,
    /// How many times as many places as elements an array may have; 0 is any number.
    pub(crate) sparse_ratio: usize,
    /// The highest index of an array that may be as sparse as it likes.
    pub(crate) sparse_safe: usize,
    /// How deeply tables may be nested.
    pub(crate) max_depth: usize,
    pub(crate) invalid_numbers: InvalidNumbers,
    pub(crate) empty_table_as_object: bool,
    pub(crate) escape_forward_slash: bool,
    pub(crate) skip_unsupported_types: bool,
}

/// How numbers are written that JSON does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InvalidNumbers {
    Refused,
    AsInJavaScript,
    Null,
}

impl Format {
    /// lua-cjson's defaults: `cjson`.
    pub(crate) const PLAIN: Self = Self {
        precision: 14,
        sparse_convert: false,
        sparse_ratio: 2,
        sparse_safe: 10,
        max_depth: 1000,
        invalid_numbers: InvalidNumbers::Refused,
        empty_table_as_object: true,
        escape_forward_slash: true,
        skip_unsupported_types: false,
    };

    /// As Kong sets up `cjson.safe`, which its own responses are written with.
    pub(crate) const KONG: Self = Self { precision: 16, sparse_safe: 1 << 15, ..Self::PLAIN };
}

/// How JSON is read: lua-cjson's `decode_*` settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Whether arrays get the metatable by which empty ones are written as arrays again.
    pub(crate) marks_arrays: bool,
    /// How deeply arrays and objects may be nested.
    pub(crate) max_depth: usize,
    /// Whether numbers are read that JSON does not have, `NaN` for one.
    pub(crate) invalid_numbers: bool,
}

impl Rules {
    /// lua-cjson's defaults.
    pub(crate) const PLAIN: Self =
        Self { marks_arrays: false, max_depth: 1000, invalid_numbers: true };

    /// As Kong reads bodies.
    pub(crate) const KONG: Self = Self { marks_arrays: true, ..Self::PLAIN };
}

/// Prepares `lua` for JSON.
pub(super) fn register(lua: &Lua) -> mlua::Result<()> {
    // All functions share these two: what one wrote to them would be the metatable of what another
    // decodes.
    let sealed: Table = lua
        .load(
            r#"
            local function refuse() error("the metatable of JSON arrays cannot be changed", 2) end
            return { __newindex = refuse, __metatable = false }
            "#,
        )
        .set_name("=tower-lua")
        .eval()?;
    for name in [ARRAY_MT, EMPTY_ARRAY_MT] {
        let marker = lua.create_table()?;
        marker.set_metatable(Some(sealed.clone()))?;
        lua.set_named_registry_value(name, marker)?;
    }
    lua.set_named_registry_value(NEXT, lua.globals().get::<Value>("next")?)
}

/// The metatable of tables that are written as arrays.
pub(super) fn array_mt(lua: &Lua) -> mlua::Result<Table> {
    lua.named_registry_value(ARRAY_MT)
}

/// The metatable of tables that are written as arrays when they are empty.
pub(super) fn empty_array_mt(lua: &Lua) -> mlua::Result<Table> {
    lua.named_registry_value(EMPTY_ARRAY_MT)
}

/// The value that is written as an empty array.
pub(super) fn empty_array() -> LightUserData {
    static MARK: u8 = 0;
    LightUserData(std::ptr::from_ref(&MARK).cast_mut().cast())
}

/// Why a value cannot be written or a text not be read; or what Lua itself reports.
#[derive(Debug)]
pub(crate) enum JsonError {
    Unfit(String),
    Lua(mlua::Error),
}

impl From<mlua::Error> for JsonError {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(error)
    }
}
