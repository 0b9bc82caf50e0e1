---@meta kong.resty.mlcache

-- The same as `resty.mlcache`.
return require "resty.mlcache"
