---@meta resty.redis

---A client for redis, as lua-resty-redis. Each command is a method: `red:get("key")`, `red:hset("hash",
---"field", 1)`.
---@class resty.redis
---@field [string] fun(self: resty.redis, ...: any): (any, string?)
local redis = {}

---The version of lua-resty-redis that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.redis")._VERSION
---```
---@type string
redis._VERSION = nil

---Makes a client.
---
---Phases: any.
---
---```lua
---local red = assert(require("resty.redis"):new())
---```
---@return resty.redis client not connected
---@return string? err why there is none
function redis:new() end

---Connects.
---
---Phases: any.
---
---```lua
---local ok, err = assert(require("resty.redis"):new()):connect("redis.internal", 6379)
---```
---@param host string a name, an address, or `unix:` and a path
---@param port? integer|table 6379 if it is left out
---@param options? table `ssl`, `ssl_verify`, `server_name`, `pool`, `pool_size`, `backlog`
---@return integer? ok 1
---@return string? err why not
function redis:connect(host, port, options) end

---How long each operation may take.
---
---Phases: any.
---
---```lua
---assert(require("resty.redis"):new()):set_timeout(200)
---```
---@param time number milliseconds
function redis:set_timeout(time) end

---How long each kind of operation may take.
---
---Phases: any.
---
---```lua
---assert(require("resty.redis"):new()):set_timeouts(200, 200, 200)
---```
---@param connect number? milliseconds
---@param send number? milliseconds
---@param read number? milliseconds
function redis:set_timeouts(connect, send, read) end

---Puts the connection into the pool.
---
---Phases: any.
---
---```lua
---assert(require("resty.redis"):new()):set_keepalive(60000, 10)
---```
---@param timeout? number milliseconds that it waits there
---@param size? integer how many connections the pool has
---@return integer? ok 1
---@return string? err why not
function redis:set_keepalive(timeout, size) end

---How often the connection came from the pool.
---
---Phases: any.
---
---```lua
---local count = assert(require("resty.redis"):new()):get_reused_times()
---```
---@return integer? count 0 for a new one
---@return string? err why there is none
function redis:get_reused_times() end

---Closes the connection.
---
---Phases: any.
---
---```lua
---assert(require("resty.redis"):new()):close()
---```
---@return integer? ok 1
---@return string? err why not
function redis:close() end

---Gathers commands from here on, instead of sending them.
---
---Phases: any.
---
---```lua
---assert(require("resty.redis"):new()):init_pipeline()
---```
---@param n? integer how many there will be, about
function redis:init_pipeline(n) end

---Sends the commands that were gathered, and reads the replies.
---
---Phases: any.
---
---```lua
---local replies, err = assert(require("resty.redis"):new()):commit_pipeline()
---```
---@return any[]? replies in order; an error is `{ false, message }`
---@return string? err why there are none
function redis:commit_pipeline() end

---Forgets the commands that were gathered.
---
---Phases: any.
---
---```lua
---assert(require("resty.redis"):new()):cancel_pipeline()
---```
function redis:cancel_pipeline() end

---Sets fields of a hash.
---
---Phases: any.
---
---```lua
---assert(require("resty.redis"):new()):hmset("user:7", { name = "ada" })
---```
---@param key string the hash's name
---@param fields string|table<string, string|number> values by fields; or a field
---@param ... any a value, and more of both
---@return any ok `OK`
---@return string? err why not
function redis:hmset(key, fields, ...) end

---Makes a table of what `hgetall` gives.
---
---Phases: any.
---
---```lua
---local user = assert(require("resty.redis"):new()):array_to_hash({ "name", "ada" })
---```
---@param values any[] fields and values in turn
---@return table hash values by fields
function redis:array_to_hash(values) end

---Reads a message, after `subscribe`.
---
---Phases: any.
---
---```lua
---local message, err = assert(require("resty.redis"):new()):read_reply()
---```
---@return any reply the message
---@return string? err `timeout` or why else
function redis:read_reply() end

---Makes commands known. All are.
---
---Phases: any.
---
---```lua
---require("resty.redis").add_commands("foo")
---```
---@param ... string their names
function redis.add_commands(...) end

---Lets `red:bf():add(…)` be the command `bf.add`.
---
---Phases: any.
---
---```lua
---require("resty.redis").register_module_prefix("bf")
---```
---@param prefix string `bf`, for one
function redis.register_module_prefix(prefix) end

return redis
