-- `resty.openssl.hmac`.

local module, object = ...
local tostring = tostring

function module.new(key, typ)
  local hmac = object(key, typ or "sha1")
  if not hmac then
    return nil, 'hmac.new: invalid digest type "' .. tostring(typ) .. '"'
  end
  return hmac
end

return module
