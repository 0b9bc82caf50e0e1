-- LuaSocket's `socket.url`: URLs taken to pieces and put together (RFC 2396).

local char, format, gsub, match, sub = string.char, string.format, string.gsub, string.match, string.sub
local concat, ipairs, pairs, tonumber, type = table.concat, ipairs, pairs, tonumber, type

local function escaper(form)
  return function(byte)
    return format(form, byte:byte())
  end
end

local escaped, escaped_in_path = escaper("%%%02x"), escaper("%%%02X")

-- What stands behind the path, from the end.
local PARTS = { { "fragment", "#(.*)$" }, { "query", "%?(.*)" }, { "params", ";(.*)" } }

local module = { _VERSION = "URL 1.0.3" }

function module.escape(text)
  return (gsub(text, "[^A-Za-z0-9_]", escaped))
end

function module.unescape(text)
  return (gsub(text, "%%(%x%x)", function(digits)
    return char(tonumber(digits, 16))
  end))
end

-- Takes what matches `pattern` off a text: the rest, and what was taken.
local function taken(text, pattern)
  local found
  local rest = gsub(text, pattern, function(part)
    found = part
    return ""
  end)
  return rest, found
end

local function read_authority(parsed)
  local rest
  rest, parsed.userinfo = taken(parsed.authority, "^([^@]*)@")
  rest, parsed.port = taken(rest, ":([^:%]]*)$")
  if rest ~= "" then
    parsed.host = match(rest, "^%[(.+)%]$") or rest
  end
  if parsed.userinfo then
    parsed.user, parsed.password = taken(parsed.userinfo, ":([^:]*)$")
  end
end

function module.parse(url, default)
  if not url or url == "" then
    return nil, "invalid url"
  end
  local parsed = {}
  for name, value in pairs(default or {}) do
    parsed[name] = value
  end
  local rest, found = taken(url, "^([%w][%w%+%-%.]*):")
  local function put(name, value)
    if value ~= nil then
      parsed[name] = value
    end
  end
  put("scheme", found)
  rest, found = taken(rest, "^//([^/?#]*)")
  put("authority", found)
  for _, part in ipairs(PARTS) do
    rest, found = taken(rest, part[2])
    put(part[1], found)
  end
  if rest ~= "" then
    parsed.path = rest
  end
  if parsed.authority then
    read_authority(parsed)
  end
  return parsed
end

function module.parse_path(path)
  local parsed = {}
  path = path or ""
  gsub(path, "([^/]+)", function(segment)
    parsed[#parsed + 1] = module.unescape(segment)
  end)
  if sub(path, 1, 1) == "/" then
    parsed.is_absolute = 1
  end
  if sub(path, -1) == "/" then
    parsed.is_directory = 1
  end
  return parsed
end

function module.build_path(parsed, unsafe)
  local segments = {}
  for i = 1, #parsed do
    segments[i] = unsafe and parsed[i] or gsub(parsed[i], "[^A-Za-z0-9%-_%.!~%*'%(%):@&=%+%$,]", escaped_in_path)
  end
  local path = concat(segments, "/")
  if parsed.is_directory and #parsed > 0 then
    path = path .. "/"
  end
  return parsed.is_absolute and "/" .. path or path
end

local function authority_of(parsed)
  if not parsed.host then
    return parsed.authority
  end
  local authority = match(parsed.host, ":") and "[" .. parsed.host .. "]" or parsed.host
  if parsed.port then
    authority = authority .. ":" .. parsed.port
  end
  local userinfo = parsed.userinfo
  if parsed.user then
    userinfo = parsed.password and parsed.user .. ":" .. parsed.password or parsed.user
  end
  return userinfo and userinfo .. "@" .. authority or authority
end

function module.build(parsed)
  local url = parsed.path or ""
  if parsed.params then
    url = url .. ";" .. parsed.params
  end
  if parsed.query then
    url = url .. "?" .. parsed.query
  end
  local authority = authority_of(parsed)
  if authority then
    url = "//" .. authority .. url
  end
  if parsed.scheme then
    url = parsed.scheme .. ":" .. url
  end
  if parsed.fragment then
    url = url .. "#" .. parsed.fragment
  end
  return url
end

-- A path without `.` and `..`, but for those that lead out of it.
local function resolved(path)
  local is_absolute = sub(path, 1, 1) == "/"
  local rest = is_absolute and sub(path, 2) or path
  local segments, dots = {}, false
  for segment in (rest .. "/"):gmatch("([^/]*)/") do
    dots = segment == "." or segment == ".."
    if segment == ".." then
      if #segments > 0 and segments[#segments] ~= ".." then
        segments[#segments] = nil
      elseif not is_absolute then
        segments[#segments + 1] = segment
      end
    elseif segment ~= "." then
      segments[#segments + 1] = segment
    end
  end
  -- What ends with dots is a directory.
  local last = dots and #segments > 0 and segments[#segments] ~= ".." and "/" or ""
  return (is_absolute and "/" or "") .. concat(segments, "/") .. last
end

local function absolute_path(base, relative)
  if sub(relative, 1, 1) == "/" then
    return resolved(relative)
  end
  return resolved((match(base, "^.*/") or "/") .. relative)
end

-- LuaSocket takes dots out of queries and fragments as well; to RFC 2396 they are none of a path.
function module.absolute(base, relative)
  local parsed = type(base) == "table" and base or module.parse(base)
  local to = type(base) == "table" and module.build(base) or base
  local found = module.parse(relative)
  if not parsed then
    return relative
  elseif not found then
    return to
  elseif found.scheme then
    return relative
  end
  found.scheme = parsed.scheme
  if not found.authority then
    found.authority = parsed.authority
    if found.path then
      found.path = absolute_path(parsed.path or "", found.path)
    else
      found.path = parsed.path
      if not found.params then
        found.params = parsed.params
        found.query = found.query or parsed.query
      end
    end
  end
  return module.build(found)
end

return module
