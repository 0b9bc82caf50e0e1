---@meta resty.openssl.kdf

---Keys of passwords.
---@class resty.openssl.kdf
local kdf = {}

---For `derive_legacy`.
---
---Phases: any.
---
---```lua
---local kind = require("resty.openssl.kdf").PBKDF2
---```
---@type integer
kdf.PBKDF2 = nil

---For `derive_legacy`.
---
---Phases: any.
---
---```lua
---local kind = require("resty.openssl.kdf").SCRYPT
---```
---@type integer
kdf.SCRYPT = nil

---For `derive_legacy`.
---
---Phases: any.
---
---```lua
---local kind = require("resty.openssl.kdf").HKDF
---```
---@type integer
kdf.HKDF = nil

---For `derive_legacy`.
---
---Phases: any.
---
---```lua
---local kind = require("resty.openssl.kdf").TLS1_PRF
---```
---@type integer
kdf.TLS1_PRF = nil

---For `hkdf_mode`.
---
---Phases: any.
---
---```lua
---local mode = require("resty.openssl.kdf").HKDEF_MODE_EXTRACT_AND_EXPAND
---```
---@type integer
kdf.HKDEF_MODE_EXTRACT_AND_EXPAND = nil

---For `hkdf_mode`.
---
---Phases: any.
---
---```lua
---local mode = require("resty.openssl.kdf").HKDEF_MODE_EXTRACT_ONLY
---```
---@type integer
kdf.HKDEF_MODE_EXTRACT_ONLY = nil

---For `hkdf_mode`.
---
---Phases: any.
---
---```lua
---local mode = require("resty.openssl.kdf").HKDEF_MODE_EXPAND_ONLY
---```
---@type integer
kdf.HKDEF_MODE_EXPAND_ONLY = nil

---Makes a key, in the manner of before OpenSSL 3.
---
---Phases: any.
---
---```lua
---local kdf = require("resty.openssl.kdf")
---local key = kdf.derive_legacy({ type = kdf.PBKDF2, outlen = 32, pass = "secret", salt = "salt", md = "sha256", pbkdf2_iter = 1000 })
---```
---@param options table `type`, `outlen`, `pass`, `salt`, `md`, `pbkdf2_iter`, …
---@return string? key the bytes
---@return string? err why there are none
function kdf.derive_legacy(options) end

---Names what makes keys.
---
---Phases: any.
---
---```lua
---local kdf = assert(require("resty.openssl.kdf").new("PBKDF2"))
---```
---@param type string `PBKDF2`, `HKDF`, `SCRYPT` or `TLS1-PRF`
---@return resty.openssl.kdf kdf for `derive`
---@return string? err why there is none
function kdf.new(type) end

---Makes a key.
---
---Phases: any.
---
---```lua
---local kdf = assert(require("resty.openssl.kdf").new("PBKDF2"))
---local key = kdf:derive(32, { pass = "secret", salt = "salt", iter = 1000, digest = "sha256" })
---```
---@param outlen integer how many bytes
---@param options table `pass`, `salt`, `iter`, `digest` for PBKDF2
---@return string? key the bytes
---@return string? err why there are none
function kdf:derive(outlen, options) end

---Begins anew.
---
---Phases: any.
---
---```lua
---assert(require("resty.openssl.kdf").new("PBKDF2")):reset()
---```
---@return boolean ok true
function kdf:reset() end

---Whether a value is of this module.
---
---Phases: any.
---
---```lua
---local is_kdf = require("resty.openssl.kdf").istype(nil)
---```
---@param value any any value
---@return boolean is_kdf true if it is
function kdf.istype(value) end

---Whose the algorithm is.
---
---Phases: any.
---
---```lua
---local name = require("resty.openssl.kdf").get_provider_name()
---```
---@return string name `default`
function kdf.get_provider_name() end

return kdf
