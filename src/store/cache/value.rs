//! Lua values as bytes: what can leave a VM, and enter another.

use mlua::{Lua, Table, Value};

use crate::lua::check;
use crate::lua::type_name;

/// Why a value cannot be stored.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It is, or holds, what belongs to its VM.
    Type(&'static str),
    TooDeep,
    TooLarge,
    Lua(mlua::Error),
}

/// How deep tables may lie in each other, as in LuaJIT's `string.buffer`.
const MAX_DEPTH: usize = 100;

/// After how many values it is asked whether there is time for more.
const STRETCH: usize = 4096;

const NIL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const NUMBER: u8 = 3;
const STRING: u8 = 4;
const NULL: u8 = 5;
const TABLE: u8 = 6;
const END: u8 = 7;

/// The bytes of a value, at most `limit` of them. Of a table that is in another twice there are two
/// copies; metatables are left out.
pub(crate) fn encode(lua: &Lua, value: &Value, limit: usize) -> Result<Vec<u8>, Unfit> {
    let mut encoder = Encoder { lua, bytes: Vec::new(), limit, count: 0 };
    encoder.put(value, 0)?;
    Ok(encoder.bytes)
}

struct Encoder<'a> {
    lua: &'a Lua,
    bytes: Vec<u8>,
    limit: usize,
    count: usize,
}

impl Encoder<'_> {
    fn put(&mut self, value: &Value, depth: usize) -> Result<(), Unfit> {
        self.count += 1;
        if self.count.is_multiple_of(STRETCH) {
            check(self.lua, 0).map_err(Unfit::Lua)?;
        }
        match value {
            Value::Nil => self.write(&[NIL]),
            Value::Boolean(false) => self.write(&[FALSE]),
            Value::Boolean(true) => self.write(&[TRUE]),
            Value::Integer(number) => self.put_number(*number as f64),
            Value::Number(number) => self.put_number(*number),
            Value::LightUserData(pointer) if pointer.0.is_null() => self.write(&[NULL]),
            Value::String(text) => {
                let text = text.as_bytes();
                let len = u32::try_from(text.len()).map_err(|_| Unfit::TooLarge)?;
                self.write(&[STRING])?;
                self.write(&len.to_le_bytes())?;
                self.write(&text)
            }
            Value::Table(_) if depth >= MAX_DEPTH => Err(Unfit::TooDeep),
            Value::Table(table) => {
                self.write(&[TABLE])?;
                for pair in table.pairs::<Value, Value>() {
                    let (key, value) = pair.map_err(Unfit::Lua)?;
                    self.put(&key, depth + 1)?;
                    self.put(&value, depth + 1)?;
                }
                self.write(&[END])
            }
            other => Err(Unfit::Type(type_name(other))),
        }
    }

    fn put_number(&mut self, number: f64) -> Result<(), Unfit> {
        self.write(&[NUMBER])?;
        self.write(&number.to_le_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Unfit> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(Unfit::TooLarge);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// The value that was encoded, made anew.
pub(crate) fn decode(lua: &Lua, bytes: &[u8]) -> mlua::Result<Value> {
    let mut decoder = Decoder { lua, bytes, count: 0 };
    let tag = decoder.tag();
    decoder.value(tag)
}

struct Decoder<'a> {
    lua: &'a Lua,
    bytes: &'a [u8],
    count: usize,
}

impl Decoder<'_> {
    fn value(&mut self, tag: u8) -> mlua::Result<Value> {
        self.count += 1;
        if self.count.is_multiple_of(STRETCH) {
            check(self.lua, 0)?;
        }
        Ok(match tag {
            FALSE => Value::Boolean(false),
            TRUE => Value::Boolean(true),
            NUMBER => Value::Number(f64::from_le_bytes(self.take())),
            NULL => Value::NULL,
            STRING => {
                let len = u32::from_le_bytes(self.take()) as usize;
                let (text, rest) = self.bytes.split_at(len);
                self.bytes = rest;
                Value::String(self.lua.create_string(text)?)
            }
            TABLE => Value::Table(self.table()?),
            _ => Value::Nil,
        })
    }

    fn table(&mut self) -> mlua::Result<Table> {
        let table = self.lua.create_table()?;
        loop {
            let tag = self.tag();
            if tag == END {
                return Ok(table);
            }
            let key = self.value(tag)?;
            let tag = self.tag();
            table.raw_set(key, self.value(tag)?)?;
        }
    }

    fn tag(&mut self) -> u8 {
        let [tag] = self.take();
        tag
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (bytes, rest) = self.bytes.split_first_chunk().expect("written by `encode`");
        self.bytes = rest;
        *bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(lua: &Lua, expression: &str) -> String {
        let value: Value = lua.load(expression).eval().unwrap();
        let bytes = encode(lua, &value, 1 << 20).unwrap();
        let copy = decode(lua, &bytes).unwrap();
        if let (Value::Table(value), Value::Table(copy)) = (&value, &copy) {
            assert_ne!(value.to_pointer(), copy.to_pointer());
        }
        let show: mlua::Function = lua
            .load(
                "local function show(v)
                   if type(v) ~= 'table' then return type(v) .. ':' .. tostring(v) end
                   local texts = {}
                   for k, x in pairs(v) do texts[#texts + 1] = show(k) .. '=' .. show(x) end
                   table.sort(texts)
                   return '{' .. table.concat(texts, ',') .. '}'
                 end
                 return show(...)",
            )
            .into_function()
            .unwrap();
        let expected: mlua::LuaString = show.call(value).unwrap();
        assert_eq!(show.call::<mlua::LuaString>(copy).unwrap(), expected);
        expected.to_string_lossy()
    }

    #[test]
    fn values_come_back_as_they_were() {
        let lua = Lua::new();
        for expression in ["nil", "true", "false", "0", "-1.5", "1/0", "2^53", "''", "'a\\0b\\255'"]
        {
            round_trip(&lua, expression);
        }
        let table = "{1, 'a', {x = {true}, [2.5] = {}}, [false] = 'no', [{1}] = 2, n = nil}";
        assert!(round_trip(&lua, table).contains("string:x={number:1=boolean:true}"));
    }

    #[test]
    fn what_belongs_to_a_vm_stays_there() {
        let lua = Lua::new();
        let encoded = |expression: &str, limit| {
            let value: Value = lua.load(expression).eval().unwrap();
            encode(&lua, &value, limit)
        };
        assert!(matches!(encoded("print", 100), Err(Unfit::Type("function"))));
        assert!(matches!(encoded("{{print}}", 100), Err(Unfit::Type("function"))));
        assert!(matches!(
            encoded("{[coroutine.create(print)] = 1}", 100),
            Err(Unfit::Type("thread"))
        ));
        assert!(encoded("('a'):rep(95)", 100).is_ok());
        assert!(matches!(encoded("('a'):rep(96)", 100), Err(Unfit::TooLarge)));
        let cycle = "(function() local t = {} t.t = t return t end)()";
        assert!(matches!(encoded(cycle, 10_000), Err(Unfit::TooDeep)));
        let bomb = "(function() local t = {} for _ = 1, 90 do t = {t, t} end return t end)()";
        assert!(matches!(encoded(bomb, 10_000), Err(Unfit::TooLarge)));
    }
}
