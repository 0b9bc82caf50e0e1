---@meta resty.core.var

-- The same as `resty.core`.
return require "resty.core"
