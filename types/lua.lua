---@meta _

-- What LuaJIT of OpenResty has beside Lua's own libraries.

---Makes a table with room.
---
---Phases: any.
---
---```lua
---local list = table.new(100, 0)
---```
---@param narr integer places of the array
---@param nrec integer places for other keys
---@return table t empty
function table.new(narr, nrec) end

---Removes all that is in a table.
---
---Phases: any.
---
---```lua
---table.clear({ 1, 2 })
---```
---@param t table the table
function table.clear(t) end

---A copy, whose values are the same.
---
---Phases: any.
---
---```lua
---local copy = table.clone({ a = 1 })
---```
---@param t table the table
---@return table copy a new table
function table.clone(t) end

---Whether a table has the keys 1 to n alone.
---
---Phases: any.
---
---```lua
---local is_array = table.isarray({ 1, 2 })
---```
---@param t table the table
---@return boolean is_array true if it has
function table.isarray(t) end

---Whether there is nothing in a table.
---
---Phases: any.
---
---```lua
---local is_empty = table.isempty({})
---```
---@param t table the table
---@return boolean is_empty true if there is nothing
function table.isempty(t) end

---How many fields a table has.
---
---Phases: any.
---
---```lua
---local count = table.nkeys({ a = 1 })
---```
---@param t table the table
---@return integer count from 0
function table.nkeys(t) end
