---@meta kong.tools.rand

---Random texts.
---@class kong.tools.rand
local rand = {}

---Random bytes, good enough for keys.
---
---Phases: any.
---
---```lua
---local bytes = require("kong.tools.rand").get_rand_bytes(16)
---```
---@param length integer how many
---@param urandom? boolean has no effect
---@return string bytes the bytes
function rand.get_rand_bytes(length, urandom) end

---A random text of 32 letters and digits.
---
---Phases: any.
---
---```lua
---local token = require("kong.tools.rand").random_string()
---```
---@return string text the text
function rand.random_string() end

return rand
