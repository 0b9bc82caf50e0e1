---@meta resty.openssl.version

---What libraries ask before they choose: OpenSSL 3.0.
---@class resty.openssl.version
local version = {}

---The version as a number.
---
---Phases: any.
---
---```lua
---local number = require("resty.openssl.version").version_num
---```
---@type integer
version.version_num = nil

---The version as a text.
---
---Phases: any.
---
---```lua
---local text = require("resty.openssl.version").version_text
---```
---@type string
version.version_text = nil

---For `version`: the text.
---
---Phases: any.
---
---```lua
---local which = require("resty.openssl.version").VERSION
---```
---@type integer
version.VERSION = nil

---true
---
---Phases: any.
---
---```lua
---local is_3 = require("resty.openssl.version").OPENSSL_3X
---```
---@type boolean
version.OPENSSL_3X = nil

---true
---
---Phases: any.
---
---```lua
---local is_3 = require("resty.openssl.version").OPENSSL_3_UP
---```
---@type boolean
version.OPENSSL_3_UP = nil

---false
---
---Phases: any.
---
---```lua
---local is_11 = require("resty.openssl.version").OPENSSL_11
---```
---@type boolean
version.OPENSSL_11 = nil

---false
---
---Phases: any.
---
---```lua
---local is_111 = require("resty.openssl.version").OPENSSL_111
---```
---@type boolean
version.OPENSSL_111 = nil

---true
---
---Phases: any.
---
---```lua
---local is_11 = require("resty.openssl.version").OPENSSL_11_OR_LATER
---```
---@type boolean
version.OPENSSL_11_OR_LATER = nil

---true
---
---Phases: any.
---
---```lua
---local is_111 = require("resty.openssl.version").OPENSSL_111_OR_LATER
---```
---@type boolean
version.OPENSSL_111_OR_LATER = nil

---false
---
---Phases: any.
---
---```lua
---local is_10 = require("resty.openssl.version").OPENSSL_10
---```
---@type boolean
version.OPENSSL_10 = nil

---false
---
---Phases: any.
---
---```lua
---local is_boring = require("resty.openssl.version").BORINGSSL
---```
---@type boolean
version.BORINGSSL = nil

---false
---
---Phases: any.
---
---```lua
---local is_boring = require("resty.openssl.version").BORINGSSL_110
---```
---@type boolean
version.BORINGSSL_110 = nil

---The version as a text.
---
---Phases: any.
---
---```lua
---local text = require("resty.openssl.version").version()
---```
---@param which? integer which part of it
---@return string text OpenSSL's, and whose this is
function version.version(which) end

return version
