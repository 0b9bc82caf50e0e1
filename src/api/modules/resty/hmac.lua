-- `resty.hmac`.

local native = ...
local setmetatable = setmetatable

local module = { _VERSION = "0.06", ALGOS = native.ALGOS }
local mt = { __index = module }

function module:new(key, hash_algo)
  return setmetatable({ _ctx = native.new(key, hash_algo) }, mt)
end

function module:update(s)
  return native.update(self._ctx, s)
end

function module:final(s, hex_output)
  return native.final(self._ctx, s, hex_output)
end

function module:reset()
  return native.reset(self._ctx)
end

return module
