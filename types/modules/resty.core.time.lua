---@meta resty.core.time

-- The same as `resty.core`.
return require "resty.core"
