---@meta resty.lrucache.pureffi

-- The same as `resty.lrucache`.
return require "resty.lrucache"
