---@meta kong.constants

---Names that Kong uses.
---@class kong.constants
local constants = {}

---The headers that Kong sets, by their names in its code.
---
---Phases: any.
---
---```lua
---local name = require("kong.constants").HEADERS.CONSUMER_ID
---```
---@type table<string, string>
constants.HEADERS = nil

---The subsystem of each protocol.
---
---Phases: any.
---
---```lua
---local subsystem = require("kong.constants").PROTOCOLS.https
---```
---@type table<string, string>
constants.PROTOCOLS = nil

---The periods of rate limits, in `PERIODS`.
---
---Phases: any.
---
---```lua
---local periods = require("kong.constants").RATELIMIT.PERIODS
---```
---@type table
constants.RATELIMIT = nil

---Nothing: no reports are sent.
---
---Phases: any.
---
---```lua
---local reports = require("kong.constants").REPORTS
---```
---@type table
constants.REPORTS = nil

return constants
