---@meta ngx.errlog

---The error log.
---@class ngx.errlog
local errlog = {}

---Writes a line without saying where it comes from.
---
---Phases: any.
---
---```lua
---require("ngx.errlog").raw_log(ngx.WARN, "slow")
---```
---@param level integer `ngx.ERR` or another level
---@param message string what to say
function errlog.raw_log(level, message) end

---The least level that is written.
---
---Phases: any.
---
---```lua
---local level = require("ngx.errlog").get_sys_filter_level()
---```
---@return integer level `ngx.NOTICE` or another level
function errlog.get_sys_filter_level() end

---Would say what is kept in memory. There is no such memory.
---
---Phases: any.
---
---```lua
---require("ngx.errlog").set_filter_level(ngx.WARN)
---```
---@param level integer the least level
---@return boolean? ok nil
---@return string? err why not
function errlog.set_filter_level(level) end

---Would give what is kept in memory. There is no such memory.
---
---Phases: any.
---
---```lua
---local logs, err = require("ngx.errlog").get_logs()
---```
---@param max? integer how many at most
---@param logs? table a table to put them into
---@return table? logs nil
---@return string? err why not
function errlog.get_logs(max, logs) end

return errlog
