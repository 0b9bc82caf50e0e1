---@meta _

-- What the operator has set.

---The operator's settings by their names in `kong.conf`. Secrets are `******`. Nothing can be written.
---
---Phases: any.
---
---```lua
---local level = kong.configuration.log_level
---```
---@class kong.configuration
---@field [string] any a setting
kong.configuration = {}

---A copy of the settings, without secrets.
---
---Phases: any.
---
---```lua
---local settings = kong.configuration.remove_sensitive()
---```
---@return table<string, any> settings settings by their names
function kong.configuration.remove_sensitive() end
