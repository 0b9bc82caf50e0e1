---@meta resty.core.regex

-- The same as `resty.core`.
return require "resty.core"
