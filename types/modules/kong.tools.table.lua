---@meta kong.tools.table

---Tables.
---@class kong.tools.table
local table_module = {}

---A table that stays empty.
---
---Phases: any.
---
---```lua
---local empty = require("kong.tools.table").EMPTY
---```
---@type table
table_module.EMPTY = nil

---Puts values into a table.
---
---Phases: any.
---
---```lua
---local t = require("kong.tools.table").pack(1, nil, 3)
---```
---@param ... any values
---@return table t with their number as `n`
function table_module.pack(...) end

---Takes values out of a table.
---
---Phases: any.
---
---```lua
---local a, b = require("kong.tools.table").unpack({ 1, 2 })
---```
---@param t table the table
---@param i? integer from where; 1 if it is left out
---@param j? integer to where; `n` or the length if it is left out
---@return any ... the values
function table_module.unpack(t, i, j) end

---A copy, whose values are the same.
---
---Phases: any.
---
---```lua
---local copy = require("kong.tools.table").shallow_copy({ a = 1 })
---```
---@param t any a table
---@return any copy a new table
function table_module.shallow_copy(t) end

---A copy, whose values are copies.
---
---Phases: any.
---
---```lua
---local copy = require("kong.tools.table").deep_copy({ a = { 1 } })
---```
---@param t any a table
---@param copy_mt? boolean false to leave metatables out
---@return any copy a new table
function table_module.deep_copy(t, copy_mt) end

---A copy, whose values are copies; of a table that holds itself, too.
---
---Phases: any.
---
---```lua
---local copy = require("kong.tools.table").cycle_aware_deep_copy({ a = { 1 } })
---```
---@param t any a table
---@param remove_metatables? boolean true to leave metatables out
---@param deep_copy_keys? boolean false to keep keys as they are
---@param cache? table copies by what they are of
---@return any copy a new table
function table_module.cycle_aware_deep_copy(t, remove_metatables, deep_copy_keys, cache) end

---A new table of two, and of the tables in them; the second's fields win.
---
---Phases: any.
---
---```lua
---local all = require("kong.tools.table").deep_merge({ a = { b = 1 } }, { a = { c = 2 } })
---```
---@param t1 table the first
---@param t2 table the second
---@return table merged a new table
function table_module.deep_merge(t1, t2) end

---The same, of tables that hold themselves, too.
---
---Phases: any.
---
---```lua
---local all = require("kong.tools.table").cycle_aware_deep_merge({ a = 1 }, { b = 2 })
---```
---@param t1 table the first
---@param t2 table the second
---@param remove_metatables? boolean true to leave metatables out
---@param deep_copy_keys? boolean false to keep keys as they are
---@param cache? table copies by what they are of
---@return table merged a new table
function table_module.cycle_aware_deep_merge(t1, t2, remove_metatables, deep_copy_keys, cache) end

---A new table with the fields of two; the second's win.
---
---Phases: any.
---
---```lua
---local all = require("kong.tools.table").table_merge({ a = 1 }, { b = 2 })
---```
---@param t1? table the first
---@param t2? table the second
---@return table merged a new table
function table_module.table_merge(t1, t2) end

---The same; `ngx.null` of the second wins nothing.
---
---Phases: any.
---
---```lua
---local all = require("kong.tools.table").null_aware_table_merge({ a = 1 }, { b = 2 })
---```
---@param t1? table the first
---@param t2? table the second
---@return table merged a new table
function table_module.null_aware_table_merge(t1, t2) end

---Whether a value is in a list.
---
---Phases: any.
---
---```lua
---local is_there = require("kong.tools.table").table_contains({ "a" }, "a")
---```
---@param list? any[] the list
---@param value any the value
---@return boolean is_there true if it is
---@return integer? position where
function table_module.table_contains(list, value) end

---Whether a table has the keys 1 to n alone.
---
---Phases: any.
---
---```lua
---local is_array = require("kong.tools.table").is_array({ 1, 2 })
---```
---@param t any a table
---@param mode? string `strict`, `fast` or `lapis`
---@return boolean is_array true if it has
function table_module.is_array(t, mode) end

---Whether a table is empty or has the key 1.
---
---Phases: any.
---
---```lua
---local is_array = require("kong.tools.table").is_lapis_array({})
---```
---@param t any a table
---@return boolean is_array true if so
function table_module.is_lapis_array(t) end

---Joins lists.
---
---Phases: any.
---
---```lua
---local list = require("kong.tools.table").concat({ 1 }, { 2 })
---```
---@param ... any[] lists
---@return any[] list a new list
function table_module.concat(...) end

---Adds an error to those of a key.
---
---Phases: any.
---
---```lua
---local errors = require("kong.tools.table").add_error(nil, "name", "is missing")
---```
---@param errors? table the errors that there are
---@param key any the key
---@param message any the error
---@return table errors the errors
function table_module.add_error(errors, key, message) end

---What lies deep in a table.
---
---Phases: any.
---
---```lua
---local value = require("kong.tools.table").table_path({ a = { b = 1 } }, { "a", "b" })
---```
---@param t table the table
---@param path string[] keys
---@return any value nil if it is not there
function table_module.table_path(t, path) end

return table_module
