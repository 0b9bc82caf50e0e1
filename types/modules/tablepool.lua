---@meta tablepool

---Tables to use again.
---@class tablepool
local tablepool = {}

---A table of a pool, or a new one.
---
---Phases: any.
---
---```lua
---local t = require("tablepool").fetch("mine", 10, 0)
---```
---@param name string the pool's name
---@param narr? integer places of the array, for a new one
---@param nrec? integer places for other keys, for a new one
---@return table t empty
function tablepool.fetch(name, narr, nrec) end

---Puts a table into a pool.
---
---Phases: any.
---
---```lua
---require("tablepool").release("mine", {})
---```
---@param name string the pool's name
---@param t table the table, which is not to be used any more
---@param noclear? boolean true to leave in it what is in it
function tablepool.release(name, t, noclear) end

---Empties a pool.
---
---Phases: any.
---
---```lua
---require("tablepool").clear("mine")
---```
---@param name string its name
function tablepool.clear(name) end

return tablepool
