---@meta resty.openssl.pkey

---Keys: RSA, EC, Ed25519, X25519.
---@class resty.openssl.pkey
local pkey = {}

---The paddings of RSA: `RSA_PKCS1_PADDING`, `RSA_PKCS1_OAEP_PADDING`, `RSA_PKCS1_PSS_PADDING` and others.
---
---Phases: any.
---
---```lua
---local pss = require("resty.openssl.pkey").PADDINGS.RSA_PKCS1_PSS_PADDING
---```
---@type table<string, integer>
pkey.PADDINGS = nil

---Reads a key, or makes one.
---
---Phases: any.
---
---```lua
---local key = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" }))
---```
---@param key? string|table PEM, DER or JWK; or `{ type = "RSA", bits = 2048 }`, `{ type = "EC", curve = "prime256v1" }` for a new one
---@param options? { format?: string, type?: string, passphrase?: string } `format` is `PEM`, `DER`, `JWK` or `*`; `type` is `pu` or `pr`
---@return resty.openssl.pkey pkey the key
---@return string? err why there is none
function pkey.new(key, options) end

---Signs.
---
---Phases: any.
---
---```lua
---local signature = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" })):sign("text", "sha256")
---```
---@param digest string|table the text, or a digest of `resty.openssl.digest`
---@param md_alg? string `sha256`, for one
---@param padding? integer one of `PADDINGS`, for RSA
---@param options? table `pss_saltlen`, `ecdsa_use_raw`
---@return string? signature the signature
---@return string? err why there is none
function pkey:sign(digest, md_alg, padding, options) end

---Verifies a signature.
---
---Phases: any.
---
---```lua
---local key = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" }))
---local is_good = key:verify(key:sign("text", "sha256") or "", "text", "sha256")
---```
---@param signature string the signature
---@param digest string|table the text, or a digest of `resty.openssl.digest`
---@param md_alg? string `sha256`, for one
---@param padding? integer one of `PADDINGS`, for RSA
---@param options? table `pss_saltlen`, `ecdsa_use_raw`
---@return boolean? is_good whether it is good
---@return string? err why it cannot be told
function pkey:verify(signature, digest, md_alg, padding, options) end

---Signs what is digested already.
---
---Phases: any.
---
---```lua
---local key = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" }))
---local signature, err = key:sign_raw(ngx.sha1_bin("text"))
---```
---@param digest string the digest
---@param padding? integer one of `PADDINGS`, for RSA
---@param options? table has no effect
---@return string? signature the signature
---@return string? err why there is none
function pkey:sign_raw(digest, padding, options) end

---Verifies a signature of what is digested already.
---
---Phases: any.
---
---```lua
---local key = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" }))
---local is_good = key:verify_raw("", ngx.sha1_bin("text"), "sha1")
---```
---@param signature string the signature
---@param digest string the digest
---@param md_alg? string which digest it is
---@param padding? integer one of `PADDINGS`, for RSA
---@param options? table `pss_saltlen`
---@return boolean? is_good whether it is good
---@return string? err why it cannot be told
function pkey:verify_raw(signature, digest, md_alg, padding, options) end

---Encrypts, with RSA.
---
---Phases: any.
---
---```lua
---local bytes, err = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" })):encrypt("text")
---```
---@param text string the text
---@param padding? integer one of `PADDINGS`
---@param options? table `oaep_md`, `mgf1_md`, `oaep_label`
---@return string? bytes the bytes
---@return string? err why not
function pkey:encrypt(text, padding, options) end

---Decrypts, with RSA.
---
---Phases: any.
---
---```lua
---local text, err = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" })):decrypt("bytes")
---```
---@param bytes string the bytes
---@param padding? integer one of `PADDINGS`
---@param options? table `oaep_md`, `mgf1_md`, `oaep_label`
---@return string? text the text
---@return string? err why not
function pkey:decrypt(bytes, padding, options) end

---The secret that two keys have in common.
---
---Phases: any.
---
---```lua
---local one = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" }))
---local secret = one:derive(assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" })))
---```
---@param peer_key resty.openssl.pkey the other's key
---@return string? secret the bytes
---@return string? err why there is none
function pkey:derive(peer_key) end

---The numbers of a key, as `resty.openssl.bn`.
---
---Phases: any.
---
---```lua
---local parameters = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" })):get_parameters()
---```
---@return table? parameters by their names: `n`, `e`, `d`, `x`, `y`, …
---@return string? err why there are none
function pkey:get_parameters() end

---Changes numbers of a key.
---
---Phases: any.
---
---```lua
---local ok, err = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" })):set_parameters({})
---```
---@param parameters table by their names
---@return boolean? ok true
---@return string? err why not
function pkey:set_parameters(parameters) end

---Which kind of key it is.
---
---Phases: any.
---
---```lua
---local type = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" })):get_key_type()
---```
---@param nid_only? boolean true for its number alone
---@return table|integer|nil type `id`, `nid`, `sn`, `ln`
---@return string? err why it cannot be told
function pkey:get_key_type(nid_only) end

---How long signatures are at most.
---
---Phases: any.
---
---```lua
---local size = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" })):get_size()
---```
---@return integer bytes bytes
function pkey:get_size() end

---The digest that goes with the key.
---
---Phases: any.
---
---```lua
---local digest = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" })):get_default_digest_type()
---```
---@return table? digest `id`, `nid`, `sn`, `ln`
---@return string? err why there is none
function pkey:get_default_digest_type() end

---Whether the key is private.
---
---Phases: any.
---
---```lua
---local is_private = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" })):is_private()
---```
---@return boolean is_private true if it is
function pkey:is_private() end

---Writes the key.
---
---Phases: any.
---
---```lua
---local jwk = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" })):tostring("public", "JWK")
---```
---@param kind? string `public`, which is the default, or `private`
---@param format? string `PEM`, which is the default, `DER` or `JWK`
---@param pkcs1? boolean true for PKCS #1
---@return string? text the text
---@return string? err why there is none
function pkey:tostring(kind, format, pkcs1) end

---Writes the key as PEM.
---
---Phases: any.
---
---```lua
---local pem = assert(require("resty.openssl.pkey").new({ type = "EC", curve = "prime256v1" })):to_PEM("public")
---```
---@param kind? string `public`, which is the default, or `private`
---@param pkcs1? boolean true for PKCS #1
---@return string? pem PEM
---@return string? err why there is none
function pkey:to_PEM(kind, pkcs1) end

---Whether a value is a key of this module.
---
---Phases: any.
---
---```lua
---local is_key = require("resty.openssl.pkey").istype(nil)
---```
---@param value any any value
---@return boolean is_key true if it is
function pkey.istype(value) end

---Whose the algorithm is.
---
---Phases: any.
---
---```lua
---local name = require("resty.openssl.pkey").get_provider_name()
---```
---@return string name `default`
function pkey.get_provider_name() end

return pkey
