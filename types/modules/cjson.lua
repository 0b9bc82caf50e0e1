---@meta cjson

---JSON. What cannot be encoded or decoded raises; `cjson.safe` gives nil and why instead.
---@class cjson
local cjson = {}

---JSON's null, the same as `ngx.null`.
---
---Phases: any.
---
---```lua
---local is_null = require("cjson").decode("[null]")[1] == require("cjson").null
---```
---@type userdata
cjson.null = nil

---Encodes as `[]`.
---
---Phases: any.
---
---```lua
---local text = require("cjson").encode({ list = require("cjson").empty_array })
---```
---@type userdata
cjson.empty_array = nil

---A metatable: a table that has it encodes as `[]` when it is empty. `setmetatable` is not in the sandbox.
---
---Phases: any.
---
---```lua
---local meta = require("cjson").empty_array_mt
---```
---@type table
cjson.empty_array_mt = nil

---A metatable: a table that has it encodes as an array.
---
---Phases: any.
---
---```lua
---local meta = require("cjson").array_mt
---```
---@type table
cjson.array_mt = nil

---`cjson`
---
---Phases: any.
---
---```lua
---local name = require("cjson")._NAME
---```
---@type string
cjson._NAME = nil

---The version of lua-cjson that this is like.
---
---Phases: any.
---
---```lua
---local version = require("cjson")._VERSION
---```
---@type string
cjson._VERSION = nil

---Encodes a value. Tables with the keys 1 to n are arrays, others objects.
---
---Phases: any.
---
---```lua
---local text = require("cjson").encode({ name = "ada" })
---```
---@param value any what to encode
---@return string text JSON
function cjson.encode(value) end

---Decodes JSON. Null becomes `cjson.null`.
---
---Phases: any.
---
---```lua
---local value = require("cjson").decode('{"name":"ada"}')
---```
---@param text string JSON
---@return any value the value
function cjson.decode(text) end

---Makes a module with settings of its own.
---
---Phases: any.
---
---```lua
---local cjson = require("cjson").new()
---```
---@return cjson cjson has the functions of this one
function cjson.new() end

---Whether an empty table is `{}`, which is the default, or `[]`.
---
---Phases: any.
---
---```lua
---require("cjson").encode_empty_table_as_object(false)
---```
---@param on? boolean the new setting
---@return boolean on the setting
function cjson.encode_empty_table_as_object(on) end

---Whether `/` is written as `\/`.
---
---Phases: any.
---
---```lua
---require("cjson").encode_escape_forward_slash(false)
---```
---@param on? boolean the new setting
---@return boolean on the setting
function cjson.encode_escape_forward_slash(on) end

---Whether infinity and NaN are encoded.
---
---Phases: any.
---
---```lua
---require("cjson").encode_invalid_numbers("null")
---```
---@param on? boolean|string true, false, or `null` to write null
---@return boolean|string on the setting
function cjson.encode_invalid_numbers(on) end

---Has no effect here.
---
---Phases: any.
---
---```lua
---require("cjson").encode_keep_buffer(true)
---```
---@param on? boolean the new setting
---@return boolean on the setting
function cjson.encode_keep_buffer(on) end

---How deep tables may be nested.
---
---Phases: any.
---
---```lua
---require("cjson").encode_max_depth(100)
---```
---@param depth? integer the new setting
---@return integer depth the setting
function cjson.encode_max_depth(depth) end

---How many digits numbers are written with.
---
---Phases: any.
---
---```lua
---require("cjson").encode_number_precision(16)
---```
---@param digits? integer from 1 to 16
---@return integer digits the setting
function cjson.encode_number_precision(digits) end

---Whether functions and their like are left out instead of refused.
---
---Phases: any.
---
---```lua
---require("cjson").encode_skip_unsupported_value_types(true)
---```
---@param on? boolean the new setting
---@return boolean on the setting
function cjson.encode_skip_unsupported_value_types(on) end

---What becomes of arrays with gaps.
---
---Phases: any.
---
---```lua
---require("cjson").encode_sparse_array(true)
---```
---@param convert? boolean true to make objects of them, not errors
---@param ratio? integer how many gaps for each element make an array sparse
---@param safe? integer up to which size no array is sparse
---@return boolean convert the setting
---@return integer ratio the setting
---@return integer safe the setting
function cjson.encode_sparse_array(convert, ratio, safe) end

---Whether arrays get the metatable `array_mt` when they are decoded, so that they are encoded as arrays
---again.
---
---Phases: any.
---
---```lua
---require("cjson").decode_array_with_array_mt(true)
---```
---@param on? boolean the new setting
---@return boolean on the setting
function cjson.decode_array_with_array_mt(on) end

---Whether infinity and NaN are decoded.
---
---Phases: any.
---
---```lua
---require("cjson").decode_invalid_numbers(false)
---```
---@param on? boolean the new setting
---@return boolean on the setting
function cjson.decode_invalid_numbers(on) end

---How deep JSON may be nested.
---
---Phases: any.
---
---```lua
---require("cjson").decode_max_depth(100)
---```
---@param depth? integer the new setting
---@return integer depth the setting
function cjson.decode_max_depth(depth) end

return cjson
