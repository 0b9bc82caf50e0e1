---@meta ngx.base64

---The Base64 of URLs.
---@class ngx.base64
local base64 = {}

---Encodes bytes in the Base64 of URLs, without padding.
---
---Phases: any.
---
---```lua
---local part = require("ngx.base64").encode_base64url("{}")
---```
---@param text string the bytes
---@return string? encoded Base64
---@return string? err why not
function base64.encode_base64url(text) end

---Decodes the Base64 of URLs.
---
---Phases: any.
---
---```lua
---local bytes = require("ngx.base64").decode_base64url("e30")
---```
---@param text string Base64
---@return string? bytes the bytes; nil if it is none
---@return string? err why not
function base64.decode_base64url(text) end

return base64
