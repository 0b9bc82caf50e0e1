---@meta kong.tools.uuid

---Uuids.
---@class kong.tools.uuid
local uuid = {}

---A random uuid.
---
---Phases: any.
---
---```lua
---local id = require("kong.tools.uuid").uuid()
---```
---@return string uuid 36 characters
function uuid.uuid() end

---Whether a text is a uuid.
---
---Phases: any.
---
---```lua
---local is_id = require("kong.tools.uuid").is_valid_uuid("ada")
---```
---@param text any the text
---@return boolean is_valid true if it is
function uuid.is_valid_uuid(text) end

return uuid
