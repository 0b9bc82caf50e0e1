---@meta resty.openssl

---The modules of lua-resty-openssl as fields, over Rust's own cryptography.
---@class resty.openssl
local openssl = {}

---The version of lua-resty-openssl that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.openssl")._VERSION
---```
---@type string
openssl._VERSION = nil

---Loads all modules.
---
---Phases: any.
---
---```lua
---require("resty.openssl").load_modules()
---```
function openssl.load_modules() end

return openssl
