-- `kong.tools.uuid`.

local uuid = require("resty.jit-uuid")

return { uuid = uuid.generate_v4, is_valid_uuid = uuid.is_valid }
