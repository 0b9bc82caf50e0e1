---@meta resty.mlcache.ipc

---Events that the VMs tell each other by a shared dictionary.
---@class resty.mlcache.ipc
---@field idx integer the number of the event that was heard last
local ipc = {}

---Events on a shared dictionary. Those from now on are heard.
---
---Phases: any.
---
---```lua
---local events = assert(require("resty.mlcache.ipc").new("counters"))
---```
---@param shm string the dictionary's name
---@param debug? boolean true to hear what this VM has said
---@return resty.mlcache.ipc? events nil if there is no such dictionary
---@return string? err why not
function ipc.new(shm, debug) end

---Has a function called for each event of a channel.
---
---Phases: any.
---
---```lua
---assert(require("resty.mlcache.ipc").new("counters", true)):subscribe("users", function(data) end)
---```
---@param channel string the channel's name
---@param callback fun(data: string) what is called
function ipc:subscribe(channel, callback) end

---Tells all VMs.
---
---Phases: any.
---
---```lua
---assert(assert(require("resty.mlcache.ipc").new("counters")):broadcast("users", "7"))
---```
---@param channel string the channel's name
---@param data string what is told
---@return boolean? ok nil if it could not be told
---@return string? err why not
function ipc:broadcast(channel, data) end

---Hears what has been told since the last time.
---
---Phases: rewrite, access, header_filter, body_filter, log, timer.
---
---```lua
---assert(assert(require("resty.mlcache.ipc").new("counters")):poll(0.1))
---```
---@param timeout? number seconds that an event may take that has been announced (0.3)
---@return boolean? ok nil if one has not come
---@return string? err `timeout`
function ipc:poll(timeout) end

return ipc
