---@meta _

-- The client's request.

---The client's request, as it came: what is sent on is in `kong.service.request`.
---@class kong.request
kong.request = {}

---The scheme by which the client reached this server, in lower case.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---if kong.request.get_scheme() ~= "https" then kong.response.exit(426) end
---```
---@return string scheme `http` or `https`
function kong.request.get_scheme() end

---The host that the client asked for, in lower case and without a port; the server's name if it named none.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local is_admin = kong.request.get_host() == "admin.example.com"
---```
---@return string host a name or an address
function kong.request.get_host() end

---The port that the client connected to.
---
---Phases: certificate, rewrite, access, header_filter, body_filter, log.
---
---```lua
---kong.log.info("port ", kong.request.get_port())
---```
---@return integer port from 1 to 65535
function kong.request.get_port() end

---The scheme that the client used, told by `X-Forwarded-Proto` where a trusted proxy stands in front.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local scheme = kong.request.get_forwarded_scheme()
---```
---@return string scheme `http` or `https`
function kong.request.get_forwarded_scheme() end

---The host that the client asked for, told by `X-Forwarded-Host` where a trusted proxy stands in front.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local host = kong.request.get_forwarded_host()
---```
---@return string host in lower case, without a port
function kong.request.get_forwarded_host() end

---The port that the client connected to, told by `X-Forwarded-Port` or `X-Forwarded-Host` of a trusted
---proxy.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local port = kong.request.get_forwarded_port()
---```
---@return integer port from 1 to 65535
function kong.request.get_forwarded_port() end

---The path that the client asked for, told by `X-Forwarded-Path` where a trusted proxy stands in front.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local path = kong.request.get_forwarded_path()
---```
---@return string path the path
function kong.request.get_forwarded_path() end

---The prefix that a trusted proxy has cut off the path, told by `X-Forwarded-Prefix`.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local prefix = kong.request.get_forwarded_prefix() or "/"
---```
---@return string? prefix nil if nobody tells of one
function kong.request.get_forwarded_prefix() end

---The version of HTTP that the client speaks.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local is_http2 = kong.request.get_http_version() == 2
---```
---@return number version 1, 1.1 or 2
function kong.request.get_http_version() end

---The method of the request.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---if kong.request.get_method() == "POST" then kong.log("posted") end
---```
---@return string method in capitals, as it came
function kong.request.get_method() end

---The path of the request, normalized: escapes of letters decoded, `//`, `.` and `..` resolved. Without the
---query.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local id = kong.request.get_path():match("^/orders/(%d+)$")
---```
---@return string path begins with `/`
function kong.request.get_path() end

---The path of the request, byte for byte as it came. Without the query.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local raw = kong.request.get_raw_path()
---```
---@return string path begins with `/`
function kong.request.get_raw_path() end

---The path as it came, and the query behind `?` if there is one.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---kong.log.info("asked for ", kong.request.get_path_with_query())
---```
---@return string path path and query
function kong.request.get_path_with_query() end

---The query as it came, without `?` and not decoded.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local query = kong.request.get_raw_query()
---```
---@return string query empty without a query
function kong.request.get_raw_query() end

---One argument of the query, decoded; the first, if it is there several times. The first 100 arguments are
---looked at.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local page = tonumber(kong.request.get_query_arg("page")) or 1
---```
---@param name string its name; case matters
---@return string|true|nil value true for an argument without `=`, nil if it is not there
function kong.request.get_query_arg(name) end

---All arguments of the query, decoded. An argument that is there several times is an array.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---for name in pairs(kong.request.get_query()) do kong.log.debug(name) end
---```
---@param max_args? integer how many at most, from 1 to 1000; 100 if it is left out
---@return table<string, string|true|(string|true)[]> args the arguments by their names
---@return string? err `truncated` if there were more
function kong.request.get_query(max_args) end

---One header of the request; the first, if it is there several times.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local key = kong.request.get_header("x-api-key")
---```
---@param name string its name, in any case; `_` counts as `-`
---@return string? value nil if there is no such header
function kong.request.get_header(name) end

---All headers of the request. A header that is there several times is an array.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local agent = kong.request.get_headers()["user-agent"]
---```
---@param max_headers? integer how many at most, from 1 to 1000; 100 if it is left out
---@return table<string, string|string[]> headers the headers, found by names in any case
---@return string? err `truncated` if there were more
function kong.request.get_headers(max_headers) end

---The body of the request, whole. Waits for it. A body that is longer than the buffer (1 MiB) is nil, unless
---you say how long it may be.
---
---Phases: rewrite, access.
---
---```lua
---local body = kong.request.get_raw_body() or ""
---```
---@param max_allowed_file_size? integer bytes that a longer body may have; 0 for as many as the runtime allows
---@return string? body nil if it is too long
---@return string? err why there is none
function kong.request.get_raw_body(max_allowed_file_size) end

---The body of the request, parsed by its `Content-Type`: a form, a multipart form or JSON. Waits for it.
---
---Phases: rewrite, access.
---
---```lua
---local order = kong.request.get_body("application/json")
---```
---@param mimetype? string parse it as this type, whatever the header says
---@param max_args? integer how many arguments of a form at most, from 1 to 1000; 100 if it is left out
---@param max_allowed_file_size? integer bytes that a body which is longer than the buffer may have
---@return table? body nil if it cannot be read or parsed
---@return string? err why there is none
---@return string? mimetype as what it was parsed
function kong.request.get_body(mimetype, max_args, max_allowed_file_size) end

---When the request began.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local taken = ngx.now() * 1000 - kong.request.get_start_time()
---```
---@return integer milliseconds milliseconds since 1970
function kong.request.get_start_time() end

---What the regular expression of the route has captured of the path.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local user = kong.request.get_uri_captures().named.user
---```
---@return { unnamed: string[], named: table<string, string> } captures captures by their places and by their names
function kong.request.get_uri_captures() end

---Removes a header from what the service gets. Kong's documentation uses this name;
---`kong.service.request.clear_header` is the usual one.
---
---Phases: rewrite, access.
---
---```lua
---kong.request.clear_header("x-internal")
---```
---@param name string its name, in any case
function kong.request.clear_header(name) end
