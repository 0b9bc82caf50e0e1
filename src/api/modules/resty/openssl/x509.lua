-- `resty.openssl.x509`, what is read of a certificate.

local native = ...
local bn = require("resty.openssl.bn")
local pkey = require("resty.openssl.pkey")
local concat, setmetatable, tostring, type = table.concat, setmetatable, tostring, type

local module = {}
local mt = { __index = module }

-- A name: a list of its parts.
local name_methods = {}

function name_methods:all()
  return self.parts
end

function name_methods:find(kind, last)
  for i = (last or 0) + 1, #self.parts do
    local part = self.parts[i]
    if part.sn == kind or part.ln == kind or part.id == kind then
      return part, i
    end
  end
  return nil
end

function name_methods:each()
  local i, n = 0, 0
  local parts = self.parts
  n = #parts
  return function()
    if i < n then
      i = i + 1
      return parts[i].sn, parts[i]
    end
  end
end

function name_methods:count()
  return #self.parts
end

function name_methods:tostring()
  local texts = {}
  for i, part in ipairs(self.parts) do
    texts[i] = part.sn .. "=" .. part.blob
  end
  return concat(texts, "/")
end

local name_mt = { __index = name_methods, __tostring = name_methods.tostring }

function name_mt:__len()
  return #self.parts
end

function module.new(cert, fmt)
  if type(cert) ~= "string" then
    return nil, "x509.new: expect nil or a string at #1"
  end
  fmt = fmt or "*"
  if fmt ~= "*" and fmt ~= "PEM" and fmt ~= "DER" then
    return nil, "x509.new: expecting '*', 'PEM' or 'DER' as \"fmt\""
  end
  local ctx = native.load(cert, fmt)
  if not ctx then
    return nil, "x509.new: failed to read a certificate"
  end
  return setmetatable({ ctx = ctx }, mt)
end

function module.istype(l)
  return type(l) == "table" and native.is(l.ctx)
end

-- What Rust has of a certificate never changes: a copy may share it.
function module.dup(ctx)
  if not native.is(ctx) then
    return nil, "x509.dup: expect a x509 ctx at #1"
  end
  return setmetatable({ ctx = ctx }, mt)
end

function module:tostring(fmt)
  return native.export(self.ctx, fmt == "DER")
end

mt.__tostring = module.tostring

function module:to_PEM()
  return native.export(self.ctx, false)
end

function module:get_subject_name()
  return setmetatable({ parts = native.name(self.ctx, true) }, name_mt)
end

function module:get_issuer_name()
  return setmetatable({ parts = native.name(self.ctx, false) }, name_mt)
end

function module:get_subject_alt_name()
  local names = native.alt_names(self.ctx)
  if not names then
    return nil
  end
  local methods = {}
  function methods.all()
    local list = {}
    for _, pair in ipairs(names) do
      list[#list + 1] = { pair[1], pair[2] }
    end
    return list
  end
  function methods.each()
    local i = 0
    return function()
      i = i + 1
      if names[i] then
        return names[i][1], names[i][2]
      end
    end
  end
  function methods.tostring()
    local texts = {}
    for i, pair in ipairs(names) do
      texts[i] = pair[1] .. "=" .. pair[2]
    end
    return concat(texts, "/")
  end
  return setmetatable({}, {
    __index = methods,
    __tostring = methods.tostring,
    __len = function()
      return #names
    end,
  })
end

function module:get_serial_number()
  return bn.from_binary((native.facts(self.ctx)))
end

function module:get_not_before()
  local _, from = native.facts(self.ctx)
  return from
end

function module:get_not_after()
  local _, _, to = native.facts(self.ctx)
  return to
end

function module:get_lifetime()
  local _, from, to = native.facts(self.ctx)
  return from, to
end

function module:get_version()
  local _, _, _, version = native.facts(self.ctx)
  return version
end

function module:get_signature_name()
  local _, _, _, _, name = native.facts(self.ctx)
  return name
end

function module:get_pubkey()
  local key = native.public_key(self.ctx)
  if not key then
    return nil, "x509:get_pubkey: unsupported public key"
  end
  return pkey.new(key)
end

function module:check_private_key(key)
  if not pkey.istype(key) then
    return false, "x509:check_private_key: except a pkey instance at #1"
  elseif not key:is_private() then
    return false, "x509:check_private_key: not a private key, key types mismatch"
  end
  local own = self:get_pubkey()
  if not own or own:tostring("public", "DER") ~= key:tostring("public", "DER") then
    return false, "x509:check_private_key: key values mismatch"
  end
  return true
end

function module:verify(key)
  if not pkey.istype(key) then
    return false, "x509:verify: expect a pkey instance at #1"
  end
  local ok, err = native.verify(self.ctx, key.ctx)
  if ok == nil then
    return false, "x509:verify: " .. err
  end
  return ok
end

function module:digest(typ)
  local digest = native.digest(self.ctx, typ or "sha1", false)
  if not digest then
    return nil, "x509:digest: invalid digest type \"" .. tostring(typ) .. '"'
  end
  return digest
end

function module:pubkey_digest(typ)
  local digest = native.digest(self.ctx, typ or "sha1", true)
  if not digest then
    return nil, "x509:pubkey_digest: invalid digest type \"" .. tostring(typ) .. '"'
  end
  return digest
end

return module
