---@meta ngx.semaphore

---Semaphores: light threads of a VM that wait for each other.
---@class ngx.semaphore
local semaphore = {}

---The version of lua-resty-core that this is like.
---
---Phases: any.
---
---```lua
---local version = require("ngx.semaphore").version
---```
---@type string
semaphore.version = nil

---Makes a semaphore.
---
---Phases: any.
---
---```lua
---local semaphore = require("ngx.semaphore").new(1)
---```
---@param n? integer how many resources there are; 0 if it is left out
---@return ngx.semaphore semaphore the semaphore
---@return string? err why there is none
function semaphore.new(n) end

---Gives resources back, and lets as many go on who wait.
---
---Phases: any.
---
---```lua
---require("ngx.semaphore").new(0):post(2)
---```
---@param n? integer how many; 1 if it is left out
---@return boolean ok true
function semaphore:post(n) end

---Takes a resource, and waits for one.
---
---Phases: any.
---
---```lua
---local ok, err = require("ngx.semaphore").new(1):wait(0.5)
---```
---@param timeout number seconds
---@return boolean? ok true
---@return string? err `timeout`
function semaphore:wait(timeout) end

---How many resources there are; below 0, how many wait.
---
---Phases: any.
---
---```lua
---local count = require("ngx.semaphore").new(1):count()
---```
---@return integer count the number
function semaphore:count() end

return semaphore
