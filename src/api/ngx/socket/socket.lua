-- What of `ngx.socket` is put together in Lua: objects of their methods, and what calls them.

local socket, stream, datagrams, body, req = ...
local setmetatable = setmetatable
local new_stream, new_datagrams, new_body = socket.tcp, socket.udp, req.socket

stream.__index, datagrams.__index, body.__index = stream, datagrams, body

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

function socket.tcp(...)
  return setmetatable({ new_stream(...) }, stream)
end

socket.stream = socket.tcp

function socket.udp(...)
  return setmetatable({ new_datagrams(...) }, datagrams)
end

local function connected(sock, ok, err)
  if ok then
    return sock
  end
  return nil, err
end

function socket.connect(...)
  local sock = setmetatable({ new_stream() }, stream)
  return connected(sock, sock:connect(...))
end

function req.socket(...)
  local sock, err = new_body(...)
  if not sock then
    return nil, err
  end
  return setmetatable({ sock }, body)
end
