---@meta ngx.pipe

---Processes: there are none here.
---@class ngx.pipe
local pipe = {}

---Would start a process. Functions start none.
---
---Phases: any.
---
---```lua
---local process, err = require("ngx.pipe").spawn({ "ls" })
---```
---@param args string|string[] the command
---@param options? table has no effect
---@return any process nil
---@return string? err why not
function pipe.spawn(args, options) end

return pipe
