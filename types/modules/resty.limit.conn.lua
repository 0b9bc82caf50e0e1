---@meta resty.limit.conn

---Limits how many requests are served at once.
---@class resty.limit.conn
local conn = {}

---The version of lua-resty-limit-traffic that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.limit.conn")._VERSION
---```
---@type string
conn._VERSION = nil

---Makes a limiter.
---
---Phases: any.
---
---```lua
---local limiter = assert(require("resty.limit.conn").new("counters", 10, 5, 0.5))
---```
---@param dict_name string the dictionary's name
---@param max integer how many at once
---@param burst integer how many more are delayed, not refused
---@param default_conn_delay number seconds that one takes, about
---@return resty.limit.conn limiter the limiter
---@return string? err why there is none
function conn.new(dict_name, max, burst, default_conn_delay) end

---Counts a request that begins.
---
---Phases: any.
---
---```lua
---local delay, err = assert(require("resty.limit.conn").new("counters", 10, 5, 0.5)):incoming("ada", true)
---```
---@param key string whose it is
---@param commit boolean false to look only
---@return number? delay seconds to wait; nil if it is refused
---@return integer|string count how many there are; or `rejected`
function conn:incoming(key, commit) end

---Whether the last request was counted, and must be told of when it leaves.
---
---Phases: any.
---
---```lua
---local is_counted = assert(require("resty.limit.conn").new("counters", 10, 5, 0.5)):is_committed()
---```
---@return boolean is_committed true if so
function conn:is_committed() end

---Counts a request that ends, in `log`.
---
---Phases: any.
---
---```lua
---assert(require("resty.limit.conn").new("counters", 10, 5, 0.5)):leaving("ada", 0.2)
---```
---@param key string whose it was
---@param req_latency? number seconds that it took
---@return integer? count how many there are
---@return string? err why not
function conn:leaving(key, req_latency) end

---Takes a request back.
---
---Phases: any.
---
---```lua
---assert(require("resty.limit.conn").new("counters", 10, 5, 0.5)):uncommit("ada")
---```
---@param key string whose it was
---@return boolean? ok true
---@return string? err why not
function conn:uncommit(key) end

---Sets how many may be served at once.
---
---Phases: any.
---
---```lua
---assert(require("resty.limit.conn").new("counters", 10, 5, 0.5)):set_conn(20)
---```
---@param max integer how many
function conn:set_conn(max) end

---Sets how many more are delayed.
---
---Phases: any.
---
---```lua
---assert(require("resty.limit.conn").new("counters", 10, 5, 0.5)):set_burst(10)
---```
---@param burst integer how many
function conn:set_burst(burst) end

return conn
