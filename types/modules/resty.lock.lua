---@meta resty.lock

---Locks over a shared dictionary.
---@class resty.lock
local lock = {}

---The version of lua-resty-lock that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.lock")._VERSION
---```
---@type string
lock._VERSION = nil

---Makes a lock.
---
---Phases: any.
---
---```lua
---local lock = assert(require("resty.lock"):new("counters"))
---```
---@param dict_name string the dictionary's name
---@param options? { exptime?: number, timeout?: number, step?: number, ratio?: number, max_step?: number } seconds: `exptime` that it is held at most (30), `timeout` to wait (5), `step` between tries (0.001), `max_step` (0.5)
---@return resty.lock lock the lock
---@return string? err why there is none
function lock:new(dict_name, options) end

---Takes the lock, and waits for it.
---
---Phases: any.
---
---```lua
---local elapsed, err = assert(require("resty.lock"):new("counters")):lock("user:7")
---```
---@param key string what is locked
---@return number? elapsed the seconds that it took
---@return string? err `timeout` or why else
function lock:lock(key) end

---Gives the lock back.
---
---Phases: any.
---
---```lua
---local lock = assert(require("resty.lock"):new("counters"))
---if lock:lock("user:7") then lock:unlock() end
---```
---@return integer? ok 1
---@return string? err why not
function lock:unlock() end

---Sets how long the lock is held at most.
---
---Phases: any.
---
---```lua
---assert(require("resty.lock"):new("counters")):expire(10)
---```
---@param time? number seconds
---@return boolean? ok true
---@return string? err why not
function lock:expire(time) end

return lock
