---@meta resty.lrucache

---Values that a function keeps in its VM, as many as you say; what was not used for longest is forgotten.
---@class resty.lrucache
local lrucache = {}

---The version of lua-resty-lrucache that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.lrucache")._VERSION
---```
---@type string
lrucache._VERSION = nil

---Makes a cache. Make it once, outside of the function that is returned.
---
---Phases: any.
---
---```lua
---local cache = assert(require("resty.lrucache").new(100))
---```
---@param size integer how many values
---@return resty.lrucache cache the cache
---@return string? err why there is none
function lrucache.new(size) end

---A value.
---
---Phases: any.
---
---```lua
---local value = assert(require("resty.lrucache").new(10)):get("a")
---```
---@param key any its name
---@return any value nil if it is not there or is over
---@return any stale a value that is over
---@return integer? flags the flags it was set with
function lrucache:get(key) end

---Sets a value.
---
---Phases: any.
---
---```lua
---assert(require("resty.lrucache").new(10)):set("a", 1, 60)
---```
---@param key any its name
---@param value any the value
---@param ttl? number seconds; for ever if it is left out
---@param flags? integer a number to keep beside it
function lrucache:set(key, value, ttl, flags) end

---Removes a value.
---
---Phases: any.
---
---```lua
---assert(require("resty.lrucache").new(10)):delete("a")
---```
---@param key any its name
---@return boolean was_there whether it was there
function lrucache:delete(key) end

---Removes all values.
---
---Phases: any.
---
---```lua
---assert(require("resty.lrucache").new(10)):flush_all()
---```
function lrucache:flush_all() end

---How many values there are.
---
---Phases: any.
---
---```lua
---local count = assert(require("resty.lrucache").new(10)):count()
---```
---@return integer count from 0
function lrucache:count() end

---How many values there can be.
---
---Phases: any.
---
---```lua
---local size = assert(require("resty.lrucache").new(10)):capacity()
---```
---@return integer count the size
function lrucache:capacity() end

---The names of values, those that were used last first.
---
---Phases: any.
---
---```lua
---local names = assert(require("resty.lrucache").new(10)):get_keys()
---```
---@param max_count? integer how many at most; 0, the default, for all
---@param res? table a table to put them into
---@return any[] keys the names
function lrucache:get_keys(max_count, res) end

return lrucache
