---@meta _

-- The response to the client.

---The response to the client, or one in place of the service's.
---@class kong.response
kong.response = {}

---The status of the response.
---
---Phases: header_filter, body_filter, log.
---
---```lua
---if kong.response.get_status() == 404 then kong.log("not found") end
---```
---@return integer status from 200 to 599: a number, not a text
function kong.response.get_status() end

---One header of the response; the first, if it is there several times.
---
---Phases: header_filter, body_filter, log.
---
---```lua
---local type = kong.response.get_header("content-type")
---```
---@param name string its name, in any case; `_` counts as `-`
---@return string? value nil if there is no such header
function kong.response.get_header(name) end

---All headers of the response. A header that is there several times is an array.
---
---Phases: header_filter, body_filter, log.
---
---```lua
---local cookies = kong.response.get_headers()["set-cookie"]
---```
---@param max_headers? integer how many at most, from 1 to 1000; 100 if it is left out
---@return table<string, string|string[]> headers the headers, found by names in any case
---@return string? err `truncated` if there were more
function kong.response.get_headers(max_headers) end

---Who has made the response.
---
---Phases: header_filter, body_filter, log.
---
---```lua
---local is_ours = kong.response.get_source() ~= "service"
---```
---@return string source `service`, `exit` for a function or plugin that has answered itself, `error` for what went wrong on the way
function kong.response.get_source() end

---Sets the status of the response.
---
---Phases: rewrite, access, header_filter.
---
---```lua
---kong.response.set_status(404)
---```
---@param status integer from 200 to 599
function kong.response.set_status(status) end

---Sets a header of the response; values that it had are gone. A value of nil raises:
---`kong.response.clear_header` removes.
---
---Phases: rewrite, access, header_filter.
---
---```lua
---kong.response.set_header("cache-control", "no-store")
---```
---@param name string its name
---@param value string|number|boolean|string[] its value, or an array of several
function kong.response.set_header(name, value) end

---Adds a header to the response, beside those of the same name.
---
---Phases: rewrite, access, header_filter.
---
---```lua
---kong.response.add_header("set-cookie", "theme=dark; Path=/")
---```
---@param name string its name
---@param value string|number|boolean|string[] its value, or an array of several
function kong.response.add_header(name, value) end

---Removes all headers of a name from the response.
---
---Phases: rewrite, access, header_filter.
---
---```lua
---kong.response.clear_header("x-powered-by")
---```
---@param name string its name, in any case
function kong.response.clear_header(name) end

---Sets several headers of the response, each as `kong.response.set_header` does.
---
---Phases: rewrite, access, header_filter.
---
---```lua
---kong.response.set_headers({ ["x-frame-options"] = "DENY", ["referrer-policy"] = "no-referrer" })
---```
---@param headers table<string, string|number|boolean|string[]> values by names
function kong.response.set_headers(headers) end

---The body of the response, gathered as it comes: nil for each chunk until the last, when it is whole.
---Nothing goes to the client before that.
---
---Phases: body_filter.
---
---```lua
---local body = kong.response.get_raw_body()
---```
---@return string? body nil until the last chunk
function kong.response.get_raw_body() end

---Puts another body in place of the response's. Clear `Content-Length` in `header_filter`, for the head goes
---first.
---
---Phases: body_filter.
---
---```lua
---kong.response.set_raw_body("[]")
---```
---@param body string the new body
function kong.response.set_raw_body(body) end

---Ends the phase and answers: the service is not called, or its answer not used. Nothing behind this call
---runs, even inside of `pcall`. Without a body, an error status gets an error page.
---
---Phases: rewrite, access, header_filter.
---
---```lua
---kong.response.exit(401, { message = "Who are you?" }, { ["WWW-Authenticate"] = "Key" })
---```
---@param status integer from 200 to 599
---@param body? string|table a text as it is, or a table that becomes JSON
---@param headers? table<string, string|number|boolean|string[]> headers of the response
function kong.response.exit(status, body, headers) end

---Ends the phase and answers with an error in the format that the client accepts: JSON, HTML, XML, text or
---gRPC.
---
---Phases: rewrite, access, header_filter.
---
---```lua
---kong.response.error(503, "Come back later", { ["Retry-After"] = "60" })
---```
---@param status integer from 400 to 599
---@param message? string what went wrong; the status's own words if it is left out
---@param headers? table<string, string|number|boolean|string[]> headers of the response
function kong.response.error(status, message, headers) end
