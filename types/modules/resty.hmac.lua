---@meta resty.hmac

---HMAC.
---@class resty.hmac
local hmac = {}

---The version of lua-resty-hmac that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.hmac")._VERSION
---```
---@type string
hmac._VERSION = nil

---The digests: `MD5`, `SHA1`, `SHA256`, `SHA384`, `SHA512`.
---
---Phases: any.
---
---```lua
---local sha256 = require("resty.hmac").ALGOS.SHA256
---```
---@type table<string, string>
hmac.ALGOS = nil

---Begins an HMAC.
---
---Phases: any.
---
---```lua
---local hmac = require("resty.hmac"):new("secret", require("resty.hmac").ALGOS.SHA256)
---```
---@param key string the secret
---@param hash_algo? string one of `ALGOS`; MD5 if it is left out
---@return resty.hmac hmac nil if it cannot be
function hmac:new(key, hash_algo) end

---Adds to the text.
---
---Phases: any.
---
---```lua
---require("resty.hmac"):new("secret"):update("text")
---```
---@param text string bytes
---@return boolean ok true
function hmac:update(text) end

---Ends it.
---
---Phases: any.
---
---```lua
---local digest = require("resty.hmac"):new("secret"):final("text", true)
---```
---@param text? string the last of the text
---@param hex_output? boolean true for hexadecimal digits
---@return string digest the bytes, or their digits
function hmac:final(text, hex_output) end

---Begins anew, with the same secret.
---
---Phases: any.
---
---```lua
---require("resty.hmac"):new("secret"):reset()
---```
---@return boolean ok true
function hmac:reset() end

return hmac
