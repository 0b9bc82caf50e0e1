-- `kong.tools.string`.

local ngx, tonumber, tostring, type = ngx, tonumber, tostring, type
local concat, find, format, gsub, lower, match, sub =
  table.concat, string.find, string.format, string.gsub, string.lower, string.match, string.sub
local floor = math.floor

local module = {}

function module.join(delimiter, list)
  return concat(list, delimiter)
end

-- An iterator over the parts of a text, at most `n`.
local function parts_of(value, delim, n, plain)
  local from, count = 1, 0
  return function()
    if not from then
      return nil
    end
    count = count + 1
    local start, stop
    if delim == nil or delim == "" then
      start, stop = find(value, "%s+", from)
    else
      start, stop = find(value, delim, from, plain)
    end
    if not start or stop < start or n and count >= n then
      local rest = sub(value, from)
      from = nil
      return rest, count
    end
    local part = sub(value, from, start - 1)
    from = stop + 1
    return part, count
  end
end

local function list_of(value, delim, n, plain)
  local list, count = {}, 0
  for part in parts_of(value, delim, n, plain) do
    count = count + 1
    list[count] = part
  end
  return list, count
end

-- Without a delimiter, words.
function module.split(value, delim, n)
  if delim == nil or delim == "" then
    value = gsub(value, "^%s+", "")
  end
  local list, count = list_of(value, delim, n, true)
  if list[count] == "" then
    list[count] = nil
  end
  return list
end

function module.splitn(value, delim, n)
  return list_of(value, delim, n, true)
end

function module.psplitn(value, pattern, n)
  return list_of(value, pattern, n, false)
end

function module.isplitn(value, delim, n)
  return parts_of(value, delim, n, true)
end

function module.ipsplitn(value, pattern, n)
  return parts_of(value, pattern, n, false)
end

local function once(value, delim, plain)
  local start, stop = find(value, delim, 1, plain)
  if not start then
    return value, nil
  end
  return sub(value, 1, start - 1), sub(value, stop + 1)
end

function module.split_once(value, delim)
  return once(value, delim, true)
end

function module.psplit_once(value, pattern)
  return once(value, pattern, false)
end

function module.strip(value)
  if value == nil then
    return ""
  end
  return (match(tostring(value), "^%s*(.-)%s*$"))
end

-- Whether a text is UTF-8; if not, also where it ceases to be.
function module.validate_utf8(value)
  local text = tostring(value)
  local at, length = 1, #text
  while at <= length do
    local a, b, c, d = text:byte(at, at + 3)
    local function follows(byte)
      return byte and byte >= 0x80 and byte < 0xc0
    end
    if a < 0x80 then
      at = at + 1
    elseif a >= 0xc2 and a < 0xe0 and follows(b) then
      at = at + 2
    elseif a >= 0xe0 and a < 0xf0 and follows(b) and follows(c)
      and (a ~= 0xe0 or b >= 0xa0) and (a ~= 0xed or b < 0xa0) then
      at = at + 3
    elseif a >= 0xf0 and a < 0xf5 and follows(b) and follows(c) and follows(d)
      and (a ~= 0xf0 or b >= 0x90) and (a ~= 0xf4 or b < 0x90) then
      at = at + 4
    else
      return false, at
    end
  end
  return true
end

local UNITS = { b = 1, k = 1024, m = 1024 ^ 2, g = 1024 ^ 3 }
local NAMES = { b = "", k = "KiB", m = "MiB", g = "GiB" }

function module.bytes_to_str(bytes, unit, scale)
  unit = lower(unit or "b")
  if not UNITS[unit] then
    error("invalid unit '" .. unit .. "' (expected 'k/K', 'm/M', or 'g/G')", 2)
  elseif unit == "b" then
    return floor(bytes)
  end
  return format("%." .. (scale or 2) .. "f %s", bytes / UNITS[unit], NAMES[unit])
end

function module.parse_ngx_size(text)
  if type(text) ~= "string" then
    error("bad argument #1 to 'parse_ngx_size' (string expected)", 2)
  end
  local digits, unit = match(lower(text), "^(%d+)([kmg]?)$")
  if not digits then
    return nil, "invalid size " .. text
  end
  return tonumber(digits) * UNITS[unit == "" and "b" or unit]
end

function module.try_decode_base64(value)
  if type(value) ~= "string" then
    return value
  end
  return ngx.decode_base64(value) or value
end

function module.replace_dashes(text)
  return (gsub(text, "-", "_"))
end

function module.replace_dashes_lower(text)
  return (gsub(lower(text), "-", "_"))
end

return module
