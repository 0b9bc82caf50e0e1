---@meta resty.openssl.hmac

---HMAC.
---@class resty.openssl.hmac
local hmac = {}

---Begins an HMAC.
---
---Phases: any.
---
---```lua
---local hmac = assert(require("resty.openssl.hmac").new("secret", "sha256"))
---```
---@param key string the secret
---@param algorithm? string `md5`, `sha1`, which is the default, `sha224`, `sha256`, `sha384`, `sha512`
---@return resty.openssl.hmac hmac the HMAC
---@return string? err why there is none
function hmac.new(key, algorithm) end

---Adds to the text.
---
---Phases: any.
---
---```lua
---assert(require("resty.openssl.hmac").new("secret", "sha256")):update("text")
---```
---@param ... string bytes
---@return boolean ok true
---@return string? err why not
function hmac:update(...) end

---Ends it.
---
---Phases: any.
---
---```lua
---local code = assert(require("resty.openssl.hmac").new("secret", "sha256")):final("text")
---```
---@param text? string the last of the text
---@return string? code the bytes
---@return string? err why not
function hmac:final(text) end

---Begins anew, with the same secret.
---
---Phases: any.
---
---```lua
---assert(require("resty.openssl.hmac").new("secret", "sha256")):reset()
---```
---@return boolean ok true
---@return string? err why not
function hmac:reset() end

---Whether a value is an HMAC of this module.
---
---Phases: any.
---
---```lua
---local is_hmac = require("resty.openssl.hmac").istype(nil)
---```
---@param value any any value
---@return boolean is_hmac true if it is
function hmac.istype(value) end

return hmac
