-- `resty.redis`: lua-resty-redis's API over `ngx.socket`.

local ngx = ...
local concat, error, lower, match, pairs, rawget, select = table.concat, error, string.lower, string.match, pairs, rawget, select
local setmetatable, sub, tonumber, tostring, type, unpack = setmetatable, string.sub, tonumber, tostring, type, unpack
local null, tcp = ngx.null, ngx.socket.tcp

local redis = { _VERSION = "0.33" }

-- How deep arrays may lie in arrays: a server must not make Lua's stack overflow.
local MAX_DEPTH = 64

-- The bytes of a command: its words, each with its length.
local function encode(...)
  local count = select("#", ...)
  local pieces = { "*", count, "\r\n" }
  local n = 3
  for i = 1, count do
    local word = tostring((select(i, ...)))
    pieces[n + 1], pieces[n + 2], pieces[n + 3] = "$", #word, "\r\n"
    pieces[n + 4], pieces[n + 5] = word, "\r\n"
    n = n + 5
  end
  return concat(pieces)
end

-- Some replies, one after the other: one that is an error is a table with it.
local function collected(count, one, ...)
  local values = {}
  for i = 1, count do
    local value, err = one(...)
    if value == nil then
      return nil, err
    end
    values[i] = value or { false, err }
  end
  return values
end

local read

local function read_array(sock, count, depth)
  if count < 0 then
    return null
  elseif depth > MAX_DEPTH then
    return nil, "reply is nested too deeply"
  end
  return collected(count, read, sock, depth + 1)
end

local function read_bulk(sock, size)
  if size < 0 then
    return null
  end
  local data, err = sock:receive(size + 2)
  return data and sub(data, 1, -3), err
end

-- A reply: the value, `false` and the server's error, or `nil` and why there is none.
function read(sock, depth)
  local line, err = sock:receive()
  if not line then
    return nil, err
  end
  local kind, rest = sub(line, 1, 1), sub(line, 2)
  if kind == "+" then
    return rest
  elseif kind == "-" then
    return false, rest
  end
  local number = match(rest, "^%-?%d+$") and tonumber(rest)
  if not number then
    return nil, 'unknown reply: "' .. line .. '"'
  elseif kind == ":" then
    return number
  elseif kind == "$" then
    return read_bulk(sock, number)
  elseif kind == "*" then
    return read_array(sock, number, depth)
  end
  return nil, 'unknown prefix: "' .. kind .. '"'
end

-- After half a reply nothing that comes can be told from the next.
local function reply(self)
  local value, err = read(self.sock, 1)
  if value == nil and err == "timeout" and not self.subscribed then
    self.sock:close()
  end
  return value, err
end

local IS_SUBSCRIPTION =
  { subscribe = true, psubscribe = true, ssubscribe = true, unsubscribe = true, punsubscribe = true, sunsubscribe = true }

local function note_subscription(self, value)
  if type(value) == "table" and IS_SUBSCRIPTION[value[1]] then
    self.subscribed = value[3] ~= 0
  end
end

-- A command, at once or with the others of a pipeline.
local function command(self, name, ...)
  local sock = rawget(self, "sock")
  if not sock then
    return nil, "not initialized"
  end
  local prefix = self.prefix
  if prefix then
    self.prefix = false
    name = prefix .. "." .. name
  end
  local bytes = encode(name, ...)
  local pipeline = self.pipeline
  if pipeline then
    pipeline[#pipeline + 1] = bytes
    return
  end
  local ok, err = sock:send(bytes)
  if not ok then
    return nil, err
  end
  local value
  value, err = reply(self)
  if IS_SUBSCRIPTION[lower(name)] then
    note_subscription(self, value)
  end
  return value, err
end

local mt = { __index = redis }

-- A name that is no method's is a command's.
setmetatable(redis, {
  __index = function(_, name)
    local function method(self, ...)
      return command(self, name, ...)
    end
    redis[name] = method
    return method
  end,
})

function redis.new()
  local sock, err = tcp()
  if not sock then
    return nil, err
  end
  return setmetatable({ sock = sock, subscribed = false, pipeline = false, prefix = false }, mt)
end

-- Methods that are the socket's own, under other names.
for name, method in pairs({ get_reused_times = "getreusedtimes", close = "close" }) do
  redis[name] = function(self)
    local sock = rawget(self, "sock")
    if not sock then
      return nil, "not initialized"
    end
    return sock[method](sock)
  end
end

for name, method in pairs({ set_timeout = "settimeout", set_timeouts = "settimeouts" }) do
  redis[name] = function(self, ...)
    local sock = rawget(self, "sock")
    if not sock then
      error("not initialized", 2)
    end
    sock[method](sock, ...)
  end
end

-- Complains to who has called `connect`.
local function check(kind, what, value, optional)
  if type(value) ~= kind and not (optional and value == nil) then
    local expected = (optional and "nil or " or "") .. kind
    error("bad argument " .. what .. ": " .. expected .. " expected, got " .. type(value), 4)
  end
end

-- What follows the host: a port, unless it is a path, and options.
local function port_and_options(host, port, opts)
  check("string", "#1 host", host)
  if sub(host, 1, 5) == "unix:" then
    check("table", "#2 opts", port, true)
    return nil, port or {}
  end
  local number = tonumber(port)
  check("number", "#2 port", number or port)
  check("table", "#3 opts", opts, true)
  return number, opts or {}
end

-- A connection that comes from the pool is encrypted already.
local function encrypt(sock, opts)
  if not opts.ssl or sock:getreusedtimes() > 0 then
    return true
  end
  local session, err = sock:sslhandshake(false, opts.server_name, opts.ssl_verify)
  if not session then
    return nil, "failed to do ssl handshake: " .. err
  end
  return true
end

function redis:connect(...)
  local sock = rawget(self, "sock")
  if not sock then
    return nil, "not initialized"
  end
  local host, port, opts = (...), port_and_options(...)
  self.subscribed = false
  local ok, err
  if port then
    ok, err = sock:connect(host, port, opts)
  else
    ok, err = sock:connect(host, opts)
  end
  if not ok then
    return nil, err
  end
  return encrypt(sock, opts)
end

function redis:set_keepalive(...)
  local sock = rawget(self, "sock")
  if not sock then
    return nil, "not initialized"
  elseif self.subscribed then
    return nil, "subscribed state"
  end
  return sock:setkeepalive(...)
end

function redis:read_reply()
  if not rawget(self, "sock") then
    return nil, "not initialized"
  elseif not self.subscribed then
    return nil, "not subscribed"
  end
  local value, err = reply(self)
  note_subscription(self, value)
  return value, err
end

-- Field and value by turns, or a table of them.
function redis:hmset(key, fields, ...)
  if type(fields) ~= "table" or select("#", ...) > 0 then
    return command(self, "hmset", key, fields, ...)
  end
  local words, n = {}, 0
  for field, value in pairs(fields) do
    words[n + 1], words[n + 2] = field, value
    n = n + 2
  end
  return command(self, "hmset", key, unpack(words, 1, n))
end

function redis:array_to_hash(values)
  local hash = {}
  for i = 1, #values, 2 do
    hash[values[i]] = values[i + 1]
  end
  return hash
end

function redis:init_pipeline()
  self.pipeline = {}
end

function redis:cancel_pipeline()
  self.pipeline = false
end

-- The replies in order, errors as `{ false, message }`.
function redis:commit_pipeline()
  local pipeline = rawget(self, "pipeline")
  if not pipeline then
    return nil, "no pipeline"
  end
  self.pipeline = false
  if not rawget(self, "sock") then
    return nil, "not initialized"
  end
  local ok, err = self.sock:send(pipeline)
  if not ok then
    return nil, err
  end
  return collected(#pipeline, reply, self)
end

-- Commands need no making known: each name is one.
function redis.add_commands() end

-- Makes `red:bf():add(…)` the command `bf.add`.
function redis.register_module_prefix(prefix)
  redis[prefix] = function(self)
    self.prefix = prefix
    return self
  end
end

return redis
