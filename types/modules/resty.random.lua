---@meta resty.random

---Random bytes.
---@class resty.random
local random = {}

---The version of lua-resty-string that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.random")._VERSION
---```
---@type string
random._VERSION = nil

---Random bytes, good enough for keys.
---
---Phases: any.
---
---```lua
---local token = ngx.encode_base64(require("resty.random").bytes(16))
---```
---@param length integer how many
---@param strong? boolean has no effect: they are always good
---@return string? bytes the bytes
function random.bytes(length, strong) end

return random
