-- `kong.vault.update` and `kong.vault.try`, over what dereferences one reference.

local vault = ...
local pairs, type, next = pairs, type, next
local dereference = vault.update

local function update(config)
  if type(config) ~= "table" then
    return config
  end
  for key, value in pairs(config) do
    if key ~= "$refs" and type(value) == "table" then
      update(value)
    end
  end
  local references = config["$refs"]
  if type(references) ~= "table" then
    return config
  end
  for name, reference in pairs(references) do
    if type(reference) == "string" then
      config[name] = dereference(reference)
    elseif type(reference) == "table" then
      for key, ref in pairs(reference) do
        config[name][key] = dereference(ref)
      end
    end
  end
  return config
end

local function has_references(options)
  if type(options) ~= "table" then
    return false
  end
  local references = options["$refs"]
  if type(references) == "table" and next(references) ~= nil then
    return true
  end
  for key, value in pairs(options) do
    if key ~= "$refs" and has_references(value) then
      return true
    end
  end
  return false
end

vault.update = update

function vault.try(callback, options)
  if not has_references(options) then
    return callback(options)
  end
  local result = callback(update(options))
  if result then
    return result
  end
  return callback(update(options))
end
