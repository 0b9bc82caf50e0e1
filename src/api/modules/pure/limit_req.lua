-- `resty.limit.req`: a leaky bucket for each key, in a shared dictionary.

local ngx, abs, max, now, setmetatable, tonumber = ngx, math.abs, math.max, ngx.now, setmetatable, tonumber
local match = string.match

local module = { _VERSION = "0.09" }
local mt = { __index = module }

function module.new(dict_name, rate, burst)
  local dict = ngx.shared[dict_name]
  if not dict then
    return nil, "shared dict not found"
  elseif not (rate > 0 and burst >= 0) then
    error("assertion failed!", 2)
  end
  return setmetatable({ dict = dict, rate = rate, burst = burst }, mt)
end

-- A bucket is a text: how many requests are in it, and when it was last looked at.
local function excess_of(self, key, counted)
  local at = now()
  local entry = self.dict:get(key)
  if not entry then
    return 0, at
  end
  local excess, last = match(entry, "^(%S+) (%S+)$")
  excess, last = tonumber(excess), tonumber(last)
  if not last then
    return nil, "shdict abused by other users"
  end
  return max(excess - self.rate * abs(at - last) + counted, 0), at
end

-- The seconds to wait, and how many requests are ahead; or `nil, "rejected"`.
function module:incoming(key, commit)
  local excess, at = excess_of(self, key, 1)
  if not excess then
    return nil, at
  elseif excess > self.burst then
    return nil, "rejected"
  end
  if commit then
    local ok, err = self.dict:set(key, string.format("%.6f %.3f", excess, at))
    if not ok then
      return nil, err
    end
  else
    self.excess = excess
  end
  return excess / self.rate, excess
end

function module:uncommit(key)
  local entry = self.dict:get(key)
  if not entry then
    return nil, "not found"
  end
  local excess, last = match(entry, "^(%S+) (%S+)$")
  if not last then
    return nil, "shdict abused by other users"
  end
  local ok, err = self.dict:set(key, string.format("%.6f %s", max(excess - 1, 0), last))
  if not ok then
    return nil, err
  end
  return true
end

function module:set_rate(rate)
  self.rate = rate
end

function module:set_burst(burst)
  self.burst = burst
end

return module
