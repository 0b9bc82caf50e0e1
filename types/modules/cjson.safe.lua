---@meta cjson.safe

---JSON. What cannot be encoded or decoded is nil, and why.
---@class cjson.safe: cjson
local safe = {}

---Encodes a value. Tables with the keys 1 to n are arrays, others objects.
---
---Phases: any.
---
---```lua
---local text = assert(require("cjson.safe").encode({ name = "ada" }))
---```
---@param value any what to encode
---@return string? text JSON; nil if it cannot be encoded
---@return string? err why not
function safe.encode(value) end

---Decodes JSON. Null becomes `cjson.null`.
---
---Phases: any.
---
---```lua
---local value, err = require("cjson.safe").decode('{"name":"ada"}')
---```
---@param text string JSON
---@return any value the value; nil if it cannot be decoded
---@return string? err why not
function safe.decode(text) end

---Makes a module with settings of its own.
---
---Phases: any.
---
---```lua
---local cjson = require("cjson.safe").new()
---```
---@return cjson.safe cjson has the functions of this one
function safe.new() end

return safe
