-- Responses of `resty.http`: their heads, and what reads their bodies.

local native, ngx, http, headers_of = ...
local concat, find, lower, next, pairs, pcall = table.concat, string.find, string.lower, next, pairs, pcall
local rawget, rawset, setmetatable, tonumber, tostring = rawget, rawset, setmetatable, tonumber, tostring
local type, upper = type, string.upper
local read_head, read_chunks = native.read_head, native.read_chunks

local function has_token(value, token)
  if type(value) == "table" then
    value = concat(value, ",")
  end
  return value ~= nil and find(lower(value), token, 1, true) ~= nil
end

function http.transfer_encoding_is_chunked(headers)
  return has_token(headers["Transfer-Encoding"], "chunked")
end

local function no_body()
  return nil
end

local function chunked_reader(sock, chunks, default_size)
  return function(size)
    return read_chunks(sock, chunks, tonumber(size) or default_size or false)
  end
end

-- Reads a body of a length that is known; `left` is what is still to come.
local function sized_reader(sock, length, default_size)
  local left = length
  return function(size)
    size = tonumber(size) or default_size or left
    if left == 0 then
      return nil
    end
    if size > left then
      size = left
    end
    local data, err, partial = sock:receive(size)
    if not data then
      left = 0
      return nil, err, partial
    end
    left = left - size
    return data
  end
end

-- Reads a body that ends with the connection.
local function rest_reader(sock, default_size)
  local over = false
  return function(size)
    size = tonumber(size) or default_size
    if over then
      return nil
    end
    if not size then
      over = true
      return sock:receive("*a")
    end
    local data, err, partial = sock:receive(size)
    if data then
      return data
    end
    over = true
    if err == "closed" then
      return partial ~= "" and partial or nil
    end
    return nil, err
  end
end

local function read_body(res)
  local chunks = res.chunks
  if chunks then
    return read_chunks(res.sock, chunks, true)
  end
  local reader = res.body_reader
  if not reader then
    return nil, "no body to be read"
  end
  local first, err, partial = reader()
  if err then
    return nil, err, partial or ""
  end
  if not first then
    return ""
  end
  local pieces = { first }
  while true do
    local piece
    piece, err, partial = reader()
    if err then
      return nil, err, concat(pieces) .. (partial or "")
    elseif not piece then
      return concat(pieces)
    end
    pieces[#pieces + 1] = piece
  end
end

local function read_trailers(res)
  local chunks = res.chunks
  if not chunks then
    return nil, "no trailers"
  end
  local fields = native.trailers(chunks)
  for name, value in pairs(fields) do
    if res.headers[name] == nil then
      res.headers[name] = value
    end
  end
end

local function response_of(status, reason, fields)
  return {
    status = status,
    reason = reason,
    headers = headers_of(fields),
    has_body = false,
    body_reader = no_body,
    read_body = read_body,
    read_trailers = read_trailers,
  }
end

local function comes_in_chunks(res, sock, chunks)
  res.sock, res.chunks, res.body_reader = sock, chunks, chunked_reader(sock, chunks)
end

-- One that has been read whole.
function http.whole_response(sock, whole, chunks)
  local res = response_of(whole[1], whole[2], whole[3])
  res.body, res.has_body = whole[4], whole[5]
  if chunks then
    comes_in_chunks(res, sock, chunks)
  end
  return res
end

function http:read_response(params)
  local sock = self.sock
  local waits = false
  for name, value in pairs(params.headers or {}) do
    waits = waits or lower(tostring(name)) == "expect" and value == "100-continue"
  end
  local status, reason, fields, length, is_chunked, closes = read_head(sock, waits)
  if waits and status == 100 then
    local ok, err = http.send_body(sock, params.body)
    if not ok then
      return nil, err
    end
    status, reason, fields, length, is_chunked, closes = read_head(sock, false)
  end
  if not status then
    return nil, reason
  end
  local res = response_of(status, reason, fields)
  if closes then
    self.keepalive = false
  end
  local method = upper(params.method or "GET")
  local bodiless = method == "HEAD" or status == 204 or status == 304 or status < 200
  if bodiless or method == "CONNECT" and status < 300 then
    return res
  end
  res.has_body = true
  if is_chunked then
    comes_in_chunks(res, sock, native.chunks())
  elseif length then
    res.body_reader = sized_reader(sock, length)
  else
    res.body_reader = rest_reader(sock)
  end
  return res
end

function http.get_client_body_reader(_, size, sock, headers)
  size = size or 65536
  if not sock then
    local ok, err
    ok, sock, err = pcall(ngx.req.socket)
    if not ok then
      return nil, sock
    elseif not sock then
      return nil, err ~= "no body" and err or nil
    end
  end
  headers = headers or ngx.req.get_headers()
  local length = headers["Content-Length"]
  if length then
    return sized_reader(sock, tonumber(length), size)
  elseif http.transfer_encoding_is_chunked(headers) then
    return chunked_reader(sock, native.chunks(), size)
  end
  return nil
end

local HOP_BY_HOP = {
  connection = true,
  ["keep-alive"] = true,
  ["proxy-authenticate"] = true,
  ["proxy-authorization"] = true,
  te = true,
  trailers = true,
  ["transfer-encoding"] = true,
  upgrade = true,
  ["content-length"] = true,
}

function http.proxy_response(_, response, size)
  if not response then
    ngx.log(ngx.ERR, "no response provided")
    return
  end
  ngx.status = response.status
  for name, value in pairs(response.headers) do
    if not HOP_BY_HOP[lower(name)] then
      ngx.header[name] = value
    end
  end
  local reader = response.body_reader
  repeat
    local piece, err = reader(size)
    if err then
      ngx.log(ngx.ERR, err)
      return
    end
    if piece then
      local ok
      ok, err = ngx.print(piece)
      if not ok then
        ngx.log(ngx.ERR, err)
        return
      end
    end
  until not piece
end

http.read_whole_body = read_body
