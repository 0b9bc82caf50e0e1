//! Tables that know their text, as arguments of what writes texts.
//!
//! A metamethod is Lua, which bindings do not call: it is called before them.

use mlua::{Function, Lua, Table};

/// Lets `functions` of `namespace` have the texts of those of their arguments that have `__tostring`.
pub(crate) fn shown(lua: &Lua, namespace: &Table, functions: &[&str]) -> mlua::Result<()> {
    let has_text = lua.create_function(|_, table: Table| {
        let metatable = table.metatable();
        metatable.map_or(Ok(false), |metatable| metatable.contains_key("__tostring"))
    })?;
    let wrap: Function = lua
        .load(
            r#"
            local has_text = ...
            local select, tostring, type, unpack = select, tostring, type, unpack
            return function(write)
              return function(...)
                for place = 1, select('#', ...) do
                  local value = select(place, ...)
                  if type(value) == "table" and has_text(value) then
                    local values = { n = select('#', ...), ... }
                    for later = place, values.n do
                      value = values[later]
                      if type(value) == "table" and has_text(value) then
                        values[later] = tostring(value)
                      end
                    end
                    return write(unpack(values, 1, values.n))
                  end
                end
                return write(...)
              end
            end
            "#,
        )
        .set_name("=tower-lua")
        .call(has_text)?;
    for name in functions {
        let write: Function = namespace.raw_get(*name)?;
        namespace.raw_set(*name, wrap.call::<Function>(write)?)?;
    }
    Ok(())
}
