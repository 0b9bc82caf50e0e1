---@meta resty.limit.traffic

---Several limiters at once.
---@class resty.limit.traffic
local traffic = {}

---The version of lua-resty-limit-traffic that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.limit.traffic")._VERSION
---```
---@type string
traffic._VERSION = nil

---Counts a request by several limiters, or by none where one refuses.
---
---Phases: any.
---
---```lua
---local req = assert(require("resty.limit.req").new("counters", 10, 5))
---local delay, err = require("resty.limit.traffic").combine({ req }, { "ada" })
---```
---@param limiters table[] the limiters
---@param keys string[] whose it is, for each
---@param states? table a table for what each says
---@return number? delay seconds to wait; nil if it is refused
---@return string? err `rejected` or why else
function traffic.combine(limiters, keys, states) end

return traffic
