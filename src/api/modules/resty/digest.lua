-- What `resty.md5`, `resty.sha1` and their like are made of: an object is a table with the state.

local native = ...
local setmetatable = setmetatable

local module = { _VERSION = "0.17" }
local mt = { __index = module }

function module.new()
  return setmetatable({ _ctx = native.new() }, mt)
end

function module:update(s, len)
  return native.update(self._ctx, s, len)
end

function module:final()
  return native.final(self._ctx)
end

function module:reset()
  return native.reset(self._ctx)
end

return module
