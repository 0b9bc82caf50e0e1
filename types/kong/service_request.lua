---@meta _

-- What is sent to the service.

---The request on its way to the service: change it here.
---@class kong.service.request
kong.service.request = {}

---Has the response of the service held back until it is whole, so that `kong.service.response.get_raw_body`
---can read it in `header_filter`.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.request.enable_buffering()
---```
function kong.service.request.enable_buffering() end

---Sets the scheme by which the service is called.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.request.set_scheme("https")
---```
---@param scheme string `http` or `https`
function kong.service.request.set_scheme(scheme) end

---Sets the path that the service gets; the query stays.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.request.set_path("/v2" .. kong.request.get_path())
---```
---@param path string begins with `/`
function kong.service.request.set_path(path) end

---Sets the query that the service gets, as it is.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.request.set_raw_query("limit=10&sort=name")
---```
---@param query string without `?`; empty for none
function kong.service.request.set_raw_query(query) end

---Sets the method that the service gets.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.request.set_method("PUT")
---```
---@param method string in capitals
function kong.service.request.set_method(method) end

---Sets the query that the service gets, encoded and sorted by names. Replaces what was there.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.request.set_query({ limit = 10, tag = { "a", "b" } })
---```
---@param args table<string, string|number|boolean|(string|number|boolean)[]> values by names; an array for several of one name, true for a name alone
function kong.service.request.set_query(args) end

---Removes all arguments of a name from the query that the service gets.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.request.clear_query_arg("api_key")
---```
---@param name string its name
function kong.service.request.clear_query_arg(name) end

---Sets a header that the service gets; values that it had are gone. A value of nil raises: `clear_header`
---removes.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.request.set_header("x-user", "ada")
---```
---@param name string its name
---@param value string|number|boolean|string[] its value, or an array of several
function kong.service.request.set_header(name, value) end

---Adds a header to what the service gets, beside those of the same name.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.request.add_header("x-group", "staff")
---```
---@param name string its name
---@param value string|number|boolean|string[] its value, or an array of several
function kong.service.request.add_header(name, value) end

---Removes all headers of a name from what the service gets.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.request.clear_header("cookie")
---```
---@param name string its name, in any case
function kong.service.request.clear_header(name) end

---Sets several headers that the service gets, each as `set_header` does.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.request.set_headers({ ["x-user"] = "ada", ["x-role"] = "admin" })
---```
---@param headers table<string, string|number|boolean|string[]> values by names
function kong.service.request.set_headers(headers) end

---Puts another body in place of the client's. Its length is seen to.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.request.set_raw_body("{}")
---```
---@param body string the new body
function kong.service.request.set_raw_body(body) end

---Encodes a table and puts it in place of the client's body.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.request.set_body({ name = "ada" }, "application/json")
---```
---@param args table what to encode
---@param mimetype? string `application/x-www-form-urlencoded`, `multipart/form-data` or `application/json`; the request's own `Content-Type` if it is left out
---@return boolean? ok nil if it cannot be encoded
---@return string? err why not
function kong.service.request.set_body(args, mimetype) end

---Calls the service over TLS. For the phase `balancer`, which no function has.
---
---Phases: none.
---
---```lua
---pcall(kong.service.request.enable_tls)
---```
---@return boolean? ok true
---@return string? err why not
function kong.service.request.enable_tls() end

---Calls the service without TLS. For the phase `balancer`, which no function has.
---
---Phases: none.
---
---```lua
---pcall(kong.service.request.disable_tls)
---```
---@return boolean? ok true
---@return string? err why not
function kong.service.request.disable_tls() end
