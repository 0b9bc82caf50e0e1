-- `resty.ipmatcher`: which of some addresses and blocks an address is in.

local parse, masked = ...
local error, ipairs, pairs, setmetatable, sort, type = error, ipairs, pairs, setmetatable, table.sort, type
local byte, match = string.byte, string.match

local module = { _VERSION = 0.3 }
local matcher = { __index = module }

-- Puts a block into what it is looked for in: by the length of its address, then of its prefix, then by its bytes.
local function put(self, text, value)
  local address, length = match(text, "^([^/]+)/(%d+)$")
  local bytes = parse(address or text)
  local bits = bytes and #bytes * 8
  length = length and length + 0 or bits
  if not bytes or length > bits then
    return "invalid ip address: " .. text
  end
  local family = self[#bytes]
  if not family[length] then
    family[length] = {}
    family.lengths[#family.lengths + 1] = length
  end
  family[length][masked(bytes, length)] = value
end

local function made(entries, each)
  if type(entries) ~= "table" then
    error("missing valid ip argument", 3)
  end
  local self = setmetatable({ [4] = { lengths = {} }, [16] = { lengths = {} } }, matcher)
  for key, entry in each(entries) do
    local text, value = entry, true
    if each == pairs then
      text, value = key, entry
    end
    local wrong = type(text) == "string" and put(self, text, value)
    if wrong ~= nil then
      return nil, wrong or "invalid ip address: " .. type(text)
    end
  end
  for _, size in ipairs { 4, 16 } do
    sort(self[size].lengths, function(one, other)
      return one > other
    end)
  end
  return self
end

function module.new(ips)
  return made(ips, ipairs)
end

function module.new_with_value(ips)
  return made(ips, pairs)
end

-- The narrowest block that an address is in.
local function found(self, bytes)
  local family = self[#bytes]
  for _, length in ipairs(family.lengths) do
    local value = family[length][masked(bytes, length)]
    if value ~= nil then
      return value
    end
  end
  return false
end

function module:match(ip)
  if type(ip) ~= "string" then
    error("missing valid ip argument", 2)
  end
  local bytes = parse(ip)
  if not bytes then
    return false, "invalid ip address, not ipv4 and ipv6"
  end
  return found(self, bytes)
end

function module:match_bin(bytes)
  if type(bytes) ~= "string" or (#bytes ~= 4 and #bytes ~= 16) then
    return nil, "invalid ip address, not ipv4 and ipv6"
  end
  return found(self, bytes)
end

local function number(bytes, first)
  local a, b, c, d = byte(bytes, first, first + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

function module.parse_ipv4(ip)
  local bytes = type(ip) == "string" and parse(ip)
  return bytes and #bytes == 4 and number(bytes, 1) or false
end

function module.parse_ipv6(ip)
  local bytes = type(ip) == "string" and parse(match(ip, "^%[(.+)%]$") or ip)
  if not bytes or #bytes ~= 16 then
    return false
  end
  return { number(bytes, 1), number(bytes, 5), number(bytes, 9), number(bytes, 13) }
end

return module
