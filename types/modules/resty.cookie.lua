---@meta resty.cookie

---Cookies.
---@class resty.cookie
local cookie = {}

---The version of lua-resty-cookie that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.cookie")._VERSION
---```
---@type string
cookie._VERSION = nil

---The cookies of the request and the response.
---
---Phases: any.
---
---```lua
---local cookies = assert(require("resty.cookie"):new())
---```
---@return resty.cookie cookies the object
---@return string? err why there is none
function cookie:new() end

---A cookie of the request.
---
---Phases: any.
---
---```lua
---local session = assert(require("resty.cookie"):new()):get("session")
---```
---@param key string its name
---@return string? value nil if it is not there
---@return string? err why not
function cookie:get(key) end

---All cookies of the request.
---
---Phases: any.
---
---```lua
---local all = assert(require("resty.cookie"):new()):get_all()
---```
---@return table<string, string>? cookies values by names
---@return string? err why there are none
function cookie:get_all() end

---Adds a cookie to the response.
---
---Phases: any.
---
---```lua
---assert(require("resty.cookie"):new()):set({ key = "theme", value = "dark", path = "/", httponly = true })
---```
---@param cookie { key: string, value: string, path?: string, domain?: string, secure?: boolean, httponly?: boolean, expires?: string, max_age?: integer, samesite?: string, extension?: string } its parts; `max_age` in seconds, `samesite` is `Strict`, `Lax` or `None`
---@return boolean? ok true
---@return string? err why not
function cookie:set(cookie) end

return cookie
