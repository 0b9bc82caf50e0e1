---@meta resty.mlcache

---How values are kept.
---@class resty.mlcache.options
---@field ttl? number seconds; 30 if it is left out, 0 for ever
---@field neg_ttl? number seconds for nil; 5 if it is left out, 0 for ever
---@field resurrect_ttl? number seconds that an old value serves on when the loader fails
---@field l1_serializer? fun(value: any): any what is made of a value for the VM's level
---@field lru_size? integer how many values the VM's level has
---@field lru? table a cache for the VM's level
---@field shm_miss? string a dictionary for nil
---@field shm_locks? string a dictionary for locks
---@field shm_set_tries? integer how often to try where a dictionary has no room
---@field resty_lock_opts? table as for `resty.lock`
---@field ipc_shm? string a dictionary by which VMs tell each other of changes
---@field ipc? table functions by which they do so

---Two levels of cache, the VM's and a shared dictionary's, with one loader at a time.
---@class resty.mlcache
local mlcache = {}

---The version of lua-resty-mlcache that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.mlcache")._VERSION
---```
---@type string
mlcache._VERSION = nil

---Makes a cache over a shared dictionary. Make it once, outside of the function that is returned.
---
---Phases: any.
---
---```lua
---local cache = assert(require("resty.mlcache").new("users", "counters", { ttl = 60 }))
---```
---@param name string its name
---@param shm string the dictionary's name
---@param options? resty.mlcache.options how values are kept
---@return resty.mlcache cache the cache
---@return string? err why there is none
function mlcache.new(name, shm, options) end

---A value; if it is not there, what the callback loads.
---
---Phases: any.
---
---```lua
---local cache = assert(require("resty.mlcache").new("users", "counters"))
---local user, err = cache:get("7", nil, function() return "ada" end)
---```
---@param key string its name
---@param options? resty.mlcache.options how it is kept
---@param callback? fun(...: any): (any, string?, number?) gives the value, or nil and why; a third result is the value's own ttl in seconds
---@param ... any what the callback gets
---@return any value the value
---@return string? err why there is none
---@return integer? level 1 of the VM, 2 of the dictionary, 3 loaded, 4 an old one
function mlcache:get(key, options, callback, ...) end

---Looks whether a value is there, without loading it.
---
---Phases: any.
---
---```lua
---local ttl = assert(require("resty.mlcache").new("users", "counters")):peek("7")
---```
---@param key string its name
---@param stale? boolean true to give one that is over
---@return number? ttl the seconds that are left; nil if it is not there
---@return string? err why not
---@return any value the value
---@return boolean? is_stale whether it is over
function mlcache:peek(key, stale) end

---Sets a value, and tells the other VMs.
---
---Phases: any.
---
---```lua
---pcall(function() assert(require("resty.mlcache").new("users", "counters", { ipc_shm = "counters" })):set("7", nil, "ada") end)
---```
---@param key string its name
---@param options? resty.mlcache.options how it is kept
---@param value any the value
---@return boolean? ok true
---@return string? err why not
function mlcache:set(key, options, value) end

---Removes a value, and tells the other VMs.
---
---Phases: any.
---
---```lua
---pcall(function() assert(require("resty.mlcache").new("users", "counters", { ipc_shm = "counters" })):delete("7") end)
---```
---@param key string its name
---@return boolean? ok true
---@return string? err why not
function mlcache:delete(key) end

---Removes all values, and tells the other VMs.
---
---Phases: any.
---
---```lua
---pcall(function() assert(require("resty.mlcache").new("users", "counters", { ipc_shm = "counters" })):purge() end)
---```
---@param flush_expired? boolean true to free the dictionary's room at once
---@return boolean? ok true
---@return string? err why not
function mlcache:purge(flush_expired) end

---Hears what other VMs have changed.
---
---Phases: any.
---
---```lua
---pcall(function() assert(require("resty.mlcache").new("users", "counters", { ipc_shm = "counters" })):update() end)
---```
---@param timeout? number seconds
---@return boolean? ok true
---@return string? err why not
function mlcache:update(timeout) end

---Begins a list of values to get at once; add to it with `bulk:add(key, options, callback, argument)`.
---
---Phases: any.
---
---```lua
---local bulk = require("resty.mlcache").new_bulk(2)
---```
---@param n? integer how many there will be, about
---@return table bulk the list
function mlcache.new_bulk(n) end

---Several values.
---
---Phases: any.
---
---```lua
---local mlcache = require("resty.mlcache")
---local bulk = mlcache.new_bulk(1)
---bulk:add("7", nil, function() return "ada" end)
---local results = assert(mlcache.new("users", "counters")):get_bulk(bulk)
---```
---@param bulk table the list
---@param options? resty.mlcache.options `concurrency`: how many callbacks at once
---@return table? results values, errors and levels in turn
---@return string? err why there are none
function mlcache:get_bulk(bulk, options) end

---Walks what `get_bulk` gives.
---
---Phases: any.
---
---```lua
---for i, value, err, level in require("resty.mlcache").each_bulk_res({ n = 0 }) do kong.log(i) end
---```
---@param results table the results
---@return fun(): (integer?, any, string?, integer?) iterator gives number, value, error and level
function mlcache.each_bulk_res(results) end

return mlcache
