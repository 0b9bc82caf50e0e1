-- What the objects of `resty.openssl.digest`, `hmac` and `mac` have in common. Gives the module, and what makes
-- an object of the arguments of Rust's `new`.

local native = ...
local select, setmetatable, type = select, setmetatable, type

local module = {}
local mt = { __index = module }

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

return module, function(...)
  local ctx = native.new(...)
  return ctx and setmetatable({ ctx = ctx }, mt)
end
