---@meta _

-- Who the client is.

---The client: its address, and as whom it is authenticated.
---@class kong.client
kong.client = {}

---A consumer, as Kong keeps it.
---@class kong.client.consumer
---@field id string its uuid
---@field username? string its name
---@field custom_id? string its name elsewhere
---@field tags? string[] its tags
---@field created_at? integer seconds since 1970

---A credential by which a client was authenticated.
---@class kong.client.credential
---@field id string its uuid
---@field consumer_id? string whose it is
---@field consumer? { id: string } whose it is

---The address of who is connected: the client, or the last proxy before this server.
---
---Phases: certificate, rewrite, access, header_filter, body_filter, log.
---
---```lua
---kong.log.info("peer ", kong.client.get_ip())
---```
---@return string? ip IPv4 or IPv6; nil if the application does not say
function kong.client.get_ip() end

---The address of the client, told by the header of a trusted proxy if there is one.
---
---Phases: certificate, rewrite, access, header_filter, body_filter, log.
---
---```lua
---local ip = kong.client.get_forwarded_ip()
---```
---@return string? ip IPv4 or IPv6; nil if the application does not say
function kong.client.get_forwarded_ip() end

---The port of who is connected.
---
---Phases: certificate, rewrite, access, header_filter, body_filter, log.
---
---```lua
---local port = kong.client.get_port()
---```
---@return integer? port from 1 to 65535; nil if the application does not say
function kong.client.get_port() end

---The port of the client, told by a trusted proxy if there is one.
---
---Phases: certificate, rewrite, access, header_filter, body_filter, log.
---
---```lua
---local port = kong.client.get_forwarded_port()
---```
---@return integer? port from 1 to 65535; nil if the application does not say
function kong.client.get_forwarded_port() end

---By which credential the client is authenticated.
---
---Phases: access, header_filter, body_filter, log.
---
---```lua
---local is_known = kong.client.get_credential() ~= nil
---```
---@return kong.client.credential? credential nil if it is not
function kong.client.get_credential() end

---Looks for a consumer. An id that is no uuid raises, unless it may be a name.
---
---Phases: access, header_filter, body_filter, log.
---
---```lua
---local consumer, err = kong.client.load_consumer("ada", true)
---```
---@param consumer_id string the consumer's id
---@param search_by_username? boolean true to look for the name, too
---@return kong.client.consumer? consumer nil if there is none
---@return string? err why not
function kong.client.load_consumer(consumer_id, search_by_username) end

---Who the client is, as an authentication plugin or a function has found.
---
---Phases: access, header_filter, body_filter, log.
---
---```lua
---local consumer = kong.client.get_consumer()
---```
---@return kong.client.consumer? consumer nil if nobody knows
function kong.client.get_consumer() end

---Says who the client is, for plugins, functions and the service behind. One of the two must be there.
---
---Phases: access.
---
---```lua
---kong.client.authenticate({ id = "c35c2d5b-7e6a-4dba-95fe-5f2a7d1a8b5c", username = "ada" }, nil)
---```
---@param consumer kong.client.consumer? the consumer, or nil
---@param credential kong.client.credential? the credential, or nil
function kong.client.authenticate(consumer, credential) end

---The protocol of the route by which the client came.
---
---Phases: access, header_filter, body_filter, log.
---
---```lua
---local protocol = kong.client.get_protocol(true)
---```
---@param allow_terminated? boolean true to believe `X-Forwarded-Proto` of a trusted proxy
---@return string? protocol `http`, `https`, `grpc` or `grpcs`; nil if there is no route
---@return string? err why not
function kong.client.get_protocol(allow_terminated) end
