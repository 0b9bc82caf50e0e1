-- `kong.plugins.jwt.jwt_parser`: tokens as Kong's plugin of that name reads them.

local json = require("cjson.safe")
local base64 = require("ngx.base64")
local mac = require("resty.openssl.mac")
local openssl_pkey = require("resty.openssl.pkey")
local assert, error, ngx, setmetatable, tostring, type = assert, error, ngx, setmetatable, tostring, type
local insert, match, pairs = table.insert, string.match, pairs
local encode_base64url, decode_base64url = base64.encode_base64url, base64.decode_base64url

local equal, algorithms = ...
local ALGORITHMS = algorithms(openssl_pkey.PADDINGS)

local function code_of(how, message, key)
  return mac.new(key, "HMAC", nil, how.digest):final(message)
end

local function sign(how, message, key)
  if how.hmac then
    return code_of(how, message, key)
  end
  local pkey = assert(openssl_pkey.new(key))
  return assert(pkey:sign(message, how.digest, how.padding, how.options))
end

local function verify(how, message, signature, key)
  if how.hmac then
    return equal(signature, code_of(how, message, key))
  end
  local pkey = assert(openssl_pkey.new(key), "Consumer Public Key is Invalid")
  if how.length then
    assert(#signature == how.length, "Signature must be " .. how.length .. " bytes.")
  end
  -- Kong: verifies with whatever kind of key there is.
  if pkey.kind ~= how.kind then
    return false
  end
  return (pkey:verify(signature, message, how.digest, how.padding, how.options)) or false
end

local module = {}
module.__index = module

function module:new(token)
  if type(token) ~= "string" then
    error("Token must be a string, got " .. tostring(token), 2)
  end
  local header_64, claims_64, signature_64 = match(token, "^([^.]*)%.([^.]*)%.(.*)$")
  local header = header_64 and json.decode(decode_base64url(header_64) or "")
  local claims = claims_64 and json.decode(decode_base64url(claims_64) or "")
  if type(header) ~= "table" or claims == nil then
    return nil, "invalid JSON"
  elseif type(header.alg) ~= "string" or not ALGORITHMS[header.alg] then
    return nil, "invalid alg"
  elseif type(claims) ~= "table" then
    return nil, "invalid claims"
  end
  local signature = decode_base64url(signature_64)
  if not signature then
    return nil, "invalid signature"
  end
  return setmetatable({
    token = token,
    header_64 = header_64,
    claims_64 = claims_64,
    signature_64 = signature_64,
    header = header,
    claims = claims,
    signature = signature,
  }, module)
end

function module:verify_signature(key)
  return verify(ALGORITHMS[self.header.alg], self.header_64 .. "." .. self.claims_64, self.signature, key)
end

function module:base64_decode(input)
  return decode_base64url(input)
end

-- A list of what is wrong with a claim, where there is more than one thing.
local list_mt = {}

local function add_error(errors, name, message)
  local before = errors[name]
  if before == nil then
    errors[name] = message
  elseif type(before) == "table" then
    insert(before, message)
  else
    errors[name] = setmetatable({ before, message }, list_mt)
  end
end

local CHECKS = {
  nbf = function(nbf)
    return nbf > ngx.time() and "token not valid yet"
  end,
  exp = function(exp)
    return exp <= ngx.time() and "token expired"
  end,
}

function module:verify_registered_claims(claims_to_verify)
  local errors
  for _, name in pairs(claims_to_verify or {}) do
    local claim = self.claims[name]
    local problem
    if type(claim) ~= "number" then
      problem = "must be a number"
    else
      problem = CHECKS[name](claim)
    end
    if problem then
      errors = errors or {}
      add_error(errors, name, problem)
    end
  end
  return errors == nil, errors
end

function module:check_maximum_expiration(maximum_expiration)
  if maximum_expiration <= 0 then
    return true
  end
  local exp = self.claims.exp
  if exp == nil or exp - ngx.time() > maximum_expiration then
    return false, { exp = "exceeds maximum allowed expiration" }
  end
  return true
end

function module.encode(data, key, alg, header)
  if type(data) ~= "table" then
    error("Argument #1 must be table", 2)
  elseif type(key) ~= "string" then
    error("Argument #2 must be string", 2)
  elseif header and type(header) ~= "table" then
    error("Argument #4 must be a table", 2)
  end
  alg = alg or "HS256"
  local how = ALGORITHMS[alg]
  if not how then
    error("Algorithm not supported", 2)
  end
  header = header or { typ = "JWT", alg = alg }
  local message = encode_base64url(json.encode(header)) .. "." .. encode_base64url(json.encode(data))
  return message .. "." .. encode_base64url(sign(how, message, key))
end

return module
