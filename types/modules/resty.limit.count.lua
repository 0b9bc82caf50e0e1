---@meta resty.limit.count

---Limits how many requests come in a window of time.
---@class resty.limit.count
local count = {}

---The version of lua-resty-limit-traffic that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.limit.count")._VERSION
---```
---@type string
count._VERSION = nil

---Makes a limiter.
---
---Phases: any.
---
---```lua
---local limiter = assert(require("resty.limit.count").new("counters", 100, 60))
---```
---@param dict_name string the dictionary's name
---@param limit integer how many requests
---@param window number in how many seconds
---@return resty.limit.count limiter the limiter
---@return string? err why there is none
function count.new(dict_name, limit, window) end

---Counts a request.
---
---Phases: any.
---
---```lua
---local delay, remaining = assert(require("resty.limit.count").new("counters", 100, 60)):incoming("ada", true)
---```
---@param key string whose it is
---@param commit boolean false to look only
---@param cost? number as how many it counts; 1 if it is left out
---@return number? delay 0; nil if it is refused
---@return number|string remaining how many are left; or `rejected`
function count:incoming(key, commit, cost) end

---Takes a request back.
---
---Phases: any.
---
---```lua
---assert(require("resty.limit.count").new("counters", 100, 60)):uncommit("ada")
---```
---@param key string whose it was
---@param cost? number as how many it counted
---@return number? remaining how many are left
---@return string? err why not
function count:uncommit(key, cost) end

return count
