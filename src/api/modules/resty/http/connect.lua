-- Connections of `resty.http`: over TCP, with TLS, through proxies.

local native, ngx, http = ...
local gmatch, gsub, match, pairs, tostring, type = string.gmatch, string.gsub, string.match, pairs, tostring, type
local parse_uri = native.parse_uri

local function copy_of(value)
  if type(value) ~= "table" then
    return value
  end
  local copy = {}
  for key, field in pairs(value) do
    copy[key] = copy_of(field)
  end
  return copy
end

function http.parse_uri(_, uri, query_in_path)
  local scheme, host, port, path, query = parse_uri(uri)
  if scheme == nil then
    return nil, "bad uri: " .. tostring(uri)
  end
  if scheme == "" then
    scheme = ngx.var.scheme
    if scheme ~= "http" and scheme ~= "https" then
      return nil, "schemaless URIs require a request context: " .. uri
    end
  end
  port = port or scheme == "https" and 443 or 80
  if query_in_path ~= false and query ~= "" then
    path, query = path .. "?" .. query, nil
  end
  return { scheme, host, port, path, query }
end

-- Whether `host`, or a domain that it is in, is in a list of those that no proxy is for.
local function is_listed(list, host)
  if list == "*" then
    return true
  end
  local listed = {}
  for suffix in gmatch(list, "[^,%s]+") do
    listed[gsub(suffix, "^%.", "")] = true
  end
  while host do
    if listed[host] then
      return true
    end
    host = match(host, "^[^.]+%.(.+%..+)$")
  end
  return false
end

function http:set_proxy_options(opts)
  self.proxy_opts = copy_of(opts)
end

function http:get_proxy_uri(scheme, host)
  local opts = self.proxy_opts
  if not opts or opts.no_proxy and is_listed(opts.no_proxy, host) then
    return nil
  end
  return opts[scheme .. "_proxy"]
end

-- The proxy for a connection, if there is one: its URI in parts, and what it is to be told.
local function proxy_for(self, options, scheme, host)
  local opts = options.proxy_opts or self.proxy_opts
  if not opts then
    return nil
  end
  local kind = scheme == "https" and "https" or "http"
  local uri = opts[kind .. "_proxy"]
  if not uri or opts.no_proxy and is_listed(opts.no_proxy, host) then
    return nil
  end
  local parsed, err = self:parse_uri(uri)
  if not parsed then
    return nil, "uri parse error: " .. err
  end
  if parsed[1] ~= "http" then
    return nil, "protocol " .. parsed[1] .. " not supported for proxy connections"
  end
  return { uri = uri, host = parsed[2], port = parsed[3], authorization = opts[kind .. "_proxy_authorization"] }
end

-- Opens a tunnel through a proxy.
local function tunnel(self, host, port, authorization)
  local destination = host .. ":" .. port
  local res, err = self:request({
    method = "CONNECT",
    path = destination,
    headers = { Host = destination, ["Proxy-Authorization"] = authorization },
  })
  if not res then
    return nil, "failed to issue CONNECT to proxy: " .. err
  elseif res.status < 200 or res.status > 299 then
    return nil, "failed to establish a tunnel through a proxy: " .. res.status
  end
  return true
end

local function encrypt(self, sock, options, verify)
  local cert, key = options.ssl_client_cert, options.ssl_client_priv_key
  if cert and key then
    local ok, err = sock:setclientcert(cert, key)
    if not ok then
      return nil, "could not set client certificate: " .. err
    end
  end
  if not sock.sslhandshake then
    return nil, "encrypted connections are not supported here"
  end
  local session, err = sock:sslhandshake(
    options.ssl_reused_session, options.ssl_server_name, verify, options.ssl_send_status_req
  )
  if not session then
    self:close()
  end
  return session, err
end

-- Connects over TCP, with TLS and a proxy as `options` say. What the connection depends on is in the
-- name of its pool.
local function connect(self, options)
  local sock = self.sock
  if not sock then
    return nil, "not initialized"
  end
  local scheme, host, port = options.scheme, options.host, options.port
  if not scheme and port then
    return nil, "'scheme' is required when providing a port"
  end
  port = port or scheme and (scheme == "https" and 443 or 80)
  local ssl = scheme == "https" or nil
  local verify = ssl and options.ssl_verify ~= false or nil
  local proxy, problem = proxy_for(self, options, scheme, host)
  if problem then
    return nil, problem
  end
  local pool = options.pool
  if not pool then
    local certificate = ssl and options.ssl_client_cert and options.ssl_client_priv_key
      and native.fingerprint(options.ssl_client_cert, options.ssl_client_priv_key) or ""
    pool = (scheme or "") .. ":" .. host .. ":" .. tostring(port) .. ":" .. tostring(ssl) .. ":"
      .. (ssl and options.ssl_server_name or "") .. ":" .. tostring(verify) .. ":"
      .. (proxy and proxy.uri or "") .. ":" .. (ssl and proxy and proxy.authorization or "") .. ":"
      .. certificate
  end
  if options.pool_debug then
    ngx.log(ngx.DEBUG, "poolname: ", pool)
  end
  local pool_options = { pool = pool, pool_size = options.pool_size, backlog = options.backlog }
  local ok, err
  if proxy then
    ok, err = sock:connect(proxy.host, proxy.port, pool_options)
    if not ok then
      err = "failed to connect to: " .. proxy.host .. ":" .. proxy.port .. ": " .. err
    end
  elseif port then
    ok, err = sock:connect(host, port, pool_options)
  else
    ok, err = sock:connect(host, pool_options)
  end
  if not ok then
    return nil, err
  end
  local session
  if ssl and sock:getreusedtimes() == 0 then
    if proxy then
      self.path_prefix, self.http_proxy_auth = nil, nil
      ok, err = tunnel(self, host, port, proxy.authorization)
      if not ok then
        return nil, err
      end
    end
    session, err = encrypt(self, sock, options, verify)
    if not session then
      return nil, err
    end
  end
  self.host, self.port, self.keepalive, self.ssl = host, port, true, ssl
  self.http_proxy_auth = not ssl and proxy and proxy.authorization or nil
  self.path_prefix = nil
  if proxy and not ssl then
    self.path_prefix = "http://" .. host .. (port == 80 and "" or ":" .. port)
  end
  return true, nil, session
end

function http:connect(options, ...)
  if type(options) == "table" then
    return connect(self, options)
  end
  return self:tcp_only_connect(options, ...)
end

function http:tcp_only_connect(host, port, ...)
  local sock = self.sock
  if not sock then
    return nil, "not initialized"
  end
  self.host, self.port = host, type(port) == "number" and port or nil
  self.keepalive, self.ssl = true, false
  if port == nil then
    return sock:connect(host)
  end
  return sock:connect(host, port, ...)
end

function http:connect_proxy(uri, scheme, host, port, authorization)
  local parsed, err = self:parse_uri(uri)
  if not parsed then
    return nil, "uri parse error: " .. err
  elseif parsed[1] ~= "http" then
    return nil, "protocol " .. parsed[1] .. " not supported for proxy connections"
  end
  local ok
  ok, err = self:connect(parsed[2], parsed[3])
  if not ok then
    return nil, "failed to connect to: " .. parsed[2] .. ":" .. parsed[3] .. ": " .. err
  end
  if scheme == "https" then
    ok, err = tunnel(self, host, port, authorization)
    if not ok then
      return nil, err
    end
  end
  return 1
end

http.copy_of = copy_of
http.connect_with = connect
