-- `resty.openssl.digest`.

local module, object = ...
local tostring = tostring

function module.new(typ)
  local digest = object(typ or "sha1")
  if not digest then
    return nil, 'digest.new: invalid digest type "' .. tostring(typ) .. '"'
  end
  return digest
end

function module.get_provider_name()
  return "default"
end

return module
