---@meta resty.sha1

---The digest SHA-1.
---@class resty.sha1
local sha1 = {}

---The version of lua-resty-string that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.sha1")._VERSION
---```
---@type string
sha1._VERSION = nil

---Begins a digest.
---
---Phases: any.
---
---```lua
---local digest = require("resty.sha1"):new()
---```
---@return resty.sha1 digest the digest
function sha1:new() end

---Adds to the text.
---
---Phases: any.
---
---```lua
---require("resty.sha1"):new():update("text")
---```
---@param text string bytes
---@param length? integer how many of them; all if it is left out
---@return boolean ok true
function sha1:update(text, length) end

---Ends it.
---
---Phases: any.
---
---```lua
---local digest = require("resty.sha1"):new():final()
---```
---@return string? digest 20 bytes; nil until it is reset
function sha1:final() end

---Begins anew.
---
---Phases: any.
---
---```lua
---require("resty.sha1"):new():reset()
---```
---@return boolean ok true
function sha1:reset() end

return sha1
