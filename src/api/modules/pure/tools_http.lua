-- `kong.tools.http`, what needs no connection.

local ngx, concat, lower, max, tonumber, tostring, type =
  ngx, table.concat, string.lower, math.max, tonumber, tostring, type
local gmatch, match = string.gmatch, string.match
local kong_table = require("kong.tools.table")

local module = {
  CONTENT_TYPE_JSON = "application/json",
  CONTENT_TYPE_GRPC = "application/grpc",
  CONTENT_TYPE_HTML = "text/html",
  CONTENT_TYPE_XML = "application/xml",
  CONTENT_TYPE_PLAIN = "text/plain",
  CONTENT_TYPE_APP = "application",
}

-- A token of RFC 9110.
function module.validate_http_token(token)
  if token == nil or token == "" then
    return nil, "no token provided"
  elseif type(token) ~= "string" then
    return nil, "a token must be a string"
  elseif match(token, "^[%w!#%$%%&'%*%+%-%.%^_`|~]+$") then
    return token
  end
  return nil, "contains one or more invalid characters. ASCII control characters (0-31;127), space, tab and the characters ()<>@,;:\\\"/?={}[] are not allowed."
end

module.validate_cookie_name = module.validate_http_token

function module.validate_header_name(name)
  if name == nil or name == "" then
    return nil, "no header name provided"
  elseif type(name) == "string" and match(name, "^[%w%-_]+$") then
    return name
  end
  return nil, "bad header name '" .. tostring(name) .. "', allowed characters are A-Z, a-z, 0-9, '_', and '-'"
end

-- The directives of `Cache-Control`: numbers, texts, and `true` for those without a value.
function module.parse_directive_header(header)
  if not header then
    return kong_table.EMPTY
  elseif type(header) == "table" then
    header = concat(header, ", ")
  end
  local directives = {}
  for directive in gmatch(header, "[^,]+") do
    local name, value = match(directive, "^%s*([^=]+)=(.+)$")
    name = name or match(directive, "^%s*([^=]+)")
    if name then
      directives[lower(name)] = tonumber(value) or value or true
    end
  end
  return directives
end

function module.calculate_resource_ttl(res_cc)
  local max_age = res_cc and (res_cc["s-maxage"] or res_cc["max-age"])
  if not max_age then
    local expires = ngx.var.sent_http_expires
    if type(expires) == "table" then
      expires = expires[#expires]
    end
    local at = expires and ngx.parse_http_time(tostring(expires))
    max_age = at and at - ngx.time()
  end
  return max_age and max(max_age, 0) or 0
end

-- Whether the client came by https: by itself, or as a proxy that is trusted says.
function module.check_https(trusted_ip, allow_terminated)
  if lower(ngx.var.scheme) == "https" then
    return true
  elseif not allow_terminated or not trusted_ip then
    return false
  end
  local proto = ngx.var.http_x_forwarded_proto
  if type(proto) == "table" then
    return nil, "Only one X-Forwarded-Proto header allowed"
  end
  return tostring(proto and lower(proto)) == "https"
end

return module
