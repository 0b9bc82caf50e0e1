---@meta ngx.req

---What `ngx.req` has in this module.
---@class ngx.req
local req = {}

---Adds a header to what the service gets.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---require("ngx.req").add_header("x-group", "staff")
---```
---@param name string its name
---@param value string|number|(string|number)[] its value, or an array of several
function req.add_header(name, value) end

return req
