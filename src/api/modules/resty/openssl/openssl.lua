-- `resty.openssl`: its parts, loaded when they are asked for.

local require, setmetatable = require, setmetatable

local PARTS = {
  bn = true, cipher = true, digest = true, hmac = true, kdf = true, mac = true, pkey = true, rand = true,
  version = true, x509 = true,
}

local module = { _VERSION = "1.7.1" }

function module.load_modules()
  for name in next, PARTS do
    module[name] = require("resty.openssl." .. name)
  end
end

return setmetatable(module, {
  __index = function(t, name)
    if PARTS[name] then
      t[name] = require("resty.openssl." .. name)
      return t[name]
    end
  end,
})
