---@meta resty.jwt

---A token.
---@class resty.jwt.object
---@field valid boolean whether it could be read
---@field verified boolean whether it was verified
---@field reason string what is wrong
---@field header table its header
---@field payload table its claims
---@field signature string its signature
---@field raw_header string the header as it stands in the token
---@field raw_payload string the claims as they stand in the token

---JSON Web Tokens, signed or encrypted.
---@class resty.jwt
local jwt = {}

---The version of lua-resty-jwt that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.jwt")._VERSION
---```
---@type string
jwt._VERSION = nil

---Makes a token. Raises a table with `reason` where it cannot.
---
---Phases: any.
---
---```lua
---local token = require("resty.jwt"):sign("secret", { header = { typ = "JWT", alg = "HS256" }, payload = { sub = "ada" } })
---```
---@param secret_key string the secret, or a private key as PEM
---@param jwt_obj table `header` with `typ` and `alg`, and `payload`
---@return string token the token
function jwt:sign(secret_key, jwt_obj) end

---Reads a token and verifies it. Look at `verified`.
---
---Phases: any.
---
---```lua
---local token = require("resty.jwt"):verify("secret", "a.b.c")
---if not token.verified then kong.response.exit(401, { message = token.reason }) end
---```
---@param secret string|fun(kid: string): string the secret, a public key or certificate as PEM, or what finds it
---@param token string the token
---@param ... table validators by claims; `exp` and `nbf` are looked at if there are none
---@return resty.jwt.object jwt_obj the token
function jwt:verify(secret, token, ...) end

---Reads a token, without verifying it.
---
---Phases: any.
---
---```lua
---local token = require("resty.jwt"):load_jwt("a.b.c")
---```
---@param token string the token
---@param secret? string for one that is encrypted
---@return resty.jwt.object jwt_obj look at `valid`
function jwt:load_jwt(token, secret) end

---Verifies a token that `load_jwt` has read.
---
---Phases: any.
---
---```lua
---local jwt = require("resty.jwt")
---local token = jwt:verify_jwt_obj("secret", jwt:load_jwt("a.b.c"))
---```
---@param secret string|fun(kid: string): string the secret, a public key or certificate as PEM, or what finds it
---@param jwt_obj resty.jwt.object the token
---@param ... table validators by claims
---@return resty.jwt.object jwt_obj the same token
function jwt:verify_jwt_obj(secret, jwt_obj, ...) end

---Sets which algorithms are believed.
---
---Phases: any.
---
---```lua
---require("resty.jwt"):set_alg_whitelist({ RS256 = 1 })
---```
---@param algorithms? table<string, any> names as keys; nil for all
function jwt:set_alg_whitelist(algorithms) end

---Names the authorities that certificates of tokens must be of.
---
---Phases: any.
---
---```lua
---pcall(function() require("resty.jwt"):set_trusted_certs_file("/etc/ssl/ca.pem") end)
---```
---@param filename string a file of PEM
function jwt:set_trusted_certs_file(filename) end

---The same, as text.
---
---Phases: any.
---
---```lua
---pcall(function() require("resty.jwt"):set_trusted_certs("-----BEGIN CERTIFICATE-----") end)
---```
---@param pem string PEM
function jwt:set_trusted_certs(pem) end

---Says how certificates are fetched that tokens name.
---
---Phases: any.
---
---```lua
---require("resty.jwt"):set_x5u_content_retriever(function(uri) return "" end)
---```
---@param retriever fun(uri: string): string gives PEM
function jwt:set_x5u_content_retriever(retriever) end

---Sets what encodes claims in place of JSON.
---
---Phases: any.
---
---```lua
---require("resty.jwt"):set_payload_encoder(require("cjson").encode)
---```
---@param encoder fun(payload: table): string gives the text
function jwt:set_payload_encoder(encoder) end

---Sets what decodes claims in place of JSON.
---
---Phases: any.
---
---```lua
---require("resty.jwt"):set_payload_decoder(require("cjson").decode)
---```
---@param decoder fun(text: string): table gives the claims
function jwt:set_payload_decoder(decoder) end

---What a token is verified for if nothing is said.
---
---Phases: any.
---
---```lua
---local jwt = require("resty.jwt")
---local options = jwt:get_default_validation_options(jwt:load_jwt("a.b.c"))
---```
---@param jwt_obj resty.jwt.object the token
---@return table options `require_exp_claim` and others
function jwt:get_default_validation_options(jwt_obj) end

---Encodes a part of a token.
---
---Phases: any.
---
---```lua
---local part = require("resty.jwt"):jwt_encode({ sub = "ada" })
---```
---@param value string|table a text, or a table
---@param is_payload? boolean whether it is the claims
---@return string text the Base64 of URLs
function jwt:jwt_encode(value, is_payload) end

---Decodes a part of a token.
---
---Phases: any.
---
---```lua
---local claims = require("resty.jwt"):jwt_decode("e30", true)
---```
---@param text string the Base64 of URLs
---@param json_decode? boolean true to decode JSON in it
---@param is_payload? boolean whether it is the claims
---@return string|table|nil value a text or a table
function jwt:jwt_decode(text, json_decode, is_payload) end

return jwt
