---@meta resty.core.shdict

-- The same as `resty.core`.
return require "resty.core"
