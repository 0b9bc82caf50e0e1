---@meta kong.tools.utils

---The functions of `kong.tools.string`, `table`, `uuid`, `rand`, `http`, `ip`, `time` and `gzip`.
---@class kong.tools.utils: kong.tools.string, kong.tools.table, kong.tools.uuid, kong.tools.rand, kong.tools.http, kong.tools.ip, kong.tools.time, kong.tools.gzip
local utils = {}

return utils
