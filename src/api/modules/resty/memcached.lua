-- `resty.memcached`: lua-resty-memcached's API over `ngx.socket`.

local ngx = ...
local concat, find, ipairs, match, pairs = table.concat, string.find, ipairs, string.match, pairs
local setmetatable, sub, tostring, type = setmetatable, string.sub, tostring, type
local escape_uri, tcp, unescape_uri = ngx.escape_uri, ngx.socket.tcp, ngx.unescape_uri

local memcached = { _VERSION = "0.17" }
local mt = { __index = memcached }

function memcached:new(opts)
  local sock, err = tcp()
  if not sock then
    return nil, err
  end
  local escape, unescape = escape_uri, unescape_uri
  local transform = opts and opts.key_transform
  if transform then
    escape, unescape = transform[1], transform[2]
    if not escape or not unescape then
      return nil, "expecting key_transform = { escape, unescape } table"
    end
  end
  return setmetatable({ sock = sock, escape = escape, unescape = unescape }, mt)
end

-- Methods that are the socket's own, under other names.
for name, method in pairs({
  connect = "connect",
  sslhandshake = "sslhandshake",
  set_keepalive = "setkeepalive",
  get_reused_times = "getreusedtimes",
  close = "close",
}) do
  memcached[name] = function(self, ...)
    local sock = self.sock
    if not sock then
      return nil, "not initialized"
    end
    return sock[method](sock, ...)
  end
end

function memcached:set_timeout(timeout)
  if not self.sock then
    return nil, "not initialized"
  end
  self.sock:settimeout(timeout)
  return 1
end

-- What was asked for, at once or with the rest of a pipeline: `read` gets it from the socket.
local function ask(self, read, request, ...)
  local pipeline = self.pipeline
  if pipeline then
    pipeline[#pipeline + 1] = { request = request, read = read, ... }
    return 1
  elseif not self.sock then
    return read(nil, "not initialized")
  end
  local ok, err = self.sock:send(request)
  if not ok then
    return read(nil, err)
  end
  return read(self.sock, ...)
end

local function close_if_late(sock, err)
  if err == "timeout" then
    sock:close()
  end
  return err
end

-- One line that says `expected`, or why not.
local function read_status(sock, expected)
  if not sock then
    return nil, expected
  end
  local line, err = sock:receive()
  if not line then
    return nil, close_if_late(sock, err)
  elseif line == expected then
    return 1
  end
  return nil, line
end

-- The next item of an answer: its key, value, flags and number, or nothing at the end of the items.
local function read_item(sock)
  local line, err = sock:receive()
  if not line then
    return nil, close_if_late(sock, err)
  elseif line == "END" then
    return nil
  end
  local key, flags, size, unique = match(line, "^VALUE (%S+) (%d+) (%d+) ?(%d*)$")
  if not key then
    return nil, line
  end
  local data
  data, err = sock:receive(size + 2)
  if not data then
    return nil, close_if_late(sock, err)
  end
  return key, sub(data, 1, -3), flags, unique
end

local function read_one(sock, err)
  if not sock then
    return nil, nil, err
  end
  local key, value, flags = read_item(sock)
  if not key then
    return nil, nil, value
  end
  local more, trouble = read_item(sock)
  if more or trouble then
    return nil, nil, trouble or "more than was asked for"
  end
  return value, flags
end

local function read_one_unique(sock, err)
  if not sock then
    return nil, nil, nil, err
  end
  local key, value, flags, unique = read_item(sock)
  if not key then
    return nil, nil, nil, value
  end
  local more, trouble = read_item(sock)
  if more or trouble then
    return nil, nil, nil, trouble or "more than was asked for"
  end
  return value, flags, unique
end

local function read_many(sock, self)
  if not sock then
    return nil, self
  end
  local items = {}
  while true do
    local key, value, flags, unique = read_item(sock)
    if not key then
      if value then
        return nil, value
      end
      return items
    end
    items[self.unescape(key)] = { value, flags, unique ~= "" and unique or nil }
  end
end

local function retrieve(self, name, read, key)
  if type(key) ~= "table" then
    return ask(self, read, name .. " " .. self.escape(key) .. "\r\n")
  elseif #key == 0 then
    return {}
  end
  local words = { name }
  for _, one in ipairs(key) do
    words[#words + 1] = self.escape(one)
  end
  return ask(self, read_many, concat(words, " ") .. "\r\n", self)
end

function memcached:get(key)
  return retrieve(self, "get", read_one, key)
end

function memcached:gets(key)
  return retrieve(self, "gets", read_one_unique, key)
end

-- A value: a text, or a table of texts in a row.
local function store(self, name, key, value, exptime, flags, unique)
  value = type(value) == "table" and concat(value) or tostring(value)
  local words = { name, self.escape(key), flags or 0, exptime or 0, #value, unique }
  return ask(self, read_status, concat(words, " ") .. "\r\n" .. value .. "\r\n", "STORED")
end

for _, name in ipairs({ "set", "add", "replace", "append", "prepend" }) do
  memcached[name] = function(self, key, value, exptime, flags)
    return store(self, name, key, value, exptime, flags)
  end
end

function memcached:cas(key, value, unique, exptime, flags)
  return store(self, "cas", key, value, exptime, flags, unique)
end

function memcached:delete(key)
  return ask(self, read_status, "delete " .. self.escape(key) .. "\r\n", "DELETED")
end

function memcached:touch(key, exptime)
  return ask(self, read_status, "touch " .. self.escape(key) .. " " .. exptime .. "\r\n", "TOUCHED")
end

function memcached:flush_all(time)
  return ask(self, read_status, "flush_all" .. (time and " " .. time or "") .. "\r\n", "OK")
end

function memcached:verbosity(level)
  return ask(self, read_status, "verbosity " .. level .. "\r\n", "OK")
end

-- The line of an answer as far as `pattern` takes it.
local function read_line(sock, pattern)
  if not sock then
    return nil, pattern
  end
  local line, err = sock:receive()
  if not line then
    return nil, close_if_late(sock, err)
  end
  local wanted = match(line, pattern)
  if not wanted then
    return nil, line
  end
  return wanted
end

for _, name in ipairs({ "incr", "decr" }) do
  memcached[name] = function(self, key, value)
    return ask(self, read_line, name .. " " .. self.escape(key) .. " " .. value .. "\r\n", "^(%d+)%s*$")
  end
end

function memcached:version()
  return ask(self, read_line, "version\r\n", "^VERSION (.+)$")
end

local function read_lines(sock, err)
  if not sock then
    return nil, err
  end
  local lines = {}
  while true do
    local line
    line, err = sock:receive()
    if not line then
      return nil, close_if_late(sock, err)
    elseif line == "END" or line == "RESET" then
      return lines
    elseif find(line, "ERROR", 1, true) then
      return nil, line
    end
    lines[#lines + 1] = line
  end
end

function memcached:stats(arguments)
  return ask(self, read_lines, "stats" .. (arguments and " " .. arguments or "") .. "\r\n")
end

-- The server says nothing to it, and closes the connection.
function memcached:quit()
  if not self.sock then
    return nil, "not initialized"
  end
  local ok, err = self.sock:send("quit\r\n")
  return ok and 1, err
end

function memcached:init_pipeline()
  self.pipeline = {}
end

function memcached:cancel_pipeline()
  self.pipeline = nil
end

-- What each of the calls since `init_pipeline` would have returned, in a table.
function memcached:commit_pipeline()
  local pipeline, sock = self.pipeline, self.sock
  self.pipeline = nil
  if not pipeline then
    return nil, "no pipeline"
  elseif not sock then
    return nil, "not initialized"
  elseif #pipeline == 0 then
    return nil, "no more cmds"
  end
  local requests, answers = {}, {}
  for i, call in ipairs(pipeline) do
    requests[i] = call.request
  end
  local ok, err = sock:send(requests)
  if not ok then
    return nil, err
  end
  for i, call in ipairs(pipeline) do
    answers[i] = { call.read(sock, call[1]) }
  end
  return answers
end

return memcached
