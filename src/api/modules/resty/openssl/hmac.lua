-- `resty.openssl.hmac`.

local native = ...
local select, setmetatable, tostring, type = select, setmetatable, tostring, type

local module = {}
local mt = { __index = module }

function module.new(key, typ)
  local ctx = native.new(key, typ or "sha1")
  if not ctx then
    return nil, 'hmac.new: invalid digest type "' .. tostring(typ) .. '"'
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

return module
