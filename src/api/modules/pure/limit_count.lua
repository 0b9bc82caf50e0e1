-- `resty.limit.count`: a number of requests for each window of time, in a shared dictionary.

local ngx, error, setmetatable = ngx, error, setmetatable

local module = { _VERSION = "0.09" }
local mt = { __index = module }

function module.new(dict_name, limit, window)
  local dict = ngx.shared[dict_name]
  if not dict then
    return nil, "shared dict not found"
  elseif not (limit > 0 and window > 0) then
    error("assertion failed!", 2)
  end
  return setmetatable({ dict = dict, limit = limit, window = window }, mt)
end

-- 0 and what is left of the window's number; or `nil, "rejected"`.
function module:incoming(key, commit, cost)
  cost = cost or 1
  local left, err
  if commit then
    left, err = self.dict:incr(key, -cost, self.limit, self.window)
    if not left then
      return nil, err
    end
  else
    left = (self.dict:get(key) or self.limit) - cost
  end
  if left < 0 then
    return nil, "rejected"
  end
  return 0, left
end

function module:uncommit(key, cost)
  local left, err = self.dict:incr(key, cost or 1)
  if not left then
    if err == "not found" then
      return self.limit
    end
    return nil, err
  end
  return left
end

return module
