---@meta ngx.ssl

---Certificates and keys, for `tcpsock:setclientcert`.
---@class ngx.ssl
local ssl = {}

---Parses a certificate, or a chain of them.
---
---Phases: any.
---
---```lua
---local cert, err = require("ngx.ssl").parse_pem_cert("-----BEGIN CERTIFICATE-----")
---```
---@param pem string PEM
---@return userdata? cert for `setclientcert`
---@return string? err why not
function ssl.parse_pem_cert(pem) end

---Parses a certificate.
---
---Phases: any.
---
---```lua
---local cert, err = require("ngx.ssl").parse_der_cert("")
---```
---@param der string DER
---@return userdata? cert for `setclientcert`
---@return string? err why not
function ssl.parse_der_cert(der) end

---Parses a private key.
---
---Phases: any.
---
---```lua
---local key, err = require("ngx.ssl").parse_pem_priv_key("-----BEGIN PRIVATE KEY-----")
---```
---@param pem string PEM
---@return userdata? key for `setclientcert`
---@return string? err why not
function ssl.parse_pem_priv_key(pem) end

---Parses a private key.
---
---Phases: any.
---
---```lua
---local key, err = require("ngx.ssl").parse_der_priv_key("")
---```
---@param der string DER
---@return userdata? key for `setclientcert`
---@return string? err why not
function ssl.parse_der_priv_key(der) end

---Turns PEM of certificates into DER.
---
---Phases: any.
---
---```lua
---local der, err = require("ngx.ssl").cert_pem_to_der("-----BEGIN CERTIFICATE-----")
---```
---@param pem string PEM
---@return string? der DER
---@return string? err why not
function ssl.cert_pem_to_der(pem) end

---Turns PEM of a private key into DER.
---
---Phases: any.
---
---```lua
---local der, err = require("ngx.ssl").priv_key_pem_to_der("-----BEGIN PRIVATE KEY-----")
---```
---@param pem string PEM
---@return string? der DER
---@return string? err why not
function ssl.priv_key_pem_to_der(pem) end

return ssl
