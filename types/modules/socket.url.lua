---@meta socket.url

---LuaSocket's: URLs taken to pieces and put together (RFC 2396).
---@class socket.url
local url = {}

---The pieces of a URL. In a relative one, some are not there.
---@class socket.url.parsed
---@field scheme? string
---@field authority? string `user:password@host:port`
---@field userinfo? string
---@field user? string
---@field password? string
---@field host? string without brackets, if it is an IPv6 address
---@field port? string
---@field path? string
---@field params? string what stands after `;`
---@field query? string
---@field fragment? string

---The pieces of a path.
---@class socket.url.path
---@field [integer] string a segment
---@field is_absolute? integer 1, if it begins with `/`
---@field is_directory? integer 1, if it ends with `/`

---The version of LuaSocket's module that this is like.
---
---Phases: any.
---
---```lua
---local version = require("socket.url")._VERSION
---```
---@type string
url._VERSION = nil

---Takes a URL to pieces.
---
---Phases: any.
---
---```lua
---local host = require("socket.url").parse("https://example.com/a?b=1").host
---```
---@param url string? the URL, which may be relative
---@param default? table pieces for those that it does not have
---@return socket.url.parsed? parsed its pieces
---@return string? err `invalid url`, if there is none
function url.parse(url, default) end

---Puts a URL together.
---
---Phases: any.
---
---```lua
---local text = require("socket.url").build({ scheme = "https", host = "example.com", path = "/a" })
---```
---@param parsed socket.url.parsed its pieces
---@return string url the URL
function url.build(parsed) end

---The address that a relative URL means.
---
---Phases: any.
---
---```lua
---local text = require("socket.url").absolute("https://example.com/a/b", "../c")
---```
---@param base string|socket.url.parsed where it stands
---@param relative string the relative URL
---@return string url the address
function url.absolute(base, relative) end

---Encodes all but letters, digits and `_` with `%`.
---
---Phases: any.
---
---```lua
---local text = require("socket.url").escape("a b")
---```
---@param text string any bytes
---@return string escaped the text
function url.escape(text) end

---Decodes what is encoded with `%`.
---
---Phases: any.
---
---```lua
---local text = require("socket.url").unescape("a%20b")
---```
---@param text string the text
---@return string unescaped the bytes
function url.unescape(text) end

---Takes a path to pieces, and decodes them.
---
---Phases: any.
---
---```lua
---local second = require("socket.url").parse_path(kong.request.get_path())[2]
---```
---@param path string? the path
---@return socket.url.path parsed its segments
function url.parse_path(path) end

---Puts a path together.
---
---Phases: any.
---
---```lua
---local path = require("socket.url").build_path({ "a b", "c", is_absolute = 1 })
---```
---@param parsed socket.url.path its segments
---@param unsafe? boolean whether they are left as they are, and not encoded
---@return string path the path
function url.build_path(parsed, unsafe) end

return url
