---@meta resty.sha384

---The digest SHA-384.
---@class resty.sha384
local sha384 = {}

---The version of lua-resty-string that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.sha384")._VERSION
---```
---@type string
sha384._VERSION = nil

---Begins a digest.
---
---Phases: any.
---
---```lua
---local digest = require("resty.sha384"):new()
---```
---@return resty.sha384 digest the digest
function sha384:new() end

---Adds to the text.
---
---Phases: any.
---
---```lua
---require("resty.sha384"):new():update("text")
---```
---@param text string bytes
---@param length? integer how many of them; all if it is left out
---@return boolean ok true
function sha384:update(text, length) end

---Ends it.
---
---Phases: any.
---
---```lua
---local digest = require("resty.sha384"):new():final()
---```
---@return string? digest 48 bytes; nil until it is reset
function sha384:final() end

---Begins anew.
---
---Phases: any.
---
---```lua
---require("resty.sha384"):new():reset()
---```
---@return boolean ok true
function sha384:reset() end

return sha384
