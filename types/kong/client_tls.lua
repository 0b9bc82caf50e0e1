---@meta _

-- The client's TLS.

---The TLS connection of the client.
---@class kong.client.tls
kong.client.tls = {}

---Asks the client for its certificate during the handshake. Raises here: whoever terminates TLS decides
---that.
---
---Phases: certificate.
---
---```lua
---pcall(kong.client.tls.request_client_certificate)
---```
---@return boolean? ok true
---@return string? err why not
function kong.client.tls.request_client_certificate() end

---Lets the client resume no session. Raises here: whoever terminates TLS decides that.
---
---Phases: certificate.
---
---```lua
---pcall(kong.client.tls.disable_session_reuse)
---```
---@return boolean? ok true
---@return string? err why not
function kong.client.tls.disable_session_reuse() end

---The certificates that the client has shown, its own first.
---
---Phases: rewrite, access, log.
---
---```lua
---local pem = kong.client.tls.get_full_client_certificate_chain()
---```
---@return string? chain PEM; nil if it has shown none
---@return string? err why not
function kong.client.tls.get_full_client_certificate_chain() end

---Says how the verification of the client's certificate went, for whoever asks later.
---
---Phases: rewrite, access.
---
---```lua
---kong.client.tls.set_client_verify("FAILED:unknown authority")
---```
---@param outcome string `SUCCESS`, `NONE`, or `FAILED:` and why
function kong.client.tls.set_client_verify(outcome) end
