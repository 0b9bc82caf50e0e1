---@meta resty.http

---What a server has answered.
---@class resty.http.response
---@field status integer the status
---@field reason string the words beside it
---@field headers table<string, string|string[]> found by names in any case
---@field has_body boolean whether there is a body
---@field body? string of `request_uri`: the body
---@field body_reader fun(size?: integer): (string?, string?) reads a piece of the body; nil at its end
---@field read_body fun(self: resty.http.response): (string?, string?) reads the body whole
---@field read_trailers fun(self: resty.http.response): (table?, string?) reads the trailers

---A request.
---@class resty.http.params
---@field method? string `GET` if it is left out
---@field path? string `/` if it is left out
---@field query? string|table text without `?`, or values by names
---@field headers? table<string, string|number|(string|number)[]> headers
---@field body? string|fun(): string? a text, or what gives its pieces
---@field version? number 1.1 if it is left out
---@field ssl_verify? boolean false not to verify the server's certificate
---@field ssl_server_name? string the name for SNI and the certificate
---@field ssl_client_cert? any of `ngx.ssl`
---@field ssl_client_priv_key? any of `ngx.ssl`
---@field keepalive? boolean false to close the connection afterwards
---@field keepalive_timeout? number milliseconds that the connection waits in the pool
---@field keepalive_pool? integer how many connections the pool has
---@field scheme? string `http` or `https`
---@field host? string a name or an address
---@field port? integer from 1 to 65535
---@field pool? string the name of the pool
---@field pool_size? integer how many connections the pool has
---@field backlog? integer how many may wait for one
---@field proxy_opts? table as for `set_proxy_options`

---A client for HTTP, as lua-resty-http. Where it may reach, the operator says.
---@class resty.http
local http = {}

---The version of lua-resty-http that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.http")._VERSION
---```
---@type string
http._VERSION = nil

---The `User-Agent` of requests that name none.
---
---Phases: any.
---
---```lua
---local agent = require("resty.http")._USER_AGENT
---```
---@type string
http._USER_AGENT = nil

---Makes a client.
---
---Phases: any.
---
---```lua
---local client = assert(require("resty.http").new())
---```
---@return resty.http client not connected
---@return string? err why there is none
function http.new() end

---Has no effect here.
---
---Phases: any.
---
---```lua
---require("resty.http").debug(true)
---```
---@param on? boolean whether to write what happens
function http.debug(on) end

---Makes a request and reads the answer whole: connects, sends, and puts the connection into the pool.
---
---Phases: any.
---
---```lua
---local client = assert(require("resty.http").new())
---local answer, err = client:request_uri("http://users.internal/7", { headers = { accept = "application/json" } })
---```
---@param uri string with scheme and host
---@param params? resty.http.params the rest of the request
---@return resty.http.response? response the answer, its body in `body`
---@return string? err `timeout`, `connection refused` or why else
function http:request_uri(uri, params) end

---Connects.
---
---Phases: any.
---
---```lua
---local ok, err = assert(require("resty.http").new()):connect({ scheme = "http", host = "users.internal" })
---```
---@param options table|string `scheme`, `host`, `port`, `ssl_verify`, `pool`, …; or a host
---@param ... any a port, if the first is a host
---@return integer? ok 1
---@return string? err why not
function http:connect(options, ...) end

---Sends a request over the connection, and reads the head of the answer.
---
---Phases: any.
---
---```lua
---local response, err = assert(require("resty.http").new()):request({ path = "/" })
---```
---@param params resty.http.params the request
---@return resty.http.response? response read its body before the next request
---@return string? err why there is none
function http:request(params) end

---Sends several requests before the answers come.
---
---Phases: any.
---
---```lua
---local responses, err = assert(require("resty.http").new()):request_pipeline({ { path = "/a" }, { path = "/b" } })
---```
---@param requests resty.http.params[] the requests
---@return resty.http.response[]? responses the answers, to be read in order
---@return string? err why there are none
function http:request_pipeline(requests) end

---Sends a request, without reading the answer.
---
---Phases: any.
---
---```lua
---local ok, err = assert(require("resty.http").new()):send_request({ path = "/" })
---```
---@param params resty.http.params the request
---@return boolean? ok true
---@return string? err why not
function http:send_request(params) end

---Reads the head of an answer.
---
---Phases: any.
---
---```lua
---local response, err = assert(require("resty.http").new()):read_response({ path = "/" })
---```
---@param params resty.http.params the request that it answers
---@return resty.http.response? response the answer
---@return string? err why there is none
function http:read_response(params) end

---Sends a body.
---
---Phases: any.
---
---```lua
---pcall(require("resty.http").send_body, assert(ngx.socket.tcp()), "text")
---```
---@param sock tcpsock where to
---@param body string|fun(): string? a text, or what gives its pieces
---@return integer? bytes how many bytes went
---@return string? err why not
function http.send_body(sock, body) end

---How long each operation may take.
---
---Phases: any.
---
---```lua
---assert(require("resty.http").new()):set_timeout(500)
---```
---@param time number milliseconds
function http:set_timeout(time) end

---How long each kind of operation may take.
---
---Phases: any.
---
---```lua
---assert(require("resty.http").new()):set_timeouts(200, 1000, 1000)
---```
---@param connect number? milliseconds
---@param send number? milliseconds
---@param read number? milliseconds
function http:set_timeouts(connect, send, read) end

---Puts the connection into the pool, or closes it if it cannot be used again.
---
---Phases: any.
---
---```lua
---assert(require("resty.http").new()):set_keepalive(60000, 10)
---```
---@param timeout? number milliseconds that it waits there
---@param size? integer how many connections the pool has
---@return integer? ok 1; 2 if it was closed
---@return string? err why not
function http:set_keepalive(timeout, size) end

---How often the connection came from the pool.
---
---Phases: any.
---
---```lua
---local count = assert(require("resty.http").new()):get_reused_times()
---```
---@return integer? count 0 for a new one
---@return string? err why there is none
function http:get_reused_times() end

---Closes the connection.
---
---Phases: any.
---
---```lua
---assert(require("resty.http").new()):close()
---```
---@return integer? ok 1
---@return string? err why not
function http:close() end

---Encrypts the connection, after `tcp_only_connect`.
---
---Phases: any.
---
---```lua
---pcall(function() assert(require("resty.http").new()):ssl_handshake(nil, "example.com", true) end)
---```
---@param session? any a session to resume
---@param host? string the name for SNI and the certificate
---@param verify? boolean true to verify the certificate
---@return any session the session
---@return string? err why not
function http:ssl_handshake(session, host, verify) end

---Connects without TLS or a proxy.
---
---Phases: any.
---
---```lua
---local ok, err = assert(require("resty.http").new()):tcp_only_connect("users.internal", 80)
---```
---@param host string a name or an address
---@param port? integer from 1 to 65535
---@param options? table as for `tcpsock:connect`
---@return integer? ok 1
---@return string? err why not
function http:tcp_only_connect(host, port, options) end

---Sets the proxies that requests go by.
---
---Phases: any.
---
---```lua
---assert(require("resty.http").new()):set_proxy_options({ http_proxy = "http://proxy.internal:3128" })
---```
---@param options table `http_proxy`, `https_proxy`, `no_proxy`, `http_proxy_authorization`, `https_proxy_authorization`
function http:set_proxy_options(options) end

---The proxy for a host.
---
---Phases: any.
---
---```lua
---local uri = assert(require("resty.http").new()):get_proxy_uri("http", "users.internal")
---```
---@param scheme string `http` or `https`
---@param host string the host
---@return string? uri nil for none
function http:get_proxy_uri(scheme, host) end

---Connects by a proxy.
---
---Phases: any.
---
---```lua
---local ok = assert(require("resty.http").new()):connect_proxy("http://proxy.internal:3128", "http", "users.internal", 80)
---```
---@param uri string the proxy
---@param scheme string `http` or `https`
---@param host string where to in the end
---@param port integer where to in the end
---@param authorization? string the proxy's `Proxy-Authorization`
---@return integer? ok 1
---@return string? err why not
function http:connect_proxy(uri, scheme, host, port, authorization) end

---Takes a URI apart.
---
---Phases: any.
---
---```lua
---local parts = assert(require("resty.http").new()):parse_uri("http://users.internal/7?a=1", false)
---```
---@param uri string with scheme and host
---@param query_in_path? boolean false to give the query by itself; in the path is the default
---@return table? parts scheme, host, port, path, query
---@return string? err why not
function http:parse_uri(uri, query_in_path) end

---What reads the body of the client's request piece by piece, to be sent on.
---
---Phases: any.
---
---```lua
---local reader = assert(require("resty.http").new()):get_client_body_reader()
---```
---@param size? integer bytes of a piece; 65536 if it is left out
---@param sock? any the socket to read from
---@return (fun(size?: integer): (string?, string?))? reader for `body` of a request
---@return string? err why there is none
function http:get_client_body_reader(size, sock) end

---Sends the client's request on, over the connection.
---
---Phases: any.
---
---```lua
---local response, err = assert(require("resty.http").new()):proxy_request()
---```
---@param size? integer bytes of a piece of the body
---@return resty.http.response? response the answer
---@return string? err why there is none
function http:proxy_request(size) end

---Sends an answer on to the client.
---
---Phases: any.
---
---```lua
---local client = assert(require("resty.http").new())
---local response = client:proxy_request()
---if response then client:proxy_response(response) end
---```
---@param response resty.http.response the answer
---@param size? integer bytes of a piece of the body
function http:proxy_response(response, size) end

---Whether headers say that a body comes in chunks.
---
---Phases: any.
---
---```lua
---local is_chunked = require("resty.http").transfer_encoding_is_chunked({})
---```
---@param headers table headers of an answer
---@return boolean is_chunked true if so
function http.transfer_encoding_is_chunked(headers) end

return http
