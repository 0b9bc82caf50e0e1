---@meta ngx.process

---The process that the function runs in.
---@class ngx.process
local process = {}

---Which kind of process this is.
---
---Phases: any.
---
---```lua
---local type = require("ngx.process").type()
---```
---@return string type `worker`
function process.type() end

---The number of the process that workers belong to.
---
---Phases: any.
---
---```lua
---local pid = require("ngx.process").get_master_pid()
---```
---@return integer pid its number
function process.get_master_pid() end

---Would start a process with more rights. There is none.
---
---Phases: any.
---
---```lua
---require("ngx.process").enable_privileged_agent()
---```
---@return boolean? ok nil
---@return string? err why not
function process.enable_privileged_agent() end

---Would end the process. Functions may not.
---
---Phases: any.
---
---```lua
---require("ngx.process").signal_graceful_exit()
---```
---@return boolean? ok nil
---@return string? err why not
function process.signal_graceful_exit() end

return process
