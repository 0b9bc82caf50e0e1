//! JSON as lua-cjson reads and writes it.

mod decode;
mod encode;
mod number;
mod parse;

use mlua::{LightUserData, Lua, Table, Value};

use crate::lua::tape::OfCaller;
use crate::sandbox::MARKERS;

pub(crate) use self::decode::{decode, decode_marked, decode_short};
pub(crate) use self::encode::encode;

/// Where a VM has what each metatable of arrays means that there is.
const MEANINGS: &str = "tower-lua.json.meanings";
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
    let meanings = lua.create_table()?;
    meanings.set_metatable(Some(lua.create_table_from([("__mode", "k")])?))?;
    lua.set_named_registry_value(MEANINGS, meanings)?;
    lua.set_named_registry_value(NEXT, lua.globals().get::<Value>("next")?)
}

/// What a metatable says of the tables that have it.
///
/// Each function has metatables of its own for this: what one wrote to them would be the metatable
/// of what another decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// They are written as arrays.
    Array,
    /// They are written as arrays when they are empty.
    EmptyArray,
}

impl Marker {
    /// The metatable among those of `markers`, of one function.
    pub(crate) fn of(self, lua: &Lua, markers: &Table) -> mlua::Result<Table> {
        if let Some(marker) = markers.raw_get(self.name())? {
            return Ok(marker);
        }
        let marker = self.make(lua)?;
        markers.raw_set(self.name(), &marker)?;
        Ok(marker)
    }

    /// A metatable that nobody has yet.
    fn make(self, lua: &Lua) -> mlua::Result<Table> {
        let marker = lua.create_table()?;
        let meanings: Table = lua.named_registry_value(MEANINGS)?;
        meanings.raw_set(&marker, self == Self::Array)?;
        Ok(marker)
    }

    /// What `meta` says.
    fn meant_by(meanings: &Table, meta: &Table) -> mlua::Result<Option<Self>> {
        let is_array: Option<bool> = meanings.raw_get(meta)?;
        Ok(is_array.map(|is_array| if is_array { Self::Array } else { Self::EmptyArray }))
    }

    /// Where the running function has that of arrays, if it has it already.
    const ARRAY_OF_CALLER: &'static OfCaller = &OfCaller { key: MARKERS, name: Self::Array.name() };

    const fn name(self) -> &'static str {
        match self {
            Self::Array => "array_mt",
            Self::EmptyArray => "empty_array_mt",
        }
    }
}

/// The metatable of arrays of the function that is running. Where the stack does not say which that
/// is, one that nobody else has.
pub(super) fn array_mt_of_caller(lua: &Lua) -> mlua::Result<Table> {
    let markers = (1..).map_while(|level| {
        lua.inspect_stack(level, |frame| {
            let globals = frame.function().environment()?;
            globals.metatable()?.raw_get::<Table>(MARKERS).ok()
        })
    });
    match markers.flatten().next() {
        Some(markers) => Marker::Array.of(lua, &markers),
        None => Marker::Array.make(lua),
    }
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
