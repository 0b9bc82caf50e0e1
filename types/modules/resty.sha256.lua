---@meta resty.sha256

---The digest SHA-256.
---@class resty.sha256
local sha256 = {}

---The version of lua-resty-string that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.sha256")._VERSION
---```
---@type string
sha256._VERSION = nil

---Begins a digest.
---
---Phases: any.
---
---```lua
---local digest = require("resty.sha256"):new()
---```
---@return resty.sha256 digest the digest
function sha256:new() end

---Adds to the text.
---
---Phases: any.
---
---```lua
---require("resty.sha256"):new():update("text")
---```
---@param text string bytes
---@param length? integer how many of them; all if it is left out
---@return boolean ok true
function sha256:update(text, length) end

---Ends it.
---
---Phases: any.
---
---```lua
---local digest = require("resty.sha256"):new():final()
---```
---@return string? digest 32 bytes; nil until it is reset
function sha256:final() end

---Begins anew.
---
---Phases: any.
---
---```lua
---require("resty.sha256"):new():reset()
---```
---@return boolean ok true
function sha256:reset() end

return sha256
