---@meta kong.tools.string

---Texts.
---@class kong.tools.string
local string_module = {}

---Joins texts.
---
---Phases: any.
---
---```lua
---local text = require("kong.tools.string").join(", ", { "a", "b" })
---```
---@param delimiter string what stands between them
---@param list any[] the texts
---@return string text one text
function string_module.join(delimiter, list) end

---Splits a text.
---
---Phases: any.
---
---```lua
---local parts = require("kong.tools.string").split("a,b", ",")
---```
---@param text string the text
---@param delimiter? string what stands between the parts
---@param n? integer how many parts at most
---@return string[] parts the parts
function string_module.split(text, delimiter, n) end

---Splits a text.
---
---Phases: any.
---
---```lua
---local parts, count = require("kong.tools.string").splitn("a,b,c", ",", 2)
---```
---@param text string the text
---@param delimiter? string what stands between the parts
---@param n? integer how many parts at most
---@return string[] parts the parts
---@return integer count how many there are
function string_module.splitn(text, delimiter, n) end

---Splits a text where a pattern of Lua matches.
---
---Phases: any.
---
---```lua
---local parts = require("kong.tools.string").psplitn("a, b", ",%s*")
---```
---@param text string the text
---@param pattern string what stands between the parts
---@param n? integer how many parts at most
---@return string[] parts the parts
---@return integer count how many there are
function string_module.psplitn(text, pattern, n) end

---Walks the parts of a text.
---
---Phases: any.
---
---```lua
---for part in require("kong.tools.string").isplitn("a,b", ",") do kong.log(part) end
---```
---@param text string the text
---@param delimiter? string what stands between the parts
---@param n? integer how many parts at most
---@return fun(): (string?, integer?) iterator gives a part and its number
function string_module.isplitn(text, delimiter, n) end

---Walks the parts of a text, between which a pattern of Lua matches.
---
---Phases: any.
---
---```lua
---for part in require("kong.tools.string").ipsplitn("a, b", ",%s*") do kong.log(part) end
---```
---@param text string the text
---@param pattern string what stands between the parts
---@param n? integer how many parts at most
---@return fun(): (string?, integer?) iterator gives a part and its number
function string_module.ipsplitn(text, pattern, n) end

---Splits a text in two.
---
---Phases: any.
---
---```lua
---local name, value = require("kong.tools.string").split_once("a=b", "=")
---```
---@param text string the text
---@param delimiter string what stands between the parts
---@return string before what is before, or all
---@return string? after what is after
function string_module.split_once(text, delimiter) end

---Splits a text in two, where a pattern of Lua matches.
---
---Phases: any.
---
---```lua
---local name, value = require("kong.tools.string").psplit_once("a = b", "%s*=%s*")
---```
---@param text string the text
---@param pattern string what stands between the parts
---@return string before what is before, or all
---@return string? after what is after
function string_module.psplit_once(text, pattern) end

---Cuts blanks off both ends.
---
---Phases: any.
---
---```lua
---local text = require("kong.tools.string").strip("  a ")
---```
---@param value any a text
---@return string text empty for nil
function string_module.strip(value) end

---Whether a text is UTF-8.
---
---Phases: any.
---
---```lua
---local is_text = require("kong.tools.string").validate_utf8("ä")
---```
---@param value any the text
---@return boolean is_valid true if it is
---@return integer? position where it is not
function string_module.validate_utf8(value) end

---Writes a number of bytes.
---
---Phases: any.
---
---```lua
---local text = require("kong.tools.string").bytes_to_str(1048576, "m")
---```
---@param bytes number the number
---@param unit? string `b`, `k`, `m` or `g`
---@param scale? integer digits behind the point; 2 if it is left out
---@return number|string text with its unit
function string_module.bytes_to_str(bytes, unit, scale) end

---Reads a size as nginx writes it.
---
---Phases: any.
---
---```lua
---local bytes = require("kong.tools.string").parse_ngx_size("10m")
---```
---@param text string `10m`
---@return integer? bytes bytes
---@return string? err what is wrong
function string_module.parse_ngx_size(text) end

---Decodes Base64 where it is some.
---
---Phases: any.
---
---```lua
---local text = require("kong.tools.string").try_decode_base64("YQ==")
---```
---@param value string a text
---@return string text decoded, or as it was
function string_module.try_decode_base64(value) end

---Writes `_` for `-`.
---
---Phases: any.
---
---```lua
---local name = require("kong.tools.string").replace_dashes("x-user")
---```
---@param text string a text
---@return string text the new text
function string_module.replace_dashes(text) end

---Writes `_` for `-`, in lower case.
---
---Phases: any.
---
---```lua
---local name = require("kong.tools.string").replace_dashes_lower("X-User")
---```
---@param text string a text
---@return string text the new text
function string_module.replace_dashes_lower(text) end

return string_module
