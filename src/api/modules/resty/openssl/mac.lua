-- `resty.openssl.mac`, of which there is HMAC.

local module, object = ...
local tostring, type, upper = tostring, type, string.upper

function module.new(key, typ, _, digest)
  if type(typ) ~= "string" or upper(typ) ~= "HMAC" then
    return nil, 'mac.new: invalid mac type "' .. tostring(typ) .. '"'
  end
  local mac = object(key, digest)
  if not mac then
    return nil, "mac.new: invalid cipher or digest type"
  end
  return mac
end

function module.get_provider_name()
  return "default"
end

return module
