---@meta resty.limit.req

---Limits how fast requests come, with a burst that is delayed.
---@class resty.limit.req
local req = {}

---The version of lua-resty-limit-traffic that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.limit.req")._VERSION
---```
---@type string
req._VERSION = nil

---Makes a limiter.
---
---Phases: any.
---
---```lua
---local limiter = assert(require("resty.limit.req").new("counters", 10, 5))
---```
---@param dict_name string the dictionary's name
---@param rate number requests a second
---@param burst number how many more are delayed, not refused
---@return resty.limit.req limiter the limiter
---@return string? err why there is none
function req.new(dict_name, rate, burst) end

---Counts a request.
---
---Phases: any.
---
---```lua
---local delay, err = assert(require("resty.limit.req").new("counters", 10, 5)):incoming("ada", true)
---```
---@param key string whose it is
---@param commit boolean false to look only
---@return number? delay seconds to wait; nil if it is refused
---@return number|string excess how many are too many; or `rejected`
function req:incoming(key, commit) end

---Takes a request back.
---
---Phases: any.
---
---```lua
---assert(require("resty.limit.req").new("counters", 10, 5)):uncommit("ada")
---```
---@param key string whose it was
---@return boolean? ok true
---@return string? err why not
function req:uncommit(key) end

---Sets the rate.
---
---Phases: any.
---
---```lua
---assert(require("resty.limit.req").new("counters", 10, 5)):set_rate(20)
---```
---@param rate number requests a second
function req:set_rate(rate) end

---Sets the burst.
---
---Phases: any.
---
---```lua
---assert(require("resty.limit.req").new("counters", 10, 5)):set_burst(10)
---```
---@param burst number how many more are delayed
function req:set_burst(burst) end

return req
