-- Log facilities: `kong.log`, and what `kong.log.new` makes.
--
-- Each function has its own copy of `kong.log`. What changes a facility is therefore found by
-- `__index`, which gets the copy, and not a field, which would change the original.

local log, native = ...
local error, pairs, rawset, setmetatable, type = error, pairs, rawset, setmetatable, type

local LEVELS = { emerg = 1, alert = 2, crit = 3, err = 4, warn = 5, notice = 6, info = 7, debug = 8 }
local DEFAULT_FORMAT = "%file_src:%line_src [%namespace] %message"

local function nop() end

local function inspector(print)
  return setmetatable({ print = print }, {
    __index = function(self, name)
      if name == "on" then
        return function() rawset(self, "print", print) end
      elseif name == "off" then
        return function() rawset(self, "print", nop) end
      end
    end,
    __call = function(self, ...) self.print(...) end,
  })
end

local function deprecation(warn, raise)
  return setmetatable({ write = warn }, {
    __call = function(_, ...) raise(...) end,
  })
end

-- Makes `self` write in `format`. The namespace `false` is the plugin whose function runs.
local function set_format(self, namespace, format)
  if format and type(format) ~= "string" then
    error("format must be a string", 0)
  end
  format = format or DEFAULT_FORMAT
  for name, level in pairs(LEVELS) do
    rawset(self, name, function(...) native.write(level, namespace, format, ...) end)
  end
  rawset(self, "deprecation", deprecation(self.warn, function(...)
    native.deprecation(namespace, format, ...)
  end))
end

local function call(self, ...)
  self.notice(...)
end

local function new(namespace, format)
  if type(namespace) ~= "string" then
    error("namespace must be a string", 0)
  elseif namespace == "" then
    error("namespace cannot be an empty string", 0)
  elseif format and type(format) ~= "string" then
    error("format must be a string if specified", 0)
  elseif format == "" then
    error("format cannot be an empty string if specified", 0)
  end
  local self = {
    new = log.new,
    trace = nop,
    serialize = log.serialize,
    set_serialize_value = log.set_serialize_value,
    inspect = inspector(function(...) native.inspect(namespace, ...) end),
  }
  function self.set_format(fmt)
    set_format(self, namespace, fmt)
  end
  set_format(self, namespace, format)
  return setmetatable(self, { __call = call })
end

log.new = new
log.inspect = inspector(log.inspect)
log.deprecation = deprecation(log.warn, log.deprecation)

return setmetatable(log, {
  __index = function(self, name)
    if name == "set_format" then
      return function(format) set_format(self, false, format) end
    end
  end,
  __call = call,
})
