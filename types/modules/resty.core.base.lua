---@meta resty.core.base

-- The same as `resty.core`.
return require "resty.core"
