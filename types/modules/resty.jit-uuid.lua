---@meta resty.jit-uuid

---Uuids.
---@class resty.jit-uuid
local jit_uuid = {}

---The version of lua-resty-jit-uuid that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.jit-uuid")._VERSION
---```
---@type string
jit_uuid._VERSION = nil

---Has no effect: ids are always good.
---
---Phases: any.
---
---```lua
---require("resty.jit-uuid").seed()
---```
---@param seed? number a number
function jit_uuid.seed(seed) end

---A random uuid.
---
---Phases: any.
---
---```lua
---local id = require("resty.jit-uuid").generate_v4()
---```
---@return string uuid 36 characters
function jit_uuid.generate_v4() end

---The uuid of a name, by MD5.
---
---Phases: any.
---
---```lua
---local id = require("resty.jit-uuid").generate_v3("cc7da0e0-5a6f-4d4e-9a3a-3d6d0d6b3c3b", "ada")
---```
---@param namespace string a uuid
---@param name string the name
---@return string? uuid 36 characters
---@return string? err why not
function jit_uuid.generate_v3(namespace, name) end

---The uuid of a name, by SHA-1.
---
---Phases: any.
---
---```lua
---local id = require("resty.jit-uuid").generate_v5("cc7da0e0-5a6f-4d4e-9a3a-3d6d0d6b3c3b", "ada")
---```
---@param namespace string a uuid
---@param name string the name
---@return string? uuid 36 characters
---@return string? err why not
function jit_uuid.generate_v5(namespace, name) end

---What gives uuids of names, by MD5.
---
---Phases: any.
---
---```lua
---local of = require("resty.jit-uuid").factory_v3("cc7da0e0-5a6f-4d4e-9a3a-3d6d0d6b3c3b")
---```
---@param namespace string a uuid
---@return (fun(name: string): string)? generate the function
---@return string? err why there is none
function jit_uuid.factory_v3(namespace) end

---What gives uuids of names, by SHA-1.
---
---Phases: any.
---
---```lua
---local of = require("resty.jit-uuid").factory_v5("cc7da0e0-5a6f-4d4e-9a3a-3d6d0d6b3c3b")
---```
---@param namespace string a uuid
---@return (fun(name: string): string)? generate the function
---@return string? err why there is none
function jit_uuid.factory_v5(namespace) end

---Whether a text is a uuid.
---
---Phases: any.
---
---```lua
---local is_id = require("resty.jit-uuid").is_valid("ada")
---```
---@param uuid any the text
---@return boolean is_valid true if it is
function jit_uuid.is_valid(uuid) end

return jit_uuid
