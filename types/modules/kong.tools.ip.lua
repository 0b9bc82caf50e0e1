---@meta kong.tools.ip

---Addresses and host names.
---@class kong.tools.ip
local ip = {}

---Whether a text is an IPv4 address.
---
---Phases: any.
---
---```lua
---local is_it = require("kong.tools.ip").is_valid_ipv4("127.0.0.1")
---```
---@param text any the text
---@return boolean is_valid true if it is
function ip.is_valid_ipv4(text) end

---Whether a text is an IPv6 address.
---
---Phases: any.
---
---```lua
---local is_it = require("kong.tools.ip").is_valid_ipv6("::1")
---```
---@param text any the text
---@return boolean is_valid true if it is
function ip.is_valid_ipv6(text) end

---Whether a text is an address.
---
---Phases: any.
---
---```lua
---local is_it = require("kong.tools.ip").is_valid_ip("::1")
---```
---@param text any the text
---@return boolean is_valid true if it is
function ip.is_valid_ip(text) end

---Whether a text is a block of IPv4 addresses.
---
---Phases: any.
---
---```lua
---local is_it = require("kong.tools.ip").is_valid_cidr_v4("10.0.0.0/8")
---```
---@param text any the text
---@return boolean is_valid true if it is
function ip.is_valid_cidr_v4(text) end

---Whether a text is a block of IPv6 addresses.
---
---Phases: any.
---
---```lua
---local is_it = require("kong.tools.ip").is_valid_cidr_v6("fc00::/7")
---```
---@param text any the text
---@return boolean is_valid true if it is
function ip.is_valid_cidr_v6(text) end

---Whether a text is a block of addresses.
---
---Phases: any.
---
---```lua
---local is_it = require("kong.tools.ip").is_valid_cidr("10.0.0.0/8")
---```
---@param text any the text
---@return boolean is_valid true if it is
function ip.is_valid_cidr(text) end

---Whether a text is an IPv4 address or a block of them.
---
---Phases: any.
---
---```lua
---local is_it = require("kong.tools.ip").is_valid_ip_or_cidr_v4("10.0.0.0/8")
---```
---@param text any the text
---@return boolean is_valid true if it is
function ip.is_valid_ip_or_cidr_v4(text) end

---Whether a text is an IPv6 address or a block of them.
---
---Phases: any.
---
---```lua
---local is_it = require("kong.tools.ip").is_valid_ip_or_cidr_v6("::1")
---```
---@param text any the text
---@return boolean is_valid true if it is
function ip.is_valid_ip_or_cidr_v6(text) end

---Whether a text is an address or a block of them.
---
---Phases: any.
---
---```lua
---local is_it = require("kong.tools.ip").is_valid_ip_or_cidr("10.0.0.0/8")
---```
---@param text any the text
---@return boolean is_valid true if it is
function ip.is_valid_ip_or_cidr(text) end

---What kind of host a text names.
---
---Phases: any.
---
---```lua
---local type = require("kong.tools.ip").hostname_type("users.internal")
---```
---@param name string the text
---@return string type `ipv4`, `ipv6` or `name`
function ip.hostname_type(name) end

---Takes an IPv4 address and its port apart.
---
---Phases: any.
---
---```lua
---local address, port = require("kong.tools.ip").normalize_ipv4("127.0.0.1:80")
---```
---@param address string the address, with or without a port
---@return string? address the address; nil if it is none
---@return integer|string|nil port the port, or what is wrong
function ip.normalize_ipv4(address) end

---Takes an IPv6 address and its port apart, and writes the address in full.
---
---Phases: any.
---
---```lua
---local address = require("kong.tools.ip").normalize_ipv6("[::1]:80")
---```
---@param address string the address, with or without a port
---@return string? address the address; nil if it is none
---@return integer|string|nil port the port, or what is wrong
function ip.normalize_ipv6(address) end

---Takes a host name and its port apart.
---
---Phases: any.
---
---```lua
---local host, port = require("kong.tools.ip").check_hostname("users.internal:80")
---```
---@param address string the name, with or without a port
---@return string? host the name; nil if it is none
---@return integer|string|nil port the port, or what is wrong
function ip.check_hostname(address) end

---Takes a host of any kind and its port apart.
---
---Phases: any.
---
---```lua
---local parts = require("kong.tools.ip").normalize_ip("users.internal:80")
---```
---@param address string the host, with or without a port
---@return { type: string, host: string, port?: integer }? parts `type`, `host`, `port`
---@return string? err what is wrong
function ip.normalize_ip(address) end

---Writes a host and its port.
---
---Phases: any.
---
---```lua
---local text = require("kong.tools.ip").format_host("::1", 80)
---```
---@param host string|table the host, or what `normalize_ip` gives
---@param port? integer the port
---@return string? text with `[]` around IPv6
---@return string? err what is wrong
function ip.format_host(host, port) end

return ip
