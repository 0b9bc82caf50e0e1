---@meta resty.core.request

-- The same as `resty.core`.
return require "resty.core"
