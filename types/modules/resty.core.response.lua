---@meta resty.core.response

-- The same as `resty.core`.
return require "resty.core"
