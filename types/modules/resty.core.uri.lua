---@meta resty.core.uri

-- The same as `resty.core`.
return require "resty.core"
