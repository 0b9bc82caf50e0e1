---@meta kong.meta

---Which Kong this is like.
---@class kong.meta
local meta = {}

---`kong`
---
---Phases: any.
---
---```lua
---local name = require("kong.meta")._NAME
---```
---@type string
meta._NAME = nil

---As `kong.version`.
---
---Phases: any.
---
---```lua
---local version = require("kong.meta")._VERSION
---```
---@type string
meta._VERSION = nil

return meta
