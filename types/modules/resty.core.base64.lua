---@meta resty.core.base64

-- The same as `resty.core`.
return require "resty.core"
