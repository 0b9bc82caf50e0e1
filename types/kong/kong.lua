---@meta _

-- What functions have as `kong`.

---Kong's Plugin Development Kit: the request, the response, the service, and what the gateway knows.
---@class kong
kong = {}

---The version of Kong whose API this is, `3.10.0`.
---
---Phases: any.
---
---```lua
---kong.response.set_header("x-api", kong.version)
---```
---@type string
kong.version = nil

---The same as a number that can be compared.
---
---Phases: any.
---
---```lua
---local has_buffering = kong.version_num >= 2000000
---```
---@type integer
kong.version_num = nil
