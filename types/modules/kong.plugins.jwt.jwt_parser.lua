---@meta kong.plugins.jwt.jwt_parser

---Tokens as Kong's plugin `jwt` reads them.
---@class kong.plugins.jwt.jwt_parser
---@field header table its header
---@field claims table its claims
---@field signature string its signature
local jwt_parser = {}

---Reads a token, without verifying it.
---
---Phases: any.
---
---```lua
---local token, err = require("kong.plugins.jwt.jwt_parser"):new("a.b.c")
---```
---@param token string the token
---@return kong.plugins.jwt.jwt_parser parser has `header`, `claims`, `signature`
---@return string? err what is wrong with it
function jwt_parser:new(token) end

---Whether a key has signed it.
---
---Phases: any.
---
---```lua
---local token = require("kong.plugins.jwt.jwt_parser"):new("a.b.c")
---local is_good = token and token:verify_signature("secret")
---```
---@param key string the secret, or a public key as PEM
---@return boolean is_good true if it has
function jwt_parser:verify_signature(key) end

---Looks at `exp` and `nbf`.
---
---Phases: any.
---
---```lua
---local token = require("kong.plugins.jwt.jwt_parser"):new("a.b.c")
---local is_good = token and token:verify_registered_claims({ "exp" })
---```
---@param claims_to_verify? string[] their names
---@return boolean is_good whether they are right
---@return table? errors what is wrong, by claims
function jwt_parser:verify_registered_claims(claims_to_verify) end

---Whether it ends soon enough.
---
---Phases: any.
---
---```lua
---local token = require("kong.plugins.jwt.jwt_parser"):new("a.b.c")
---local is_good = token and token:check_maximum_expiration(3600)
---```
---@param maximum_expiration number seconds from now
---@return boolean is_good true if it does
---@return table? errors what is wrong, by claims
function jwt_parser:check_maximum_expiration(maximum_expiration) end

---Decodes the Base64 of URLs.
---
---Phases: any.
---
---```lua
---local bytes = require("kong.plugins.jwt.jwt_parser"):base64_decode("e30")
---```
---@param text string Base64
---@return string? bytes the bytes
function jwt_parser:base64_decode(text) end

---Makes a token.
---
---Phases: any.
---
---```lua
---local token = require("kong.plugins.jwt.jwt_parser").encode({ sub = "ada" }, "secret")
---```
---@param data table the claims
---@param key string the secret, or a private key as PEM
---@param algorithm? string `HS256` if it is left out
---@param header? table the header
---@return string token the token
function jwt_parser.encode(data, key, algorithm, header) end

return jwt_parser
