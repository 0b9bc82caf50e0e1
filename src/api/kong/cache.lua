-- What of `kong.cache` calls a loader. The rows that it wraps check arguments and look values up;
-- `native` has what goes around a loader. Where a function does not come back from its loader,
-- because it has ended the request or was given up, its transaction frees the key.

local rows, native, serialized = ...
local error, pcall, tostring, type = error, pcall, tostring, type

local FAILED_GET = "failed to get from node cache: "
local FAILED_RENEW = "failed to renew key in node cache: "

-- Waits until the key is free, or its value there: what `acquire` says then.
local function acquired(key, renewed)
  local state, value, more = native.acquire(key, renewed)
  local deadline = state == "busy" and native.deadline()
  while state == "busy" do
    if not native.await(key, deadline) then
      return "timeout"
    end
    state, value, more = native.acquire(key, renewed)
  end
  return state, value, more
end

-- Stores what a loader gave, and frees the key.
local function finish(key, value, ttl, serializer)
  local shown, err = serialized(value, serializer)
  if err then
    native.release(key)
    return nil, err
  end
  native.store(key, value, ttl)
  return shown
end

-- Calls the loader, after the key is its own. Gives the value, an error and the level, as mlcache.
local function loaded(key, went_stale, ttl, neg_ttl, resurrect_ttl, serializer, ok, value, err, new_ttl)
  if not ok then
    native.release(key)
    return nil, "callback threw an error: " .. tostring(value)
  end
  if err then
    err = tostring(err)
    if went_stale then
      local is_there, old = native.resurrect(key, resurrect_ttl)
      native.release(key)
      if is_there then
        native.warn("callback returned an error (" .. err .. ") but stale value found in shm will be "
          .. "resurrected for " .. resurrect_ttl .. "s (resurrect_ttl)")
        old, err = serialized(old, serializer)
        return old, err, 4
      end
    end
    native.release(key)
    return nil, err
  end
  if type(new_ttl) == "number" then
    if new_ttl < 0 then
      native.release(key)
      return value, nil, 3
    end
    ttl, neg_ttl = new_ttl, new_ttl
  end
  local shown
  shown, err = finish(key, value, value == nil and neg_ttl or ttl, serializer)
  if err then
    return nil, err
  end
  return shown, nil, 3
end

-- The value of a key, by its loader if need be.
local function load(key, went_stale, ttl, neg_ttl, resurrect_ttl, serializer, loader, ...)
  local state, value, level = acquired(key)
  if state == "found" then
    local err
    value, err = serialized(value, serializer)
    return value, err, level
  elseif state == "timeout" then
    local err = "could not acquire callback lock: timeout"
    local is_kept, old = native.old(key)
    if not (went_stale and is_kept) then
      return nil, err
    end
    native.warn(err)
    value, err = serialized(old, serializer)
    return value, err, 4
  end
  return loaded(key, went_stale, ttl, neg_ttl, resurrect_ttl, serializer, pcall(loader, ...))
end

local function reported(prefix, value, err, more)
  if err then
    return nil, prefix .. tostring(err)
  end
  return value, nil, more
end

local get, get_bulk, renew = rows.get, rows.get_bulk, rows.renew

function rows:get(key, opts, cb, ...)
  local is_there, value, level, ttl, neg_ttl, resurrect_ttl, serializer = get(self, key, opts, cb)
  if is_there then
    local err
    value, err = serialized(value, serializer)
    return reported(FAILED_GET, value, err, level)
  elseif not cb then
    return nil, nil, -1
  end
  return reported(FAILED_GET, load(key, value, ttl, neg_ttl, resurrect_ttl, serializer, cb, ...))
end

function rows:renew(key, opts, cb, ...)
  local version, ttl, neg_ttl, _, serializer = renew(self, key, opts, cb)
  local state, current, left = acquired(key, version)
  if state == "found" then
    return current, nil, left
  elseif state == "timeout" then
    return nil, FAILED_RENEW .. "could not acquire callback lock: timeout"
  end
  local ok, value, err, new_ttl = pcall(cb, ...)
  if not ok then
    native.release(key)
    return nil, FAILED_RENEW .. "callback threw an error: " .. tostring(value)
  elseif err then
    native.release(key)
    return nil, FAILED_RENEW .. tostring(err)
  end
  if type(new_ttl) == "number" then
    if new_ttl < 0 then
      native.release(key)
      return value, nil, new_ttl
    end
    ttl, neg_ttl = new_ttl, new_ttl
  end
  ttl = value == nil and neg_ttl or ttl
  value, err = finish(key, value, ttl, serializer)
  return reported(FAILED_RENEW, value, err, ttl)
end

-- Kong: runs up to three loaders at a time. Here one comes after the other.
function rows:get_bulk(bulk, opts)
  local count = get_bulk(self, bulk, opts)
  local results = { n = count * 3 }
  for i = 0, count - 1 do
    local key, loader = bulk[i * 4 + 1], bulk[i * 4 + 3]
    local is_there, value, level, ttl, neg_ttl, resurrect_ttl, serializer = native.find(key, bulk[i * 4 + 2])
    local err
    if is_there then
      value, err = serialized(value, serializer)
    else
      value, err, level =
        load(key, value, ttl, neg_ttl, resurrect_ttl, serializer, loader, bulk[i * 4 + 4])
    end
    results[i * 3 + 1], results[i * 3 + 2], results[i * 3 + 3] = value, err, level
  end
  return results
end

return rows
