---@meta resty.string

---Texts.
---@class resty.string
local string_module = {}

---The version of lua-resty-string that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.string")._VERSION
---```
---@type string
string_module._VERSION = nil

---Writes bytes in hexadecimal.
---
---Phases: any.
---
---```lua
---local hex = require("resty.string").to_hex("\1\255")
---```
---@param text string the bytes
---@return string hex two digits for each, in lower case
function string_module.to_hex(text) end

---Reads a number of digits alone.
---
---Phases: any.
---
---```lua
---local number = require("resty.string").atoi("42")
---```
---@param text string digits
---@return integer number -1 if it is none
function string_module.atoi(text) end

return string_module
