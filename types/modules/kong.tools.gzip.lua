---@meta kong.tools.gzip

---gzip.
---@class kong.tools.gzip
local gzip = {}

---Compresses.
---
---Phases: any.
---
---```lua
---local bytes = require("kong.tools.gzip").deflate_gzip("text")
---```
---@param text string the text
---@param options? table `level` from 1 to 9
---@return string? bytes the bytes
---@return string? err why not
function gzip.deflate_gzip(text, options) end

---Decompresses.
---
---Phases: any.
---
---```lua
---local text = require("kong.tools.gzip").inflate_gzip(require("kong.tools.gzip").deflate_gzip("text") or "")
---```
---@param bytes string the bytes
---@return string? text the text
---@return string? err why not
function gzip.inflate_gzip(bytes) end

return gzip
