---@meta _

-- The service that requests go to.

---Where the request goes: host, port, retries, timeouts, TLS.
---@class kong.service
kong.service = {}

---Sends the request to an upstream by its name.
---
---Phases: access.
---
---```lua
---local ok, err = kong.service.set_upstream("canary")
---```
---@param host string the upstream's name
---@return boolean? ok nil if there is no such upstream
---@return string? err why not
function kong.service.set_upstream(host) end

---Sends the request to another host and port. The `Host` header stays as it is.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.set_target("canary.internal", 8080)
---```
---@param host string a name or an address
---@param port integer from 0 to 65535
function kong.service.set_target(host, port) end

---How often a service that cannot be reached is tried again.
---
---Phases: access.
---
---```lua
---kong.service.set_retries(2)
---```
---@param retries integer from 0 to 32767
function kong.service.set_retries(retries) end

---How long the service may take.
---
---Phases: access.
---
---```lua
---kong.service.set_timeouts(500, 5000, 5000)
---```
---@param connect_timeout integer milliseconds for connecting, from 1
---@param write_timeout integer milliseconds between two writes, from 1
---@param read_timeout integer milliseconds between two reads, from 1
function kong.service.set_timeouts(connect_timeout, write_timeout, read_timeout) end

---Names the function that says where to try again when a try has failed.
---
---Phases: access.
---
---```lua
---kong.service.set_target_retry_callback(function() return "spare.internal", 8080 end)
---```
---@param retry_callback fun(): (host: string?, port: integer?) gives host and port, or nil and why there is no other
function kong.service.set_target_retry_callback(retry_callback) end

---Names the certificate for the service. Always raises here: no VM has the cdata that it takes. Give the
---service a `client_certificate` instead.
---
---Phases: rewrite, access.
---
---```lua
---pcall(kong.service.set_tls_cert_key, nil, nil)
---```
---@param chain any cdata of a parsed certificate chain
---@param key any cdata of its parsed key
function kong.service.set_tls_cert_key(chain, key) end

---Whether the certificate of the service is verified.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.set_tls_verify(true)
---```
---@param on boolean true to verify
---@return boolean ok true
function kong.service.set_tls_verify(on) end

---How many certificates may stand between the service's and the authority's.
---
---Phases: rewrite, access.
---
---```lua
---kong.service.set_tls_verify_depth(2)
---```
---@param depth integer from 0
---@return boolean ok true
function kong.service.set_tls_verify_depth(depth) end

---Names the store of authorities for the service. Always raises here: no VM has the table that it takes.
---Give the gateway its authorities by flags instead.
---
---Phases: rewrite, access.
---
---```lua
---pcall(kong.service.set_tls_verify_store, nil)
---```
---@param store any a store of resty.openssl
function kong.service.set_tls_verify_store(store) end
