---@meta resty.openssl.rand

---Random bytes.
---@class resty.openssl.rand
local rand = {}

---Random bytes, good enough for keys.
---
---Phases: any.
---
---```lua
---local key = require("resty.openssl.rand").bytes(32)
---```
---@param length integer how many
---@param private? boolean has no effect
---@param strength? integer has no effect
---@return string? bytes the bytes
---@return string? err why there are none
function rand.bytes(length, private, strength) end

return rand
