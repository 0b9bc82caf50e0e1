---@meta resty.core.time

---`resty.core` with a clock that nobody sets.
---@class resty.core.time: resty.core
local core_time = {}

---Seconds since some moment, to the millisecond.
---
---Phases: any.
---
---```lua
---local began = require("resty.core.time").monotonic_time()
---```
---@return number
function core_time.monotonic_time() end

---Milliseconds since some moment.
---
---Phases: any.
---
---```lua
---local began = require("resty.core.time").monotonic_msec()
---```
---@return number
function core_time.monotonic_msec() end

return core_time
