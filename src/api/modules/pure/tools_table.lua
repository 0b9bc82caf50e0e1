-- `kong.tools.table`.

local error, getmetatable, ipairs, next, pairs, select, setmetatable, type, unpack =
  error, getmetatable, ipairs, next, pairs, select, setmetatable, type, unpack
local gmatch = string.gmatch

local module = {
  EMPTY = setmetatable({}, { __newindex = function()
    error("attempt to modify a readonly table", 2)
  end }),
}

function module.pack(...)
  return { n = select("#", ...), ... }
end

function module.unpack(t, i, j)
  return unpack(t, i or 1, j or t.n or #t)
end

function module.shallow_copy(t)
  local copy = {}
  for key, value in pairs(t) do
    copy[key] = value
  end
  return copy
end

function module.table_merge(t1, t2)
  local merged = module.shallow_copy(t1 or {})
  for key, value in pairs(t2 or {}) do
    merged[key] = value
  end
  return merged
end

function module.null_aware_table_merge(t1, t2)
  local merged = {}
  for key, value in pairs(t1 or {}) do
    merged[key] = value ~= ngx.null and value or nil
  end
  for key, value in pairs(t2 or {}) do
    if value ~= ngx.null then
      merged[key] = value
    end
  end
  return merged
end

function module.table_contains(list, value)
  if list then
    for i, other in ipairs(list) do
      if other == value then
        return true, i
      end
    end
  end
  return false
end

function module.is_array(t, mode)
  if type(t) ~= "table" then
    return false
  end
  local count = 0
  for key in pairs(t) do
    if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then
      return false
    end
    count = count + 1
  end
  return mode == "lapis" and (count == 0 or t[1] ~= nil) or count == #t
end

function module.is_lapis_array(t)
  return module.is_array(t, "lapis")
end

local function copied(value, with_meta, keys_too, seen)
  if type(value) ~= "table" then
    return value
  elseif seen[value] then
    return seen[value]
  end
  local copy = {}
  seen[value] = copy
  for key, own in next, value do
    if keys_too then
      key = copied(key, with_meta, keys_too, seen)
    end
    copy[key] = copied(own, with_meta, keys_too, seen)
  end
  return with_meta and setmetatable(copy, getmetatable(value)) or copy
end

function module.deep_copy(value, copy_mt)
  return copied(value, copy_mt == nil or copy_mt, true, {})
end

function module.cycle_aware_deep_copy(value, remove_metatables, deep_copy_keys, cache)
  return copied(value, not remove_metatables, deep_copy_keys == nil or deep_copy_keys, cache or {})
end

function module.deep_merge(t1, t2)
  local merged = module.deep_copy(t1)
  for key, value in pairs(t2) do
    if type(value) == "table" and type(merged[key]) == "table" then
      merged[key] = module.deep_merge(merged[key], value)
    else
      merged[key] = module.deep_copy(value)
    end
  end
  return merged
end

function module.cycle_aware_deep_merge(t1, t2, remove_metatables, deep_copy_keys, cache)
  cache = cache or {}
  local merged = module.cycle_aware_deep_copy(t1, remove_metatables, deep_copy_keys, cache)
  for key, value in pairs(t2) do
    if type(value) == "table" and type(merged[key]) == "table" then
      merged[key] = module.cycle_aware_deep_merge(merged[key], value, remove_metatables, deep_copy_keys, cache)
    else
      merged[key] = module.cycle_aware_deep_copy(value, remove_metatables, deep_copy_keys, cache)
    end
  end
  return merged
end

function module.concat(...)
  local list = {}
  for i = 1, select("#", ...) do
    for _, value in ipairs((select(i, ...))) do
      list[#list + 1] = value
    end
  end
  return list
end

function module.add_error(errors, key, message)
  errors = errors or {}
  local before = errors[key]
  if type(before) == "table" then
    before[#before + 1] = message
  elseif before ~= nil then
    errors[key] = { before, message }
  else
    errors[key] = message
  end
  return errors
end

-- What lies at a path of keys: a list, or a text with dots.
function module.table_path(t, path)
  local keys = path
  if type(path) == "string" then
    keys = {}
    for key in gmatch(path, "[^.]+") do
      keys[#keys + 1] = key
    end
  end
  for _, key in ipairs(keys) do
    if type(t) ~= "table" then
      return nil
    end
    t = t[key]
  end
  return t
end

return module
