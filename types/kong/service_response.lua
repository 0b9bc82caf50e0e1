---@meta _

-- What the service has answered.

---The answer of the service, before functions and plugins have changed it.
---@class kong.service.response
kong.service.response = {}

---The status that the service has answered with.
---
---Phases: header_filter, body_filter, log.
---
---```lua
---local status = kong.service.response.get_status()
---```
---@return integer? status nil if the service was not called
function kong.service.response.get_status() end

---All headers of the service's answer.
---
---Phases: header_filter, body_filter, log.
---
---```lua
---local server = kong.service.response.get_headers()["server"]
---```
---@param max_headers? integer how many at most, from 1 to 1000; 100 if it is left out
---@return table<string, string|string[]> headers the headers, found by names in any case
---@return string? err `truncated` if there were more
function kong.service.response.get_headers(max_headers) end

---One header of the service's answer; the first, if it is there several times.
---
---Phases: header_filter, body_filter, log.
---
---```lua
---local tag = kong.service.response.get_header("etag")
---```
---@param name string its name, in any case; `_` counts as `-`
---@return string? value nil if there is no such header
function kong.service.response.get_header(name) end

---The body of the service's answer, if `kong.service.request.enable_buffering` was called in `access`;
---raises if not.
---
---Phases: header_filter, body_filter, log.
---
---```lua
---local body = kong.service.response.get_raw_body()
---```
---@return string? body empty for an empty body
function kong.service.response.get_raw_body() end

---The body of the service's answer, parsed, if `kong.service.request.enable_buffering` was called in
---`access`.
---
---Phases: header_filter, body_filter, log.
---
---```lua
---local answer = kong.service.response.get_body("application/json")
---```
---@param mimetype? string parse it as this type, whatever the header says
---@param max_args? integer how many arguments of a form at most, from 1 to 1000; 100 if it is left out
---@return table? body nil if it cannot be parsed
---@return string? err why not
function kong.service.response.get_body(mimetype, max_args) end
