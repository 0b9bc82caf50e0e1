---@meta _

-- The route that was found.

---The route and the service that the router has found.
---@class kong.router
kong.router = {}

---A route, as Kong keeps it.
---@class kong.router.route
---@field id string its uuid
---@field name? string its name
---@field hosts? string[] hosts that it takes
---@field paths? string[] paths that it takes
---@field methods? string[] methods that it takes
---@field protocols? string[] protocols that it takes
---@field strip_path? boolean whether the path that was found is cut off
---@field preserve_host? boolean whether the service gets the client's host
---@field tags? string[] its tags
---@field service? { id: string } its service

---A service, as Kong keeps it.
---@class kong.router.service
---@field id string its uuid
---@field name? string its name
---@field protocol? string `http` or `https`
---@field host? string where it is
---@field port? integer its port
---@field path? string what stands before the path
---@field retries? integer how often it is tried again
---@field connect_timeout? integer milliseconds
---@field read_timeout? integer milliseconds
---@field write_timeout? integer milliseconds
---@field tags? string[] its tags

---The route that the request has taken.
---
---Phases: access, header_filter, body_filter, log.
---
---```lua
---local route = kong.router.get_route()
---```
---@return kong.router.route? route nil if there is none
function kong.router.get_route() end

---The service that the route leads to.
---
---Phases: access, header_filter, body_filter, log.
---
---```lua
---local service = kong.router.get_service()
---```
---@return kong.router.service? service nil if there is none
function kong.router.get_service() end
