-- A server of the WebSocket protocol (RFC 6455) for one client: says every message back, until it is told to
-- close.

local record = require("recorder")
local byte, char = string.byte, string.char

local headers = ngx.req.get_headers()
local key = headers["sec-websocket-key"]
if not key then
  return ngx.exit(400)
end
ngx.req.read_body()
ngx.header["Upgrade"] = "websocket"
ngx.header["Sec-WebSocket-Accept"] =
  ngx.encode_base64(ngx.sha1_bin(key .. "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
ngx.header["Content-Type"] = nil
ngx.status = 101
assert(ngx.send_headers())
assert(ngx.flush(true))
local sock = assert(ngx.req.socket(true))
sock:settimeout(TIMEOUT)

local CONTINUATION, CLOSE, PING, PONG = 0, 8, 9, 10

local function number(length)
  local text, value = assert(sock:receive(length)), 0
  for place = 1, length do
    value = value * 256 + byte(text, place)
  end
  return value
end

local function unmask(text, mask)
  local pieces = {}
  for first = 1, #text, 4096 do
    local bytes = { byte(text, first, first + 4095) }
    for place = 1, #bytes do
      bytes[place] = bit.bxor(bytes[place], byte(mask, (first + place - 2) % 4 + 1))
    end
    pieces[#pieces + 1] = char(unpack(bytes))
  end
  return table.concat(pieces)
end

-- Whether it is the last of its message, its kind, and what is in it.
local function receive()
  local head, err = sock:receive(2)
  if not head then
    return nil, err
  end
  local first, second = byte(head, 1, 2)
  assert(second >= 128, "a client masks what it sends")
  local length = second - 128
  if length == 126 then
    length = number(2)
  elseif length == 127 then
    length = number(8)
  end
  local mask = assert(sock:receive(4))
  local payload = length > 0 and assert(sock:receive(length)) or ""
  return first >= 128, first % 16, unmask(payload, mask)
end

local function send(kind, payload)
  local length = #payload
  local sizes
  if length < 126 then
    sizes = char(length)
  elseif length < 65536 then
    sizes = char(126, math.floor(length / 256), length % 256)
  else
    sizes = char(127, 0, 0, 0, 0, math.floor(length / 2 ^ 24), math.floor(length / 2 ^ 16) % 256,
      math.floor(length / 256) % 256, length % 256)
  end
  assert(sock:send({ char(128 + kind), sizes, payload }))
end

local message, message_kind = {}, nil
while true do
  local is_last, kind, payload = receive()
  if is_last == nil and kind == "timeout" then
    send(PING, "still there?")
  elseif is_last == nil then
    record(kind)
    return ngx.exit(444)
  elseif kind == CLOSE then
    record("close " .. payload:sub(3))
    send(CLOSE, payload)
    return
  elseif kind == PING then
    send(PONG, payload)
  elseif kind == PONG then
    record("pong " .. payload)
  else
    message_kind = kind == CONTINUATION and message_kind or kind
    message[#message + 1] = payload
    if is_last then
      send(message_kind, table.concat(message))
      message = {}
    end
  end
end
