-- `resty.http_headers`: fields that keep the spelling in which they came, and are found by any.

local lower, next, rawget, rawset, setmetatable = string.lower, next, rawget, rawset, setmetatable

local module = { _VERSION = "0.17.2" }

local function spelling_of(fields, name)
  name = lower(name)
  for spelling in next, fields do
    if lower(spelling) == name then
      return spelling
    end
  end
end

local function header(fields, name)
  local spelling = spelling_of(fields, name)
  return spelling and rawget(fields, spelling)
end

local function set_header(fields, name, value)
  rawset(fields, spelling_of(fields, name) or name, value)
end

local function headers_of(fields)
  return setmetatable(fields, { __index = header, __newindex = set_header })
end

function module.new()
  return headers_of({})
end

return module, headers_of
