---@meta socket

---What functions use of LuaSocket.
---@class socket
local socket_module = {}

---The version of LuaSocket that this is like.
---
---Phases: any.
---
---```lua
---local version = require("socket")._VERSION
---```
---@type string
socket_module._VERSION = nil

---The time.
---
---Phases: any.
---
---```lua
---local now = require("socket").gettime()
---```
---@return number seconds seconds since 1970
function socket_module.gettime() end

---Waits. Others have their turn meanwhile.
---
---Phases: any.
---
---```lua
---require("socket").sleep(0.1)
---```
---@param seconds number seconds
function socket_module.sleep(seconds) end

return socket_module
