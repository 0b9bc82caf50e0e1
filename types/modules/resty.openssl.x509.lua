---@meta resty.openssl.x509

---Certificates, to be read.
---@class resty.openssl.x509
local x509 = {}

---Reads a certificate.
---
---Phases: any.
---
---```lua
---local cert, err = require("resty.openssl.x509").new("-----BEGIN CERTIFICATE-----")
---```
---@param cert string PEM or DER
---@param format? string `PEM`, `DER` or `*`, which is the default
---@return resty.openssl.x509 x509 the certificate
---@return string? err why there is none
function x509.new(cert, format) end

---A copy.
---
---Phases: any.
---
---```lua
---local copy, err = require("resty.openssl.x509").dup(nil)
---```
---@param ctx any the `ctx` of a certificate
---@return resty.openssl.x509? x509 the certificate
---@return string? err why there is none
function x509.dup(ctx) end

---Whether a value is a certificate of this module.
---
---Phases: any.
---
---```lua
---local is_cert = require("resty.openssl.x509").istype(nil)
---```
---@param value any any value
---@return boolean is_certificate true if it is
function x509.istype(value) end

---The key that it is for.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local key = cert and cert:get_pubkey()
---```
---@return resty.openssl.pkey? key the public key
---@return string? err why there is none
function x509:get_pubkey() end

---Whom it is for.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local name = cert and cert:get_subject_name():find("CN")
---```
---@return table name has `find`, `each`, `all`, `count`, `tostring`
function x509:get_subject_name() end

---Who vouches for it.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local name = cert and cert:get_issuer_name():find("CN")
---```
---@return table name has `find`, `each`, `all`, `count`, `tostring`
function x509:get_issuer_name() end

---The other names that it is for.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local names = cert and cert:get_subject_alt_name()
---```
---@return table? names has `each`, `all`, `tostring`; nil if there are none
function x509:get_subject_alt_name() end

---Its number.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local number = cert and cert:get_serial_number()
---```
---@return resty.openssl.bn? number a number without limits
---@return string? err why there is none
function x509:get_serial_number() end

---From when on it is good.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local from = cert and cert:get_not_before()
---```
---@return integer seconds seconds since 1970
function x509:get_not_before() end

---How long it is good.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local to = cert and cert:get_not_after()
---```
---@return integer seconds seconds since 1970
function x509:get_not_after() end

---From when on and how long it is good.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---if cert then local from, to = cert:get_lifetime() kong.log(from, to) end
---```
---@return integer from seconds since 1970
---@return integer to seconds since 1970
function x509:get_lifetime() end

---The version of its format.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local version = cert and cert:get_version()
---```
---@return integer version 1, 2 or 3
function x509:get_version() end

---How it is signed.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local name = cert and cert:get_signature_name()
---```
---@return string? name `ecdsa-with-SHA256`, for one
---@return string? err why it cannot be told
function x509:get_signature_name() end

---Whether a key has signed it.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local is_good = cert and cert:verify(assert(cert:get_pubkey()))
---```
---@param key resty.openssl.pkey the key of who vouches for it
---@return boolean? is_good whether it has
---@return string? err why it cannot be told
function x509:verify(key) end

---Whether a private key is its own.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local is_its = cert and cert:check_private_key(assert(cert:get_pubkey()))
---```
---@param key resty.openssl.pkey the key
---@return boolean? is_its whether it is
---@return string? err why not
function x509:check_private_key(key) end

---Its digest.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local digest = cert and cert:digest("sha256")
---```
---@param algorithm? string `sha1` if it is left out
---@return string? digest the bytes
---@return string? err why there is none
function x509:digest(algorithm) end

---The digest of its key.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local digest = cert and cert:pubkey_digest("sha256")
---```
---@param algorithm? string `sha1` if it is left out
---@return string? digest the bytes
---@return string? err why there is none
function x509:pubkey_digest(algorithm) end

---Writes it.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local der = cert and cert:tostring("DER")
---```
---@param format? string `PEM`, which is the default, or `DER`
---@return string? text the text
function x509:tostring(format) end

---Writes it as PEM.
---
---Phases: any.
---
---```lua
---local cert = require("resty.openssl.x509").new(kong.client.tls.get_full_client_certificate_chain() or "")
---local pem = cert and cert:to_PEM()
---```
---@return string? pem the text
function x509:to_PEM() end

return x509
