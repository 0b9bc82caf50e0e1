-- `resty.openssl.kdf`: `derive` with a table of options, and objects with OpenSSL 3's parameters.

local native = ...
local setmetatable, tonumber, tostring, type = setmetatable, tonumber, tostring, type
local upper = string.upper

-- The kinds go by OpenSSL's numbers.
local module = {
  HKDEF_MODE_EXTRACT_AND_EXPAND = 0,
  HKDEF_MODE_EXTRACT_ONLY = 1,
  HKDEF_MODE_EXPAND_ONLY = 2,
  PBKDF2 = 69,
  SCRYPT = 973,
  TLS1_PRF = 1021,
  HKDF = 1036,
}
local mt = { __index = module }

local function number(options, name, default)
  local value = options[name]
  if value == nil then
    return default
  end
  return tonumber(value)
end

local derivers = {}

derivers[module.PBKDF2] = function(o)
  return native.pbkdf2(o.outlen, o.md or "sha1", o.pass, o.salt, o.pbkdf2_iter)
end

derivers[module.SCRYPT] = function(o)
  for _, name in ipairs { "scrypt_N", "scrypt_r", "scrypt_p" } do
    if not o[name] then
      return nil, '"' .. name .. '" must be set'
    end
  end
  return native.scrypt(o.outlen, o.pass, o.salt, o.scrypt_N, o.scrypt_r, o.scrypt_p, o.scrypt_maxmem)
end

derivers[module.HKDF] = function(o)
  if type(o.hkdf_key) ~= "string" then
    return nil, '"hkdf_key" must be set'
  end
  return native.hkdf(o.outlen, o.md or "sha1", o.hkdf_key, o.salt, o.hkdf_info, o.hkdf_mode)
end

derivers[module.TLS1_PRF] = function(o)
  for _, name in ipairs { "tls1_prf_secret", "tls1_prf_seed" } do
    if not o[name] then
      return nil, '"' .. name .. '" must be set'
    end
  end
  return native.tls1_prf(o.outlen, o.md or "sha1", o.tls1_prf_secret, o.tls1_prf_seed)
end

function module.derive_legacy(options)
  if type(options) ~= "table" then
    return nil, "kdf.derive: expect a table at #1"
  end
  local typ = options.type
  if not typ then
    return nil, 'kdf.derive: "type" must be set'
  end
  local derive = derivers[typ]
  if not derive then
    return nil, "kdf.derive: unknown type " .. tostring(typ)
  end
  if not number(options, "outlen") then
    return nil, 'kdf.derive: "outlen" must be set'
  end
  local derived, err = derive(options)
  if not derived then
    return nil, "kdf.derive: " .. err
  end
  return derived
end

local objects = {
  PBKDF2 = function(outlen, o)
    return native.pbkdf2(outlen, o.digest or "sha1", o.pass, o.salt, o.iter or 2048)
  end,
  HKDF = function(outlen, o)
    local mode = o.mode
    if mode == "EXTRACT_ONLY" then
      mode = 1
    elseif mode == "EXPAND_ONLY" then
      mode = 2
    end
    return native.hkdf(outlen, o.digest or "sha1", o.key, o.salt, o.info, mode)
  end,
  SCRYPT = function(outlen, o)
    return native.scrypt(outlen, o.pass, o.salt, o.n or 1048576, o.r or 8, o.p or 1, o.maxmem_bytes)
  end,
  ["TLS1-PRF"] = function(outlen, o)
    return native.tls1_prf(outlen, o.digest or "sha1", o.secret, o.seed)
  end,
}

function module.new(typ)
  local derive = type(typ) == "string" and objects[upper(typ)]
  if not derive then
    return nil, 'kdf.new: invalid kdf type "' .. tostring(typ) .. '"'
  end
  return setmetatable({ ctx = derive }, mt)
end

function module.istype(l)
  return type(l) == "table" and type(l.ctx) == "function"
end

function module.derive(self, outlen, options)
  if not module.istype(self) then
    return module.derive_legacy(self)
  end
  local derived, err = self.ctx(outlen, options or {})
  if not derived then
    return nil, "kdf:derive: " .. err
  end
  return derived
end

function module.reset()
  return true
end

function module.get_provider_name()
  return "default"
end

return module
