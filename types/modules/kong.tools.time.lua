---@meta kong.tools.time

---Time.
---@class kong.tools.time
local time = {}

---The time.
---
---Phases: any.
---
---```lua
---local now = require("kong.tools.time").time_ns()
---```
---@return number nanoseconds nanoseconds since 1970
function time.time_ns() end

---The time.
---
---Phases: any.
---
---```lua
---local now = require("kong.tools.time").get_updated_now()
---```
---@return number seconds seconds since 1970
function time.get_updated_now() end

---The time.
---
---Phases: any.
---
---```lua
---local now = require("kong.tools.time").get_now_ms()
---```
---@return number milliseconds milliseconds since 1970
function time.get_now_ms() end

---The time.
---
---Phases: any.
---
---```lua
---local now = require("kong.tools.time").get_updated_now_ms()
---```
---@return number milliseconds milliseconds since 1970
function time.get_updated_now_ms() end

---A time that only differences are of use of.
---
---Phases: any.
---
---```lua
---local from = require("kong.tools.time").get_updated_monotonic_ms()
---```
---@return number milliseconds milliseconds
function time.get_updated_monotonic_ms() end

---When the request began.
---
---Phases: any.
---
---```lua
---local from = require("kong.tools.time").get_start_time_ms()
---```
---@return number milliseconds milliseconds since 1970
function time.get_start_time_ms() end

return time
