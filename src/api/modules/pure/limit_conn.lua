-- `resty.limit.conn`: requests at the same time for each key, in a shared dictionary.

local ngx, error, floor, setmetatable = ngx, error, math.floor, setmetatable

local module = { _VERSION = "0.09" }
local mt = { __index = module }

function module.new(dict_name, max, burst, default_conn_delay)
  local dict = ngx.shared[dict_name]
  if not dict then
    return nil, "shared dict not found"
  elseif not (max > 0 and burst >= 0 and default_conn_delay > 0) then
    error("assertion failed!", 2)
  end
  return setmetatable({ dict = dict, max = max + 0, burst = burst, unit_delay = default_conn_delay }, mt)
end

-- The seconds to wait, and how many are there; or `nil, "rejected"`.
function module:incoming(key, commit)
  self.committed = false
  local count, err
  if commit then
    count, err = self.dict:incr(key, 1, 0)
    if not count then
      return nil, err
    elseif count > self.max + self.burst then
      count, err = self.dict:incr(key, -1)
      if not count then
        return nil, err
      end
      return nil, "rejected"
    end
    self.committed = true
  else
    count = (self.dict:get(key) or 0) + 1
    if count > self.max + self.burst then
      return nil, "rejected"
    end
  end
  if count > self.max then
    return self.unit_delay * floor((count - 1) / self.max), count
  end
  return 0, count
end

function module:is_committed()
  return self.committed
end

-- The request has ended; how long it took makes the delay of those to come.
function module:leaving(key, req_latency)
  local count, err = self.dict:incr(key, -1)
  if not count then
    return nil, err
  end
  if req_latency then
    self.unit_delay = (req_latency + self.unit_delay) / 2
  end
  return count
end

function module:uncommit(key)
  return self.dict:incr(key, -1)
end

function module:set_conn(max)
  self.max = max
end

function module:set_burst(burst)
  self.burst = burst
end

return module
