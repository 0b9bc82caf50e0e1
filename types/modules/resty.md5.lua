---@meta resty.md5

---The digest MD5.
---@class resty.md5
local md5 = {}

---The version of lua-resty-string that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.md5")._VERSION
---```
---@type string
md5._VERSION = nil

---Begins a digest.
---
---Phases: any.
---
---```lua
---local digest = require("resty.md5"):new()
---```
---@return resty.md5 digest the digest
function md5:new() end

---Adds to the text.
---
---Phases: any.
---
---```lua
---require("resty.md5"):new():update("text")
---```
---@param text string bytes
---@param length? integer how many of them; all if it is left out
---@return boolean ok true
function md5:update(text, length) end

---Ends it.
---
---Phases: any.
---
---```lua
---local digest = require("resty.md5"):new():final()
---```
---@return string? digest 16 bytes; nil until it is reset
function md5:final() end

---Begins anew.
---
---Phases: any.
---
---```lua
---require("resty.md5"):new():reset()
---```
---@return boolean ok true
function md5:reset() end

return md5
