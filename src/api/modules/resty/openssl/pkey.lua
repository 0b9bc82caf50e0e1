-- `resty.openssl.pkey`.

local native = ...
local bn = require("resty.openssl.bn")
local digest_lib = require("resty.openssl.digest")
local ipairs, pairs, setmetatable, tonumber, tostring, type = ipairs, pairs, setmetatable, tonumber, tostring, type
local match = string.match

local module = {
  PADDINGS = {
    RSA_PKCS1_PADDING = 1,
    RSA_SSLV23_PADDING = 2,
    RSA_NO_PADDING = 3,
    RSA_PKCS1_OAEP_PADDING = 4,
    RSA_X931_PADDING = 5,
    RSA_PKCS1_PSS_PADDING = 6,
  },
}
local mt = { __index = module }

local KINDS = {
  RSA = { id = 6, nid = 6, sn = "rsaEncryption", ln = "rsaEncryption" },
  EC = { id = 408, nid = 408, sn = "id-ecPublicKey", ln = "id-ecPublicKey" },
  ED25519 = { id = 1087, nid = 1087, sn = "ED25519", ln = "ED25519" },
  X25519 = { id = 1034, nid = 1034, sn = "X25519", ln = "X25519" },
}

local function wrap(ctx)
  local kind = native.about(ctx)
  return setmetatable({ ctx = ctx, key_type = KINDS[kind].nid, kind = kind }, mt)
end

local function load_key(s, opts)
  local passphrase = opts.passphrase
  if passphrase ~= nil and type(passphrase) ~= "string" then
    return nil, "passphrase must be a string"
  elseif not passphrase and opts.passphrase_cb then
    passphrase = opts.passphrase_cb()
  end
  return native.load(s, opts.format or "*", opts.type or "*", passphrase)
end

local function compose_key(config)
  local params = {}
  for name, value in pairs(config.params) do
    if bn.istype(value) then
      value = value:to_binary()
    end
    params[name] = value
  end
  return native.compose(config.type or "RSA", params)
end

local function generate_key(config)
  local typ = config.type or "RSA"
  if type(typ) ~= "string" then
    return nil, "unsupported type " .. tostring(typ)
  end
  return native.generate(typ, config.bits, config.exp, config.curve)
end

function module.new(s, opts)
  s = s or {}
  local ctx, err
  if type(s) == "table" then
    if s.params then
      ctx, err = compose_key(s)
    else
      ctx, err = generate_key(s)
    end
    err = err and "pkey.new:new_key: " .. err
  elseif type(s) == "string" then
    ctx, err = load_key(s, opts or {})
    err = err and "pkey.new:load_key: " .. err
  elseif native.is(s) then
    ctx = s
  else
    return nil, "pkey.new: unexpected type " .. type(s) .. " at #1"
  end
  if not ctx then
    return nil, err
  end
  return wrap(ctx)
end

function module.istype(l)
  return type(l) == "table" and native.is(l.ctx)
end

function module:get_key_type(nid_only)
  local kind = KINDS[self.kind]
  if nid_only then
    return kind.nid
  end
  return { id = kind.id, nid = kind.nid, sn = kind.sn, ln = kind.ln }
end

function module:get_size()
  local _, _, size = native.about(self.ctx)
  return size
end

function module:get_default_digest_type()
  if self.kind == "RSA" or self.kind == "EC" then
    return { id = "2.16.840.1.101.3.4.2.1", nid = 672, sn = "SHA256", ln = "sha256", mandatory = false }
  elseif self.kind == "ED25519" then
    return { id = "undef", nid = 0, sn = "UNDEF", ln = "undefined", mandatory = true }
  end
  return nil, "operation is not supported by the public key algorithm"
end

function module.get_provider_name()
  return "default"
end

function module:is_private()
  local _, private = native.about(self.ctx)
  return private
end

-- Numbers are objects of `resty.openssl.bn`, but the keys of Ed25519 and X25519, which are bytes.
function module:get_parameters()
  local params = native.parameters(self.ctx)
  if self.kind == "RSA" or self.kind == "EC" then
    for name, value in pairs(params) do
      if name ~= "group" then
        params[name] = bn.from_binary(value)
      end
    end
  end
  return params
end

-- What is not set stays.
function module:set_parameters(opts)
  if type(opts) ~= "table" then
    return nil, "pkey:set_parameters: expect a table at #1"
  end
  local params = native.parameters(self.ctx)
  if opts.private and self.kind == "EC" then
    params.public, params.x, params.y = nil, nil, nil
  elseif opts.public or opts.x or opts.y then
    params.private, params.public = nil, nil
  end
  for name, value in pairs(opts) do
    if bn.istype(value) then
      value = value:to_binary()
    end
    params[name] = value
  end
  local ctx, err = native.compose(self.kind, params)
  if not ctx then
    return false, "pkey:set_parameters: " .. err
  end
  self.ctx = ctx
  return true
end

local PAIRS = {
  rsa_padding_mode = "padding",
  rsa_mgf1_md = "mask",
  rsa_oaep_md = "md",
  rsa_pss_saltlen = "salt_len",
  digest = "md",
}
local MODES = { pkcs1 = 1, none = 3, oaep = 4, pss = 6 }

-- Options as a table for Rust; strings among them are OpenSSL's, a name and a value.
local function manner(md, padding, opts)
  local given = { md = md, padding = padding }
  if not opts then
    return given
  end
  given.mask, given.salt_len, given.raw = opts.mgf1_md, opts.pss_saltlen, opts.ecdsa_use_raw
  if opts.oaep_md then
    given.md = opts.oaep_md
  end
  for _, option in ipairs(opts) do
    if type(option) == "string" then
      local name, value = match(option, "^([_%w]+):([_%w%-]+)$")
      local field = PAIRS[name]
      if not field then
        return nil, "unknown ctrl str: " .. option
      end
      given[field] = MODES[value] or tonumber(value) or value
    end
  end
  return given
end

local function crypt(self, encrypts, s, padding, opts)
  if type(s) ~= "string" then
    return nil, "pkey:asymmetric_routine: expect a string at #1"
  elseif padding and not tonumber(padding) then
    return nil, "invalid padding: " .. tostring(padding)
  end
  local given, err = manner(nil, padding, opts)
  if not given then
    return nil, "pkey:asymmetric_routine: " .. err
  end
  local result
  result, err = native.crypt(self.ctx, encrypts, s, given)
  if not result then
    return nil, "pkey:asymmetric_routine EVP_PKEY_" .. (encrypts and "encrypt" or "decrypt") .. ": " .. err
  end
  return result
end

function module:encrypt(s, padding, opts)
  return crypt(self, true, s, padding, opts)
end

function module:decrypt(s, padding, opts)
  return crypt(self, false, s, padding, opts)
end

local function message_of(digest)
  if type(digest) == "string" then
    return digest
  elseif digest_lib.istype(digest) then
    return digest.ctx
  end
end

function module:sign(digest, md_alg, padding, opts)
  local message = message_of(digest)
  if not message then
    return nil, "pkey:sign: expect a digest instance or a string at #1"
  end
  local given, err = manner(md_alg, padding, opts)
  if not given then
    return nil, "pkey:sign_verify_prepare: " .. err
  end
  local signature
  signature, err = native.sign(self.ctx, message, given)
  if not signature then
    return nil, "pkey:sign: " .. err
  end
  return signature
end

function module:verify(signature, digest, md_alg, padding, opts)
  if type(signature) ~= "string" then
    return nil, "pkey:verify: expect a string at #1"
  end
  local message = message_of(digest)
  if not message then
    return nil, "pkey:verify: expect a digest instance or a string at #2"
  end
  local given, err = manner(md_alg, padding, opts)
  if not given then
    return nil, "pkey:sign_verify_prepare: " .. err
  end
  local ok
  ok, err = native.verify(self.ctx, signature, message, given)
  if ok == nil then
    return nil, "pkey:verify: " .. err
  elseif not ok then
    return false, "pkey:verify: bad signature"
  end
  return true
end

function module:sign_raw(s)
  if type(s) ~= "string" then
    return nil, "pkey:asymmetric_routine: expect a string at #1"
  elseif not self:is_private() then
    return nil, "pkey:sign_raw: missing private key"
  end
  local signature, err = native.sign_raw(self.ctx, s)
  if not signature then
    return nil, "pkey:asymmetric_routine EVP_PKEY_sign: " .. err
  end
  return signature
end

function module:verify_raw(signature, hashed, md_alg, padding, opts)
  if type(signature) ~= "string" or type(hashed) ~= "string" then
    return nil, "pkey:asymmetric_routine: expect a string at #1"
  end
  local given, err = manner(md_alg, padding, opts)
  if not given then
    return nil, "pkey:asymmetric_routine: " .. err
  end
  local ok
  ok, err = native.verify_raw(self.ctx, signature, hashed, given)
  if not ok then
    return nil, "pkey:asymmetric_routine EVP_PKEY_verify: " .. (err or "bad signature")
  end
  return true
end

function module:derive(peerkey)
  if not module.istype(peerkey) then
    return nil, "pkey:derive: expect a pkey instance at #1"
  end
  local secret, err = native.derive(self.ctx, peerkey.ctx)
  if not secret then
    return nil, "pkey:derive: EVP_PKEY_derive: " .. err
  end
  return secret
end

function module:tostring(pub_or_priv, fmt, pkcs1)
  local private = pub_or_priv == "private" or pub_or_priv == "PrivateKey"
  if not private and pub_or_priv and pub_or_priv ~= "public" and pub_or_priv ~= "PublicKey" then
    return nil, "pkey:tostring: can only export private or public key, not " .. tostring(pub_or_priv)
  elseif pkcs1 then
    return nil, "writing out RSA key in PKCS#1 format is not supported in OpenSSL 3.0"
  end
  return native.export(self.ctx, private, fmt)
end

function mt:__tostring()
  return (module.tostring(self, "public"))
end

function module:to_PEM(pub_or_priv, pkcs1)
  return self:tostring(pub_or_priv, "PEM", pkcs1)
end

return module
