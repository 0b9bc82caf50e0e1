---@meta resty.memcached

---A client for memcached, as lua-resty-memcached.
---@class resty.memcached
local memcached = {}

---The version of lua-resty-memcached that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.memcached")._VERSION
---```
---@type string
memcached._VERSION = nil

---Makes a client.
---
---Phases: any.
---
---```lua
---local memc = assert(require("resty.memcached"):new())
---```
---@param options? table `key_transform`: two functions that encode and decode keys
---@return resty.memcached client not connected
---@return string? err why there is none
function memcached:new(options) end

---Connects.
---
---Phases: any.
---
---```lua
---local ok, err = assert(require("resty.memcached"):new()):connect("memcached.internal", 11211)
---```
---@param host string a name, an address, or `unix:` and a path
---@param port? integer 11211, for one
---@param options? table `pool`, `pool_size`, `backlog`
---@return integer? ok 1
---@return string? err why not
function memcached:connect(host, port, options) end

---Encrypts the connection.
---
---Phases: any.
---
---```lua
---pcall(function() assert(require("resty.memcached"):new()):sslhandshake() end)
---```
---@param session? any a session to resume
---@param server_name? string the name for SNI and the certificate
---@param ssl_verify? boolean true to verify the certificate
---@return any session the session
---@return string? err why not
function memcached:sslhandshake(session, server_name, ssl_verify) end

---How long each operation may take.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):set_timeout(200)
---```
---@param time number milliseconds
---@return integer? ok 1
---@return string? err why not
function memcached:set_timeout(time) end

---Puts the connection into the pool.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):set_keepalive(60000, 10)
---```
---@param timeout? number milliseconds that it waits there
---@param size? integer how many connections the pool has
---@return integer? ok 1
---@return string? err why not
function memcached:set_keepalive(timeout, size) end

---How often the connection came from the pool.
---
---Phases: any.
---
---```lua
---local count = assert(require("resty.memcached"):new()):get_reused_times()
---```
---@return integer? count 0 for a new one
---@return string? err why there is none
function memcached:get_reused_times() end

---Closes the connection.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):close()
---```
---@return integer? ok 1
---@return string? err why not
function memcached:close() end

---A value, or several.
---
---Phases: any.
---
---```lua
---local value, flags, err = assert(require("resty.memcached"):new()):get("user:7")
---```
---@param key string|string[] its name, or an array of names
---@return string|table|nil value nil if it is not there
---@return any flags the flags it was set with
---@return string? err why there is none
function memcached:get(key) end

---A value, and its number for `cas`.
---
---Phases: any.
---
---```lua
---local value, flags, unique = assert(require("resty.memcached"):new()):gets("user:7")
---```
---@param key string|string[] its name, or an array of names
---@return string|table|nil value nil if it is not there
---@return any flags the flags it was set with
---@return any cas_unique the number for `cas`
---@return string? err why there is none
function memcached:gets(key) end

---Sets a value.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):set("user:7", "ada", 60)
---```
---@param key string its name
---@param value string|table a text, or an array of texts
---@param exptime? integer seconds; 0 for ever
---@param flags? integer a number to keep beside it
---@return integer? ok 1
---@return string? err why not
function memcached:set(key, value, exptime, flags) end

---Sets a value, if there is none.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):add("user:7", "ada")
---```
---@param key string its name
---@param value string|table a text, or an array of texts
---@param exptime? integer seconds; 0 for ever
---@param flags? integer a number to keep beside it
---@return integer? ok 1
---@return string? err why not
function memcached:add(key, value, exptime, flags) end

---Sets a value, if there is one.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):replace("user:7", "ada")
---```
---@param key string its name
---@param value string|table a text, or an array of texts
---@param exptime? integer seconds; 0 for ever
---@param flags? integer a number to keep beside it
---@return integer? ok 1
---@return string? err why not
function memcached:replace(key, value, exptime, flags) end

---Adds to the end of a value.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):append("log", "a")
---```
---@param key string its name
---@param value string|table a text, or an array of texts
---@return integer? ok 1
---@return string? err why not
function memcached:append(key, value) end

---Adds to the beginning of a value.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):prepend("log", "a")
---```
---@param key string its name
---@param value string|table a text, or an array of texts
---@return integer? ok 1
---@return string? err why not
function memcached:prepend(key, value) end

---Sets a value, if nobody has set it since `gets`.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):cas("user:7", "ada", "1")
---```
---@param key string its name
---@param value string|table a text, or an array of texts
---@param cas_unique any the number of `gets`
---@param exptime? integer seconds; 0 for ever
---@param flags? integer a number to keep beside it
---@return integer? ok 1
---@return string? err why not
function memcached:cas(key, value, cas_unique, exptime, flags) end

---Sets how long a value stays.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):touch("user:7", 60)
---```
---@param key string its name
---@param exptime integer seconds; 0 for ever
---@return integer? ok 1
---@return string? err why not
function memcached:touch(key, exptime) end

---Adds to a number.
---
---Phases: any.
---
---```lua
---local count = assert(require("resty.memcached"):new()):incr("hits", 1)
---```
---@param key string its name
---@param value integer what to add
---@return string? value the new number
---@return string? err why not
function memcached:incr(key, value) end

---Takes from a number.
---
---Phases: any.
---
---```lua
---local count = assert(require("resty.memcached"):new()):decr("hits", 1)
---```
---@param key string its name
---@param value integer what to take
---@return string? value the new number
---@return string? err why not
function memcached:decr(key, value) end

---Removes a value.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):delete("user:7")
---```
---@param key string its name
---@return integer? ok 1
---@return string? err why not
function memcached:delete(key) end

---Removes all values.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):flush_all()
---```
---@param time? integer in how many seconds
---@return integer? ok 1
---@return string? err why not
function memcached:flush_all(time) end

---What the server tells of itself.
---
---Phases: any.
---
---```lua
---local lines = assert(require("resty.memcached"):new()):stats()
---```
---@param arguments? string `items`, for one
---@return string[]? lines its lines
---@return string? err why there are none
function memcached:stats(arguments) end

---The version of the server.
---
---Phases: any.
---
---```lua
---local version = assert(require("resty.memcached"):new()):version()
---```
---@return string? version its version
---@return string? err why there is none
function memcached:version() end

---How much the server logs.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):verbosity(1)
---```
---@param level integer from 0
---@return integer? ok 1
---@return string? err why not
function memcached:verbosity(level) end

---Tells the server that this is the end.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):quit()
---```
---@return integer? ok 1
---@return string? err why not
function memcached:quit() end

---Gathers commands from here on, instead of sending them.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):init_pipeline()
---```
---@param n? integer how many there will be, about
function memcached:init_pipeline(n) end

---Sends the commands that were gathered, and reads the replies.
---
---Phases: any.
---
---```lua
---local replies, err = assert(require("resty.memcached"):new()):commit_pipeline()
---```
---@return any[]? replies in order
---@return string? err why there are none
function memcached:commit_pipeline() end

---Forgets the commands that were gathered.
---
---Phases: any.
---
---```lua
---assert(require("resty.memcached"):new()):cancel_pipeline()
---```
function memcached:cancel_pipeline() end

return memcached
