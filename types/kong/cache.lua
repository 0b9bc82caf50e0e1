---@meta _

-- Values that outlive requests.

---How a value is kept.
---@class kong.cache.options
---@field ttl? number seconds; 0, the default, for ever
---@field neg_ttl? number seconds for nil; 0, the default, for ever
---@field resurrect_ttl? number seconds that an old value serves on when the loader fails
---@field l1_serializer? fun(value: any): any what is made of the value for each caller

---Values that all VMs of the runtime share, loaded by one request at a time. Call its functions with a
---colon.
---@class kong.cache
kong.cache = {}

---A value; if it is not there, what the callback loads. One request loads, others wait for it. Rewrite and
---access may wait.
---
---Phases: any.
---
---```lua
---local user, err = kong.cache:get("user:7", { ttl = 60 }, function(id) return { id = id } end, 7)
---```
---@param key string its name
---@param options? kong.cache.options how it is kept
---@param callback? fun(...: any): (any, string?, number?) gives the value, or nil and why; a third result is the value's own ttl in seconds
---@param ... any what the callback gets
---@return any value the value
---@return string? err why there is none
---@return integer? level where it was: 1 and 2 in the cache, 3 loaded, 4 an old one
function kong.cache:get(key, options, callback, ...) end

---Several values, as made by a `bulk` of lua-resty-mlcache.
---
---Phases: any.
---
---```lua
---local results = kong.cache:get_bulk({ "a", nil, function() return 1 end, nil, n = 1 })
---```
---@param bulk table the keys, options and callbacks, and their number as `n`
---@param options? kong.cache.options how they are kept
---@return table? results values, errors and levels in turn
---@return string? err why there are none
function kong.cache:get_bulk(bulk, options) end

---Puts a value into the cache, if there is room.
---
---Phases: any.
---
---```lua
---kong.cache:safe_set("flag", true)
---```
---@param key string its name
---@param value any the value
---@param options? kong.cache.options how it is kept
---@return boolean? ok nil if there was no room
---@return string? err why not
function kong.cache:safe_set(key, value, options) end

---Looks whether a value is there, without loading it.
---
---Phases: any.
---
---```lua
---local ttl, err, value = kong.cache:probe("user:7")
---```
---@param key string its name
---@return number? ttl the seconds that are left; nil if it is not there
---@return string? err why not
---@return any value the value
function kong.cache:probe(key) end

---Loads a value again, whether it is there or not.
---
---Phases: any.
---
---```lua
---local keys = kong.cache:renew("keys", { ttl = 300 }, function() return { "a" } end)
---```
---@param key string its name
---@param options? kong.cache.options how it is kept
---@param callback? fun(...: any): (any, string?, number?) gives the value, or nil and why
---@param ... any what the callback gets
---@return any value the value
---@return string? err why there is none
---@return number? ttl for how many seconds it is kept
function kong.cache:renew(key, options, callback, ...) end

---Forgets a value, in this runtime.
---
---Phases: any.
---
---```lua
---kong.cache:invalidate_local("user:7")
---```
---@param key string its name
function kong.cache:invalidate_local(key) end

---Forgets a value, in all gateways of the database.
---
---Phases: any.
---
---```lua
---kong.cache:invalidate("user:7")
---```
---@param key string its name
function kong.cache:invalidate(key) end

---Forgets all values.
---
---Phases: any.
---
---```lua
---kong.cache:purge()
---```
function kong.cache:purge() end
