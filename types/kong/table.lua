---@meta _

-- What Lua's `table` lacks.

---What Lua's `table` lacks.
---@class kong.table
kong.table = {}

---Makes a table with room.
---
---Phases: any.
---
---```lua
---local list = kong.table.new(100, 0)
---```
---@param narr? integer places of the array
---@param nrec? integer places for other keys
---@return table t an empty table
function kong.table.new(narr, nrec) end

---Removes all that is in a table.
---
---Phases: any.
---
---```lua
---kong.table.clear({ 1, 2 })
---```
---@param t table the table
function kong.table.clear(t) end

---A new table with the fields of two; the second's win.
---
---Phases: any.
---
---```lua
---local all = kong.table.merge({ a = 1 }, { b = 2 })
---```
---@param t1? table the first
---@param t2? table the second
---@return table t a new table
function kong.table.merge(t1, t2) end
