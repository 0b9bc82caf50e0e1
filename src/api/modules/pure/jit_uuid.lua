-- `resty.jit-uuid`.

local random_bytes, md5, sha1 = ...
local setmetatable, tonumber, type, unpack = setmetatable, tonumber, type, unpack
local byte, char, format, gsub, match = string.byte, string.char, string.format, string.gsub, string.match

local module = { _VERSION = "0.0.7" }

local function text_of(bytes, version)
  local b = { byte(bytes, 1, 16) }
  b[7] = b[7] % 16 + version * 16
  b[9] = b[9] % 64 + 128
  return format("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", unpack(b))
end

-- The generator is the system's: it needs no seed.
function module.seed(seed)
  return seed or 0
end

function module.generate_v4()
  return text_of(random_bytes(16), 4)
end

function module.is_valid(uuid)
  if type(uuid) ~= "string" or #uuid ~= 36 then
    return false
  end
  local x = "%x%x%x%x"
  return match(uuid, "^" .. x .. x .. "%-" .. x .. "%-" .. x .. "%-[89abAB]%x%x%x%-" .. x .. x .. x .. "$") ~= nil
end

local function factory(digest, version)
  return function(namespace)
    if not module.is_valid(namespace) then
      return nil, "namespace must be a valid UUID"
    end
    local bytes = gsub(gsub(namespace, "-", ""), "%x%x", function(digits)
      return char(tonumber(digits, 16))
    end)
    return function(name)
      if type(name) ~= "string" then
        return nil, "name must be a string"
      end
      return text_of(digest(bytes .. name), version)
    end
  end
end

module.factory_v3 = factory(md5, 3)
module.factory_v5 = factory(sha1, 5)

function module.generate_v3(namespace, name)
  local generate, err = module.factory_v3(namespace)
  if not generate then
    return nil, err
  end
  return generate(name)
end

function module.generate_v5(namespace, name)
  local generate, err = module.factory_v5(namespace)
  if not generate then
    return nil, err
  end
  return generate(name)
end

return setmetatable(module, { __call = module.generate_v4 })
