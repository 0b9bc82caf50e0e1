-- `resty.jwt`: tokens signed (RFC 7519, 7515) and encrypted (RFC 7516), with lua-resty-jwt's functions.

local equal, algorithms = ...
local cjson = require("cjson.safe")
local base64 = require("ngx.base64")
local cipher = require("resty.openssl.cipher")
local openssl_hmac = require("resty.openssl.hmac")
local openssl_pkey = require("resty.openssl.pkey")
local openssl_x509 = require("resty.openssl.x509")
local rand = require("resty.openssl.rand")
local validators = require("resty.jwt-validators")
local error, ngx, pcall, tostring, type = error, ngx, pcall, tostring, type
local char, find, floor, sub = string.char, string.find, math.floor, string.sub
local concat, pairs = table.concat, pairs

local module = { _VERSION = "0.3.2" }

local OAEP = openssl_pkey.PADDINGS.RSA_PKCS1_OAEP_PADDING

local ALGORITHMS = algorithms(openssl_pkey.PADDINGS)
ALGORITHMS.Ed25519 = ALGORITHMS.EdDSA

-- The lengths of the keys of the code and of the text, in bytes.
local ENCRYPTIONS = {
  ["A128CBC-HS256"] = { cipher = "aes-128-cbc", mac = 16, key = 16, digest = "sha256" },
  ["A192CBC-HS384"] = { cipher = "aes-192-cbc", mac = 24, key = 24, digest = "sha384" },
  ["A256CBC-HS512"] = { cipher = "aes-256-cbc", mac = 32, key = 32, digest = "sha512" },
  A128GCM = { cipher = "aes-128-gcm", mac = 0, key = 16 },
  A192GCM = { cipher = "aes-192-gcm", mac = 0, key = 24 },
  A256GCM = { cipher = "aes-256-gcm", mac = 0, key = 32 },
}

local KEY_DIGESTS = {
  ["RSA-OAEP"] = "sha1",
  ["RSA-OAEP-256"] = "sha256",
  ["RSA-OAEP-384"] = "sha384",
  ["RSA-OAEP-512"] = "sha512",
}

-- Ends what runs with a reason that the caller sees.
local function refuse(reason)
  error({ reason = reason }, 0)
end

local function reason_of(err)
  return type(err) == "table" and err.reason or tostring(err)
end

function module:jwt_encode(value, is_payload)
  if type(value) == "table" then
    value = (is_payload and self.payload_encoder or cjson.encode)(value)
  end
  return base64.encode_base64url(value)
end

function module:jwt_decode(text, json_decode, is_payload)
  local data = base64.decode_base64url(text)
  if data and json_decode then
    return ((is_payload and self.payload_decoder or cjson.decode)(data))
  end
  return data
end

-- 64 bits of the length of what is authenticated, in bits.
local function length_of(s)
  local bits = #s * 8
  local bytes = {}
  for i = 8, 1, -1 do
    bytes[i] = char(bits % 256)
    bits = floor(bits / 256)
  end
  return concat(bytes)
end

local function encryption_of(header)
  return ENCRYPTIONS[header.enc] or refuse("unsupported payload encryption algorithm :" .. tostring(header.enc))
end

local function keys_of(how, key)
  if type(key) ~= "string" or #key ~= how.mac + how.key then
    refuse("invalid pre-shared key")
  end
  return sub(key, 1, how.mac), sub(key, how.mac + 1)
end

local function code_of(how, key, aad, iv, text)
  local code = openssl_hmac.new(key, how.digest):final(aad .. iv .. text .. length_of(aad))
  return sub(code, 1, #code / 2)
end

local function private_key(secret)
  if not secret then
    refuse("rsa private key must not be null")
  end
  local key, err = openssl_pkey.new(secret)
  return key or refuse("failed to create rsa object: " .. tostring(err))
end

local function content_key(header, secret, encrypted_key)
  if header.alg == "dir" then
    return secret or refuse("preshared key must not be null")
  end
  local digest = KEY_DIGESTS[header.alg] or refuse("invalid algorithm: " .. tostring(header.alg))
  local key, err = private_key(secret):decrypt(encrypted_key, OAEP, { oaep_md = digest, mgf1_md = digest })
  return key or refuse("failed to decrypt key: " .. tostring(err))
end

local function parse_jwe(self, secret, parts)
  local header = module.jwt_decode(self, parts[1], true)
  if type(header) ~= "table" then
    refuse("invalid header: " .. parts[1])
  end
  local decoded = {}
  for i = 2, 5 do
    decoded[i] = module.jwt_decode(self, parts[i]) or refuse("invalid jwt string")
  end
  local encrypted_key, iv, text, tag = decoded[2], decoded[3], decoded[4], decoded[5]
  local key = content_key(header, secret, encrypted_key)
  local how = encryption_of(header)
  local mac_key, enc_key = keys_of(how, key)
  local c = cipher.new(how.cipher)
  local payload, err
  if how.mac == 0 then
    payload, err = c:decrypt(enc_key, iv, text, false, parts[1], tag)
  elseif equal(code_of(how, mac_key, parts[1], iv, text), tag) then
    payload, err = c:decrypt(enc_key, iv, text)
  else
    err = "signature mismatch"
  end
  if not payload then
    refuse("failed to decrypt payload: " .. tostring(err))
  end
  return {
    typ = "JWE",
    header = header,
    payload = (self.payload_decoder or cjson.decode)(payload),
    internal = { json_payload = payload },
    authentic = true,
  }
end

local function parse_jwt(self, parts)
  local header = module.jwt_decode(self, parts[1], true)
  if type(header) ~= "table" then
    refuse("invalid header: " .. parts[1])
  end
  local payload = module.jwt_decode(self, parts[2], true, true)
  if payload == nil then
    payload = module.jwt_decode(self, parts[2]) or refuse("invalid payload: " .. parts[2])
  end
  return {
    typ = "JWT",
    raw_header = parts[1],
    raw_payload = parts[2],
    header = header,
    payload = payload,
    signature = parts[3],
  }
end

local function parse(self, secret, token)
  if type(token) ~= "string" then
    refuse("invalid jwt string")
  end
  local parts, from = {}, 1
  repeat
    local dot = find(token, ".", from, true)
    parts[#parts + 1] = sub(token, from, (dot or 0) - 1)
    from = dot and dot + 1
  until not from or #parts > 5
  if #parts == 3 then
    return parse_jwt(self, parts)
  elseif #parts == 5 then
    return parse_jwe(self, secret, parts)
  end
  refuse("invalid jwt string")
end

function module:load_jwt(jwt_str, secret)
  local ok, result = pcall(parse, self, secret, jwt_str)
  if not ok then
    return { valid = false, verified = false, reason = type(result) == "table" and result.reason or "invalid jwt string" }
  end
  result.verified, result.valid = false, true
  return result
end

function module:set_alg_whitelist(algorithms)
  self.alg_whitelist = algorithms
end

function module:set_trusted_certs_file(filename)
  self.trusted_certs_file = filename
end

function module:set_trusted_certs(pem)
  self.trusted_certs = pem
end

function module:set_x5u_content_retriever(retriever)
  if type(retriever) ~= "function" then
    error("'retriever_function' is expected to be a function", 0)
  end
  self.x5u_content_retriever = retriever
end

function module:set_payload_encoder(encoder)
  if type(encoder) ~= "function" then
    error("payload encoder must be function", 2)
  end
  self.payload_encoder = encoder
end

function module:set_payload_decoder(decoder)
  if type(decoder) ~= "function" then
    error("payload decoder must be function", 2)
  end
  self.payload_decoder = decoder
end

function module:get_default_validation_options(jwt_obj)
  local payload = jwt_obj.payload
  local is_table = type(payload) == "table"
  return {
    require_exp_claim = is_table and payload.exp ~= nil,
    require_nbf_claim = is_table and payload.nbf ~= nil,
  }
end

-- The secret of HMAC: itself, or what a function has for the key's id.
local function secret_of(secret, jwt_obj)
  if type(secret) == "string" then
    return secret
  elseif type(secret) ~= "function" then
    refuse("invalid secret type (must be string or function)")
  end
  local how = ALGORITHMS[jwt_obj.header.alg]
  if not how or not how.hmac then
    refuse("secret function can only be used with hmac alg: " .. tostring(jwt_obj.header.alg))
  end
  local kid = jwt_obj.header.kid
  if kid == nil then
    refuse("secret function specified without kid in header")
  end
  return secret(kid) or refuse("function returned nil for kid: " .. tostring(kid))
end

local function sign_jwe(self, secret, jwt_obj)
  local header = jwt_obj.header
  header.typ = nil
  local how = encryption_of(header)
  local encoded_header = module.jwt_encode(self, header)
  local key, encrypted_key = secret, ""
  if header.alg ~= "dir" then
    local digest = KEY_DIGESTS[header.alg] or refuse("unsupported alg: " .. tostring(header.alg))
    local public, err
    if find(secret, "CERTIFICATE", 1, true) then
      local cert = openssl_x509.new(secret)
      public = cert and cert:get_pubkey()
    else
      public, err = openssl_pkey.new(secret)
    end
    if not public then
      refuse("Decode secret is not a valid cert/public key: " .. tostring(err or secret))
    end
    key = rand.bytes(how.mac + how.key)
    encrypted_key, err = public:encrypt(key, OAEP, { oaep_md = digest, mgf1_md = digest })
    if not encrypted_key then
      refuse("failed to encrypt key " .. tostring(err))
    end
  end
  local mac_key, enc_key = keys_of(how, key)
  local payload = (self.payload_encoder or cjson.encode)(jwt_obj.payload)
  local c = cipher.new(how.cipher)
  local iv = rand.bytes(c.iv_size)
  local gcm = how.mac == 0
  local text, err = c:encrypt(enc_key, iv, payload, false, gcm and encoded_header or nil)
  if not text then
    refuse("error while encrypting payload. Error: " .. tostring(err))
  end
  local tag = gcm and c:get_aead_tag(16) or not gcm and code_of(how, mac_key, encoded_header, iv, text)
  local parts = { encoded_header }
  for i, part in ipairs { encrypted_key, iv, text, tag } do
    parts[i + 1] = base64.encode_base64url(part)
  end
  return concat(parts, ".")
end

function module:sign(secret_key, jwt_obj)
  local header = jwt_obj.header
  local typ = header.typ
  if typ ~= nil and typ ~= "JWT" and typ ~= "JWE" then
    refuse("invalid typ: " .. tostring(typ))
  elseif jwt_obj.typ == "JWE" or jwt_obj.typ == nil and (typ == "JWE" or header.enc) then
    return sign_jwe(self, secret_key, jwt_obj)
  end
  local how = ALGORITHMS[header.alg] or refuse("unsupported alg: " .. tostring(header.alg))
  if not jwt_obj.raw_payload and jwt_obj.payload == nil then
    refuse("missing part payload")
  end
  local raw_header = jwt_obj.raw_header or module.jwt_encode(self, header)
  local raw_payload = jwt_obj.raw_payload or module.jwt_encode(self, jwt_obj.payload, true)
  local message = raw_header .. "." .. raw_payload
  local signature, err
  if how.hmac then
    signature = openssl_hmac.new(secret_of(secret_key, jwt_obj), how.digest):final(message)
  else
    local key
    key, err = openssl_pkey.new(secret_key)
    if not key then
      refuse("signer error: " .. tostring(err))
    elseif key.kind ~= how.kind then
      refuse("signer error: the key is none of " .. header.alg)
    end
    signature, err = key:sign(message, how.digest, how.padding, how.options)
    if not signature then
      refuse("signature error: " .. tostring(err))
    end
  end
  return message .. "." .. base64.encode_base64url(signature)
end

-- The certificate that the token names.
local function certificate_of(self, jwt_obj)
  local x5c, x5u = jwt_obj.header.x5c, jwt_obj.header.x5u
  if type(x5c) == "table" and x5c[1] ~= nil then
    return type(x5c[1]) == "string" and ngx.decode_base64(x5c[1]) or refuse("Malformed x5c header")
  elseif x5u == nil then
    refuse("Unsupported RS256 key model")
  elseif not self.x5u_content_retriever then
    refuse("No function has been provided to retrieve the content pointed at by the 'x5u'.")
  end
  local payload = jwt_obj.payload
  local iss = type(payload) == "table" and payload.iss or nil
  local ok, text = pcall(self.x5u_content_retriever, x5u, iss, jwt_obj.header.kid)
  if not ok then
    refuse("An error occured while invoking the x5u_content_retriever function.")
  end
  return text
end

local function trusted_certs(self)
  if self.trusted_certs then
    return self.trusted_certs
  end
  local open = io and io.open
  local file = open and open(self.trusted_certs_file)
  if not file then
    refuse("Unable to open trusted certs file '" .. tostring(self.trusted_certs_file) .. "'")
  end
  local text = file:read("*a")
  file:close()
  return text
end

-- Whether one of the trusted certificates has signed this one, and it is its time.
local function check_trust(self, cert)
  local from, to = cert:get_lifetime()
  local at = ngx.time()
  if at < from or at > to then
    refuse("Cert used to sign the JWT isn't trusted: it is not its time")
  end
  for pem in string.gmatch(trusted_certs(self), "%-%-%-%-%-BEGIN CERTIFICATE%-%-%-%-%-.-%-%-%-%-%-END CERTIFICATE%-%-%-%-%-") do
    local trusted = openssl_x509.new(pem)
    if trusted and cert:get_issuer_name():tostring() == trusted:get_subject_name():tostring() then
      local starts, ends = trusted:get_lifetime()
      if at >= starts and at <= ends and cert:verify((trusted:get_pubkey())) then
        return
      end
    end
  end
  refuse("Cert used to sign the JWT isn't trusted: no trusted certificate has signed it")
end

-- The public key, of a secret or of the certificate that the token names.
local function public_key(self, secret, jwt_obj)
  if secret == nil or self.trusted_certs_file or self.trusted_certs then
    local cert, err = openssl_x509.new(certificate_of(self, jwt_obj))
    if not cert then
      refuse("Decode secret is not a valid cert/public key: " .. tostring(err))
    end
    -- lua-resty-jwt believes any certificate that comes with a token unless it has a file of trusted
    -- ones: then whoever makes a token is believed. Not here.
    if not self.trusted_certs_file and not self.trusted_certs then
      refuse("No trusted certs loaded")
    end
    check_trust(self, cert)
    return cert:get_pubkey()
  elseif type(secret) == "string" and find(secret, "CERTIFICATE", 1, true) then
    local cert = openssl_x509.new(secret)
    return cert and cert:get_pubkey() or refuse("Decode secret is not a valid cert/public key")
  elseif type(secret) == "table" and secret.kind then
    return secret
  end
  local key, err = openssl_pkey.new(secret)
  return key or refuse("Decode secret is not a valid cert/public key: " .. tostring(err))
end

local function verify(self, secret, jwt_obj)
  local alg = jwt_obj.header.alg
  local how = ALGORITHMS[alg] or refuse("Unsupported algorithm " .. tostring(alg))
  local message = jwt_obj.raw_header .. "." .. jwt_obj.raw_payload
  local signature = module.jwt_decode(self, jwt_obj.signature)
  if not signature then
    refuse("Wrongly encoded signature")
  end
  local ok
  if how.hmac then
    ok = equal(openssl_hmac.new(secret_of(secret, jwt_obj), how.digest):final(message), signature)
  else
    local key = public_key(self, secret, jwt_obj)
    if key.kind ~= how.kind then
      refuse("Verification failed: the key is none of " .. alg)
    end
    ok = key:verify(signature, message, how.digest, how.padding, how.options)
  end
  if not ok then
    refuse(how.hmac and "signature mismatch: " .. jwt_obj.signature or "Verification failed")
  end
end

-- The claims of options, as there were before there were validators.
local function claims_of_options(options)
  local spec = {}
  if options.valid_issuers ~= nil then
    spec.iss = validators.equals_any_of(options.valid_issuers)
  end
  for _, name in ipairs { "require_nbf_claim", "require_exp_claim" } do
    if options[name] ~= nil and type(options[name]) ~= "boolean" then
      error("'" .. name .. "' validation option is expected to be a boolean.", 0)
    end
  end
  if options.lifetime_grace_period ~= nil then
    validators.set_system_leeway(options.lifetime_grace_period or 0)
    if not options.require_nbf_claim and not options.require_exp_claim then
      spec.__jwt = validators.require_one_of({ "nbf", "exp" })
    end
  end
  spec.nbf = options.require_nbf_claim and validators.is_not_before() or validators.opt_is_not_before()
  spec.exp = options.require_exp_claim and validators.is_not_expired() or validators.opt_is_not_expired()
  return spec
end

local OPTIONS = { valid_issuers = true, lifetime_grace_period = true, require_nbf_claim = true, require_exp_claim = true }

local function is_options(spec)
  local some = false
  for name, value in pairs(spec) do
    if not OPTIONS[name] or type(value) == "function" then
      return false
    end
    some = true
  end
  return some
end

local function validate(jwt_obj, specs)
  for _, spec in ipairs(specs) do
    if is_options(spec) then
      spec = claims_of_options(spec)
    end
    for claim, check in pairs(spec) do
      if type(check) ~= "function" then
        error("Claim spec value must be a function - see jwt-validators.lua for helper functions", 0)
      end
      local value = jwt_obj
      if claim ~= "__jwt" then
        value = nil
        if type(jwt_obj.payload) == "table" then
          value = jwt_obj.payload[claim]
        end
      end
      local ok, result = pcall(check, value, claim, cjson.encode(jwt_obj.payload))
      if not ok then
        refuse(reason_of(result))
      elseif result == false then
        refuse("Claim '" .. claim .. "' ('" .. tostring(value) .. "') returned failure")
      end
    end
  end
end

-- Says in the object whether the token is `verified`, and if not, for which `reason`.
function module:verify_jwt_obj(secret, jwt_obj, ...)
  if not jwt_obj.valid then
    return jwt_obj
  end
  local specs = { ... }
  if #specs == 0 then
    specs[1] = module.get_default_validation_options(self, jwt_obj)
  end
  local ok, err = pcall(function()
    local whitelist = self.alg_whitelist
    if whitelist and not whitelist[jwt_obj.header.alg] then
      refuse("whitelist unsupported alg: " .. tostring(jwt_obj.header.alg))
    elseif jwt_obj.typ == "JWE" then
      if not jwt_obj.authentic then
        refuse("the object is not of load_jwt")
      end
    else
      verify(self, secret, jwt_obj)
    end
  end)
  if not ok and type(err) ~= "table" then
    error(err, 0)
  end
  if ok then
    ok, err = pcall(validate, jwt_obj, specs)
    if not ok and type(err) ~= "table" then
      error(err, 0)
    end
  end
  jwt_obj.authentic, jwt_obj.internal = nil, nil
  jwt_obj.verified = ok
  jwt_obj.reason = ok and "everything is awesome~ :p" or reason_of(err)
  return jwt_obj
end

function module:verify(secret, jwt_str, ...)
  local jwt_obj = module.load_jwt(self, jwt_str, secret)
  if not jwt_obj.valid then
    return jwt_obj
  end
  return module.verify_jwt_obj(self, secret, jwt_obj, ...)
end

return module
