//! Values that go from one VM to another.

use mlua::{IntoLua, Lua, Table, Value};

use super::check;

/// A value that shares nothing with the VM that it is from.
pub(crate) enum Portable {
    Nil,
    Null,
    Boolean(bool),
    Number(f64),
    Text(Vec<u8>),
    Table(Vec<(Portable, Portable)>),
}

/// Values, and about how many bytes they take.
pub(crate) struct Copies {
    pub(crate) values: Vec<Portable>,
    pub(crate) bytes: usize,
}

/// Why values cannot be copied.
pub(crate) enum NotPortable {
    /// One is nothing that can be: in lua-nginx-module's words.
    Unfit(String),
    /// The function has no time or memory left for it.
    Lua(mlua::Error),
}

/// How deeply tables may be nested: lua-nginx-module's limit.
const MAX_DEPTH: usize = 100;

/// After how many values the budget is asked. A table that is found in many places is as many values.
const VALUES_PER_CHECK: usize = 512;

impl Copies {
    /// Copies of `values`.
    ///
    /// # Errors
    ///
    /// When one cannot be copied, or there is no time or memory for it.
    pub(crate) fn new<'a>(
        lua: &Lua,
        values: impl IntoIterator<Item = &'a Value>,
    ) -> Result<Self, NotPortable> {
        let mut copying = Copying { lua, count: 0, bytes: 0 };
        let copies = values.into_iter().map(|value| match value {
            Value::Nil => Ok(Portable::Nil),
            value => copying.copy(value, 1),
        });
        let values = copies.collect::<Result<_, _>>()?;
        Ok(Self { values, bytes: copying.bytes })
    }
}

struct Copying<'a> {
    lua: &'a Lua,
    count: usize,
    bytes: usize,
}

impl Copying<'_> {
    fn copy(&mut self, value: &Value, depth: usize) -> Result<Portable, NotPortable> {
        self.count_in(value)?;
        Ok(match value {
            Value::Boolean(boolean) => Portable::Boolean(*boolean),
            Value::Integer(number) => Portable::Number(*number as f64),
            Value::Number(number) => Portable::Number(*number),
            Value::String(text) => Portable::Text(text.as_bytes().to_vec()),
            Value::LightUserData(pointer) if pointer.0.is_null() => Portable::Null,
            Value::Table(_) if depth >= MAX_DEPTH => {
                return Err(NotPortable::Unfit(format!(
                    "suspicious circular references, table depth exceed max depth: {MAX_DEPTH}"
                )));
            }
            Value::Table(table) => Portable::Table(self.pairs(table, depth)?),
            unfit => {
                let name = match unfit {
                    Value::Nil => "LUA_TNIL",
                    Value::Function(_) => "LUA_TFUNCTION",
                    Value::Thread(_) => "LUA_TTHREAD",
                    _ => "LUA_TUSERDATA",
                };
                return Err(NotPortable::Unfit(format!("unsupported Lua type: {name}")));
            }
        })
    }

    fn pairs(
        &mut self,
        table: &Table,
        depth: usize,
    ) -> Result<Vec<(Portable, Portable)>, NotPortable> {
        let pairs = table.pairs::<Value, Value>().map(|pair| {
            let (key, value) = pair?;
            Ok((self.copy(&key, depth + 1)?, self.copy(&value, depth + 1)?))
        });
        pairs.collect()
    }

    /// Sees that there is time and room for one more.
    fn count_in(&mut self, value: &Value) -> Result<(), NotPortable> {
        let length = value.as_string().map_or(0, |text| text.as_bytes().len());
        self.count += 1;
        self.bytes += size_of::<Portable>() + length;
        if length >= LONG || self.count.is_multiple_of(VALUES_PER_CHECK) {
            check(self.lua, self.bytes)?;
        }
        Ok(())
    }
}

/// A text that is a reason by itself to ask the budget, in bytes.
const LONG: usize = 4096;

impl From<mlua::Error> for NotPortable {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(error)
    }
}

impl IntoLua for Portable {
    fn into_lua(self, lua: &Lua) -> mlua::Result<Value> {
        Ok(match self {
            Self::Nil => Value::Nil,
            Self::Null => Value::NULL,
            Self::Boolean(boolean) => Value::Boolean(boolean),
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::String(lua.create_string(text)?),
            Self::Table(pairs) => {
                let table = lua.create_table_with_capacity(0, pairs.len())?;
                for (place, (key, value)) in pairs.into_iter().enumerate() {
                    table.raw_set(key, value)?;
                    if place % VALUES_PER_CHECK == VALUES_PER_CHECK - 1 {
                        check(lua, 0)?;
                    }
                }
                Value::Table(table)
            }
        })
    }
}
