---@meta resty.openssl.digest

---Digests.
---@class resty.openssl.digest
local digest = {}

---Begins a digest.
---
---Phases: any.
---
---```lua
---local digest = assert(require("resty.openssl.digest").new("sha256"))
---```
---@param algorithm? string `md5`, `sha1`, which is the default, `sha224`, `sha256`, `sha384`, `sha512`
---@return resty.openssl.digest digest the digest
---@return string? err why there is none
function digest.new(algorithm) end

---Adds to the text.
---
---Phases: any.
---
---```lua
---assert(require("resty.openssl.digest").new("sha256")):update("a", "b")
---```
---@param ... string bytes
---@return boolean ok true
---@return string? err why not
function digest:update(...) end

---Ends it.
---
---Phases: any.
---
---```lua
---local bytes = assert(require("resty.openssl.digest").new("sha256")):final("text")
---```
---@param text? string the last of the text
---@return string? digest the bytes
---@return string? err why not
function digest:final(text) end

---Begins anew.
---
---Phases: any.
---
---```lua
---assert(require("resty.openssl.digest").new("sha256")):reset()
---```
---@return boolean ok true
---@return string? err why not
function digest:reset() end

---Whether a value is a digest of this module.
---
---Phases: any.
---
---```lua
---local is_digest = require("resty.openssl.digest").istype(nil)
---```
---@param value any any value
---@return boolean is_digest true if it is
function digest.istype(value) end

---Whose the algorithm is.
---
---Phases: any.
---
---```lua
---local name = require("resty.openssl.digest").get_provider_name()
---```
---@return string name `default`
function digest.get_provider_name() end

return digest
