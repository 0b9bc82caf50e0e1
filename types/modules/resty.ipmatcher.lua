---@meta resty.ipmatcher

---Which of some addresses and blocks an address is in.
---@class resty.ipmatcher
local ipmatcher = {}

---The version of lua-resty-ipmatcher that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.ipmatcher")._VERSION
---```
---@type number
ipmatcher._VERSION = nil

---Looks for addresses in blocks.
---
---Phases: any.
---
---```lua
---local internal = assert(require("resty.ipmatcher").new({ "10.0.0.0/8", "::1" }))
---if not internal:match(kong.client.get_ip()) then return kong.response.exit(403) end
---```
---@param ips string[] addresses, and blocks as `10.0.0.0/8`
---@return resty.ipmatcher? matcher what looks
---@return string? err which of them is none
function ipmatcher.new(ips) end

---The same, with a value for each.
---
---Phases: any.
---
---```lua
---local names = assert(require("resty.ipmatcher").new_with_value({ ["10.0.0.0/8"] = "office" }))
---local name = names:match(kong.client.get_ip())
---```
---@param ips table<string, any> values by addresses and blocks
---@return resty.ipmatcher? matcher what looks
---@return string? err which of them is none
function ipmatcher.new_with_value(ips) end

---Looks for an address.
---
---Phases: any.
---
---```lua
---local internal = assert(require("resty.ipmatcher").new({ "10.0.0.0/8" }))
---local found, err = internal:match("10.1.2.3")
---```
---@param ip string the address
---@return any found true, or the value of the narrowest block; false, if it is in none
---@return string? err why it is no address
function ipmatcher:match(ip) end

---The same for the bytes of an address.
---
---Phases: any.
---
---```lua
---local internal = assert(require("resty.ipmatcher").new({ "10.0.0.0/8" }))
---local found = internal:match_bin(ngx.var.binary_remote_addr)
---```
---@param ip string 4 or 16 bytes
---@return any found true, or the value of the narrowest block; false, if it is in none; nil, if there are as many bytes as in no address
---@return string? err why it is no address
function ipmatcher:match_bin(ip) end

---The number that an IPv4 address is.
---
---Phases: any.
---
---```lua
---local number = require("resty.ipmatcher").parse_ipv4("10.0.0.1")
---```
---@param ip string the address
---@return number|false number false, if it is none
function ipmatcher.parse_ipv4(ip) end

---The four numbers of 32 bits that an IPv6 address is.
---
---Phases: any.
---
---```lua
---local numbers = require("resty.ipmatcher").parse_ipv6("[::1]")
---```
---@param ip string the address, which may be in brackets
---@return number[]|false numbers false, if it is none
function ipmatcher.parse_ipv6(ip) end

return ipmatcher
