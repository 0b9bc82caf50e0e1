---@meta _

-- Tables for the length of a request.

---Tables that live as long as the request.
---@class kong.ctx
kong.ctx = {}

---One table for all functions and plugins of the request, and for the application.
---
---Phases: any.
---
---```lua
---kong.ctx.shared.user = "ada"
---```
---@type table<any, any>
kong.ctx.shared = {}

---A table of this plugin alone, for all its phases.
---
---Phases: any.
---
---```lua
---kong.ctx.plugin.started = ngx.now()
---```
---@type table<any, any>
kong.ctx.plugin = {}
