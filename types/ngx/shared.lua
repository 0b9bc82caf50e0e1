---@meta _

-- Dictionaries that all VMs share.

---A dictionary that all VMs share: the operator declares it, with a size. Keys are texts; values are texts,
---numbers or booleans.
---@class ngx.shared.DICT
local DICT = {}

---The dictionaries by their names; nil for one that is not declared.
---
---Phases: any.
---
---```lua
---local hits = ngx.shared.counters:incr("hits", 1, 0)
---```
---@type table<string, ngx.shared.DICT>
ngx.shared = {}

---A value.
---
---Phases: any.
---
---```lua
---local hits = ngx.shared.counters:get("hits")
---```
---@param key string its name
---@return string|number|boolean|nil value nil if it is not there or is over
---@return integer? flags the flags it was set with, if not 0
function DICT:get(key) end

---A value, even if it is over.
---
---Phases: any.
---
---```lua
---local value, flags, is_stale = ngx.shared.counters:get_stale("hits")
---```
---@param key string its name
---@return string|number|boolean|nil value nil if it is not there
---@return integer? flags the flags it was set with, if not 0
---@return boolean? is_stale whether it is over
function DICT:get_stale(key) end

---Sets a value. Where there is no room, others are forgotten that were not used for longest.
---
---Phases: any.
---
---```lua
---ngx.shared.counters:set("hits", 0, 60)
---```
---@param key string its name
---@param value string|number|boolean|nil the value; nil removes
---@param exptime? number seconds; 0, the default, for ever
---@param flags? integer a number to keep beside it
---@return boolean ok whether it is set
---@return string? err `no memory`
---@return boolean forcible whether others were forgotten for it
function DICT:set(key, value, exptime, flags) end

---Sets a value, if there is room.
---
---Phases: any.
---
---```lua
---ngx.shared.counters:safe_set("hits", 0)
---```
---@param key string its name
---@param value string|number|boolean|nil the value
---@param exptime? number seconds; 0, the default, for ever
---@param flags? integer a number to keep beside it
---@return boolean ok whether it is set
---@return string? err `no memory`
function DICT:safe_set(key, value, exptime, flags) end

---Sets a value, if there is none.
---
---Phases: any.
---
---```lua
---local is_first = ngx.shared.counters:add("seen:7", true, 60)
---```
---@param key string its name
---@param value string|number|boolean the value
---@param exptime? number seconds; 0, the default, for ever
---@param flags? integer a number to keep beside it
---@return boolean ok whether it is set
---@return string? err `exists` or `no memory`
---@return boolean forcible whether others were forgotten for it
function DICT:add(key, value, exptime, flags) end

---Sets a value, if there is none and there is room.
---
---Phases: any.
---
---```lua
---ngx.shared.counters:safe_add("seen:7", true)
---```
---@param key string its name
---@param value string|number|boolean the value
---@param exptime? number seconds; 0, the default, for ever
---@param flags? integer a number to keep beside it
---@return boolean ok whether it is set
---@return string? err `exists` or `no memory`
function DICT:safe_add(key, value, exptime, flags) end

---Sets a value, if there is one.
---
---Phases: any.
---
---```lua
---ngx.shared.counters:replace("hits", 1)
---```
---@param key string its name
---@param value string|number|boolean|nil the value
---@param exptime? number seconds; 0, the default, for ever
---@param flags? integer a number to keep beside it
---@return boolean ok whether it is set
---@return string? err `not found` or `no memory`
---@return boolean forcible whether others were forgotten for it
function DICT:replace(key, value, exptime, flags) end

---Removes a value.
---
---Phases: any.
---
---```lua
---ngx.shared.counters:delete("hits")
---```
---@param key string its name
function DICT:delete(key) end

---Adds to a number, at once for all who count.
---
---Phases: any.
---
---```lua
---local count = ngx.shared.counters:incr("ada", 1, 0, 60)
---```
---@param key string its name
---@param value number what to add
---@param init? number where to begin if it is not there
---@param init_ttl? number seconds that a new one stays; 0, the default, for ever
---@return number? new the new number
---@return string? err `not found` or `not a number`
---@return boolean? forcible whether others were forgotten for it
function DICT:incr(key, value, init, init_ttl) end

---Puts a value in front of a list.
---
---Phases: any.
---
---```lua
---ngx.shared.counters:lpush("jobs", "a")
---```
---@param key string the list's name
---@param value string|number the value
---@return integer? length how long it is now
---@return string? err `value not a list` or `no memory`
function DICT:lpush(key, value) end

---Puts a value behind a list.
---
---Phases: any.
---
---```lua
---ngx.shared.counters:rpush("jobs", "a")
---```
---@param key string the list's name
---@param value string|number the value
---@return integer? length how long it is now
---@return string? err `value not a list` or `no memory`
function DICT:rpush(key, value) end

---Takes the first value of a list.
---
---Phases: any.
---
---```lua
---local job = ngx.shared.counters:lpop("jobs")
---```
---@param key string the list's name
---@return string|number|nil value nil if it is empty
---@return string? err `value not a list`
function DICT:lpop(key) end

---Takes the last value of a list.
---
---Phases: any.
---
---```lua
---local job = ngx.shared.counters:rpop("jobs")
---```
---@param key string the list's name
---@return string|number|nil value nil if it is empty
---@return string? err `value not a list`
function DICT:rpop(key) end

---How long a list is.
---
---Phases: any.
---
---```lua
---local waiting = ngx.shared.counters:llen("jobs")
---```
---@param key string the list's name
---@return integer? length 0 if it is not there
---@return string? err `value not a list`
function DICT:llen(key) end

---How long a value stays.
---
---Phases: any.
---
---```lua
---local left = ngx.shared.counters:ttl("hits")
---```
---@param key string its name
---@return number? seconds seconds; 0 for ever
---@return string? err `not found`
function DICT:ttl(key) end

---Sets how long a value stays.
---
---Phases: any.
---
---```lua
---ngx.shared.counters:expire("hits", 60)
---```
---@param key string its name
---@param exptime number seconds; 0 for ever
---@return boolean? ok true
---@return string? err `not found`
function DICT:expire(key, exptime) end

---Makes all values be over; `get_stale` still finds them.
---
---Phases: any.
---
---```lua
---ngx.shared.counters:flush_all()
---```
function DICT:flush_all() end

---Removes values that are over.
---
---Phases: any.
---
---```lua
---local count = ngx.shared.counters:flush_expired()
---```
---@param max_count? integer how many at most; 0, the default, for all
---@return integer count how many were removed
function DICT:flush_expired(max_count) end

---The names of values. Nobody else gets at the dictionary meanwhile.
---
---Phases: any.
---
---```lua
---local names = ngx.shared.counters:get_keys(100)
---```
---@param max_count? integer how many at most; 1024 if it is left out, 0 for all
---@return string[] keys the names
function DICT:get_keys(max_count) end

---How large the dictionary is.
---
---Phases: any.
---
---```lua
---local bytes = ngx.shared.counters:capacity()
---```
---@return integer bytes bytes
function DICT:capacity() end

---How much room there is.
---
---Phases: any.
---
---```lua
---local bytes = ngx.shared.counters:free_space()
---```
---@return integer bytes bytes
function DICT:free_space() end
