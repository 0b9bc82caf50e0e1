-- `resty.openssl.mac`, of which there is HMAC.

local native = ...
local select, setmetatable, tostring, type = select, setmetatable, tostring, type
local upper = string.upper

local module = {}
local mt = { __index = module }

function module.new(key, typ, _, digest)
  if type(typ) ~= "string" or upper(typ) ~= "HMAC" then
    return nil, 'mac.new: invalid mac type "' .. tostring(typ) .. '"'
  end
  local ctx = native.new(key, digest)
  if not ctx then
    return nil, "mac.new: invalid cipher or digest type"
  end
  return setmetatable({ ctx = ctx }, mt)
end

function module.istype(l)
  return type(l) == "table" and native.is(l.ctx)
end

function module:update(...)
  for i = 1, select("#", ...) do
    native.update(self.ctx, (select(i, ...)))
  end
  return true
end

function module:final(s)
  if s then
    native.update(self.ctx, s)
  end
  return native.final(self.ctx)
end

function module:reset()
  return native.reset(self.ctx)
end

function module.get_provider_name()
  return "default"
end

return module
