---@meta mime

---What functions use of LuaSocket's `mime`: base64.
---@class mime
local mime = {}

---The version of LuaSocket's module that this is like.
---
---Phases: any.
---
---```lua
---local version = require("mime")._VERSION
---```
---@type string
mime._VERSION = nil

---Encodes with base64: all of a text, or with a second one what of both makes whole groups of three bytes.
---
---Phases: any.
---
---```lua
---local text = (require("mime").b64("user:password"))
---```
---@param first string? the bytes
---@param second? string those that follow
---@return string? coded the text; nil, if there is nothing
---@return string? rest what has not been encoded, if there is a second
function mime.b64(first, second) end

---Decodes base64. What is none of its digits does not count.
---
---Phases: any.
---
---```lua
---local bytes = (require("mime").unb64("dXNlcjpwYXNzd29yZA=="))
---```
---@param first string? the text
---@param second? string what follows
---@return string? decoded the bytes; nil, if there are none
---@return string? rest what has not been decoded, if there is a second
function mime.unb64(first, second) end

return mime
