---@meta _

-- The gateway itself.

---Addresses.
---@class kong.ip
kong.ip = {}

---Whether an address is of a proxy whose headers are believed.
---
---Phases: any.
---
---```lua
---local is_proxy = kong.ip.is_trusted(kong.client.get_ip() or "")
---```
---@param address string IPv4 or IPv6
---@return boolean is_trusted true if it is
function kong.ip.is_trusted(address) end

---This server.
---@class kong.node
kong.node = {}

---The id of this server.
---
---Phases: any.
---
---```lua
---kong.response.set_header("x-node", kong.node.get_id())
---```
---@return string id a uuid
function kong.node.get_id() end

---How much memory the VM and the shared dictionaries take.
---
---Phases: any.
---
---```lua
---local stats = kong.node.get_memory_stats("m", 2)
---```
---@param unit? string `b`, `k`, `m` or `g`; bytes as numbers if it is left out
---@param scale? integer digits behind the point, if there is a unit
---@return table stats `workers_lua_vms` and `lua_shared_dicts`
function kong.node.get_memory_stats(unit, scale) end

---The name of the machine.
---
---Phases: any.
---
---```lua
---kong.log.info("served by ", kong.node.get_hostname())
---```
---@return string hostname its name
function kong.node.get_hostname() end

---What nginx would tell of itself.
---@class kong.nginx
kong.nginx = {}

---Which of nginx's subsystems this is.
---
---Phases: any.
---
---```lua
---local is_http = kong.nginx.get_subsystem() == "http"
---```
---@return string subsystem `http`
function kong.nginx.get_subsystem() end

---Counts of connections and requests since the start.
---
---Phases: any.
---
---```lua
---local active = kong.nginx.get_statistics().connections_active
---```
---@return table<string, integer> statistics `connections_active`, `connections_accepted`, `connections_handled`, `total_requests` and others
function kong.nginx.get_statistics() end

---The cluster of gateways.
---@class kong.cluster
kong.cluster = {}

---The id of the cluster.
---
---Phases: any.
---
---```lua
---local id = kong.cluster.get_id()
---```
---@return string? id nil if the operator has not set one
---@return string? err why not
function kong.cluster.get_id() end

---The plugin that the function belongs to.
---@class kong.plugin
kong.plugin = {}

---The id of the plugin, or the name of the set of functions.
---
---Phases: any.
---
---```lua
---kong.log.debug("I am ", kong.plugin.get_id())
---```
---@return string id an id or a name
function kong.plugin.get_id() end
