-- `resty.openssl.cipher`.

local native = ...
local format = string.format
local concat, select, setmetatable, tonumber, tostring, type =
  table.concat, select, setmetatable, tonumber, tostring, type

local module = {}
local mt = { __index = module }

function module.new(typ)
  if not typ then
    return nil, "cipher.new: expect type to be defined"
  end
  local key_size, iv_size, block_size
  if type(typ) == "string" then
    key_size, iv_size, block_size = native.about(typ)
  end
  if not key_size then
    return nil, format('cipher.new: invalid cipher type "%s"', tostring(typ))
  end
  return setmetatable({
    algo = typ, initialized = false, key_size = key_size, iv_size = iv_size, block_size = block_size,
  }, mt)
end

function module.istype(l)
  return type(l) == "table" and l.algo ~= nil and l.key_size ~= nil
end

function module.set_buffer_size()
  return true
end

function module.get_provider_name()
  return "default"
end

-- A method that only an initialized cipher has.
local function after_init(name, method)
  local message = "cipher:" .. name .. ": cipher not initalized, call cipher:init first"
  return function(self, ...)
    if not self.initialized then
      return nil, message
    end
    return method(self, ...)
  end
end

function module:init(key, iv, opts)
  opts = opts or {}
  if not key or #key ~= self.key_size then
    return false, format("cipher:init: incorrect key size, expect %d", self.key_size)
  end
  if self.iv_size > 0 and (not iv or #iv ~= self.iv_size) then
    return false, format("cipher:init: incorrect iv size, expect %d", self.iv_size)
  end
  local ctx, err = native.init(self.algo, key, iv, opts.is_encrypt and true or false, not opts.no_padding)
  if not ctx then
    return false, "cipher:init EVP_CipherInit_ex: " .. err
  end
  self.ctx, self.initialized = ctx, true
  return true
end

-- From key to result at once: what is authenticated with it, and the tag to be found, if there are any.
local function at_once(self, key, iv, s, opts, aad, tag)
  local ok, err = self:init(key, iv, opts)
  if ok and aad then
    ok, err = self:update_aead_aad(aad)
  end
  if ok and tag then
    ok, err = self:set_aead_tag(tag)
  end
  if not ok then
    return nil, err
  end
  return self:final(s)
end

function module:encrypt(key, iv, s, no_padding, aead_aad)
  return at_once(self, key, iv, s, { is_encrypt = true, no_padding = no_padding }, aead_aad)
end

function module:decrypt(key, iv, s, no_padding, aead_aad, aead_tag)
  return at_once(self, key, iv, s, { no_padding = no_padding }, aead_aad, aead_tag)
end

module.update_aead_aad = after_init("update_aead_aad", function(self, aad)
  local ok, err = native.aad(self.ctx, aad)
  if not ok then
    return false, "cipher:update_aead_aad: " .. err
  end
  return true
end)

module.get_aead_tag = after_init("get_aead_tag", function(self, size)
  size = size or self.key_size / 2
  if size > self.key_size then
    return nil, format("tag size %d is too large", size)
  end
  local tag, err = native.get_tag(self.ctx, size)
  if not tag then
    return nil, "cipher:get_aead_tag: " .. err
  end
  return tag
end)

module.set_aead_tag = after_init("set_aead_tag", function(self, tag)
  if type(tag) ~= "string" then
    return false, "cipher:set_aead_tag expect a string at #1"
  end
  local ok, err = native.set_tag(self.ctx, tag)
  if not ok then
    return false, "cipher:set_aead_tag: " .. err
  end
  return true
end)

module.update = after_init("update", function(self, ...)
  local ready = {}
  for i = 1, select("#", ...) do
    ready[i] = native.update(self.ctx, (select(i, ...)))
  end
  return concat(ready)
end)

module.final = after_init("update", function(self, s)
  local ready, err = native.final(self.ctx, s)
  if not ready then
    return nil, "cipher:final: EVP_CipherFinal_ex: " .. err
  end
  return ready
end)

function module:derive(key, salt, count, md)
  if type(key) ~= "string" then
    return nil, nil, "cipher:derive: expect a string at #1"
  elseif salt and type(salt) ~= "string" then
    return nil, nil, "cipher:derive: expect a string at #2"
  elseif count and not tonumber(count) then
    return nil, nil, "cipher:derive: expect a number at #3"
  elseif md and type(md) ~= "string" then
    return nil, nil, "cipher:derive: expect a string or nil at #4"
  end
  local derived, iv = native.derive(self.algo, key, salt, count, md)
  if not derived then
    return nil, nil, "cipher:derive: " .. tostring(iv)
  end
  return derived, iv
end

return module
