-- A client of MySQL's protocol, as small as can be: what such libraries do with sockets.

local byte, char, floor, sub = string.byte, string.char, math.floor, string.sub
local bxor = bit.bxor

local function number(data, first, size)
  local value = 0
  for i = first + size - 1, first, -1 do
    value = value * 256 + byte(data, i)
  end
  return value, first + size
end

-- A number in as many bytes as it takes, and where it ends; `nil` for NULL.
local function length(data, first)
  local kind = byte(data, first)
  if kind < 251 then return kind, first + 1 end
  if kind == 251 then return nil, first + 1 end
  return number(data, first + 1, ({ [252] = 2, [253] = 3, [254] = 8 })[kind])
end

local function text(data, first)
  local size, start = length(data, first)
  if not size then return ngx.null, start end
  return sub(data, start, start + size - 1), start + size
end

local client = {}
client.__index = client

local function bytes(value, size)
  local list = {}
  for i = 1, size do
    list[i] = char(value % 256)
    value = floor(value / 256)
  end
  return list
end

function client:send(payload)
  local ok, err = self.sock:send({ bytes(#payload, 3), char(self.sequence), payload })
  self.sequence = self.sequence + 1
  return assert(ok, err)
end

function client:receive()
  local head = assert(self.sock:receive(4))
  self.sequence = byte(head, 4) + 1
  return assert(self.sock:receive((number(head, 1, 3))))
end

local function digest(password, challenge)
  if password == "" then return "" end
  local once = ngx.sha1_bin(password)
  local other = ngx.sha1_bin(challenge .. ngx.sha1_bin(once))
  local mixed = {}
  for i = 1, #once do mixed[i] = char(bxor(byte(once, i), byte(other, i))) end
  return table.concat(mixed)
end

local function failure(packet)
  return "error " .. number(packet, 2, 2) .. ": " .. sub(packet, 10)
end

local function connect(address, user, password)
  local sock = ngx.socket.tcp()
  sock:settimeout(10000)
  assert(sock:connect(address, { pool = address .. user }))
  local self = setmetatable({ sock = sock, sequence = 0 }, client)
  if sock:getreusedtimes() > 0 then return self end
  local hello = self:receive()
  local zero = hello:find("\0", 2, true)
  local challenge = sub(hello, zero + 5, zero + 12) .. sub(hello, zero + 32, zero + 43)
  local answer = digest(password, challenge)
  -- Protocol 4.1, secure connections, several statements and their results, the plugin's name.
  local flags = 0x200 + 0x8000 + 0x10000 + 0x20000 + 0x80000
  self:send(table.concat(bytes(flags, 4)) .. table.concat(bytes(2 ^ 24, 4)) .. char(45)
    .. ("\0"):rep(23) .. user .. "\0" .. char(#answer) .. answer .. "mysql_native_password\0")
  local packet = self:receive()
  if byte(packet) == 255 then return nil, failure(packet) end
  return self
end

-- The rows, or how many there are of them, and "again" if there is another result.
function client:result()
  local packet = self:receive()
  if byte(packet) == 255 then return nil, failure(packet) end
  if byte(packet) == 0 then
    local affected, after = length(packet, 2)
    local _, at = length(packet, after)
    return affected, floor(number(packet, at, 2) / 8) % 2 == 1 and "again" or nil
  end
  local count = length(packet, 1)
  for _ = 1, count + 1 do self:receive() end
  local rows = {}
  while true do
    packet = self:receive()
    if byte(packet) == 254 and #packet < 9 then
      return rows, floor(number(packet, 4, 2) / 8) % 2 == 1 and "again" or nil
    end
    local row, at = {}, 1
    for i = 1, count do row[i], at = text(packet, at) end
    rows[#rows + 1] = row
  end
end

function client:query(statement)
  self.sequence = 0
  self:send("\3" .. statement)
  return self:result()
end
