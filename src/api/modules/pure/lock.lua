-- `resty.lock`: a key of a shared dictionary that one request has at a time.

local native = ...
local ngx, error, min, now, setmetatable, type = ngx, error, math.min, ngx.now, setmetatable, type
local sleep, tostring = ngx.sleep, tostring

local module = { _VERSION = "0.09" }
local mt = { __index = module }

function module:new(dict_name, opts)
  local dict = dict_name and ngx.shared[dict_name]
  if not dict then
    return nil, "dictionary not found"
  end
  opts = opts or {}
  if type(opts) ~= "table" then
    error("bad argument #3 to 'new' (table expected, got " .. type(opts) .. ")", 2)
  end
  local exptime = opts.exptime or 30
  return setmetatable({
    dict = dict,
    exptime = exptime,
    timeout = opts.timeout and min(opts.timeout, exptime) or 5,
    step = opts.step or 0.001,
    ratio = opts.ratio or 2,
    max_step = opts.max_step or 0.5,
  }, mt)
end

-- Waits until the key is free; gives the seconds that it took.
function module:lock(key)
  if not key then
    return nil, "nil key"
  elseif self.key then
    return nil, "locked"
  end
  local began = now()
  local step, timeout, elapsed = self.step, self.timeout, 0
  while true do
    local ok, err = self.dict:add(key, true, self.exptime)
    if ok then
      self.key, self.held = key, native.hold(self.dict, tostring(key))
      return elapsed
    elseif err ~= "exists" then
      return nil, err
    elseif timeout <= 0 then
      return nil, "timeout"
    end
    local pause = min(step, timeout)
    sleep(pause)
    elapsed = now() - began
    timeout = timeout - pause
    step = min(step * self.ratio, self.max_step)
  end
end

function module:unlock()
  local key = self.key
  if not key then
    return nil, "unlocked"
  end
  local ok, err = self.dict:delete(key)
  if not ok then
    return nil, err
  end
  native.let_go(self.held)
  self.key, self.held = nil, nil
  return 1
end

function module:expire(time)
  local key = self.key
  if not key then
    return nil, "unlocked"
  end
  local ok, err = self.dict:replace(key, true, time or self.exptime)
  if not ok then
    return nil, err
  end
  return true
end

return module
