---@meta resty.core

---What lua-resty-core changes in OpenResty is here from the beginning.
---@class resty.core
local core = {}

---The version of lua-resty-core that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.core").version
---```
---@type string
core.version = nil

---Makes a table with room.
---
---Phases: any.
---
---```lua
---local t = require("resty.core.base").new_tab(10, 0)
---```
---@param narr integer places of the array
---@param nrec integer places for other keys
---@return table t empty
function core.new_tab(narr, nrec) end

---Removes all that is in a table.
---
---Phases: any.
---
---```lua
---require("resty.core.base").clear_tab({ 1 })
---```
---@param t table the table
function core.clear_tab(t) end

---How large a buffer would be.
---
---Phases: any.
---
---```lua
---local size = require("resty.core.base").get_string_buf_size()
---```
---@return integer bytes 4096
function core.get_string_buf_size() end

return core
