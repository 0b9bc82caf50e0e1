---@meta _

-- The response to the client.

---The response to the client.
---@class ngx.resp
ngx.resp = {}

---The headers of the response.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local type = ngx.resp.get_headers()["content-type"]
---```
---@param max_headers? integer how many at most; 100 if it is left out, 0 for all
---@param raw? boolean true for names as they came, not in lower case
---@return table<string, string|string[]> headers values by names
---@return string? err `truncated` if there were more
function ngx.resp.get_headers(max_headers, raw) end

---Adds a header to the response, beside those of the same name.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.resp.add_header("set-cookie", "theme=dark")
---```
---@param name string its name
---@param value string|number|(string|number)[] its value, or an array of several
function ngx.resp.add_header(name, value) end

---Sets the status of the response.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.resp.set_status(404)
---```
---@param status integer the status
---@param reason? string has no effect
function ngx.resp.set_status(status, reason) end

---Leaves the request's conditions, `If-None-Match` for one, out of account.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.resp.bypass_if_checks()
---```
function ngx.resp.bypass_if_checks() end
