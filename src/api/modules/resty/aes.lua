-- `resty.aes`.

local native = ...
local error, setmetatable, type = error, setmetatable, type

local module = { _VERSION = "0.17", hash = native.hash }
local mt = { __index = module }

function module.cipher(size, name)
  size, name = size or 128, name or "cbc"
  return { size = size, cipher = name, method = native.method(size, name) }
end

local cipher = module.cipher

function module:new(key, salt, method, hash, rounds, iv_len, padding)
  method = method or cipher()
  padding = padding == nil or padding
  local ctx, err
  if type(hash) ~= "table" then
    ctx, err = native.derive(method.size, method.cipher, hash, salt, key, rounds, iv_len, padding)
  elseif not hash.iv then
    return nil, "iv is needed"
  elseif #hash.iv > method.size / 8 then
    return nil, "bad iv length"
  else
    if hash.method then
      key = hash.method(key)
    end
    ctx, err = native.new(method.size, method.cipher, key, hash.iv, padding)
  end
  if not ctx then
    return nil, err
  end
  return setmetatable({ _ctx = ctx, _cipher = method.cipher }, mt)
end

local function check_self(self)
  if type(self) ~= "table" then
    error("bad argument #1 self: table expected, got " .. type(self), 3)
  end
end

function module:encrypt(s, aad)
  check_self(self)
  return native.encrypt(self._ctx, s, aad)
end

function module:decrypt(s, tag, aad)
  check_self(self)
  return native.decrypt(self._ctx, s, tag, aad)
end

return module
