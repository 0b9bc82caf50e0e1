---@meta _

-- Sockets.

---Sockets. Where they may reach, the operator says.
---@class ngx.socket
ngx.socket = {}

---Makes a socket for TCP.
---
---Phases: any.
---
---```lua
---local sock = assert(ngx.socket.tcp())
---```
---@return tcpsock sock not connected
---@return string? err why there is none
function ngx.socket.tcp() end

---The same as `ngx.socket.tcp`.
---
---Phases: any.
---
---```lua
---local sock = assert(ngx.socket.stream())
---```
---@return tcpsock sock not connected
---@return string? err why there is none
function ngx.socket.stream() end

---Makes a socket for UDP.
---
---Phases: any.
---
---```lua
---local sock = assert(ngx.socket.udp())
---```
---@return udpsock sock not connected
---@return string? err why there is none
function ngx.socket.udp() end

---Makes a socket for TCP and connects it.
---
---Phases: any.
---
---```lua
---local sock, err = ngx.socket.connect("redis.internal", 6379)
---```
---@param host string a name, an address, or `unix:` and a path
---@param port? integer from 1 to 65535
---@param options? table as `tcpsock:connect` takes them
---@return tcpsock? sock connected
---@return string? err why there is none
function ngx.socket.connect(host, port, options) end

---A socket for TCP.
---@class tcpsock
local tcpsock = {}

---Connects, or takes a connection that waits in the pool.
---
---Phases: any.
---
---```lua
---local sock = assert(ngx.socket.tcp())
---local ok, err = sock:connect("redis.internal", 6379)
---```
---@param host string a name, an address, or `unix:` and a path
---@param port? integer from 1 to 65535
---@param options? table `pool` its name, `pool_size`, `backlog`
---@return integer? ok 1
---@return string? err why not
function tcpsock:connect(host, port, options) end

---Connects from an address of this machine.
---
---Phases: any.
---
---```lua
---assert(ngx.socket.tcp()):bind("127.0.0.1")
---```
---@param address string IPv4 or IPv6
---@return integer? ok 1
---@return string? err why not
function tcpsock:bind(address) end

---Encrypts the connection.
---
---Phases: any.
---
---```lua
---local sock = assert(ngx.socket.connect("example.com", 443))
---local session, err = sock:sslhandshake(nil, "example.com", true)
---```
---@param reused_session? any a session to resume; false for none, and for none to be given
---@param server_name? string the name for SNI and the certificate
---@param ssl_verify? boolean true to verify the certificate
---@param send_status_req? boolean has no effect
---@return any session a session, or true
---@return string? err why not
function tcpsock:sslhandshake(reused_session, server_name, ssl_verify, send_status_req) end

---Names the certificate to show, before the handshake. Two nils take it back.
---
---Phases: any.
---
---```lua
---assert(ngx.socket.tcp()):setclientcert(nil, nil)
---```
---@param cert? any of `ngx.ssl`'s `parse_pem_cert`
---@param key? any of `ngx.ssl`'s `parse_pem_priv_key`
---@return boolean? ok true
---@return string? err why not
function tcpsock:setclientcert(cert, key) end

---The session of TLS, for another connection to resume.
---
---Phases: any.
---
---```lua
---local session = assert(ngx.socket.tcp()):getsslsession()
---```
---@return any session the session
---@return string? err why there is none
function tcpsock:getsslsession() end

---Sends.
---
---Phases: any.
---
---```lua
---assert(ngx.socket.connect("redis.internal", 6379)):send("PING\r\n")
---```
---@param data string|number|boolean|table a text, or an array of texts that may be nested
---@return integer? bytes how many bytes went
---@return string? err why not
function tcpsock:send(data) end

---Receives.
---
---Phases: any.
---
---```lua
---local line, err, partial = assert(ngx.socket.tcp()):receive("*l")
---```
---@param size? integer|string how many bytes; `*l` for a line, which is the default; `*a` for all until the end
---@return string? data what came
---@return string? err `timeout`, `closed` or why else
---@return string? partial what came before that
function tcpsock:receive(size) end

---Receives what there is.
---
---Phases: any.
---
---```lua
---local data, err = assert(ngx.socket.tcp()):receiveany(4096)
---```
---@param max integer how many bytes at most
---@return string? data what came
---@return string? err `timeout`, `closed` or why else
function tcpsock:receiveany(max) end

---Makes a function that receives up to a mark.
---
---Phases: any.
---
---```lua
---local read = assert(ngx.socket.tcp()):receiveuntil("\r\n\r\n")
---```
---@param pattern string the mark, byte for byte
---@param options? { inclusive?: boolean } whether the mark is given, too
---@return (fun(size?: integer): (string?, string?, string?))? iterator gives what came, nil and why, and what came before that
---@return string? err why there is none
function tcpsock:receiveuntil(pattern, options) end

---Closes the connection.
---
---Phases: any.
---
---```lua
---assert(ngx.socket.tcp()):close()
---```
---@return integer? ok 1
---@return string? err why not
function tcpsock:close() end

---Closes one direction.
---
---Phases: any.
---
---```lua
---assert(ngx.socket.tcp()):shutdown("send")
---```
---@param direction string `send`
---@return integer? ok 1
---@return string? err why not
function tcpsock:shutdown(direction) end

---How long each operation may take.
---
---Phases: any.
---
---```lua
---assert(ngx.socket.tcp()):settimeout(1000)
---```
---@param time number milliseconds
function tcpsock:settimeout(time) end

---How long each kind of operation may take.
---
---Phases: any.
---
---```lua
---assert(ngx.socket.tcp()):settimeouts(200, 1000, 1000)
---```
---@param connect number? milliseconds
---@param send number? milliseconds
---@param read number? milliseconds
function tcpsock:settimeouts(connect, send, read) end

---Sets an option of the socket.
---
---Phases: any.
---
---```lua
---assert(ngx.socket.tcp()):setoption("tcp-nodelay", true)
---```
---@param option string `keepalive`, `reuseaddr`, `tcp-nodelay`, `sndbuf`, `rcvbuf`
---@param value any true, false or a number
---@return integer? ok 1
---@return string? err why not
function tcpsock:setoption(option, value) end

---An option of the socket.
---
---Phases: any.
---
---```lua
---local size = assert(ngx.socket.tcp()):getoption("rcvbuf")
---```
---@param option string as for `setoption`
---@return any value its value
---@return string? err why there is none
function tcpsock:getoption(option) end

---Puts the connection into the pool, for whoever connects there next. The socket is not used afterwards.
---
---Phases: any.
---
---```lua
---assert(ngx.socket.tcp()):setkeepalive(60000, 10)
---```
---@param timeout? number milliseconds that it waits there; 0 for ever
---@param size? integer how many connections the pool has
---@return integer? ok 1
---@return string? err why not
function tcpsock:setkeepalive(timeout, size) end

---How often the connection came from the pool.
---
---Phases: any.
---
---```lua
---local count = assert(ngx.socket.tcp()):getreusedtimes()
---```
---@return integer? count 0 for a new one
---@return string? err why there is none
function tcpsock:getreusedtimes() end

---The number of the socket.
---
---Phases: any.
---
---```lua
---local number = assert(ngx.socket.tcp()):getfd()
---```
---@return integer? fd its number
---@return string? err why there is none
function tcpsock:getfd() end

---A socket for UDP.
---@class udpsock
local udpsock = {}

---Says whom to send to and receive from.
---
---Phases: any.
---
---```lua
---assert(ngx.socket.udp()):setpeername("127.0.0.1", 8125)
---```
---@param host string a name, an address, or `unix:` and a path
---@param port? integer from 1 to 65535
---@return integer? ok 1
---@return string? err why not
function udpsock:setpeername(host, port) end

---Sends from an address of this machine.
---
---Phases: any.
---
---```lua
---assert(ngx.socket.udp()):bind("127.0.0.1")
---```
---@param address string IPv4 or IPv6
---@return integer? ok 1
---@return string? err why not
function udpsock:bind(address) end

---Sends a datagram.
---
---Phases: any.
---
---```lua
---assert(ngx.socket.udp()):send("hits:1|c")
---```
---@param data string|number|boolean|table a text, or an array of texts
---@return integer? ok 1
---@return string? err why not
function udpsock:send(data) end

---Receives a datagram.
---
---Phases: any.
---
---```lua
---local data, err = assert(ngx.socket.udp()):receive()
---```
---@param size? integer how many bytes at most; 8192 if it is left out
---@return string? data what came
---@return string? err `timeout` or why else
function udpsock:receive(size) end

---How long each operation may take.
---
---Phases: any.
---
---```lua
---assert(ngx.socket.udp()):settimeout(1000)
---```
---@param time number milliseconds
function udpsock:settimeout(time) end

---Closes the socket.
---
---Phases: any.
---
---```lua
---assert(ngx.socket.udp()):close()
---```
---@return integer? ok 1
---@return string? err why not
function udpsock:close() end

---The body of the request, or the client's connection.
---@class ngx.req.socket
local socket = {}

---Receives, as `tcpsock:receive` does.
---
---Phases: rewrite, access.
---
---```lua
---local data, err = assert(ngx.req.socket()):receive("*a")
---```
---@param size? integer|string how many bytes; `*l` for a line, which is the default; `*a` for all until the end
---@return string? data what came
---@return string? err why nothing came
---@return string? partial what came before that
function socket:receive(size) end

---Receives what there is.
---
---Phases: rewrite, access.
---
---```lua
---local data, err = assert(ngx.req.socket()):receiveany(4096)
---```
---@param max integer how many bytes at most
---@return string? data what came
---@return string? err why nothing came
function socket:receiveany(max) end

---Makes a function that receives up to a mark.
---
---Phases: rewrite, access.
---
---```lua
---local read = assert(ngx.req.socket()):receiveuntil("\n")
---```
---@param pattern string the mark, byte for byte
---@param options? { inclusive?: boolean } whether the mark is given, too
---@return (fun(size?: integer): (string?, string?, string?))? iterator gives what came, nil and why, and what came before that
---@return string? err why there is none
function socket:receiveuntil(pattern, options) end

---Sends to the client, of `ngx.req.socket(true)`; another raises.
---
---Phases: rewrite, access.
---
---```lua
---assert(ngx.req.socket(true)):send("hello")
---```
---@param data string|number|boolean|table a text, or an array of texts
---@return integer? bytes how many bytes went
---@return string? err why not
function socket:send(data) end

---How long each operation may take.
---
---Phases: rewrite, access.
---
---```lua
---assert(ngx.req.socket()):settimeout(1000)
---```
---@param time number milliseconds
function socket:settimeout(time) end

---How long each kind of operation may take.
---
---Phases: rewrite, access.
---
---```lua
---assert(ngx.req.socket()):settimeouts(200, 1000, 1000)
---```
---@param connect number? milliseconds
---@param send number? milliseconds
---@param read number? milliseconds
function socket:settimeouts(connect, send, read) end

---Closes it.
---
---Phases: rewrite, access.
---
---```lua
---assert(ngx.req.socket()):close()
---```
---@return integer? ok 1
---@return string? err why not
function socket:close() end
