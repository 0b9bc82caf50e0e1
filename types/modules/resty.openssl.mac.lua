---@meta resty.openssl.mac

---Message authentication codes: HMAC.
---@class resty.openssl.mac
local mac = {}

---Begins a code.
---
---Phases: any.
---
---```lua
---local mac = assert(require("resty.openssl.mac").new("secret", "HMAC", nil, "sha256"))
---```
---@param key string the secret
---@param type string `HMAC`
---@param cipher any nil
---@param algorithm? string `md5`, `sha1`, `sha224`, `sha256`, `sha384`, `sha512`
---@return resty.openssl.mac mac the code
---@return string? err why there is none
function mac.new(key, type, cipher, algorithm) end

---Adds to the text.
---
---Phases: any.
---
---```lua
---assert(require("resty.openssl.mac").new("secret", "HMAC", nil, "sha256")):update("text")
---```
---@param ... string bytes
---@return boolean ok true
---@return string? err why not
function mac:update(...) end

---Ends it.
---
---Phases: any.
---
---```lua
---local code = assert(require("resty.openssl.mac").new("secret", "HMAC", nil, "sha256")):final("text")
---```
---@param text? string the last of the text
---@return string? code the bytes
---@return string? err why not
function mac:final(text) end

---Begins anew, with the same secret.
---
---Phases: any.
---
---```lua
---assert(require("resty.openssl.mac").new("secret", "HMAC", nil, "sha256")):reset()
---```
---@return boolean ok true
---@return string? err why not
function mac:reset() end

---Whether a value is a code of this module.
---
---Phases: any.
---
---```lua
---local is_mac = require("resty.openssl.mac").istype(nil)
---```
---@param value any any value
---@return boolean is_mac true if it is
function mac.istype(value) end

---Whose the algorithm is.
---
---Phases: any.
---
---```lua
---local name = require("resty.openssl.mac").get_provider_name()
---```
---@return string name `default`
function mac.get_provider_name() end

return mac
