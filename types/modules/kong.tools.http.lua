---@meta kong.tools.http

---HTTP.
---@class kong.tools.http
local http = {}

---`application/json`, with its charset.
---
---Phases: any.
---
---```lua
---local type = require("kong.tools.http").CONTENT_TYPE_JSON
---```
---@type string
http.CONTENT_TYPE_JSON = nil

---The type of gRPC.
---
---Phases: any.
---
---```lua
---local type = require("kong.tools.http").CONTENT_TYPE_GRPC
---```
---@type string
http.CONTENT_TYPE_GRPC = nil

---The type of HTML.
---
---Phases: any.
---
---```lua
---local type = require("kong.tools.http").CONTENT_TYPE_HTML
---```
---@type string
http.CONTENT_TYPE_HTML = nil

---The type of XML.
---
---Phases: any.
---
---```lua
---local type = require("kong.tools.http").CONTENT_TYPE_XML
---```
---@type string
http.CONTENT_TYPE_XML = nil

---The type of text.
---
---Phases: any.
---
---```lua
---local type = require("kong.tools.http").CONTENT_TYPE_PLAIN
---```
---@type string
http.CONTENT_TYPE_PLAIN = nil

---The type of bytes.
---
---Phases: any.
---
---```lua
---local type = require("kong.tools.http").CONTENT_TYPE_APP
---```
---@type string
http.CONTENT_TYPE_APP = nil

---Whether a text is a token of HTTP.
---
---Phases: any.
---
---```lua
---local token = require("kong.tools.http").validate_http_token("a-b")
---```
---@param token any the text
---@return string? token the text; nil if it is none
---@return string? err why not
function http.validate_http_token(token) end

---Whether a text can be the name of a header.
---
---Phases: any.
---
---```lua
---local name = require("kong.tools.http").validate_header_name("x-user")
---```
---@param name any the text
---@return string? name the text; nil if it cannot
---@return string? err why not
function http.validate_header_name(name) end

---Whether a text can be the name of a cookie.
---
---Phases: any.
---
---```lua
---local name = require("kong.tools.http").validate_cookie_name("session")
---```
---@param name any the text
---@return string? name the text; nil if it cannot
---@return string? err why not
function http.validate_cookie_name(name) end

---Takes a header like `Cache-Control` apart.
---
---Phases: any.
---
---```lua
---local directives = require("kong.tools.http").parse_directive_header("max-age=60, private")
---```
---@param header any its value
---@return table directives values by names in lower case; true for a name alone
function http.parse_directive_header(header) end

---How long what was answered is fresh, by `Cache-Control` and `Expires` of the response.
---
---Phases: any.
---
---```lua
---local tools = require("kong.tools.http")
---local ttl = tools.calculate_resource_ttl(tools.parse_directive_header("max-age=60"))
---```
---@param directives table of `parse_directive_header`
---@return number seconds seconds
function http.calculate_resource_ttl(directives) end

---Whether the client came by HTTPS.
---
---Phases: any.
---
---```lua
---local is_https = require("kong.tools.http").check_https(true, true)
---```
---@param trusted_ip boolean whether `X-Forwarded-Proto` is believed
---@param allow_terminated? boolean whether TLS may have ended before
---@return boolean? is_https true if so
---@return string? err why it cannot be told
function http.check_https(trusted_ip, allow_terminated) end

return http
