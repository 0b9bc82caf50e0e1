---@meta _

-- The client's request.

---The client's request. What is changed here, the service gets.
---@class ngx.req
ngx.req = {}

---Whether `ngx.exec` has sent the request here.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local is_internal = ngx.req.is_internal()
---```
---@return boolean is_internal true if so
function ngx.req.is_internal() end

---When the request began.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local taken = ngx.now() - ngx.req.start_time()
---```
---@return number seconds seconds since 1970, with milliseconds behind the point
function ngx.req.start_time() end

---The version of HTTP that the client speaks.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local version = ngx.req.http_version()
---```
---@return number? version 1, 1.1 or 2
function ngx.req.http_version() end

---The head of the request as text.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local head = ngx.req.raw_header()
---```
---@param no_request_line? boolean true to leave out the first line
---@return string head lines with `\r\n` at their ends
function ngx.req.raw_header(no_request_line) end

---The method of the request.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local method = ngx.req.get_method()
---```
---@return string method in capitals
function ngx.req.get_method() end

---Sets the method that the service gets.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.req.set_method(ngx.HTTP_PUT)
---```
---@param method integer `ngx.HTTP_GET` or another of these numbers
function ngx.req.set_method(method) end

---Sets the path that the service gets; the query stays.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.req.set_uri("/v2/orders")
---```
---@param uri string begins with `/`
---@param jump? boolean in `rewrite`: true to end the phase
function ngx.req.set_uri(uri, jump) end

---Sets the query that the service gets.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.req.set_uri_args({ limit = 10 })
---```
---@param args string|table text without `?`, or values by names
function ngx.req.set_uri_args(args) end

---The arguments of the query.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local page = ngx.req.get_uri_args().page
---```
---@param max_args? integer how many at most; 100 if it is left out, 0 for all
---@param t? table a table to put them into
---@return table<string, string|true|(string|true)[]> args values by names
---@return string? err `truncated` if there were more
function ngx.req.get_uri_args(max_args, t) end

---The arguments of a form in the body. Read the body first.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.req.read_body()
---local name = (ngx.req.get_post_args() or {}).name
---```
---@param max_args? integer how many at most; 100 if it is left out, 0 for all
---@return table<string, string|true|(string|true)[]>? args values by names
---@return string? err `truncated` if there were more, or why there are none
function ngx.req.get_post_args(max_args) end

---The headers of the request.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local host = ngx.req.get_headers().host
---```
---@param max_headers? integer how many at most; 100 if it is left out, 0 for all
---@param raw? boolean true for names as they came, not in lower case
---@return table<string, string|string[]> headers values by names
---@return string? err `truncated` if there were more
function ngx.req.get_headers(max_headers, raw) end

---Sets a header that the service gets; nil removes it.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.req.set_header("x-user", "ada")
---```
---@param name string its name
---@param value string|number|(string|number)[]|nil its value, or an array of several
function ngx.req.set_header(name, value) end

---Adds a header to what the service gets.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---require("ngx.req").add_header("x-group", "staff")
---```
---@param name string its name
---@param value string|number|(string|number)[] its value, or an array of several
function ngx.req.add_header(name, value) end

---Removes a header from what the service gets.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.req.clear_header("cookie")
---```
---@param name string its name, in any case
function ngx.req.clear_header(name) end

---Reads the body, and waits for it.
---
---Phases: rewrite, access.
---
---```lua
---ngx.req.read_body()
---```
function ngx.req.read_body() end

---Leaves the body out.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.req.discard_body()
---```
function ngx.req.discard_body() end

---The body, after `ngx.req.read_body`.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.req.read_body()
---local body = ngx.req.get_body_data()
---```
---@param max_bytes? integer how many bytes at most
---@return string? body nil if it was not read, is empty or too long
function ngx.req.get_body_data(max_bytes) end

---The file that `ngx.req.set_body_file` was given; other bodies lie in memory.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local file = ngx.req.get_body_file()
---```
---@return string? file nil if there is none
function ngx.req.get_body_file() end

---Puts another body in place of the client's. Read that first.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.req.read_body()
---ngx.req.set_body_data("{}")
---```
---@param body string the new body
function ngx.req.set_body_data(body) end

---Puts a file in place of the client's body. For functions that may have `io.open`.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---pcall(ngx.req.set_body_file, "/tmp/body.json")
---```
---@param file string its name
---@param auto_clean? boolean whether to remove it afterwards
function ngx.req.set_body_file(file, auto_clean) end

---Begins a new body, which `ngx.req.append_body` writes.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.req.read_body()
---ngx.req.init_body()
---ngx.req.append_body("{}")
---ngx.req.finish_body()
---```
---@param buffer_size? integer has no effect
function ngx.req.init_body(buffer_size) end

---Writes to the new body.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.req.read_body()
---ngx.req.init_body()
---ngx.req.append_body("{}")
---ngx.req.finish_body()
---```
---@param chunk string what to add
function ngx.req.append_body(chunk) end

---Says that the new body is whole.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---ngx.req.read_body()
---ngx.req.init_body()
---ngx.req.append_body("{}")
---ngx.req.finish_body()
---```
function ngx.req.finish_body() end

---The body of the request as a socket to read from, as it arrives. What is left unread is what the service gets.
---Or the client's connection: behind the gateway at any time, elsewhere after a response with status 101.
---
---Phases: rewrite, access.
---
---```lua
---local sock, err = ngx.req.socket()
---```
---@param raw? boolean true for the client's connection
---@return ngx.req.socket? socket nil if there is none
---@return string? err why not
function ngx.req.socket(raw) end
