---@meta resty.http_headers

---Fields that keep the spelling in which they came, and are found by any.
---@class resty.http_headers
local headers = {}

---The version of lua-resty-http that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.http_headers")._VERSION
---```
---@type string
headers._VERSION = nil

---No fields.
---
---Phases: any.
---
---```lua
---local fields = require("resty.http_headers").new()
---fields["Content-Type"] = "text/plain"
---ngx.say(fields["content-type"])
---```
---@return table<string, string|string[]> fields where fields are set and found
function headers.new() end

return headers
