-- `kong.tools.ip`.

local is_ip, is_cidr, normalized = ...
local gsub, match, tonumber = string.gsub, string.match, tonumber

local module = {}

local function check(test, ...)
  local kinds = { ... }
  return function(text)
    if type(text) ~= "string" then
      return false
    end
    local kind = test(text)
    for _, wanted in ipairs(kinds) do
      if kind == wanted then
        return true
      end
    end
    return false
  end
end

module.is_valid_ipv4 = check(is_ip, 4)
module.is_valid_ipv6 = check(is_ip, 6)
module.is_valid_ip = check(is_ip, 4, 6)
module.is_valid_cidr_v4 = check(is_cidr, 4)
module.is_valid_cidr_v6 = check(is_cidr, 6)
module.is_valid_cidr = check(is_cidr, 4, 6)

for _, suffix in ipairs { "_v4", "_v6", "" } do
  local address = module["is_valid_ip" .. gsub(suffix, "_", "")]
  local block = module["is_valid_cidr" .. suffix]
  module["is_valid_ip_or_cidr" .. suffix] = function(text)
    return address(text) or block(text)
  end
end

-- Told by colons alone: a name has at most that before its port.
function module.hostname_type(name)
  local rest, colons = gsub(name, ":", "")
  if colons > 1 then
    return "ipv6"
  elseif match(rest, "^[%d%.]+$") then
    return "ipv4"
  end
  return "name"
end

local function port_of(text)
  local port = tonumber(text)
  if port and (port < 1 or port > 65535) then
    return nil, "invalid port number"
  end
  return port
end

function module.normalize_ipv4(address)
  local host, text = match(address, "^([%d%.]+):(%d+)$")
  host = host or match(address, "^([%d%.]+)$")
  if not host or is_ip(host) ~= 4 then
    return nil, "invalid ipv4 address: " .. address
  end
  local port, err = port_of(text)
  if err then
    return nil, err
  end
  return host, port
end

function module.normalize_ipv6(address)
  local host, text = match(address, "^%[([%x:%.]+)%]:(%d+)$")
  host = host or match(address, "^%[([%x:%.]+)%]$") or match(address, "^[%x:%.]+$")
  if not host or is_ip(host) ~= 6 then
    return nil, "invalid ipv6 address: " .. address
  end
  local port, err = port_of(text)
  if err then
    return nil, err
  end
  return normalized(host), port
end

function module.check_hostname(address)
  local host, text = match(address, "^(.-):(%d+)$")
  host = host or address
  local port, err = port_of(text)
  if err then
    return nil, err
  elseif not match(host, "^[%w%-%._~]+$") or match(host, "%.%.") or match(host, "^[%.%-]") then
    return nil, "invalid hostname: " .. address
  end
  return host, port
end

-- The parts of a host and its port.
function module.normalize_ip(address)
  local kind = module.hostname_type(address)
  local normalize = kind == "name" and module.check_hostname or module["normalize_" .. kind]
  local host, port = normalize(address)
  if not host then
    return nil, port
  end
  return { type = kind, host = host, port = port }
end

function module.format_host(host, port)
  if type(host) == "table" then
    host, port = host.host, host.port
  end
  local found, err = module.normalize_ip(host)
  if not found then
    return nil, err
  end
  port = port or found.port
  local shown = found.type == "ipv6" and "[" .. found.host .. "]" or found.host
  return port and shown .. ":" .. port or shown
end

return module
