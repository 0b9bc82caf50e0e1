---@meta ngx.resp

---What `ngx.resp` has in this module.
---@class ngx.resp
local resp = {}

---Adds a header to the response.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---require("ngx.resp").add_header("set-cookie", "theme=dark")
---```
---@param name string its name
---@param value string|number|(string|number)[] its value, or an array of several
function resp.add_header(name, value) end

---Sets the status of the response.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---require("ngx.resp").set_status(404)
---```
---@param status integer the status
---@param reason? string has no effect
function resp.set_status(status, reason) end

return resp
