-- `resty.http`: lua-resty-http's API. What reads and writes HTTP is in Rust.

local native, ngx, extend = ...
local getmetatable, gsub, ipairs, next, pairs = getmetatable, string.gsub, ipairs, next, pairs
local rawget, setmetatable = rawget, setmetatable
local sub, tostring, type, upper = string.sub, tostring, type, string.upper
local tcp, parse_uri, send_head = ngx.socket.tcp, native.parse_uri, native.send_head

local http = { _VERSION = "0.17.2" }
http._USER_AGENT = "lua-resty-http/" .. http._VERSION .. " (Lua) tower-lua"

local mt = { __index = http }

-- Adds what is about connections and responses.
extend(http)

local copy_of, connect, read_body = http.copy_of, http.connect_with, http.read_whole_body
local whole_response = http.whole_response
http.copy_of, http.connect_with, http.read_whole_body, http.whole_response = nil, nil, nil, nil

function http.new()
  local sock, err = tcp()
  if not sock then
    return nil, err
  end
  return setmetatable({ sock = sock, keepalive = true }, mt)
end

function http.debug() end

-- Methods that are a socket's own, under other names.
for name, method in pairs({
  set_timeout = "settimeout",
  set_timeouts = "settimeouts",
  get_reused_times = "getreusedtimes",
  close = "close",
  ssl_handshake = "sslhandshake",
}) do
  http[name] = function(self, ...)
    local sock = self.sock
    if not sock then
      return nil, "not initialized"
    end
    if name == "ssl_handshake" then
      self.ssl = true
    end
    return sock[method](sock, ...)
  end
end

function http:set_keepalive(...)
  local sock = self.sock
  if not sock then
    return nil, "not initialized"
  end
  if self.keepalive then
    return sock:setkeepalive(...)
  end
  local ok, err = sock:close()
  if ok then
    return 2, "connection must be closed"
  end
  return ok, err
end

local function body_length(body)
  if type(body) ~= "table" then
    return #tostring(body)
  end
  local length = 0
  for _, piece in ipairs(body) do
    length = length + #tostring(piece)
  end
  return length
end

local function send_body(sock, body)
  if type(body) ~= "function" then
    if body == nil then
      return true
    end
    return sock:send(body)
  end
  while true do
    local piece, err, partial = body()
    if piece then
      local ok
      ok, err = sock:send(piece)
      if not ok then
        return nil, err
      end
    elseif err then
      return nil, err, partial
    else
      return true
    end
  end
end

local NEEDS_BODY = { POST = true, PUT = true, PATCH = true }

-- The name that a request goes to when its headers name none.
local function default_host(self)
  if sub(self.host or "unix:", 1, 5) == "unix:" then
    return nil, "Unable to generate a useful Host header for a unix domain socket. Please provide one."
  end
  if not self.port or self.port == (self.ssl and 443 or 80) then
    return self.host
  end
  return self.host .. ":" .. self.port
end

function http:send_request(params)
  local sock, body = self.sock, params.body
  local method = upper(params.method or "GET")
  local host, no_host = default_host(self)
  local length
  if type(body) == "function" then
    length = false
  elseif body ~= nil then
    length = body_length(body)
  elseif NEEDS_BODY[method] then
    length = true
  end
  local query = params.query
  if type(query) == "table" then
    query = ngx.encode_args(query)
  end
  -- A short body goes out with the head.
  local joined = type(body) == "string" and #body <= 16384 and body or nil
  local ok, err, expects = send_head(
    sock, method, (self.path_prefix or "") .. (params.path or "/"), query, params.version or 1.1,
    params.headers, host, length, self.http_proxy_auth, joined, http._USER_AGENT
  )
  if ok == nil then
    if err == "no host" then
      err = no_host
    end
    return nil, err
  end
  if expects or joined then
    return true
  end
  return send_body(sock, body)
end

function http:request(params)
  local ok, err, partial = self:send_request(params)
  if not ok then
    return nil, err, partial
  end
  return self:read_response(params)
end

function http:request_pipeline(requests)
  for _, params in ipairs(requests) do
    if params.headers and params.headers.Expect == "100-continue" then
      return nil, "Cannot pipeline request specifying Expect: 100-continue"
    end
    local ok, err = self:send_request(params)
    if not ok then
      return nil, err
    end
  end
  local responses = {}
  for i, params in ipairs(requests) do
    local is_read = false
    -- A response is read when the first field of it is looked at.
    responses[i] = setmetatable({}, {
      __index = function(response, name)
        if is_read then
          return nil
        end
        is_read = true
        local res, err = self:read_response(params)
        if not res then
          ngx.log(ngx.ERR, err)
          return nil
        end
        for field, value in pairs(res) do
          rawset(response, field, value)
        end
        return rawget(response, name)
      end,
    })
  end
  return responses
end

-- What most requests say, and no more.
local USUAL = {
  method = true,
  path = true,
  query = true,
  headers = true,
  body = true,
  ssl_verify = true,
  keepalive = true,
  keepalive_timeout = true,
  keepalive_pool = true,
}

-- Whether all that `params` say is known here. The first that is not ends it: there may be a million.
local function is_usual(params)
  if params == nil then
    return true
  elseif type(params) ~= "table" or getmetatable(params) then
    return false
  end
  for name in next, params do
    if not USUAL[name] then
      return false
    end
  end
  return true
end

-- Does all of it in one go, if that can be done: nothing is returned where it cannot.
local function request_whole(self, uri, params)
  local sock = self.sock
  if self.proxy_opts or not sock or not is_usual(params) then
    return nil
  end
  local whole, chunks, problem
  if params then
    whole, chunks, problem = native.request(
      sock, uri, http._USER_AGENT, params.method, params.path, params.query, params.headers, params.body,
      params.ssl_verify, params.keepalive, params.keepalive_timeout, params.keepalive_pool
    )
  else
    whole, chunks, problem = native.request(sock, uri, http._USER_AGENT)
  end
  if not whole then
    return nil, chunks
  end
  if problem then
    ngx.log(ngx.ERR, problem)
  end
  return whole_response(sock, whole, chunks)
end

function http:request_uri(uri, params)
  local whole, problem = request_whole(self, uri, params)
  if whole or problem then
    return whole, problem
  end
  params = params or {}
  local scheme, host, port, path, query = parse_uri(uri)
  if scheme == nil or scheme == "" then
    local parsed, err = self:parse_uri(uri, false)
    if not parsed then
      return nil, err
    end
    scheme, host, port, path, query = parsed[1], parsed[2], parsed[3], parsed[4], parsed[5]
  end
  local own = {}
  for name, value in pairs(params) do
    own[name] = value
  end
  own.scheme, own.host, own.port = scheme, host, port
  own.path, own.query = own.path or path, own.query or query
  own.ssl_server_name = own.ssl_server_name or host
  local opts = own.proxy_opts or self.proxy_opts
  local authorization = params.headers and params.headers["Proxy-Authorization"]
  if opts and authorization then
    opts = copy_of(opts)
    opts.https_proxy_authorization, opts.http_proxy_authorization = authorization, authorization
  end
  own.proxy_opts = opts
  local ok, err = connect(self, own)
  if not ok then
    return nil, err
  end
  local res
  res, err = self:request(own)
  if not res then
    self:close()
    return nil, err
  end
  local body
  body, err = read_body(res)
  if not body then
    self:close()
    return nil, err
  end
  res.body = body
  if params.keepalive == false then
    ok, err = self:close()
  else
    ok, err = self:set_keepalive(params.keepalive_timeout, params.keepalive_pool)
  end
  if not ok then
    ngx.log(ngx.ERR, err)
  end
  return res
end

function http:proxy_request(size)
  return self:request({
    method = ngx.req.get_method(),
    path = (gsub(ngx.var.uri, "%s", "%%20")),
    query = ngx.var.args,
    body = self:get_client_body_reader(size),
    headers = ngx.req.get_headers(),
  })
end

-- Whoever reads a response sends the body that the server has asked for.
http.send_body = send_body

return http
