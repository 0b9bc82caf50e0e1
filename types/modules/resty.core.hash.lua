---@meta resty.core.hash

-- The same as `resty.core`.
return require "resty.core"
