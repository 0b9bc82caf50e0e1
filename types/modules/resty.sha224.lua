---@meta resty.sha224

---The digest SHA-224.
---@class resty.sha224
local sha224 = {}

---The version of lua-resty-string that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.sha224")._VERSION
---```
---@type string
sha224._VERSION = nil

---Begins a digest.
---
---Phases: any.
---
---```lua
---local digest = require("resty.sha224"):new()
---```
---@return resty.sha224 digest the digest
function sha224:new() end

---Adds to the text.
---
---Phases: any.
---
---```lua
---require("resty.sha224"):new():update("text")
---```
---@param text string bytes
---@param length? integer how many of them; all if it is left out
---@return boolean ok true
function sha224:update(text, length) end

---Ends it.
---
---Phases: any.
---
---```lua
---local digest = require("resty.sha224"):new():final()
---```
---@return string? digest 28 bytes; nil until it is reset
function sha224:final() end

---Begins anew.
---
---Phases: any.
---
---```lua
---require("resty.sha224"):new():reset()
---```
---@return boolean ok true
function sha224:reset() end

return sha224
