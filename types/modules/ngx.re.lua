---@meta ngx.re

---What `ngx.re` lacks.
---@class ngx.re
local re = {}

---Splits a text where a regular expression matches.
---
---Phases: any.
---
---```lua
---local parts = require("ngx.re").split("a, b", [[,\s*]], "jo")
---```
---@param subject string the text
---@param regex string the regular expression
---@param options? string letters, as for `ngx.re.match`
---@param ctx? table `pos` where to begin
---@param max? integer how many parts at most; 0, the default, for all
---@param res? table a table to put them into
---@return string[]? parts the parts
---@return string? err what is wrong with the expression
function re.split(subject, regex, options, ctx, max, res) end

---Sets an option of the engine. Has no effect here.
---
---Phases: any.
---
---```lua
---require("ngx.re").opt("jit_stack_size", 32768)
---```
---@param option string its name
---@param value any its value
function re.opt(option, value) end

return re
