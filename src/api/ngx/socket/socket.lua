-- What of `ngx.socket` is put together in Lua: objects of their methods, and what calls them.

local socket, stream, datagrams, body, req = ...
local select, setmetatable = select, setmetatable
local new_stream, new_datagrams, new_body = socket.tcp, socket.udp, req.socket

-- `receiveuntil` of what compiles the pattern and what reads up to it.
local function put_together(methods)
  local pattern, read = methods["receiveuntil.PATTERN"], methods["receiveuntil.READ"]
  methods["receiveuntil.PATTERN"], methods["receiveuntil.READ"] = nil, nil

  function methods.receiveuntil(...)
    local sought, err = pattern(...)
    if not sought then
      return nil, err
    end
    local sock = (...)
    return function(...)
      return read(sock, sought, ...)
    end
  end
end

put_together(stream)
put_together(body)

-- The metatable of objects. They show their methods, and not the table that these lie in: it is one for
-- all functions.
local function class(methods)
  return { __index = methods, __metatable = false }
end

local stream_mt, datagrams_mt, body_mt = class(stream), class(datagrams), class(body)

function socket.tcp(...)
  return setmetatable({ new_stream(...) }, stream_mt)
end

socket.stream = socket.tcp

function socket.udp(...)
  return setmetatable({ new_datagrams(...) }, datagrams_mt)
end

local function connected(sock, ok, err)
  if ok then
    return sock
  end
  return nil, err
end

function socket.connect(...)
  local sock = setmetatable({ new_stream() }, stream_mt)
  return connected(sock, sock:connect(...))
end

-- The client's connection has fewer methods: it is neither connected nor kept.
local client = {}
for _, name in ipairs({ "receive", "receiveany", "receiveuntil", "send", "settimeout", "settimeouts" }) do
  client[name] = stream[name]
end
local client_mt = class(client)
local raw = body["socket.RAW"]
body["socket.RAW"] = nil

function req.socket(...)
  if select("#", ...) == 1 and (...) then
    local sock, err = raw()
    if not sock then
      return nil, err
    end
    return setmetatable({ sock }, client_mt)
  end
  local sock, err = new_body(...)
  if not sock then
    return nil, err
  end
  return setmetatable({ sock }, body_mt)
end
