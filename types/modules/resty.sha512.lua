---@meta resty.sha512

---The digest SHA-512.
---@class resty.sha512
local sha512 = {}

---The version of lua-resty-string that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.sha512")._VERSION
---```
---@type string
sha512._VERSION = nil

---Begins a digest.
---
---Phases: any.
---
---```lua
---local digest = require("resty.sha512"):new()
---```
---@return resty.sha512 digest the digest
function sha512:new() end

---Adds to the text.
---
---Phases: any.
---
---```lua
---require("resty.sha512"):new():update("text")
---```
---@param text string bytes
---@param length? integer how many of them; all if it is left out
---@return boolean ok true
function sha512:update(text, length) end

---Ends it.
---
---Phases: any.
---
---```lua
---local digest = require("resty.sha512"):new():final()
---```
---@return string? digest 64 bytes; nil until it is reset
function sha512:final() end

---Begins anew.
---
---Phases: any.
---
---```lua
---require("resty.sha512"):new():reset()
---```
---@return boolean ok true
function sha512:reset() end

return sha512
